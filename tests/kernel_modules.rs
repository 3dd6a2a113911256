//! Sockets of parts of the kernel that come as modules: what each of them opens is shown under its own name. Where this kernel
//! has no such part, one line says so: `.ci/kernels` has kernels that have them all.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::sockets;
use support::world::{Need, hold, installed, report, world};

/// Says in one line that this kernel lacks what a test is about.
fn lacking(test: &str, part: &str) {
    let _ = writeln!(std::io::stderr(), "{test}: NOT RUN, this kernel has no {part}");
}

fn run(words: &str) -> Output {
    let mut words = words.split(' ');
    Command::new(words.next().expect("a program")).args(words).output().expect("it runs")
}

/// Runs `ip`. False where this kernel does not know what it is asked for; anything else that goes wrong is a failure.
fn ip(words: &str) -> bool {
    assert!(installed("ip"), "ip is installed");
    let output = run(&format!("ip {words}"));
    let said = String::from_utf8_lossy(&output.stderr);
    let unknown =
        ["Unknown device type", "not supported", "RTNETLINK answers: No such", "genl family", "Invalid argument"];
    assert!(output.status.success() || unknown.iter().any(|word| said.contains(word)), "ip {words}: {said}");
    output.status.success()
}

/// The listeners of a transport: endpoint, status of the owner, and the part of the kernel that it is.
fn rows<'a>(report: &'a Value, transport: &str) -> Vec<(&'a str, &'a str, &'a Value)> {
    let listeners = report["listeners"].as_array().expect("listeners").iter();
    let of_it = listeners.filter(|listener| listener["transport"] == transport);
    let word = |value: &'a Value| value.as_str().expect("a word");
    of_it.map(|one| (word(&one["endpoint"]), word(&one["owner_status"]), &one["kernel_owner"])).collect()
}

/// How a table was read.
fn table<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut tables = report["coverage"]["tables"].as_array().expect("tables").iter();
    tables.find(|table| table["table"] == name).unwrap_or(&Value::Null)
}

/// A socket of a process, of a kind that a module brings: told with its transport and its owner, by netlink where that has
/// a module for it too.
fn of_a_process(test: &str, word: &str, endpoint: &str) {
    let (kind, _) = word.split_once('/').expect("a kind");
    match sockets::open(word) {
        Err(error) if matches!(error.raw_os_error(), Some(93 | 94 | 97)) => return lacking(test, kind),
        opened => drop(opened.expect(word)),
    }
    let holder = hold(&[word]);
    let seen = report(&[]);
    let read = table(&seen, kind);
    if read["status"] == "unreadable" {
        // Only netlink tells of these sockets, and its module is not there: that is said.
        assert!(seen["coverage"]["gaps"].to_string().contains(&format!("the table {kind}")), "{seen:#}");
        return lacking(test, &format!("{kind}_diag"));
    }
    assert_eq!(read["status"], "read", "{read}");
    let listeners = seen["listeners"].as_array().expect("listeners").iter();
    let here: Vec<&Value> = listeners.filter(|listener| listener["transport"] == kind).collect();
    let [listener] = here[..] else { panic!("{seen:#}") };
    assert_eq!((&listener["endpoint"], &listener["transport"]), (&endpoint.into(), &kind.into()));
    assert_eq!((&listener["state"], &listener["owner_status"]), (&"listen".into(), &"known".into()));
    assert_eq!(listener["owners"][0]["pid"], holder.pid());
    assert_eq!(listener["kernel_owner"], Value::Null);
    // What is asked for alone is told alone.
    let alone = report(&["list", endpoint]);
    assert_eq!(alone["listeners"].as_array().map(Vec::len), Some(1), "{alone:#}");
    if read["source"] == "sock_diag" {
        assert!(listener["cookie"].is_string() && read["lacks"] == json!([]), "{listener} {read}");
    } else {
        lacking(test, &format!("{kind}_diag, and it was read from {}", read["source"]));
    }
}

#[test]
fn a_listener_of_sctp_is_told() {
    const TEST: &str = "a_listener_of_sctp_is_told";
    world(TEST, Need::Namespaces, || of_a_process(TEST, "sctp/127.0.0.1:3868", "sctp/127.0.0.1:3868"));
}

#[test]
fn a_listener_of_sctp_over_ipv6_is_told() {
    const TEST: &str = "a_listener_of_sctp_over_ipv6_is_told";
    world(TEST, Need::Namespaces, || {
        match sockets::open("sctp/[::1]:3868") {
            Err(_) => return lacking(TEST, "sctp"),
            opened => drop(opened),
        }
        let _holder = hold(&["sctp/[::1]:3868", "sctp/127.0.0.1:3869"]);
        let seen = report(&[]);
        let want = [("sctp/127.0.0.1:3869", "known", &Value::Null), ("sctp/[::1]:3868", "known", &Value::Null)];
        let mut rows = rows(&seen, "sctp");
        rows.sort_by_key(|row| row.0);
        assert_eq!(rows, want);
    });
}

#[test]
fn a_listener_of_dccp_is_told() {
    const TEST: &str = "a_listener_of_dccp_is_told";
    world(TEST, Need::Namespaces, || of_a_process(TEST, "dccp/127.0.0.1:5001", "dccp/127.0.0.1:5001"));
}

#[test]
fn a_listener_of_vsock_is_told() {
    const TEST: &str = "a_listener_of_vsock_is_told";
    world(TEST, Need::Namespaces, || of_a_process(TEST, "vsock/7028", "vsock/any:7028"));
}

#[test]
fn raw_sockets_are_told_by_netlink() {
    const TEST: &str = "raw_sockets_are_told_by_netlink";
    world(TEST, Need::Namespaces, || {
        let _holder = hold(&["raw/127.0.0.1:89", "raw/[::1]:58;device=lo"]);
        let seen = report(&[]);
        let mut rows = rows(&seen, "raw");
        rows.sort_by_key(|row| row.0);
        if table(&seen, "raw")["source"] != "sock_diag" {
            // The device is what the file does not tell.
            assert!(table(&seen, "raw6")["lacks"].to_string().contains("interface"));
            assert_eq!(
                rows.iter().map(|row| row.0).collect::<Vec<_>>(),
                ["raw/127.0.0.1:proto=89", "raw/[::1]:proto=58"]
            );
            return lacking(TEST, "raw_diag");
        }
        let want =
            [("raw/127.0.0.1:proto=89", "known", &Value::Null), ("raw/[::1]%lo:proto=58", "known", &Value::Null)];
        assert_eq!(rows, want);
    });
}

/// A device that has a socket of its own, told with the device that it belongs to. `port` is none where it takes any.
fn of_a_device(test: &str, add: &str, kind: &str, port: Option<u16>) {
    world(test, Need::Namespaces, || {
        if !ip(&format!("link add dev0 type {add}")) {
            return lacking(test, kind);
        }
        assert!(ip("link set dev0 up"));
        let seen = report(&["-u"]);
        let rows = rows(&seen, "udp");
        assert!(!rows.is_empty(), "{seen:#}");
        for (endpoint, status, owner) in rows {
            assert_eq!((status, owner), ("kernel", &json!({ "kind": kind, "device": "dev0" })), "{endpoint}");
            if let Some(port) = port {
                assert!(endpoint.ends_with(&format!(":{port}")), "{endpoint}");
            }
        }
        assert_eq!((&seen["summary"]["unattributed"], &seen["coverage"]["complete"]), (&json!(0), &json!(true)));
        // It goes with its device.
        assert!(ip("link set dev0 down"));
        assert_eq!(self::rows(&report(&["-u"]), "udp"), []);
    });
}

#[test]
fn wireguard_owns_its_sockets() {
    of_a_device("wireguard_owns_its_sockets", "wireguard", "wireguard", None);
}

#[test]
fn geneve_owns_its_socket() {
    of_a_device("geneve_owns_its_socket", "geneve id 5 remote 127.0.0.1 dstport 6081", "geneve", Some(6081));
}

#[test]
fn geneve_without_a_peer_owns_both_its_sockets() {
    of_a_device("geneve_without_a_peer_owns_both_its_sockets", "geneve external", "geneve", Some(6081));
}

#[test]
fn bareudp_owns_its_sockets() {
    of_a_device("bareudp_owns_its_sockets", "bareudp dstport 6635 ethertype mpls_uc", "bareudp", Some(6635));
}

#[test]
fn foo_over_udp_owns_its_ports() {
    const TEST: &str = "foo_over_udp_owns_its_ports";
    world(TEST, Need::Namespaces, || {
        if !ip("fou add port 5555 ipproto 4") {
            return lacking(TEST, "fou");
        }
        assert!(ip("fou add port 5556 gue"));
        let seen = report(&[]);
        let owner = |kind: &str| json!({ "kind": kind, "device": null });
        let (fou, gue) = (owner("fou"), owner("gue"));
        let mut rows = rows(&seen, "udp");
        rows.sort_by_key(|row| row.0);
        assert_eq!(rows, [("udp/0.0.0.0:5555", "kernel", &fou), ("udp/0.0.0.0:5556", "kernel", &gue)]);
    });
}

/// True in a guest that is there for these tests alone: what belongs to the whole host may be changed there.
fn is_guest(test: &str, part: &str) -> bool {
    let guest = std::env::var_os("EARMARK_TEST_GUEST").is_some();
    if !guest {
        lacking(test, &format!("{part}, or was not started for these tests alone"));
    }
    guest
}

#[test]
fn a_tunnel_of_l2tp_owns_its_socket() {
    const TEST: &str = "a_tunnel_of_l2tp_owns_its_socket";
    const ADD: &str = "l2tp add tunnel tunnel_id 7 peer_tunnel_id 7 encap udp local 127.0.0.1 remote 127.0.0.2 \
                       udp_sport 1701 udp_dport 1702";
    // The kernel connects it to its peer.
    let seen = || report(&["-a", "udp/127.0.0.1:1701"]);
    world(TEST, Need::Namespaces, || {
        if ip(ADD) {
            // A process may have made the socket and hold it: who does not see all of them claims nothing.
            let seen = seen();
            assert_eq!(rows(&seen, "udp"), [("udp/127.0.0.1:1701", "other_pid_namespace", &Value::Null)], "{seen:#}");
        }
    });
    if std::env::var_os("EARMARK_TEST_WORLD").is_some() || !is_guest(TEST, "l2tp") {
        return;
    }
    if !ip(ADD) {
        return lacking(TEST, "l2tp");
    }
    let (seen, owner) = (seen(), json!({ "kind": "l2tp", "device": null }));
    assert!(ip("l2tp del tunnel tunnel_id 7"));
    assert_eq!(rows(&seen, "udp"), [("udp/127.0.0.1:1701", "kernel", &owner)], "{seen:#}");
}

#[test]
fn the_nfs_server_owns_its_ports() {
    const TEST: &str = "the_nfs_server_owns_its_ports";
    if !is_guest(TEST, "nfsd") {
        return;
    }
    if !Path::new("/proc/fs/nfsd").exists() {
        return lacking(TEST, "nfsd");
    }
    assert!(run("mount -t nfsd nfsd /proc/fs/nfsd").status.success());
    // Without older versions it wants no rpcbind; a newer kernel knows no version 2.
    for versions in ["-2\n", "-3\n", "+4\n"] {
        let _ = std::fs::write("/proc/fs/nfsd/versions", versions);
    }
    let served = sockets::open("tcp/0.0.0.0:2049").expect("a socket");
    std::fs::write("/proc/fs/nfsd/portlist", format!("{}\n", served.as_raw_fd())).expect("the server takes it");
    let other = hold(&["tcp/127.0.0.1:2050"]);
    let held = report(&["2049"]);
    assert_eq!(held["listeners"][0]["owner_status"], "known", "as long as a process has it: {held:#}");
    drop(served);
    let seen = report(&["2049"]);
    let owner = json!({ "kind": "nfsd", "device": null });
    assert_eq!(rows(&seen, "tcp"), [("tcp/0.0.0.0:2049", "kernel", &owner)], "{seen:#}");
    assert_eq!(rows(&report(&["2050"]), "tcp"), [("tcp/127.0.0.1:2050", "known", &Value::Null)]);
    drop(other);
    assert!(run("umount /proc/fs/nfsd").status.success());
}
