//! From what is here to what may be here: expectations that people review, in the words of a policy.
//!
//! An entry says who may be where and never which process it was: no pid, no inode, no time. The same host gives the same
//! text, so that a change shows in a diff.

mod entry;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::finding::Severity;
use crate::model::State;
use crate::report::{Listener, Report};

pub use entry::{Entry, quoted, without};

/// What a listener has against it, so that nobody should approve it without a look.
const DOUBTFUL_FROM: Severity = Severity::Medium;

/// The expectations that a host would fulfil, as a policy file.
pub fn record(report: &Report) -> String {
    let mut entries: BTreeMap<Entry, (Vec<&Listener>, Vec<String>)> = BTreeMap::new();
    let mut left_out = 0;
    for listener in &report.listeners {
        if !is_lasting(listener) {
            left_out += 1;
            continue;
        }
        let entry = Entry::of(report, listener);
        let (listeners, doubts) = entries.entry(entry).or_default();
        listeners.push(listener);
        for doubt in doubts_about(report, listener) {
            if !doubts.contains(&doubt) {
                doubts.push(doubt);
            }
        }
    }
    // What is alike but for its port is one entry; what is doubtful stands alone, to be decided alone.
    let mut merged: Vec<(Entry, Vec<&Listener>, Vec<String>)> = Vec::new();
    for (entry, (listeners, doubts)) in entries {
        if let Some((last, before, old)) = merged.last_mut()
            && old.is_empty()
            && doubts.is_empty()
            && last.takes(&entry)
        {
            before.extend(listeners);
            continue;
        }
        merged.push((entry, listeners, doubts));
    }
    let mut text = String::from(
        "# Recorded by `earmark baseline record`: what listened on one host. Read each entry before you keep it, and say why\n\
         # it may be here. What looks wrong is commented out, with the reason.\n\
         schema = 1\n\n[settings]\ndefault = \"deny\"\n",
    );
    if left_out > 0 {
        text += &format!(
            "\n# {left_out} {} on ports that the kernel chose, or that serve nobody, need no entry.\n",
            if left_out == 1 { "socket" } else { "sockets" }
        );
    }
    for (entry, listeners, doubts) in merged {
        text.push('\n');
        text += &entry.text(&endpoints(&listeners), &doubts);
    }
    text
}

/// What speaks against approving a listener as it is.
pub fn doubts_about(report: &Report, listener: &Listener) -> Vec<String> {
    let grave = listener.findings.iter().map(|at| &report.findings[*at]);
    let grave = grave.filter(|finding| finding.severity >= DOUBTFUL_FROM && finding.rule.theme != POLICY);
    let mut doubts: Vec<String> = grave
        .map(|finding| format!("{}, {}: {}", finding.rule.name, finding.severity.name(), finding.message))
        .collect();
    doubts.extend(Entry::doubt(report, listener));
    doubts
}

/// What the policy itself found is no reason against writing one.
const POLICY: crate::finding::Theme = crate::finding::Theme::Policy;

/// False for what is gone with the next start, or serves nobody.
fn is_lasting(listener: &Listener) -> bool {
    match listener.socket.state {
        State::Listen => true,
        State::Unconnected => !listener.ephemeral,
        _ => false,
    }
}

/// The endpoints of listeners, each once.
fn endpoints(listeners: &[&Listener]) -> Vec<String> {
    let mut endpoints: Vec<String> = listeners.iter().map(|listener| listener.endpoint.clone()).collect();
    endpoints.dedup();
    endpoints
}

/// The entry that approves one listener, with the reason.
pub fn approve(report: &Report, listeners: &[&Listener], reason: &str) -> Vec<String> {
    let mut entries: Vec<Entry> = Vec::new();
    for listener in listeners {
        let entry = Entry::of(report, listener);
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    let text = |entry: &Entry| {
        let mut lines = entry.lines();
        lines.push(format!("reason = {}", quoted(reason)));
        lines.join("\n")
    };
    entries.iter().map(text).collect()
}

/// The entries that take the findings of one listener until a day, each with the reason.
pub fn suppress(report: &Report, listeners: &[&Listener], reason: &str, expires: &str) -> Vec<String> {
    let mut entries = Vec::new();
    for listener in listeners {
        let selector = Entry::of(report, listener).inline();
        let live = listener.findings.iter().map(|at| &report.findings[*at]).filter(|finding| finding.is_live());
        for finding in live {
            for rule in std::iter::once(finding.rule.name).chain(finding.also.iter().copied()) {
                let entry = format!(
                    "[[suppress]]\nrule = {}\nmatch = {{ {selector} }}\nreason = {}\nexpires = {expires}",
                    quoted(rule),
                    quoted(reason),
                );
                if !entries.contains(&entry) {
                    entries.push(entry);
                }
            }
        }
    }
    entries
}
