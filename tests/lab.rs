//! What others do not see: other namespaces, and holders without a plain descriptor.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::io::Write as _;
use std::process::Command;

use serde_json::Value;
use support::world::{Need, earmark, hold, hold_program, report, start, world};

fn at<'a>(report: &'a Value, endpoint: &str) -> &'a Value {
    let mut listeners = report["listeners"].as_array().expect("listeners").iter();
    listeners.find(|listener| listener["endpoint"] == endpoint).unwrap_or_else(|| panic!("no {endpoint} in {report:#}"))
}

#[test]
fn holders_without_a_descriptor_of_their_own_are_found() {
    world("holders_without_a_descriptor_of_their_own_are_found", Need::Namespaces, || {
        let cases = [
            ("thread", "tcp/127.0.0.1:7012", "thread"),
            ("orphan", "tcp/127.0.0.1:7013", "thread"),
            ("ring", "tcp/127.0.0.1:7011", "io_uring"),
            ("away", "tcp/127.0.0.1:7009", "foreign_netns"),
        ];
        let held: Vec<_> = cases.iter().map(|(way, word, _)| hold(&["--by", way, word])).collect();
        let _plain = hold(&["tcp/127.0.0.1:7001"]);
        let report = report(&[]);
        for ((way, word, via), holder) in cases.iter().zip(&held) {
            let listener = at(&report, word);
            if *way == "ring" && !names_its_files(holder.pid()) {
                // Such a kernel tells that the ring has a TCP socket, and not which.
                let owner = &listener["owners"][0];
                assert_eq!((&listener["owner_status"], &owner["certainty"]), (&"unknown".into(), &"candidate".into()));
                assert_eq!((&owner["pid"], &owner["via"]), (&holder.pid().into(), &"io_uring".into()));
                continue;
            }
            assert_eq!((&listener["owner_status"], &listener["owner_count"]), (&"known".into(), &1.into()), "{way}");
            let owner = &listener["owners"][0];
            assert_eq!((&owner["pid"], &owner["via"]), (&holder.pid().into(), &(*via).into()), "{way}");
            assert_eq!((&owner["certainty"], &owner["exe_state"]), (&"proved".into(), &"ok".into()), "{way}: {owner}");
        }
        assert_eq!(at(&report, "tcp/127.0.0.1:7001")["owners"][0]["via"], "fd");
        assert_eq!(report["coverage"]["complete"], true, "{}", report["coverage"]);
    });
}

/// True where the kernel tells the inodes of the sockets that an io_uring of a process has.
fn names_its_files(pid: u32) -> bool {
    let infos = std::fs::read_dir(format!("/proc/{pid}/fdinfo")).expect("a list");
    let infos = infos.flatten().map(|info| std::fs::read_to_string(info.path()).unwrap_or_default());
    infos.into_iter().any(|info| info.contains("UserFiles:") && info.contains("socket:["))
}

#[test]
fn a_socket_in_a_message_has_candidates_and_no_owner() {
    world("a_socket_in_a_message_has_candidates_and_no_owner", Need::Namespaces, || {
        let holder = hold(&["--by", "message", "tcp/127.0.0.1:6379"]);
        let report = report(&[]);
        let listener = at(&report, "tcp/127.0.0.1:6379");
        assert_eq!(listener["owner_status"], "in_flight");
        let owner = &listener["owners"][0];
        assert_eq!((&owner["pid"], &owner["via"]), (&holder.pid().into(), &"in_flight".into()));
        assert_eq!(owner["certainty"], "candidate");
        assert_eq!(listener["service"]["claim"], "open", "a candidate is evidence for nothing");
    });
}

#[test]
fn every_namespace_is_read() {
    world("every_namespace_is_read", Need::Root, || {
        assert!(Command::new("mount").args(["-t", "tmpfs", "none", "/run"]).status().expect("mount runs").success());
        assert!(Command::new("ip").args(["netns", "add", "blue"]).status().expect("ip runs").success());
        let inside = |words: &[&str]| {
            let mut command = Command::new("ip");
            command.args(["netns", "exec", "blue"]).arg(hold_program()).arg("--loopback").args(words);
            start(&mut command)
        };
        let blue = inside(&["tcp/0.0.0.0:7008", "udp/127.0.0.1:53", "raw/0.0.0.0:1"]);
        let mut unshare = Command::new("unshare");
        let unnamed = start(unshare.arg("--net").arg(hold_program()).args(["--loopback", "tcp/[::1]:7008"]));
        let _own = hold(&["tcp/0.0.0.0:7008"]);
        let report = report(&[]);
        let listeners = report["listeners"].as_array().expect("listeners");
        let names: Vec<(&str, &str, u64)> = listeners
            .iter()
            .map(|listener| {
                let name = listener["netns"]["name"].as_str().unwrap_or("");
                let pid = listener["owners"][0]["pid"].as_u64().expect("an owner");
                (name, listener["endpoint"].as_str().expect("an endpoint"), pid)
            })
            .collect();
        for endpoint in ["tcp/0.0.0.0:7008", "udp/127.0.0.1:53", "raw/0.0.0.0:proto=1"] {
            assert!(names.contains(&("blue", endpoint, blue.pid().into())), "{endpoint} in {names:?}");
        }
        let anchor = format!("pid {}", unnamed.pid());
        assert!(names.contains(&(&anchor, "tcp/[::1]:7008", unnamed.pid().into())), "{names:?}");
        assert_eq!(names.len(), 5, "{names:?}");
        assert_eq!(report["coverage"]["complete"], true, "{}", report["coverage"]);
        let ids: std::collections::BTreeSet<&str> =
            listeners.iter().map(|listener| listener["id"].as_str().expect("an id")).collect();
        assert_eq!(ids.len(), 5);
        one_namespace_is_chosen(listeners, blue.pid(), unnamed.pid());
    });
}

/// `-N` by name, by inode, and by a process.
fn one_namespace_is_chosen(all: &[Value], blue: u32, unnamed: u32) {
    let of = |word: &str| {
        let report = self::report(&["-N", word]);
        assert_eq!(report["coverage"]["complete"], true, "{word}: {}", report["coverage"]);
        let listeners = report["listeners"].as_array().expect("listeners").clone();
        let rows = listeners.iter().map(|listener| format!("{} {}", listener["netns"]["name"], listener["endpoint"]));
        rows.collect::<Vec<_>>()
    };
    let inode = |name: &str| {
        let one = all.iter().find(|listener| listener["netns"]["name"] == name).expect(name);
        one["netns"]["inode"].to_string()
    };
    let three = of("blue");
    assert_eq!(three.len(), 3, "{three:?}");
    assert!(three.iter().all(|row| row.starts_with("\"blue\"")), "{three:?}");
    assert_eq!(three, of(&inode("blue")));
    assert_eq!(three, of(&blue.to_string()));
    assert_eq!(of(&unnamed.to_string()), [format!("\"pid {unnamed}\" \"tcp/[::1]:7008\"")]);
    assert_eq!(of(&std::process::id().to_string()), ["null \"tcp/0.0.0.0:7008\""]);
    let refused = earmark(&["-N", "red"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("`red`") && said.contains("blue") && said.contains(&format!("pid {unnamed}")), "{said}");
    let explained = earmark(&["explain", "-N", "blue", "tcp/7008"]);
    let said = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(said.contains("tcp/0.0.0.0:7008") && !said.contains("[::1]:7008"), "{said}");
}

#[test]
fn a_namespace_that_only_a_descriptor_holds_is_read() {
    world("a_namespace_that_only_a_descriptor_holds_is_read", Need::Namespaces, || {
        // The shell keeps the namespace of a process that has ended, and a child keeps the socket.
        let script = "exec 9</proc/self/ns/net; exec \"$0\" --loopback tcp/127.0.0.1:7030";
        let mut unshare = Command::new("unshare");
        let holder = start(unshare.args(["--net", "sh", "-c", script]).arg(hold_program()));
        let report = report(&[]);
        let listener = at(&report, "tcp/127.0.0.1:7030");
        assert_eq!(listener["owners"][0]["pid"], holder.pid());
    });
}

#[test]
fn every_vantage_sees_the_same_endpoints_and_says_why_not_the_owners() {
    world("every_vantage_sees_the_same_endpoints_and_says_why_not_the_owners", Need::Root, || {
        let _server = hold(&["--workers", "1", "tcp/0.0.0.0:22", "udp/[::1]:53", "unix/stream:@lab", "raw/0.0.0.0:1"]);
        let binary = env!("CARGO_BIN_EXE_earmark");
        let seen = |before: &[&str]| -> Value {
            let (program, arguments) = before.split_first().unwrap_or((&binary, &[]));
            let mut command = Command::new(program);
            command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
            if !before.is_empty() {
                command.arg(binary);
            }
            let output = command.args(["--json", "-x", "-t", "-u", "-w"]).output().expect("it runs");
            assert!(output.status.success(), "{before:?}: {}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice(&output.stdout).expect("JSON")
        };
        let endpoints = |report: &Value| -> Vec<String> {
            let listeners = report["listeners"].as_array().expect("listeners").iter();
            listeners.map(|listener| listener["endpoint"].to_string()).collect()
        };
        let full = seen(&[]);
        assert_eq!(endpoints(&full).len(), 4, "{full:#}");
        assert_eq!(full["coverage"]["complete"], true, "{}", full["coverage"]);
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        let check = |name: &str, report: &Value, status: &str| {
            assert_eq!(endpoints(report), endpoints(&full), "{name}");
            assert_eq!(report["coverage"]["complete"], false, "{name}");
            assert!(report["coverage"]["gaps"].as_array().is_some_and(|gaps| !gaps.is_empty()), "{name}");
            for listener in report["listeners"].as_array().expect("listeners") {
                assert_eq!(listener["owner_status"], status, "{name}: {}", listener["endpoint"]);
            }
        };
        check("nobody", &seen(&nobody), "denied");
        let without = ["setpriv", "--bounding-set=-sys_ptrace,-dac_read_search,-dac_override", "--inh-caps=-all"];
        let report = seen(&without);
        // The daemon runs as root too, but its descriptors ask for the same capabilities only of other users' processes.
        assert_eq!(endpoints(&report), endpoints(&full), "root without capabilities");
        let inner = seen(&["unshare", "--pid", "--fork", "--mount-proc"]);
        check("a pid namespace of its own", &inner, "other_pid_namespace");
        // This pid namespace has a /proc of its own, so nobody else's changes with it.
        let remount = ["-o", "remount,hidepid=invisible", "/proc"];
        assert!(Command::new("mount").args(remount).status().expect("mount runs").success());
        let hidden = seen(&nobody);
        check("hidepid", &hidden, "denied");
        assert_eq!(hidden["vantage"]["hidepid"], "invisible");
        assert_eq!(hidden["coverage"]["processes"]["hidden_processes"], "possible");
    });
}

#[test]
fn programs_that_share_a_port_are_told_apart() {
    world("programs_that_share_a_port_are_told_apart", Need::Namespaces, || {
        let place = tempfile::tempdir().expect("a directory");
        let other = place.path().join("other");
        std::fs::copy(hold_program(), &other).expect("copied");
        let word = "tcp/127.0.0.1:7041;reuseport";
        let alike = "tcp/127.0.0.1:7042;reuseport";
        let _one = hold(&[word, alike]);
        let _same = hold(&[alike]);
        let _other = start(Command::new(&other).arg(word));
        let report = report(&[]);
        let rules = |endpoint: &str| -> Vec<String> {
            let about = |finding: &&Value| finding["endpoint"] == endpoint;
            let findings = report["findings"].as_array().expect("findings").iter().filter(about);
            let names = |finding: &Value| {
                let also = finding["also"].as_array().expect("names").iter();
                std::iter::once(&finding["rule"]).chain(also).map(Value::to_string).collect::<Vec<_>>()
            };
            findings.flat_map(names).collect()
        };
        let mixed = "\"reuseport-mixed-owners\"".to_owned();
        assert_eq!(rules("tcp/127.0.0.1:7041").iter().filter(|rule| **rule == mixed).count(), 2, "each of two sockets");
        assert!(!rules("tcp/127.0.0.1:7042").contains(&mixed));
        assert!(rules("tcp/127.0.0.1:7041").contains(&"\"executable-in-writable-place\"".to_owned()));
    });
}

#[test]
fn a_namespace_that_is_mounted_out_of_sight_is_read_where_the_kernel_lists_it() {
    let not_run = |why: &str| {
        let _ = writeln!(std::io::stderr(), "a_namespace_that_is_mounted_out_of_sight: NOT RUN, {why}");
    };
    // The kernel lists all of them in the first pid namespace alone, so this has no world of its own.
    if !rustix::process::geteuid().is_root() {
        return not_run("it needs root");
    }
    // A mount namespace of its own has it mounted, and whoever lived in it has left it.
    let script = "mount -t tmpfs none /mnt && touch /mnt/ns && unshare --net=/mnt/ns true && \
                  exec nsenter --net=/mnt/ns \"$0\" --loopback --by away tcp/127.0.0.1:7077";
    let mut unshare = Command::new("unshare");
    let holder = start(unshare.args(["--mount", "sh", "-c", script]).arg(hold_program()));
    let capture = earmark(&["capture"]).stdout;
    if !String::from_utf8_lossy(&capture).lines().any(|line| line.contains("listed ")) {
        return not_run("this kernel has no listns(2) (Linux 6.19), or keeps it to the first pid namespace");
    }
    let report: Value = serde_json::from_slice(&earmark(&["--json", "7077"]).stdout).expect("JSON");
    let row = report["listeners"].as_array().expect("a list").iter().find(|row| row["port"] == 7077);
    let owner = &row.expect("a namespace that is listed is read")["owners"][0];
    assert_eq!((&owner["pid"], &owner["via"]), (&holder.pid().into(), &"foreign_netns".into()));
}
