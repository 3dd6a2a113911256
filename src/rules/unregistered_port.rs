//! A port that has no name.

use super::{Check, Draft, Exposure, Rule, Subject};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};

/// The first of the ports that IANA never assigns, RFC 6335, section 6.
const FIRST_DYNAMIC: u16 = 49_152;

/// The first port that anybody may bind, unless the host was told otherwise.
const FIRST_USER: u16 = 1024;

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "unregistered-port",
        theme: Theme::Identity,
        specificity: 2,
        summary: "Neither IANA nor the registry has a name for the port",
        explanation: "\
A port without a name is nothing wrong: IANA's list is a convention, and whoever writes a server may take what is free.
It is what an inventory has to ask about, though, because nothing else tells what the service is for, and because a name
in the list of a later year may take the number away.

It is info. It is low below 1024, beyond loopback: nobody takes one of these by chance, the free ones among them are few,
and binding one takes a privilege. It fires on sockets to which clients connect and for which neither IANA, nor
the registry that is built in, nor a file of this host has an entry.

It keeps quiet on loopback, where no firewall and nobody else meets the number; for ports that the kernel hands out; from
49152 up, where IANA names none; and for datagrams, since resolvers and games choose such ports for their questions.",
        remedy: "\
Name it in a file below /etc/earmark/registry.d: the name, the owner and how far it is meant to be reached; if nobody knows
what it is, find out who started it.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-7(1)",
            "NIST SP 800-53 Rev. 5 CM-8",
            "PCI DSS 4.0 1.2.5",
            "CIS Controls v8 4.8",
        ],
        fires_on: &[
            "tcp/0.0.0.0:8462 exe=/opt/acme/acmed => info",
            "tcp/10.0.0.5:8462 => info",
            "tcp/0.0.0.0:1003 exe=/opt/acme/acmed => low",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:6379 exe=/opt/acme/acmed",
            "tcp/0.0.0.0:2022 exe=/opt/acme/acmed",
            "tcp/127.0.0.1:8462 exe=/opt/acme/acmed",
            "tcp/0.0.0.0:8462 exe=/opt/acme/acmed alone",
            "tcp/0.0.0.0:40123 exe=/opt/acme/acmed",
            "tcp/0.0.0.0:61234 exe=/opt/acme/acmed",
            "udp/0.0.0.0:8462 exe=/usr/sbin/named",
            "tcp/0.0.0.0:8462 exe=/opt/acme/acmed state=bound",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let port = subject.chosen_port().filter(|port| *port < FIRST_DYNAMIC && subject.claim.is_none())?;
    if subject.reach() == Exposure::Loopback {
        return None;
    }
    let transport = subject.socket.transport.name();
    Some(Draft {
        severity: if port < FIRST_USER { Severity::Low } else { Severity::Info },
        message: "neither IANA nor the registry has a name for this port".to_owned(),
        evidence: vec![Evidence::new("registry", format!("{transport}/{port}: no entry, no name of IANA"))],
        remedy: "name it in /etc/earmark/registry.d, or find out who started it".to_owned(),
    })
}
