//! What a rule may look at.

use std::collections::HashSet;
use std::net::IpAddr;

use super::Approval;
use crate::model::{OwnerStatus, Process, Scope, Severity, Socket, State, Transport};
use crate::registry::{Claim, Entry, Registry, Verdict, Weakness};

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
    /// Those of them that do not hold it for somebody else: neither activators nor proxies.
    pub servers: &'a [&'a Process],
    /// The programs whose sockets listen at its address, port and device, each once; empty where it is alone there.
    pub sharers: &'a [Sharer<'a>],
    /// Of an IPv6 wildcard: the IPv4 sockets that serve at its port and device.
    pub beside: &'a [Beside<'a>],
    /// What its port claims to be, and what its owners say to that; `None` where nothing is known of the port, or where the
    /// kernel may have chosen it and neither owner nor policy confirms it.
    pub claim: Option<&'a Claim>,
    /// Its port is one of those that the kernel hands out by itself.
    pub kernel_chosen: bool,
    /// The host told which ports those are.
    pub range_known: bool,
    /// The ports on which somebody serves in the same namespace.
    pub serving: &'a HashSet<(Transport, u16)>,
    /// What the policy says of it; `None` where there is none, or it says nothing.
    pub approval: Option<&'a Approval>,
    /// What is known of ports, for a rule that asks where else its owner is known.
    pub registry: &'a Registry,
}

/// A program that has sockets at a place which several sockets share.
#[derive(Clone, Copy, Debug)]
pub struct Sharer<'a> {
    /// The program: one of its processes.
    pub process: &'a Process,
    /// How many sockets it has there.
    pub sockets: usize,
}

/// An IPv4 socket at the port of an IPv6 wildcard.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// Its address.
    pub address: IpAddr,
    /// A process that serves it, where one is known.
    pub process: Option<&'a Process>,
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

    /// The port of a socket to which clients connect, where the kernel surely did not choose it. Datagrams are left out: a
    /// client that waits for its answers cannot be told from a server.
    pub fn chosen_port(&self) -> Option<u16> {
        let chosen = self.socket.state == State::Listen && self.range_known && !self.kernel_chosen;
        let port = self.socket.port().filter(|_| chosen && self.socket.transport.has_registered_ports())?;
        u16::try_from(port).ok()
    }

    /// True where it takes what anybody sends: a socket that only keeps a port or has one peer serves nobody.
    pub fn serves(&self) -> bool {
        serves(self.socket)
    }

    /// What the port claims to be, where that says something about what is there: it serves, its owner is not known
    /// for something else, and it is not the chance number of a client that waits for its answers.
    pub fn credible_claim(&self) -> Option<Credible<'_>> {
        let claim = self.claim.filter(|claim| self.serves() && claim.verdict != Verdict::Contradicted)?;
        let confirmed = claim.verdict == Verdict::Confirmed;
        let by_chance = self.kernel_chosen && self.socket.state == State::Unconnected;
        (confirmed || !by_chance).then_some(Credible { claim, confirmed })
    }
}

/// A claim that nothing speaks against.
#[derive(Clone, Copy, Debug)]
pub struct Credible<'a> {
    claim: &'a Claim,
    /// An owner that the service is known for holds the socket.
    pub confirmed: bool,
}

impl<'a> Credible<'a> {
    /// The service that is there for all that is known: the confirmed one, or the likeliest.
    pub fn entry(&self) -> Entry {
        self.claim.entry
    }

    /// Everything that may be there, the likeliest first; one service where it is confirmed.
    pub fn candidates(&self) -> impl Iterator<Item = Entry> + 'a {
        let others = if self.confirmed { &[] } else { self.claim.alternatives.as_slice() };
        std::iter::once(&self.claim.entry).chain(others).copied()
    }

    /// `serves redis`, or `claims redis` where the number alone says so.
    pub fn says(&self) -> String {
        format!("{} {}", if self.confirmed { "serves" } else { "claims" }, self.claim.entry.name())
    }
}

/// True where a socket takes what anybody sends.
pub(crate) fn serves(socket: &Socket) -> bool {
    matches!(socket.state, State::Listen | State::Unconnected)
}
