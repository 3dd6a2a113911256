//! The audit of real listeners: every way in which it ends, what a policy makes of who is there, and whom it believes.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::world::{Need, absent, command, earmark, hold, hold_program, install, start, world};

/// A directory that is root's alone, as a policy's has to be.
fn policies() -> &'static Path {
    Path::new("/mnt")
}

/// Puts a file system there that ends with the world.
fn policies_of_its_own() {
    install();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "mode=755", "none", "/mnt"]).status();
    assert!(mounted.expect("mount").success());
}

/// Gives the namespace a device that leads out, so that a wildcard is one.
fn outward() {
    for words in [&["link", "add", "out0", "type", "veth", "peer", "name", "out1"][..], &["link", "set", "out0", "up"]]
    {
        assert!(Command::new("ip").args(words).status().expect("ip").success());
    }
}

fn policy(text: &str) -> PathBuf {
    let path = policies().join("policy.toml");
    std::fs::write(&path, format!("schema = 1\n{text}")).expect("a policy");
    path
}

fn audit(policy: &Path, more: &[&str]) -> Output {
    let mut arguments = vec!["audit", "--policy", policy.to_str().expect("UTF-8")];
    arguments.extend(more);
    earmark(&arguments)
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Rule, severity and endpoint of each finding.
fn findings(output: &Output) -> Vec<(String, String, String)> {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told(output)));
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let findings = report["findings"].as_array().expect("findings").iter();
    findings.map(|one| (text(&one["rule"]), text(&one["severity"]), text(&one["endpoint"]))).collect()
}

fn has(found: &[(String, String, String)], rule: &str, endpoint: &str) -> bool {
    found.iter().any(|(this, _, at)| this == rule && at == endpoint)
}

/// The executable of the program that holds sockets, as a policy names it.
fn holder() -> String {
    hold_program().canonicalize().expect("it is built").to_str().expect("UTF-8").to_owned()
}

#[test]
fn each_exit_code_comes_from_real_listeners() {
    world("each_exit_code_comes_from_real_listeners", Need::Root, || {
        policies_of_its_own();
        outward();
        let _held = hold(&["tcp/127.0.0.1:7001", "tcp/0.0.0.0:7002"]);
        let exe = holder();
        let both = format!("[[expect]]\nport = [7001, 7002]\nexe = {exe:?}\nuser = \"root\"\n");
        let deny = format!("[settings]\ndefault = \"deny\"\n{both}");
        let clean = audit(&policy(&deny), &[]);
        assert_eq!(code(&clean), Some(0), "{}", told(&clean));

        let missing = format!("{deny}[[expect]]\nport = 7003\nexe = {exe:?}\nrequired = true\n");
        let warning = audit(&policy(&missing), &[]);
        assert_eq!(code(&warning), Some(1), "{}", told(&warning));
        assert!(told(&warning).contains("[missing]"), "{}", told(&warning));

        let critical = audit(&policy(&format!("{deny}[[forbid]]\nport = 7002\nreason = \"CHG-2\"\n")), &["--json"]);
        assert_eq!(code(&critical), Some(2), "{}", told(&critical));
        assert!(has(&findings(&critical), "forbidden", "tcp/0.0.0.0:7002"));

        let path = policy(&deny);
        let blind = command(&["audit", "--from", "/nonexistent"]).output().expect("it runs");
        assert_eq!(code(&blind), Some(3));
        let broken = audit(&policy("[[expect]]\nprot = 7001\n"), &[]);
        assert_eq!(code(&broken), Some(3), "{}", told(&broken));
        assert!(told(&broken).contains("policy.toml: line 3, column 1: key `prot`: unknown key"), "{}", told(&broken));
        assert!(broken.stdout.is_empty(), "a broken policy judges nothing");
        let usage = earmark(&["audit", "--nonsense"]);
        assert_eq!(code(&usage), Some(3));
        let panic = command(&["audit"]).env("EARMARK_TEST_PANIC", "1").output().expect("it runs");
        if cfg!(debug_assertions) {
            assert_eq!(code(&panic), Some(3), "{}", told(&panic));
        }

        // Nobody else may see whose the listeners are: it cannot be told whether they are the expected ones.
        std::fs::write(&path, format!("schema = 1\n{deny}")).expect("written");
        let mut run = command(&["audit", "--policy", path.to_str().expect("UTF-8"), "--json"]);
        std::os::unix::process::CommandExt::uid(&mut run, 65534);
        let nobody = run.output().expect("it runs");
        assert_eq!(code(&nobody), Some(3), "{}", told(&nobody));
        assert!(!has(&findings(&nobody), "policy-mismatch", "tcp/0.0.0.0:7002"), "{}", told(&nobody));
        assert!(told(&nobody).contains("the owners of 2 listeners of 2 are not known"), "{}", told(&nobody));
    });
}

#[test]
fn what_is_there_is_held_against_what_is_expected() {
    world("what_is_there_is_held_against_what_is_expected", Need::Root, || {
        policies_of_its_own();
        let _held = hold(&["tcp/127.0.0.1:7001", "tcp/0.0.0.0:7002", "tcp/0.0.0.0:7003", "udp/0.0.0.0:7004"]);
        let exe = holder();
        let text = format!(
            "[settings]\ndefault = \"deny\"\nloopback = \"enforce\"\n\
             [[expect]]\nid = \"address\"\nport = 7002\naddress = \"loopback\"\nexe = {exe:?}\n\
             [[expect]]\nid = \"owner\"\nport = 7003\nexe = \"/usr/sbin/sshd\"\n\
             [[expect]]\nid = \"glob\"\ntransport = \"udp\"\nport = \"7000-7010\"\nexe = \"{}/*\"\n",
            Path::new(&exe).parent().expect("a directory").display(),
        );
        let judged = audit(&policy(&text), &["--json"]);
        let found = findings(&judged);
        assert!(has(&found, "unexpected", "tcp/127.0.0.1:7001"), "{found:?}");
        assert!(has(&found, "policy-mismatch", "tcp/0.0.0.0:7002"), "{found:?}");
        assert!(has(&found, "policy-mismatch", "tcp/0.0.0.0:7003"), "{found:?}");
        assert!(!found.iter().any(|(rule, _, at)| at == "udp/0.0.0.0:7004" && rule.starts_with("policy")), "{found:?}");
        let report: Value = serde_json::from_slice(&judged.stdout).expect("JSON");
        let udp = report["listeners"].as_array().expect("listeners").iter().find(|one| one["transport"] == "udp");
        assert_eq!(udp.expect("it is listed")["expectation"]["id"], "glob");
        assert_eq!(report["policy"]["default"], "deny");

        // A name is no owner: a copy of the program elsewhere is another executable.
        let copy = policies().join("sshd");
        std::fs::copy(hold_program(), &copy).expect("a copy");
        let _copy = start(Command::new(&copy).arg("tcp/0.0.0.0:7005"));
        let named =
            format!("[[expect]]\nport = 7005\nexe = \"/usr/sbin/sshd\"\n[[expect]]\nport = 7001\nexe = {exe:?}\n");
        let found = findings(&audit(&policy(&named), &["--json"]));
        assert!(has(&found, "policy-mismatch", "tcp/0.0.0.0:7005"), "{found:?}");
    });
}

#[test]
fn a_suppression_takes_a_finding_until_its_day() {
    world("a_suppression_takes_a_finding_until_its_day", Need::Root, || {
        policies_of_its_own();
        outward();
        let _held = hold(&["tcp/0.0.0.0:7001"]);
        let with = |day: &str| {
            let text = format!(
                "[settings]\ndefault = \"deny\"\n[[suppress]]\nrule = \"unexpected\"\nmatch = {{ port = 7001 }}\n\
                 reason = \"moves in spring\"\nexpires = {day}\n"
            );
            audit(&policy(&text), &["--json"])
        };
        let kept = with("2999-01-01");
        assert_eq!(code(&kept), Some(0), "{}", told(&kept));
        let report: Value = serde_json::from_slice(&kept.stdout).expect("JSON");
        assert_eq!(report["summary"]["suppressed"], 1);
        let finding = report["findings"].as_array().expect("findings").iter().find(|one| one["rule"] == "unexpected");
        let finding = finding.expect("it stays in the report");
        assert_eq!(
            (&finding["status"], &finding["suppression"]["reason"]),
            (&"suppressed".into(), &"moves in spring".into())
        );

        let over = with("2020-01-01");
        assert_eq!(code(&over), Some(2), "{}", told(&over));
        let found = findings(&over);
        assert!(has(&found, "unexpected", "tcp/0.0.0.0:7001"), "{found:?}");
        assert!(has(&found, "suppression-expired", "-"), "{found:?}");
    });
}

#[test]
fn root_believes_what_root_alone_could_write() {
    world("root_believes_what_root_alone_could_write", Need::Root, || {
        policies_of_its_own();
        let path = policy("[settings]\ndefault = \"deny\" # hunter2\n");
        let refused = |why: &str| {
            let output = audit(&path, &[]);
            assert_eq!(code(&output), Some(3), "{why}: {}", told(&output));
            let told = told(&output);
            assert!(told.contains("does not belong to root alone") && !told.contains("hunter2"), "{why}: {told}");
        };
        assert_eq!(code(&audit(&path, &[])), Some(0));
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        };
        mode(&path, 0o666);
        refused("anybody may write the file");
        mode(&path, 0o664);
        refused("its group may write the file");
        mode(&path, 0o644);
        chown(&path, Some(65534), None).expect("another owner");
        refused("it is somebody else's");
        chown(&path, Some(0), None).expect("root again");
        mode(policies(), 0o777);
        refused("anybody may put another file there");
        mode(policies(), 0o755);
        assert_eq!(code(&audit(&path, &[])), Some(0));
        // Who judges for himself may keep it where he likes.
        mode(&path, 0o666);
        let mut run = command(&["policy", "check", "--policy", path.to_str().expect("UTF-8")]);
        std::os::unix::process::CommandExt::uid(&mut run, 65534);
        let nobody = run.output().expect("it runs");
        assert_eq!(code(&nobody), Some(0), "{}", told(&nobody));
    });
}

#[test]
fn no_path_is_taken_from_whom_the_file_lends_its_rights() {
    world("no_path_is_taken_from_whom_the_file_lends_its_rights", Need::Root, || {
        policies_of_its_own();
        let program = policies().join("earmark");
        std::fs::copy(env!("CARGO_BIN_EXE_earmark"), &program).expect("a copy");
        let set = Command::new("setcap").args(["cap_sys_ptrace,cap_dac_read_search+ep"]).arg(&program).status();
        if !set.is_ok_and(|status| status.success()) {
            return absent("setcap");
        }
        let run = |arguments: &[&str]| {
            let mut command = Command::new(&program);
            std::os::unix::process::CommandExt::uid(command.args(arguments), 65534);
            command.output().expect("it runs")
        };
        for arguments in [
            &["audit", "--policy", "/etc/shadow"][..],
            &["policy", "show", "--policy", "/etc/shadow"],
            &["--from", "/etc/shadow"],
            &["--root", "/"],
            &["--output", "/tmp/x"],
        ] {
            let output = run(arguments);
            assert_eq!(code(&output), Some(3), "{arguments:?}: {}", told(&output));
            assert!(told(&output).contains("is refused"), "{arguments:?}: {}", told(&output));
        }
        // What it is for still works.
        let _held = hold(&["tcp/127.0.0.1:7001"]);
        let list = run(&["--json"]);
        assert_eq!(code(&list), Some(0), "{}", told(&list));
        let report: Value = serde_json::from_slice(&list.stdout).expect("JSON");
        assert_eq!(report["listeners"][0]["owner_status"], "known");
    });
}

/// How many listeners and expectations are held against each other.
const MANY: u16 = 5000;

/// Has an unprivileged user listen on as many ports, all by one process.
fn crowd() -> support::world::Holder {
    let words = (0..MANY).map(|at| format!("tcp/127.0.0.1:{}", 10_000 + at));
    let line = "ulimit -n 20000 && exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$0\" \"$@\"";
    start(Command::new("sh").args(["-c", line]).arg(hold_program()).args(words))
}

#[test]
fn thousands_of_expectations_are_held_against_thousands_of_listeners() {
    world("thousands_of_expectations_are_held_against_thousands_of_listeners", Need::Root, || {
        policies_of_its_own();
        let held = crowd();
        let exe = holder();
        let with = |settings: &str, other: Option<u16>| {
            let mut text = format!("[settings]\ndefault = \"deny\"\nloopback = \"enforce\"\n{settings}");
            for port in (0..MANY).map(|at| 10_000 + at) {
                let exe = if other == Some(port) { "/usr/sbin/sshd" } else { &exe };
                text += &format!("[[expect]]\ntransport = \"tcp\"\nport = {port}\nexe = {exe:?}\nuid = 65534\n");
            }
            audit(&policy(&text), &["--json"])
        };
        let graver = |output: &Output| -> Vec<_> {
            let all = findings(output).into_iter();
            all.filter(|(_, severity, _)| ["medium", "high", "critical"].contains(&severity.as_str())).collect()
        };
        let flood = ("listener-flood".to_owned(), "medium".to_owned(), "-".to_owned());
        let said = |output: &Output| told(output).chars().take(2000).collect::<String>();

        // Every one is expected, and that one user has so many is still worth a warning.
        let judged = with("", None);
        assert_eq!((code(&judged), graver(&judged)), (Some(1), vec![flood]), "{}", said(&judged));
        // Who knows why says so: the rule is about a namespace, and has its severity from the policy.
        let known = "[severity]\nlistener-flood = \"info\"\n";
        let judged = with(known, None);
        assert_eq!((code(&judged), graver(&judged)), (Some(0), vec![]), "{}", said(&judged));
        let report: Value = serde_json::from_slice(&judged.stdout).expect("JSON");
        let listeners = report["listeners"].as_array().expect("listeners");
        assert_eq!(listeners.len(), usize::from(MANY));
        let lines: BTreeSet<u64> =
            listeners.iter().filter_map(|listener| listener["expectation"]["line"].as_u64()).collect();
        assert_eq!(lines.len(), usize::from(MANY), "each has an expectation of its own");
        assert!(listeners.iter().all(|listener| listener["owners"][0]["pid"] == held.pid()));

        let judged = with(known, Some(12_345));
        let other = ("policy-mismatch".to_owned(), "medium".to_owned(), "tcp/127.0.0.1:12345".to_owned());
        assert_eq!((code(&judged), graver(&judged)), (Some(1), vec![other]), "{}", said(&judged));
    });
}
