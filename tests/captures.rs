//! Every capture of the repository: what is said of it, and that no cut and no change of one makes the program fail.
//! `INSTA_UPDATE=always cargo test --test captures` writes the snapshots anew.

#![expect(clippy::disallowed_methods, reason = "a test reads captures and starts the program")]

use std::path::{Path, PathBuf};
use std::process::Command;

use earmark::collect::{self, Ask};
use earmark::judge::judge;
use earmark::model::Transport;
use earmark::registry::Registry;
use earmark::render::{self, Screen, View};

/// The captures by name.
fn captures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "capture")).collect();
    paths.sort();
    assert!(paths.len() >= 8, "{paths:?}");
    paths
}

/// What the program says of a capture.
fn said(path: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("earmark"));
    command.args(arguments).arg("--from").arg(path).env_clear().env("COLUMNS", "100");
    let output = command.output().expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{path:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn each_is_told_as_before() {
    for path in captures() {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        insta::assert_snapshot!(format!("{name}-table"), said(&path, &[]));
        let mut report: serde_json::Value = serde_json::from_str(&said(&path, &["--json", "--stable"])).expect("JSON");
        // The version and the size of the registry change with every release.
        report["tool"] = serde_json::Value::Null;
        let report = serde_json::to_string_pretty(&report).expect("JSON");
        insta::assert_snapshot!(format!("{name}-json"), report);
    }
}

#[test]
fn what_could_be_seen_is_told_in_the_words_of_its_system() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    for name in ["mac-as-user", "freebsd-server"] {
        let told = said(&folder.join(format!("{name}.capture")), &["doctor"]);
        assert!(!told.contains("cap_") && !told.contains("/proc"), "{told}");
        // The size of the registry changes with every release, and where it is extended is of the system that this runs on.
        let told: Vec<&str> = told.lines().filter(|line| !line.contains("registry")).collect();
        insta::assert_snapshot!(format!("{name}-doctor"), told.join("\n"));
    }
}

/// Replays, judges and renders in every format; false where it is no capture any more.
fn goes_through(capture: &[u8], ask: &Ask, registry: &Registry) -> bool {
    let Ok(snapshot) = collect::replay(capture, Path::new("a.capture"), ask) else { return false };
    let report = judge(snapshot, registry, "run".to_owned());
    let mut out = Vec::new();
    for view in [View::default(), View { stable: true, extended: true, verbose: 1, cmdline: true, ..View::default() }] {
        out.clear();
        render::table(&report, &view, &Screen { width: Some(60), color: false }, &mut out).expect("a table");
        render::csv(&report, &view, &mut out).expect("CSV");
        let text = String::from_utf8(out.clone()).expect("UTF-8");
        assert_eq!(text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r')), None, "{text}");
        render::plain(&report, &view, &mut out).expect("lines");
        out.clear();
        render::json(&report, &view, &mut out).expect("JSON");
        serde_json::from_slice::<serde_json::Value>(&out).expect("JSON");
    }
    true
}

/// The numbers of a linear congruential generator: the same in every run.
fn numbers() -> impl FnMut(usize) -> usize {
    let mut state = 0x6561_726du64;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    }
}

fn everything() -> Ask {
    let transports = Transport::ALL.to_vec();
    Ask {
        transports,
        bound: true,
        time_wait: true,
        cmdline: true,
        ids: true,
        packages: false,
        addresses: true,
        ..Ask::default()
    }
}

#[test]
fn every_cut_is_refused_or_told() {
    let (registry, ask) = (Registry::builtin(), everything());
    for path in captures() {
        let capture = std::fs::read(&path).expect("a capture");
        let ends: Vec<usize> = (0..capture.len()).filter(|at| capture[*at] == b'\n').collect();
        let cuts = ends.iter().step_by(9).map(|end| end + 1).chain((0..capture.len()).step_by(401));
        let through = cuts.filter(|cut| goes_through(&capture[..*cut], &ask, &registry)).count();
        assert!(through >= ends.len() / 12, "{path:?}: {through}");
    }
}

#[test]
fn any_question_may_be_missing() {
    let (registry, ask) = (Registry::builtin(), everything());
    for path in captures() {
        let capture = std::fs::read_to_string(&path).expect("a capture");
        let (head, questions) = capture.split_at(capture.find("\n?").expect("a question") + 1);
        let questions: Vec<&str> = questions.split_inclusive("\n?").collect();
        for left_out in (0..questions.len()).step_by(5) {
            // Each piece ends with the mark of the next.
            let kept = questions.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, piece)| *piece);
            let rest = kept.collect::<String>();
            let rest = if left_out == 0 { format!("?{rest}") } else { rest };
            goes_through(format!("{head}{rest}").trim_end_matches('?').as_bytes(), &ask, &registry);
        }
    }
}

#[test]
fn every_change_is_refused_or_told() {
    let (registry, ask) = (Registry::builtin(), everything());
    let mut number = numbers();
    for path in captures() {
        let whole = std::fs::read(&path).expect("a capture");
        let digits: Vec<usize> = (0..whole.len()).filter(|at| whole[*at].is_ascii_digit()).collect();
        let mut through = 0;
        for round in 0..60 {
            let mut capture = whole.clone();
            // Digits become others, so that it stays a capture; then anything becomes anything.
            for _ in 0..=number(8) {
                match round % 3 {
                    0 => capture[number(whole.len())] = number(256) as u8,
                    1 => capture[number(whole.len())] = b"0 \n|~!=?:/\\\t9"[number(13)],
                    _ => capture[digits[number(digits.len())]] = b'0' + number(10) as u8,
                }
            }
            through += usize::from(goes_through(&capture, &ask, &registry));
        }
        assert!(through >= 15, "{path:?}: {through}");
    }
}

#[test]
fn numbers_without_measure_are_told_or_refused() {
    let (registry, ask) = (Registry::builtin(), everything());
    for path in captures() {
        let whole = std::fs::read_to_string(&path).expect("a capture");
        for (at, line) in whole.lines().enumerate().filter(|(_, line)| line.starts_with("| ")).step_by(9) {
            for huge in ["18446744073709551615", "99999999999999999999999", "-1", ""] {
                let words = line[2..].split_inclusive([' ', '\t']).map(|word| {
                    let is_number = word.trim_end().bytes().all(|byte| byte.is_ascii_digit());
                    if is_number { word.replace(word.trim_end(), huge) } else { word.to_owned() }
                });
                let changed = format!("| {}", words.collect::<String>());
                let lines = whole.lines().enumerate().map(|(this, line)| if this == at { &changed } else { line });
                goes_through(lines.collect::<Vec<_>>().join("\n").as_bytes(), &ask, &registry);
            }
        }
    }
}
