//! What a socket is called, and by what it is told apart.

use std::net::IpAddr;

use crate::model::{Local, NetNs, Socket, Text};
use crate::report::unix_name;

/// The endpoint for eyes and queries: `tcp/0.0.0.0%eth0:68`, `tcp/[::]:22`, `raw/0.0.0.0:proto=1`, `packet/any:all`,
/// `vsock/any:7028`, `unix/stream:@name`. The device is written where ss(8) writes it, after the brackets.
pub(super) fn endpoint(socket: &Socket, interface: &Text) -> String {
    let transport = socket.transport.name();
    let device = if interface.is_empty() { String::new() } else { format!("%{}", interface.escaped()) };
    match &socket.local {
        Local::Inet { ip, port } => format!("{transport}/{}{device}:{port}", address(*ip)),
        Local::Raw { ip, protocol } => format!("{transport}/{}{device}:proto={protocol}", address(*ip)),
        Local::Packet { protocol, .. } => {
            let device = if interface.is_empty() { "any".to_owned() } else { interface.escaped() };
            match protocol {
                3 => format!("{transport}/{device}:all"),
                _ => format!("{transport}/{device}:{protocol:#06x}"),
            }
        }
        Local::Vsock { cid, port, .. } => format!("{transport}/{}:{}", number_or_any(*cid), number_or_any(*port)),
        Local::Unix { kind, path } => format!("{transport}/{}:{}", kind.name(), unix_name(path)),
    }
}

fn address(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// `VMADDR_CID_ANY` and `VMADDR_PORT_ANY` are the highest number, vsock(7).
fn number_or_any(number: u32) -> String {
    if number == u32::MAX { "any".to_owned() } else { number.to_string() }
}

/// What a row shares with those of one address, port and device.
pub(super) fn group(socket: &Socket, interface: &Text, netns: &NetNs) -> u64 {
    of_namespace(socket, netns).place(socket, interface).finish()
}

/// What tells a row from every other. The cookie is the kernel's own identity of a socket; without one its inode
/// stands for it, and without either its place.
pub(super) fn id(socket: &Socket, interface: &Text, netns: &NetNs) -> u64 {
    let hash = of_namespace(socket, netns);
    match (socket.cookie, socket.inode) {
        (Some(cookie), _) => hash.field(b"cookie").field(&cookie.to_be_bytes()).finish(),
        (None, 0) => hash.field(b"place").place(socket, interface).finish(),
        (None, inode) => hash.field(b"inode").field(&inode.to_be_bytes()).finish(),
    }
}

/// The id of a row whose id is taken already, for the `count`th time.
pub(super) fn another(id: u64, count: u64) -> u64 {
    Fnv::default().field(&id.to_be_bytes()).field(&count.to_be_bytes()).finish()
}

fn of_namespace(socket: &Socket, netns: &NetNs) -> Fnv {
    let hash = match (netns.inode, &netns.name) {
        (Some(inode), _) => Fnv::default().field(&inode.to_be_bytes()),
        (None, name) => Fnv::default().field(name.as_ref().map_or(b"", Text::as_bytes)),
    };
    hash.field(socket.transport.name().as_bytes())
}

/// FNV-1a, 64 bits, with its bits mixed at the end: ids must not change with the compiler, as those of the standard
/// library may, and nobody gains by a collision, which [`another`] resolves.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Adds a field with its length, so that it cannot run into its neighbour.
    fn field(mut self, bytes: &[u8]) -> Self {
        for byte in (bytes.len() as u64).to_be_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self
    }

    /// Adds the address, the port and the device.
    fn place(self, socket: &Socket, interface: &Text) -> Self {
        self.field(endpoint(socket, interface).as_bytes())
    }

    fn finish(self) -> u64 {
        // The finalizer of SplitMix64: FNV leaves the high bits of short inputs alike.
        let mut hash = self.0;
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::sample::socket;
    use crate::model::{NetNsKind, Transport, UnixKind};

    #[test]
    fn endpoints_read_as_they_are_written() {
        let cases = [
            ("tcp/0.0.0.0:3221", "", "tcp/0.0.0.0:3221"),
            ("tcp/[::]:22", "", "tcp/[::]:22"),
            ("tcp/[::ffff:10.0.0.1]:22", "", "tcp/[::ffff:10.0.0.1]:22"),
            ("tcp/0.0.0.0%eth0:68", "eth0", "tcp/0.0.0.0%eth0:68"),
            ("udp/[fe80::1]%eth0:546", "eth0", "udp/[fe80::1]%eth0:546"),
            ("udp/127.0.0.1:323", "", "udp/127.0.0.1:323"),
            ("udplite/127.0.0.1:1", "", "udplite/127.0.0.1:1"),
            ("raw/0.0.0.0:proto=1", "", "raw/0.0.0.0:proto=1"),
            ("raw/[::]:proto=58", "", "raw/[::]:proto=58"),
            ("packet/eth0:0x0800", "eth0", "packet/eth0:0x0800"),
            ("packet/any:all", "", "packet/any:all"),
            ("tcp/0.0.0.0%x:1", "e\nth", "tcp/0.0.0.0%e\\u{a}th:1"),
        ];
        for (written, interface, want) in cases {
            assert_eq!(endpoint(&socket(written, 1), &Text::from(interface)), want);
        }
        let other =
            |transport, local| endpoint(&Socket { transport, local, ..socket("tcp/0.0.0.0:1", 1) }, &Text::default());
        let vsock = |cid, port| other(Transport::Vsock, Local::Vsock { cid, port, dgram: false });
        assert_eq!(vsock(u32::MAX, 7028), "vsock/any:7028");
        assert_eq!(vsock(3, u32::MAX), "vsock/3:any");
        let unix = |kind, path: &str| other(Transport::Unix, Local::Unix { kind, path: Text::from(path) });
        assert_eq!(unix(UnixKind::Stream, "\0name"), "unix/stream:@name");
        assert_eq!(unix(UnixKind::Dgram, "/run/a\u{1b}b"), "unix/dgram:/run/a\\u{1b}b");
    }

    #[test]
    fn a_field_of_an_id_cannot_pose_as_its_neighbour() {
        let netns = NetNs { inode: Some(1), name: None, kind: NetNsKind::Host, interfaces: None, addresses: None };
        let socket = |cookie, inode| Socket { cookie, ..socket("tcp/0.0.0.0:1", inode) };
        let of = |socket: &Socket| id(socket, &Text::default(), &netns);
        let ids = [of(&socket(Some(7), 7)), of(&socket(None, 7)), of(&socket(None, 0)), of(&socket(Some(0), 0))];
        for (at, one) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(one), "{ids:x?}");
        }
        assert_eq!(of(&socket(Some(7), 7)), of(&socket(Some(7), 8)));
    }
}
