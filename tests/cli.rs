//! The command line from end to end: arguments in; output, remarks and exit status out.

#![expect(clippy::disallowed_methods, reason = "tests start programs and write files")]

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A web server with a router emulator, as root sees it.
const SERVER: &str = "server.capture";
/// The same host, as a user without any privilege sees it.
const AS_NOBODY: &str = "server-as-nobody.capture";

fn capture(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "captures", name].iter().collect();
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// The program, in an environment of which nothing is left.
fn earmark(arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("earmark"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    earmark(arguments).output().expect("the program starts")
}

fn status(output: &Output) -> i32 {
    output.status.code().expect("an exit status")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Everything that can be seen of a run, in one text.
fn transcript(line: &str, from: Option<&str>) -> String {
    let from = from.map(|name| format!("--from={}", capture(name)));
    let arguments: Vec<&str> = line.split_whitespace().chain(from.as_deref()).collect();
    let output = run(&arguments);
    let mut told = format!("$ earmark {line}\n");
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            told += &format!("[{name}]\n{}", text(bytes));
        }
    }
    told + &format!("[exit {}]\n", status(&output))
}

/// The endpoints that a query leaves, and the exit status.
fn endpoints(line: &str, from: &str) -> (Vec<String>, i32) {
    let from = capture(from);
    let mut arguments = vec!["--json", "--from", &from];
    arguments.extend(line.split_whitespace());
    let output = run(&arguments);
    if output.stdout.is_empty() {
        return (Vec::new(), status(&output));
    }
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["exit"], status(&output), "{line}");
    let listeners = report["listeners"].as_array().expect("a list");
    (listeners.iter().map(|row| row["endpoint"].as_str().expect("text").to_owned()).collect(), status(&output))
}

#[test]
fn a_server_is_listed() {
    insta::assert_snapshot!(transcript("", Some(SERVER)));
}

#[test]
fn a_user_without_privilege_is_told_what_is_missing() {
    insta::assert_snapshot!(transcript("-v", Some(AS_NOBODY)));
}

#[test]
fn queries_choose_and_the_exit_says_what_came_of_it() {
    let ssh = ["tcp/0.0.0.0:22", "tcp/[::]:22"];
    let cases: &[(&str, &[&str], i32)] = &[
        ("3221", &["tcp/0.0.0.0:3221"], 0),
        ("-tulpn sport = :3221", &["tcp/0.0.0.0:3221"], 0),
        ("-nP -iTCP:3221 -sTCP:LISTEN", &["tcp/0.0.0.0:3221"], 0),
        ("-u", &["udp/127.0.0.1:323"], 0),
        ("-S", &[], 0),
        ("ssh", &ssh, 0),
        ("-4 sshd", &ssh[..1], 0),
        ("www-data", &["tcp/0.0.0.0:80"], 0),
        ("127.0.0.0/8 tcp/1-65535", &["tcp/127.0.0.1:25", "tcp/127.0.0.1:3323"], 0),
        ("unit:nginx", &["tcp/0.0.0.0:80"], 0),
        ("rule:cleartext-management", &["tcp/0.0.0.0:3221"], 0),
        ("4444", &[], 1),
        ("haproxy", &[], 1),
        ("22 nginx", &[], 1),
        ("70000", &[], 3),
    ];
    for (line, want, exit) in cases {
        let (found, status) = endpoints(line, SERVER);
        assert_eq!((found, status), (want.iter().map(|s| (*s).to_owned()).collect(), *exit), "earmark {line}");
    }
}

#[test]
fn without_privilege_only_what_was_seen_is_denied() {
    // Ports are seen by everybody, owners are not.
    for (line, exit) in [
        ("3221", 0),
        ("4444", 1),
        ("ssh", 0),
        ("haproxy", 3),
        ("user:www-data", 3),
        ("4444 haproxy", 1),
        ("severity:>=high", 3),
        ("severity:low", 0),
        ("4444 severity:>=high", 1),
    ] {
        assert_eq!(endpoints(line, AS_NOBODY).1, exit, "earmark {line}");
    }
}

#[test]
fn remarks_and_refusals_are_sentences() {
    let lines = [
        "4444",
        "telnet 22",
        "no-such-thing",
        "198.51.100.7:80",
        "70000",
        "3999-3000",
        "severity:urgent",
        "-K",
        "-r",
        "--policy x",
        "--format prom",
        "baseline",
        "dst 10.0.0.1",
        "--nonsense",
        "--timeout soon",
    ];
    let told: String = lines.iter().map(|line| transcript(&format!("-H {line}"), Some(SERVER))).collect();
    insta::assert_snapshot!(told);
}

#[test]
fn other_verbs_refuse_what_they_lack() {
    let lines = [
        "rules --format csv",
        "rules no-such-rule",
        "explain",
        "explain no-such-thing",
        "explain 70000",
        "capture --from x",
        "schema no-such-schema",
        "completions tcsh",
        "man ssh",
    ];
    let told: String = lines.iter().map(|line| transcript(line, None)).collect();
    insta::assert_snapshot!(told);
}

#[test]
fn doctor_tells_what_could_not_be_seen_and_what_would_mend_it() {
    let told: String = [SERVER, AS_NOBODY].map(|from| transcript("doctor", Some(from))).concat();
    // How much is known of ports grows.
    let lines = told.lines().filter(|line| !line.starts_with("registry "));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    let report = run(&["doctor", "--json", "--from", &capture(AS_NOBODY)]);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).expect("JSON");
    assert_eq!((&report["schema"], &report["complete"]), (&"earmark.doctor/1".into(), &false.into()));
}

#[test]
fn the_help_has_the_exit_codes() {
    for arguments in [&["--help"][..], &["-h"], &["help"], &["list", "--help"], &["-tulpn", "--help"]] {
        let output = run(arguments);
        assert_eq!((status(&output), text(&output.stderr)), (0, String::new()), "{arguments:?}");
        assert!(text(&output.stdout).contains("Exit codes:"), "{arguments:?}");
    }
}

#[test]
fn the_version_tells_the_age_of_the_registry() {
    let version = text(&run(&["--version"]).stdout);
    let rest =
        version.strip_prefix(concat!("earmark ", env!("CARGO_PKG_VERSION"), " (IANA registry ")).expect("a name");
    assert_eq!(rest.as_bytes()[4], b'-', "{version}");
    assert!(rest.trim_end().ends_with(" entries)"), "{version}");
}

#[test]
fn a_panic_is_could_not_tell() {
    let output = earmark(&[]).env("EARMARK_TEST_PANIC", "1").output().expect("the program starts");
    assert_eq!(status(&output), 3);
    assert!(text(&output.stderr).starts_with("earmark: internal error"));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    for arguments in [&["man"][..], &["rules"], &["--from", &capture(SERVER)], &["--json", "--from", &capture(SERVER)]]
    {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = earmark(arguments).stdout(writer).output().expect("the program starts");
        assert_eq!((status(&output), text(&output.stderr)), (0, String::new()), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_could_not_tell() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let output = earmark(&["rules"]).stdout(full).output().expect("the program starts");
    assert_eq!(status(&output), 3);
    assert!(text(&output.stderr).contains("cannot write the output"));
}

#[test]
fn output_goes_to_a_file_as_a_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("report.json");
    let name = file.to_str().expect("a path in UTF-8");
    let from = capture(SERVER);
    let output = run(&["--json", "--stable", "--from", &from, "--output", name]);
    assert_eq!((status(&output), output.stdout.len()), (0, 0));
    let written = std::fs::read(&file).expect("a report");
    assert_eq!(written, run(&["--json", "--stable", "--from", &from]).stdout, "the same state gives the same bytes");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).expect("metadata").permissions().mode() & 0o7777, 0o640);
        assert_eq!(status(&run(&["--from", &from, "--output", "/dev/null"])), 0);
    }
    let nowhere = dir.path().join("none").join("report.json");
    let output = run(&["--from", &from, "--output", nowhere.to_str().expect("a path in UTF-8")]);
    assert_eq!(status(&output), 3);
}

#[test]
fn colour_is_decided_by_flag_then_environment() {
    let from = capture(SERVER);
    let coloured = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = earmark(&["--from", &from]);
        let output = command.args(arguments).envs(variables.iter().copied()).output().expect("the program starts");
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured(&[], &[]));
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!coloured(&["--color=never"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn a_narrow_table_keeps_address_and_port() {
    let output = earmark(&["--from", &capture(SERVER), "3221"]).env("COLUMNS", "40").output().expect("it starts");
    let table = text(&output.stdout);
    let row = table.lines().find(|line| line.contains("3221")).expect("a row");
    assert!(row.contains("0.0.0.0") && row.len() <= 40, "{table}");

    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("table");
    let name = file.to_str().expect("a path in UTF-8");
    let output =
        earmark(&["--from", &capture(SERVER), "--output", name]).env("COLUMNS", "40").output().expect("it starts");
    assert_eq!(status(&output), 0);
    let table = std::fs::read_to_string(&file).expect("a table");
    assert!(table.contains("EXPOSURE"), "a file has no width: {table}");
}

#[test]
fn what_is_no_capture_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("broken.capture");
    std::fs::write(&file, "secret\n").expect("written");
    let output = run(&["--from", file.to_str().expect("a path in UTF-8")]);
    let remark = text(&output.stderr);
    assert_eq!(status(&output), 3);
    assert!(remark.contains("broken.capture: line 1") && !remark.contains("secret"), "{remark}");
    assert_eq!(status(&run(&["--from", "/no/such/file"])), 3);
}

#[test]
fn generated_texts_are_there() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completions", shell]);
        assert_eq!(status(&output), 0);
        assert!(text(&output.stdout).contains("earmark"), "{shell}");
    }
    let page = text(&run(&["man"]).stdout);
    for part in [".TH earmark 1", ".SH SYNOPSIS", ".SS explain", "Exit codes:"] {
        assert!(page.contains(part), "{part}");
    }
    for schema in ["report", "rules", "doctor"] {
        let output = run(&["schema", schema]);
        assert!(serde_json::from_slice::<serde_json::Value>(&output.stdout).is_ok(), "{schema}");
    }
    for verb in ["rules", "explain 3221", &format!("doctor --from={}", capture(SERVER))] {
        let arguments: Vec<&str> = verb.split(' ').chain(["--json"]).collect();
        let value: serde_json::Value = serde_json::from_slice(&run(&arguments).stdout).expect("JSON");
        let schema = format!("earmark.{}/1", arguments[0]);
        assert_eq!(value["schema"], schema.as_str());
        // A remedy is one line; only explanations are Markdown.
        for rule in value["rules"].as_array().into_iter().flatten() {
            assert!(rule["remedy"].as_str().is_some_and(|remedy| !remedy.contains('\n')), "{rule}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn who_asks_for_an_ephemeral_port_gets_a_row() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let port = socket.local_addr().expect("an address").port().to_string();
    for query in [vec![port.clone()], vec!["-i".to_owned(), format!(":{port}")]] {
        let table = text(&run(&query.iter().map(String::as_str).collect::<Vec<_>>()).stdout);
        let pid = std::process::id().to_string();
        assert!(table.lines().any(|line| line.contains(&port) && line.contains(&pid)), "{table}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn this_host_is_looked_at() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("an address").port().to_string();
    let output = run(&["--json", &port]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (status(&output), report["listeners"][0]["owners"][0]["pid"].as_u64()),
        (0, Some(std::process::id().into()))
    );
    assert_eq!(report["listeners"][0]["owners"][0]["package_state"], "not_looked_up");
    assert_eq!(status(&run(&["explain", &port])), 0);
    // No package has the program of this test.
    let package_state = |arguments: &[&str]| {
        let report = run(&[&["--json", "--packages"], arguments].concat());
        let report: serde_json::Value = serde_json::from_slice(&report.stdout).expect("JSON");
        report["listeners"][0]["owners"][0]["package_state"].as_str().expect("a state").to_owned()
    };
    let live = package_state(&[&port]);
    assert!(matches!(live.as_str(), "none" | "unknown"), "{live}");

    let recorded = run(&["capture"]);
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("here.capture");
    std::fs::write(&file, recorded.stdout).expect("written");
    let replayed = run(&["--from", file.to_str().expect("a path in UTF-8"), &port]);
    assert_eq!(status(&replayed), 0, "{}", text(&replayed.stderr));
    assert_eq!(package_state(&["--from", file.to_str().expect("a path in UTF-8"), &port]), live);
    drop(listener);
    // A child that another test forks meanwhile holds it until it executes something.
    let gone = (0..50).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        status(&run(&[&port])) == 1
    });
    assert!(gone, "{port} still listens");
}
