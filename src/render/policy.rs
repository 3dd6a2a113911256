//! The policy for eyes: what it says, each entry with its place, and what is wrong with it.

use std::io::{self, Write};

use super::Screen;
use super::words::{REMARK, count, paint, printable, wrap};
use crate::policy::{Coverage, Lint, Origin, Policy};

/// Writes what a policy says, in the order in which its files make it.
pub fn policy(policy: &Policy, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut lines: Vec<String> = policy.files.iter().map(|file| format!("file {file}")).collect();
    let settings = &policy.settings;
    let coverage: Vec<&str> = settings.require_coverage.iter().map(|one| Coverage::name(*one)).collect();
    lines.push(format!(
        "default {}, warn_at {}, critical_at {}, loopback {}, containers {}, remind_after {} h",
        settings.default.name(),
        settings.warn_at.name(),
        settings.critical_at.name(),
        settings.loopback.name(),
        settings.containers.name(),
        settings.remind_after / 3_600_000,
    ));
    lines.push(format!("require_coverage {}", coverage.join(", ")));
    for line in &lines {
        plain(line, screen, out)?;
    }
    let mut entry = |origin: Origin, kind: &str, what: String, notes: Vec<String>| -> io::Result<()> {
        writeln!(out)?;
        plain(&format!("{kind} {what}"), screen, out)?;
        for note in notes.into_iter().chain([policy.place(origin)]) {
            aside(&note, screen, out)?;
        }
        Ok(())
    };
    for expect in &policy.expects {
        let required = expect.required.then(|| "required".to_owned());
        entry(expect.origin, "expect", expect.name(), required.into_iter().chain(expect.reason.clone()).collect())?;
    }
    for forbid in &policy.forbids {
        entry(forbid.origin, "forbid", forbid.selector.to_string(), forbid.reason.iter().cloned().collect())?;
    }
    for suppress in &policy.suppresses {
        let mut notes = vec![format!("until {}: {}", suppress.expires, suppress.reason)];
        notes.extend(suppress.owner.as_ref().map(|owner| format!("owner {owner}")));
        notes.extend(suppress.ticket.as_ref().map(|ticket| format!("ticket {ticket}")));
        entry(suppress.origin, "suppress", format!("{} for {}", suppress.rule, suppress.selector), notes)?;
    }
    for severity in &policy.severities {
        entry(severity.origin, "severity", format!("{} is {}", severity.rule, severity.severity.name()), Vec::new())?;
    }
    out.flush()
}

/// Writes what is wrong with a policy.
pub fn policy_lints(policy: &Policy, lints: &[Lint], screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    for lint in lints {
        plain(&format!("{}: {} [{}]", policy.place(lint.origin), lint.message, lint.kind), screen, out)?;
        aside(&format!("instead: {}", lint.remedy), screen, out)?;
    }
    let found = if lints.is_empty() { "nothing to mend".to_owned() } else { count(lints.len(), "remark") };
    let parts = [
        count(policy.files.len(), "file"),
        count(policy.expects.len(), "expectation"),
        count(policy.forbids.len(), "prohibition"),
        count(policy.suppresses.len(), "suppression"),
    ];
    plain(&format!("{}: {found}", parts.join(", ")), screen, out)?;
    out.flush()
}

fn plain(text: &str, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    for line in wrap(&printable(text), screen.width.map(usize::from)) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn aside(text: &str, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    for line in wrap(&printable(text), screen.width.map(|width| usize::from(width).saturating_sub(2))) {
        writeln!(out, "  {}", paint(&line, REMARK, screen.color))?;
    }
    Ok(())
}
