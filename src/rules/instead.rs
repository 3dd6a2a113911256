//! What to do instead of a weak service: its counterpart, whether that is there already, and what people use today.

use super::Subject;
use crate::registry::{Counterpart, Entry, Weakness};

/// The remedy for a weak service on this host: the secure counterpart and whether it listens here, the successor, and
/// the test that shows an administrator whether the weakness matters. It does not begin with "instead": whoever prints it
/// says that.
pub(super) fn instead(subject: &Subject<'_>, entry: Entry, weakness: &Weakness, otherwise: &str) -> String {
    let (mut services, mut others) = (Vec::new(), Vec::new());
    for counterpart in entry.counterparts() {
        match counterpart {
            Counterpart::Service { transport, port, name } => {
                let listens = subject.serving.contains(&(transport, port));
                let here = if listens { "which listens here too" } else { "which is not listening here" };
                services.push(format!("{port}/{} {name}, {here}", transport.name()));
            }
            Counterpart::Text(text) => others.push(text.to_owned()),
        }
    }
    // What can be looked for here comes first.
    services.append(&mut others);
    let mut parts = vec![match services.is_empty() {
        true => otherwise.to_owned(),
        false => format!("use {}", services.join(", or ")),
    }];
    parts.extend(entry.successor().map(|successor| format!("today: {successor}")));
    if !weakness.condition.is_empty() {
        parts.push(weakness.condition.to_owned());
    }
    parts.join("; ")
}
