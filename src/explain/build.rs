//! From a word, the registry and what was seen to an explanation.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::word::{self, usage};
use super::{Explanation, Here, HereOwner, PortClass, PortExplanation, PortUse, Use, bind};
use crate::error::Error;
use crate::finding::RuleInfo;
use crate::model::{State, Transport};
use crate::registry::{self, Entry, Registry};
use crate::report::{Counterpart, Listener, Report};

/// Where an explanation is taken from.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// What is known of ports.
    pub registry: &'a Registry,
    /// The host; `None` where it was not looked at.
    pub report: Option<&'a Report>,
    /// Sockets in the way of `bind(2)` that no report lists.
    pub others: &'a [PortUse],
    /// What could not be seen of the host.
    pub unseen: Option<&'a str>,
}

/// Explains a word. `rule` is the rule of that name.
pub fn explain(word: &str, rule: Option<&'static RuleInfo>, sources: &Sources<'_>) -> Result<Explanation, Error> {
    let ports = match word::port(word)? {
        Some(asked) => {
            let transports = transports(&asked, sources);
            transports
                .into_iter()
                .map(|transport| one(transport, asked.port..=asked.port, asked.address, sources))
                .collect()
        }
        None => by_name(word, sources),
    };
    if ports.is_empty() && rule.is_none() {
        return Err(usage(
            format!("`{word}` is no port, service, rule or endpoint that is known"),
            match word.trim().is_empty() || word.contains(char::is_whitespace) {
                true => "write one of them, such as 3221, udp/323, ssh or tcp/0.0.0.0:22".to_owned(),
                false => {
                    format!("`earmark list {word}` looks for a listener of that name; `earmark rules` lists the rules")
                }
            },
        ));
    }
    let unseen = sources.unseen.map(str::to_owned);
    Ok(Explanation { word: word.to_owned(), rule, ports, looked: sources.report.is_some(), unseen })
}

/// The transports of a port: the one that was asked for, else TCP and UDP, and the others where they use it.
fn transports(asked: &word::Port, sources: &Sources<'_>) -> Vec<Transport> {
    if let Some(transport) = asked.transport {
        return vec![transport];
    }
    let uses = |transport: Transport| match transport {
        Transport::Tcp | Transport::Udp => true,
        // What is registered for every transport says nothing about a rare one.
        _ => {
            let named = |entry: &Entry| entry.transport() == Some(transport);
            sources.registry.candidates(transport, asked.port).iter().any(named)
                || listeners(sources, transport, &(asked.port..=asked.port)).next().is_some()
        }
    };
    Transport::ALL.into_iter().filter(|t| t.has_registered_ports() && uses(*t)).collect()
}

/// The ports of a service, else of a program.
fn by_name(name: &str, sources: &Sources<'_>) -> Vec<PortExplanation> {
    let mut entries = sources.registry.by_name(name);
    if entries.is_empty() {
        entries = sources.registry.owned_by(name.as_bytes());
    }
    let mut ports: Vec<(Transport, u16, u16)> = Vec::new();
    for entry in entries {
        let (low, high) = entry.ports().into_inner();
        match entry.transport() {
            Some(transport) => ports.push((transport, low, high)),
            None => ports.extend([(Transport::Tcp, low, high), (Transport::Udp, low, high)]),
        }
    }
    ports.sort_unstable();
    ports.dedup();
    ports.into_iter().map(|(transport, low, high)| one(transport, low..=high, None, sources)).collect()
}

/// One port, or one range, of one transport.
fn one(
    transport: Transport,
    ports: RangeInclusive<u16>,
    address: Option<IpAddr>,
    sources: &Sources<'_>,
) -> PortExplanation {
    let (first, last) = (*ports.start(), *ports.end());
    let registry = sources.registry;
    let iana = registry.iana_name(transport, first);
    let single = first == last;
    let candidates = registry.candidates(transport, first).into_iter();
    // Of a range, what is known of its first port alone is not meant.
    let uses = candidates.filter(|entry| single || *entry.ports().end() == last).map(|entry| known_use(entry, sources));
    PortExplanation {
        transport,
        ports: (first, last),
        class: PortClass::of(first),
        iana_name: iana.map(|(name, _)| name),
        iana_title: iana.map(|(_, title)| title).filter(|title| !title.is_empty()),
        uses: uses.collect(),
        clash: registry.clash(transport, first),
        historical: if single { registry.historical(transport, first) } else { Vec::new() },
        here: sources.report.map_or_else(Vec::new, |report| {
            listeners(sources, transport, &ports).map(|listener| here(report, listener)).collect()
        }),
        address,
        bind: match sources.report {
            Some(report) if single => bind::problems(report, sources.others, (transport, first), address),
            _ => Vec::new(),
        },
    }
}

/// What was seen on these ports.
fn listeners<'a>(
    sources: &Sources<'a>,
    transport: Transport,
    ports: &RangeInclusive<u16>,
) -> impl Iterator<Item = &'a Listener> {
    let ports = ports.clone();
    let all = sources.report.map_or(&[][..], |report| report.listeners.as_slice()).iter();
    all.filter(move |listener| {
        let port = listener.socket.port().and_then(|port| u16::try_from(port).ok());
        listener.socket.transport == transport && port.is_some_and(|port| ports.contains(&port))
    })
}

fn known_use(entry: Entry, sources: &Sources<'_>) -> Use {
    let serves = |transport: Transport, port: u16| {
        listeners(sources, transport, &(port..=port))
            .any(|listener| matches!(listener.socket.state, State::Listen | State::Unconnected))
    };
    let counterpart = |counterpart| match counterpart {
        registry::Counterpart::Service { transport, port, name } => {
            Counterpart::Service { transport, port, name, listening: serves(transport, port) }
        }
        registry::Counterpart::Text(text) => Counterpart::Text(text),
    };
    let weakness = entry.weakness();
    Use {
        name: entry.name(),
        title: entry.title(),
        source: entry.source(),
        ports: entry.ports().into_inner(),
        management: entry.is_management(),
        plane: entry.plane(),
        security: entry.security().map(registry::Security::name),
        auth_default: entry.auth(),
        secure_counterpart: entry.counterparts().map(counterpart).collect(),
        successor: entry.successor(),
        processes: entry.owners().filter(|owner| *owner != "*").collect(),
        recommended_exposure: entry.exposure().map(registry::Exposure::name),
        risk: entry.risk(),
        weakness: weakness.map(|weakness| weakness.why),
        severity: weakness.map(|weakness| [weakness.public, weakness.lan, weakness.loopback]),
        condition: weakness.map(|weakness| weakness.condition).filter(|condition| !condition.is_empty()),
        reference: entry.reference(),
        confidence: entry.confidence(),
    }
}

fn here(report: &Report, listener: &Listener) -> Here {
    let owners = listener.owners.iter().map(|owner| {
        let process = report.process(owner);
        HereOwner {
            pid: process.pid,
            comm: process.comm.clone(),
            exe: process.exe.clone(),
            user: process.user.clone(),
            uid: process.uid,
            unit: process.unit.clone(),
            container: process.container.clone(),
            package: process.package.clone(),
            package_state: process.package_state,
            role: owner.role,
        }
    });
    Here {
        endpoint: listener.endpoint.clone(),
        service: listener.service.as_ref().map(|service| service.name),
        claim: listener.service.as_ref().map(|service| service.claim),
        owner_status: listener.owner_status,
        kernel_owner: listener.kernel_owner().cloned(),
        owner_count: listener.owner_count,
        owners: owners.collect(),
        findings: listener.findings.iter().filter_map(|at| report.findings.get(*at)).cloned().collect(),
    }
}
