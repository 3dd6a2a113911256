//! Findings as entries of the journal: what its own programs make of them.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "the test runs systemd's programs")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use earmark::collect::{self, Ask};
use earmark::finding::Finding;
use earmark::registry::Registry;
use earmark::report::Report;
use earmark::{judge, render, sys};
use support::world::{Need, absent, world};

const REMOTE: &str = "/lib/systemd/systemd-journal-remote";

fn report() -> Report {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/juniper-and-rpki.capture"));
    let capture = std::fs::read(path).expect("a capture");
    let snapshot = collect::replay(&capture, path, &Ask::default()).expect("a snapshot");
    judge::judge(snapshot, &Registry::builtin(), "0".repeat(32))
}

#[test]
fn the_journal_finds_findings_by_their_fields() {
    if ![REMOTE, "/usr/bin/journalctl"].iter().all(|program| Path::new(program).exists()) {
        let _ = writeln!(std::io::stderr(), "NOT RUN with systemd-journal-remote: it is not installed");
        return;
    }
    let report = report();
    // The format for export is that of the datagrams, with an empty line behind each and the time before it.
    let export: Vec<u8> = report
        .findings
        .iter()
        .flat_map(|finding| {
            let entry = render::journal_entry(&report, finding);
            [b"__REALTIME_TIMESTAMP=1795000000000000\n".to_vec(), entry, b"\n".to_vec()].concat()
        })
        .collect();
    let dir = tempfile::tempdir().expect("a directory");
    let journal = dir.path().join("earmark.journal");
    let mut remote = Command::new(REMOTE)
        .arg("-o")
        .args([&journal, Path::new("-")])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("systemd-journal-remote starts");
    remote.stdin.take().expect("a pipe").write_all(&export).expect("written");
    let remote = remote.wait_with_output().expect("its end");
    assert!(remote.status.success(), "{}", String::from_utf8_lossy(&remote.stderr));

    let entries = |query: &[&str]| -> Vec<serde_json::Value> {
        let output = Command::new("journalctl").arg("--file").arg(&journal).args(["-o", "json"]).args(query).output();
        let output = output.expect("journalctl runs");
        let lines = String::from_utf8(output.stdout).expect("UTF-8");
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    assert_eq!(entries(&[]).len(), report.findings.len());
    let of = |rule: &str| -> Vec<&Finding> { report.findings.iter().filter(|one| one.rule.name == rule).collect() };
    let cleartext = entries(&["EARMARK_RULE=cleartext-management", "SYSLOG_IDENTIFIER=earmark"]);
    assert!(!cleartext.is_empty() && cleartext.len() == of("cleartext-management").len());
    for (entry, finding) in cleartext.iter().zip(of("cleartext-management")) {
        let listener = &report.listeners[finding.listener().expect("a listener")];
        assert_eq!(entry["EARMARK_ENDPOINT"], listener.endpoint);
        assert_eq!(entry["EARMARK_FINGERPRINT"], report.fingerprint_of(finding).digest());
        assert_eq!(entry["EARMARK_SEVERITY"], finding.severity.name());
        assert!(entry["MESSAGE"].as_str().is_some_and(|message| message.ends_with(&finding.message)));
    }
    // As `journalctl -p crit` asks.
    let critical = report.findings.iter().filter(|one| one.severity.name() == "critical").count();
    assert_eq!(entries(&["-p", "crit"]).len(), critical);
}

#[test]
fn the_journal_takes_an_entry_of_any_length() {
    const DAEMON: &str = "/lib/systemd/systemd-journald";
    const LARGE: usize = 2_000_000;
    if ![DAEMON, "/usr/bin/journalctl"].iter().all(|program| Path::new(program).exists()) {
        return absent("systemd-journald");
    }
    world("the_journal_takes_an_entry_of_any_length", Need::Root, || {
        // All that it makes ends with the world.
        let mounted = Command::new("mount").args(["-t", "tmpfs", "none", "/run"]).status();
        assert!(mounted.expect("mount").success());
        std::fs::create_dir_all("/run/systemd/journal").expect("made");
        let mut daemon = Command::new(DAEMON).stderr(Stdio::null()).spawn().expect("systemd-journald starts");
        for _ in 0..500 {
            if Path::new("/run/systemd/journal/socket").exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let report = report();
        let finding = report.findings.first().expect("a finding");
        let mut longer = finding.clone();
        longer.message = "x".repeat(LARGE);
        let entries = [finding, &longer, finding].map(|finding| render::journal_entry(&report, finding));
        sys::journal::send(entries).expect("sent");

        let told = || -> Vec<serde_json::Value> {
            let query = format!("EARMARK_RULE={}", finding.rule.name);
            let words = ["-D", "/run/log/journal", "--all", "-o", "json", &query];
            let output = Command::new("journalctl").args(words).output().expect("journalctl runs");
            let lines = String::from_utf8(output.stdout).expect("UTF-8");
            lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
        };
        for _ in 0..500 {
            if told().len() >= 3 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let lengths: Vec<usize> =
            told().iter().map(|entry| entry["MESSAGE"].as_str().expect("a message").len()).collect();
        let (first, rest) = lengths.split_first().expect("entries");
        assert!(matches!(rest, [second, third] if *second > LARGE && third == first), "{lengths:?}");
        assert!(told().iter().all(|entry| entry["_PID"] == "1" && entry["SYSLOG_IDENTIFIER"] == "earmark"));
        daemon.kill().expect("killed");
        daemon.wait().expect("ended");
    });
}
