//! Hosts on which the kernel itself serves something.

use super::super::devices::LINKS;
use super::super::netlink::assemble::{done, message};
use super::super::netlink::attribute;
use super::super::tests::{host, look, refuse, tell};
use super::super::tunnels::IFLA_LINKINFO;
use super::*;
use crate::collect::capture::Capture;
use crate::model::OwnerStatus;
use proptest::prelude::*;

const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
";

fn row(address: &str, port: u16, state: &str, inode: u32) -> String {
    format!(
        " 0: {address}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1 0 0 0\n"
    )
}

fn device(index: u32, up: bool, name: &[u8], kind: &[u8], data: &[u8]) -> Vec<u8> {
    let info = [attribute(1, kind), attribute(2, data)].concat();
    let head = [[0; 4], index.to_ne_bytes(), u32::from(up).to_ne_bytes(), [0; 4]].concat();
    message(LINKS.1, &[head, attribute(3, name), attribute(IFLA_LINKINFO, &info)].concat())
}

fn port(kind: u16, port: u16) -> Vec<u8> {
    attribute(kind, &port.to_be_bytes())
}

/// A host whose process 7 holds nothing, with these UDP sockets and devices.
fn with(udp: &[(&str, u16)], devices: &[Vec<u8>]) -> Capture {
    let mut host = host();
    tell(&mut host, "namespaces", "");
    tell(&mut host, "sockets 7", "");
    tell(&mut host, "proc tcp", HEAD);
    let rows = udp.iter().zip(600..).map(|((address, port), inode)| row(address, *port, "07", inode));
    tell(&mut host, "proc udp", &format!("{HEAD}{}", rows.collect::<String>()));
    host.answers.insert("links".to_owned(), vec![Ok([devices.concat(), done(0)].concat().into())]);
    host
}

/// The sockets by port, each with its status and its owner in the kernel.
fn owners(host: &Capture) -> Vec<(u32, OwnerStatus, String)> {
    let report = crate::judge::judge(look(host), &crate::registry::Registry::builtin(), String::new());
    let told = |listener: &crate::report::Listener| {
        let owner = listener.kernel_owner();
        let device = owner.and_then(|owner| owner.device.as_ref()).map(crate::model::Text::escaped).unwrap_or_default();
        (
            listener.socket.port().unwrap_or(0),
            listener.owner_status,
            format!("{} {device}", owner.map_or("", |o| o.kind)),
        )
    };
    report.listeners.iter().map(told).collect()
}

fn names(host: &Capture) -> Vec<String> {
    owners(host).into_iter().map(|(.., name)| name.trim().to_owned()).collect()
}

#[test]
fn devices_tell_their_ports() {
    let devices = [
        device(2, true, b"vx0\0", b"vxlan\0", &port(15, 4789)),
        device(3, true, b"gnv0\0", b"geneve\0", &port(5, 6081)),
        device(4, true, b"bu0\0", b"bareudp\0", &port(1, 6635)),
        device(5, true, b"gtp0\0", b"gtp\0", &[]),
    ];
    let ports = [2152, 4789, 5000, 6081, 6635].map(|port| ("00000000", port));
    let seen = owners(&with(&ports, &devices));
    let want = ["gtp gtp0", "vxlan vx0", " ", "geneve gnv0", "bareudp bu0"];
    assert_eq!(seen.iter().map(|(.., name)| name.as_str()).collect::<Vec<_>>(), want);
    for (port, status, name) in seen {
        let want = if name == " " { OwnerStatus::None } else { OwnerStatus::Kernel };
        assert_eq!(status, want, "{port}");
    }
}

#[test]
fn a_port_alone_is_no_evidence() {
    let vxlan = |up| device(2, up, b"vx0\0", b"vxlan\0", &port(15, 4789));
    assert_eq!(names(&with(&[("00000000", 4789)], &[vxlan(true)])), ["vxlan vx0"]);
    // A device that is down has no socket, and one that is up has it at every address.
    assert_eq!(names(&with(&[("00000000", 4789)], &[vxlan(false)])), [""]);
    assert_eq!(names(&with(&[("0100007F", 4789)], &[vxlan(true)])), [""]);
    assert_eq!(names(&with(&[("00000000", 4790)], &[vxlan(true)])), [""]);
    assert_eq!(names(&with(&[("00000000", 4789)], &[])), [""]);
    // Not for TCP, and not for what a process holds.
    let mut host = with(&[], &[vxlan(true)]);
    tell(&mut host, "proc tcp", &format!("{HEAD}{}", row("00000000", 4789, "0A", 700)));
    assert_eq!(names(&host), [""]);
    let mut host = with(&[("00000000", 4789)], &[vxlan(true)]);
    tell(&mut host, "sockets 7", "3 600\n");
    tell(&mut host, "link 7 3", "socket:[600]");
    assert_eq!(owners(&host), [(4789, OwnerStatus::Known, " ".to_owned())]);
    assert!(look(&host).sockets.iter().all(|socket| socket.kernel_owner.is_none()));
}

#[test]
fn generic_netlink_tells_the_rest() {
    let wireguard = device(2, true, b"wg0\0", b"wireguard\0", &[]);
    let mut host =
        with(&[("00000000", 1701), ("00000000", 5555), ("00000000", 5556), ("00000000", 51820)], &[wireguard]);
    assert_eq!(names(&host), ["", "", "", ""]);
    tell(&mut host, "wireguard", "2 51820\n9 5555\n");
    tell(&mut host, "l2tp", "l2tp 1701 0.0.0.0\n");
    tell(&mut host, "fou", "fou 5555 0.0.0.0\ngue 5556 0.0.0.0\n");
    assert_eq!(names(&host), ["l2tp", "fou", "gue", "wireguard wg0"]);
    assert_eq!(look(&host).gaps, []);
    // Where some process could not be looked into, it may be the one that made the socket of the tunnel.
    refuse(&mut host, "sockets 1", 13);
    let seen = owners(&host);
    assert_eq!(seen[0].1, OwnerStatus::Denied);
    assert!(seen[1..].iter().all(|(_, status, _)| *status == OwnerStatus::Kernel));
}

#[test]
fn what_would_not_tell_is_a_gap() {
    let mut host = with(&[("00000000", 5555)], &[]);
    refuse(&mut host, "fou", 2);
    assert_eq!(look(&host).gaps, []);
    refuse(&mut host, "fou", 1);
    let gaps = look(&host).gaps;
    assert_eq!((gaps.len(), gaps[0].what.as_str()), (1, "the ports of foo-over-UDP"));
    // Nobody asks where no UDP socket is without its holder.
    tell(&mut host, "sockets 7", "3 600\n");
    tell(&mut host, "link 7 3", "socket:[600]");
    assert_eq!(look(&host).gaps, []);
}

#[test]
fn the_nfs_server_tells_its_ports() {
    let mut host = with(&[("00000000", 2049)], &[]);
    tell(&mut host, "proc tcp", &format!("{HEAD}{}", row("0100007F", 2049, "0A", 700)));
    tell(&mut host, "netns", "4026531833 1 1\n");
    tell(&mut host, "nfs-ports", "rdma 20049\ntcp 2049\nudp 2049\n");
    assert_eq!(names(&host), ["nfsd", "nfsd"]);
    refuse(&mut host, "sockets 1", 13);
    let seen: Vec<_> = owners(&host).into_iter().map(|(_, status, _)| status).collect();
    assert_eq!(seen, [OwnerStatus::Denied, OwnerStatus::Kernel]);
    // The list is the host's.
    tell(&mut host, "sockets 1", "");
    tell(&mut host, "netns", "4026532833 1 2\n");
    assert_eq!(names(&host), ["", ""]);
}

proptest! {
    #[test]
    fn any_list_of_ports_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        nfs_ports(&bytes);
    }

    #[test]
    fn each_port_is_read(port in 1u16..) {
        let list = format!("rdma {port}\ntcp {port}\nudp {port}\n");
        prop_assert_eq!(nfs_ports(list.as_bytes()), [(Transport::Tcp, port), (Transport::Udp, port)]);
    }
}
