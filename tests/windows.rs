//! A live Windows: listeners of each kind that this test opens are found with their owner, in every verb.
//!
//! Wine is one too, but for what it does not have: it tells the process of a socket only once that has been asked something
//! (`ttl` does), and what it does not have at all is said in one line, `NOT RUN`.

#![cfg(windows)]
#![expect(clippy::disallowed_methods, reason = "a live test opens sockets, starts the program and writes files")]
#![expect(clippy::disallowed_macros, reason = "what was seen, and what could not be run, is told")]

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Sockets that are open while the test looks.
struct Held {
    _tcp: Vec<TcpListener>,
    _udp: Vec<UdpSocket>,
    /// Transport and address of each.
    all: Vec<(&'static str, SocketAddr)>,
}

/// Opens a socket of each kind: TCP and UDP, IPv4 and IPv6, on loopback and on every address.
fn hold() -> Held {
    let mut held = Held { _tcp: Vec::new(), _udp: Vec::new(), all: Vec::new() };
    for address in ["127.0.0.1", "0.0.0.0", "::1", "::"] {
        let address: IpAddr = address.parse().expect(address);
        let tcp = TcpListener::bind((address, 0)).unwrap_or_else(|error| panic!("tcp {address}: {error}"));
        let udp = UdpSocket::bind((address, 0)).unwrap_or_else(|error| panic!("udp {address}: {error}"));
        // For Wine, see above.
        let _ = (tcp.ttl(), udp.ttl());
        held.all.push(("tcp", tcp.local_addr().expect("an address")));
        held.all.push(("udp", udp.local_addr().expect("an address")));
        held._tcp.push(tcp);
        held._udp.push(udp);
    }
    held
}

fn earmark(arguments: &[&str]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("earmark"));
    command.args(arguments).stdin(Stdio::null()).output().expect("the program starts")
}

/// What a run says that has to end so.
fn said(arguments: &[&str], exit: i32) -> String {
    let output = earmark(arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&said(arguments, 0)).expect("JSON")
}

/// The listener of a report at that place.
fn at<'a>(report: &'a Value, transport: &str, address: SocketAddr) -> &'a Value {
    let listeners = report["listeners"].as_array().expect("listeners");
    let is_it = |listener: &&Value| {
        listener["transport"] == transport
            && listener["address"] == address.ip().to_string()
            && listener["port"] == address.port()
    };
    listeners.iter().find(is_it).unwrap_or_else(|| panic!("{transport} {address} is in {report:#}"))
}

/// A directory whose files are gone at its end.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

fn file(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::File::create(&path).and_then(|mut file| file.write_all(content.as_bytes())).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

fn is_wine() -> bool {
    std::env::var_os("WINEPREFIX").is_some()
}

/// True where this system may name no process for such a socket, which is the way of Wine 8 with TCP over IPv6; Wine 10
/// names it.
fn may_be_untold(transport: &str, address: SocketAddr) -> bool {
    is_wine() && transport == "tcp" && address.is_ipv6()
}

#[test]
fn each_kind_is_found_with_its_owner() {
    let held = hold();
    let report = json(&["--json"]);
    let program = std::env::current_exe().expect("a path");
    let name = program.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    for (transport, address) in &held.all {
        let listener = at(&report, transport, *address);
        let owner = &listener["owners"][0];
        if may_be_untold(transport, *address) && owner.is_null() {
            println!("{}: its owner NOT RUN, this Wine names no process for TCP over IPv6", listener["endpoint"]);
            assert_eq!((&listener["owner_status"], owner.is_null()), (&"unknown".into(), true), "{listener:#}");
            let gaps = report["coverage"]["gaps"].to_string();
            assert!(gaps.contains("names no process"), "{gaps}");
            continue;
        }
        println!(
            "{:24} pid {} {} started {} user {}",
            listener["endpoint"].as_str().expect("an endpoint"),
            owner["pid"],
            owner["exe"].as_str().unwrap_or("?").rsplit('\\').next().unwrap_or("?"),
            owner["started"].as_str().unwrap_or("?"),
            owner["user"].as_str().unwrap_or("?"),
        );
        assert_eq!(listener["owner_status"], "known", "{listener:#}");
        assert_eq!(owner["pid"], std::process::id(), "{listener:#}");
        assert_eq!((&owner["via"], &owner["certainty"]), (&"table".into(), &"proved".into()));
        let exe = owner["exe"].as_str().expect("an executable");
        assert!(exe.to_lowercase().ends_with(&format!("\\{}", name.to_lowercase())), "{exe} is {name}");
        assert_eq!(owner["exe_state"], "ok", "the file at {exe} is older than this process");
        let started = owner["started"].as_str().expect("a start");
        let taken = report["taken_at"].as_str().expect("a time");
        assert!(started < taken && started[..10] >= taken[..8], "{started} is before {taken}, and of this month");
        assert!(owner["start_ticks"].as_u64().is_some_and(|ticks| ticks < 1 << 53));
        assert!(owner["user"].as_str().is_some_and(|user| !user.is_empty()), "{owner:#}");
        assert!(listener["owners"].as_array().expect("owners").len() == 1 && listener["owner_count"] == 1);
        let state = if *transport == "tcp" { "listen" } else { "unconnected" };
        assert_eq!(listener["state"], state);
        let scope = if address.ip().is_loopback() { "loopback" } else { "wildcard" };
        assert_eq!(listener["scope"], scope);
        // Of an IPv6 wildcard the tables do not say whether it takes IPv4.
        let dual_stack = &listener["dual_stack"];
        assert_eq!(dual_stack.is_null(), address.to_string().starts_with("[::]"), "{listener:#}");
        for unknown in ["uid", "cookie", "backlog", "recv_queue", "drops", "cgroup", "inode"] {
            assert!(listener[unknown].is_null(), "{unknown}: {}", listener[unknown]);
        }
        assert!(owner["fd"].is_null() && owner["uid"].is_null(), "{owner:#}");
    }
    assert_eq!(held.all.len(), 8);
}

#[test]
fn the_report_is_what_its_schema_says() {
    let _held = hold();
    for (verb, arguments) in
        [("report", &["--json"][..]), ("doctor", &["doctor", "--json"]), ("explain", &["explain", "135", "--json"])]
    {
        let schema: Value = serde_json::from_str(&said(&["schema", verb], 0)).expect("JSON");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let report = json(arguments);
        let wrong: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{verb}: {wrong:?}");
        if verb == "report" {
            assert_eq!(report["host"]["platform"], "windows");
            let host = &report["host"];
            assert!(host["hostname"].is_string() && host["kernel"].is_string(), "{host:#}");
            let tables = report["coverage"]["tables"].as_array().expect("tables");
            let read: Vec<&Value> = tables.iter().filter(|table| table["status"] == "read").collect();
            assert_eq!(read.len(), 4, "{tables:?}");
            assert!(read.iter().all(|table| table["source"] == "iphlpapi"));
        }
    }
}

#[test]
fn a_port_is_explained_with_who_has_it_here() {
    let held = hold();
    let (_, address) = held.all[0];
    let explained = said(&["explain", &format!("tcp/{}", address.port())], 0);
    assert!(explained.contains(&format!(".exe {} (", std::process::id())), "{explained}");
}

#[test]
fn queries_end_as_they_do_elsewhere() {
    let held = hold();
    let (_, address) = held.all[0];
    let own = std::process::id().to_string();
    let found = said(&["--format", "plain", "-H", "-t", &format!("pid:{own}")], 0);
    // Other tests of this process have sockets too.
    for (transport, address) in held.all.iter().filter(|(transport, address)| !may_be_untold(transport, *address)) {
        let place = format!("{transport}\t{}\t{}\t", address.ip(), address.port());
        assert_eq!(found.contains(&place), *transport == "tcp", "{place} is in {found}");
    }
    said(&[&format!("tcp/{}", address.port())], 0);
    drop(held);
    said(&[&format!("tcp/{}", address.port())], 1);
    // Nobody is told of raw sockets.
    said(&["-w"], 3);
    said(&["raw/0.0.0.0:proto=1"], 3);
}

#[test]
fn an_audit_ends_as_its_policy_says() {
    let held = hold();
    let folder = folder();
    let capture = file(folder.path(), "own.capture", &said(&["capture"], 0));
    let port = held.all[2].1.port();
    let forbidding = format!("schema = 1\n[[forbid]]\ntransport = \"tcp\"\nport = {port}\nreason = \"a test\"\n");
    let forbidding = file(folder.path(), "forbid.toml", &forbidding);
    let output = earmark(&["audit", "--from", &capture, "--policy", &forbidding]);
    assert!(matches!(output.status.code(), Some(1 | 2)), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("forbidden"), "{output:?}");
    // What a run with rights believes must be the administrators' alone.
    let output = earmark(&["audit", "--policy", &forbidding]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let elevated = said(&["doctor"], 0).contains(", elevated");
    match elevated {
        true => assert!(output.status.code() == Some(3) && error.contains("administrators alone"), "{error}"),
        false => assert!(matches!(output.status.code(), Some(1 | 2)), "{error}"),
    }
    // With no policy it is judged by what is known of ports.
    let output = earmark(&["audit"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        // Wine shows the sockets of the system that it runs on too, and whose they are it does not know.
        Some(3) if is_wine() => {
            let said = String::from_utf8_lossy(&output.stdout) + error.as_str();
            assert!(said.contains("the owners of"), "{said}");
        }
        code => assert!(matches!(code, Some(0..=2)), "{error}"),
    }
    let output = earmark(&["audit", "--cron"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && error.contains("leave --cron out"), "{error}");
}

#[test]
fn what_is_here_is_recorded_as_a_policy_that_fits() {
    let held = hold();
    let folder = folder();
    let capture = file(folder.path(), "own.capture", &said(&["capture"], 0));
    let recorded = said(&["baseline", "record", "--from", &capture], 0);
    assert!(recorded.contains("exe = ") && recorded.contains(&held.all[0].1.port().to_string()), "{recorded}");
    let policy = file(folder.path(), "own.toml", &recorded);
    let checked = earmark(&["policy", "check", "--policy", &policy]);
    assert!(matches!(checked.status.code(), Some(0 | 1)), "{checked:?}");
}

#[test]
fn a_capture_of_it_tells_the_same() {
    let held = hold();
    let folder = folder();
    let capture = file(folder.path(), "own.capture", &said(&["capture"], 0));
    let report = json(&["--json", "--from", &capture]);
    for (transport, address) in &held.all {
        let listener = at(&report, transport, *address);
        if !may_be_untold(transport, *address) {
            assert_eq!(listener["owners"][0]["pid"], std::process::id(), "{listener:#}");
        }
    }
    said(&["diff", &capture, &capture], 0);
    assert!(matches!(earmark(&["diff", &capture]).status.code(), Some(0 | 1)));
}

#[test]
fn a_redacted_capture_has_no_names_of_this_host() {
    let _held = hold();
    let report = json(&["--json"]);
    let redacted = said(&["capture", "--redact"], 0);
    let hostname = report["host"]["hostname"].as_str().expect("a name");
    assert!(redacted.contains("hostname host-1"), "{redacted}");
    let user = std::env::var("USERNAME").unwrap_or_default();
    // root stays root everywhere.
    for name in [hostname, &user].into_iter().filter(|name| !name.is_empty() && *name != "root") {
        let words = redacted.split(|c: char| !c.is_alphanumeric() && c != '-');
        assert_eq!(words.filter(|word| word.eq_ignore_ascii_case(name)).count(), 0, "{name} is in {redacted}");
    }
}

#[test]
fn a_capture_of_linux_is_told_here() {
    let capture: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "captures", "server.capture"].iter().collect();
    let capture = capture.to_str().expect("UTF-8");
    assert!(said(&["--from", capture], 0).contains("sshd"));
    assert_eq!(json(&["--json", "--from", capture])["host"]["platform"], "linux");
}

#[test]
fn what_is_linuxs_alone_is_refused_with_a_reason() {
    let output = earmark(&["--root", "C:\\"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && error.contains("--root"), "{error}");
    assert!(said(&["doctor"], 0).contains("one list of processes"));
    // No namespace of that name.
    assert!(matches!(earmark(&["-N", "blue"]).status.code(), Some(3)), "-N");
    said(&["-N", "host"], 0);
}

#[test]
fn command_lines_are_told_where_they_are_asked_for() {
    if is_wine() {
        println!("NOT RUN, this Wine does not know the question for a command line");
        return;
    }
    let held = hold();
    let report = json(&["--json", "--cmdline"]);
    let owner = &at(&report, "tcp", held.all[0].1)["owners"][0];
    assert!(owner["cmdline"].as_str().is_some_and(|line| !line.is_empty()), "{owner:#}");
}
