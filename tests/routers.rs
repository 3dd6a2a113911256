//! A router's management ports and a validator's: what a port claims, who holds it, and what to use instead.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::process::Command;

use serde_json::Value;
use support::world::{Holder, Need, earmark, hold_program, record, report, start, world};

/// A daemon of that name, where the system keeps its own.
fn daemon(name: &str, words: &[&str]) -> Holder {
    let path = std::path::Path::new("/usr/local/sbin").join(name);
    std::fs::copy(hold_program(), &path).expect("a copy");
    start(Command::new(path).args(words))
}

fn at<'a>(report: &'a Value, endpoint: &str) -> &'a Value {
    let mut listeners = report["listeners"].as_array().expect("listeners").iter();
    listeners.find(|listener| listener["endpoint"] == endpoint).unwrap_or_else(|| panic!("no {endpoint}"))
}

fn finding<'a>(report: &'a Value, endpoint: &str, rule: &str) -> Option<&'a Value> {
    let mut findings = report["findings"].as_array().expect("findings").iter();
    findings.find(|finding| finding["endpoint"] == endpoint && finding["rule"] == rule)
}

#[test]
fn cleartext_management_is_named_with_its_secure_counterpart() {
    world("cleartext_management_is_named_with_its_secure_counterpart", Need::Root, || {
        let mount = ["-t", "tmpfs", "-o", "mode=755", "none", "/usr/local/sbin"];
        assert!(Command::new("mount").args(mount).status().expect("mount runs").success());
        for words in [
            &["link", "add", "outer", "type", "veth", "peer", "name", "inner"][..],
            &["address", "add", "198.51.100.7/24", "dev", "outer"],
            &["link", "set", "outer", "up"],
        ] {
            assert!(Command::new("ip").args(words).status().expect("ip runs").success(), "{words:?}");
        }
        let _mgd = daemon("mgd", &["tcp/0.0.0.0:3220", "tcp/0.0.0.0:3221"]);
        let _sshd = daemon("sshd", &["tcp/0.0.0.0:22", "tcp/0.0.0.0:830"]);
        let _routinator = daemon("routinator", &["tcp/198.51.100.7:3323", "tcp/127.0.0.1:8323"]);
        let _rtrd = daemon("rtrd", &["tcp/0.0.0.0:323"]);
        let _chronyd = daemon("chronyd", &["udp/127.0.0.1:323"]);
        let _other = daemon("nginx", &["tcp/127.0.0.1:23"]);
        record("juniper-and-rpki", None);

        let report = report(&[]);
        let service = |endpoint: &str| {
            let service = &at(&report, endpoint)["service"];
            (service["name"].as_str().unwrap_or(""), service["claim"].as_str().unwrap_or(""))
        };
        assert_eq!(service("tcp/0.0.0.0:3220"), ("xnm-ssl", "confirmed"));
        assert_eq!(service("tcp/0.0.0.0:3221"), ("xnm-clear-text", "confirmed"));
        assert_eq!(service("tcp/0.0.0.0:830"), ("netconf-ssh", "confirmed"));
        assert_eq!(service("tcp/0.0.0.0:323"), ("rpki-rtr", "confirmed"));
        assert_eq!(service("udp/127.0.0.1:323"), ("chrony-cmd", "confirmed"));
        let rtr = &at(&report, "tcp/198.51.100.7:3323")["service"];
        assert!(rtr["name"].as_str().is_some_and(|name| name.starts_with("rpki-rtr")), "{rtr}");
        assert_eq!((&rtr["claim"], &rtr["iana_name"]), (&"confirmed".into(), &"active-net".into()));

        let clear = finding(&report, "tcp/0.0.0.0:3221", "cleartext-management").expect("a finding");
        assert_eq!(clear["severity"], "critical");
        let remedy = clear["remedy"].as_str().unwrap_or("");
        assert!(remedy.contains("3220") && remedy.contains("xnm-ssl") && remedy.contains("listens here"), "{remedy}");
        let counterparts = at(&report, "tcp/0.0.0.0:3221")["service"]["secure_counterpart"].as_array().expect("some");
        assert!(counterparts.iter().any(|one| one["port"] == 3220 && one["listening"] == true), "{counterparts:?}");
        assert!(finding(&report, "tcp/0.0.0.0:3220", "cleartext-management").is_none());
        let other = finding(&report, "tcp/127.0.0.1:23", "unexpected-owner").expect("a finding");
        assert_eq!(at(&report, "tcp/127.0.0.1:23")["service"]["claim"], "contradicted", "{other}");

        let explained = String::from_utf8(earmark(&["explain", "3323"]).stdout).expect("UTF-8");
        assert!(explained.contains("active-net") && explained.contains("rpki-rtr"), "{explained}");
        let found = earmark(&["severity:>=high"]);
        assert_eq!(found.status.code(), Some(0));
    });
}
