//! A known service where nobody looks for it.

use super::unexpected_owner::known_for;
use super::{Check, Draft, Exposure, Rule, Subject};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::{Process, Transport};
use crate::registry::{Entry, Verdict, WeaknessClass};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "nonstandard-port",
        theme: Theme::Identity,
        specificity: 6,
        summary: "A program that is known for a service listens on a port that is not this service's",
        explanation: "\
Firewall rules, monitoring and inventories go by the number. A service on another port is missed by all of them: nobody
scans it, patches it or asks why it is there. Often it was moved to be quiet in the logs, or is a second instance that
was forgotten; now and then it is a door that somebody opened for himself. Being moved makes nothing safer, since whoever
looks for it tries every port.

It fires where the verified executable, beyond the reach of its own user, is listed in the registry for services of which
none is known at this port. It is info; low where one of them administers something; and medium where the service that it is
foremost known for is a grave weakness at this address (a data store without a login), because the rules that go by the port do not
see it there. Where the port claims another service, `unexpected-owner` is told and this one stands in `also`.

It keeps quiet on loopback, for ports that the kernel hands out, and for datagrams, where a client's chance port looks the
same. It keeps quiet for whatever says little by its name: interpreters, web and application servers, which are made to
listen where they are told, proxies and forwarders, names that several programs bear. Of sshd only the daemon counts that
init started: the ports that a session forwards are not its own.",
        remedy: "\
If it was put there on purpose, name it in a file below /etc/earmark/registry.d, and in the firewall and the monitoring; if
not, find out who started it and stop it.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-7(1)",
            "NIST SP 800-53 Rev. 5 CM-8(3)",
            "PCI DSS 4.0 1.2.5",
            "CIS Controls v8 4.8",
            "MITRE ATT&CK T1571",
        ],
        fires_on: &[
            "tcp/0.0.0.0:22022 exe=/usr/sbin/sshd => low",
            "tcp/10.0.0.5:6212 exe=/usr/lib/postgresql/17/bin/postgres => info",
            "tcp/0.0.0.0:7717 exe=/usr/bin/redis-server => medium",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd",
            "tcp/0.0.0.0:22022 exe=/usr/sbin/sshd ppid=900",
            "tcp/127.0.0.1:7717 exe=/usr/bin/redis-server",
            "tcp/0.0.0.0:40123 exe=/usr/bin/redis-server",
            "tcp/0.0.0.0:7717 exe=/usr/sbin/nginx",
            "tcp/0.0.0.0:7717 exe=/usr/bin/python3.13",
            "tcp/0.0.0.0:7717 exe=/home/eve/redis-server uid=1000 writable",
            "tcp/0.0.0.0:7717 exe=/usr/bin/docker-proxy",
            "tcp/0.0.0.0:7717 exe=/usr/bin/redis-server file=foreign",
            "udp/0.0.0.0:7717 exe=/usr/sbin/named",
            "tcp/0.0.0.0:7717 exe=/opt/acme/acmed",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let port = subject.chosen_port()?;
    let confirmed = subject.claim.is_some_and(|claim| claim.verdict == Verdict::Confirmed);
    if confirmed || subject.reach() == Exposure::Loopback {
        return None;
    }
    // Who came first is the server; what it started may hold the socket too.
    let process = subject.servers.first()?;
    let exe = process.trusted_exe()?;
    let services = services(subject, process, exe.base_name());
    if services.is_empty() || services.iter().any(|entry| entry.ports().contains(&port)) {
        return None;
    }
    let (severity, weakness) = severity(subject, &services);
    let (exe, names) = (exe.escaped(), known_for(&services));
    let mut evidence = vec![
        Evidence::new("executable", format!("{exe} (verified)")),
        Evidence::new("registry", format!("{names}: known at {}", ports(&services))),
    ];
    evidence.extend(weakness.map(|why| Evidence::new("registry", why)));
    Some(Draft {
        severity,
        message: format!("{exe} is known for {names}, and this is no port of theirs"),
        evidence,
        remedy: format!(
            "if {exe} was put here on purpose, name it in /etc/earmark/registry.d, in the firewall and in the \
             monitoring; if not, find out who started it"
        ),
    })
}

/// What a program is known for over this transport, whatever the port.
fn services(subject: &Subject<'_>, process: &Process, name: &[u8]) -> Vec<Entry> {
    // The daemon is a child of init; what forwards ports for somebody is a child of the daemon.
    let is_sshd = name == b"sshd" && process.ppid.is_some_and(|ppid| ppid <= 1);
    let registry = subject.registry;
    let mut services = if is_sshd { registry.owned_by(name) } else { registry.served_by(name) };
    let transport = match subject.socket.transport {
        Transport::UdpLite => Transport::Udp,
        transport => transport,
    };
    services.retain(|entry| entry.transport().is_none_or(|of| of == transport));
    services
}

/// How grave it is, and why where that is for the weakness of the service that the program is foremost known for.
fn severity(subject: &Subject<'_>, services: &[Entry]) -> (Severity, Option<&'static str>) {
    let foremost = services.iter().min_by_key(|entry| (entry.source(), *entry.ports().start()));
    let weakness = foremost.and_then(|entry| entry.weakness());
    let certain = weakness.filter(|weakness| weakness.class != WeaknessClass::Conditional);
    match certain.filter(|weakness| subject.reach().severity(weakness) >= Severity::High) {
        Some(weakness) => (Severity::Medium, Some(weakness.why)),
        None if services.iter().any(|entry| entry.is_management() == Some(true)) => (Severity::Low, None),
        None => (Severity::Info, None),
    }
}

/// How many ports are named.
const MOST_PORTS: usize = 6;

fn ports(services: &[Entry]) -> String {
    let mut ranges: Vec<(u16, u16)> = services.iter().map(|e| (*e.ports().start(), *e.ports().end())).collect();
    ranges.sort_unstable();
    ranges.dedup();
    let more = if ranges.len() > MOST_PORTS { " and others" } else { "" };
    let named = ranges.iter().take(MOST_PORTS);
    let text = |(first, last): &(u16, u16)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    format!("{}{more}", named.map(text).collect::<Vec<_>>().join(", "))
}
