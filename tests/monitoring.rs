//! The formats for monitoring, read by the programs that they are made for.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use support::world::{Need, absent, command, earmark, hold, world};

/// A program on the path of this test: those that read metrics lie beside the build.
fn program(name: &str) -> Option<PathBuf> {
    let found = std::env::split_paths(&std::env::var_os("PATH")?).map(|place| place.join(name)).find(|at| at.exists());
    if found.is_none() {
        absent(name);
    }
    found
}

/// Runs a program over some input.
fn over(program: &mut Command, input: &[u8]) -> Output {
    let mut child =
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    child.stdin.take().expect("piped").write_all(input).expect("read");
    child.wait_with_output().expect("it ended")
}

fn captures() -> Vec<PathBuf> {
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures");
    let files = std::fs::read_dir(place).expect(place).map(|file| file.expect("an entry").path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "capture")).collect();
    files.sort();
    assert!(files.len() > 3, "the captures are found");
    files
}

fn audit(capture: &std::path::Path, format: &str) -> Output {
    earmark(&["audit", "--format", format, "--from", capture.to_str().expect("UTF-8")])
}

/// Prints label, value, and what the thresholds make of it, as the library of the plugins has them.
const PARSE: &str = r#"
    use Monitoring::Plugin::Performance;
    my ($text, $numbers, @more) = split /\|/, join('', <STDIN>);
    die "more than one bar" if @more;
    for my $one (Monitoring::Plugin::Performance->parse_perfstring($numbers)) {
        printf "%s %s %s\n", $one->label, $one->value, $one->threshold->get_status($one->value);
    }
"#;

#[test]
fn nagios_reads_the_line_and_its_thresholds() {
    let Some(perl) = program("perl") else { return };
    let has = Command::new(&perl).args(["-MMonitoring::Plugin::Performance", "-e1"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        return absent("Monitoring::Plugin");
    }
    for capture in captures() {
        let output = audit(&capture, "nagios");
        let line = String::from_utf8(output.stdout).expect("UTF-8");
        let code = output.status.code().expect("a code");
        let status = ["OK", "WARNING", "CRITICAL", "UNKNOWN"][code as usize];
        assert!(line.starts_with(&format!("EARMARK {status} - ")), "{}: {line}", capture.display());
        assert!(line.len() <= 1000 && line.matches('\n').count() == 1, "{line}");
        let parsed = over(Command::new(&perl).args(["-e", PARSE]), line.as_bytes());
        let parsed = String::from_utf8(parsed.stdout).expect("UTF-8");
        let numbers: Vec<Vec<&str>> = parsed.lines().map(|line| line.split(' ').collect()).collect();
        let labels: Vec<&str> = numbers.iter().map(|number| number[0]).collect();
        let all = ["critical", "high", "medium", "low", "info", "suppressed", "listeners", "unattributed", "gaps"];
        assert_eq!(labels, all, "{line}");
        // What the thresholds say of the numbers is what the status says, unless the run could not tell.
        let worst = numbers.iter().map(|number| number[2].parse::<i32>().expect("a status")).max();
        if code != 3 {
            assert_eq!(worst, Some(code), "{line}");
        }
        let report: serde_json::Value = serde_json::from_slice(&audit(&capture, "json").stdout).expect("JSON");
        assert_eq!(numbers[6][1], report["summary"]["listeners"].to_string());
        assert_eq!(numbers[0][1], report["summary"]["findings"]["critical"].to_string());
    }
}

#[test]
fn a_failure_is_a_line_too() {
    let output = earmark(&["audit", "--format", "nagios", "--from", "/no/such/file"]);
    assert_eq!(output.status.code(), Some(3));
    let line = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(line.starts_with("EARMARK UNKNOWN - cannot read /no/such/file") && line.ends_with('\n'), "{line}");
    let output = earmark(&["audit", "--format", "nagios", "--policy", "/no/such/file"]);
    assert!(output.stdout.starts_with(b"EARMARK UNKNOWN - "), "{output:?}");
}

#[test]
fn promtool_finds_no_fault_with_the_metrics() {
    let Some(promtool) = program("promtool") else { return };
    for capture in captures() {
        let metrics = audit(&capture, "prom").stdout;
        let checked = over(Command::new(&promtool).args(["check", "metrics"]), &metrics);
        let said = String::from_utf8_lossy(&checked.stderr).into_owned() + &String::from_utf8_lossy(&checked.stdout);
        assert!(checked.status.success() && said.is_empty(), "{}: {said}", capture.display());
    }
    // That it finds any.
    let checked = over(Command::new(&promtool).args(["check", "metrics"]), b"earmark_x_ms{a=\"\n\"} 1\n");
    assert!(!checked.status.success());
}

/// Ended with the test, whatever becomes of it.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn scrape(port: u16) -> Option<String> {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn a_scrape_through_node_exporter_has_every_series() {
    world("a_scrape_through_node_exporter_has_every_series", Need::Namespaces, || {
        let Some(exporter) = program("prometheus-node-exporter") else { return };
        let place = tempfile::tempdir().expect("a directory");
        std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).expect("a mode");
        let file = place.path().join("earmark.prom");
        let _held = hold(&["tcp/127.0.0.1:7001", "tcp/127.0.0.1:7002"]);
        let mut audit = command(&["audit", "--format", "prom", "--output", file.to_str().expect("UTF-8")]);
        let output = audit.env("STATE_DIRECTORY", place.path().join("none")).output().expect("earmark runs");
        assert!(output.status.code().is_some_and(|code| code < 3) && output.stdout.is_empty(), "{output:?}");
        let metadata = std::fs::metadata(&file).expect("written");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o644, "the exporter runs as another user");

        let child = Command::new(exporter)
            .args(["--collector.disable-defaults", "--collector.textfile", "--web.listen-address=127.0.0.1:7100"])
            .arg(format!("--collector.textfile.directory={}", place.path().display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let _exporter = Daemon(child.expect("it starts"));
        let answer = (0..100).find_map(|_| {
            std::thread::sleep(Duration::from_millis(100));
            scrape(7100)
        });
        let answer = answer.expect("it answers within ten seconds");
        assert!(answer.contains("node_textfile_scrape_error 0\n"), "{answer}");
        assert!(answer.contains("earmark_listeners{exposure=\"loopback\",transport=\"tcp\"} 2\n"), "{answer}");
        let written = std::fs::read_to_string(&file).expect("metrics");
        let count = |text: &str| text.lines().filter(|line| line.starts_with("earmark_")).count();
        assert!(count(&written) > 100);
        assert_eq!(count(&answer), count(&written), "every series came through");
    });
}
