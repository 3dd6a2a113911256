//! The sockets of a process, as its descriptors and file ports tell of them.

use super::layout::{self as at, numbers};
use crate::collect::bsd::bytes::Bytes;
use crate::collect::bsd::errno;
use crate::collect::bsd::inet::{Block, Meaning};
use crate::collect::seam::Refusal;
use crate::model::{Local, Socket, State, Text, Transport, UnixKind};

/// The bytes before each socket of an answer.
pub const HEAD: usize = 16;

/// A socket that a process holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The descriptor, or the name of the file port.
    pub number: u32,
    /// It is a file port: a right to the socket that is no descriptor yet.
    pub is_port: bool,
    /// What the kernel calls the socket.
    pub handle: u64,
    /// What it is.
    pub meaning: Meaning,
}

/// What an answer about a process told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Its sockets.
    pub held: Vec<Held>,
    /// Descriptors that could not be looked through.
    pub hidden: u64,
    /// Those that made no sense.
    pub bad: usize,
}

/// One record of an answer.
pub struct Record<'a> {
    /// The descriptor, or the name of the file port.
    pub number: u32,
    /// 0 for a descriptor, 1 for a file port.
    pub kind: u32,
    /// Why there is nothing, or 0.
    pub errno: u32,
    /// The structure, as far as the kernel filled it.
    pub socket: &'a [u8],
}

/// The records of an answer, as far as it makes sense, and whether all of it does.
pub fn records(answer: &[u8]) -> (Vec<Record<'_>>, bool) {
    let (mut records, mut rest) = (Vec::new(), answer);
    while !rest.is_empty() {
        let bytes = Bytes(rest);
        let record = || {
            let length = bytes.u32(12)? as usize;
            let socket = bytes.part(HEAD, length)?.0;
            Some(Record { number: bytes.u32(0)?, kind: bytes.u32(4)?, errno: bytes.u32(8)?, socket })
        };
        let Some(record) = record() else { return (records, false) };
        rest = &rest[HEAD + record.socket.len()..];
        records.push(record);
    }
    (records, true)
}

/// Reads an answer. A descriptor that was closed before it could be asked about is none any more.
pub fn listing(answer: &[u8]) -> Listing {
    let (records, is_whole) = records(answer);
    let mut listing = Listing { bad: usize::from(!is_whole), ..Listing::default() };
    for record in records {
        match record.errno as i32 {
            0 => match socket(record.socket) {
                Some((handle, meaning)) => {
                    let (number, is_port) = (record.number, record.kind == 1);
                    listing.held.push(Held { number, is_port, handle, meaning });
                }
                None => listing.bad += 1,
            },
            // EINVAL: the right to a file port is gone.
            errno::EINVAL if record.kind == 1 => {}
            number if errno::is_gone(Refusal::Errno(number)) => {}
            _ => listing.hidden += 1,
        }
    }
    listing
}

/// What a `struct socket_fdinfo` tells; `None` where it is not whole.
fn socket(socket: &[u8]) -> Option<(u64, Meaning)> {
    let bytes = Bytes(socket);
    bytes.part(0, at::SOCKET)?;
    let handle = bytes.u64(at::SOCKET_HANDLE)?;
    let meaning = match bytes.u32(at::SOCKET_KIND)? {
        at::KIND_TCP => block(bytes, Transport::Tcp)?.meaning(),
        at::KIND_INET if bytes.u32(at::SOCKET_PROTOCOL)? == at::PROTOCOL_UDP => block(bytes, Transport::Udp)?.meaning(),
        at::KIND_UNIX => unix(bytes)?,
        at::KIND_VSOCK => vsock(bytes)?,
        // Raw sockets do not tell their protocol here.
        at::KIND_INET => Meaning::InTable,
        _ => Meaning::Other,
    };
    Some((handle, meaning))
}

/// The queue of a listener: the kernel counts connections that are not complete among all.
pub fn backlog(bytes: Bytes<'_>, [all, incomplete, limit]: [usize; 3]) -> Option<(u32, u32)> {
    let (all, incomplete, limit) = (bytes.u16(all)?, bytes.u16(incomplete)?, bytes.u16(limit)?);
    Some((u32::from(all.saturating_sub(incomplete)), u32::from(limit)))
}

fn block(bytes: Bytes<'_>, transport: Transport) -> Option<Block> {
    Some(Block {
        transport,
        state: if transport == Transport::Tcp { bytes.u32(at::TCP_STATE)? } else { 0 },
        port: bytes.port(at::INET_PORT)?,
        has_peer: bytes.port(at::INET_PEER_PORT)? != 0,
        versions: bytes.u8(at::INET_VERSIONS)?,
        protocol: 0,
        address: bytes.array(at::INET_ADDRESS)?,
        backlog: backlog(bytes, [at::SOCKET_QUEUE, at::SOCKET_INCOMPLETE, at::SOCKET_LIMIT])?,
        queued: bytes.u32(at::SOCKET_RECEIVED)?,
        uid: None,
        cookie: bytes.u64(at::SOCKET_HANDLE)?,
    })
}

/// A socket without an internet address.
fn local(bytes: Bytes<'_>, transport: Transport, state: State, local: Local) -> Option<Meaning> {
    let (queued, limit) = backlog(bytes, [at::SOCKET_QUEUE, at::SOCKET_INCOMPLETE, at::SOCKET_LIMIT])?;
    let listens = state == State::Listen;
    Some(Meaning::Socket(Box::new(Socket {
        transport,
        mptcp: false,
        state,
        local,
        device: 0,
        v6only: None,
        uid: None,
        inode: 0,
        cookie: Some(bytes.u64(at::SOCKET_HANDLE)?),
        cgroup: None,
        backlog: listens.then_some(crate::model::Backlog { queued, limit }),
        recv_queue: if listens { None } else { bytes.u32(at::SOCKET_RECEIVED) },
        drops: None,
        netns: 0,
        raced: false,
        kernel_owner: None,
    })))
}

fn accepts(bytes: Bytes<'_>) -> Option<bool> {
    Some(bytes.u16(at::SOCKET_OPTIONS)? & at::ACCEPTS != 0)
}

/// The path that a unix socket is bound to; empty for none.
pub fn path(bytes: Bytes<'_>) -> Option<Text> {
    // The length counts itself and the family.
    let length = usize::from(bytes.u8(at::UNIX_LENGTH)?).clamp(2, at::UNIX_ROOM) - 2;
    bytes.name(at::UNIX_PATH, length)
}

fn unix(bytes: Bytes<'_>) -> Option<Meaning> {
    let (path, accepts) = (path(bytes)?, accepts(bytes)?);
    let kind = match bytes.u32(at::SOCKET_TYPE)? {
        at::STREAM => UnixKind::Stream,
        at::DGRAM => UnixKind::Dgram,
        _ => return Some(Meaning::Bad),
    };
    let has_peer = bytes.u64(at::UNIX_PEER)? != 0;
    let state = match kind {
        _ if accepts => State::Listen,
        // One end of a connection, or of a pair.
        UnixKind::Stream if has_peer || path.is_empty() => return Some(Meaning::Other),
        UnixKind::Stream => State::Bound,
        _ if path.is_empty() => return Some(Meaning::Other),
        _ if has_peer => State::Connected,
        _ => State::Unconnected,
    };
    local(bytes, Transport::Unix, state, Local::Unix { kind, path })
}

fn vsock(bytes: Bytes<'_>) -> Option<Meaning> {
    if !accepts(bytes)? {
        return Some(Meaning::Other);
    }
    let (cid, port) = (bytes.u32(at::VSOCK_CID)?, bytes.u32(at::VSOCK_PORT)?);
    local(bytes, Transport::Vsock, State::Listen, Local::Vsock { cid, port, dgram: false })
}

/// The descriptors of sockets in a list of `PROC_PIDLISTFDS`, or the file ports of `PROC_PIDLISTFILEPORTS`, which has the
/// same form.
pub fn listed(answer: &[u8]) -> impl Iterator<Item = u32> {
    let of_socket = |one: &[u8]| {
        let bytes = Bytes(one);
        (bytes.u32(numbers::LISTED_TYPE)? == numbers::IS_SOCKET).then(|| bytes.u32(0))?
    };
    answer.chunks_exact(numbers::LISTED).filter_map(of_socket)
}
