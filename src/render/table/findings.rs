//! The findings as sentences, the gravest first.

use std::collections::{HashMap, HashSet};

use super::super::words::{
    REMARK, count, hex, kernel_label, netns_label, no_owner, paint, printable, probable, process_label, severity_style,
    wrap,
};
use super::super::{Screen, View, order};
use super::fold::Row;
use crate::finding::{Finding, Severity};
use crate::model::OwnerStatus;
use crate::report::{Listener, Report};

/// How many findings of one rule are told.
const MOST_OF_A_RULE: usize = 20;

/// How many endpoints of one finding are named.
const MOST_ENDPOINTS: usize = 4;

/// The column at which sentences begin: behind the longest severity.
const INDENT: usize = 10;

/// The lines that tell the findings on the listeners of the rows.
pub(super) fn lines(
    report: &Report,
    view: &View,
    screen: &Screen,
    listeners: &[usize],
    rows: &[Row<'_>],
) -> Vec<String> {
    let row_of = row_of(report, rows);
    let mut told = HashSet::new();
    let mut rules: HashMap<&str, (usize, usize)> = HashMap::new();
    let mut info = 0;
    let mut first = None;
    let mut lines = Vec::new();
    let mut last_of_rule: Vec<(&str, usize)> = Vec::new();
    for index in order::findings(report, view, listeners) {
        let finding = &report.findings[index];
        // What somebody accepted is counted below, and told to who asks.
        if !finding.is_live() && view.verbose == 0 {
            continue;
        }
        let at = finding.listener().and_then(|listener| row_of[listener]);
        let row = at.map(|row| &rows[row]);
        // What is said of one address of a row holds for the others.
        if !told.insert((at.ok_or(finding.about), finding.rule.name, &finding.message, &finding.remedy)) {
            continue;
        }
        if finding.severity == Severity::Info && view.verbose == 0 {
            info += 1;
            continue;
        }
        let (shown, hidden) = rules.entry(finding.rule.name).or_default();
        if *shown == MOST_OF_A_RULE {
            *hidden += 1;
            continue;
        }
        *shown += 1;
        first.get_or_insert(finding.rule.name);
        lines.extend(sentence(report, view, screen, finding, row));
        match last_of_rule.iter_mut().find(|(rule, _)| *rule == finding.rule.name) {
            Some((_, at)) => *at = lines.len(),
            None => last_of_rule.push((finding.rule.name, lines.len())),
        }
    }
    // From the back, since each line moves those behind it.
    last_of_rule.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
    for (rule, at) in last_of_rule {
        if let Some((_, hidden @ 1..)) = rules.get(rule) {
            lines.insert(at, format!("{:INDENT$}and {hidden} more of {rule} (--json lists all)", ""));
        }
    }
    if info > 0 {
        lines.extend(super::summary::remark(&format!("{} (told with -v)", count(info, "info finding")), screen));
    }
    if let Some(rule) = first {
        let more = format!("why, and what else: earmark explain {rule}");
        lines.extend(super::summary::remark(&more, screen));
    }
    lines
}

/// The row of each listener.
fn row_of(report: &Report, rows: &[Row<'_>]) -> Vec<Option<usize>> {
    let place: HashMap<*const Listener, usize> = rows
        .iter()
        .enumerate()
        .flat_map(|(at, row)| row.listeners.iter().map(move |l| (std::ptr::from_ref(*l), at)))
        .collect();
    report.listeners.iter().map(|listener| place.get(&std::ptr::from_ref(listener)).copied()).collect()
}

fn sentence(report: &Report, view: &View, screen: &Screen, finding: &Finding, row: Option<&Row<'_>>) -> Vec<String> {
    let width = screen.width.map(|width| usize::from(width).saturating_sub(INDENT));
    let style = severity_style(finding.severity);
    let listener = finding.listener().map(|at| &report.listeners[at]);
    let subject = match listener {
        Some(listener) => format!("{}{}", endpoints(listener, row), holder(report, view, listener)),
        None => match (report.entry_of(finding), report.netns_of(finding)) {
            (Some((kind, what, place)), _) => format!("{kind} {what} ({place})"),
            (None, netns) => {
                format!("network namespace {}", netns.map(|netns| netns_label(netns, view.stable)).unwrap_or_default())
            }
        },
    };
    let title = format!("{subject} [{}]", finding.rule.name);
    let mut told = vec![finding.message.clone(), format!("instead: {}", finding.remedy)];
    let accepted = finding.suppression.zip(report.policy.as_ref());
    if let Some(suppress) = accepted.and_then(|(at, policy)| policy.suppresses.get(at)) {
        told.push(format!("suppressed until {}: {}", suppress.expires, suppress.reason));
    }
    if view.verbose > 0 {
        told.extend(finding.evidence.iter().map(|evidence| format!("{}: {}", evidence.kind, evidence.text)));
        if !finding.also.is_empty() {
            told.push(format!("also: {}", finding.also.join(", ")));
        }
        if !finding.rule.controls.is_empty() {
            told.push(format!("controls: {}", finding.rule.controls.join(", ")));
        }
        if let Some(listener) = listener.filter(|_| !view.stable) {
            told.push(format!("listener: {}", hex(listener.id)));
        }
        told.push(format!("fingerprint: {}", report.fingerprint_of(finding).digest()));
    }
    let mut lines = Vec::new();
    for (at, line) in wrap(&printable(&title), width).iter().enumerate() {
        let severity = if at == 0 { finding.severity.name() } else { "" };
        lines.push(paint(&format!("{severity:INDENT$}{line}"), style, screen.color));
    }
    for (at, text) in told.iter().enumerate() {
        for line in wrap(&printable(text), width) {
            // What stands behind the remedy is for those who ask.
            lines.push(format!("{:INDENT$}{}", "", if at > 1 { paint(&line, REMARK, screen.color) } else { line }));
        }
    }
    lines
}

/// The endpoints of a row, each once.
fn endpoints(listener: &Listener, row: Option<&Row<'_>>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for listener in row.map_or(&[listener][..], |row| &row.listeners) {
        if !names.contains(&listener.endpoint.as_str()) {
            names.push(&listener.endpoint);
        }
    }
    let beyond = names.len().saturating_sub(MOST_ENDPOINTS);
    names.truncate(MOST_ENDPOINTS);
    let names = names.join(", ");
    if beyond > 0 { format!("{names} and {beyond} more") } else { names }
}

fn holder(report: &Report, view: &View, listener: &Listener) -> String {
    if let Some(probable) = probable(report, view, listener) {
        return format!(" ({probable})");
    }
    match report.first_owner(listener) {
        Some(process) if view.stable => format!(" {}", process_label(process)),
        Some(process) => format!(" {} {}", process_label(process), process.pid),
        None if listener.owner_status == OwnerStatus::Known => String::new(),
        None if let Some(owner) = listener.kernel_owner() => format!(" {}", kernel_label(owner)),
        None => format!(" ({})", no_owner(listener.owner_status)),
    }
}
