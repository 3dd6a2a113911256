//! Devices in a policy (`if:eth1`): real devices with real addresses, in namespaces of a test's own.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::world::{Need, command, earmark, hold, hold_program, install, start, world};

const POLICY: &str = "/mnt/policy.toml";

fn run(words: &[&str]) {
    let status = Command::new(words[0]).args(&words[1..]).status().expect(words[0]);
    assert!(status.success(), "{words:?}");
}

/// Two ends of one link, each with addresses of its own.
fn devices() {
    install();
    run(&["mount", "-t", "tmpfs", "-o", "mode=755", "none", "/mnt"]);
    run(&["ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth2"]);
    for words in [
        "addr add 10.1.0.1/24 dev eth1",
        "addr add 10.1.0.2/24 dev eth1",
        "addr add fd01::1/64 dev eth1 nodad",
        "addr add 10.2.0.1 peer 10.2.0.9 dev eth2",
        "link set eth1 up",
        "link set eth2 up",
    ] {
        run(&[&["ip"][..], &words.split(' ').collect::<Vec<_>>()].concat());
    }
}

/// A policy that wants these ports at a device.
fn expect(device: &str, ports: &[u16], more: &str) {
    let exe = hold_program();
    let exe = exe.to_str().expect("UTF-8");
    let mut text = "schema = 1\n[settings]\ndefault = \"deny\"\nloopback = \"enforce\"\n".to_owned();
    for port in ports {
        text +=
            &format!("[[expect]]\nport = {port}\naddress = \"if:{device}\"\nexe = {exe:?}\nrequired = true\n{more}");
    }
    std::fs::write(POLICY, text).expect("a policy");
}

fn audit() -> Output {
    earmark(&["audit", "--json", "--policy", POLICY])
}

fn report(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"))
}

/// The endpoints of which a rule speaks.
fn told(report: &Value, rule: &str) -> BTreeSet<String> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let of_rule = findings.filter(|finding| finding["rule"] == rule);
    of_rule.map(|finding| finding["endpoint"].as_str().unwrap_or_default().to_owned()).collect()
}

fn set(endpoints: &[&str]) -> BTreeSet<String> {
    endpoints.iter().map(|endpoint| (*endpoint).to_owned()).collect()
}

#[test]
fn a_policy_names_a_device_by_what_it_bears() {
    world("a_policy_names_a_device_by_what_it_bears", Need::Root, || {
        devices();
        let _held = hold(&[
            "tcp/10.1.0.1:7001",
            "tcp/10.1.0.2:7002",
            "tcp/[fd01::1]:7003",
            "tcp/10.2.0.1:7004",
            "tcp/0.0.0.0:7005",
            "tcp/0.0.0.0:7006;device=eth1",
            "tcp/127.0.0.1:7007",
            "udp/10.1.0.1:7008",
        ]);
        let all: Vec<u16> = (7001..=7008).collect();
        let elsewhere = ["tcp/10.2.0.1:7004", "tcp/0.0.0.0:7005", "tcp/127.0.0.1:7007"];
        expect("eth1", &all, "");
        let first = audit();
        let judged = report(&first);
        assert_eq!(told(&judged, "policy-mismatch"), set(&elsewhere));
        assert_eq!(told(&judged, "missing").len(), 1, "entries have no endpoint");
        assert_eq!((&judged["coverage"]["gaps"], first.status.code()), (&Value::Array(vec![]), Some(1)));
        expect("eth2", &[7004], "");
        let other = report(&audit());
        assert_eq!(other["listeners"].as_array().map(Vec::len), Some(8));
        assert!(!told(&other, "policy-mismatch").contains(elsewhere[0]));
        // The address of the other end of the link is not its own.
        expect("lo", &[7007], "");
        assert!(told(&report(&audit()), "policy-mismatch").is_empty());

        // The transcript tells what the host told, and one that was made without it says so.
        let whole = earmark(&["capture"]).stdout;
        let test = |capture: &[u8]| {
            std::fs::write("/mnt/host.capture", capture).expect("a capture");
            earmark(&["policy", "test", "/mnt/host.capture", "--json", "--policy", POLICY])
        };
        expect("eth1", &all, "");
        assert_eq!(told(&report(&test(&whole)), "policy-mismatch"), set(&elsewhere));
        let text = String::from_utf8(whole).expect("a capture is text");
        assert_eq!(text.matches("\n? addresses\n").count(), 1, "{}", &text[..500]);
        let without = text.replace("\n? addresses\n", "\n? something-newer\n");
        let older = test(without.as_bytes());
        let said = String::from_utf8_lossy(&older.stderr).into_owned();
        let judged = report(&older);
        // What is bound to all addresses is at no device, whichever has which.
        assert_eq!(told(&judged, "policy-mismatch"), set(&["tcp/0.0.0.0:7005"]));
        let gap = &judged["coverage"]["gaps"][0];
        assert_eq!(gap["what"], "the addresses of network devices", "{judged:#}");
        assert!(gap["why"].as_str().expect("why").starts_with("not-recorded"), "{gap}");
        assert!(said.contains("and 5 more listens, which the policy asks with if:, is not known"), "{said}");
        expect("eth1", &[7001, 7002], "");
        assert_eq!(test(without.as_bytes()).status.code(), Some(2), "what is unexpected is so in any case");
        std::fs::write(
            POLICY,
            "schema = 1\n[settings]\nwarn_at = \"high\"\n[[expect]]\nport = 7001\naddress = \"if:eth1\"\n",
        )
        .expect("a policy");
        assert_eq!(test(without.as_bytes()).status.code(), Some(3), "{said}");
        assert_eq!(test(text.as_bytes()).status.code(), Some(0));

        // An address that moved takes its listener along.
        run(&["ip", "addr", "del", "10.1.0.2/24", "dev", "eth1"]);
        expect("eth1", &all, "");
        let gone = [&elsewhere[..], &["tcp/10.1.0.2:7002"]].concat();
        assert_eq!(told(&report(&audit()), "policy-mismatch"), set(&gone), "no device bears it");
        run(&["ip", "addr", "add", "10.1.0.2/24", "dev", "eth2"]);
        assert_eq!(told(&report(&audit()), "policy-mismatch"), set(&gone));
        expect("eth2", &[7002, 7004], "");
        let moved = report(&audit());
        assert!(told(&moved, "policy-mismatch").is_empty(), "{:#}", moved["findings"]);
    });
}

#[test]
fn each_namespace_has_its_own_addresses() {
    world("each_namespace_has_its_own_addresses", Need::Root, || {
        devices();
        run(&["mount", "-t", "tmpfs", "none", "/run"]);
        run(&["ip", "netns", "add", "blue"]);
        run(&["ip", "netns", "exec", "blue", "ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth9"]);
        // Here eth2 bears it, there eth1.
        run(&["ip", "netns", "exec", "blue", "ip", "addr", "add", "10.2.0.1/24", "dev", "eth1"]);
        run(&["ip", "netns", "exec", "blue", "ip", "link", "set", "eth1", "up"]);
        let _here = hold(&["tcp/10.2.0.1:7001"]);
        let mut there = Command::new("ip");
        let _there = start(there.args(["netns", "exec", "blue"]).arg(hold_program()).arg("tcp/10.2.0.1:7001"));
        let mismatches = |output: &Output| {
            let judged = report(output);
            let listeners = judged["listeners"].as_array().expect("listeners").clone();
            let of = |listener: &Value| {
                let is_its = |finding: &&Value| {
                    finding["rule"] == "policy-mismatch"
                        && finding["listeners"].as_array().is_some_and(|ids| ids.contains(&listener["id"]))
                };
                let found = judged["findings"].as_array().expect("findings").iter().any(|finding| is_its(&finding));
                (listener["netns"]["name"].as_str().unwrap_or("-").to_owned(), found)
            };
            listeners.iter().map(of).collect::<BTreeSet<_>>()
        };
        let pair = |name: &str, found: bool| (name.to_owned(), found);
        expect("eth1", &[7001], "");
        assert_eq!(mismatches(&audit()), BTreeSet::from([pair("-", true), pair("blue", false)]));
        expect("eth2", &[7001], "");
        assert_eq!(mismatches(&audit()), BTreeSet::from([pair("-", false), pair("blue", true)]));

        // Who may not enter the other namespace cannot tell what bears the address there, and says so.
        expect("eth1", &[7001], "netns = \"blue\"\n");
        assert_eq!(audit().status.code(), Some(1), "the one here is not expected");
        let text = std::fs::read_to_string(POLICY).expect("a policy").replace("\"deny\"", "\"allow\"");
        std::fs::write(POLICY, text).expect("a policy");
        assert_eq!(audit().status.code(), Some(0));
        let as_unit = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .args(["--inh-caps=-all,+sys_ptrace,+dac_read_search", "--ambient-caps=-all,+sys_ptrace,+dac_read_search"])
            .args(["--bounding-set=-all,+sys_ptrace,+dac_read_search"])
            .arg(Path::new(command(&[]).get_program()))
            .args(["audit", "--json", "--policy", POLICY])
            .output()
            .expect("setpriv runs");
        let said = String::from_utf8_lossy(&as_unit.stderr).into_owned();
        let judged = report(&as_unit);
        assert_eq!(as_unit.status.code(), Some(3), "{said}");
        assert!(said.contains("at which network device tcp/10.2.0.1:7001 listens"), "{said}");
        assert_eq!((told(&judged, "policy-mismatch"), told(&judged, "missing")), (set(&[]), set(&[])), "{judged:#}");
        let gaps = judged["coverage"]["gaps"].as_array().expect("gaps");
        assert!(gaps.iter().any(|gap| gap["what"] == "the addresses of network devices in blue"), "{gaps:?}");
        let here = judged["listeners"].as_array().expect("listeners").len();
        assert_eq!(here, 2, "the listeners themselves are seen: {judged:#}");
    });
}
