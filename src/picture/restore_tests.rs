//! Reports that are restored, held against a policy and told again, whatever became of them in between.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::audit::Outcome;
use crate::error::Error;
use crate::judge::{self, judge, sample};
use crate::model::{TableRead, Text};
use crate::policy::Policy;
use crate::registry::Registry;
use crate::render::{self, Screen, View};
use crate::report::Report;
use crate::rules;

const LISTENERS: [&str; 9] = [
    "tcp/0.0.0.0:22 exe=/usr/lib/systemd/systemd pid=1 ppid=0 exe=/usr/sbin/sshd unit=ssh.service package=openssh",
    "tcp/[::]:3221 exe=/tmp/\\u{1b}[2Kx user=\\xff writable file=deleted container=docker:web\\u{a}1",
    "tcp/[::]:8080 v6only exe=/usr/bin/a\\u{202e}b unit=\\u{9b}31m.service",
    "udp/0.0.0.0%eth0:68 creator=1000",
    "udp/0.0.0.0:51000 exe=/usr/sbin/unbound",
    "raw/0.0.0.0:proto=1 nobody",
    "packet/eth0:0x0800 exe=/usr/sbin/lldpd",
    "udp/0.0.0.0:4789 kernel=vxlan",
    "tcp/0.0.0.0:41795 exe=/opt/acme/acmed",
];

static POLICY: LazyLock<Arc<Policy>> = LazyLock::new(|| {
    let text = "schema = 1\n[settings]\ndefault = \"deny\"\nrequire_coverage = [\"tcp\", \"namespaces\", \"owners\"]\n\
                [[expect]]\nport = 22\nexe = \"/usr/sbin/sshd\"\n[[forbid]]\nport = 3221\n\
                [[suppress]]\nrule = \"unexpected\"\nmatch = { port = 8080 }\nreason = \"x\"\nexpires = 2999-01-01\n\
                [severity]\nwildcard-bind = \"high\"\n";
    let files = [("policy.toml".to_owned(), text.to_owned())];
    Arc::new(Policy::parse(&files, &|name| rules::by_name(name).is_some()).expect("a policy"))
});

static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut snapshot = sample::host(&LISTENERS);
    let table = |table, status| TableRead { table, netns: 0, status, source: None, lacks: &["cookie"], error: None };
    snapshot.tables = vec![table("tcp", TableStatus::Read), table("udp", TableStatus::Unstable)];
    snapshot.vantage.caps = Some(vec!["cap_sys_admin"]);
    snapshot.host.boot_id = Some(Text::from("boot"));
    json_of(&judge(snapshot, &Registry::builtin(), "run".to_owned()))
});

fn json_of(report: &Report) -> Vec<u8> {
    let mut out = Vec::new();
    render::json(report, &View::default(), &mut out).expect("memory takes everything");
    out
}

fn restored(bytes: &[u8]) -> Result<Report, Error> {
    let restored = restore(bytes, Path::new("old.json"), &|name| rules::by_name(name).map(|rule| &rule.info))?;
    Ok(judge::hold(restored.report, &Registry::builtin(), Some(POLICY.clone()), "run".to_owned()))
}

/// Everything that may become of a report, in one text.
fn told(mut report: Report) -> String {
    let outcome = Outcome::of(&report);
    report.exit = outcome.exit;
    let screen = Screen { width: Some(70), color: false };
    let mut out = json_of(&report);
    let view = View { verbose: 1, ..View::default() };
    render::audit(&report, &outcome, &view, &screen, &mut out).expect("a table");
    render::nagios(&report, outcome.unmet.first().map(|unmet| unmet.told.as_str()), &mut out).expect("a line");
    render::prom(&report, &[], None, &view, &mut out).expect("metrics");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn hostile_names_come_back_as_they_were() {
    let mut snapshot = sample::host(&LISTENERS);
    snapshot.tables.clear();
    let bytes = json_of(&judge(snapshot.clone(), &Registry::builtin(), "run".to_owned()));
    let want = judge::judge_by(snapshot, &Registry::builtin(), Some(POLICY.clone()), "run".to_owned());
    assert_eq!(told(restored(&bytes).expect("a report")), told(want));
}

#[test]
fn a_finding_that_speaks_for_others_is_suppressed_for_itself_alone() {
    let mut value: Value = serde_json::from_slice(&WHOLE).expect("JSON");
    let findings = value["findings"].as_array_mut().expect("a list");
    let first = findings.iter_mut().find(|one| one["listeners"].as_array().is_some_and(|all| !all.is_empty()));
    let first = first.expect("a finding");
    (first["rule"], first["also"]) = (json!("unexpected-owner"), json!(["unattributed", "nonstandard-port"]));
    first["severity"] = json!("high");
    let endpoint = first["endpoint"].as_str().expect("an endpoint").to_owned();
    let port = endpoint.rsplit_once(':').expect("a port").1.to_owned();
    let bytes = value.to_string();
    let hold = |more: &str| {
        let suppress = |rule: &str| {
            format!(
                "[[suppress]]\nrule = \"{rule}\"\nmatch = {{ port = {port} }}\nreason = \"x\"\nexpires = 2999-01-01\n"
            )
        };
        let text = format!("schema = 1\n{}", more.split_whitespace().map(suppress).collect::<String>());
        let files = [("policy.toml".to_owned(), text)];
        let policy = Policy::parse(&files, &|name| rules::by_name(name).is_some()).expect("a policy");
        let restored = restore(bytes.as_bytes(), Path::new("x"), &|name| rules::by_name(name).map(|rule| &rule.info));
        let report = judge::hold(
            restored.expect("a report").report,
            &Registry::builtin(),
            Some(Arc::new(policy)),
            String::new(),
        );
        let names = ["unexpected-owner", "unattributed", "nonstandard-port"];
        let ours = report.findings.iter().filter(|finding| {
            let here = finding.listener().is_some_and(|at| report.listeners[at].endpoint == endpoint);
            here && names.contains(&finding.rule.name)
        });
        let told = |finding: &crate::finding::Finding| {
            (finding.rule.name, finding.severity.name(), finding.is_live(), finding.also.clone())
        };
        let mut all: Vec<_> = ours.map(told).collect();
        all.sort();
        all
    };
    assert_eq!(hold(""), [("unexpected-owner", "high", true, vec!["unattributed", "nonstandard-port"])]);
    assert_eq!(
        hold("unexpected-owner"),
        [("unattributed", "high", true, vec!["nonstandard-port"]), ("unexpected-owner", "high", false, vec![])]
    );
    assert!(hold("unexpected-owner unattributed nonstandard-port").iter().all(|(_, _, live, _)| !live));
}

#[test]
fn what_replaced_itself_is_milder_where_it_is_expected() {
    let snapshot = sample::host(&["tcp/0.0.0.0:22 exe=/usr/sbin/sshd file=deleted"]);
    let mut value: Value =
        serde_json::from_slice(&json_of(&judge(snapshot, &Registry::builtin(), String::new()))).expect("JSON");
    let mut with = |replaced: Value| {
        value["listeners"][0]["owners"][0]["exe_replaced"] = replaced;
        let report = restored(value.to_string().as_bytes()).expect("a report");
        let of_owner = report.findings.iter().filter(|one| {
            one.listener().is_some() && matches!(one.rule.name, "deleted-executable" | "policy-mismatch")
        });
        of_owner.map(|one| (one.rule.name, one.severity.name())).collect::<Vec<_>>()
    };
    assert_eq!(with(json!(true)), [("deleted-executable", "low")]);
    assert_eq!(with(json!(false)), [("policy-mismatch", "high"), ("deleted-executable", "medium")]);
    // It may be the expected one.
    assert_eq!(with(Value::Null), [("deleted-executable", "medium")]);
}

/// The places of a document at which something stands.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| places(value, &format!("{path}/{key}"), found)),
        Value::Array(array) => {
            array.iter().enumerate().for_each(|(at, value)| places(value, &format!("{path}/{at}"), found))
        }
        _ => {}
    }
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0u32..70_000).prop_map(Value::from),
        Just(json!(u64::MAX)),
        "\\PC{0,12}|[\u{0}-\u{1f}\u{202e}\\\\]{1,6}".prop_map(Value::from),
        prop::sample::select(vec!["listen", "tcp", "unix", "packet", "vsock", "0.0.0.0", "::1", "critical", "proved"])
            .prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn a_report_with_any_value_elsewhere_is_held_or_refused(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), anything()), 1..4),
    ) {
        static PLACES: LazyLock<Vec<String>> = LazyLock::new(|| {
            let mut found = Vec::new();
            places(&serde_json::from_slice(&WHOLE).expect("JSON"), "", &mut found);
            found
        });
        let mut value: Value = serde_json::from_slice(&WHOLE).expect("JSON");
        for (at, new) in changes {
            if let Some(there) = value.pointer_mut(&PLACES[at.index(PLACES.len())]) {
                *there = new;
            }
        }
        if let Ok(report) = restored(value.to_string().as_bytes()) {
            let text = told(report);
            prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text:?}");
        }
    }

    #[test]
    fn a_report_with_any_byte_changed_is_held_or_refused(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let mut bytes = WHOLE.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(report) = restored(&bytes) {
            let text = told(report);
            prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        }
    }
}
