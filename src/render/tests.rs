//! Every renderer over the sample reports, and over one whose every name is hostile.

use proptest::prelude::*;

use super::sample;
use super::*;
use crate::doctor::{Diagnosis, Overlays};
use crate::finding::About;
use crate::model::{Capabilities, Landlock, PackageState, Sandbox, Text, Timestamp};
use crate::report::Report;

fn rendered(render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    render(&mut out).expect("memory takes everything");
    String::from_utf8(out).expect("UTF-8")
}

fn as_table(report: &Report, view: &View, width: Option<u16>, color: bool) -> String {
    rendered(|out| table(report, view, &Screen { width, color }, out))
}

fn stable() -> View {
    View { stable: true, ..View::default() }
}

fn extended() -> View {
    View { extended: true, cmdline: true, ..View::default() }
}

#[test]
fn table_of_a_server() {
    let report = sample::server();
    insta::assert_snapshot!("server_100", as_table(&report, &View::default(), Some(100), false));
    insta::assert_snapshot!("server_200_extended", as_table(&report, &extended(), Some(200), false));
    insta::assert_snapshot!("server_80", as_table(&report, &View::default(), Some(80), false));
    insta::assert_snapshot!("local_100", as_table(&sample::local(), &View::default(), Some(100), false));
    insta::assert_snapshot!("server_60_stable", as_table(&report, &stable(), Some(60), false));
}

#[test]
fn a_namespace_that_all_rows_share_is_no_column() {
    let mut report = sample::server();
    report.namespaces[0].kind = crate::model::NetNsKind::Other;
    assert!(!as_table(&report, &View::default(), None, false).contains("NETNS"));
    assert!(as_table(&report, &extended(), None, false).contains("NETNS"));
    report.namespaces.push(crate::model::NetNs { name: Some("blue".into()), ..report.namespaces[0].clone() });
    report.listeners[0].socket.netns = 1;
    assert!(as_table(&report, &View::default(), None, false).contains("blue"));
}

#[test]
fn a_hundred_columns_hold_the_exposure() {
    let nobody = as_table(&sample::nobody(), &View::default(), Some(80), false);
    assert!(nobody.contains("EXPOSURE") && !nobody.contains("?     wildcard"), "no unit is known: {nobody}");
    let table = as_table(&sample::server(), &View::default(), Some(100), false);
    for column in ["SERVICE", "PROCESS", "USER", "UNIT", "EXPOSURE"] {
        assert!(table.lines().next().is_some_and(|header| header.contains(column)), "{table}");
    }
}

#[test]
fn who_looks_for_an_ephemeral_socket_sees_it() {
    let report = sample::server();
    assert!(as_table(&report, &View::default(), None, false).contains("also: 3 ephemeral UDP sockets"));
    let asked = as_table(&report, &View { passing: true, ..View::default() }, None, false);
    assert!(!asked.contains("also:") && asked.contains("37041") && asked.contains("40001"), "{asked}");
}

#[test]
fn table_of_a_router() {
    let report = sample::router();
    for width in [200, 100, 60, 40] {
        insta::assert_snapshot!(format!("router_{width}"), as_table(&report, &View::default(), Some(width), false));
    }
    let verbose = View { verbose: 1, ..View::default() };
    insta::assert_snapshot!("router_color", as_table(&report, &View::default(), Some(100), true));
    insta::assert_snapshot!("router_verbose_pipe", as_table(&report, &verbose, None, false));
    let quiet = View { quiet: true, header: false, ..View::default() };
    insta::assert_snapshot!("router_quiet", as_table(&report, &quiet, Some(100), false));
}

#[test]
fn containers_stand_in_the_place_of_their_units() {
    let report = sample::containers();
    insta::assert_snapshot!("containers_100", as_table(&report, &View::default(), Some(100), false));
    insta::assert_snapshot!("containers_plain", rendered(|out| plain(&report, &stable(), out)));
    insta::assert_snapshot!("containers_json", rendered(|out| json(&report, &stable(), out)));
}

#[test]
fn packages_stand_where_they_were_looked_up() {
    let mut report = sample::containers();
    for (process, state) in report.processes.iter_mut().zip([PackageState::Foreign, PackageState::None]) {
        process.package_state = state;
    }
    report.processes[2].package = Some("server-of-the-web".into());
    report.processes[2].package_state = PackageState::Owned;
    let view = View { packages: true, ..stable() };
    insta::assert_snapshot!("packages_table", as_table(&report, &view, None, false));
    insta::assert_snapshot!("packages_plain", rendered(|out| plain(&report, &view, out)));
    insta::assert_snapshot!("packages_csv", rendered(|out| csv(&report, &view, out)));
    insta::assert_snapshot!("packages_json", rendered(|out| json(&report, &view, out)));
}

#[test]
fn table_of_somebody_without_privilege() {
    insta::assert_snapshot!("nobody_100", as_table(&sample::nobody(), &View::default(), Some(100), false));
}

#[test]
fn table_without_listeners() {
    let mut report = sample::Builder::new().report();
    assert_eq!(as_table(&report, &View::default(), Some(80), false), "no listener found\n");
    report.gaps = sample::nobody().gaps;
    assert!(as_table(&report, &View::default(), None, false).starts_with("no listener found\nnot seen: the owners"));
}

#[test]
fn table_with_thousands_of_findings_stays_short() {
    let mut b = sample::Builder::new();
    let process = b.process(1, "/usr/bin/x", ("root", 0), "x.service");
    for n in 0..500 {
        b.inet(crate::model::Transport::Tcp, &format!("10.1.{}.{}:3221", n / 250, n % 250), &[process]);
        b.finding(&sample::CLEARTEXT, crate::model::Severity::Critical, "in clear text", "use another");
    }
    let table = as_table(&b.report(), &View { quiet: false, ..View::default() }, Some(100), false);
    assert!(table.contains("and 480 more of cleartext-management (--json lists all)"), "{table}");
    assert_eq!(table.matches("instead:").count(), 20);
}

#[test]
fn lines_for_scripts() {
    let report = sample::router();
    insta::assert_snapshot!("router_plain", rendered(|out| plain(&report, &View::default(), out)));
    insta::assert_snapshot!("router_plain_extended", rendered(|out| plain(&report, &extended(), out)));
    insta::assert_snapshot!("router_csv", rendered(|out| csv(&report, &extended(), out)));
    insta::assert_snapshot!("server_plain_stable", rendered(|out| plain(&sample::server(), &stable(), out)));
}

#[test]
fn documents_for_programs() {
    let (router, nobody, server) = (sample::router(), sample::nobody(), sample::server());
    insta::assert_snapshot!("router_json", rendered(|out| json(&router, &extended(), out)));
    insta::assert_snapshot!("nobody_json_stable", rendered(|out| json(&nobody, &stable(), out)));
    insta::assert_snapshot!("local_json", rendered(|out| json(&sample::local(), &View::default(), out)));
    insta::assert_snapshot!("server_json_stable", rendered(|out| json(&server, &stable(), out)));
}

#[test]
fn pages_fit_a_narrow_screen() {
    let all: Vec<&crate::finding::RuleInfo> = crate::rules::all().iter().map(|rule| &rule.info).collect();
    let explanation = sample::explanation(&Text::from("sshd"));
    for width in [80, 60] {
        let screen = Screen { width: Some(width), color: false };
        let catalogue = rendered(|out| rules(&all, &screen, out));
        let page = rendered(|out| explain(&explanation, &screen, out));
        for line in catalogue.lines().chain(page.lines()) {
            assert!(line.len() <= usize::from(width), "{width}: {line}");
        }
    }
}

#[test]
fn the_catalogue_of_rules() {
    let all = [&sample::CLEARTEXT, &sample::MISMATCH, &sample::UNAUTHENTICATED];
    let screen = Screen { width: Some(80), color: false };
    insta::assert_snapshot!("rules", rendered(|out| rules(&all, &screen, out)));
    insta::assert_snapshot!("rule", rendered(|out| rule(&sample::CLEARTEXT, &screen, out)));
    let narrow = Screen { width: Some(50), color: false };
    insta::assert_snapshot!("rule_50", rendered(|out| rule(&sample::MISMATCH, &narrow, out)));
    let json = rendered(|out| rules_json(&all, out));
    insta::assert_snapshot!("rules_json", json);
    assert_valid("rules", &json);
}

#[test]
fn an_explanation() {
    let report = sample::explanation(&"/usr/local/sbin/xnmd".into());
    let screen = Screen { width: Some(80), color: false };
    insta::assert_snapshot!("explain", rendered(|out| explain(&report, &screen, out)));
    insta::assert_snapshot!("explain_json", rendered(|out| explain_json(&report, out)));
    let mut unseen = report.clone();
    unseen.unseen = Some("the tables of 2 namespaces".to_owned());
    unseen.ports[0].ports.1 = 3222;
    let mut rule = report.clone();
    (rule.rule, rule.looked) = (Some(&sample::CLEARTEXT), false);
    insta::assert_snapshot!("explain_unseen", rendered(|out| explain(&unseen, &screen, out)));
    for explanation in [&report, &unseen, &rule] {
        assert_valid("explain", &rendered(|out| explain_json(explanation, out)));
    }
    let rule = rendered(|out| explain(&rule, &screen, out));
    assert!(
        rule.starts_with("cleartext-management (secrecy)") && rule.ends_with("this host was not looked at\n"),
        "{rule}"
    );
}

#[test]
fn a_diagnosis() {
    let overlays = Overlays { directory: "/etc/earmark/registry.d".to_owned(), files: 1, problem: None };
    let (server, nobody) = (sample::server(), sample::nobody());
    let sandbox =
        Sandbox { capabilities: Capabilities::Dropped, landlock: Landlock::Entered { abi: 6 }, other_threads: Some(0) };
    let whole = Diagnosis::new(&server, overlays.clone(), Some(sandbox));
    let broken = Overlays { files: 0, problem: Some("own.toml: line 3, column 1: no".to_owned()), ..overlays };
    let partly = Diagnosis::new(&nobody, broken, None);
    let screen = Screen { width: Some(100), color: false };
    insta::assert_snapshot!("doctor", rendered(|out| doctor(&whole, &screen, out)));
    insta::assert_snapshot!("doctor_nobody", rendered(|out| doctor(&partly, &screen, out)));
    insta::assert_snapshot!("doctor_json", rendered(|out| doctor_json(&partly, out)));
    for diagnosis in [&whole, &partly] {
        assert_valid("doctor", &rendered(|out| doctor_json(diagnosis, out)));
    }
    for width in [80, 60] {
        let page = rendered(|out| doctor(&partly, &Screen { width: Some(width), color: false }, out));
        assert!(page.lines().all(|line| line.len() <= usize::from(width)), "{page}");
    }
}

#[test]
fn schemas_are_frozen() {
    for name in SCHEMAS {
        let schema = schema(name).expect("every name has a schema");
        insta::assert_snapshot!(format!("schema_{name}"), serde_json::to_string_pretty(&schema).expect("JSON"));
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        assert_all_required(&schema, name);
    }
    assert_eq!(schema("nothing"), None);
}

/// Every key in every row.
fn assert_all_required(schema: &serde_json::Value, at: &str) {
    if let Some(properties) = schema.get("properties").and_then(|p| p.as_object()) {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect();
        for name in properties.keys() {
            assert!(required.contains(&name.as_str()), "{at}: {name} is not required");
        }
        assert_eq!(schema.get("additionalProperties"), None, "{at}");
    }
    assert_eq!(schema.get("enum"), None, "{at}: values may grow");
    match schema {
        serde_json::Value::Object(map) => map.iter().for_each(|(key, value)| assert_all_required(value, key)),
        serde_json::Value::Array(values) => values.iter().for_each(|value| assert_all_required(value, at)),
        _ => {}
    }
}

fn assert_valid(name: &str, document: &str) {
    let schema = schema(name).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let document: serde_json::Value = serde_json::from_str(document).expect("JSON");
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn reports_are_valid() {
    for report in [
        sample::server(),
        sample::router(),
        sample::nobody(),
        sample::local(),
        sample::containers(),
        sample::hostile(&"\x1b[2K".into()),
    ] {
        for view in [View::default(), stable(), extended()] {
            assert_valid("report", &rendered(|out| json(&report, &view, out)));
        }
    }
}

/// The same host seen again: other ids, times and numbers of processes, in another order.
fn seen_again(mut report: Report) -> Report {
    report.run_id = "ffeeddccbbaa99887766554433221100".to_owned();
    report.taken_at = Timestamp(1);
    report.counts.seen += 17;
    report.namespaces[0].inode = Some(1);
    for process in &mut report.processes {
        (process.pid, process.ppid) = (process.pid + 1000, Some(77));
        (process.started, process.start_ticks) = (None, Some(1));
    }
    let last = report.listeners.len() - 1;
    report.listeners.reverse();
    for finding in &mut report.findings {
        if let About::Listener(listener) = finding.about {
            finding.about = About::Listener(last - listener);
        }
    }
    for listener in &mut report.listeners {
        (listener.id, listener.group) = (listener.id ^ 0xff, 5);
        (listener.socket.inode, listener.socket.cookie) = (9, None);
        (listener.socket.backlog, listener.socket.recv_queue, listener.socket.drops) = (None, Some(7), Some(8));
        for owner in &mut listener.owners {
            owner.fd += 1;
        }
        if let Some((_, others)) = listener.owners.split_first_mut() {
            others.reverse();
        }
    }
    report
}

#[test]
fn the_same_state_gives_the_same_bytes() {
    let view = View { stable: true, extended: true, ..View::default() };
    for sample in [sample::server, sample::router, sample::nobody, sample::local, sample::containers] {
        let (once, again) = (sample(), seen_again(sample()));
        assert_eq!(rendered(|out| json(&once, &view, out)), rendered(|out| json(&again, &view, out)));
        assert_eq!(rendered(|out| plain(&once, &view, out)), rendered(|out| plain(&again, &view, out)));
        assert_eq!(rendered(|out| csv(&once, &view, out)), rendered(|out| csv(&again, &view, out)));
        for view in [view, stable()] {
            assert_eq!(as_table(&once, &view, Some(100), true), as_table(&again, &view, Some(100), true));
        }
    }
}

/// True where nothing but text, newlines and, with colour, our own sequences reaches the terminal.
fn is_tame(text: &str, extra: &[char]) -> bool {
    let stripped = strip_styles(text);
    stripped.chars().all(|c| c == '\n' || extra.contains(&c) || !(c.is_control() || is_format(c)))
}

/// What [`anstyle`] writes, and nothing else that begins with ESC.
fn strip_styles(text: &str) -> String {
    let mut rest = text;
    let mut stripped = String::new();
    while let Some((before, after)) = rest.split_once("\x1b[") {
        stripped.push_str(before);
        match after.split_once('m') {
            Some((code, after)) if code.bytes().all(|b| b.is_ascii_digit() || b == b';') => rest = after,
            _ => {
                stripped.push('\x1b');
                rest = after;
            }
        }
    }
    stripped + rest
}

/// Category Cf as far as it reorders or hides.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Every text of a document that came from [`sample::hostile`] must lead back to the bytes.
fn assert_hostile(text: &Text) {
    let report = sample::hostile(text);
    let overlays = Overlays { directory: "/etc".to_owned(), files: 0, problem: Some("\x1b[2K".to_owned()) };
    let diagnosis = Diagnosis::new(&report, overlays, None);
    let page = rendered(|out| doctor(&diagnosis, &Screen::default(), out));
    assert!(is_tame(&page, &[]) && !page.contains('\x1b') && page.lines().count() < 12, "{page:?}");
    assert!(is_tame(&rendered(|out| doctor_json(&diagnosis, out)), &[]));
    for view in [View::default(), extended(), View { verbose: 1, ..View::default() }, stable()] {
        for width in [None, Some(100), Some(40)] {
            let plain = as_table(&report, &view, width, false);
            assert!(!plain.contains('\x1b') && is_tame(&plain, &[]), "{plain:?}");
            let color = as_table(&report, &view, width, true);
            assert!(is_tame(&color, &[]), "{color:?}");
            assert_eq!(strip_styles(&color), plain);
        }
        let quiet = as_table(&report, &View { quiet: true, ..view }, None, false);
        assert_eq!(quiet.lines().count(), 1 + report.listeners.len(), "{quiet}");

        let lines = rendered(|out| plain(&report, &view, out));
        assert!(is_tame(&lines, &['\t']), "{lines:?}");
        assert_eq!(lines.lines().count(), 1 + report.listeners.len());
        let tabs: Vec<usize> = lines.lines().map(|line| line.matches('\t').count()).collect();
        assert!(tabs.iter().all(|count| *count == tabs[0]), "{lines}");

        let values = rendered(|out| csv(&report, &view, out));
        assert!(is_tame(&values, &[]), "{values:?}");
        let mut reader = ::csv::Reader::from_reader(values.as_bytes());
        let records: Vec<::csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("as many cells");
        assert_eq!(records.len(), report.listeners.len());
        assert!(records.iter().flatten().all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{values}");

        let document = rendered(|out| json(&report, &view, out));
        assert!(is_tame(&document, &[]), "{document:?}");
        let value: serde_json::Value = serde_json::from_str(&document).expect("JSON");
        let owner = &value["listeners"][0]["owners"][0];
        for key in ["comm", "exe", "user", "unit", "user_unit"] {
            let escaped = owner[key].as_str().expect(key);
            assert_eq!(Text::unescape(escaped).as_ref(), Some(text), "{key}");
        }
        assert_eq!(value["host"]["hostname"].as_str().and_then(Text::unescape).as_ref(), Some(text));
    }
}

/// The same for an explanation.
fn assert_hostile_explanation(text: &Text) {
    let mut explanation = sample::explanation(text);
    let raw = String::from_utf8_lossy(text.as_bytes()).into_owned();
    explanation.word = raw.clone();
    explanation.unseen = Some(raw.clone());
    explanation.ports[0].here[0].endpoint = raw;
    for width in [None, Some(60)] {
        let page = rendered(|out| explain(&explanation, &Screen { width, color: false }, out));
        assert!(!page.contains('\x1b') && is_tame(&page, &[]), "{page:?}");
        let color = rendered(|out| explain(&explanation, &Screen { width, color: true }, out));
        assert!(is_tame(&color, &[]), "{color:?}");
        assert_eq!(strip_styles(&color), page);
    }
    let document = rendered(|out| explain_json(&explanation, out));
    assert!(is_tame(&document, &[]), "{document:?}");
    let value: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    let escaped = value["ports"][0]["here"][0]["owners"][0]["exe"].as_str().expect("a path");
    assert_eq!(Text::unescape(escaped).as_ref(), Some(text));
}

#[test]
fn hostile_names_stay_names() {
    let names: [&[u8]; 12] = [
        b"x\",pid=1,fd=3",
        b"\x1b[2J\x1b[31mred",
        b"a\nLISTEN 0 128 0.0.0.0:1",
        b"a\tb",
        b"\xff\xfe\x00",
        "\u{202e}gpj\u{200b}".as_bytes(),
        b"=HYPERLINK(\"http://x\")",
        b"+1\\u{1b}",
        b"@SUM(A1)",
        b"x 1  root  ssh.service  ",
        b"'; -- \" , ;",
        b"",
    ];
    for name in names {
        assert_hostile(&Text::from(name));
        assert_hostile_explanation(&Text::from(name));
    }
}

#[test]
fn a_hostile_table() {
    let text = Text::from(&b"ssh\x1b[2K\n22  root\xff"[..]);
    insta::assert_snapshot!("hostile_100", as_table(&sample::hostile(&text), &View::default(), Some(100), false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_stay_a_name(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let text = Text::new(bytes);
        assert_hostile(&text);
        assert_hostile_explanation(&text);
    }

    #[test]
    fn any_text_stays_a_name(text in ".{0,20}") {
        assert_hostile(&Text::from(text.as_str()));
    }
}
