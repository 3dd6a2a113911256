//! Sockets of the kernel itself, which no process holds.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::process::Command;

use serde_json::{Value, json};
use support::world::{Need, absent, earmark, installed, report, world};

/// Runs `ip`; false where this kernel has no such device.
fn ip(words: &str) -> bool {
    let output = Command::new("ip").args(words.split(' ')).output().expect("ip runs");
    output.status.success()
}

/// A device that lets vxlan packets in at port 4789.
fn add_vxlan() -> bool {
    if !installed("ip") {
        absent("ip");
        return false;
    }
    if !ip("link add vx0 type vxlan id 42 dstport 4789 dev lo") {
        absent("vxlan in the kernel");
        return false;
    }
    assert!(ip("link set vx0 up"));
    true
}

fn listeners(report: &Value) -> Vec<&Value> {
    let udp = report["listeners"].as_array().expect("listeners").iter();
    udp.filter(|listener| listener["transport"] == "udp").collect()
}

#[test]
fn a_tunnel_owns_its_socket() {
    world("a_tunnel_owns_its_socket", Need::Namespaces, || {
        if !add_vxlan() {
            return;
        }
        let seen = report(&[]);
        let [vxlan] = listeners(&seen)[..] else { panic!("{seen:#}") };
        assert_eq!(vxlan["endpoint"], "udp/0.0.0.0:4789");
        assert_eq!(vxlan["owner_status"], "kernel");
        assert_eq!(vxlan["kernel_owner"], json!({ "kind": "vxlan", "device": "vx0" }));
        assert_eq!((&vxlan["owner_count"], &vxlan["unit_state"]), (&json!(0), &json!("none")));
        assert_eq!(vxlan["container_state"], "none");
        assert_eq!(seen["summary"]["unattributed"], 0);
        for (arguments, want) in [
            (&[][..], "kernel vxlan vx0"),
            (&["--format", "plain"], "kernel vxlan vx0"),
            (&["--format", "csv"], "kernel vxlan vx0"),
            (&["explain", "udp/4789"], "kernel vxlan vx0"),
            (&["list", "vxlan"], "kernel vxlan vx0"),
        ] {
            let output = earmark(arguments);
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains(want), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        }
        // What was recorded tells the same, and nothing of the device but what was read.
        let capture = earmark(&["capture"]).stdout;
        let path = std::env::temp_dir().join(format!("earmark-vxlan-{}.capture", std::process::id()));
        std::fs::write(&path, &capture).expect("written");
        let replayed = report(&["--from", path.to_str().expect("a path")]);
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(listeners(&replayed)[0]["kernel_owner"], vxlan["kernel_owner"]);
    });
}

#[test]
fn a_tunnel_over_ipv6_owns_its_socket() {
    world("a_tunnel_over_ipv6_owns_its_socket", Need::Namespaces, || {
        if !installed("ip") || !ip("link add vx6 type vxlan id 43 dstport 4790 local fd00::1 remote fd00::2 dev lo") {
            return absent("ip, or vxlan in the kernel");
        }
        if !ip("link set vx6 up") {
            return absent("IPv6");
        }
        let seen = report(&[]);
        let [vxlan] = listeners(&seen)[..] else { panic!("{seen:#}") };
        assert_eq!(vxlan["endpoint"], "udp/[::]:4790");
        assert_eq!(vxlan["kernel_owner"], json!({ "kind": "vxlan", "device": "vx6" }));
    });
}

#[test]
fn a_device_that_is_down_owns_nothing() {
    world("a_device_that_is_down_owns_nothing", Need::Namespaces, || {
        if !add_vxlan() {
            return;
        }
        assert!(ip("link set vx0 down"));
        assert_eq!(listeners(&report(&[])), Vec::<&Value>::new());
        // Meanwhile the port is free for a process.
        let holder = support::world::hold(&["udp/0.0.0.0:4789"]);
        let seen = report(&[]);
        let [held] = listeners(&seen)[..] else { panic!("{seen:#}") };
        assert_eq!((&held["owner_status"], &held["kernel_owner"]), (&json!("known"), &Value::Null));
        drop(holder);
    });
}

#[test]
fn a_tunnel_in_another_namespace_owns_its_socket_there() {
    world("a_tunnel_in_another_namespace_owns_its_socket_there", Need::Namespaces, || {
        if !add_vxlan() {
            return;
        }
        // A process in a namespace of its own, with another tunnel; and the device of a socket of ours, moved there.
        let script = "ip link set lo up && ip link add vx9 type vxlan id 9 dstport 4790 dev lo && ip link set vx9 up \
                      && echo ready && sleep 60";
        let inner = support::world::start(Command::new("unshare").args(["--net", "sh", "-c", script]));
        assert!(ip("link add vx1 type vxlan id 1 dstport 4791 dev lo"));
        assert!(ip(&format!("link set vx1 netns {}", inner.pid())));
        let inside = format!("--net=/proc/{}/ns/net", inner.pid());
        let up = Command::new("nsenter").args([inside.as_str(), "ip", "link", "set", "vx1", "up"]).status();
        assert!(up.expect("nsenter runs").success());
        let seen = report(&[]);
        let mut owners: Vec<(&str, &str)> = Vec::new();
        for listener in listeners(&seen) {
            let device = listener["kernel_owner"]["device"].as_str().unwrap_or("");
            owners.push((listener["endpoint"].as_str().expect("an endpoint"), device));
        }
        owners.sort_unstable();
        assert_eq!(owners, [("udp/0.0.0.0:4789", "vx0"), ("udp/0.0.0.0:4790", "vx9"), ("udp/0.0.0.0:4791", "vx1")]);
    });
}
