//! The state that follows a run.

use std::collections::BTreeMap;

use super::compare::listener_of;
use super::{MOST_ENTRIES, News, SeenFinding, SeenLack, SeenListener, Sight, State, is_attributed, seen, subject};
use crate::finding::Status;
use crate::model::Timestamp;
use crate::report::Report;

/// The state that follows a run: what it saw, and what of the last run's it could not see.
///
/// `told` is true where the findings were delivered, and so begin to wait for their next reminder. Nothing may be
/// written where news was not delivered: what is in a state counts as told.
pub fn next(old: Option<&State>, report: &Report, news: &News, now: Timestamp, told: bool) -> State {
    let (listeners, lost) = listeners(old, report, news, now);
    let (findings, lost_findings) = findings(old, report, news, now, told);
    State {
        epoch: old.map_or_else(|| report.run_id.clone(), |old| old.epoch.clone()),
        host: report.host.id.clone(),
        version: report.tool.version.to_owned(),
        taken_at: now,
        sight: Sight::of(report),
        lacks: lacks(news, now, told),
        listeners,
        findings,
        left_out: lost + lost_findings,
    }
}

/// What was told with the rest need not be told again soon.
fn lacks(news: &News, now: Timestamp, told: bool) -> BTreeMap<String, SeenLack> {
    let with_the_rest = |lack: &SeenLack| told && lack.missing && lack.told;
    let next = |(key, lack): (&String, &SeenLack)| {
        let last_told = if with_the_rest(lack) { now } else { lack.last_told };
        (key.clone(), SeenLack { last_told, ..*lack })
    };
    news.lacks.iter().map(next).collect()
}

fn listeners(
    old: Option<&State>,
    report: &Report,
    news: &News,
    now: Timestamp,
) -> (BTreeMap<String, SeenListener>, u64) {
    let mut listeners: BTreeMap<String, SeenListener> = BTreeMap::new();
    for (at, listener) in report.listeners.iter().enumerate() {
        let known = news.known[at].as_ref().and_then(|key| Some((key, old?.listeners.get(key)?)));
        let (fingerprint, entry) = match known {
            // The other run saw more of it.
            Some((key, known)) if known.attributed && !is_attributed(listener) => (key.clone(), known.clone()),
            _ => (report.fingerprint(listener).digest(), seen(report, listener, now)),
        };
        let first_seen = known.map_or(now, |(_, known)| known.first_seen);
        let entry = SeenListener { first_seen, last_seen: now, ..entry };
        let there = listeners.entry(fingerprint).or_insert_with(|| entry.clone());
        there.first_seen = there.first_seen.min(entry.first_seen);
        there.passing &= entry.passing;
    }
    let kept = old.iter().flat_map(|old| &old.listeners).filter(|(key, _)| news.kept.contains(*key));
    for (key, entry) in kept {
        listeners.entry(key.clone()).or_insert_with(|| entry.clone());
    }
    // Those that were known longest stay, so that a flood of new ones makes nothing forgotten.
    let lost = bound(&mut listeners, |entry| (entry.first_seen, entry.endpoint.clone()));
    (listeners, lost)
}

fn findings(
    old: Option<&State>,
    report: &Report,
    news: &News,
    now: Timestamp,
    told: bool,
) -> (BTreeMap<String, SeenFinding>, u64) {
    let mut findings: BTreeMap<String, SeenFinding> = BTreeMap::new();
    for (at, finding) in report.findings.iter().enumerate() {
        if finding.status == Some(Status::Suppressed) {
            continue;
        }
        let known = news.told[at].as_ref().and_then(|key| Some((key, old?.findings.get(key)?)));
        let attributed = finding.listener().is_none_or(|at| is_attributed(&report.listeners[at]));
        let fingerprint = match known {
            Some((key, _)) if !attributed => key.clone(),
            _ => report.fingerprint_of(finding).digest(),
        };
        let entry = SeenFinding {
            rule: finding.rule.name.to_owned(),
            severity: finding.severity,
            endpoint: subject(report, finding),
            listener: listener_of(news, report, finding.about),
            first_seen: known.map_or(now, |(_, known)| known.first_seen),
            last_told: known.filter(|_| !told).map_or(now, |(_, known)| known.last_told),
        };
        let there = findings.entry(fingerprint).or_insert_with(|| entry.clone());
        there.severity = there.severity.max(entry.severity);
        there.first_seen = there.first_seen.min(entry.first_seen);
    }
    let kept = old.iter().flat_map(|old| &old.findings).filter(|(key, _)| news.kept_findings.contains(*key));
    for (key, entry) in kept {
        findings.entry(key.clone()).or_insert_with(|| entry.clone());
    }
    let lost = bound(&mut findings, |entry| (std::cmp::Reverse(entry.severity), entry.first_seen));
    (findings, lost)
}

/// Leaves the first [`MOST_ENTRIES`] by `rank`, and counts the others.
pub(super) fn bound<V, K: Ord>(entries: &mut BTreeMap<String, V>, rank: impl Fn(&V) -> K) -> u64 {
    if entries.len() <= MOST_ENTRIES {
        return 0;
    }
    let mut order: Vec<(K, &String)> = entries.iter().map(|(key, entry)| (rank(entry), key)).collect();
    order.sort_unstable();
    let out: Vec<String> = order.into_iter().skip(MOST_ENTRIES).map(|(_, key)| key.clone()).collect();
    for key in &out {
        entries.remove(key);
    }
    out.len() as u64
}
