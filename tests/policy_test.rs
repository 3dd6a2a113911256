//! `policy test`: a report says of a policy what the capture says that it was made from.

#![expect(clippy::disallowed_methods, reason = "a test starts the program and writes files")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

struct Lab(tempfile::TempDir);

impl Lab {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    fn policy(&self, text: &str) -> PathBuf {
        self.write("policy.toml", format!("schema = 1\n{text}").as_bytes())
    }

    /// The report of a capture, by these flags.
    fn report(&self, capture: &Path, flags: &[&str]) -> PathBuf {
        let output = run(&[flags, &["--json", "--from", text(capture)]].concat());
        assert!(output.status.code().is_some_and(|code| code < 3), "{}", told(&output));
        self.write("report.json", &output.stdout)
    }

    /// A report with a change.
    fn changed(&self, capture: &Path, change: impl FnOnce(&mut Value)) -> PathBuf {
        let path = self.report(capture, &[]);
        let mut report = serde_json::from_slice(&std::fs::read(path).expect("read")).expect("JSON");
        change(&mut report);
        self.write("changed.json", report.to_string().as_bytes())
    }
}

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures").join(name).with_extension("capture")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("earmark"));
    command.args(arguments).env_clear().env("COLUMNS", "100").output().expect("the program starts")
}

fn test(file: &Path, policy: &Path, more: &[&str]) -> Output {
    run(&[&["policy", "test", text(file), "--policy", text(policy)], more].concat())
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn document(output: &Output) -> Value {
    let mut document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told(output)));
    document["run_id"] = Value::Null;
    document
}

const POLICIES: [&str; 7] = [
    "",
    "[settings]\ndefault = \"deny\"\nloopback = \"enforce\"\ncontainers = \"host\"\n",
    "[settings]\ndefault = \"deny\"\nrequire_coverage = [\"sctp\", \"namespaces\"]\n\
     [[expect]]\nid = \"ssh\"\nport = 22\nexe = \"/usr/sbin/sshd\"\nunit = \"ssh.service\"\n\
     [[expect]]\nport = [80, 443]\nexe = \"/usr/sbin/nginx\"\naddress = \"loopback\"\n\
     [[expect]]\ntransport = \"udp\"\nport = \"1-65535\"\nuser = \"root\"\n\
     [[expect]]\nport = 9999\nexe = \"/x\"\nrequired = true\n",
    "[[forbid]]\nport = [3221, 22]\nreason = \"CHG-2\"\n[[forbid]]\nexe = \"/usr/sbin/*\"\ntransport = \"udp\"\n",
    "[[suppress]]\nrule = \"cleartext-management\"\nmatch = { port = \"1-65535\" }\nreason = \"x\"\nexpires = 2999-01-01\n\
     [[suppress]]\nrule = \"unexpected-owner\"\nmatch = { port = \"1-65535\" }\nreason = \"x\"\nexpires = 2020-01-01\n",
    "[severity]\nwildcard-bind = \"critical\"\nunattributed = \"low\"\nsk-lookup = \"info\"\n",
    "[settings]\ndefault = \"deny\"\n[[expect]]\nunit = \"*.socket\"\n[[expect]]\nuser_unit = \"*\"\n[[expect]]\n\
     container = \"docker:*\"\n[[expect]]\nnetns = \"container\"\n[[expect]]\ninterface = \"*\"\nuser = \"root\"\n",
];

#[test]
fn a_report_says_what_its_capture_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let captures = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let (mut compared, mut findings) = (0, 0);
    for capture in captures.filter(|path| path.extension().is_some_and(|kind| kind == "capture")) {
        let lab = Lab::new();
        let report = lab.report(&capture, &[]);
        for policy in POLICIES {
            let path = lab.policy(policy);
            let (of_capture, of_report) = (test(&capture, &path, &["--json"]), test(&report, &path, &["--json"]));
            assert_eq!(of_report.status.code(), of_capture.status.code(), "{capture:?} {policy}");
            let (want, got) = (document(&of_capture), document(&of_report));
            let of_policy = |finding: &&Value| finding["endpoint"].is_null() || finding["suppression"].is_object();
            findings += want["findings"].as_array().expect("a list").iter().filter(of_policy).count();
            for key in ["coverage", "policy", "summary", "findings", "listeners"] {
                assert_eq!(got[key], want[key], "{capture:?} {policy} {key}");
            }
            assert_eq!(got, want, "{capture:?} {policy}");
            for format in [&[][..], &["-v"], &["--format", "nagios"]] {
                let (want, got) = (test(&capture, &path, format), test(&report, &path, format));
                assert_eq!(String::from_utf8(got.stdout), String::from_utf8(want.stdout), "{capture:?} {policy}");
            }
            compared += 1;
        }
    }
    assert!(compared >= 8 * POLICIES.len() && findings > 20, "{compared} comparisons, {findings} findings");
}

#[test]
fn what_was_done_is_said_unless_nobody_wants_to_know() {
    let lab = Lab::new();
    let (report, policy) = (lab.report(&capture("server"), &[]), lab.policy(""));
    let output = test(&report, &policy, &[]);
    assert!(told(&output).contains("is a report: what the policy says of it is judged anew"), "{}", told(&output));
    assert!(told(&output).contains("all other findings are as the report tells them"));
    assert!(test(&report, &policy, &["-q"]).stderr.is_empty());
    assert!(test(&capture("server"), &policy, &[]).stderr.is_empty(), "of a capture nothing is taken");
    // What another policy made of it is undone where that can be.
    let strict = lab.policy(POLICIES[4]);
    let held = test(&capture("juniper-and-rpki"), &strict, &["--json"]);
    assert!(document(&held)["summary"]["suppressed"].as_u64().is_some_and(|number| number > 0));
    let held = lab.write("held.json", &held.stdout);
    let again = test(&held, &lab.policy(""), &["--json"]);
    assert!(told(&again).contains("it was held against a policy then"), "{}", told(&again));
    assert_eq!(document(&again)["summary"]["suppressed"], 0);
    let rules = |output: &Output| -> Vec<String> {
        let findings = document(output)["findings"].as_array().expect("a list").clone();
        let mut rules: Vec<String> =
            findings.iter().map(|one| format!("{} {} {}", one["endpoint"], one["rule"], one["severity"])).collect();
        rules.sort();
        rules
    };
    assert_eq!(rules(&again), rules(&test(&capture("juniper-and-rpki"), &lab.policy(""), &["--json"])));
}

#[test]
fn the_clock_is_that_of_the_report() {
    let lab = Lab::new();
    let at = |taken_at: &str| {
        let report = lab.changed(&capture("juniper-and-rpki"), |report| report["taken_at"] = taken_at.into());
        let policy = POLICIES[4].replace("2999-01-01", "2026-01-31");
        document(&test(&report, &lab.policy(&policy), &["--json"]))
    };
    let (before, after) = (at("2026-01-31T23:59:59.999Z"), at("2026-02-01T00:00:00.000Z"));
    assert!(before["summary"]["suppressed"].as_u64().is_some_and(|number| number > 0));
    assert_eq!(after["summary"]["suppressed"], 0);
    let expired = |document: &Value| {
        let findings = document["findings"].as_array().expect("a list").iter();
        findings.filter(|one| one["rule"] == "suppression-expired").count()
    };
    assert_eq!((expired(&before), expired(&after)), (1, 2));
}

#[test]
fn what_was_not_seen_then_cannot_be_told_now() {
    let lab = Lab::new();
    let required = lab.policy("[[expect]]\nport = 9999\ntransport = \"udp\"\nexe = \"/x\"\nrequired = true\n");
    let whole = test(&lab.report(&capture("server"), &[]), &required, &["--json"]);
    let missing = |output: &Output| {
        document(output)["findings"].as_array().expect("a list").iter().any(|one| one["rule"] == "missing")
    };
    assert!(missing(&whole));
    let unread = lab.changed(&capture("server"), |report| {
        let netns = report["listeners"][0]["netns"].clone();
        let row = json!({ "table": "udp", "status": "unreadable", "source": null, "namespaces": 1, "netns": netns,
            "lacks": [], "error": "EPERM" });
        report["coverage"]["tables"].as_array_mut().expect("a list").push(row);
    });
    let unread = test(&unread, &required, &["--json"]);
    assert!(!missing(&unread), "it may be in what was not read");
    assert!(told(&unread).contains("the table udp could not be read whole: EPERM"), "{}", told(&unread));
    let unasked = lab.changed(&capture("server"), |report| {
        let of_udp = |table: &Value| table["table"].as_str().is_some_and(|name| name.starts_with("udp"));
        report["coverage"]["tables"].as_array_mut().expect("a list").retain(|table| !of_udp(table));
    });
    let unasked = test(&unasked, &lab.policy(""), &[]);
    let words = String::from_utf8_lossy(&unasked.stdout).into_owned() + &told(&unasked);
    assert!(words.contains("no table of udp was asked for"), "{words}");
    // Where nothing critical stands that ends with 3.
    let mild = lab.changed(&capture("plain-server-as-nobody"), |_| {});
    let output = test(&mild, &lab.policy(""), &[]);
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
}

#[test]
fn what_would_be_half_understood_is_refused() {
    let lab = Lab::new();
    let refused = |file: &Path, policy: &str, want: &str| {
        let output = test(file, &lab.policy(policy), &["--json"]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{want}: {}", told(&output));
        assert!(told(&output).contains(want) && !told(&output).contains("S3CRET"), "{want}: {}", told(&output));
    };
    let server = capture("server");
    for flags in [&["22"][..], &["-4"], &["-t"], &["severity:>=high"]] {
        refused(&lab.report(&server, flags), "", &format!("it shows what `{}` left", flags[0]));
    }
    refused(&lab.report(&server, &["--stable"]), "", "it was made with --stable");
    refused(
        &lab.report(&server, &[]),
        "[[expect]]\nport = 22\npackage = \"openssh-server\"\n",
        "which it does not tell",
    );
    let unknown = |path: &str| format!("the key `{path}` holds what this version does not know");
    for (pointer, value, path) in [
        ("/findings/0/rule", json!("S3CRET"), "findings[0].rule"),
        ("/findings/0/severity", json!("S3CRET"), "findings[0].severity"),
        ("/findings/0/also", json!(["S3CRET"]), "findings[0].also"),
        ("/findings/0/listeners", json!(["ffffffffffffffff"]), "findings[0].listeners"),
        ("/findings/0/evidence/0/kind", json!("\u{1b}[2K"), "findings[0].evidence"),
        ("/listeners/0/transport", json!("S3CRET"), "listeners[0].transport"),
        ("/listeners/0/state", json!("published"), "listeners[0].state"),
        ("/listeners/0/address", json!("S3CRET"), "listeners[0].address"),
        ("/listeners/0/port", json!(65_536), "listeners[0].port"),
        ("/listeners/0/owner_count", json!(0), "listeners[0].owner_count"),
        ("/coverage/tables/0/table", json!("S3CRET \u{202e}"), "coverage.tables[0].table"),
        ("/coverage/tables/0/status", json!("S3CRET"), "coverage.tables[0].status"),
        ("/vantage/hidepid", json!("S3CRET"), "vantage.hidepid"),
        ("/taken_at", json!("S3CRET"), "taken_at"),
    ] {
        let report = lab.changed(&server, |report| *report.pointer_mut(pointer).expect(pointer) = value);
        refused(&report, "", &unknown(path));
    }
    let many = lab.changed(&server, |report| report["coverage"]["tables"][0]["namespaces"] = json!(1u64 << 50));
    refused(&many, "", "more namespaces than any host has");
    for (key, of) in [("query", ""), ("ephemeral_ports", "/host"), ("exe_replaced", "/listeners/0/owners/0")] {
        let older = lab.changed(&server, |report| {
            report.pointer_mut(of).expect(of).as_object_mut().expect("an object").remove(key);
        });
        refused(&older, "", &format!("lacks the key `{key}`"));
    }
    refused(&lab.write("no.json", b"{\"S3CRET\": }"), "", "it is no JSON");
    refused(&lab.write("no.txt", b"S3CRET"), "", "");
}
