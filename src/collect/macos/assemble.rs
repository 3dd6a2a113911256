//! A Mac, put together from the layouts.

use super::layout::{self as at, tables as table};
use super::question::{Question, names};
use crate::collect::bsd::assemble::{assert_is_kept, file_lines, refuse, tell};
use crate::collect::bsd::bytes::put;
use crate::collect::bsd::transcript::heading;
use crate::collect::capture::Capture;
use crate::model::Transport;

/// An internet socket of it.
#[derive(Clone, Copy)]
pub struct Inet {
    pub transport: Transport,
    pub ip: &'static str,
    pub port: u16,
    pub state: u32,
    pub versions: u8,
    pub peer: bool,
    pub handle: u64,
    pub uid: u32,
}

impl Inet {
    fn octets(&self) -> [u8; 16] {
        match self.ip.parse().expect("an address") {
            std::net::IpAddr::V4(ip) => ip.to_ipv6_compatible().octets(),
            std::net::IpAddr::V6(ip) => ip.octets(),
        }
    }

    /// A row of its table.
    pub fn row(&self) -> Vec<u8> {
        let (length, from) = match self.transport {
            Transport::Tcp => (table::TCP_STATE + 200, table::TCP_BLOCK),
            _ => (table::BLOCK, 0),
        };
        let mut row = vec![0; length];
        let socket = from + table::BLOCK_SOCKET;
        for (at, bytes) in [
            (0, &(length as u32).to_le_bytes()[..]),
            (from + table::BLOCK_PORT, &self.port.to_be_bytes()),
            (from + table::BLOCK_PEER_PORT, &(if self.peer { 443u16 } else { 0 }).to_be_bytes()),
            (from + table::BLOCK_COUNT, &(self.handle & 0xff).to_le_bytes()),
            (from + table::BLOCK_VERSIONS, &[self.versions]),
            (from + table::BLOCK_PROTOCOL, &[if self.transport == Transport::Raw { 1 } else { 0 }]),
            (from + table::BLOCK_ADDRESS, &self.octets()),
            (socket, &(table::SOCKET as u32).to_le_bytes()),
            (socket + table::SOCKET_HANDLE, &self.handle.to_le_bytes()),
            (socket + table::SOCKET_LIMIT, &128u16.to_le_bytes()),
            (socket + table::SOCKET_UID, &self.uid.to_le_bytes()),
        ] {
            put(&mut row, at, bytes);
        }
        if self.transport == Transport::Tcp {
            put(&mut row, table::TCP_STATE, &self.state.to_le_bytes());
        }
        row
    }

    /// What a descriptor tells of it.
    pub fn socket(&self) -> Vec<u8> {
        let (kind, protocol) = match self.transport {
            Transport::Tcp => (at::KIND_TCP, 6),
            Transport::Udp => (at::KIND_INET, at::PROTOCOL_UDP),
            _ => (at::KIND_INET, 0),
        };
        let mut socket = head(self.handle, kind, 1);
        for (at, bytes) in [
            (at::SOCKET_PROTOCOL, &u32::to_le_bytes(protocol)[..]),
            (at::SOCKET_LIMIT, &128u16.to_le_bytes()),
            (at::INET_PORT, &self.port.to_be_bytes()),
            (at::INET_PEER_PORT, &(if self.peer { 443u16 } else { 0 }).to_be_bytes()),
            (at::INET_VERSIONS, &[self.versions]),
            (at::INET_ADDRESS, &self.octets()),
        ] {
            put(&mut socket, at, bytes);
        }
        if self.transport == Transport::Tcp {
            put(&mut socket, at::TCP_STATE, &self.state.to_le_bytes());
        }
        socket
    }
}

fn head(handle: u64, kind: u32, of_type: u32) -> Vec<u8> {
    let mut socket = vec![0; at::SOCKET];
    put(&mut socket, at::SOCKET_HANDLE, &handle.to_le_bytes());
    put(&mut socket, at::SOCKET_TYPE, &of_type.to_le_bytes());
    put(&mut socket, at::SOCKET_KIND, &kind.to_le_bytes());
    socket
}

/// What a descriptor tells of a unix socket.
pub fn unix(handle: u64, of_type: u32, path: &[u8], accepts: bool, peer: u64) -> Vec<u8> {
    let mut socket = head(handle, at::KIND_UNIX, of_type);
    put(&mut socket, at::SOCKET_OPTIONS, &(if accepts { at::ACCEPTS } else { 0 }).to_le_bytes());
    put(&mut socket, at::UNIX_PEER, &peer.to_le_bytes());
    put(&mut socket, at::UNIX_LENGTH, &[path.len() as u8 + 2]);
    put(&mut socket, at::UNIX_PATH, path);
    socket
}

/// What a descriptor tells of a vsock listener.
pub fn vsock(handle: u64, cid: u32, port: u32) -> Vec<u8> {
    let mut socket = head(handle, at::KIND_VSOCK, at::STREAM);
    put(&mut socket, at::SOCKET_OPTIONS, &at::ACCEPTS.to_le_bytes());
    put(&mut socket, at::VSOCK_CID, &cid.to_le_bytes());
    put(&mut socket, at::VSOCK_PORT, &port.to_le_bytes());
    socket
}

/// A record of what a process holds.
pub fn record(number: u32, kind: u32, errno: u32, socket: &[u8]) -> Vec<u8> {
    let mut record: Vec<u8> =
        [number, kind, errno, socket.len() as u32].into_iter().flat_map(u32::to_le_bytes).collect();
    record.extend_from_slice(socket);
    record
}

/// A whole table.
pub fn whole(rows: &[Vec<u8>], changes: [u64; 2]) -> Vec<u8> {
    let count = |changes: u64| {
        let mut count = vec![0; table::GENERATION];
        put(&mut count, 0, &(table::GENERATION as u32).to_le_bytes());
        put(&mut count, table::GENERATION_COUNT, &changes.to_le_bytes());
        count
    };
    [count(changes[0]), rows.concat(), count(changes[1])].concat()
}

/// What a process tells of itself.
pub fn facts(pid: u32, ppid: u32, uid: u32, name: &str) -> Vec<u8> {
    let mut facts = vec![0; at::BSDINFO];
    put(&mut facts, at::BSDINFO_PID, &pid.to_le_bytes());
    put(&mut facts, at::BSDINFO_PPID, &ppid.to_le_bytes());
    put(&mut facts, at::BSDINFO_UID, &uid.to_le_bytes());
    put(&mut facts, at::BSDINFO_COMM, &name.as_bytes()[..name.len().min(at::BSDINFO_COMM_ROOM - 1)]);
    put(&mut facts, at::BSDINFO_NAME, &name.as_bytes()[..name.len().min(at::BSDINFO_NAME_ROOM - 1)]);
    put(&mut facts, at::BSDINFO_SECONDS, &(1_795_100_000 + u64::from(pid)).to_le_bytes());
    facts
}

/// A mapped file.
pub fn mapped(inode: u64, links: u16) -> Vec<u8> {
    let mut mapped = vec![0; at::REGION_KEPT];
    put(&mut mapped, at::REGION_DEVICE, &16_777_232u32.to_le_bytes());
    put(&mut mapped, at::REGION_LINKS, &links.to_le_bytes());
    put(&mut mapped, at::REGION_INODE, &inode.to_le_bytes());
    mapped
}

const V4: u8 = 1;
const V6: u8 = 2;
const DUAL: u8 = 3;

/// A socket of TCP that listens.
pub const fn tcp(ip: &'static str, port: u16, versions: u8, handle: u64, uid: u32) -> Inet {
    Inet { transport: Transport::Tcp, ip, port, state: 1, versions, peer: false, handle, uid }
}

/// A socket of UDP.
pub const fn udp(ip: &'static str, port: u16, versions: u8, handle: u64, uid: u32) -> Inet {
    Inet { transport: Transport::Udp, state: 0, ..tcp(ip, port, versions, handle, uid) }
}

/// A process and its sockets.
struct Program {
    pid: u32,
    ppid: u32,
    uid: u32,
    name: &'static str,
    exe: &'static str,
    home: &'static str,
    links: u16,
    sockets: Vec<Inet>,
}

fn programs() -> Vec<Program> {
    let program = |pid, ppid, uid, exe: &'static str, sockets: &[Inet]| Program {
        pid,
        ppid,
        uid,
        name: exe.rsplit('/').next().unwrap_or_default(),
        exe,
        home: "/opt/homebrew",
        links: 1,
        sockets: sockets.to_vec(),
    };
    let web = [tcp("::", 3000, DUAL, 0x51, 501)];
    let established = Inet { state: 4, peer: true, ..tcp("192.168.7.21", 61000, V4, 0x63, 501) };
    let reserved = Inet { state: 0, ..tcp("127.0.0.1", 49999, V4, 0x64, 501) };
    let query = Inet { peer: true, ..udp("192.168.7.21", 50001, V4, 0x65, 501) };
    vec![
        program(1, 0, 0, "/sbin/launchd", &[tcp("0.0.0.0", 22, V4, 0x11, 0), tcp("::", 22, V6, 0x12, 0)]),
        program(
            321,
            1,
            65,
            "/usr/sbin/mDNSResponder",
            &[udp("0.0.0.0", 5353, V4, 0x21, 65), udp("::", 5353, V6, 0x22, 65), udp("fe80:b::1", 5350, V6, 0x23, 65)],
        ),
        program(433, 1, 0, "/usr/sbin/cupsd", &[tcp("127.0.0.1", 631, V4, 0x31, 0), tcp("::1", 631, V6, 0x32, 0)]),
        program(512, 1, 501, "/usr/libexec/rapportd", &[tcp("::", 49152, DUAL, 0x41, 501)]),
        program(
            640,
            1,
            501,
            "/System/Library/CoreServices/ControlCenter.app/Contents/MacOS/ControlCenter",
            &[tcp("0.0.0.0", 7000, V4, 0x42, 501), tcp("::", 7000, V6, 0x43, 501)],
        ),
        program(700, 1, 501, "/opt/homebrew/Cellar/node/23.6.0/bin/node", &web),
        program(701, 700, 501, "/opt/homebrew/Cellar/node/23.6.0/bin/node", &web),
        program(
            745,
            1,
            501,
            "/opt/homebrew/Cellar/postgresql@16/16.6/bin/postgres",
            &[tcp("127.0.0.1", 5432, V4, 0x52, 501), tcp("::1", 5432, V6, 0x53, 501), established, reserved, query],
        ),
        Program { links: 0, ..program(800, 1, 501, "/private/tmp/build/server", &[tcp("::", 8080, DUAL, 0x61, 501)]) },
        program(801, 1, 0, "/sbin/ping", &[Inet { transport: Transport::Raw, ..tcp("0.0.0.0", 0, V4, 0x62, 0) }]),
    ]
}

/// The Mac, seen by root, or by the user that has the number 501.
pub fn mac(as_root: bool) -> Capture {
    let mut mac = Capture { platform: "macos".into(), ..Capture::default() };
    let programs = programs();
    tell(&mut mac, &Question::Clock, "1795217356304\n");
    tell(&mut mac, &Question::Vantage, if as_root { "uid 0\n" } else { "uid 501\n" });
    tell(&mut mac, &Question::HostId, "2f1d5a90c3e14b7c8a6d0e9b71c2f345\n");
    tell(&mut mac, &Question::Links, "1 8049 lo0\n11 8863 en0\n12 8822 en1\n");
    for (name, answer) in [
        (names::HOSTNAME, &b"annas-mac.local\0"[..]),
        (names::RELEASE, b"24.3.0\0"),
        (names::BOOT, b"8E1B6C22-3D53-4B0A-9D0E-4C9D1F6A7B10\0"),
        (names::LOWEST, &49152u32.to_le_bytes()),
        (names::HIGHEST, &65535u32.to_le_bytes()),
    ] {
        tell(&mut mac, &Question::Sysctl(name), answer);
    }
    // Shared sockets have one row.
    let mut all: Vec<Inet> = programs.iter().flat_map(|program| program.sockets.clone()).collect();
    all.sort_by_key(|socket| socket.handle);
    all.dedup_by_key(|socket| socket.handle);
    all.push(Inet { state: 10, ..tcp("192.168.7.21", 3000, V4, 0, 0) });
    for (transport, name) in [(Transport::Tcp, names::TCP), (Transport::Udp, names::UDP), (Transport::Raw, names::RAW)]
    {
        let rows: Vec<_> = all.iter().filter(|one| one.transport == transport).map(Inet::row).collect();
        tell(&mut mac, &Question::Sysctl(name), whole(&rows, [7, 7]));
    }
    let pids: String = programs.iter().map(|program| format!("{}\n", program.pid)).collect();
    tell(&mut mac, &Question::Pids, pids);
    for Program { pid, ppid, uid, name, exe, home, links, sockets } in programs {
        let inode = 1000 + u64::from(pid);
        // A file of two processes has one number.
        let inode = if pid == 701 { inode - 1 } else { inode };
        if !as_root && uid != 501 {
            refuse(&mut mac, &Question::Process(pid), 1);
            refuse(&mut mac, &Question::Sockets(pid), 1);
            continue;
        }
        let mut held: Vec<u8> = sockets
            .iter()
            .enumerate()
            .flat_map(|(nth, socket)| record(nth as u32 + 5, 0, 0, &socket.socket()))
            .collect();
        if pid == 1 {
            held.extend(record(40, 0, 0, &unix(0x71, at::STREAM, b"/private/var/run/syslog", true, 0)));
            held.extend(record(0x1e03, 1, 0, &unix(0x72, at::STREAM, b"/private/var/run/cupsd", true, 0)));
        }
        if pid == 433 {
            held.extend(record(7, 0, 0, &unix(0x72, at::STREAM, b"/private/var/run/cupsd", true, 0)));
            // It was closed before it could be asked about.
            held.extend(record(9, 0, 9, &[]));
        }
        tell(&mut mac, &Question::Process(pid), facts(pid, ppid, uid, name));
        tell(&mut mac, &Question::Sockets(pid), held);
        tell(&mut mac, &Question::Exe(pid), exe);
        tell(&mut mac, &Question::Mapped(pid), [mapped(inode, links), mapped(77, 1)].concat());
        match links {
            0 => refuse(&mut mac, &Question::HostFile(exe.into()), 2),
            _ => tell(&mut mac, &Question::HostFile(exe.into()), file_lines(exe, inode, uid, home)),
        }
        match uid {
            0 => tell(&mut mac, &Question::User(0), "root"),
            65 => tell(&mut mac, &Question::User(65), "_mdnsresponder"),
            // People are not in /etc/passwd.
            _ => refuse(&mut mac, &Question::User(uid), 2),
        }
    }
    mac
}

#[test]
fn the_captures_are_as_assembled() {
    for (name, as_root) in [("mac", true), ("mac-as-user", false)] {
        let mac = mac(as_root);
        let heading = heading(&mac);
        assert_is_kept(name, mac, heading);
    }
}
