//! Administration that can be read or forged on the way.

use super::cleartext_protocol::draft;
use super::{Check, Draft, Rule, Subject};
use crate::finding::{RuleInfo, Theme};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "cleartext-management",
        theme: Theme::Secrecy,
        specificity: 20,
        summary: "A protocol that administers something is cleartext by design",
        explanation: "\
Whoever is on the way reads the logins of an administrator, and with them takes over what they administer. That makes
cleartext on the management plane worse than anywhere else, and there is always something to use instead: the finding
names the secure counterpart and says whether it listens here already.

That a protocol *is* in the clear cannot be seen in a table of sockets. The finding rests on what the registry knows of
the service (\"cleartext by design\"), and on how sure it is that the service is there: an owner that the service is known
for counts in full; the port number alone counts as the mildest of what may be there; an owner that is known for
something else is no evidence for the service at all. Where it depends on the configuration (\"may be cleartext\") and no
owner confirms the service, it is at most low. The remedy ends with the test that settles it.

What is encrypted, and badly, is told by `obsolete-crypto`. On the loopback interface nobody is on the way, so it keeps
quiet there unless the registry has a reason.",
        remedy: "\
Switch to the secure counterpart (for 3221 xnm-clear-text: 3220 xnm-ssl, today 830 NETCONF over SSH) and turn the
cleartext service off; until then bind it to loopback or a network for management.",
        controls: &[
            "NIST SP 800-53 Rev. 5 AC-17(2)",
            "NIST SP 800-53 Rev. 5 IA-5(1)(c)",
            "NIST SP 800-53 Rev. 5 SC-8(1)",
            "PCI DSS 4.0 2.2.7",
            "CIS Controls v8 4.6",
            "CIS Controls v8 12.3",
            "CISA BOD 23-02",
            "ISO/IEC 27001:2022 A.8.20",
            "BSI IT-Grundschutz 2023 NET.3.1.A4",
            "CWE-319",
        ],
        fires_on: &[
            "tcp/0.0.0.0:3221 exe=/usr/sbin/mgd user=root => critical",
            "tcp/10.0.0.5:3221 exe=/usr/sbin/mgd => high",
            "tcp/0.0.0.0:23 exe=/usr/sbin/telnetd => critical",
            "tcp/[::]:23 exe=/usr/lib/systemd/systemd => critical",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd",
            "tcp/127.0.0.1:23 exe=/usr/sbin/telnetd",
            "tcp/0.0.0.0:3220 exe=/usr/sbin/mgd",
            "tcp/0.0.0.0:23 exe=/usr/sbin/telnetd alone",
            "tcp/0.0.0.0:23 exe=/usr/sbin/telnetd state=bound",
            "tcp/0.0.0.0:23 exe=/usr/sbin/nginx",
            "tcp/0.0.0.0:5900 exe=/usr/bin/x11vnc",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    draft(subject, true)
}
