//! The tables below `/proc/net`, proc(5): what is read where netlink is refused. One bad row costs one row.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::question::Table;
use super::sock_diag::{bare, unix_kind};
use crate::model::{Local, Socket, State, Text, Transport, UnixKind};

/// The file of a table, below `/proc/net`; `None` where the kernel has none.
pub const fn file(table: Table) -> Option<&'static str> {
    Some(match table {
        Table::Tcp => "tcp",
        Table::Tcp6 => "tcp6",
        Table::Udp | Table::UdpConnected => "udp",
        Table::Udp6 | Table::Udp6Connected => "udp6",
        Table::UdpLite => "udplite",
        Table::UdpLite6 => "udplite6",
        // One file for both families.
        Table::Sctp | Table::Sctp6 => "sctp/eps",
        Table::Raw => "raw",
        Table::Raw6 => "raw6",
        Table::Packet => "packet",
        Table::Unix => "unix",
        Table::TcpTimeWait => "tcp",
        Table::Tcp6TimeWait => "tcp6",
        Table::TcpBound
        | Table::Tcp6Bound
        | Table::Mptcp
        | Table::Mptcp6
        | Table::Dccp
        | Table::Dccp6
        | Table::Vsock => return None,
    })
}

/// The fields of a listener that the file does not tell.
pub const fn lacks(table: Table) -> &'static [&'static str] {
    match table {
        Table::Tcp6 => &["backlog", "cgroup", "cookie", "drops", "dual_stack", "interface", "mptcp"],
        Table::Tcp | Table::TcpTimeWait | Table::Tcp6TimeWait => {
            &["backlog", "cgroup", "cookie", "drops", "interface", "mptcp"]
        }
        Table::Udp6 | Table::Udp6Connected | Table::UdpLite6 => &["cgroup", "cookie", "dual_stack", "interface"],
        Table::Raw6 => &["cgroup", "cookie", "dual_stack", "interface"],
        Table::Sctp | Table::Sctp6 => &["backlog", "cgroup", "cookie", "drops", "dual_stack", "interface"],
        Table::Packet => &["cookie"],
        Table::Unix => &["backlog", "cookie", "recv_queue", "uid"],
        _ => &["cgroup", "cookie", "interface"],
    }
}

/// The sockets of a file, and how many of its rows made no sense.
pub fn decode(table: Table, text: &[u8]) -> (Vec<Socket>, usize) {
    let mut sockets = Vec::new();
    let mut bad = 0;
    // A path may hold newlines, and the file does not escape them: what is no row goes on with the path before it.
    let mut path_goes_on = false;
    // The first line is a heading.
    for line in text.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty()) {
        let row = match table {
            Table::Packet => packet_row(line).map(|socket| sockets.push(socket)),
            Table::Unix => match unix_row(line) {
                Some(socket) => {
                    path_goes_on = socket.is_some();
                    sockets.extend(socket);
                    Some(())
                }
                None if path_goes_on => sockets.last_mut().and_then(|socket| add_to_path(socket, line)),
                None => None,
            },
            Table::Sctp | Table::Sctp6 => sctp_row(line, &mut sockets),
            _ => inet_row(table, line).map(|socket| sockets.extend(socket)),
        };
        bad += usize::from(row.is_none());
    }
    (sockets, bad)
}

/// The words of a line.
fn words(line: &[u8]) -> impl Iterator<Item = &str> {
    line.split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty())
        .map(|word| std::str::from_utf8(word).unwrap_or("?"))
}

fn hex<T: TryFrom<u64>>(word: &str) -> Option<T> {
    u64::from_str_radix(word, 16).ok()?.try_into().ok()
}

/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ref pointer drops`.
fn inet_row(table: Table, line: &[u8]) -> Option<Option<Socket>> {
    let words: Vec<&str> = words(line).collect();
    let [_, local, _, state, queues, _, _, uid, _, inode, ..] = words[..] else { return None };
    let (address, port) = local.split_once(':')?;
    let ip = address_of(address)?;
    let port: u16 = hex(port)?;
    let (transport, state) = match (table, hex::<u8>(state)?) {
        (Table::Tcp | Table::Tcp6, 10) => (Transport::Tcp, State::Listen),
        (Table::TcpTimeWait | Table::Tcp6TimeWait, 6) => (Transport::Tcp, State::Bound),
        (Table::Udp | Table::Udp6, 7) => (Transport::Udp, State::Unconnected),
        (Table::UdpConnected | Table::Udp6Connected, 1) => (Transport::Udp, State::Connected),
        (Table::UdpLite | Table::UdpLite6, 7) => (Transport::UdpLite, State::Unconnected),
        (Table::Raw | Table::Raw6, 7) => (Transport::Raw, State::Unconnected),
        (Table::Raw | Table::Raw6, 1) => (Transport::Raw, State::Connected),
        (_, 1..=12) => return Some(None),
        _ => return None,
    };
    let local = match transport {
        Transport::Raw => match u8::try_from(port) {
            Ok(protocol) => Local::Raw { ip, protocol },
            // Linux lets a raw socket wait for MPTCP's number, 262, which no packet can bear.
            Err(_) => return Some(None),
        },
        _ => Local::Inet { ip, port },
    };
    let mut socket = bare(transport, state, local, inode.parse().ok()?);
    socket.uid = Some(uid.parse().ok()?);
    if transport != Transport::Tcp {
        socket.recv_queue = Some(hex(queues.split_once(':')?.1)?);
        socket.drops = words.get(12).and_then(|drops| drops.parse().ok());
    }
    Some(Some(socket))
}

/// Hexadecimal words of 32 bits, each in the byte order of the host.
pub(super) fn address_of(text: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(text.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut octets = [0; 16];
            for at in 0..4 {
                octets[at * 4..at * 4 + 4].copy_from_slice(&word(at)?);
            }
            Some(Ipv6Addr::from(octets).into())
        }
        _ => None,
    }
}

/// `sk RefCnt Type Proto Iface R Rmem User Inode`.
fn packet_row(line: &[u8]) -> Option<Socket> {
    let words: Vec<&str> = words(line).collect();
    let [_, _, kind, protocol, device, _, memory, uid, inode] = words[..] else { return None };
    let local = Local::Packet { protocol: hex(protocol)?, cooked: kind == "2" };
    let mut socket = bare(Transport::Packet, State::Unconnected, local, inode.parse().ok()?);
    socket.device = device.parse().ok()?;
    socket.uid = Some(uid.parse().ok()?);
    socket.recv_queue = Some(memory.parse().ok()?);
    Some(socket)
}

/// `Num: RefCount Protocol Flags Type St Inode Path`; the path is raw and is all that follows the inode.
pub(super) fn unix_row(line: &[u8]) -> Option<Option<Socket>> {
    const ACCEPTS: u64 = 0x10000;
    let mut rest = line;
    let mut fields = [""; 7];
    for field in &mut fields {
        rest = rest.trim_ascii_start();
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        *field = std::str::from_utf8(&rest[..end]).ok()?;
        rest = &rest[end..];
    }
    let [number, _, _, flags, kind, state, inode] = fields;
    number.strip_suffix(':')?;
    let kind = unix_kind(hex(kind)?)?;
    let (flags, state): (u64, u8) = (hex(flags)?, hex(state)?);
    let inode = inode.parse().ok()?;
    let path = match rest.strip_prefix(b" ").unwrap_or_default() {
        // The kernel writes `@` for every NUL byte of an abstract name, of which the first is sure.
        [b'@', name @ ..] => Text::new([&[0], name].concat()),
        path => Text::from(path),
    };
    // SS_UNCONNECTED is 1.
    let state = match kind {
        UnixKind::Stream | UnixKind::Seqpacket if flags & ACCEPTS != 0 => State::Listen,
        UnixKind::Dgram if state == 1 && !path.is_empty() => State::Unconnected,
        _ => return Some(None),
    };
    Some(Some(bare(Transport::Unix, state, Local::Unix { kind, path }, inode)))
}

/// Adds a line to a path; `None` where there is none, or the whole is longer than a path may be, unix(7).
pub(super) fn add_to_path(socket: &mut Socket, line: &[u8]) -> Option<()> {
    const LONGEST: usize = 108;
    match &mut socket.local {
        Local::Unix { path, .. } if !path.is_empty() && path.as_bytes().len() + line.len() < LONGEST => {
            *path = Text::new([path.as_bytes(), b"\n", line].concat());
            Some(())
        }
        _ => None,
    }
}

/// `ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS`, numbers in decimal, addresses as text.
fn sctp_row(line: &[u8], sockets: &mut Vec<Socket>) -> Option<()> {
    let words: Vec<&str> = words(line).collect();
    let [_, _, _, state, _, port, uid, inode, addresses @ ..] = &words[..] else { return None };
    if state.parse::<u8>().ok()? != 10 {
        return Some(());
    }
    let (port, inode, uid) = (port.parse().ok()?, inode.parse().ok()?, uid.parse().ok()?);
    for address in addresses {
        let ip: IpAddr = address.parse().ok()?;
        let mut socket = bare(Transport::Sctp, State::Listen, Local::Inet { ip, port }, inode);
        socket.uid = Some(uid);
        sockets.push(socket);
    }
    (!addresses.is_empty()).then_some(())
}

/// The first two numbers of a kernel's release.
pub fn version(release: &[u8]) -> Option<(u32, u32)> {
    let mut numbers = std::str::from_utf8(release).ok()?.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The protocols of this kernel, by the names of `/proc/net/protocols`.
pub struct Protocols {
    /// Names and numbers of sockets.
    rows: Vec<(Vec<u8>, u64)>,
    version: Option<(u32, u32)>,
}

impl Protocols {
    /// The protocols listed in the text of the file, by a kernel of this release.
    pub fn new(text: &[u8], release: &[u8]) -> Self {
        let row = |line: &[u8]| {
            let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
            let (name, _, sockets) = (words.next()?, words.next()?, words.next()?);
            // A number that makes no sense is not none.
            Some((name.to_vec(), std::str::from_utf8(sockets).ok()?.parse().unwrap_or(u64::MAX)))
        };
        let rows = text.split(|byte| *byte == b'\n').filter_map(row).collect();
        Self { rows, version: version(release) }
    }

    /// The first two numbers of the kernel's release.
    pub fn version(&self) -> Option<(u32, u32)> {
        self.version
    }

    /// True where the kernel counts the sockets of a table's protocol, and there are none. Only asked of MPTCP: its dump
    /// walks the whole hash of listeners with a lock for each bucket, which takes longer than all other tables together.
    pub fn has_none(&self, table: Table) -> bool {
        let asked = matches!(table, Table::Mptcp | Table::Mptcp6);
        let counts = self.version.is_some_and(|version| version >= (6, 2));
        asked && counts && self.has(table) && self.sockets(Self::name(table)) == 0
    }

    /// True where the kernel counts every socket that a table may have a row of, and there are none. It counts what is in
    /// the hash tables of these protocols, and not what is bound and no more, and no vsock socket.
    pub fn counts_none(&self, table: Table) -> bool {
        use Table::{Packet, Raw, Raw6, Tcp, Tcp6, Udp, Udp6, UdpLite, UdpLite6};
        let counted = matches!(table, Tcp | Tcp6 | Udp | Udp6 | UdpLite | UdpLite6 | Raw | Raw6 | Packet);
        counted && self.has(table) && self.sockets(Self::name(table)) == 0
    }

    /// True where the kernel has the protocol of a table.
    pub fn has(&self, table: Table) -> bool {
        let name = Self::name(table);
        self.rows.iter().any(|(this, _)| this == name)
    }

    /// What the file calls the protocol of a table.
    fn name(table: Table) -> &'static [u8] {
        match table {
            Table::Tcp | Table::TcpBound | Table::TcpTimeWait => b"TCP",
            Table::Tcp6 | Table::Tcp6Bound | Table::Tcp6TimeWait => b"TCPv6",
            Table::Mptcp => b"MPTCP",
            Table::Mptcp6 => b"MPTCPv6",
            Table::Udp | Table::UdpConnected => b"UDP",
            Table::Udp6 | Table::Udp6Connected => b"UDPv6",
            Table::UdpLite => b"UDP-Lite",
            Table::UdpLite6 => b"UDPLITEv6",
            Table::Sctp => b"SCTP",
            Table::Sctp6 => b"SCTPv6",
            Table::Dccp => b"DCCP",
            Table::Dccp6 => b"DCCPv6",
            Table::Raw => b"RAW",
            Table::Raw6 => b"RAWv6",
            Table::Packet => b"PACKET",
            Table::Vsock => b"AF_VSOCK",
            Table::Unix => b"UNIX",
        }
    }

    /// How many sockets of a protocol the kernel counts.
    pub fn sockets(&self, protocol: &[u8]) -> u64 {
        let of_it = self.rows.iter().filter(|(name, _)| name == protocol);
        of_it.fold(0, |sum, (_, sockets)| sockets.saturating_add(sum))
    }

    /// Protocols whose sockets may receive and that no table of ours covers, with how many sockets they have.
    pub fn uncovered(&self) -> Vec<(String, u64)> {
        // Unix sockets are read when they are asked for; NETLINK talks to the kernel alone, and PING hears only the
        // answers to its own questions.
        const KNOWN: [&[u8]; 22] = [
            b"protocol",
            b"TCP",
            b"TCPv6",
            b"MPTCP",
            b"MPTCPv6",
            b"UDP",
            b"UDPv6",
            b"UDP-Lite",
            b"UDPLITEv6",
            b"SCTP",
            b"SCTPv6",
            b"DCCP",
            b"DCCPv6",
            b"RAW",
            b"RAWv6",
            b"PACKET",
            b"AF_VSOCK",
            b"NETLINK",
            b"UNIX",
            b"UNIX-STREAM",
            b"PING",
            b"PINGv6",
        ];
        let uncovered = self.rows.iter().filter(|(name, sockets)| !KNOWN.contains(&name.as_slice()) && *sockets > 0);
        uncovered.map(|(name, sockets)| (Text::from(name.as_slice()).escaped(), *sockets)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TCP: &[u8] = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0CE5 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 20571 1 0000000000000000 100 0 0 10 0
   1: garbage
   2: 0100007F:0016 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 20572 1 0000000000000000 100 0 0 10 0
   3: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20573 1 0000000000000000 100 0 0 10 0
";

    #[test]
    #[cfg(target_endian = "little")]
    fn tcp_rows_are_read_and_a_bad_one_costs_itself() {
        let (sockets, bad) = decode(Table::Tcp, TCP);
        assert_eq!(bad, 1);
        let seen: Vec<_> = sockets.iter().map(|s| (s.local.clone(), s.inode, s.uid)).collect();
        let local = |ip: &str, port| Local::Inet { ip: ip.parse().expect(ip), port };
        assert_eq!(seen, [(local("127.0.0.1", 3301), 20571, Some(1000)), (local("0.0.0.0", 22), 20573, Some(0))]);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn ipv6_udp_with_drops() {
        let text = b"heading\n  12: 000080FE00000000FC0000FF010000FE:0222 00000000000000000000000000000000:0000 07 00000000:00000180 00:00000000 00000000     0        0 99 2 0000000000000000 3\n";
        let (sockets, bad) = decode(Table::Udp6, text);
        assert_eq!(bad, 0);
        assert_eq!(sockets[0].ip(), Some("fe80::ff00:fc:fe00:1".parse().expect("address")));
        assert_eq!((sockets[0].port(), sockets[0].recv_queue, sockets[0].drops), (Some(546), Some(0x180), Some(3)));
    }

    #[test]
    fn unix_paths_keep_their_spaces() {
        let text = b"Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 100 /run/a b
0000000000000000: 00000002 00000000 00000000 0002 01 101 @bus
0000000000000000: 00000002 00000000 00000000 0002 01 102
0000000000000000: 00000003 00000000 00000000 0001 03 103 /run/connected
";
        let (sockets, bad) = decode(Table::Unix, text);
        assert_eq!(bad, 0);
        let locals: Vec<_> = sockets.into_iter().map(|socket| socket.local).collect();
        assert_eq!(
            locals,
            [
                Local::Unix { kind: UnixKind::Stream, path: Text::from("/run/a b") },
                Local::Unix { kind: UnixKind::Dgram, path: Text::from("\0bus") },
            ]
        );
    }

    #[test]
    fn unix_paths_keep_their_newlines() {
        let text = b"Num       RefCount Protocol Flags    Type St Inode Path
0: 00000002 00000000 00010000 0001 01 100 /run/a
b: c
0: 00000002 00000000 00010000 0001 01 101 @x
0: 00000003 00000000 00000000 0001 03 103 /run/connected
d
";
        let (sockets, bad) = decode(Table::Unix, text);
        assert_eq!(bad, 1, "what goes on with a row that is not kept belongs to none");
        let named = |name| Local::Unix { kind: UnixKind::Stream, path: Text::from(name) };
        let locals: Vec<_> = sockets.into_iter().map(|socket| socket.local).collect();
        assert_eq!(locals, [named("/run/a\nb: c"), named("\0x")]);
    }

    #[test]
    fn packet_and_sctp_rows() {
        let text = b"sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n0000000000000000 3      3    0003   2     1 0      0      12345\n";
        let (sockets, bad) = decode(Table::Packet, text);
        assert_eq!((bad, sockets[0].device, sockets[0].inode), (0, 2, 12345));
        assert_eq!(sockets[0].local, Local::Packet { protocol: 3, cooked: false });
        let text = b" ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS\n 0 0 2   10  29   3868      0 777 10.0.0.1 fd00::1 \n";
        let (sockets, bad) = decode(Table::Sctp, text);
        let addresses: Vec<_> = sockets.iter().filter_map(Socket::ip).map(|ip| ip.to_string()).collect();
        assert_eq!((bad, addresses), (0, vec!["10.0.0.1".to_owned(), "fd00::1".to_owned()]));
    }

    #[test]
    fn protocols_tell_absent_from_missing() {
        let protocols = Protocols::new(
            b"protocol  size sockets  memory press maxhdr  slab module\nPACKET    1600      1      -1   NI       0   no   kernel\nTCP       2304      1     203   no     320   yes  kernel\nXDP       1088      2      -1   NI       0   yes  kernel\n",
            b"6.18",
        );
        assert!(protocols.has(Table::Tcp) && protocols.has(Table::Packet));
        assert!(!protocols.has(Table::Sctp) && !protocols.has(Table::Tcp6));
        assert_eq!(protocols.uncovered(), [("XDP".to_owned(), 2)]);
    }

    #[test]
    fn a_count_of_none_counts_where_the_kernel_counts() {
        let of = |text: &[u8], release: &[u8]| Protocols::new(text, release);
        let text = b"protocol  size sockets\nMPTCPv6   2064      1\nMPTCP     1936      0\nTCP       2304      0\n";
        let counting = of(text, b"6.2.0-39-generic");
        assert!(counting.has_none(Table::Mptcp) && !counting.has_none(Table::Mptcp6));
        assert!(!counting.has_none(Table::Tcp), "every other table is read");
        assert!(!of(b"protocol  size sockets\n", b"6.2").has_none(Table::Mptcp), "what is absent is told elsewhere");
        for release in [&b"6.1.0-9-amd64"[..], b"5.14.0-362.el9", b"", b"x"] {
            assert!(!of(text, release).has_none(Table::Mptcp));
        }
        assert!(of(text, b"10.0").has_none(Table::Mptcp));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for table in Table::ALL {
                decode(table, &[b"heading\n", &bytes[..]].concat());
            }
            Protocols::new(&bytes, &bytes).uncovered();
        }

        #[test]
        #[cfg(target_endian = "little")]
        fn a_change_in_one_row_costs_that_row(at in 129usize..250, value: u8) {
            prop_assume!(value != b'\n');
            let mut text = TCP.to_vec();
            text[at] = value;
            let (sockets, _) = decode(Table::Tcp, &text);
            prop_assert!(sockets.iter().any(|socket| socket.inode == 20573));
        }
    }
}
