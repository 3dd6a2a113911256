//! What a rule may look at.

use std::collections::HashSet;

use crate::model::{OwnerStatus, Process, Scope, Severity, Socket, State, Transport};
use crate::registry::{Claim, Verdict, Weakness};

/// How far away a sender may be, in the three steps of the registry's severities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exposure {
    /// On this host.
    Loopback,
    /// On a network that it is a part of.
    Lan,
    /// Anywhere.
    Public,
}

impl Exposure {
    /// The severity of a weakness for senders that near.
    pub fn severity(self, weakness: &Weakness) -> Severity {
        match self {
            Self::Loopback => weakness.loopback,
            Self::Lan => weakness.lan,
            Self::Public => weakness.public,
        }
    }
}

/// Everything that a rule may look at about one listener.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The socket.
    pub socket: &'a Socket,
    /// The class of its address, narrowed by where its packets can come in.
    pub exposure: Scope,
    /// What is known of its owner.
    pub owner_status: OwnerStatus,
    /// Its owners in the order of output.
    pub owners: &'a [&'a Process],
    /// What its port claims to be, and what its owners say to that.
    pub claim: Option<&'a Claim>,
    /// The ports on which somebody serves in the same namespace.
    pub serving: &'a HashSet<(Transport, u16)>,
}

impl Subject<'_> {
    /// How far away a sender may be.
    pub fn reach(&self) -> Exposure {
        match (self.socket.transport, self.exposure) {
            // Its peers are the virtual machines of this host, or the host of this machine.
            (Transport::Vsock, Scope::Wildcard | Scope::Public) => Exposure::Lan,
            (_, Scope::Local | Scope::Loopback) => Exposure::Loopback,
            (_, Scope::LinkLocal | Scope::Private | Scope::Multicast) => Exposure::Lan,
            (_, Scope::Public | Scope::Wildcard) => Exposure::Public,
        }
    }

    /// True where it takes what anybody sends: a socket that only keeps a port or has one peer serves nobody.
    pub fn serves(&self) -> bool {
        serves(self.socket)
    }

    /// True where the owner is known for something else than what the port claims.
    pub fn is_contradicted(&self) -> bool {
        self.claim.is_some_and(|claim| claim.verdict == Verdict::Contradicted)
    }

    /// The transport and the port, where it has one that is registered.
    pub fn port(&self) -> Option<(Transport, u16)> {
        let port = u16::try_from(self.socket.port()?).ok()?;
        self.socket.transport.has_registered_ports().then_some((self.socket.transport, port))
    }
}

/// True where a socket takes what anybody sends.
pub(crate) fn serves(socket: &Socket) -> bool {
    matches!(socket.state, State::Listen | State::Unconnected)
}
