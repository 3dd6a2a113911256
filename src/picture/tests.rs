//! Reports that were written and are read back, and files that are none.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::judge::{judge, sample};
use crate::model::{SkLookup, TableRead};
use crate::registry::Registry;
use crate::render::{self, View};
use crate::report::Report;

fn report() -> Report {
    let mut snapshot = sample::host(&[
        "tcp/0.0.0.0:22 exe=/usr/lib/systemd/systemd pid=1 ppid=0 exe=/usr/sbin/sshd unit=ssh.service package=openssh",
        "tcp/[::]:3221 exe=/tmp/\\u{1b}[2Kx user=\\xff writable file=deleted container=docker:web\\u{a}1",
        "udp/0.0.0.0%eth0:68 creator=1000",
        "udp/0.0.0.0:51000 exe=/usr/sbin/unbound",
        "raw/0.0.0.0:proto=1 nobody",
        "packet/eth0:0x0800 exe=/usr/sbin/lldpd",
        "udp/0.0.0.0:4789 kernel=vxlan",
    ]);
    let table = |table, status| TableRead { table, netns: 0, status, source: None, lacks: &["cookie"], error: None };
    snapshot.tables = vec![table("tcp", TableStatus::Read), table("udp", TableStatus::Unreadable)];
    snapshot.host.id = Some("00".repeat(16));
    snapshot.host.boot_id = Some(Text::from("boot"));
    snapshot.vantage.caps = Some(vec!["cap_sys_admin"]);
    let lookup = SkLookup { netns: 0, link: 1, program: 2, name: Text::from("x"), tag: None, uid: None };
    snapshot.sk_lookups.push(lookup);
    judge(snapshot, &Registry::builtin(), "run".to_owned())
}

fn document(view: &View) -> Vec<u8> {
    let mut out = Vec::new();
    render::json(&report(), view, &mut out).expect("memory takes everything");
    out
}

fn value() -> Value {
    serde_json::from_slice(&document(&View::default())).expect("JSON")
}

fn parsed(bytes: &[u8]) -> Result<Picture, String> {
    read(bytes, std::path::Path::new("old.json")).map_err(|error| error.to_string())
}

fn of(value: &Value) -> Result<Picture, String> {
    parsed(value.to_string().as_bytes())
}

#[test]
fn what_is_written_is_read_back() {
    let mut want = Picture::from(&report());
    want.coverage.namespaces = None;
    assert_eq!(parsed(&document(&View::default())), Ok(want));
}

#[test]
fn a_stable_report_lacks_what_changes() {
    let picture = parsed(&document(&View { stable: true, ..View::default() })).expect("a report");
    let mut want = Picture::from(&report());
    (want.coverage.namespaces, want.taken_at) = (None, None);
    let netns = want.coverage.tables.iter_mut().filter_map(|table| table.netns.as_mut());
    netns.chain(want.listeners.iter_mut().map(|listener| &mut listener.netns)).for_each(|netns| netns.inode = None);
    for owner in want.listeners.iter_mut().flat_map(|listener| &mut listener.owners) {
        (owner.pid, owner.start_ticks) = (None, None);
    }
    // Counts of processes are among it.
    want.coverage.processes_hidden = picture.coverage.processes_hidden;
    let by_endpoint = |picture: &mut Picture| picture.listeners.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
    let mut picture = picture;
    by_endpoint(&mut picture);
    by_endpoint(&mut want);
    assert_eq!(picture, want);
}

#[test]
fn what_a_later_version_adds_is_passed_over() {
    let mut value = value();
    value["later"] = json!({ "deep": [[{}]] });
    value["listeners"][0]["later"] = json!(7);
    value["listeners"][0]["owners"][0]["later"] = json!(null);
    for (key, unknown) in
        [("transport", "quic"), ("state", "dreaming"), ("exposure", "lunar"), ("owner_status", "ghost")]
    {
        value["listeners"][0][key] = json!(unknown);
    }
    value["listeners"][0]["owners"][0]["exe_state"] = json!("haunted");
    value["coverage"]["tables"][0]["status"] = json!("guessed");
    let picture = of(&value).expect("a report");
    let first = &picture.listeners[0];
    assert_eq!((first.transport, first.state, first.exposure, first.owner_status), (None, None, None, None));
    assert_eq!((first.owners[0].exe_state, picture.coverage.tables[0].status), (None, None));
}

#[test]
fn every_key_has_to_be_there_and_is_named() {
    fn keys(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => object.iter().for_each(|(key, value)| {
                found.push(format!("{path}/{key}"));
                keys(value, &format!("{path}/{key}"), found);
            }),
            Value::Array(array) => {
                array.iter().enumerate().for_each(|(at, value)| keys(value, &format!("{path}/{at}"), found))
            }
            _ => {}
        }
    }
    let whole = value();
    let mut all = Vec::new();
    keys(&whole, "", &mut all);
    let mut needed = 0;
    for path in all {
        let mut without = whole.clone();
        let (parent, key) = path.rsplit_once('/').expect("a path");
        without.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object").remove(key);
        if let Err(error) = of(&without) {
            needed += 1;
            assert!(
                error.starts_with("old.json: ") && error.contains(&format!("lacks the key `{key}`")),
                "{path}: {error}"
            );
        }
        // A value of another kind is named by its key, and does not appear.
        let mut other = whole.clone();
        other.pointer_mut(parent).expect("a parent")[key] = json!("S3CRET\\");
        if let Err(error) = of(&other) {
            assert!(error.contains(key) && !error.contains("S3CRET"), "{path}: {error}");
        }
    }
    assert!(needed > 100, "{needed}");
}

#[test]
fn what_is_no_report_is_refused_and_not_repeated() {
    let cases: [(&str, &str); 11] = [
        ("", "line 1, column 0: it ends before it is whole"),
        ("{\"S3CRET\": ", "it ends before it is whole"),
        ("{S3CRET}", "line 1, column 2: it is no JSON"),
        ("{\"schema\": \"earmark.report/1\"} S3CRET", "something follows the document"),
        ("{}", "lacks the key `schema`"),
        ("{\"schema\": null}", "lacks the key `schema`"),
        ("{\"schema\": 7}", "has to be"),
        ("{\"schema\": \"S3CRET\"}", "does not name earmark.report/1"),
        ("{\"schema\": \"earmark.doctor/1\"}", "does not name earmark.report/1"),
        ("{\"schema\": \"earmark.report/2\"}", "names another version than earmark.report/1"),
        (
            "{\"schema\": \"earmark.report/1\", \"taken_at\": null,\n \"exit\": \"S3CRET\"}",
            "line 2, column 17: the key `exit` has to be u8",
        ),
    ];
    for (text, want) in cases {
        let error = parsed(text.as_bytes()).expect_err(text);
        assert!(error.contains(want) && !error.contains("S3CRET"), "{text}: {error}");
    }
    let error = parsed(b"{\"schema\": \"earmark.report/1\", \"exit\": 0, \"exit\": 0}").expect_err("twice");
    assert!(error.contains("has the key `exit` twice"), "{error}");
    let mut value = value();
    value["host"]["hostname"] = json!("a\\qS3CRET");
    let error = of(&value).expect_err("not escaped");
    assert!(
        error.contains("the key `host.hostname` is not escaped as reports are") && !error.contains("S3CRET"),
        "{error}"
    );
    assert!(parsed("[".repeat(100_000).as_bytes()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(parsed(&bytes).is_err());
    }

    #[test]
    fn a_report_with_any_change_is_read_or_refused(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        static WHOLE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| document(&View::default()));
        let mut bytes = WHOLE.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        // Whatever comes of it can be compared.
        if let Ok(picture) = parsed(&bytes) {
            let whole = Picture::from(&report());
            let diff = crate::diff::diff(&whole, &picture);
            let mut out = Vec::new();
            render::diff(&diff, &View { verbose: 1, ..View::default() }, &render::Screen::default(), &mut out).expect("a table");
            let text = String::from_utf8(out).expect("UTF-8");
            prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        }
    }
}
