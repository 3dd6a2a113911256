//! The rules that need no policy, on real sockets: each fires on what it is about, and keeps quiet beside it.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and copies them")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::world::{Holder, Need, absent, earmark, hold, hold_program, install, report, start, world};

fn run(line: &str) -> bool {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Brings up a device through which others could come, where this kernel has one of some kind.
fn outward_device() -> bool {
    let kinds = ["dummy", "veth", "bridge", "ifb"];
    kinds.iter().any(|kind| run(&format!("ip link add out0 type {kind}"))) && run("ip link set out0 up")
}

/// Holds sockets by a program of that name, which only root can have put where it is.
fn hold_as(name: &str, words: &[&str]) -> Holder {
    let path = format!("/opt/{name}");
    std::fs::copy(hold_program(), &path).expect("a copy");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    start(Command::new(path).args(words))
}

/// A directory for programs that only root may write to.
fn own_directory() {
    assert!(run("mount -t tmpfs -o mode=755 none /opt"));
}

/// The rules that fired at an endpoint, those that stand in `also` among them, with the severity of their finding.
fn fired(report: &Value, endpoint: &str) -> Vec<(String, String)> {
    let listeners = report["listeners"].as_array().expect("listeners");
    assert!(listeners.iter().any(|listener| listener["endpoint"] == endpoint), "no {endpoint} in {listeners:#?}");
    let findings = report["findings"].as_array().expect("findings").iter();
    let mut fired = Vec::new();
    for finding in findings.filter(|finding| finding["endpoint"] == endpoint) {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let also = finding["also"].as_array().expect("a list").iter();
        fired.extend(also.chain([&finding["rule"]]).map(|rule| (text(rule), text(&finding["severity"]))));
    }
    fired.sort();
    fired
}

fn holds(report: &Value, endpoint: &str, want: &[(&str, &str)]) {
    let want: Vec<_> = want.iter().map(|(rule, severity)| ((*rule).to_owned(), (*severity).to_owned())).collect();
    assert_eq!(fired(report, endpoint), want, "{endpoint}");
}

#[test]
fn who_can_reach_it_decides() {
    world("who_can_reach_it_decides", Need::Root, || {
        install();
        own_directory();
        for address in ["198.51.100.7/24", "10.20.30.40/16"] {
            assert!(run(&format!("ip addr add {address} dev lo")), "{address}");
        }
        let _held = [
            hold_as("sshd", &["tcp/198.51.100.7:22", "tcp/10.20.30.40:22", "tcp/127.0.0.1:22022"]),
            hold_as("mgd", &["tcp/198.51.100.7:3220", "tcp/10.20.30.40:3220"]),
            hold_as("freeradius", &["udp/198.51.100.7:1812", "udp/10.20.30.40:1812", "udp/127.0.0.1:1812"]),
            hold_as("rpcbind", &["udp/198.51.100.7:111", "udp/10.20.30.40:111", "udp/127.0.0.1:111"]),
            hold_as("redis-server", &["tcp/198.51.100.7:7717", "tcp/127.0.0.1:7717"]),
            hold_as("acmed", &["tcp/198.51.100.7:8462", "tcp/127.0.0.1:8462", "udp/198.51.100.7:8462"]),
        ];
        let report = report(&[]);
        holds(&report, "tcp/198.51.100.7:22", &[("management-exposed", "low")]);
        holds(&report, "tcp/10.20.30.40:22", &[]);
        holds(&report, "tcp/127.0.0.1:22022", &[]);
        holds(&report, "tcp/198.51.100.7:3220", &[("management-exposed", "medium")]);
        holds(&report, "tcp/10.20.30.40:3220", &[]);
        holds(&report, "udp/198.51.100.7:1812", &[("exposed-beyond-purpose", "low"), ("obsolete-crypto", "high")]);
        holds(&report, "udp/10.20.30.40:1812", &[("obsolete-crypto", "medium")]);
        holds(&report, "udp/127.0.0.1:1812", &[]);
        let amplifies = |severity| [("cleartext-protocol", severity), ("udp-amplifier", severity)];
        let beyond = ("exposed-beyond-purpose", "medium");
        holds(
            &report,
            "udp/198.51.100.7:111",
            &[&amplifies("medium")[..1], &[beyond], &amplifies("medium")[1..]].concat(),
        );
        holds(&report, "udp/10.20.30.40:111", &amplifies("low"));
        holds(&report, "udp/127.0.0.1:111", &[]);
        let moved = [("nonstandard-port", "medium"), ("unregistered-port", "medium")];
        holds(&report, "tcp/198.51.100.7:7717", &moved);
        holds(&report, "tcp/127.0.0.1:7717", &[]);
        holds(&report, "tcp/198.51.100.7:8462", &[("unregistered-port", "info")]);
        holds(&report, "tcp/127.0.0.1:8462", &[]);
        holds(&report, "udp/198.51.100.7:8462", &[]);
    });
}

#[test]
fn a_wildcard_is_judged_by_what_it_takes() {
    world("a_wildcard_is_judged_by_what_it_takes", Need::Root, || {
        install();
        own_directory();
        let _held = [
            hold_as("sshd", &["tcp/0.0.0.0:22", "tcp/[::]:22;v6only", "tcp/0.0.0.0:22022"]),
            hold_as("nginx", &["tcp/0.0.0.0:80", "tcp/[::]:443", "tcp/0.0.0.0:8462"]),
            hold_as("acmed", &["tcp/0.0.0.0:8463", "tcp/[::]:8464;v6only", "tcp/127.0.0.1:8464", "tcp/[::]:8465"]),
        ];
        let of_loopback = report(&[]);
        let endpoints = ["tcp/0.0.0.0:22", "tcp/0.0.0.0:22022", "tcp/0.0.0.0:8463", "tcp/[::]:8464"];
        for endpoint in endpoints {
            holds(&of_loopback, endpoint, &[]);
        }
        if !outward_device() {
            return absent("a device of any kind");
        }
        let report = report(&[]);
        let unknown = [("unregistered-port", "info"), ("wildcard-bind", "info")];
        holds(&report, "tcp/0.0.0.0:22", &[("management-exposed", "info")]);
        holds(&report, "tcp/[::]:22", &[("management-exposed", "info")]);
        holds(&report, "tcp/0.0.0.0:22022", &[("nonstandard-port", "low"), ("unregistered-port", "low")]);
        holds(&report, "tcp/0.0.0.0:80", &[("cleartext-protocol", "low")]);
        holds(&report, "tcp/[::]:443", &[]);
        holds(&report, "tcp/0.0.0.0:8462", &unknown[..1]);
        holds(&report, "tcp/0.0.0.0:8463", &unknown);
        let surprise = [("dual-stack-surprise", "medium"), ("unregistered-port", "info"), ("wildcard-bind", "medium")];
        holds(&report, "tcp/[::]:8464", &surprise);
        holds(&report, "tcp/127.0.0.1:8464", &[]);
        holds(&report, "tcp/[::]:8465", &unknown);
        // The table counts what is only good to know.
        let table = |arguments: &[&str]| String::from_utf8(earmark(arguments).stdout).expect("UTF-8");
        assert!(!table(&[]).contains("[management-exposed]") && table(&[]).contains("info findings (told with -v)"));
        assert!(table(&["-v"]).contains("[management-exposed]"));
    });
}

#[test]
fn a_queue_that_is_full_is_told_with_its_figures() {
    world("a_queue_that_is_full_is_told_with_its_figures", Need::Namespaces, || {
        install();
        let places = ["127.0.0.1:8443", "127.0.0.1:8444", "127.0.0.1:8445"];
        let _held = hold(&places.map(|place| format!("tcp/{place};backlog=1")).each_ref().map(String::as_str));
        // Two fill the first, one is the limit of the second, and the third is empty.
        let connect = |place: &str| TcpStream::connect(place).expect(place);
        let _clients = [connect(places[0]), connect(places[0]), connect(places[1])];
        let report = report(&[]);
        holds(&report, "tcp/127.0.0.1:8443", &[("accept-queue-full", "low")]);
        holds(&report, "tcp/127.0.0.1:8444", &[("accept-queue-full", "info")]);
        holds(&report, "tcp/127.0.0.1:8445", &[]);
        let findings = report["findings"].as_array().expect("findings");
        let full = findings.iter().find(|finding| finding["endpoint"] == "tcp/127.0.0.1:8443").expect("a finding");
        assert_eq!(full["evidence"][0]["text"], "connections that wait: 2, limit: 1");
    });
}

#[test]
fn a_flood_is_one_finding_and_hides_nothing() {
    world("a_flood_is_one_finding_and_hides_nothing", Need::Namespaces, || {
        install();
        let words: Vec<String> = (0..1000).map(|at| format!("tcp/127.0.0.1:{}", 20_000 + at)).collect();
        let _held = hold(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let floods = |report: &Value| {
            let findings = report["findings"].as_array().expect("findings").iter();
            findings.filter(|finding| finding["rule"] == "listener-flood").cloned().collect::<Vec<_>>()
        };
        let enough = report(&[]);
        assert_eq!((enough["summary"]["listeners"].as_u64(), floods(&enough)), (Some(1000), Vec::new()));
        let _one_more = hold(&["tcp/127.0.0.1:3221"]);
        let report = report(&[]);
        assert_eq!(report["listeners"].as_array().map(Vec::len), Some(1001));
        let floods = floods(&report);
        let [flood] = &floods[..] else { panic!("{floods:#?}") };
        assert_eq!((&flood["subject"], &flood["severity"]), (&"namespace".into(), &"low".into()));
        let evidence = flood["evidence"][0]["text"].as_str().expect("evidence");
        assert!(evidence.ends_with("(uid 0): 1001 listeners"), "{evidence}");
        let lines = earmark(&["--format", "plain", "-H"]).stdout;
        assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 1001);
    });
}
