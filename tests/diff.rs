//! `earmark diff` from end to end: over recorded hosts, and over a running one whose services do what services do.

#![expect(clippy::disallowed_methods, reason = "tests start programs and write files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

#[cfg(target_os = "linux")]
mod support;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const SERVER: &str = "server.capture";
const AS_NOBODY: &str = "server-as-nobody.capture";

fn capture(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "captures", name].iter().collect();
    path.to_str().expect("a path in UTF-8").to_owned()
}

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("earmark"));
    command.args(arguments).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // What refuses its arguments reads nothing.
    let _ = child.stdin.take().expect("piped").write_all(input);
    child.wait_with_output().expect("the program ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn report(name: &str, arguments: &[&str]) -> Value {
    let output = run(&[&["--json", "--from", &capture(name)], arguments].concat(), b"");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Compares a report with a recorded host: the exit status, the document, and what was remarked.
fn with(old: &Value, new: &str) -> (Option<i32>, Value, String) {
    let output = run(&["diff", "--json", "-", &capture(new)], old.to_string().as_bytes());
    let document = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), document, text(&output.stderr))
}

#[test]
fn a_recording_is_the_same_as_its_report() {
    for arguments in [&[][..], &["--stable"]] {
        let (status, document, remarks) = with(&report(SERVER, arguments), SERVER);
        assert_eq!((status, document["exit"].as_i64(), remarks.as_str()), (Some(0), Some(0), ""));
        assert_eq!((&document["schema"], &document["summary"]["same"]), (&"earmark.diff/1".into(), &7.into()));
        assert_eq!((&document["changes"], &document["views"]), (&json!([]), &json!([])));
    }
    let told = run(&["diff", &capture(SERVER), &capture(SERVER)], b"");
    assert_eq!((told.status.code(), text(&told.stdout).as_str()), (Some(0), "the same: 7 listeners\n"));
    let quiet = run(&["diff", "-q", &capture(SERVER), "--from", &capture(SERVER)], b"");
    assert_eq!((quiet.status.code(), quiet.stdout.len(), quiet.stderr.len()), (Some(0), 0, 0));
}

#[test]
fn what_differs_ends_with_one() {
    let mut old = report(SERVER, &[]);
    old["listeners"].as_array_mut().expect("a list").remove(0);
    let (status, document, _) = with(&old, SERVER);
    assert_eq!((status, &document["summary"]["new"]), (Some(1), &1.into()));
    assert_eq!(document["changes"][0]["new"]["endpoint"], "tcp/0.0.0.0:22");
    assert_eq!((&document["changes"][0]["change"], &document["changes"][0]["old"]), (&"new".into(), &Value::Null));
}

#[test]
fn less_rights_are_said_and_nothing_is_claimed() {
    let (status, document, remarks) = with(&report(SERVER, &[]), AS_NOBODY);
    assert_eq!((status, &document["changes"]), (Some(3), &json!([])));
    assert!(remarks.contains("could not tell") && remarks.contains("same rights"), "{remarks}");
    let whats: Vec<&str> =
        document["not_compared"].as_array().expect("a list").iter().filter_map(|one| one["what"].as_str()).collect();
    assert!(whats.len() >= 5 && whats.iter().all(|what| *what == "owner"), "{whats:?}");
    assert!(document["views"].as_array().expect("a list").iter().any(|view| view["what"] == "capabilities"));
    // A report of some transports is compared with what others show of these.
    let mut tcp = report(SERVER, &["-t"]);
    assert_eq!(with(&tcp, SERVER).0, Some(0));
    // Nothing in common is nothing to compare.
    let unread = json!({ "table": "tcp", "status": "unreadable", "source": null, "namespaces": 1, "netns": null,
        "lacks": [], "error": null });
    tcp["coverage"]["tables"] = json!([unread]);
    let (status, document, remarks) = with(&tcp, SERVER);
    assert_eq!((status, &document["comparable"]), (Some(3), &false.into()));
    assert!(remarks.contains("not comparable"), "{remarks}");
}

#[test]
fn what_a_query_left_out_is_neither_new_nor_gone() {
    let one = report(SERVER, &["22"]);
    assert_eq!(one["query"], json!(["22"]));
    let (old, server) = (one.to_string(), capture(SERVER));
    let output = run(&["diff", "-", &server], old.as_bytes());
    let remarks = text(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{remarks}");
    assert!(remarks.contains("OLD shows what `22` left, and NEW shows everything"), "{remarks}");
    assert_eq!(report(SERVER, &["-4"])["query"], json!(["-4"]));
    assert_eq!(report(SERVER, &[])["query"], Value::Null);
    // Two that left out the same are compared, and so is one of a build that did not tell.
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &old).expect("written");
    let output = run(&["diff", "-", file.path().to_str().expect("UTF-8")], old.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mut older = report(SERVER, &[]);
    older.as_object_mut().expect("an object").remove("query");
    assert_eq!(with(&older, SERVER).0, Some(0));
}

#[test]
fn another_host_is_said_aloud() {
    let mut old = report(SERVER, &[]);
    old["host"]["id"] = "another".into();
    old["host"]["hostname"] = "twin".into();
    let (status, document, remarks) = with(&old, SERVER);
    assert_eq!((status, &document["same_host"]), (Some(0), &false.into()));
    assert!(remarks.contains("different hosts: OLD is of twin, NEW of server"), "{remarks}");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let refused = |arguments: &[&str], input: &str, want: &str| {
        let output = run(&[&["diff"], arguments].concat(), input.as_bytes());
        let remarks = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{arguments:?}: {remarks}");
        assert!(remarks.contains(want) && !remarks.contains("S3CRET"), "{arguments:?}: {remarks}");
    };
    let server = capture(SERVER);
    refused(&["-", "-"], "", "standard input cannot be both");
    refused(&["-", &server], "S3CRET and more", "-: it begins neither as a report nor as a capture");
    refused(&["-", &server], "", "-: it begins neither");
    refused(&["-", &server], "{\"schema\": \"earmark.report/2\"}", "another version than earmark.report/1");
    refused(&["-", &server], "{\"S3CRET\": }", "-: line 1, column 12: it is no JSON");
    refused(&["-", &server], "earmark-capture/9 linux\n", "a format that this version does not know");
    refused(&["-", &server], "earmark-capture/1 linux\nS3CRET\n", "-: line 2");
    refused(&[&server, &server, "--from", &server], "", "ask for different hosts");
    refused(&["/no/such/file"], "", "cannot read /no/such/file");
    refused(&[], "", "`diff` needs OLD");
    refused(&[&server, "--format", "csv"], "", "`diff` has no format `csv`");
}

#[cfg(target_os = "linux")]
#[test]
fn what_never_ends_is_not_read() {
    let output = run(&["diff", "/dev/zero", &capture(SERVER)], b"");
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("begins neither"));
}

#[cfg(target_os = "linux")]
mod live {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use serde_json::Value;

    use super::support::world::{Holder, Need, command, earmark, hold_program, start, world};

    /// How often everything is restarted.
    const ROUNDS: usize = 100;

    /// Programs of their own: copies of the one that holds sockets.
    struct Programs(tempfile::TempDir);

    impl Programs {
        fn new() -> Self {
            let programs = Self(tempfile::tempdir().expect("a directory"));
            for name in ["web", "db", "dns", "rpc", "other"] {
                std::fs::copy(hold_program(), programs.path(name)).expect("a copy");
            }
            programs
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn start(&self, name: &str, words: &[&str]) -> Holder {
            start(Command::new(self.path(name)).args(words))
        }
    }

    /// The services of a host: one with workers that share sockets, one whose workers each have their own, one on loopback,
    /// one for datagrams, and one that asks for no port in particular.
    fn services(programs: &Programs, round: usize) -> Vec<Holder> {
        let workers = (round % 4).to_string();
        let mut services = vec![
            programs.start("db", &["tcp/127.0.0.1:7002"]),
            programs.start("dns", &["udp/127.0.0.1:7003", "udp/[::1]:7003"]),
            programs.start("rpc", &["tcp/0.0.0.0:0", "udp/0.0.0.0:0", "udp/[::]:0"]),
            programs.start("web", &["--workers", &workers, "tcp/0.0.0.0:7001", "tcp/[::]:7001;v6only"]),
        ];
        services.extend((0..1 + round % 3).map(|_| programs.start("web", &["tcp/127.0.0.1:7080;reuseport"])));
        if round % 2 == 1 {
            services.reverse();
        }
        services
    }

    fn compare(old: &Path) -> (Option<i32>, Value) {
        let output = earmark(&["diff", "--json", old.to_str().expect("UTF-8")]);
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code(), serde_json::from_slice(&output.stdout).expect("JSON"))
    }

    fn differences(document: &Value) -> Vec<String> {
        let changes = document["changes"].as_array().expect("changes").iter();
        let real = changes.filter(|change| change["difference"] == true);
        let endpoint = |side: &Value| side["endpoint"].as_str().unwrap_or("-").to_owned();
        real.map(|change| {
            format!(
                "{} {} > {}",
                change["change"].as_str().expect("text"),
                endpoint(&change["old"]),
                endpoint(&change["new"])
            )
        })
        .collect()
    }

    #[test]
    fn a_host_that_restarts_its_services_is_the_same_and_four_changes_are_four() {
        world(
            "live::a_host_that_restarts_its_services_is_the_same_and_four_changes_are_four",
            Need::Namespaces,
            || {
                let programs = Programs::new();
                let store = |arguments: &[&str], name: &str| {
                    let output = command(arguments).output().expect("earmark runs");
                    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                    let path = programs.path(name);
                    std::fs::write(&path, &output.stdout).expect("written");
                    path
                };
                let mut running = services(&programs, 0);
                let report = store(&["--json"], "report.json");
                let stable = store(&["--json", "--stable"], "stable.json");
                let capture = store(&["capture"], "host.capture");
                let mut restarted = 0;
                for round in 1..=ROUNDS {
                    drop(std::mem::take(&mut running));
                    running = services(&programs, round);
                    let old = [&report, &capture, &stable][round % 3];
                    let (status, document) = compare(old);
                    assert_eq!((status, differences(&document)), (Some(0), vec![]), "round {round}: {document:#}");
                    assert_eq!(document["not_compared"], Value::Array(vec![]), "round {round}");
                    restarted += document["summary"]["replaced"].as_u64().expect("a number");
                }
                // A stable report has no process ids; the two others tell of each listener that it was restarted.
                assert!(restarted > 5 * 60, "{restarted} restarts were seen");

                drop(running);
                let _running = [
                    // Elsewhere now, and for others to reach.
                    programs.start("db", &["tcp/0.0.0.0:7002"]),
                    // One half of it is gone.
                    programs.start("dns", &["udp/127.0.0.1:7003"]),
                    programs.start("rpc", &["tcp/0.0.0.0:0", "udp/0.0.0.0:0", "udp/[::]:0"]),
                    programs.start("web", &["tcp/0.0.0.0:7001", "tcp/[::]:7001;v6only"]),
                    // Another program on the same port.
                    programs.start("other", &["tcp/127.0.0.1:7080;reuseport"]),
                    // One more.
                    programs.start("web", &["tcp/127.0.0.1:7100"]),
                ];
                for old in [&report, &capture, &stable] {
                    let (status, document) = compare(old);
                    assert_eq!(
                        (status, differences(&document)),
                        (
                            Some(1),
                            [
                                "new - > tcp/127.0.0.1:7100",
                                "owner_changed tcp/127.0.0.1:7080 > tcp/127.0.0.1:7080",
                                "widened tcp/127.0.0.1:7002 > tcp/0.0.0.0:7002",
                                "gone udp/[::1]:7003 > -",
                            ]
                            .map(str::to_owned)
                            .to_vec()
                        ),
                        "{document:#}"
                    );
                }
            },
        );
    }
}
