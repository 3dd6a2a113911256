//! Dumps over netlink sockets.

use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use crate::collect::linux::netlink::{dump_request, is_ended, is_interrupted};
use crate::collect::linux::sock_diag;

/// `NETLINK_ROUTE` is protocol 0.
pub const ROUTE: Option<rustix::net::Protocol> = None;

/// Room for one datagram of a dump: the kernel makes none longer than 32 KiB.
const DATAGRAM: usize = 64 * 1024;

/// Room whose content is wiped when it is no longer needed: a dump may hold keys.
struct Wiped(Vec<u8>);

impl Wiped {
    fn wipe(&mut self) {
        self.0.fill(0);
        // The bytes count as read, so that writing zeros over them is not left out.
        std::hint::black_box(&mut self.0);
        self.0.clear();
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// A netlink socket of the namespace of the calling thread.
pub fn open_netlink(protocol: Option<rustix::net::Protocol>) -> Result<OwnedFd, Errno> {
    rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)
}

/// Sends a request for a dump, and appends its datagrams until the end is among them.
pub fn dump_over(socket: &impl AsFd, kind: u16, body: &[u8], answer: &mut Vec<u8>) -> Result<(), Errno> {
    each_datagram(socket, kind, body, |datagram| answer.extend_from_slice(datagram))
}

/// How often a dump is asked for that others change while it is read.
const TRIES: usize = 4;

/// Asks for a dump until it was not changed while it was read. One that always was is none.
pub fn whole_dump(answer: &mut Vec<u8>, dump: impl Fn(&mut Vec<u8>) -> Result<(), Errno>) -> Result<(), Errno> {
    let start = answer.len();
    for _ in 0..TRIES {
        answer.truncate(start);
        dump(answer)?;
        if !is_interrupted(&answer[start..]) {
            return Ok(());
        }
    }
    Err(Errno::INTR)
}

/// Sends a request for a dump, and hands over its datagrams until the end is among them.
pub fn each_datagram(socket: &impl AsFd, kind: u16, body: &[u8], take: impl FnMut(&[u8])) -> Result<(), Errno> {
    each_answer(socket, &dump_request(kind, body), take)
}

/// Sends a request, and hands over the datagrams of its answer until the end is among them.
pub fn each_answer(socket: &impl AsFd, request: &[u8], mut take: impl FnMut(&[u8])) -> Result<(), Errno> {
    let to_kernel = SocketAddrNetlink::new(0, 0);
    rustix::net::sendto(socket, request, SendFlags::empty(), &to_kernel)?;
    let mut room = Wiped(Vec::with_capacity(DATAGRAM));
    loop {
        room.wipe();
        match rustix::net::recv(socket, spare_capacity(&mut room.0), RecvFlags::TRUNC) {
            Ok((_, length)) if length > room.0.len() => return Err(Errno::MSGSIZE),
            Ok((_, 0)) => return Ok(()),
            Ok(_) => {
                take(&room.0);
                if is_ended(&room.0) {
                    return Ok(());
                }
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Answers `Question::Connected` for the namespace that a socket was opened in.
pub fn connected(socket: &impl AsFd, answer: &mut Vec<u8>) -> Result<(), Errno> {
    for body in sock_diag::connected_requests() {
        each_datagram(socket, sock_diag::SOCK_DIAG_BY_FAMILY, &body, |datagram| {
            sock_diag::inodes(datagram, |inode| {
                let _ = writeln!(answer, "{inode}");
            });
        })?;
    }
    Ok(())
}
