//! Bound wider than its kind should be.

use super::weigh::basis;
use super::{Check, Draft, Exposure, Rule, Subject};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::{Scope, State};
use crate::registry::{Entry, Exposure as Purpose};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "exposed-beyond-purpose",
        theme: Theme::Exposure,
        specificity: 10,
        summary: "A service can be reached from further away than its kind is made for",
        explanation: "\
A data store on every address, a metrics endpoint on the internet, a helper that talks to its own host and listens to
the world: nothing of that needs a hole to become one, only a firewall rule that is missing one day. The registry knows
for each service the widest audience it is made for: this host, a local network, everybody.

It compares that with the bound address, narrowed by the device and the addresses of the namespace; a private address
does not make a wildcard private, because a cloud may translate a public one to it. One step too wide is low, two steps
are medium. The port number alone, without an owner that confirms the service, is at most low, and every service that
may be there has to be out of place.

It keeps quiet for services that administer something, whose place is a network for management, and for datagrams of a
local network on a wildcard, since a socket hears broadcasts and groups nowhere else. Where `unauthenticated-control`
fires, that one is told and this one stands in `also`.",
        remedy: "\
Bind the service to the address of the network that its clients are in, or to loopback; a wildcard bind also takes the
networks that will be added later.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-7",
            "NIST SP 800-53 Rev. 5 SC-7(5)",
            "PCI DSS 4.0 1.2.5",
            "CIS Controls v8 4.8",
            "CIS Debian Linux 12 v1.1.0 2.1.22",
            "CIS Red Hat Enterprise Linux 9 v2.0.0 2.1.22",
            "CIS Ubuntu Linux 24.04 v1.0.0 2.1.22",
            "CWE-1327",
        ],
        fires_on: &[
            "tcp/0.0.0.0:5432 exe=/usr/lib/postgresql/17/bin/postgres => low",
            "tcp/0.0.0.0:11211 exe=/usr/bin/memcached => high",
        ],
        quiet_on: &[
            "tcp/10.0.0.5:5432 exe=/usr/lib/postgresql/17/bin/postgres",
            "tcp/127.0.0.1:5432 exe=/usr/lib/postgresql/17/bin/postgres",
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd",
            "udp/0.0.0.0:5353 exe=/usr/sbin/avahi-daemon",
            "tcp/0.0.0.0:5432 exe=/usr/sbin/nginx",
            "tcp/0.0.0.0:5432 exe=/usr/lib/postgresql/17/bin/postgres alone",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let claim = subject.credible_claim()?;
    // An open claim is out of place only where everything that may be there is.
    let steps = claim.candidates().map(|entry| steps_too_wide(subject, entry)).min()?;
    let severity = match steps {
        0 => return None,
        1 => Severity::Low,
        _ if !claim.confirmed => Severity::Low,
        _ => Severity::Medium,
    };
    let entry = claim.entry();
    let (made_for, remedy) = match entry.exposure() {
        Some(Purpose::Loopback) => ("this host alone", "bind it to 127.0.0.1 or ::1, or to a unix socket"),
        _ => ("a local network", "bind it to the address of the network that its clients are in, or to loopback"),
    };
    let bound = match subject.exposure {
        Scope::Wildcard => "every address",
        Scope::Public => "a public address",
        _ => "an address of a network",
    };
    let mut evidence = vec![
        basis(subject, claim),
        Evidence::new("registry", format!("{} ({}) is made for {made_for}", entry.name(), entry.title())),
        Evidence::new("address", format!("exposure: {}", subject.exposure.name())),
    ];
    evidence.extend(entry.risk().map(|risk| Evidence::new("registry", risk)));
    let message = format!("{}, which is made for {made_for} and is bound to {bound}", claim.says());
    Some(Draft { severity, message, evidence, remedy: remedy.to_owned() })
}

/// How many of the steps from this host over a network to everybody a service is out of place.
fn steps_too_wide(subject: &Subject<'_>, entry: Entry) -> u8 {
    // The place of management is judged by what it is, not by how wide it is bound.
    let purpose = entry.exposure().filter(|_| entry.is_management() != Some(true));
    // Broadcasts and groups of the local network are heard at the wildcard alone: DHCP, mDNS and SSDP have no choice.
    let hears_groups = subject.socket.state == State::Unconnected && subject.exposure == Scope::Wildcard;
    match (purpose, subject.reach()) {
        (Some(Purpose::Lan), Exposure::Public) if hears_groups => 0,
        (Some(Purpose::Loopback), Exposure::Public) => 2,
        (Some(Purpose::Loopback), Exposure::Lan) | (Some(Purpose::Lan), Exposure::Public) => 1,
        _ => 0,
    }
}
