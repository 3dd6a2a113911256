//! Administration that everybody can knock at.

use super::weigh::{basis, is_encrypted};
use super::{Check, Draft, Exposure, Rule, Subject};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::Scope;
use crate::registry::{Entry, Exposure as Purpose, Security};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "management-exposed",
        theme: Theme::Exposure,
        specificity: 14,
        summary: "An encrypted management service can be reached from beyond its network",
        explanation: "\
Encryption keeps an administrator's session from being read. It does not keep anybody from knocking: passwords are tried,
and a fault in the login page of a management plane is used within hours of becoming known. Administration belongs on a
network for management, behind a jump host or a VPN, however well it is encrypted.

It fires on services that administer something, are encrypted from the first byte and are not made for everybody, where
they are bound to a public address (medium) or to every address of a host that has more than loopback (low): a wildcard
also takes the addresses that will be added later, and whether a firewall narrows it cannot be seen from a socket. A login
over SSH is one step milder, low and info: it is how servers are administered, and is what is left when everything else
is closed. The port number alone, without an owner that confirms the service, is at most low, and everything that may be
there has to be such a service.

It keeps quiet on loopback and on private and link-local addresses, which may be the network for management. What is not
encrypted is told by `cleartext-management`.",
        remedy: "\
Bind it to the address of the network for management (for sshd: `ListenAddress`), or let a firewall take connections from
there alone; refuse passwords where keys or certificates will do.",
        controls: &[
            "NIST SP 800-53 Rev. 5 AC-17",
            "NIST SP 800-53 Rev. 5 SC-7(5)",
            "PCI DSS 4.0 1.2.5",
            "PCI DSS 4.0 1.4.2",
            "CIS Controls v8 12.8",
            "CISA BOD 23-02",
            "ISO/IEC 27001:2022 A.8.22",
            "BSI IT-Grundschutz 2023 NET.3.1.A4",
            "BSI IT-Grundschutz 2023 NET.3.1.A13",
            "MITRE ATT&CK T1133",
        ],
        fires_on: &[
            "tcp/0.0.0.0:3220 exe=/usr/sbin/mgd => low",
            "tcp/198.51.100.7:3220 exe=/usr/sbin/mgd => medium",
            "tcp/198.51.100.7:22 exe=/usr/sbin/sshd => low",
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd => info",
            "tcp/[2001:db8::1]:22 => low",
        ],
        quiet_on: &[
            "tcp/10.0.0.5:3220 exe=/usr/sbin/mgd",
            "tcp/127.0.0.1:22 exe=/usr/sbin/sshd",
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd alone",
            "tcp/0.0.0.0:443 exe=/usr/sbin/nginx",
            "tcp/0.0.0.0:22 exe=/usr/sbin/nginx",
            "tcp/0.0.0.0:3220 exe=/usr/sbin/mgd state=bound",
            "tcp/0.0.0.0:23 exe=/usr/sbin/telnetd",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    if subject.reach() != Exposure::Public {
        return None;
    }
    let claim = subject.credible_claim()?;
    if !claim.candidates().all(is_for_management) {
        return None;
    }
    let entry = claim.entry();
    let everywhere = subject.exposure == Scope::Wildcard;
    let severity = match (everywhere, is_login(entry)) {
        (true, true) => Severity::Info,
        (true, false) | (false, true) => Severity::Low,
        (false, false) if claim.confirmed => Severity::Medium,
        (false, false) => Severity::Low,
    };
    let bound = if everywhere { "every address" } else { "a public address" };
    let evidence = vec![
        basis(subject, claim),
        Evidence::new("registry", format!("{} ({}) belongs on a network for management", entry.name(), entry.title())),
        Evidence::new("address", format!("exposure: {}", subject.exposure.name())),
    ];
    Some(Draft {
        severity,
        message: format!("{}, which administers something and is bound to {bound}", claim.says()),
        evidence,
        remedy: "bind it to the address of the network for management, or let a firewall take connections from there \
                 alone"
            .to_owned(),
    })
}

/// True for a service that administers something, is encrypted and is not made for everybody.
fn is_for_management(entry: Entry) -> bool {
    entry.is_management() == Some(true) && is_encrypted(entry) && entry.exposure() != Some(Purpose::Public)
}

/// True for the login of a host.
fn is_login(entry: Entry) -> bool {
    entry.security() == Some(Security::Ssh) && entry.category() == Some("remote-access")
}
