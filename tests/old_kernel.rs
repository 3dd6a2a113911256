//! The program on a kernel without the system calls that came after Linux 4.19: what it tells is the same, or says what is
//! missing. Filters refuse them as such a kernel does, which has never heard of them.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};
use serde_json::{Value, json};
use support::world::{Need, command, hold, world};

/// Carries the arguments of the program, in JSON, to the process that becomes it.
const ARGUMENTS: &str = "EARMARK_TEST_ARGUMENTS";

/// The first number of a call that came after Linux 4.20: `pidfd_send_signal`, of Linux 5.1. From there on the numbers are
/// the same on every architecture, and what comes before is 4.18's `rseq` and older.
const FIRST_NEW: i64 = 424;

/// The last command of bpf(2) in Linux 4.19, `BPF_TASK_FD_QUERY`. A newer one is an invalid request.
const LAST_BPF: u64 = 20;

fn compiled(rules: BTreeMap<i64, Vec<SeccompRule>>, errno: i32) -> BpfProgram {
    let machine = std::env::consts::ARCH.try_into().expect("a machine that has filters");
    let refused = SeccompAction::Errno(errno.cast_unsigned());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, machine).expect("a filter");
    filter.try_into().expect("a program")
}

/// Where this test was started to become the program on an older kernel, becomes it.
fn become_the_program() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let arguments: Vec<String> = serde_json::from_str(&arguments).expect("arguments");
    let newer = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Gt, LAST_BPF).expect("a condition");
    let of_bpf = SeccompRule::new(vec![newer]).expect("a rule");
    let filters = [
        compiled([(libc::SYS_bpf, vec![of_bpf])].into(), libc::EINVAL),
        compiled((FIRST_NEW..FIRST_NEW + 176).map(|number| (number, Vec::new())).collect(), libc::ENOSYS),
    ];
    for filter in &filters {
        apply_filter(filter).expect("the kernel takes it");
    }
    let error = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).exec();
    panic!("cannot become the program: {error}");
}

/// Runs the program as on Linux 4.19.
fn as_of_old(test: &str, arguments: &[&str]) -> Output {
    Command::new(std::env::current_exe().expect("our own path"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ARGUMENTS, json!(arguments).to_string())
        .output()
        .expect("it runs")
}

/// What it prints as JSON, behind what the test's own runner says first.
fn told(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let begin =
        text.find('{').unwrap_or_else(|| panic!("no JSON in {text}{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(&text[begin..]).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A report without what two runs differ in.
fn stable(mut report: Value) -> Value {
    report.as_object_mut().expect("an object").remove("host");
    report
}

#[test]
fn the_same_is_told_without_any_newer_call() {
    const TEST: &str = "the_same_is_told_without_any_newer_call";
    become_the_program();
    world(TEST, Need::Namespaces, || {
        let place = tempfile::tempdir().expect("a directory");
        let writable = place.path().join("tool");
        std::fs::copy(support::world::hold_program(), &writable).expect("copied");
        let _plain = hold(&["tcp/0.0.0.0:22", "tcp/[::]:443", "udp/127.0.0.1:53", "raw/0.0.0.0:1", "packet/0x0800"]);
        let _workers = hold(&["--workers", "2", "tcp/127.0.0.1:8080", "unix/stream:@old"]);
        let _thread = hold(&["--by", "thread", "tcp/127.0.0.1:7012"]);
        let _orphan = hold(&["--by", "orphan", "tcp/127.0.0.1:7013"]);
        let _away = hold(&["--by", "away", "tcp/127.0.0.1:7009"]);
        let _writable = support::world::start(Command::new(&writable).arg("tcp/0.0.0.0:3221"));
        let mut unshare = Command::new("unshare");
        let apart = ["--loopback", "tcp/127.0.0.1:7008"];
        let _apart = support::world::start(unshare.arg("--net").arg(support::world::hold_program()).args(apart));
        for arguments in [&["--json", "--stable"][..], &["--json", "--stable", "-x"], &["--json", "--stable", "-a"]] {
            let now = command(arguments).output().expect("earmark runs");
            let now = serde_json::from_slice(&now.stdout).expect("JSON");
            let of_old = as_of_old(TEST, arguments);
            assert!(of_old.status.code().is_some_and(|code| code < 3), "{}", String::from_utf8_lossy(&of_old.stderr));
            let (now, of_old) = (stable(now), stable(told(&of_old)));
            assert!(now["listeners"].as_array().is_some_and(|rows| !rows.is_empty()));
            for part in ["listeners", "findings", "coverage"] {
                assert_eq!(of_old[part], now[part], "{part} of {arguments:?}");
            }
            assert_eq!(of_old, now);
        }
    });
}

#[test]
fn what_an_older_kernel_has_not_is_said() {
    const TEST: &str = "what_an_older_kernel_has_not_is_said";
    become_the_program();
    world(TEST, Need::Namespaces, || {
        let doctor = told(&as_of_old(TEST, &["doctor", "--json"]));
        assert_eq!(doctor["sandbox"]["landlock"], "absent", "{doctor:#}");
        assert_eq!(doctor["sandbox"]["capabilities"], "dropped");
        let rooted = as_of_old(TEST, &["list", "--root", "/"]);
        let said = String::from_utf8_lossy(&rooted.stderr).into_owned();
        assert_eq!(rooted.status.code(), Some(3), "{said}");
        assert!(said.contains("openat2(2)") && said.contains("Linux 5.6"), "{said}");
        // Whoever listens on vsock is seen by descriptors that only a newer kernel hands out, or by netlink.
        let Ok(_listener) = support::sockets::open("vsock/7028") else {
            let _ = writeln!(std::io::stderr(), "{TEST}: NOT RUN, this kernel has no vsock");
            return;
        };
        let now = support::world::report(&["--stable"]);
        let of_old = told(&as_of_old(TEST, &["--json", "--stable"]));
        let vsock = |report: &Value| {
            let mut tables = report["coverage"]["tables"].as_array().expect("tables").clone();
            tables.retain(|table| table["table"] == "vsock");
            tables[0].clone()
        };
        if vsock(&now)["source"] == "sock_diag" {
            assert_eq!(of_old["listeners"], now["listeners"]);
            return;
        }
        assert_eq!((&vsock(&now)["status"], &vsock(&of_old)["status"]), (&"read".into(), &"unreadable".into()));
        let gaps = of_old["coverage"]["gaps"].to_string();
        assert!(gaps.contains("the table vsock") && gaps.contains("ENOSYS"), "{gaps}");
    });
}
