//! Approving what is here: recorded, compared, accepted and removed on a host that changes.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use support::world::{Need, earmark, hold, install, world};

/// Gives the world an /etc of its own, which ends with it.
fn own_etc() {
    install();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "mode=755", "none", "/etc"]).status();
    assert!(mounted.expect("mount").success());
    std::fs::create_dir_all("/etc/earmark/policy.d").expect("a directory");
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn expect(arguments: &[&str], code: i32) -> String {
    let output = earmark(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", told(&output));
    told(&output)
}

#[test]
fn a_host_is_recorded_compared_accepted_and_pruned() {
    world("a_host_is_recorded_compared_accepted_and_pruned", Need::Root, || {
        own_etc();
        expect(&["baseline", "diff"], 3);
        let first = hold(&["tcp/127.0.0.1:7001", "tcp/127.0.0.1:7002", "udp/127.0.0.1:7003"]);
        let recorded = expect(&["baseline", "record"], 0);
        assert_eq!(recorded, expect(&["baseline", "record"], 0), "the same host gives the same text");
        assert!(recorded.contains("port = [7001, 7002]") && recorded.contains("uid = 0"), "{recorded}");
        assert!(!recorded.contains(&first.pid().to_string()), "{recorded}");
        // What nobody else may write cannot be told of a build directory: here its owner is believed.
        let recorded: String =
            recorded.lines().filter(|line| !line.starts_with("# ")).map(|line| format!("{line}\n")).collect();
        std::fs::write("/etc/earmark/policy.d/10-recorded.toml", &recorded).expect("written");
        let same = expect(&["baseline", "diff"], 0);
        assert!(same.contains("no findings"), "{same}");
        expect(&["audit"], 0);

        // Restarts are no changes.
        drop(first);
        let _again = hold(&["udp/127.0.0.1:7003", "tcp/127.0.0.1:7002", "tcp/127.0.0.1:7001"]);
        expect(&["baseline", "diff"], 0);

        let one_more = hold(&["tcp/127.0.0.1:7004"]);
        let more = expect(&["baseline", "diff"], 1);
        assert!(more.contains("tcp/127.0.0.1:7004") && more.contains("[unexpected]"), "{more}");
        expect(&["baseline", "accept", "tcp/127.0.0.1:7999", "--reason", "x"], 3);
        let accepted = expect(&["baseline", "accept", "tcp/127.0.0.1:7004", "--reason", "CHG-1182 \"app\""], 0);
        assert!(accepted.contains("reason = \"CHG-1182 \\\"app\\\"\""), "{accepted}");
        expect(&["baseline", "diff"], 0);
        let twice = expect(&["baseline", "accept", "tcp/127.0.0.1:7004", "--reason", "again"], 0);
        assert!(twice.contains("is expected already"), "{twice}");

        // What is gone is told, and removed from what was accepted here.
        drop(one_more);
        let gone = expect(&["baseline", "diff"], 1);
        assert!(gone.contains("[missing]"), "{gone}");
        let local = Path::new("/etc/earmark/policy.d/90-local.toml");
        let before = std::fs::read_to_string(local).expect("it was written");
        expect(&["baseline", "prune", "--dry-run"], 0);
        assert_eq!(std::fs::read_to_string(local).expect("it stays"), before);
        // Where entries cannot be told apart by lines, none is said to be removed.
        let odd = before.replace("[[expect]]\n", "[[ expect ]]\n");
        std::fs::write(local, &odd).expect("written");
        assert!(expect(&["baseline", "prune"], 3).contains("nothing was removed"));
        assert_eq!(std::fs::read_to_string(local).expect("it stays"), odd);
        std::fs::write(local, &before).expect("written");
        let pruned = expect(&["baseline", "prune"], 0);
        assert!(pruned.contains("removed"), "{pruned}");
        let after = std::fs::read_to_string(local).expect("it stays");
        assert!(!after.contains("[[expect]]") && after.contains("schema = 1"), "{after}");
        expect(&["baseline", "diff"], 0);
    });
}

#[test]
fn a_finding_is_accepted_until_a_day() {
    world("a_finding_is_accepted_until_a_day", Need::Root, || {
        own_etc();
        std::fs::write(
            "/etc/earmark/policy.d/10-deny.toml",
            "schema = 1\n[settings]\ndefault = \"deny\"\nloopback = \"enforce\"\n",
        )
        .expect("written");
        let _held = hold(&["tcp/127.0.0.1:7001"]);
        expect(&["audit"], 1);
        let sly = "2999-01-01\n[[expect]]\nport = 1";
        expect(&["baseline", "accept", "tcp/127.0.0.1:7001", "--reason", "x", "--expires", sly], 3);
        let wrong = expect(&["baseline", "accept", "tcp/127.0.0.1:7001", "--reason", "x", "--expires", "soon"], 3);
        assert!(wrong.contains("--expires"), "{wrong}");
        assert!(!Path::new("/etc/earmark/policy.d/90-local.toml").exists(), "nothing broken is written");
        expect(&["baseline", "accept", "tcp/127.0.0.1:7001", "--reason", "until spring", "--expires", "2999-01-01"], 0);
        let clean = expect(&["audit", "-v"], 0);
        assert!(clean.contains("suppressed until 2999-01-01: until spring"), "{clean}");
    });
}
