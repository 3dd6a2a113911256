//! What the last run saw and told, so that the next can say what is new.
//!
//! A state is compared with a report ([`compare()`]) and followed by the next state ([`next()`]); [`State::decode`] and
//! [`State::encode`] are its form on disk, `earmark.state/1`. Two runs need not see the same: another user, other
//! capabilities, a table that could not be read. A state therefore says what its run could see ([`Sight`]), and what it
//! could not have seen is never called new, nor is gone what this run cannot see.

mod compare;
mod coverage;
#[cfg(test)]
mod coverage_tests;
mod form;
mod next;
mod sight;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::finding::{Finding, Severity};
use crate::model::{Host, NetNsKind, OwnerStatus, Text, Timestamp, Transport};
use crate::report::{Listener, Report};

pub use compare::{Change, Gone, GoneFinding, News, Remind, compare};
pub use coverage::{Lack, SeenLack};
pub use form::{LARGEST, Problem};
pub use next::next;
pub use sight::Sight;

/// The most listeners, and the most findings, that a state holds. Whoever may open sockets decides how many there are,
/// so there is an end; a loaded host has a tenth of it.
pub const MOST_ENTRIES: usize = 32_768;

/// What one run saw and told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// 32 hexadecimal digits, drawn when the state began; another one says that an older state was lost or set aside.
    pub epoch: String,
    /// The id of the host, where it has one: see [`Host::id`].
    pub host: Option<String>,
    /// The version of the program that made it.
    pub version: String,
    /// When its run looked at the host.
    pub taken_at: Timestamp,
    /// From where its run looked, and how much it could see.
    pub sight: Sight,
    /// The listeners, by fingerprint.
    pub listeners: BTreeMap<String, SeenListener>,
    /// The findings that no suppression names, by fingerprint.
    pub findings: BTreeMap<String, SeenFinding>,
    /// What its run, or one shortly before, could not see: by a name of ours, which says no more than what it is.
    pub lacks: BTreeMap<String, SeenLack>,
    /// How many listeners and findings it had no room for.
    pub left_out: u64,
}

/// A listener that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenListener {
    /// Its endpoint, escaped, with `ephemeral` for a port that will be another next time.
    pub endpoint: String,
    /// Its transport.
    pub transport: Transport,
    /// The kind of its namespace.
    pub netns: NetNsKind,
    /// The executable of its first owner, escaped and shortened; for eyes.
    pub exe: Option<String>,
    /// Whose it is could be seen, or that it is nobody's. Where not, its fingerprint says less than that of another run.
    pub attributed: bool,
    /// It comes and goes with each question to a name server: its port is the kernel's choice, nobody finds fault with it,
    /// and who holds it is beyond doubt.
    pub passing: bool,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
}

/// A finding that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenFinding {
    /// The rule.
    pub rule: String,
    /// How grave it was.
    pub severity: Severity,
    /// The endpoint or the entry of the policy that it is about, escaped; `None` where it is about neither.
    pub endpoint: Option<String>,
    /// The fingerprint of the listener that it is about.
    pub listener: Option<String>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last told.
    pub last_told: Timestamp,
}

impl State {
    /// True where it may be of this host: a state that came with the image of another says nothing of this one.
    pub fn is_of(&self, host: &Host) -> bool {
        match (&self.host, &host.id) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        }
    }
}

/// The longest text of a state in bytes: names may be long, and there may be many.
const LONGEST: usize = 240;

/// The beginning of a text, no longer than [`LONGEST`].
fn shortened(text: &str) -> String {
    let text = text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default();
    text.to_owned()
}

/// The endpoint of a listener as a state has it.
fn place(listener: &Listener) -> String {
    match listener.endpoint.rsplit_once(':') {
        Some((before, _)) if listener.port_by_chance => shortened(&format!("{before}:ephemeral")),
        _ => shortened(&listener.endpoint),
    }
}

/// See [`SeenListener::passing`].
fn is_passing(report: &Report, listener: &Listener) -> bool {
    listener.port_by_chance && report.is_unsuspicious_udp(listener)
}

/// The endpoint or the entry of the policy that a finding is about.
fn subject(report: &Report, finding: &Finding) -> Option<String> {
    match finding.listener() {
        Some(at) => Some(shortened(&report.listeners[at].endpoint)),
        None => report.entry_of(finding).map(|(_, what, _)| shortened(&Text::from(what.as_str()).escaped())),
    }
}

/// True where it could be seen whose a listener is, or that it is nobody's.
fn is_attributed(listener: &Listener) -> bool {
    matches!(listener.owner_status, OwnerStatus::Known | OwnerStatus::Kernel | OwnerStatus::None)
}

/// What a state keeps of a listener that is seen for the first time.
fn seen(report: &Report, listener: &Listener, now: Timestamp) -> SeenListener {
    let exe = report.first_owner(listener).and_then(|process| process.exe.as_ref());
    SeenListener {
        endpoint: place(listener),
        transport: listener.socket.transport,
        netns: report.netns(listener).kind,
        exe: exe.map(|exe| shortened(&exe.escaped())),
        attributed: is_attributed(listener),
        passing: is_passing(report, listener),
        first_seen: now,
        last_seen: now,
    }
}
