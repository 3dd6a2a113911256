//! `earmark baseline record` from end to end: what it writes of a recorded host is a policy that the host meets.

#![expect(clippy::disallowed_methods, reason = "tests start programs and write files")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn capture(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "captures", name].iter().collect();
    path.to_str().expect("a path in UTF-8").to_owned()
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("earmark"));
    command.args(arguments).env_clear().output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Records a host, denies all that was not recorded, and holds a host against that: the exit status, and the rules that
/// fired.
fn held(recorded: &str, against: &str, dir: &Path) -> (Option<i32>, Vec<String>) {
    let policy = dir.join("10-baseline.toml");
    let name = policy.to_str().expect("a path in UTF-8");
    let output = run(&["baseline", "record", "--from", &capture(recorded), "--output", name]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let entries = std::fs::read_to_string(&policy).expect("a policy");
    std::fs::write(&policy, format!("{entries}\n[settings]\ndefault = \"deny\"\nloopback = \"enforce\"\n"))
        .expect("written");
    let output = run(&["policy", "test", &capture(against), "--policy", name, "--json"]);
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    let findings = report["findings"].as_array().expect("findings").iter();
    (output.status.code(), findings.filter_map(|finding| Some(finding["rule"].as_str()?.to_owned())).collect())
}

#[test]
fn a_recorded_host_meets_its_own_record() {
    let dir = tempfile::tempdir().expect("a directory");
    let of_policy = |rules: Vec<String>| -> Vec<String> {
        let about = ["unexpected", "policy-mismatch", "missing", "weak-expectation", "forbidden"];
        rules.into_iter().filter(|rule| about.contains(&rule.as_str())).collect()
    };
    let (status, rules) = held("plain-server.capture", "plain-server.capture", dir.path());
    assert_eq!((status, of_policy(rules)), (Some(0), vec![]));
    // Another host has what nobody expected there.
    let (status, rules) = held("plain-server.capture", "juniper-and-rpki.capture", dir.path());
    assert!(status != Some(0) && rules.contains(&"unexpected".to_owned()), "{status:?} {rules:?}");
}

#[test]
fn what_is_recorded_is_for_review() {
    let output = run(&["baseline", "record", "--from", &capture("juniper-and-rpki.capture")]);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    insta::assert_snapshot!(text(&output.stdout));
    // Without rights nobody's owner is known, and nothing is approved without one.
    let output = run(&["baseline", "record", "--from", &capture("server-as-nobody.capture")]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("not everything could be seen"), "{}", text(&output.stderr));
    let written = text(&output.stdout);
    assert!(written.contains("# not seen: ") && !written.contains("\n[[expect]]"), "{written}");
    assert_eq!(run(&["baseline"]).status.code(), Some(3));
    assert_eq!(run(&["baseline", "forget"]).status.code(), Some(3));
}
