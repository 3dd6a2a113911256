//! A service whose words can be read or forged on the way.

use super::instead::instead;
use super::weigh::{Harm, Weighed, weigh};
use super::{Check, Draft, Rule, Subject};
use crate::finding::{RuleInfo, Theme};
use crate::registry::WeaknessClass;

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "cleartext-protocol",
        theme: Theme::Secrecy,
        specificity: 10,
        summary: "A protocol is cleartext by design, and others can be on its way",
        explanation: "\
Logins, mail, files and measurements that cross a network in the clear are read and changed by whoever is on the way.
This is the rule for services that administer nothing; `cleartext-management` tells of those that do, and
`obsolete-crypto` of what is encrypted, and badly.

That a protocol *is* in the clear cannot be seen in a table of sockets. The finding rests on what the registry knows of
the service (\"cleartext by design\"), and on how sure it is that the service is there: an owner that the service is known
for counts in full; the port number alone counts as the mildest of what may be there; an owner that is known for
something else is no evidence for the service at all. Where it depends on the configuration (\"may be cleartext\") and no
owner confirms the service, it is at most low. The remedy ends with the test that settles it.

A web server on port 80 is low: it may well do no more than redirect. On the loopback interface nobody is on the way, so
it keeps quiet there unless the registry has a reason.",
        remedy: "\
Offer the service over TLS or its successor and refuse the cleartext one; where that cannot be, keep it to a network
whose hosts are trusted.",
        controls: &[
            "NIST SP 800-53 Rev. 5 SC-8(1)",
            "PCI DSS 4.0 2.2.5",
            "CIS Controls v8 3.10",
            "ISO/IEC 27001:2022 A.8.20",
            "CWE-319",
        ],
        fires_on: &[
            "tcp/0.0.0.0:80 exe=/usr/sbin/nginx => low",
            "tcp/0.0.0.0:21 exe=/usr/sbin/vsftpd => high",
            "tcp/10.0.0.5:21 exe=/usr/sbin/vsftpd => medium",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:443 exe=/usr/sbin/nginx",
            "tcp/127.0.0.1:21 exe=/usr/sbin/vsftpd",
            "tcp/0.0.0.0:21 exe=/usr/sbin/nginx",
            "udp/0.0.0.0:21 exe=/usr/sbin/vsftpd state=connected",
            "udp/0.0.0.0:1812 exe=/usr/sbin/freeradius",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    draft(subject, false)
}

/// The finding for a service that does, or does not, administer something.
pub(super) fn draft(subject: &Subject<'_>, management: bool) -> Option<Draft> {
    let Weighed { severity, claim, weakness, evidence } = weigh(subject, Harm::Secrecy)?;
    // What is encrypted badly is no cleartext: `obsolete-crypto` tells of it.
    let weakly = weakness.class == WeaknessClass::WeakOrObsoleteCrypto;
    if weakly || (claim.entry().is_management() == Some(true)) != management {
        return None;
    }
    let how = match weakness.class {
        WeaknessClass::CleartextCredentials => "is cleartext by design: logins can be read on the way",
        WeaknessClass::CleartextDisclosure => "is cleartext by design: what it tells can be read on the way",
        _ => "may be cleartext",
    };
    let otherwise = "turn it off, or bind it to loopback or to a network whose hosts are trusted";
    let message = format!("{}, which {how}", claim.says());
    Some(Draft { severity, message, evidence, remedy: instead(subject, claim.entry(), &weakness, otherwise) })
}
