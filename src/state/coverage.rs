//! What a run could not see and the last could, or the policy requires: when it is told, and when told again.
//!
//! A loss is told at once, and so is its end. One that comes back within the time after which open findings are told
//! again is told only when it lasts for a second run: a table that changes faster than it can be read is unstable in
//! every other run, and nobody reads a message that comes with each. After that time it is told whenever it is there,
//! and what the policy requires is told again for as long as it is missing: nothing is silent for good.

use std::collections::{BTreeMap, BTreeSet};

use super::{Remind, Sight, State};
use crate::model::{NetNsKind, Timestamp, Transport};

/// Something that the policy requires to be seen and was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// What is required, by its name in policies.
    pub coverage: String,
    /// Why it is missing, in words that are the same with each run: no count, and no name that somebody chose.
    pub cause: String,
    /// The same for eyes, in a sentence.
    pub told: String,
}

/// Something that a run could not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenLack {
    /// The last run could not see it.
    pub missing: bool,
    /// What was last told is that it cannot be seen, and not that it is seen again.
    pub told: bool,
    /// When that was.
    pub last_told: Timestamp,
}

/// What is told of one thing that cannot be seen, or could not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Lost,
    Still,
    Back,
}

/// What one run remembers and tells of what it cannot see.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    /// For the next run.
    pub(super) lacks: BTreeMap<String, SeenLack>,
    /// What it sees otherwise than the last, in words.
    pub(super) sight: Vec<String>,
    /// What the policy requires: missing, missing still, or seen again, in words.
    pub(super) unmet: Vec<String>,
}

/// What changed since the last run. To the first everything was told.
pub(super) fn coverage(
    old: Option<&State>,
    sight: &Sight,
    unmet: &[Lack],
    now: Timestamp,
    remind: &Remind,
) -> Coverage {
    let mut found = Coverage::default();
    for part in parts(old, sight) {
        let missing = !part.is_seen(sight);
        let seen = old.and_then(|old| {
            let told = SeenLack { missing: true, told: true, last_told: old.taken_at };
            old.lacks.get(&part.key()).copied().or((!part.is_seen(&old.sight)).then_some(told))
        });
        let word = found.step(part.key(), seen, missing, now, remind);
        match word.filter(|_| old.is_some()) {
            Some(Word::Lost) => found.sight.push(part.lost()),
            Some(Word::Back) => found.sight.push(part.back()),
            // Only what the policy requires is told again.
            Some(Word::Still) | None => {}
        }
    }
    let remembered = old.iter().flat_map(|old| old.lacks.keys()).filter(|key| key.starts_with(REQUIRED));
    let keys: BTreeSet<String> = remembered.cloned().chain(unmet.iter().map(Lack::key)).collect();
    for key in keys {
        let lack = unmet.iter().find(|lack| lack.key() == key);
        let seen = old.and_then(|old| old.lacks.get(&key).copied());
        let word = found.step(key.clone(), seen, lack.is_some(), now, remind);
        let (Some(word), Some(_)) = (word, old) else { continue };
        let coverage = key[REQUIRED.len()..].split(':').next().unwrap_or_default();
        match (word, lack) {
            (Word::Lost, Some(lack)) => found.unmet.push(format!("required and not seen: {}", lack.told)),
            (Word::Still, Some(lack)) => found.unmet.push(format!("required and still not seen: {}", lack.told)),
            // Where it is missing for another reason now, that reason is the news.
            _ if unmet.iter().any(|lack| lack.coverage == coverage) => {}
            _ => found.unmet.push(format!("required and seen again: {coverage}")),
        }
    }
    found
}

impl Coverage {
    /// One thing, one run further; what is to be told of it.
    fn step(
        &mut self,
        key: String,
        seen: Option<SeenLack>,
        missing: bool,
        now: Timestamp,
        remind: &Remind,
    ) -> Option<Word> {
        // A clock that was set back must not silence it for years.
        let long_ago = |seen: SeenLack| now.0.abs_diff(seen.last_told.0) >= remind.after.unsigned_abs();
        let lost = (Some(SeenLack { missing: true, told: true, last_told: now }), Some(Word::Lost));
        let (next, word) = match (seen, missing) {
            (None, false) => (None, None),
            (None, true) => lost,
            (Some(seen), true) if seen.told => match key.starts_with(REQUIRED) && long_ago(seen) {
                true => (Some(SeenLack { missing, last_told: now, ..seen }), Some(Word::Still)),
                false => (Some(SeenLack { missing, ..seen }), None),
            },
            (Some(seen), true) if seen.missing || long_ago(seen) => lost,
            (Some(seen), true) => (Some(SeenLack { missing, ..seen }), None),
            (Some(seen), false) if seen.told => {
                (Some(SeenLack { missing, told: false, last_told: now }), Some(Word::Back))
            }
            (Some(seen), false) => (Some(SeenLack { missing, ..seen }).filter(|_| !long_ago(seen)), None),
        };
        if let Some(next) = next {
            self.lacks.insert(key, next);
        }
        word
    }
}

/// What the keys of required coverage begin with.
const REQUIRED: &str = "required ";

impl Lack {
    fn key(&self) -> String {
        format!("{REQUIRED}{}: {}", self.coverage, self.cause)
    }
}

/// A part of what a run sees.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Processes,
    Namespaces,
    Tables(NetNsKind, Transport),
}

/// The parts that two runs could differ in.
fn parts(old: Option<&State>, sight: &Sight) -> BTreeSet<Part> {
    let mut parts = BTreeSet::from([Part::Processes, Part::Namespaces]);
    let tables = sight.tables.keys().chain(old.iter().flat_map(|old| old.sight.tables.keys()));
    parts.extend(tables.map(|(netns, transport)| Part::Tables(*netns, *transport)));
    for netns in [NetNsKind::Host, NetNsKind::Container, NetNsKind::Other] {
        let known = Transport::ALL.map(|transport| Part::Tables(netns, transport));
        parts.extend(known.into_iter().filter(|part| old.is_some_and(|old| old.lacks.contains_key(&part.key()))));
    }
    parts
}

impl Part {
    fn key(self) -> String {
        match self {
            Self::Processes => "processes".to_owned(),
            Self::Namespaces => "namespaces".to_owned(),
            Self::Tables(netns, transport) => format!("tables {} {}", netns.name(), transport.name()),
        }
    }

    fn is_seen(self, sight: &Sight) -> bool {
        match self {
            Self::Processes => sight.owners,
            Self::Namespaces => sight.namespaces,
            Self::Tables(netns, transport) => sight.covers(netns, transport),
        }
    }

    fn lost(self) -> String {
        match self {
            Self::Processes => "it no longer sees every process".to_owned(),
            Self::Namespaces => "it no longer sees every network namespace".to_owned(),
            Self::Tables(netns, transport) => {
                format!("it no longer reads the {} tables of {} namespaces whole", transport.name(), netns.name())
            }
        }
    }

    fn back(self) -> String {
        match self {
            Self::Processes => "it sees every process, as the last did not".to_owned(),
            Self::Namespaces => "it sees every network namespace, as the last did not".to_owned(),
            Self::Tables(netns, transport) => format!(
                "it reads the {} tables of {} namespaces whole, as the last did not",
                transport.name(),
                netns.name()
            ),
        }
    }
}
