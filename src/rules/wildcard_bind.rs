//! Bound to every address, for no reason that can be seen.

use super::{Check, Draft, Rule, Subject, place};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::{Process, Scope, State, Text};
use crate::registry::{Entry, Exposure as Purpose, Verdict};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "wildcard-bind",
        theme: Theme::Exposure,
        specificity: 2,
        summary: "It takes connections at every address, and nothing tells that it should serve everybody",
        explanation: "\
A wildcard is the default of most programs, so it is what one gets without a decision: the service listens on the address
it was meant for, on all others, and on those that will be added later, a VPN's or a second provider's among them.

It fires on sockets that take connections on a wildcard of a host with more than loopback, where neither the port nor the
program is known for a service that is made for everybody or for administration. It is info, because the decision may have
been made where no table of sockets shows it, and low for what runs in somebody's login session or below a user's own
manager: a development server that was meant for its own host alone. Where `exposed-beyond-purpose` or a graver rule of
the theme fires, that one is told and this one stands in `also`.

Datagrams are left out: a client that waits for its answers is bound to the wildcard too, and cannot be told from a
server. Services that administer are judged by `management-exposed` and `cleartext-management`.",
        remedy: "\
Bind it to the address of the network that its clients are in, or to loopback behind a proxy; where everybody is meant to
reach it, name the service in a file below /etc/earmark/registry.d with `exposure = \"public\"`.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-7",
            "NIST SP 800-53 Rev. 5 SC-7(5)",
            "PCI DSS 4.0 1.2.5",
            "CIS Controls v8 4.8",
            "CIS Debian Linux 12 v1.1.0 2.1.22",
            "CIS Red Hat Enterprise Linux 9 v2.0.0 2.1.22",
            "CIS Ubuntu Linux 24.04 v1.0.0 2.1.22",
            "BSI IT-Grundschutz 2023 SYS.1.1.A6",
            "CWE-1327",
        ],
        fires_on: &[
            "tcp/0.0.0.0:8462 exe=/opt/acme/acmed unit=acmed.service => info",
            "tcp/0.0.0.0:8462 nobody => info",
            "tcp/[::]:8462 exe=/usr/bin/node unit=session-4.scope => low",
            "tcp/0.0.0.0:5432 exe=/usr/lib/postgresql/17/bin/postgres => low",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:443 exe=/usr/sbin/nginx",
            "tcp/0.0.0.0:8462 exe=/usr/sbin/nginx",
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd",
            "tcp/10.0.0.5:8462 exe=/opt/acme/acmed",
            "tcp/0.0.0.0:8462 exe=/opt/acme/acmed alone",
            "tcp/0.0.0.0%lo:8462 exe=/opt/acme/acmed",
            "udp/0.0.0.0:8462 exe=/opt/acme/acmed",
            "tcp/0.0.0.0:8462 exe=/opt/acme/acmed state=bound",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let connects = subject.socket.state == State::Listen && subject.socket.transport.has_registered_ports();
    if !connects || subject.exposure != Scope::Wildcard || is_meant(subject) {
        return None;
    }
    let session = subject.servers.iter().copied().find(|process| is_of_session(process));
    let mut evidence = vec![Evidence::new("address", format!("exposure: {}", subject.exposure.name()))];
    evidence.extend(session.map(|process| {
        Evidence::new("owner", format!("{} runs in {}", place::exe(process), place::home(process)))
    }));
    Some(Draft {
        severity: if session.is_some() { Severity::Low } else { Severity::Info },
        message: "takes connections at every address, and nothing tells that it should serve everybody".to_owned(),
        evidence,
        remedy: "bind it to the address of the network that its clients are in, or to loopback".to_owned(),
    })
}

/// True where the port or the program is known for a service whose place is not a matter of this rule.
fn is_meant(subject: &Subject<'_>) -> bool {
    let meant = |entry: Entry| entry.exposure() == Some(Purpose::Public) || entry.is_management() == Some(true);
    if let Some(claim) = subject.claim.filter(|claim| claim.verdict != Verdict::Contradicted) {
        let confirmed = claim.verdict == Verdict::Confirmed;
        let others = if confirmed { &[] } else { claim.alternatives.as_slice() };
        if std::iter::once(&claim.entry).chain(others).any(|entry| meant(*entry)) {
            return true;
        }
        if confirmed {
            return false;
        }
    }
    let programs = subject.servers.iter().filter_map(|process: &&Process| process.trusted_exe()).map(Text::base_name);
    // Workers of one program are asked about once.
    let mut asked: Option<&[u8]> = None;
    let registry = subject.registry;
    for name in programs {
        let new = asked.replace(name) != Some(name) && !registry.runs_anything(name);
        if new && registry.owned_by(name).into_iter().any(meant) {
            return true;
        }
    }
    false
}

/// True for what somebody started from a login, or runs below a user's own manager.
fn is_of_session(process: &Process) -> bool {
    let of_session = |unit: &Text| {
        let unit = unit.as_bytes();
        (unit.starts_with(b"session-") && unit.ends_with(b".scope")) || unit.starts_with(b"user@")
    };
    process.container.is_none() && process.unit.as_ref().is_some_and(of_session)
}
