//! One line for Nagios, Icinga and whatever else runs plugins, with performance data behind it.
//!
//! As the Monitoring Plugins Development Guidelines have it: a status, ` | `, and `label=value;warn;crit;min` for each
//! number, where a bare threshold of 0 means that anything above it is a reason.

use std::io::{self, Write};

use super::words::{count, printable, process_name};
use crate::finding::{About, Finding, Severity, Status};
use crate::policy::Settings;
use crate::report::{Exit, Report};

/// The longest line in bytes, with its newline: NRPE carries 1,024.
const LONGEST: usize = 1000;

/// Writes the line. Its status is the exit of the report. `why` says why the run could not tell, where it could not.
pub fn nagios(report: &Report, why: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let settings = report.policy.as_ref().map_or_else(Settings::default, |policy| policy.settings.clone());
    let numbers = numbers(report, &settings);
    let status = match report.exit {
        Exit::Ok => "OK",
        Exit::Warning => "WARNING",
        Exit::Critical => "CRITICAL",
        Exit::Unknown => "UNKNOWN",
    };
    let room = LONGEST - numbers.len() - " | \n".len();
    let text = cut(format!("EARMARK {status} - {}", tame(&summary(report, &settings, why))), room);
    writeln!(out, "{text} | {numbers}")
}

/// Writes the line of a run that failed, and so has no numbers.
pub fn nagios_failure(why: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", cut(format!("EARMARK UNKNOWN - {}", tame(why)), LONGEST - 1))
}

/// What is wrong, the worst by name.
fn summary(report: &Report, at: &Settings, why: Option<&str>) -> String {
    let told: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.severity >= at.warn_at && finding.status != Some(Status::Suppressed))
        .collect();
    let worst = told.iter().copied().reduce(|worst, next| if next.severity > worst.severity { next } else { worst });
    let worst = worst.map(|worst| {
        let more = if told.len() > 1 { format!("; {} more", told.len() - 1) } else { String::new() };
        named(report, worst) + &more
    });
    let unknown = (report.exit == Exit::Unknown).then(|| {
        let gap = || report.gaps.first().map(|gap| format!("{}: {}", gap.what, gap.why));
        why.map(str::to_owned).or_else(gap).map_or("could not tell".to_owned(), |why| format!("could not tell: {why}"))
    });
    match (unknown, worst) {
        (Some(unknown), Some(worst)) => format!("{unknown}; {worst}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => {
            format!("{}, no finding from {} on", count(report.listeners.len(), "listener"), at.warn_at.name())
        }
    }
}

/// A finding by its rule, where it is, and who holds that.
fn named(report: &Report, finding: &Finding) -> String {
    let rule = finding.rule.name;
    let About::Listener(at) = finding.about else {
        let entry = report.entry_of(finding).map(|(_, what, _)| format!(" {what}")).unwrap_or_default();
        return format!("{rule}{entry}: {}", finding.message);
    };
    let listener = &report.listeners[at];
    let owner = report.first_owner(listener).and_then(process_name);
    [Some(rule.to_owned()), Some(listener.endpoint.clone()), owner].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The performance data: the same labels with every run, so that no graph breaks.
fn numbers(report: &Report, at: &Settings) -> String {
    let suppressed = |finding: &&Finding| finding.status == Some(Status::Suppressed);
    let mut numbers = Vec::new();
    for severity in Severity::ALL.into_iter().rev() {
        let found =
            report.findings.iter().filter(|finding| !suppressed(finding) && finding.severity == severity).count();
        let thresholds = match severity {
            _ if severity >= at.critical_at => ";0",
            _ if severity >= at.warn_at => "0;",
            _ => ";",
        };
        numbers.push(format!("{}={found};{thresholds};0", severity.name()));
    }
    let summary = report.summary();
    for (label, number) in [
        ("suppressed", report.findings.iter().filter(suppressed).count()),
        ("listeners", summary.listeners),
        ("unattributed", summary.unattributed),
        ("gaps", report.gaps.len()),
    ] {
        numbers.push(format!("{label}={number};;;0"));
    }
    numbers.join(" ")
}

/// Without what means more than itself to the programs that such a line passes through: `|` begins the numbers, consoles
/// take `<` for HTML, and the rest are the characters that Nagios keeps from the shell (illegal_macro_output_chars).
fn tame(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            // Our own words have it too.
            '\'' => out.push('\u{2019}'),
            '|' | '<' | '>' | '&' | '"' | '`' | '$' | '~' => {
                out += &format!("\\u{{{:x}}}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out
}

/// No more than `room` bytes, with dots where something is missing.
fn cut(mut text: String, room: usize) -> String {
    const DOTS: &str = "...";
    if text.len() > room {
        text.truncate(text.floor_char_boundary(room.saturating_sub(DOTS.len())));
        text += DOTS;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sample;
    use super::*;
    use crate::model::Text;

    fn line(report: &Report, why: Option<&str>) -> String {
        let mut out = Vec::new();
        nagios(report, why, &mut out).expect("memory takes everything");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn one_line_for_each_status() {
        let mut router = sample::router();
        let mut lines = line(&sample::server(), None) + &line(&router, None);
        for finding in &mut router.findings {
            finding.status = Some(Status::Suppressed);
        }
        router.exit = Exit::Ok;
        lines += &line(&router, None);
        let mut nobody = sample::nobody();
        nobody.exit = Exit::Unknown;
        lines += &line(&nobody, None);
        let mut router = sample::router();
        router.exit = Exit::Unknown;
        router.findings.retain(|finding| finding.severity < Severity::High);
        lines += &line(&router, Some("the policy asks for udp, which was not read"));
        router.exit = Exit::Warning;
        lines += &line(&router, None);
        insta::assert_snapshot!("nagios", lines);
    }

    #[test]
    fn a_long_name_loses_its_end_and_no_number() {
        let report = sample::hostile(&Text::from("é".repeat(3000).as_str()));
        let line = line(&report, Some(&"ü".repeat(2000)));
        assert!(line.len() <= LONGEST && line.len() > LONGEST - 10, "{}", line.len());
        let (text, numbers) = line.split_once(" | ").expect("numbers");
        assert!(text.ends_with("...") && numbers.starts_with("critical=1;;0;0 high=0;;0;0 "), "{line}");
        assert!(numbers.ends_with("gaps=1;;;0\n"), "{line}");
    }

    proptest! {
        #[test]
        fn a_name_stays_text(name in prop::collection::vec(any::<u8>(), 0..60), unknown in any::<bool>()) {
            let mut report = sample::hostile(&Text::from(name.as_slice()));
            if unknown {
                report.exit = Exit::Unknown;
            }
            let line = line(&report, None);
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert_eq!(line.matches('|').count(), 1);
            prop_assert!(line.len() <= LONGEST);
            prop_assert!(!line.trim_end().contains(['<', '>', '&', '`', '$', '\'', '"']) && !line.trim_end().contains(char::is_control));
        }
    }
}
