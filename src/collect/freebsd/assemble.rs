//! A FreeBSD server, put together from the layouts.

use super::layout as at;
use super::question::{Question, names};
use crate::collect::bsd::assemble::{assert_is_kept, file_lines, refuse, tell};
use crate::collect::bsd::bytes::put;
use crate::collect::bsd::transcript::heading;
use crate::collect::capture::Capture;
use crate::model::Transport;

/// A socket of it.
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
    /// A row of its table.
    pub fn row(&self) -> Vec<u8> {
        let (length, from) = if self.transport == Transport::Tcp { (at::TCP, at::TCP_BLOCK) } else { (at::BLOCK, 0) };
        let address = match self.ip.parse().expect("an address") {
            std::net::IpAddr::V4(ip) => ip.to_ipv6_compatible().octets(),
            std::net::IpAddr::V6(ip) => ip.octets(),
        };
        let mut row = vec![0; length];
        for (at, bytes) in [
            (from + at::BLOCK_SOCKET_LENGTH, &(at::SOCKET as u64).to_le_bytes()[..]),
            (from + at::BLOCK_HANDLE, &self.handle.to_le_bytes()),
            (from + at::BLOCK_LIMIT, &128u32.to_le_bytes()),
            (from + at::BLOCK_UID, &self.uid.to_le_bytes()),
            (from + at::BLOCK_PEER_PORT, &(if self.peer { 443u16 } else { 0 }).to_be_bytes()),
            (from + at::BLOCK_PORT, &self.port.to_be_bytes()),
            (from + at::BLOCK_ADDRESS, &address),
            (from + at::BLOCK_COUNT, &(self.handle & 0xff).to_le_bytes()),
            (from + at::BLOCK_VERSIONS, &[self.versions]),
            (from + at::BLOCK_PROTOCOL, &[if self.transport == Transport::Raw { 1 } else { 0 }]),
            (0, &(length as u64).to_le_bytes()),
        ] {
            put(&mut row, at, bytes);
        }
        if self.transport == Transport::Tcp {
            put(&mut row, at::TCP_STATE, &self.state.to_le_bytes());
        }
        row
    }
}

/// A whole table.
pub fn whole(rows: &[Vec<u8>], changes: [u64; 2]) -> Vec<u8> {
    let count = |changes: u64| {
        let mut count = vec![0; at::GENERATION];
        put(&mut count, 0, &(at::GENERATION as u64).to_le_bytes());
        put(&mut count, at::GENERATION_COUNT, &changes.to_le_bytes());
        count
    };
    [count(changes[0]), rows.concat(), count(changes[1])].concat()
}

/// An open file.
pub fn file(pid: u32, fd: u32, of_type: u16, data: u64) -> Vec<u8> {
    let mut file = vec![0; at::FILE];
    put(&mut file, 0, &(at::FILE as u64).to_le_bytes());
    put(&mut file, at::FILE_PID, &pid.to_le_bytes());
    put(&mut file, at::FILE_FD, &fd.to_le_bytes());
    put(&mut file, at::FILE_TYPE, &of_type.to_le_bytes());
    put(&mut file, at::FILE_DATA, &data.to_le_bytes());
    file
}

/// What a process tells of itself.
pub fn facts(pid: u32, ppid: u32, uid: u32, name: &str, jail: u32) -> Vec<u8> {
    let mut facts = vec![0; at::PROCESS];
    put(&mut facts, 0, &(at::PROCESS as u32).to_le_bytes());
    for (at, number) in [
        (at::PROCESS_PID, pid),
        (at::PROCESS_PPID, ppid),
        (at::PROCESS_UID, uid),
        (at::PROCESS_GROUP, uid),
        (at::PROCESS_JAIL, jail),
    ] {
        put(&mut facts, at, &number.to_le_bytes());
    }
    put(&mut facts, at::PROCESS_GROUPS, &1u16.to_le_bytes());
    put(&mut facts, at::PROCESS_SECONDS, &(1_795_000_000 + u64::from(pid)).to_le_bytes());
    put(&mut facts, at::PROCESS_NAME, &name.as_bytes()[..name.len().min(at::PROCESS_NAME_ROOM - 1)]);
    facts
}

/// The record of the program text of a process.
pub fn text(inode: u64, links: u64) -> Vec<u8> {
    let mut text = vec![0; at::TEXT_KEPT];
    put(&mut text, 0, &(at::TEXT_KEPT as u32).to_le_bytes());
    put(&mut text, at::TEXT_FD, &at::TEXT.to_le_bytes());
    put(&mut text, at::TEXT_LINKS, &links.to_le_bytes());
    put(&mut text, at::TEXT_DEVICE, &16_777_232u64.to_le_bytes());
    put(&mut text, at::TEXT_INODE, &inode.to_le_bytes());
    put(&mut text, at::TEXT_STATUS, &at::TEXT_VALID.to_le_bytes());
    text
}

/// A socket of TCP that listens.
pub const fn tcp(ip: &'static str, port: u16, versions: u8, handle: u64, uid: u32) -> Inet {
    Inet { transport: Transport::Tcp, ip, port, state: 1, versions, peer: false, handle, uid }
}

const V4: u8 = 1;
const V6: u8 = 2;

/// A process and its sockets.
struct Program(u32, u32, u32, &'static str, u32, Vec<Inet>);

fn programs() -> Vec<Program> {
    let udp = |ip, port, versions, handle| Inet { transport: Transport::Udp, ..tcp(ip, port, versions, handle, 0) };
    let web = vec![
        tcp("0.0.0.0", 80, V4, 0xf800_0321, 0),
        tcp("::", 80, V6, 0xf800_0322, 0),
        tcp("0.0.0.0", 443, V4, 0xf800_0323, 0),
    ];
    let established = Inet { state: 4, peer: true, ..tcp("192.0.2.10", 443, V4, 0xf800_0329, 0) };
    vec![
        Program(
            700,
            1,
            0,
            "/usr/sbin/syslogd",
            0,
            vec![udp("0.0.0.0", 514, V4, 0xf800_0301), udp("::", 514, V6, 0xf800_0302)],
        ),
        Program(
            745,
            1,
            123,
            "/usr/sbin/ntpd",
            0,
            vec![udp("0.0.0.0", 123, V4, 0xf800_0303), udp("fe80:2::1", 123, V6, 0xf800_0304)],
        ),
        Program(
            803,
            1,
            0,
            "/usr/sbin/sshd",
            0,
            vec![tcp("0.0.0.0", 22, V4, 0xf800_0311, 0), tcp("::", 22, V6, 0xf800_0312, 0)],
        ),
        Program(911, 1, 0, "/usr/local/sbin/nginx", 0, [web.clone(), vec![established]].concat()),
        Program(912, 911, 80, "/usr/local/sbin/nginx", 0, web),
        Program(
            933,
            1,
            59,
            "/usr/local/sbin/unbound",
            0,
            vec![tcp("127.0.0.1", 53, V4, 0xf800_0331, 59), udp("127.0.0.1", 53, V4, 0xf800_0332)],
        ),
        Program(
            1200,
            1,
            770,
            "/jails/db/usr/local/bin/postgres",
            3,
            vec![tcp("10.0.0.20", 5432, V4, 0xf800_0341, 770)],
        ),
        Program(
            1300,
            1,
            0,
            "/sbin/ping",
            0,
            vec![Inet { transport: Transport::Raw, ..tcp("0.0.0.0", 0, V4, 0xf800_0351, 0) }],
        ),
    ]
}

/// The server, seen by root.
pub fn server() -> Capture {
    let mut server = Capture { platform: "freebsd".into(), ..Capture::default() };
    let number = |number: u32| number.to_le_bytes();
    tell(&mut server, &Question::Clock, "1795217356304\n");
    tell(&mut server, &Question::Vantage, "uid 0\n");
    tell(&mut server, &Question::HostId, "6f1d5a90c3e14b7c8a6d0e9b71c2f399\n");
    tell(&mut server, &Question::Links, "1 8863 em0\n2 8049 lo0\n");
    for (name, answer) in [
        (names::HOSTNAME, &b"web1.example.org\0"[..]),
        (names::RELEASE, b"14.2-RELEASE-p1\0"),
        (names::BOOT, &[0x4c; 16]),
        (names::LOWEST, &number(10000)),
        (names::HIGHEST, &number(65535)),
        (names::RESERVED, &number(1023)),
        (names::SEES_USERS, &number(1)),
        (names::SEES_GROUPS, &number(1)),
        (names::JAILED, &number(0)),
        (names::JAILS, &number(1)),
    ] {
        tell(&mut server, &Question::Sysctl(name), answer);
    }
    refuse(&mut server, &Question::Sysctl(names::SCTP), 2);
    let programs = programs();
    // Shared sockets have one row.
    let mut all: Vec<Inet> = programs.iter().flat_map(|program| program.5.clone()).collect();
    all.sort_by_key(|socket| socket.handle);
    all.dedup_by_key(|socket| socket.handle);
    // A connection that nobody holds any more, and a socket of the kernel's own.
    all.push(Inet { state: 10, ..tcp("192.0.2.10", 443, V4, 0, 0) });
    all.push(Inet { transport: Transport::Udp, ..tcp("0.0.0.0", 51820, V4, 0xf800_0361, 0) });
    for (transport, name) in [(Transport::Tcp, names::TCP), (Transport::Udp, names::UDP), (Transport::Raw, names::RAW)]
    {
        let rows: Vec<_> = all.iter().filter(|one| one.transport == transport).map(Inet::row).collect();
        tell(&mut server, &Question::Sysctl(name), whole(&rows, [7, 7]));
    }
    let mut files = file(1, 0, 1, 0xf800_0001);
    for Program(pid, ppid, uid, exe, jail, sockets) in programs {
        // A file of two processes has one number.
        let inode = 5000 + u64::from(if pid == 912 { 911 } else { pid });
        let name = exe.rsplit('/').next().unwrap_or_default();
        files.extend(file(pid, 0, 1, 0xf800_0002));
        files.extend(sockets.iter().enumerate().flat_map(|(nth, one)| file(pid, nth as u32 + 3, 2, one.handle)));
        tell(&mut server, &Question::Process(pid), facts(pid, ppid, uid, name, jail));
        tell(&mut server, &Question::Exe(pid), format!("{exe}\0"));
        tell(&mut server, &Question::Text(pid), text(inode, 1));
        tell(&mut server, &Question::HostFile(exe.into()), file_lines(exe, inode, uid, "/home"));
        let user = [(0, "root"), (59, "unbound"), (80, "www"), (123, "ntpd")].into_iter().find(|(of, _)| *of == uid);
        match user {
            Some((_, name)) => tell(&mut server, &Question::User(uid), name),
            // Users of a jail are not the host's.
            None => refuse(&mut server, &Question::User(uid), 2),
        }
    }
    tell(&mut server, &Question::Sysctl(names::FILES), files);
    server
}

#[test]
fn the_capture_is_as_assembled() {
    let server = server();
    let heading = heading(&server);
    assert_is_kept("freebsd-server", server, heading);
}
