use proptest::prelude::*;

use super::super::netlink::assemble::{done, message};
use super::*;

/// A row as `struct inet_diag_msg` lays it out.
pub(in crate::collect::linux) fn inet(
    family: u8,
    state: u8,
    port: u16,
    address: &[u8],
    inode: u32,
    attributes: &[u8],
) -> Vec<u8> {
    let mut body = vec![family, state, 0, 0];
    body.extend_from_slice(&port.to_be_bytes());
    body.extend_from_slice(&[0, 0]);
    let mut padded = address.to_vec();
    padded.resize(16, 0);
    body.extend_from_slice(&padded);
    body.extend_from_slice(&[0; 16]);
    body.extend_from_slice(&3u32.to_ne_bytes());
    body.extend_from_slice(&(0xabcd_0000u64 + u64::from(inode)).to_ne_bytes());
    for number in [0u32, 2, 128, 1000, inode] {
        body.extend_from_slice(&number.to_ne_bytes());
    }
    body.extend_from_slice(attributes);
    message(SOCK_DIAG_BY_FAMILY, &body)
}

fn only(table: Table, dump: &[u8]) -> Socket {
    let (mut sockets, end, bad) = decode(table, dump);
    assert_eq!((sockets.len(), end, bad), (1, End::Done, 0));
    sockets.remove(0)
}

#[test]
fn a_tcp_listener_with_everything() {
    let mut memory = [0u8; 36];
    memory[32..].copy_from_slice(&22u32.to_ne_bytes());
    let attributes = [
        attribute(INET_DIAG_SKMEMINFO, &memory),
        attribute(INET_DIAG_SKV6ONLY, &[1]),
        attribute(INET_DIAG_CGROUP_ID, &77u64.to_ne_bytes()),
    ]
    .concat();
    let socket = only(Table::Tcp6, &[inet(AF_INET6, TCP_LISTEN, 7003, &[0; 16], 42, &attributes), done(0)].concat());
    assert_eq!(socket.transport, Transport::Tcp);
    assert_eq!(socket.local, Local::Inet { ip: Ipv6Addr::UNSPECIFIED.into(), port: 7003 });
    assert_eq!((socket.device, socket.inode, socket.uid), (3, 42, Some(1000)));
    assert_eq!((socket.cookie, socket.cgroup, socket.drops), (Some(0xabcd_002a), Some(77), Some(22)));
    assert_eq!(socket.backlog, Some(Backlog { queued: 2, limit: 128 }));
    assert_eq!((socket.v6only, socket.dual_stack()), (Some(true), Some(false)));
}

#[test]
fn each_table_names_its_transport() {
    for (table, state, transport) in [
        (Table::Udp, TCP_CLOSE, Transport::Udp),
        (Table::UdpLite, TCP_CLOSE, Transport::UdpLite),
        (Table::Dccp, TCP_LISTEN, Transport::Dccp),
        (Table::Sctp, TCP_LISTEN, Transport::Sctp),
        (Table::Mptcp, TCP_LISTEN, Transport::Tcp),
    ] {
        let socket = only(table, &[inet(AF_INET, state, 5000, &[10, 0, 0, 1], 9, &[]), done(0)].concat());
        assert_eq!((socket.transport, socket.mptcp), (transport, table == Table::Mptcp));
        assert_eq!(socket.ip(), Some("10.0.0.1".parse().expect("address")));
    }
    let raw = only(Table::Raw, &[inet(AF_INET, TCP_CLOSE, 1, &[0; 4], 9, &[]), done(0)].concat());
    assert_eq!(raw.local, Local::Raw { ip: Ipv4Addr::UNSPECIFIED.into(), protocol: 1 });
}

#[test]
fn a_bound_socket_is_told_as_closed() {
    let socket = only(Table::TcpBound, &[inet(AF_INET, TCP_CLOSE, 7005, &[127, 0, 0, 1], 9, &[]), done(0)].concat());
    assert_eq!((socket.transport, socket.state), (Transport::Tcp, State::Bound));
}

#[test]
fn an_sctp_endpoint_shows_every_address() {
    let storage = |address: [u8; 4]| {
        let mut storage = vec![0u8; 128];
        storage[..2].copy_from_slice(&u16::from(AF_INET).to_ne_bytes());
        storage[4..8].copy_from_slice(&address);
        storage
    };
    let locals = attribute(INET_DIAG_LOCALS, &[storage([10, 0, 0, 1]), storage([10, 0, 1, 1])].concat());
    let row = inet(AF_INET, TCP_LISTEN, 3868, &[10, 0, 0, 1], 5, &locals);
    let (sockets, ..) = decode(Table::Sctp, &[row, done(0)].concat());
    let addresses: Vec<_> = sockets.iter().filter_map(Socket::ip).map(|ip| ip.to_string()).collect();
    assert_eq!(addresses, ["10.0.0.1", "10.0.1.1"]);
}

#[test]
fn packet_unix_and_vsock_rows() {
    let info = attribute(PACKET_DIAG_INFO, &[&2u32.to_ne_bytes()[..], &[0; 20]].concat());
    let uid = attribute(PACKET_DIAG_UID, &0u32.to_ne_bytes());
    let head = [&[AF_PACKET, 3][..], &3u16.to_ne_bytes(), &8u32.to_ne_bytes(), &5u64.to_ne_bytes()].concat();
    let row = message(SOCK_DIAG_BY_FAMILY, &[head, info, uid].concat());
    let socket = only(Table::Packet, &[row, done(0)].concat());
    assert_eq!((socket.local, socket.device), (Local::Packet { protocol: 3, cooked: false }, 2));

    let unix = |kind: u8, state: u8, name: &[u8]| {
        let head = [&[AF_UNIX, kind, state, 0][..], &8u32.to_ne_bytes(), &5u64.to_ne_bytes()].concat();
        message(SOCK_DIAG_BY_FAMILY, &[head, attribute(UNIX_DIAG_NAME, name)].concat())
    };
    let dump = [
        unix(1, TCP_LISTEN, b"/run/a\nb\0"),
        unix(2, TCP_CLOSE, b"\0log"),
        unix(1, TCP_CLOSE, b"/run/c\0"),
        unix(2, TCP_CLOSE, b""),
        done(0),
    ];
    let (sockets, end, bad) = decode(Table::Unix, &dump.concat());
    assert_eq!((end, bad), (End::Done, 0));
    let locals: Vec<_> = sockets.into_iter().map(|socket| socket.local).collect();
    assert_eq!(
        locals,
        [
            Local::Unix { kind: UnixKind::Stream, path: Text::from("/run/a\nb") },
            Local::Unix { kind: UnixKind::Dgram, path: Text::from("\0log") },
        ]
    );

    let mut vsock = vec![AF_VSOCK, 1, TCP_LISTEN, 0];
    for number in [u32::MAX, 7028, 0, 0, 12] {
        vsock.extend_from_slice(&number.to_ne_bytes());
    }
    vsock.extend_from_slice(&6u64.to_ne_bytes());
    let socket = only(Table::Vsock, &[message(SOCK_DIAG_BY_FAMILY, &vsock), done(0)].concat());
    assert_eq!(socket.local, Local::Vsock { cid: u32::MAX, port: 7028, dgram: false });
    assert_eq!(socket.inode, 12);
}

#[test]
fn a_row_that_is_too_short_or_foreign_costs_itself_alone() {
    let good = inet(AF_INET, TCP_LISTEN, 22, &[0; 4], 1, &[]);
    let short = message(SOCK_DIAG_BY_FAMILY, &[AF_INET, TCP_LISTEN, 0, 0]);
    let foreign = inet(99, TCP_LISTEN, 23, &[0; 4], 2, &[]);
    let (sockets, end, bad) = decode(Table::Tcp, &[short, good, foreign, done(0)].concat());
    assert_eq!((sockets.len(), end, bad), (1, End::Done, 2));
}

#[test]
fn requests_have_the_sizes_of_their_structures_and_never_ask_for_keys() {
    for table in Table::ALL {
        let body = request(table);
        let size = match table {
            Table::Packet => 20,
            Table::Unix | Table::Vsock => 24,
            Table::Mptcp | Table::Mptcp6 => 64,
            _ => 56,
        };
        assert_eq!(body.len(), size, "{}", table.name());
        if size >= 56 {
            // INET_DIAG_INFO is 2: its bit is 1 << 1.
            assert_eq!(body[2] & 2, 0, "{}", table.name());
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for table in Table::ALL {
            decode(table, &[message(SOCK_DIAG_BY_FAMILY, &bytes), done(0)].concat());
            decode(table, &bytes);
        }
    }

    #[test]
    fn a_changed_byte_in_a_row_costs_that_row_alone(at in 0usize..88, value: u8) {
        let good = |inode| inet(AF_INET, TCP_LISTEN, 22, &[0; 4], inode, &attribute(INET_DIAG_SKV6ONLY, &[0]));
        let mut broken = good(1);
        let at = 16 + at.min(broken.len() - 17);
        broken[at] = value;
        let (sockets, end, _) = decode(Table::Tcp, &[good(2), broken, good(3), done(0)].concat());
        let inodes: Vec<u64> = sockets.iter().map(|socket| socket.inode).collect();
        prop_assert_eq!(end, End::Done);
        prop_assert!(inodes.first() == Some(&2) && inodes.last() == Some(&3), "{:?}", inodes);
    }
}
