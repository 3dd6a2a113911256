//! What the rows come to, and what could not be seen.

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use super::super::words::{REMARK, count, no_owner, paint, severity_style, wrap};
use super::super::{Screen, View};
use super::fold::Folded;
use crate::finding::Severity;
use crate::model::OwnerStatus;
use crate::report::{Report, Verdict};

/// Why an owner may not be known, in the order of telling.
const REASONS: [OwnerStatus; 5] = [
    OwnerStatus::Denied,
    OwnerStatus::OtherPidNamespace,
    OwnerStatus::Vanished,
    OwnerStatus::None,
    OwnerStatus::Unknown,
];

/// The lines below the rows.
pub(super) fn lines(report: &Report, view: &View, screen: &Screen, folded: &Folded<'_>) -> Vec<String> {
    let width = screen.width.map(usize::from);
    let mut lines = total(report, screen, folded);
    lines.extend(owners(report).iter().flat_map(|owners| wrap(owners, width)));
    lines.extend(unseen(report, view, screen));
    lines
}

/// What could not be seen.
pub(super) fn unseen(report: &Report, view: &View, screen: &Screen) -> Vec<String> {
    gaps(report, view).iter().flat_map(|gap| wrap(gap, screen.width.map(usize::from))).collect()
}

/// The sockets that have no row, as one remark.
pub(super) fn aside(screen: &Screen, folded: &Folded<'_>) -> Vec<String> {
    let mut processes: Vec<(&String, usize)> = folded.aside.iter().map(|(name, sockets)| (name, *sockets)).collect();
    if processes.is_empty() {
        return Vec::new();
    }
    processes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let sockets = count(processes.iter().map(|(_, sockets)| sockets).sum(), "ephemeral UDP socket");
    let names: Vec<String> = match processes.as_slice() {
        [(name, _)] => vec![(*name).clone()],
        many => many.iter().map(|(name, sockets)| format!("{name} ({sockets})")).collect(),
    };
    remark(&format!("also: {sockets} of {}", names.join(", ")), screen)
}

/// What the marks in the rows mean, where there are any.
pub(super) fn legend(screen: &Screen, folded: &Folded<'_>) -> Vec<String> {
    let claims = |verdict| {
        let services = folded.rows.iter().filter_map(|row| row.lead().service.as_ref());
        services.into_iter().any(|service| service.claim == verdict)
    };
    let mut marks = Vec::new();
    if claims(Verdict::Open) {
        marks.push("? by the port alone, the process does not decide it");
    }
    if claims(Verdict::Contradicted) {
        marks.push("not … the process is known for another");
    }
    if marks.is_empty() { Vec::new() } else { remark(&format!("service: {}", marks.join("; ")), screen) }
}

/// A remark in as many lines as it takes.
pub(super) fn remark(text: &str, screen: &Screen) -> Vec<String> {
    wrap(text, screen.width.map(usize::from)).iter().map(|line| paint(line, REMARK, screen.color)).collect()
}

fn total(report: &Report, screen: &Screen, folded: &Folded<'_>) -> Vec<String> {
    let summary = report.summary();
    if summary.listeners == 0 {
        return vec!["no listener found".to_owned()];
    }
    let mut total = count(summary.listeners, "listener");
    if folded.rows.len() + folded.aside.values().sum::<usize>() != summary.listeners {
        total.push_str(&format!(" in {}", count(folded.rows.len(), "row")));
    }
    let mut parts: Vec<(String, Style)> = Vec::new();
    for severity in Severity::ALL.into_iter().rev() {
        let number = summary.findings[severity as usize];
        if number > 0 {
            parts.push((format!("{number} {}", severity.name()), severity_style(severity)));
        }
    }
    if parts.is_empty() {
        parts.push(("no findings".to_owned(), Style::new()));
    }
    let mut lines = vec![format!("{total}:")];
    let mut used = total.width() + 1;
    let last = parts.len() - 1;
    for (at, (part, style)) in parts.into_iter().enumerate() {
        let comma = if at < last { "," } else { "" };
        used += 1 + part.width() + comma.len();
        if screen.width.is_some_and(|width| used > usize::from(width)) {
            used = part.width() + comma.len();
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(&paint(&part, style, screen.color));
            line.push_str(comma);
        }
    }
    lines
}

fn owners(report: &Report) -> Option<String> {
    let number = |status| report.listeners.iter().filter(|listener| listener.owner_status == status).count();
    let reasons: Vec<(usize, &str)> = REASONS
        .into_iter()
        .map(|status| (number(status), no_owner(status)))
        .filter(|(number, _)| *number > 0)
        .collect();
    let unknown = format!("{} not known", count(report.summary().unattributed, "owner"));
    match reasons.as_slice() {
        [] => None,
        [(_, reason)] => Some(format!("{unknown}: {reason}")),
        many => {
            let many: Vec<String> = many.iter().map(|(number, reason)| format!("{number} {reason}")).collect();
            Some(format!("{unknown}: {}", many.join(", ")))
        }
    }
}

/// What could not be seen: the first gap and how to mend it, or every one.
fn gaps(report: &Report, view: &View) -> Vec<String> {
    let told = if view.verbose > 0 { report.gaps.len() } else { 1 };
    let mut lines: Vec<String> = Vec::new();
    // What hardly any run may see would be told by every one.
    let usual = report.usual_gaps.iter().filter(|_| view.verbose > 0);
    for gap in report.gaps.iter().take(told).chain(usual) {
        lines.push(format!("not seen: {} ({}): {}; remedy: {}", gap.what, gap.why, gap.consequence, gap.remedy));
    }
    match report.gaps.len().saturating_sub(told) {
        0 => {}
        1 => lines.push("and 1 more gap (-v tells it)".to_owned()),
        more => lines.push(format!("and {more} more gaps (-v tells them)")),
    }
    if lines.is_empty() && !report.is_complete() {
        lines.push("not everything could be seen: --json lists what, under coverage".to_owned());
    }
    lines.iter().map(|line| super::super::words::printable(line).into_owned()).collect()
}
