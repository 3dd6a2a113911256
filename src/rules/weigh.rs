//! How much a weakness of a service counts where only a port number, or an owner too, speaks for the service.

use super::Subject;
use crate::finding::{Evidence, Severity};
use crate::model::{Process, Text};
use crate::registry::{Entry, Verdict, Weakness, WeaknessClass};

/// The two ways in which a service can be weak, each with rules of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    /// Whoever reaches it controls it.
    Control,
    /// What it says can be read or forged on the way.
    Secrecy,
}

/// The way in which an entry is weak, and its weakness.
pub(super) fn harm(entry: Entry) -> Option<(Harm, Weakness)> {
    let weakness = entry.weakness()?;
    let harm = match weakness.class {
        WeaknessClass::UnauthenticatedControl => Harm::Control,
        WeaknessClass::CleartextCredentials
        | WeaknessClass::WeakOrObsoleteCrypto
        | WeaknessClass::CleartextDisclosure => Harm::Secrecy,
        // What depends on the use is control where nothing is asked for before it acts.
        WeaknessClass::Conditional => {
            let acts = !matches!(entry.plane(), Some("data" | "telemetry"));
            if acts && matches!(entry.auth(), Some("none" | "host-based")) { Harm::Control } else { Harm::Secrecy }
        }
    };
    Some((harm, weakness))
}

/// A weakness, weighed.
pub(super) struct Weighed {
    /// How soon somebody should act.
    pub(super) severity: Severity,
    /// The service to speak of.
    pub(super) entry: Entry,
    /// Its weakness.
    pub(super) weakness: Weakness,
    /// Every service that may be there and is weak in that way administers something.
    pub(super) management: bool,
    /// What the claim rests on.
    pub(super) evidence: Vec<Evidence>,
    /// `serves telnet`, or `claims telnet` where the number alone says so.
    pub(super) says: String,
}

/// Weighs the claim of a listener for one harm; `None` where it has none that is worth a word.
///
/// A confirmed claim counts in full, and one that nothing but the number speaks for counts as the mildest of what may
/// be there: at most low where anything may be there that is not weak in that way, or is so on a condition. A
/// contradicted claim does not count: the service is not what is there. Whoever is on the host needs no network to
/// read and forge, so the registry's info is not worth a finding.
pub(super) fn weigh(subject: &Subject<'_>, wanted: Harm) -> Option<Weighed> {
    let claim = subject.claim.filter(|claim| subject.serves() && claim.verdict != Verdict::Contradicted)?;
    let confirmed = claim.verdict == Verdict::Confirmed;
    let others = if confirmed { &[] } else { claim.alternatives.as_slice() };
    let candidates = || std::iter::once(&claim.entry).chain(others);
    let weak = |entry: &Entry| harm(*entry).filter(|(harm, _)| *harm == wanted).map(|(_, weakness)| (*entry, weakness));
    let weight = |weakness: &Weakness| {
        let severity = subject.reach().severity(weakness);
        let capped = weakness.class == WeaknessClass::Conditional && !confirmed;
        if capped { severity.min(Severity::Low) } else { severity }
    };
    let found: Vec<(Entry, Weakness)> = candidates().filter_map(weak).collect();
    let (entry, weakness) = *found.first()?;
    let mut severity = found.iter().map(|(_, weakness)| weight(weakness)).min()?;
    if found.len() < candidates().count() {
        severity = severity.min(Severity::Low);
    }
    if severity == Severity::Info {
        return None;
    }
    let mut evidence = vec![basis(subject, confirmed, entry, candidates().count())];
    evidence.push(Evidence::new("registry", format!("{} ({}): {}", entry.name(), entry.title(), weakness.why)));
    evidence.push(Evidence::new("address", format!("reach: {}", subject.exposure.name())));
    let says = format!("{} {}", if confirmed { "serves" } else { "claims" }, entry.name());
    let management = found.iter().all(|(entry, _)| entry.is_management() == Some(true));
    Some(Weighed { severity, entry, weakness, management, evidence, says })
}

/// What a claim rests on.
fn basis(subject: &Subject<'_>, confirmed: bool, entry: Entry, candidates: usize) -> Evidence {
    let exe = |process: &&Process| process.verified_exe().map(Text::escaped);
    let verified = subject.owners.iter().find_map(exe);
    let text = match (confirmed, verified) {
        (true, Some(_)) => {
            // More than one program may hold it; the one that the registry lists is not told by the claim.
            let names: Vec<String> = distinct(subject.owners.iter().filter_map(exe));
            format!("{} is among the owners of {}", names.join(" or "), entry.name())
        }
        (_, verified) => {
            let owner = match verified {
                Some(exe) => format!("{exe} does not decide it"),
                None => "the owner is not verified".to_owned(),
            };
            match candidates {
                0 | 1 => format!("the port number alone; {owner}"),
                _ => format!("the port number alone, which {candidates} services share; {owner}"),
            }
        }
    };
    Evidence::new("owner", text)
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}
