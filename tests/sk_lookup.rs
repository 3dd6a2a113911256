//! Ports that answer although no socket is bound to them: a BPF program hands their packets to another socket.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and opens namespaces")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::fs::File;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output};

use serde_json::Value;
use support::world::{Need, absent, command, earmark, hold_program, report, start, world};
use support::{bpf, sockets};

fn namespace_of(pid: u32) -> OwnedFd {
    File::open(format!("/proc/{pid}/ns/net")).expect("a namespace").into()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The findings about namespaces.
fn of_namespaces(report: &Value) -> Vec<&Value> {
    let findings = report["findings"].as_array().expect("findings").iter();
    findings.filter(|finding| finding["rule"] == "sk-lookup").collect()
}

fn gaps(report: &Value) -> String {
    report["coverage"]["gaps"].to_string()
}

#[test]
fn a_port_that_a_program_answers_on_is_told_of() {
    world("a_port_that_a_program_answers_on_is_told_of", Need::Root, || {
        let server = sockets::open("tcp/127.0.0.1:7001").expect("a server");
        let own = namespace_of(std::process::id());
        let connects = || TcpStream::connect("127.0.0.1:9100").is_ok();
        assert!(!connects());
        let link = match bpf::attach_redirect("dispatch", &own, 9100, &server) {
            // Root of a container, or of a kernel that is locked down.
            Err(error) if error.raw_os_error() == Some(1) => return absent("sk_lookup programs"),
            link => link.expect("it is attached"),
        };
        assert!(connects(), "the program hands 9100 to the server on 7001");

        let seen = report(&[]);
        let listeners = seen["listeners"].as_array().expect("listeners");
        assert_eq!(listeners.len(), 1, "nobody is bound to 9100: {listeners:?}");
        let [finding] = of_namespaces(&seen)[..] else { panic!("{seen:#}") };
        assert_eq!((&finding["subject"], &finding["endpoint"]), (&"namespace".into(), &Value::Null));
        assert_eq!(finding["listeners"], Value::Array(Vec::new()));
        // No device but the loopback device is up here.
        assert_eq!(finding["severity"], "info");
        assert!(finding["netns"]["inode"].is_u64(), "{finding}");
        assert_eq!(
            finding["message"],
            "the BPF program dispatch (sk_lookup) makes ports answer here that no socket is bound to"
        );
        let evidence = finding["evidence"][0]["text"].as_str().expect("evidence");
        for part in ["link ", "called dispatch", "tag ", "loaded by uid 0"] {
            assert!(evidence.contains(part), "{part} in {evidence}");
        }
        assert!(seen["summary"]["findings"]["info"].as_u64() >= Some(1), "{}", seen["summary"]);
        assert_eq!(seen["coverage"]["complete"], true, "{}", seen["coverage"]);

        every_format_tells(&earmark);
        queries_cannot_rule_it_out();
        a_capture_tells_the_same(&seen);
        nobody_is_told_that_it_was_not_looked_for();
        another_namespace_is_named();

        drop(link);
        assert!(!connects() && of_namespaces(&report(&[])).is_empty(), "it is gone with its link");
        assert_eq!(earmark(&["9100"]).status.code(), Some(1));
    });
}

fn every_format_tells(earmark: &dyn Fn(&[&str]) -> Output) {
    for format in ["plain", "csv"] {
        let told = earmark(&["--format", format]);
        assert_eq!((told.status.code(), text(&told.stdout).lines().count()), (Some(0), 2), "a row for each listener");
        assert!(text(&told.stderr).contains("in no row: the BPF program dispatch"), "{}", text(&told.stderr));
        assert_eq!(text(&earmark(&["-q", "--format", format]).stderr), "");
    }
    let table = text(&earmark(&[]).stdout);
    assert!(table.contains("info finding (told with -v)") || table.contains("info findings (told with -v)"), "{table}");
    let table = text(&earmark(&["-v"]).stdout);
    let words = ["network namespace ", "[sk-lookup]", "bpftool link show id", "tag ", "fingerprint: v1:"];
    assert!(words.iter().all(|word| table.contains(word)), "{table}");
}

/// Who asks for a port that nobody is bound to cannot be told that nothing answers there.
fn queries_cannot_rule_it_out() {
    for (query, code) in [
        (&["9100"][..], 3),
        (&["udp/53"], 3),
        (&["unix/stream:@none"], 1),
        (&["rule:sk-lookup"], 0),
        (&["severity:info"], 0),
        (&["severity:critical"], 1),
        (&["-x", "rule:sk-lookup"], 1),
        (&["7001"], 0),
        (&["exe:nothing"], 1),
    ] {
        let told = earmark(query);
        assert_eq!(told.status.code(), Some(code), "{query:?}: {}{}", text(&told.stdout), text(&told.stderr));
    }
    assert!(text(&earmark(&["9100"]).stderr).contains("sk_lookup"));
    let findings = |query: &[&str]| of_namespaces(&report(query)).len();
    assert_eq!((findings(&["7001"]), findings(&["rule:sk-lookup"]), findings(&["exe:sk_lookup*"])), (1, 1, 0));
    let explained = text(&earmark(&["explain", "tcp/9100"]).stdout);
    assert!(explained.contains("sk_lookup"), "{explained}");
}

fn a_capture_tells_the_same(seen: &Value) {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("host.capture");
    let recorded = earmark(&["capture"]);
    assert!(recorded.status.success());
    std::fs::write(&path, &recorded.stdout).expect("written");
    let replayed = report(&["--from", path.to_str().expect("UTF-8")]);
    assert_eq!(replayed["findings"], seen["findings"]);
}

fn nobody_is_told_that_it_was_not_looked_for() {
    let as_nobody = |arguments: &[&str]| command(arguments).uid(65534).gid(65534).output().expect("earmark runs");
    let output = as_nobody(&["--json"]);
    let seen: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(of_namespaces(&seen).is_empty());
    assert!(gaps(&seen).contains("sk_lookup") && gaps(&seen).contains("cap_sys_admin"), "{}", gaps(&seen));
    let plain = text(&as_nobody(&[]).stdout);
    assert!(!plain.contains("sk_lookup"), "who asked for listeners is not told each time:\n{plain}");
    for told in [as_nobody(&["-v"]), as_nobody(&["doctor"])] {
        assert!(text(&told.stdout).contains("sk_lookup"), "{}", text(&told.stdout));
    }
    assert_eq!(as_nobody(&["7777"]).status.code(), Some(1), "what hardly anybody may see is no reason for doubt");
}

fn another_namespace_is_named() {
    let mut unshare = Command::new("unshare");
    let holder = start(unshare.arg("--net").arg(hold_program()).args(["--loopback", "tcp/127.0.0.1:7040"]));
    let _link = bpf::attach_pass("elsewhere", &namespace_of(holder.pid())).expect("attached");
    let seen = report(&[]);
    let name = format!("pid {}", holder.pid());
    let findings = of_namespaces(&seen);
    let there: Vec<_> = findings.iter().filter(|finding| finding["netns"]["name"] == name).collect();
    assert_eq!((findings.len(), there.len()), (2, 1), "{findings:?}");
    assert!(there[0]["message"].as_str().is_some_and(|message| message.contains("elsewhere")), "{there:?}");
    assert_eq!(seen["coverage"]["complete"], true, "{}", seen["coverage"]);
    let chosen = report(&["-N", &name]);
    assert_eq!(of_namespaces(&chosen).len(), 1, "{chosen:#}");
    assert_eq!(of_namespaces(&report(&["netns:other", "rule:sk-lookup"])).len(), 2);
}
