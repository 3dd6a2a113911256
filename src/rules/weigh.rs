//! How much a weakness of a service counts where only a port number, or an owner too, speaks for the service.

use super::{Credible, Subject};
use crate::finding::{Evidence, Severity};
use crate::model::{Process, Text};
use crate::registry::{Entry, Security, Weakness, WeaknessClass};

/// The two ways in which a service can be weak, each with rules of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    /// Whoever reaches it controls it.
    Control,
    /// What it says can be read or forged on the way.
    Secrecy,
}

/// The way in which an entry is weak, and its weakness.
fn harm(entry: Entry) -> Option<(Harm, Weakness)> {
    let weakness = entry.weakness()?;
    let harm = match weakness.class {
        WeaknessClass::UnauthenticatedControl => Harm::Control,
        WeaknessClass::CleartextCredentials
        | WeaknessClass::WeakOrObsoleteCrypto
        | WeaknessClass::CleartextDisclosure => Harm::Secrecy,
        // What depends on the use concerns the login where by default none is asked for, or where all is encrypted and
        // clients need no password; else it concerns the encryption.
        WeaknessClass::Conditional => {
            let acts = !matches!(entry.plane(), Some("data" | "telemetry"));
            match entry.auth() {
                Some("none" | "host-based") if acts || is_encrypted(entry) => Harm::Control,
                Some("cert" | "varies") if is_encrypted(entry) => Harm::Control,
                _ => Harm::Secrecy,
            }
        }
    };
    Some((harm, weakness))
}

/// True where a service by default is encrypted from the first byte.
pub(super) fn is_encrypted(entry: Entry) -> bool {
    use Security::{Dtls, OwnCrypto, Quic, Ssh, Tls};
    matches!(entry.security(), Some(Tls | Ssh | Dtls | Quic | OwnCrypto))
}

/// True where a service by default asks its clients for no login.
pub(super) fn asks_for_nothing(entry: Entry) -> bool {
    matches!(entry.auth(), Some("none" | "host-based"))
}

/// A weakness, weighed.
pub(super) struct Weighed<'a> {
    /// How soon somebody should act.
    pub(super) severity: Severity,
    /// The claim; its likeliest service is the one to speak of.
    pub(super) claim: Credible<'a>,
    /// The weakness of that service.
    pub(super) weakness: Weakness,
    /// What the claim rests on.
    pub(super) evidence: Vec<Evidence>,
}

/// Weighs the claim of a listener for one harm; `None` where it has none that is worth a word.
///
/// A confirmed claim counts in full. One that nothing but the number speaks for counts as the mildest of what may be
/// there: at most low where anything may be there that is not weak in that way, or is so on a condition, or where the
/// kernel hands out the number and the policy alone says that it is meant; and not at all where the likeliest service is
/// not weak in that way, since a finding has to name one. What the registry gives as info is not worth a finding.
pub(super) fn weigh<'a>(subject: &'a Subject<'_>, wanted: Harm) -> Option<Weighed<'a>> {
    let claim = subject.credible_claim()?;
    let weak = |entry: Entry| harm(entry).filter(|(harm, _)| *harm == wanted).map(|(_, weakness)| weakness);
    let weight = |entry: Entry| match weak(entry) {
        Some(weakness) => {
            let certain = claim.confirmed || weakness.class != WeaknessClass::Conditional;
            let severity = subject.reach().severity(&weakness);
            if certain { severity } else { severity.min(Severity::Low) }
        }
        None => Severity::Low,
    };
    let weakness = weak(claim.entry())?;
    let mut severity = claim.candidates().map(weight).min()?;
    if subject.kernel_chosen && !claim.confirmed {
        severity = severity.min(Severity::Low);
    }
    if severity == Severity::Info {
        return None;
    }
    let entry = claim.entry();
    let evidence = vec![
        basis(subject, claim),
        Evidence::new("registry", format!("{} ({}): {}", entry.name(), entry.title(), weakness.why)),
        Evidence::new("address", format!("exposure: {}", subject.exposure.name())),
    ];
    Some(Weighed { severity, claim, weakness, evidence })
}

/// What a claim rests on.
pub(super) fn basis(subject: &Subject<'_>, claim: Credible<'_>) -> Evidence {
    let verified = || subject.owners.iter().filter_map(|process: &&Process| process.verified_exe());
    if claim.confirmed {
        let listed = |exe: &&Text| claim.entry().owners().any(|name| exe.is_program(name));
        let trusted = || subject.owners.iter().filter_map(|process: &&Process| process.trusted_exe());
        // A version behind the name is not in the registry: then the first is the one.
        if let Some(exe) = trusted().find(listed).or_else(|| trusted().next()) {
            return Evidence::new(
                "owner",
                format!("{} is among the owners of {}", exe.escaped(), claim.entry().name()),
            );
        }
    }
    let shared = match claim.candidates().count() {
        0 | 1 => String::new(),
        services => format!(", which {services} services share"),
    };
    let owner = match verified().next() {
        Some(exe) => format!("{} does not decide it", exe.escaped()),
        None => "the owner is not verified".to_owned(),
    };
    let chance = if subject.kernel_chosen { ", and the kernel may have chosen it" } else { "" };
    Evidence::new("owner", format!("the port number alone{shared}{chance}; {owner}"))
}
