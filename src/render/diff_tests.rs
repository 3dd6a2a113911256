//! What differs, in every format, over the sample reports, and over one whose every name is hostile.

use std::path::Path;

use super::{Screen, View, diff, diff_json, sample, schema};
use crate::diff::{Diff, diff as compare};
use crate::model::Text;
use crate::picture::{Picture, Table, read};
use crate::report::Report;

fn rendered(render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    render(&mut out).expect("memory takes everything");
    String::from_utf8(out).expect("UTF-8")
}

/// A server, and the same after a day on which everything happened that may.
fn days() -> (Picture, Picture) {
    let report = sample::server();
    let mut old = Picture::from(&report);
    let tables = old.coverage.tables.iter().filter(|table| table.table.as_bytes() != b"packet");
    let of_v6 = tables
        .map(|table| Table { table: Text::from([table.table.as_bytes(), b"6"].concat().as_slice()), ..table.clone() });
    let of_v6: Vec<Table> = of_v6.collect();
    old.coverage.tables.extend(of_v6);
    let mut new = old.clone();
    let at = |picture: &Picture, endpoint: &str| {
        picture.listeners.iter().position(|listener| listener.endpoint == endpoint).expect(endpoint)
    };
    let smtp = at(&new, "tcp/127.0.0.1:25");
    new.listeners[smtp].endpoint = "tcp/0.0.0.0:25".to_owned();
    new.listeners[smtp].address = Some(Text::from("0.0.0.0"));
    (new.listeners[smtp].scope, new.listeners[smtp].exposure) =
        (Some(crate::model::Scope::Wildcard), Some(crate::model::Scope::Wildcard));
    let redis = at(&new, "tcp/127.0.0.1:6379");
    let owner = &mut new.listeners[redis].owners[0];
    (owner.pid, owner.exe, owner.comm) = (Some(6000), Some(Text::from("/tmp/\u{1b}[2Kredis")), None);
    (owner.uid, owner.user, owner.unit) = (Some(1000), Some(Text::from("bob")), Some(Text::from("session-4.scope")));
    for owner in &mut new.listeners[at(&old, "tcp/0.0.0.0:80")].owners {
        owner.pid = owner.pid.map(|pid| pid + 4000);
    }
    new.listeners.remove(at(&new, "udp/127.0.0.53:53"));
    let mut more = new.listeners[at(&new, "tcp/[::]:443")].clone();
    (more.endpoint, more.port) = ("tcp/[::]:4444".to_owned(), Some(4444));
    more.severity = Some(crate::model::Severity::Critical);
    new.listeners.push(more);
    (old, new)
}

fn table(diff_of: &Diff<'_>, view: &View, width: Option<u16>, color: bool) -> String {
    rendered(|out| diff(diff_of, view, &Screen { width, color }, out))
}

#[test]
fn a_day_on_which_everything_happened() {
    let (old, new) = days();
    let diff = compare(&old, &new);
    let verbose = View { verbose: 1, ..View::default() };
    insta::assert_snapshot!("diff_table", table(&diff, &View::default(), None, false));
    insta::assert_snapshot!("diff_verbose_color_120", table(&diff, &verbose, Some(120), true));
    insta::assert_snapshot!("diff_60", table(&diff, &View { stable: true, ..View::default() }, Some(60), false));
    let document = rendered(|out| diff_json(&diff, &View { stable: true, ..View::default() }, out));
    insta::assert_snapshot!("diff_json", document);
    let quiet = table(&diff, &View { quiet: true, ..View::default() }, None, false);
    assert!(!quiet.contains("differences") && quiet.contains("4444"), "{quiet}");
}

#[test]
fn what_is_the_same_is_one_line() {
    let (old, _) = days();
    let diff = compare(&old, &old);
    let told = table(&diff, &View::default(), Some(80), false);
    assert!(told.starts_with("the same: ") && told.lines().count() == 1, "{told}");
    assert_eq!(table(&diff, &View { quiet: true, ..View::default() }, None, false), "");
}

#[test]
fn what_was_hidden_is_said() {
    let (old, new) = (Picture::from(&sample::server()), Picture::from(&sample::nobody()));
    insta::assert_snapshot!("diff_with_nobody", table(&compare(&old, &new), &View::default(), Some(100), false));
}

#[test]
fn the_document_has_its_schema() {
    let validator = jsonschema::validator_for(&schema("diff").expect("a schema")).expect("a valid schema");
    let (old, new) = days();
    let nobody = Picture::from(&sample::nobody());
    for (old, new) in [(&old, &new), (&new, &old), (&old, &nobody), (&nobody, &nobody)] {
        let document = rendered(|out| diff_json(&compare(old, new), &View::default(), out));
        let value = serde_json::from_str(&document).expect("JSON");
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{document}");
    }
}

fn stored(report: &Report) -> Picture {
    let document = rendered(|out| super::json(report, &View::default(), out));
    read(document.as_bytes(), Path::new("report.json")).expect("a report of ours")
}

#[test]
fn a_stored_report_is_the_report() {
    let hostile = Text::from(&b"x\x1b[2K\n\xff\\\"\xe2\x80\xae"[..]);
    let reports = [
        sample::server(),
        sample::router(),
        sample::nobody(),
        sample::local(),
        sample::containers(),
        sample::hostile(&hostile),
    ];
    for report in reports {
        let (mut want, mut got) = (Picture::from(&report), stored(&report));
        want.coverage.namespaces = None;
        // The sample has words that nobody escaped; whoever writes them does.
        let escape = |text: &mut String| *text = super::words::printable(text).into_owned();
        want.coverage.gaps.iter_mut().for_each(escape);
        want.listeners.iter_mut().for_each(|listener| escape(&mut listener.endpoint));
        for picture in [&mut want, &mut got] {
            picture
                .coverage
                .tables
                .sort_by(|a, b| (&a.table, &a.netns, a.namespaces).cmp(&(&b.table, &b.netns, b.namespaces)));
        }
        assert_eq!(got, want);
    }
}

#[test]
fn hostile_names_stay_names() {
    for name in [&b"\x1b[2J\nnew  tcp/0.0.0.0:1"[..], b"\xff\xfe\x00", "\u{202e}\u{200b}".as_bytes(), b"a  b ", b""] {
        let text = Text::from(name);
        let (old, new) = (Picture::from(&sample::server()), stored(&sample::hostile(&text)));
        for (old, new) in [(&old, &new), (&new, &old)] {
            let diff = compare(old, new);
            for view in [View { verbose: 1, ..View::default() }, View { stable: true, ..View::default() }] {
                let told = table(&diff, &view, None, false) + &rendered(|out| diff_json(&diff, &view, out));
                assert!(told.chars().all(|c| c == '\n' || !c.is_control()), "{told:?}");
                assert!(!told.contains(['\u{202e}', '\u{200b}']), "{told:?}");
            }
        }
    }
}
