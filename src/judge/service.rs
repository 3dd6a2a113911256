//! What the port of a socket claims to be, asked once for all sockets of one port and one set of owners.

use std::collections::{HashMap, HashSet};

use crate::model::{Process, Socket, Transport};
use crate::registry::{self, Claim, OwnerEvidence, Registry};
use crate::report::{Counterpart, Service};
use crate::rules;

/// The claims of one run.
pub(super) struct Claims<'a> {
    registry: &'a Registry,
    known: HashMap<(Transport, u16, usize), Option<Claim>>,
}

impl<'a> Claims<'a> {
    pub(super) fn new(registry: &'a Registry) -> Self {
        Self { registry, known: HashMap::new() }
    }

    /// The claim of a port held by these processes; `set` stands for their executables.
    pub(super) fn of(&mut self, port: (Transport, u16), set: usize, owners: &[&Process]) -> Option<&Claim> {
        let registry = self.registry;
        let ask = || registry.claim(port.0, port.1, &evidence(owners));
        self.known.entry((port.0, port.1, set)).or_insert_with(ask).as_ref()
    }
}

/// What is known of the executables of these processes, each once.
fn evidence<'a>(owners: &[&'a Process]) -> Vec<OwnerEvidence<'a>> {
    let mut all = Vec::new();
    for process in owners {
        let Some(exe) = &process.exe else { continue };
        let one = OwnerEvidence {
            exe: exe.as_bytes(),
            verified: process.verified_exe().is_some(),
            // Where that could not be found out, the file is not beyond doubt.
            writable: process.exe_writable != Some(false),
        };
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// The ports on which somebody serves, by namespace.
pub(super) fn serving(sockets: &[Socket], namespaces: usize) -> Vec<HashSet<(Transport, u16)>> {
    let mut all = vec![HashSet::new(); namespaces];
    for socket in sockets.iter().filter(|socket| rules::serves(socket)) {
        all[socket.netns].extend(port(socket));
    }
    all
}

/// The transport and the port of a socket whose transport has registered ports.
pub(super) fn port(socket: &Socket) -> Option<(Transport, u16)> {
    let port = u16::try_from(socket.port()?).ok()?;
    socket.transport.has_registered_ports().then_some((socket.transport, port))
}

/// A claim as the report tells it.
pub(super) fn service(
    claim: &Claim,
    (transport, port): (Transport, u16),
    registry: &Registry,
    serving: &HashSet<(Transport, u16)>,
) -> Service {
    let entry = claim.entry;
    let assigned = || registry.iana_name(transport, port).map(|(name, _)| name);
    let counterpart = |counterpart| match counterpart {
        registry::Counterpart::Service { transport, port, name } => {
            Counterpart::Service { transport, port, name, listening: serving.contains(&(transport, port)) }
        }
        registry::Counterpart::Text(text) => Counterpart::Text(text),
    };
    Service {
        name: entry.name(),
        title: entry.title(),
        source: entry.source(),
        iana_name: entry.iana_name().or_else(assigned).filter(|name| !entry.is_named(name)),
        claim: claim.verdict,
        management: entry.is_management(),
        security: entry.security().map(registry::Security::name),
        secure_counterpart: entry.counterparts().map(counterpart).collect(),
        alternatives: claim.alternatives.iter().map(|entry| (entry.name(), entry.source())).collect(),
    }
}
