//! What an internet protocol control block tells, `struct inpcb`, which both systems export field by field.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::{Backlog, Local, Socket, State, Transport};

/// `INP_IPV4`, `INI_IPV4`: the socket takes IPv4.
pub const IPV4: u8 = 1;
/// `INP_IPV6`, `INI_IPV6`: the socket takes IPv6.
pub const IPV6: u8 = 2;

/// `TCPS_CLOSED`, `TSI_S_CLOSED`.
pub const CLOSED: u32 = 0;
/// `TCPS_LISTEN`, `TSI_S_LISTEN`.
pub const LISTEN: u32 = 1;
/// `TCPS_TIME_WAIT`, `TSI_S_TIME_WAIT`.
pub const TIME_WAIT: u32 = 10;

/// The fields of a block that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// TCP, UDP or raw.
    pub transport: Transport,
    /// Of TCP its state, as both systems number them.
    pub state: u32,
    /// The bound port; 0 for none.
    pub port: u16,
    /// It has a peer.
    pub has_peer: bool,
    /// Whether it takes IPv4 and IPv6.
    pub versions: u8,
    /// The protocol of a raw socket.
    pub protocol: u8,
    /// The bound address, an IPv4 one in the last four bytes.
    pub address: [u8; 16],
    /// Connections that wait to be accepted, and the limit.
    pub backlog: (u32, u32),
    /// Bytes that wait to be received.
    pub queued: u32,
    /// The user that made it.
    pub uid: Option<u32>,
    /// What the kernel calls it.
    pub cookie: u64,
}

/// What a block is to this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A socket that receives, or is bound.
    Socket(Box<Socket>),
    /// An address in TIME-WAIT.
    Lingering(IpAddr, u16),
    /// A connection, or a socket without a port: nothing that is listed.
    Other,
    /// A socket that only its table tells enough of.
    InTable,
    /// It makes no sense.
    Bad,
}

impl Block {
    /// The address, and the device that an address of one link names. The kernel keeps that device within the address, in
    /// its second pair of bytes; what is not told so is not known.
    fn ip(&self) -> Option<(IpAddr, u32)> {
        if self.versions & IPV6 == 0 {
            let [.., a, b, c, d] = self.address;
            return (self.versions & IPV4 != 0).then(|| (Ipv4Addr::new(a, b, c, d).into(), 0));
        }
        let mut octets = self.address;
        let ip = Ipv6Addr::from(octets);
        // Of multicast the scopes of an interface (1) and of a link (2), RFC 4291.
        let is_scoped = ip.is_unicast_link_local() || (octets[0] == 0xff && matches!(octets[1] & 0x0f, 1 | 2));
        let device = if is_scoped { u16::from_be_bytes([octets[2], octets[3]]) } else { 0 };
        if device != 0 {
            octets[2..4].fill(0);
        }
        Some((Ipv6Addr::from(octets).into(), u32::from(device)))
    }

    /// What it is to this program.
    pub fn meaning(&self) -> Meaning {
        let Some((ip, device)) = self.ip() else { return Meaning::Bad };
        let state = match (self.transport, self.state) {
            (Transport::Raw, _) if self.has_peer => State::Connected,
            (Transport::Raw, _) => State::Unconnected,
            (_, _) if self.port == 0 => return Meaning::Other,
            (Transport::Udp, _) if self.has_peer => State::Connected,
            (Transport::Udp, _) => State::Unconnected,
            (_, LISTEN) => State::Listen,
            (_, CLOSED) => State::Bound,
            (_, TIME_WAIT) => return Meaning::Lingering(ip, self.port),
            (_, 2..TIME_WAIT) => return Meaning::Other,
            _ => return Meaning::Bad,
        };
        let local = match self.transport {
            Transport::Raw => Local::Raw { ip, protocol: self.protocol },
            _ => Local::Inet { ip, port: self.port },
        };
        let is_wildcard = matches!(ip, IpAddr::V6(ip) if ip.is_unspecified());
        let listens = state == State::Listen;
        Meaning::Socket(Box::new(Socket {
            transport: self.transport,
            mptcp: false,
            state,
            local,
            device,
            v6only: is_wildcard.then_some(self.versions & IPV4 == 0),
            uid: self.uid,
            inode: 0,
            cookie: Some(self.cookie),
            cgroup: None,
            backlog: listens.then_some(Backlog { queued: self.backlog.0, limit: self.backlog.1 }),
            recv_queue: (!listens).then_some(self.queued),
            drops: None,
            netns: 0,
            raced: false,
            kernel_owner: None,
        }))
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn block(transport: Transport, state: u32, ip: &str, port: u16, versions: u8) -> Block {
        let address = match ip.parse().expect("an address") {
            IpAddr::V4(ip) => ip.to_ipv6_compatible().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        Block {
            transport,
            state,
            port,
            has_peer: false,
            versions,
            protocol: 0,
            address,
            backlog: (1, 128),
            queued: 3,
            uid: Some(0),
            cookie: 9,
        }
    }

    fn socket(block: Block) -> Socket {
        match block.meaning() {
            Meaning::Socket(socket) => *socket,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_wildcard_says_whether_it_takes_ipv4() {
        let dual = socket(block(Transport::Tcp, LISTEN, "::", 22, IPV4 | IPV6));
        let only = socket(block(Transport::Tcp, LISTEN, "::", 22, IPV6));
        let four = socket(block(Transport::Tcp, LISTEN, "0.0.0.0", 22, IPV4));
        assert_eq!([dual.dual_stack(), only.dual_stack(), four.dual_stack()], [Some(true), Some(false), Some(false)]);
        assert_eq!(four.local, Local::Inet { ip: "0.0.0.0".parse().expect("an address"), port: 22 });
        assert_eq!((four.backlog, four.recv_queue), (Some(Backlog { queued: 1, limit: 128 }), None));
    }

    #[test]
    fn the_device_is_taken_out_of_an_address_of_one_link() {
        let scoped = |ip: &str| {
            let socket = socket(block(Transport::Udp, 0, ip, 546, IPV6));
            (socket.ip().expect("an address").to_string(), socket.device)
        };
        assert_eq!(scoped("fe80:b::1"), ("fe80::1".into(), 11));
        assert_eq!(scoped("ff02:4::fb"), ("ff02::fb".into(), 4));
        assert_eq!(scoped("fe80::1"), ("fe80::1".into(), 0));
        assert_eq!(scoped("2001:db8::1"), ("2001:db8::1".into(), 0));
    }

    #[test]
    fn states_are_told_apart() {
        let meaning = |transport, state, port| block(transport, state, "10.0.0.5", port, IPV4).meaning();
        let linger = Meaning::Lingering("10.0.0.5".parse().expect("an address"), 80);
        assert_eq!(meaning(Transport::Tcp, TIME_WAIT, 80), linger);
        for (state, port) in [(4, 80), (LISTEN, 0), (CLOSED, 0)] {
            assert_eq!(meaning(Transport::Tcp, state, port), Meaning::Other, "{state} {port}");
        }
        assert_eq!(meaning(Transport::Tcp, 11, 80), Meaning::Bad);
        assert_eq!(socket(block(Transport::Tcp, CLOSED, "10.0.0.5", 80, IPV4)).state, State::Bound);
        let peer = Block { has_peer: true, ..block(Transport::Udp, 0, "10.0.0.5", 80, IPV4) };
        assert_eq!(socket(peer).state, State::Connected);
        let raw = Block { protocol: 1, ..block(Transport::Raw, 0, "0.0.0.0", 0, IPV4) };
        assert_eq!(socket(raw).local, Local::Raw { ip: "0.0.0.0".parse().expect("an address"), protocol: 1 });
        assert_eq!(block(Transport::Udp, 0, "10.0.0.5", 80, 0).meaning(), Meaning::Bad);
    }
}
