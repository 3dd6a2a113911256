//! A receiving socket.

use std::net::IpAddr;

use super::Text;

/// The transport of a socket. MPTCP is [`Transport::Tcp`] with a mark, since the two share a port space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// TCP, RFC 9293.
    Tcp,
    /// UDP, RFC 768.
    Udp,
    /// UDP-Lite, RFC 3828.
    UdpLite,
    /// SCTP, RFC 9260.
    Sctp,
    /// DCCP, RFC 4340.
    Dccp,
    /// A raw IP socket, raw(7).
    Raw,
    /// A packet socket below IP, packet(7).
    Packet,
    /// A socket between a virtual machine and its host, vsock(7).
    Vsock,
    /// A socket of the local host, unix(7).
    Unix,
}

impl Transport {
    /// Every transport, in the order of output.
    pub const ALL: [Self; 9] =
        [Self::Tcp, Self::Udp, Self::UdpLite, Self::Sctp, Self::Dccp, Self::Raw, Self::Packet, Self::Vsock, Self::Unix];

    /// The name in reports and queries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::UdpLite => "udplite",
            Self::Sctp => "sctp",
            Self::Dccp => "dccp",
            Self::Raw => "raw",
            Self::Packet => "packet",
            Self::Vsock => "vsock",
            Self::Unix => "unix",
        }
    }

    /// The transport of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.name() == name)
    }

    /// The transport whose sockets stand in a table of that name: `tcp6-bound` is of TCP, and so is `mptcp`. What follows a
    /// space, as where a table is, does not matter.
    pub fn of_table(table: &str) -> Option<Self> {
        let name = table.split([' ', '-']).next().unwrap_or_default();
        let name = name.strip_suffix('6').unwrap_or(name);
        Self::from_name(if name == "mptcp" { "tcp" } else { name })
    }

    /// True where IANA assigns names to its ports.
    pub const fn has_registered_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp | Self::UdpLite | Self::Sctp | Self::Dccp)
    }
}

/// What a socket waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// `listen(2)` was called: it takes connections.
    Listen,
    /// Bound and without a peer: it takes datagrams from anybody.
    Unconnected,
    /// Bound, but not listening: it only keeps the port.
    Bound,
    /// A datagram socket with a peer: it takes datagrams from that peer alone.
    Connected,
}

impl State {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Unconnected => "unconnected",
            Self::Bound => "bound",
            Self::Connected => "connected",
        }
    }
}

/// The kind of a unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnixKind {
    /// `SOCK_STREAM`.
    Stream,
    /// `SOCK_DGRAM`.
    Dgram,
    /// `SOCK_SEQPACKET`.
    Seqpacket,
}

impl UnixKind {
    /// The name in endpoints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Dgram => "dgram",
            Self::Seqpacket => "seqpacket",
        }
    }
}

/// Where a socket is bound, by the kind of its address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Local {
    /// An internet address and a port: TCP, UDP, UDP-Lite, SCTP, DCCP.
    Inet {
        /// The bound address; unspecified for a wildcard. An IPv4-mapped address stays IPv6.
        ip: IpAddr,
        /// The bound port in host order, 1-65535.
        port: u16,
    },
    /// A raw IP socket.
    Raw {
        /// The bound address; unspecified for a wildcard.
        ip: IpAddr,
        /// The IP protocol number it receives.
        protocol: u8,
    },
    /// A packet socket; its device stands in [`Socket::device`].
    Packet {
        /// The ethertype in host order; `ETH_P_ALL` is 3.
        protocol: u16,
        /// `SOCK_DGRAM` (cooked) instead of `SOCK_RAW`.
        cooked: bool,
    },
    /// A vsock address.
    Vsock {
        /// The context id; `VMADDR_CID_ANY` is `u32::MAX`.
        cid: u32,
        /// The port, 32 bits wide.
        port: u32,
        /// `SOCK_DGRAM` instead of a stream or sequenced packets.
        dgram: bool,
    },
    /// A unix socket.
    Unix {
        /// Stream, datagram or sequenced packets.
        kind: UnixKind,
        /// The path; an abstract name begins with a NUL byte; empty where it is unnamed.
        path: Text,
    },
}

/// How far a listener's queue of connections to accept is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Connections that wait for `accept(2)`.
    pub queued: u32,
    /// The limit that `listen(2)` was given, capped by `net.core.somaxconn`.
    pub limit: u32,
}

/// The class of an address: how far away a sender may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// A unix socket, or vsock to the own host.
    Local,
    /// 127.0.0.0/8, ::1 and their mapped forms.
    Loopback,
    /// 169.254.0.0/16, fe80::/10.
    LinkLocal,
    /// RFC 1918, RFC 6598 (100.64.0.0/10), unique local IPv6 (fc00::/7).
    Private,
    /// A group address.
    Multicast,
    /// Any other address.
    Public,
    /// Every address of the namespace.
    Wildcard,
}

impl Scope {
    /// The name in reports and queries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Private => "private",
            Self::Multicast => "multicast",
            Self::Public => "public",
            Self::Wildcard => "wildcard",
        }
    }

    /// The class of an internet address; an IPv4-mapped address is judged by the IPv4 address within.
    pub fn of_ip(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            // ::ffff:0.0.0.0 is the wildcard of IPv4, written in IPv6.
            ip if ip.is_unspecified() => Self::Wildcard,
            ip if ip.is_loopback() => Self::Loopback,
            ip if ip.is_multicast() => Self::Multicast,
            IpAddr::V4(v4) if v4.is_link_local() => Self::LinkLocal,
            IpAddr::V4(v4) if v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64) => {
                Self::Private
            }
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Self::LinkLocal,
            IpAddr::V6(v6) if v6.is_unique_local() => Self::Private,
            _ => Self::Public,
        }
    }
}

/// The part of the kernel that serves a socket, by its own account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KernelOwner {
    /// What it is: `vxlan`, `geneve`, `bareudp`, `amt`, `gtp`, `wireguard`, `l2tp`, `fou`, `gue`, `nfsd`;
    /// on Windows `system`: the process of the kernel and its drivers.
    pub kind: &'static str,
    /// Its device, where it has one.
    pub device: Option<Text>,
}

/// One receiving socket as its table told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The transport.
    pub transport: Transport,
    /// The socket speaks MPTCP (RFC 8684) as well.
    pub mptcp: bool,
    /// What it waits for.
    pub state: State,
    /// Where it is bound.
    pub local: Local,
    /// The index of the device it is bound to (`SO_BINDTODEVICE`, a link-local zone, a packet socket's device); 0 for none.
    pub device: u32,
    /// `IPV6_V6ONLY`; `None` for IPv4 and where the table does not tell.
    pub v6only: Option<bool>,
    /// The user that created it.
    pub uid: Option<u32>,
    /// The inode of its descriptor, as in `socket:[…]`; 0 where it has none.
    pub inode: u64,
    /// The kernel's identity of the socket; `None` where the table does not tell.
    pub cookie: Option<u64>,
    /// The id of the cgroup (version 2) it was created in; `None` where the table does not tell.
    pub cgroup: Option<u64>,
    /// The accept queue of a listener.
    pub backlog: Option<Backlog>,
    /// Bytes that wait to be received, of a socket that does not listen.
    pub recv_queue: Option<u32>,
    /// Packets dropped since it was opened; for a listener, connections.
    pub drops: Option<u32>,
    /// Index into [`super::Snapshot::namespaces`].
    pub netns: usize,
    /// Its first row came only with the second reading, or it was gone by then.
    pub raced: bool,
    /// What in the kernel serves it; only of a socket that no process was seen to hold.
    pub kernel_owner: Option<KernelOwner>,
}

impl Socket {
    /// The internet address, where it has one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self.local {
            Local::Inet { ip, .. } | Local::Raw { ip, .. } => Some(ip),
            Local::Packet { .. } | Local::Vsock { .. } | Local::Unix { .. } => None,
        }
    }

    /// The port of a transport that has ports.
    pub fn port(&self) -> Option<u32> {
        match self.local {
            Local::Inet { port, .. } => Some(u32::from(port)),
            Local::Vsock { port, .. } => Some(port),
            Local::Raw { .. } | Local::Packet { .. } | Local::Unix { .. } => None,
        }
    }

    /// Its type: `stream`, `dgram`, `seqpacket`, `raw`, `dccp`. `None` for SCTP, which is a stream or sequenced packets,
    /// and for a vsock stream, likewise.
    pub fn type_name(&self) -> Option<&'static str> {
        match (&self.local, self.transport) {
            (Local::Unix { kind, .. }, _) => Some(kind.name()),
            (Local::Packet { cooked: true, .. } | Local::Vsock { dgram: true, .. }, _) => Some("dgram"),
            (Local::Packet { .. } | Local::Raw { .. }, _) => Some("raw"),
            (_, Transport::Tcp) => Some("stream"),
            (_, Transport::Udp | Transport::UdpLite) => Some("dgram"),
            (_, Transport::Dccp) => Some("dccp"),
            _ => None,
        }
    }

    /// Whether an IPv6 wildcard takes IPv4 too: false for every other internet address, `None` where the kernel did
    /// not say whether it is IPv6 only, and for sockets without an internet address.
    pub fn dual_stack(&self) -> Option<bool> {
        match self.ip()? {
            IpAddr::V6(ip) if ip.is_unspecified() => self.v6only.map(|only| !only),
            _ => Some(false),
        }
    }

    /// The class of the bound address.
    pub fn scope(&self) -> Scope {
        match &self.local {
            Local::Inet { ip, .. } | Local::Raw { ip, .. } => Scope::of_ip(*ip),
            // A packet socket sees what its device sees.
            Local::Packet { .. } => Scope::Wildcard,
            // VMADDR_CID_LOCAL, vsock(7).
            Local::Vsock { cid: 1, .. } => Scope::Local,
            Local::Vsock { .. } => Scope::Wildcard,
            Local::Unix { .. } => Scope::Local,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_of_addresses() {
        let cases = [
            ("0.0.0.0", Scope::Wildcard),
            ("::", Scope::Wildcard),
            ("::ffff:0.0.0.0", Scope::Wildcard),
            ("127.0.0.53", Scope::Loopback),
            ("::1", Scope::Loopback),
            ("::ffff:127.0.0.1", Scope::Loopback),
            ("169.254.1.1", Scope::LinkLocal),
            ("fe80::1", Scope::LinkLocal),
            ("10.1.2.3", Scope::Private),
            ("172.31.0.1", Scope::Private),
            ("172.32.0.1", Scope::Public),
            ("100.64.0.1", Scope::Private),
            ("100.128.0.1", Scope::Public),
            ("fd00::2", Scope::Private),
            ("224.0.0.251", Scope::Multicast),
            ("ff02::fb", Scope::Multicast),
            ("198.51.100.7", Scope::Public),
            ("2001:db8::1", Scope::Public),
            ("::ffff:10.0.0.1", Scope::Private),
        ];
        for (address, want) in cases {
            assert_eq!(Scope::of_ip(address.parse().expect(address)), want, "{address}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for transport in Transport::ALL {
            assert_eq!(Transport::from_name(transport.name()), Some(transport));
        }
        for (table, want) in [
            ("tcp6-bound", Some(Transport::Tcp)),
            ("mptcp6", Some(Transport::Tcp)),
            ("udp in the network namespace a-b", Some(Transport::Udp)),
            ("addresses", None),
        ] {
            assert_eq!(Transport::of_table(table), want, "{table}");
        }
    }
}
