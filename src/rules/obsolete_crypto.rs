//! Encryption that is broken.

use super::instead::instead;
use super::weigh::{Harm, Weighed, weigh};
use super::{Check, Draft, Rule, Subject};
use crate::finding::{RuleInfo, Theme};
use crate::registry::WeaknessClass;

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "obsolete-crypto",
        theme: Theme::Secrecy,
        specificity: 15,
        summary: "A protocol is protected by weak or obsolete cryptography only",
        explanation: "\
Some protocols encrypt, or sign, in ways that have been broken since: a password hidden with MD5 (RADIUS, TACACS+), a
challenge that falls to a dictionary (VNC, PPTP, IPMI), a vendor's own cipher. They look safe in a capture of packets and
in a checklist, and are not: whoever is on the way works out the secret at home, or forges the answer.

That the weak form is in use cannot be seen in a table of sockets. The finding rests on what the registry knows of the
protocol's own protection, and on how sure it is that the service is there: an owner that the service is known for counts
in full; the port number alone counts as the mildest of what may be there; an owner that is known for something else is no
evidence for the service at all. The remedy ends with the test that shows whether this server still takes the weak form.

Versions of TLS are not judged: which ones a server accepts is negotiated with each client and stands in its
configuration alone. On the loopback interface nobody is on the way, so it keeps quiet there unless the registry has a
reason. What is not encrypted at all is told by `cleartext-management` and `cleartext-protocol`.",
        remedy: "\
Move to the successor that the finding names, or run the protocol inside TLS, SSH or IPsec; until then keep it to a
network whose hosts are trusted.",
        controls: &[
            "NIST SP 800-53 Rev. 5 SC-8(1)",
            "NIST SP 800-53 Rev. 5 SC-13",
            "PCI DSS 4.0 2.2.7",
            "PCI DSS 4.0 12.3.3",
            "CIS Controls v8 3.10",
            "ISO/IEC 27001:2022 A.8.24",
            "CWE-327",
            "CWE-326",
        ],
        fires_on: &[
            "udp/0.0.0.0:1812 exe=/usr/sbin/freeradius => high",
            "udp/10.0.0.5:1812 exe=/usr/sbin/freeradius => medium",
            "tcp/0.0.0.0:1723 exe=/usr/sbin/pptpd => high",
        ],
        quiet_on: &[
            "udp/127.0.0.1:1812 exe=/usr/sbin/freeradius",
            "udp/0.0.0.0:1812 exe=/usr/sbin/freeradius alone",
            "tcp/0.0.0.0:443 exe=/usr/sbin/nginx",
            "tcp/0.0.0.0:3220 exe=/usr/sbin/mgd",
            "tcp/0.0.0.0:23 exe=/usr/sbin/telnetd",
            "tcp/0.0.0.0:1723 exe=/usr/sbin/nginx",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let Weighed { severity, claim, weakness, evidence } = weigh(subject, Harm::Secrecy)?;
    if weakness.class != WeaknessClass::WeakOrObsoleteCrypto {
        return None;
    }
    let otherwise = "run it inside TLS, SSH or IPsec, or bind it to a network whose hosts are trusted";
    let message = format!("{}, which is protected by weak or obsolete cryptography only", claim.says());
    Some(Draft { severity, message, evidence, remedy: instead(subject, claim.entry(), &weakness, otherwise) })
}
