//! What to do instead of a weak service: its counterpart, whether that is there already, and what people use today.

use super::Subject;
use crate::registry::{Counterpart, Entry, Weakness};

/// The remedy for a weak service on this host: the secure counterpart and whether it listens here, the successor, and
/// the test that shows an administrator whether the weakness matters.
pub(super) fn instead(subject: &Subject<'_>, entry: Entry, weakness: &Weakness, otherwise: &str) -> String {
    let mut parts = Vec::new();
    let used: Vec<String> = entry.counterparts().map(|counterpart| usable(subject, counterpart)).collect();
    if used.is_empty() {
        parts.push(otherwise.to_owned());
    } else {
        parts.push(format!("use {}", used.join(", or ")));
    }
    parts.extend(entry.successor().map(|successor| format!("today: {successor}")));
    if !weakness.condition.is_empty() {
        parts.push(weakness.condition.to_owned());
    }
    parts.join("; ")
}

fn usable(subject: &Subject<'_>, counterpart: Counterpart) -> String {
    match counterpart {
        Counterpart::Service { transport, port, name } => {
            let here = if subject.serving.contains(&(transport, port)) {
                "which listens here too"
            } else {
                "which is not listening here"
            };
            format!("{port}/{} {name}, {here}", transport.name())
        }
        Counterpart::Text(text) => text.to_owned(),
    }
}
