//! `NETLINK_SOCK_DIAG`: the requests and their rows, sock_diag(7), `include/uapi/linux/{inet,packet,unix,vm_sockets}_diag.h`.
//!
//! The extension bit `INET_DIAG_INFO` is never set: with it the kernel hands out TCP-MD5 keys in clear.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::netlink::{End, attribute, each_attribute, each_message, u16_at, u32_at, u64_at};
use super::question::Table;
use crate::model::{Backlog, Local, Socket, State, Text, Transport, UnixKind};

/// The kind of a request and of its rows.
pub const SOCK_DIAG_BY_FAMILY: u16 = 20;

const AF_UNIX: u8 = 1;
pub(super) const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const AF_PACKET: u8 = 17;
const AF_VSOCK: u8 = 40;

const TCP_ESTABLISHED: u8 = 1;
const TCP_TIME_WAIT: u8 = 6;
const TCP_CLOSE: u8 = 7;
const TCP_LISTEN: u8 = 10;
const TCP_BOUND_INACTIVE: u8 = 13;

const INET_DIAG_REQ_PROTOCOL: u16 = 3;
pub(super) const INET_DIAG_SKMEMINFO: u16 = 7;
pub(super) const INET_DIAG_SKV6ONLY: u16 = 11;
pub(super) const INET_DIAG_LOCALS: u16 = 12;
pub(super) const INET_DIAG_CGROUP_ID: u16 = 21;
const SK_MEMINFO_DROPS: usize = 8;
/// `struct inet_diag_msg`.
pub(super) const INET_MESSAGE: usize = 72;

pub(super) const PACKET_DIAG_INFO: u16 = 0;
pub(super) const PACKET_DIAG_UID: u16 = 5;
const PACKET_SHOW_INFO: u32 = 1;

pub(super) const UNIX_DIAG_NAME: u16 = 0;
pub(super) const UNIX_DIAG_RQLEN: u16 = 4;
pub(super) const UNIX_DIAG_UID: u16 = 7;
const UDIAG_SHOW: u32 = 0x01 | 0x10 | 0x40;

/// What a table asks for: address family, protocol, and a bit for each state.
const fn filter(table: Table) -> (u8, u32, u32) {
    const LISTEN: u32 = 1 << TCP_LISTEN;
    const CLOSE: u32 = 1 << TCP_CLOSE;
    const CONNECTED: u32 = 1 << TCP_ESTABLISHED;
    match table {
        Table::Tcp => (AF_INET, 6, LISTEN),
        Table::Tcp6 => (AF_INET6, 6, LISTEN),
        Table::TcpBound => (AF_INET, 6, 1 << TCP_BOUND_INACTIVE),
        Table::Tcp6Bound => (AF_INET6, 6, 1 << TCP_BOUND_INACTIVE),
        Table::TcpTimeWait => (AF_INET, 6, 1 << TCP_TIME_WAIT),
        Table::Tcp6TimeWait => (AF_INET6, 6, 1 << TCP_TIME_WAIT),
        Table::Mptcp => (AF_INET, 262, LISTEN),
        Table::Mptcp6 => (AF_INET6, 262, LISTEN),
        Table::Udp => (AF_INET, 17, CLOSE),
        Table::Udp6 => (AF_INET6, 17, CLOSE),
        Table::UdpConnected => (AF_INET, 17, CONNECTED),
        Table::Udp6Connected => (AF_INET6, 17, CONNECTED),
        Table::UdpLite => (AF_INET, 136, CLOSE),
        Table::UdpLite6 => (AF_INET6, 136, CLOSE),
        Table::Sctp => (AF_INET, 132, LISTEN),
        Table::Sctp6 => (AF_INET6, 132, LISTEN),
        Table::Dccp => (AF_INET, 33, LISTEN),
        Table::Dccp6 => (AF_INET6, 33, LISTEN),
        Table::Raw => (AF_INET, 255, CLOSE | CONNECTED),
        Table::Raw6 => (AF_INET6, 255, CLOSE | CONNECTED),
        Table::Packet => (AF_PACKET, 0, 0),
        Table::Vsock => (AF_VSOCK, 0, LISTEN | CLOSE),
        Table::Unix => (AF_UNIX, 0, LISTEN | CLOSE),
    }
}

/// The body of the request for a table.
pub fn request(table: Table) -> Vec<u8> {
    let (family, protocol, states) = filter(table);
    let byte = u8::try_from(protocol).unwrap_or(0);
    match table {
        // struct packet_diag_req: family, protocol, pad, inode, show, cookie.
        Table::Packet => [&[family, 0, 0, 0][..], &[0; 4], &PACKET_SHOW_INFO.to_ne_bytes(), &[0xff; 8]].concat(),
        // struct unix_diag_req and vsock_diag_req: family, protocol, pad, states, inode, show, cookie.
        Table::Unix | Table::Vsock => {
            let show = if table == Table::Unix { UDIAG_SHOW } else { 0 };
            [&[family, 0, 0, 0][..], &states.to_ne_bytes(), &[0; 4], &show.to_ne_bytes(), &[0xff; 8]].concat()
        }
        // struct inet_diag_req_v2: family, protocol, extensions, pad, states, struct inet_diag_sockid.
        _ => {
            let extensions = 1 << (INET_DIAG_SKMEMINFO - 1);
            let mut body = [&[family, byte, extensions, 0][..], &states.to_ne_bytes(), &[0; 48]].concat();
            if protocol > 255 {
                body.extend_from_slice(&attribute(INET_DIAG_REQ_PROTOCOL, &protocol.to_ne_bytes()));
            }
            body
        }
    }
}

/// The fields of a listener that a kernel of a version does not tell.
pub fn lacks(table: Table, version: (u32, u32)) -> &'static [&'static str] {
    match table {
        Table::Packet | Table::Vsock => &[],
        Table::Unix if version < (5, 3) => &["uid"],
        Table::Unix => &[],
        _ if version < (5, 8) => &["cgroup"],
        _ => &[],
    }
}

/// The bodies of the requests for TCP sockets that have a peer, for either family.
pub fn connected_requests() -> [Vec<u8>; 2] {
    // Without what has no inode any more, TIME-WAIT, and what has none yet, NEW-SYN-RECV.
    const STATES: u32 = 0xfff & !(1 | 1 << TCP_LISTEN | 1 << TCP_TIME_WAIT | 1 << TCP_CLOSE);
    [AF_INET, AF_INET6].map(|family| [&[family, 6, 0, 0][..], &STATES.to_ne_bytes(), &[0; 48]].concat())
}

/// The inodes of the rows of a datagram.
pub fn inodes(datagram: &[u8], mut take: impl FnMut(u32)) {
    each_message(datagram, SOCK_DIAG_BY_FAMILY, |row| {
        u32_at(row, INET_MESSAGE - 4).filter(|inode| *inode != 0).map(&mut take).is_some()
    });
}

/// The length of a row's fixed part, and the attributes that a capture may keep.
pub fn recorded(table: Table) -> (usize, &'static [u16]) {
    match table {
        Table::Packet => (16, &[PACKET_DIAG_INFO, PACKET_DIAG_UID]),
        Table::Unix => (16, &[UNIX_DIAG_NAME, UNIX_DIAG_RQLEN, UNIX_DIAG_UID]),
        Table::Vsock => (32, &[]),
        _ => (INET_MESSAGE, &[INET_DIAG_SKMEMINFO, INET_DIAG_SKV6ONLY, INET_DIAG_LOCALS, INET_DIAG_CGROUP_ID]),
    }
}

/// The sockets of a dump, how it ended, and how many of its rows made no sense.
pub fn decode(table: Table, dump: &[u8]) -> (Vec<Socket>, End, usize) {
    let mut sockets = Vec::new();
    let (end, bad) = each_message(dump, SOCK_DIAG_BY_FAMILY, |row| {
        let read = match table {
            Table::Packet => packet_row(row).map(|socket| sockets.push(socket)),
            Table::Unix => unix_row(row).map(|socket| sockets.extend(socket)),
            Table::Vsock => vsock_row(row).map(|socket| sockets.extend(socket)),
            _ => inet_rows(table, row, &mut sockets),
        };
        read.is_some()
    });
    (sockets, end, bad)
}

fn transport(table: Table) -> Transport {
    match filter(table).1 {
        17 => Transport::Udp,
        136 => Transport::UdpLite,
        132 => Transport::Sctp,
        33 => Transport::Dccp,
        255 => Transport::Raw,
        _ => Transport::Tcp,
    }
}

/// A socket with nothing but its identity and place.
pub fn bare(transport: Transport, state: State, local: Local, inode: u64) -> Socket {
    Socket {
        transport,
        mptcp: false,
        state,
        local,
        device: 0,
        v6only: None,
        uid: None,
        inode,
        cookie: None,
        cgroup: None,
        backlog: None,
        recv_queue: None,
        drops: None,
        netns: 0,
        raced: false,
        kernel_owner: None,
    }
}

fn inet_rows(table: Table, row: &[u8], sockets: &mut Vec<Socket>) -> Option<()> {
    if row.len() < INET_MESSAGE {
        return None;
    }
    let (asked_family, _, asked_states) = filter(table);
    // A socket that is bound and does not listen is asked for by a state of its own, and told as closed.
    let (family, told) = (row[0], row[1]);
    let told = if told == TCP_CLOSE && asked_states == 1 << TCP_BOUND_INACTIVE { TCP_BOUND_INACTIVE } else { told };
    let state = match told {
        TCP_LISTEN => State::Listen,
        TCP_CLOSE => State::Unconnected,
        TCP_ESTABLISHED => State::Connected,
        // A socket in TIME-WAIT keeps the port as a bound one does.
        TCP_BOUND_INACTIVE | TCP_TIME_WAIT => State::Bound,
        _ => return None,
    };
    if family != asked_family || asked_states & (1 << told) == 0 {
        return None;
    }
    let port = u16::from_be_bytes([row[4], row[5]]);
    let ip = address(family, &row[8..24])?;
    let transport = transport(table);
    let local = match transport {
        Transport::Raw => match u8::try_from(port) {
            Ok(protocol) => Local::Raw { ip, protocol },
            // Linux lets a raw socket wait for MPTCP's number, 262, which no packet can bear.
            Err(_) => return Some(()),
        },
        _ => Local::Inet { ip, port },
    };
    let mut socket = bare(transport, state, local, u64::from(u32_at(row, 68)?));
    socket.mptcp = matches!(table, Table::Mptcp | Table::Mptcp6);
    socket.device = u32_at(row, 40)?;
    socket.cookie = u64_at(row, 44);
    socket.uid = u32_at(row, 64);
    let (received, limit) = (u32_at(row, 56)?, u32_at(row, 60)?);
    match state {
        State::Listen => socket.backlog = Some(Backlog { queued: received, limit }),
        _ => socket.recv_queue = Some(received),
    }
    let mut locals = Vec::new();
    let whole = each_attribute(&row[INET_MESSAGE..], |kind, value| match kind {
        INET_DIAG_SKMEMINFO => socket.drops = u32_at(value, SK_MEMINFO_DROPS * 4),
        INET_DIAG_SKV6ONLY => socket.v6only = value.first().map(|only| *only != 0),
        INET_DIAG_CGROUP_ID => socket.cgroup = u64_at(value, 0),
        // An SCTP endpoint may have several addresses; struct sockaddr_storage each.
        INET_DIAG_LOCALS => locals.extend(value.chunks(128).filter_map(storage_address)),
        _ => {}
    });
    if locals.is_empty() {
        sockets.push(socket);
    } else {
        sockets.extend(locals.into_iter().map(|ip| Socket { local: Local::Inet { ip, port }, ..socket.clone() }));
    }
    whole.then_some(())
}

/// An address in network order, of which IPv4 takes the first four bytes.
pub(super) fn address(family: u8, bytes: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => <[u8; 4]>::try_from(bytes.get(..4)?).ok().map(|octets| Ipv4Addr::from(octets).into()),
        AF_INET6 => <[u8; 16]>::try_from(bytes.get(..16)?).ok().map(|octets| Ipv6Addr::from(octets).into()),
        _ => None,
    }
}

/// The address in a `struct sockaddr_in` or `sockaddr_in6`.
pub(super) fn storage_address(storage: &[u8]) -> Option<IpAddr> {
    let family = u8::try_from(u16_at(storage, 0)?).ok()?;
    address(family, storage.get(if family == AF_INET { 4 } else { 8 }..)?)
}

/// `struct packet_diag_msg`: family, type, number, inode, cookie.
fn packet_row(row: &[u8]) -> Option<Socket> {
    let (family, kind) = (*row.first()?, *row.get(1)?);
    if family != AF_PACKET {
        return None;
    }
    let local = Local::Packet { protocol: u16_at(row, 2)?, cooked: kind == 2 };
    let mut socket = bare(Transport::Packet, State::Unconnected, local, u64::from(u32_at(row, 4)?));
    socket.cookie = Some(u64_at(row, 8)?);
    each_attribute(row.get(16..)?, |kind, value| match kind {
        PACKET_DIAG_INFO => socket.device = u32_at(value, 0).unwrap_or(0),
        PACKET_DIAG_UID => socket.uid = u32_at(value, 0),
        _ => {}
    })
    .then_some(socket)
}

/// `struct unix_diag_msg`: family, type, state, pad, inode, cookie. `Some(None)` is a socket that cannot receive: a
/// stream that does not listen, a datagram socket without a name.
fn unix_row(row: &[u8]) -> Option<Option<Socket>> {
    let (family, kind, state) = (*row.first()?, *row.get(1)?, *row.get(2)?);
    let kind = unix_kind(kind)?;
    let (inode, cookie) = (u64::from(u32_at(row, 4)?), u64_at(row, 8)?);
    let mut path = Text::default();
    let (mut queues, mut uid) = (None, None);
    let whole = each_attribute(row.get(16..)?, |kind, value| match kind {
        UNIX_DIAG_NAME => path = unix_path(value),
        UNIX_DIAG_RQLEN => queues = u32_at(value, 0).zip(u32_at(value, 4)),
        UNIX_DIAG_UID => uid = u32_at(value, 0),
        _ => {}
    });
    if family != AF_UNIX || !whole {
        return None;
    }
    let state = match (kind, state) {
        (UnixKind::Stream | UnixKind::Seqpacket, TCP_LISTEN) => State::Listen,
        (UnixKind::Dgram, TCP_CLOSE) if !path.is_empty() => State::Unconnected,
        _ => return Some(None),
    };
    let mut socket = bare(Transport::Unix, state, Local::Unix { kind, path }, inode);
    (socket.cookie, socket.uid) = (Some(cookie), uid);
    match state {
        State::Listen => socket.backlog = queues.map(|(queued, limit)| Backlog { queued, limit }),
        _ => socket.recv_queue = queues.map(|(received, _)| received),
    }
    Some(Some(socket))
}

/// The kind of a unix socket by its number, socket(2).
pub fn unix_kind(number: u8) -> Option<UnixKind> {
    match number {
        1 => Some(UnixKind::Stream),
        2 => Some(UnixKind::Dgram),
        5 => Some(UnixKind::Seqpacket),
        _ => None,
    }
}

/// A path comes with the NUL byte that ends it, an abstract name begins with one.
pub(super) fn unix_path(name: &[u8]) -> Text {
    match name {
        [0, ..] => Text::from(name),
        [path @ .., 0] => Text::from(path),
        path => Text::from(path),
    }
}

/// `struct vsock_diag_msg`: family, type, state, shutdown, source cid and port, peer cid and port, inode, cookie.
fn vsock_row(row: &[u8]) -> Option<Option<Socket>> {
    let (family, kind, state) = (*row.first()?, *row.get(1)?, *row.get(2)?);
    let (cid, port, inode) = (u32_at(row, 4)?, u32_at(row, 8)?, u64::from(u32_at(row, 20)?));
    let cookie = u64_at(row, 24)?;
    if family != AF_VSOCK {
        return None;
    }
    let dgram = kind == 2;
    let state = match state {
        TCP_LISTEN => State::Listen,
        TCP_CLOSE if dgram => State::Unconnected,
        _ => return Some(None),
    };
    let mut socket = bare(Transport::Vsock, state, Local::Vsock { cid, port, dgram }, inode);
    socket.cookie = Some(cookie);
    Some(Some(socket))
}

#[cfg(test)]
#[path = "sock_diag_tests.rs"]
pub(super) mod tests;
