//! An audit for eyes: what is wrong, the gravest first, and what the answer rests on.

use std::io::{self, BufWriter, Write};

use super::super::words::{count, paint, printable, severity_style, wrap};
use super::super::{Screen, View, order};
use super::{findings, fold, summary};
use crate::audit::Outcome;
use crate::error::Exit;
use crate::finding::Severity;
use crate::report::Report;

/// Writes the findings of an audit, and below them how it ended and on what that rests.
pub fn audit(report: &Report, outcome: &Outcome, view: &View, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let listeners = order::listeners(report, view);
    let folded = fold::folded(report, view, &listeners);
    let told = findings::lines(report, view, screen, &listeners, &folded.rows);
    for line in &told {
        writeln!(out, "{line}")?;
    }
    if !told.is_empty() {
        writeln!(out)?;
    }
    for line in below(report, outcome, screen) {
        writeln!(out, "{line}")?;
    }
    for line in summary::unseen(report, view, screen) {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

fn below(report: &Report, outcome: &Outcome, screen: &Screen) -> Vec<String> {
    let width = screen.width.map(usize::from);
    let summary = report.summary();
    let mut parts: Vec<String> = Vec::new();
    for severity in Severity::ALL.into_iter().rev() {
        let number = summary.findings[severity as usize];
        if number > 0 {
            parts.push(format!("{number} {}", severity.name()));
        }
    }
    if parts.is_empty() {
        parts.push("no findings".to_owned());
    }
    if summary.suppressed > 0 {
        parts.push(format!("{} suppressed", summary.suppressed));
    }
    let (verdict, style) = match outcome.exit {
        Exit::Ok => ("clean", severity_style(Severity::Info)),
        Exit::Warning => ("warning", severity_style(outcome.settings.warn_at)),
        Exit::Critical => ("critical", severity_style(Severity::Critical)),
        Exit::Unknown => ("could not tell", severity_style(Severity::Medium)),
    };
    let first = format!("{verdict}: {} on {}", parts.join(", "), count(summary.listeners, "listener"));
    let mut lines: Vec<String> = wrap(&first, width).iter().map(|line| paint(line, style, screen.color)).collect();
    for unmet in &outcome.unmet {
        lines.extend(wrap(&printable(&format!("could not tell: {}", unmet.told)), width));
    }
    let policy = match &report.policy {
        None => "policy: none, judged by the registry alone".to_owned(),
        Some(policy) => format!(
            "policy: {} of {}, default {}; a warning from {}, critical from {}",
            count(policy.expects.len(), "expectation"),
            count(policy.files.len(), "file"),
            policy.settings.default.name(),
            policy.settings.warn_at.name(),
            policy.settings.critical_at.name(),
        ),
    };
    lines.extend(summary::remark(&policy, screen));
    lines
}
