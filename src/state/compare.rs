//! What is new since the last run, what is gone, and what has to be told again.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::coverage::coverage;
use super::{Lack, SeenLack, Sight, State, is_attributed, is_passing, place};
use crate::finding::{About, Severity, Status};
use crate::model::{NetNsKind, Timestamp};
use crate::report::{Report, Seen};

/// When a finding that was told before is told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remind {
    /// After how many milliseconds.
    pub after: i64,
    /// From which severity on: below it once is enough.
    pub from: Severity,
}

impl Default for Remind {
    /// After a week, what has to be planned or is graver.
    fn default() -> Self {
        Self { after: 7 * 24 * 60 * 60 * 1000, from: Severity::Medium }
    }
}

/// What differs between a report and the last run's state. Indexes are those of the report.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct News {
    /// When the last run was; `None` for the first, to which everything is new.
    pub since: Option<Timestamp>,
    /// For each listener whether the last run saw it; `None` where it could not have.
    pub seen: Vec<Option<Seen>>,
    /// For each finding whether it was told; `None` where the last run could not have seen what it is about.
    pub status: Vec<Option<Status>>,
    /// Findings that were not told before.
    pub findings: Vec<usize>,
    /// Findings that grew graver, and how grave they were.
    pub graver: Vec<(usize, Severity)>,
    /// Findings that were told long ago.
    pub overdue: Vec<usize>,
    /// Findings that are no more.
    pub gone_findings: Vec<GoneFinding>,
    /// Listeners that were not there.
    pub listeners: Vec<usize>,
    /// Listeners that the last run could not have seen.
    pub uncovered: Vec<usize>,
    /// Listeners that took the place of another.
    pub changed: Vec<(usize, Change)>,
    /// Listeners that are no more.
    pub gone: Vec<Gone>,
    /// Listeners and findings of the last run that this one could not see.
    pub out_of_sight: usize,
    /// What this run sees otherwise than the last, in words.
    pub sight: Vec<String>,
    /// What the policy requires to be seen: what is missing now, is missing still after a time, or is seen again, in words.
    pub unmet: Vec<String>,
    /// What cannot be seen, or could not shortly ago, and whether that was told.
    pub lacks: BTreeMap<String, SeenLack>,
    /// For each listener the fingerprint by which the state knows it, where it does.
    pub known: Vec<Option<String>>,
    /// For each finding likewise.
    pub told: Vec<Option<String>>,
    /// Fingerprints of listeners of the state that are neither seen nor gone.
    pub kept: HashSet<String>,
    /// Those of findings.
    pub kept_findings: HashSet<String>,
}

/// What of a listener is another than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was held by this executable, or by something without one.
    Owner(Option<String>),
    /// The same program listened there.
    Endpoint(String),
}

/// A listener that is no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Its endpoint, escaped.
    pub endpoint: String,
    /// The executable of its owner, escaped.
    pub exe: Option<String>,
}

/// A finding that is no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneFinding {
    /// The rule.
    pub rule: String,
    /// How grave it was.
    pub severity: Severity,
    /// The endpoint or the entry of the policy that it was about, escaped.
    pub endpoint: Option<String>,
}

impl News {
    /// True where there is something to tell: something changed, or is overdue.
    pub fn is_worth_telling(&self) -> bool {
        self.since.is_none()
            || !(self.findings.is_empty()
                && self.graver.is_empty()
                && self.overdue.is_empty()
                && self.gone_findings.is_empty()
                && self.listeners.is_empty()
                && self.changed.is_empty()
                && self.gone.is_empty()
                && self.sight.is_empty()
                && self.unmet.is_empty())
    }

    /// Writes into the report what of it is new. What a suppression names stays so marked.
    pub fn mark(&self, report: &mut Report) {
        for (listener, seen) in report.listeners.iter_mut().zip(&self.seen) {
            listener.seen = *seen;
        }
        for (finding, status) in report.findings.iter_mut().zip(&self.status) {
            if finding.status != Some(Status::Suppressed) {
                finding.status = *status;
            }
        }
    }
}

/// Compares a report with the state of the last run, or with none. `unmet` is what of the policy's requirements the report
/// does not meet, and `now` its time.
pub fn compare(old: Option<&State>, report: &Report, unmet: &[Lack], now: Timestamp, remind: &Remind) -> News {
    let sight = Sight::of(report);
    let seen = coverage(old, &sight, unmet, now, remind);
    let Some(old) = old else { return News { lacks: seen.lacks, ..first(report) } };
    let mut news = News {
        since: Some(old.taken_at),
        sight: [sight.changes_since(&old.sight), seen.sight].concat(),
        unmet: seen.unmet,
        lacks: seen.lacks,
        ..News::default()
    };
    let attributed: Vec<bool> = report.listeners.iter().map(is_attributed).collect();
    news.known = known(old, report, &attributed);
    listeners(&mut news, old, report, &sight);
    findings(&mut news, old, report, &sight, &attributed);
    for (at, told) in news.told.iter().enumerate() {
        let Some(told) = told.as_ref().and_then(|key| old.findings.get(key)) else { continue };
        let severity = report.findings[at].severity;
        // A clock that was set back must not silence a finding for years.
        let long_ago = now.0.abs_diff(told.last_told.0) >= remind.after.unsigned_abs();
        if severity > told.severity {
            news.graver.push((at, told.severity));
        } else if long_ago && severity >= remind.from {
            news.overdue.push(at);
        }
    }
    news
}

/// To the first run everything is new.
fn first(report: &Report) -> News {
    let is_told = |at: &usize| report.findings[*at].status != Some(Status::Suppressed);
    News {
        seen: vec![Some(Seen::New); report.listeners.len()],
        status: report.findings.iter().map(|finding| finding.status.or(Some(Status::New))).collect(),
        findings: (0..report.findings.len()).filter(is_told).collect(),
        listeners: (0..report.listeners.len()).collect(),
        known: vec![None; report.listeners.len()],
        told: vec![None; report.findings.len()],
        ..News::default()
    }
}

/// For each listener the fingerprint by which the state knows it. Where one of the two runs could not see whose it is,
/// their fingerprints differ for that alone, and the place has to do.
fn known(old: &State, report: &Report, attributed: &[bool]) -> Vec<Option<String>> {
    let mut by_place: HashMap<(NetNsKind, &str), Vec<&String>> = HashMap::new();
    for (fingerprint, listener) in &old.listeners {
        by_place.entry((listener.netns, &listener.endpoint)).or_default().push(fingerprint);
    }
    let of = |(at, listener): (usize, &crate::report::Listener)| {
        let fingerprint = report.fingerprint(listener).digest();
        if old.listeners.contains_key(&fingerprint) {
            return Some(fingerprint);
        }
        let place = place(listener);
        let here = by_place.get(&(report.netns(listener).kind, place.as_str()))?;
        let may_be = |known: &&&String| !(attributed[at] && old.listeners[**known].attributed);
        here.iter().find(may_be).map(|known| (*known).clone())
    };
    report.listeners.iter().enumerate().map(of).collect()
}

fn listeners(news: &mut News, old: &State, report: &Report, sight: &Sight) {
    let mut new = Vec::new();
    for (at, listener) in report.listeners.iter().enumerate() {
        let covered = old.left_out == 0 && old.sight.covers(report.netns(listener).kind, listener.socket.transport);
        let seen = match (&news.known[at], covered) {
            (Some(_), _) => Some(Seen::Known),
            (None, true) => Some(Seen::New),
            (None, false) => None,
        };
        news.seen.push(seen);
        match seen {
            // Its port is another with each restart, and with each question to a name server.
            Some(Seen::New) if !is_passing(report, listener) => new.push(at),
            None => news.uncovered.push(at),
            _ => {}
        }
    }
    let here: HashSet<&String> = news.known.iter().flatten().collect();
    let mut gone = BTreeMap::new();
    for (fingerprint, listener) in old.listeners.iter().filter(|(fingerprint, _)| !here.contains(fingerprint)) {
        if !sight.covers(listener.netns, listener.transport) {
            news.out_of_sight += 1;
            news.kept.insert(fingerprint.clone());
        } else if !listener.passing {
            gone.insert(fingerprint, listener);
        }
    }
    // One that came and one that went at the same place, or of the same program, are one change.
    for by_owner in [true, false] {
        new.retain(|&at| {
            let listener = &report.listeners[at];
            let kind = report.netns(listener).kind;
            let (endpoint, now) = (place(listener), super::seen(report, listener, Timestamp::default()));
            let same = |was: &super::SeenListener| match by_owner {
                true => was.endpoint == endpoint,
                false => now.exe.is_some() && was.exe == now.exe && port(&was.endpoint) == port(&endpoint),
            };
            let found = gone.iter().find(|(_, was)| was.netns == kind && same(was)).map(|(key, was)| (*key, *was));
            let Some((key, was)) = found else { return true };
            gone.remove(key);
            let change = if by_owner { Change::Owner(was.exe.clone()) } else { Change::Endpoint(was.endpoint.clone()) };
            news.changed.push((at, change));
            false
        });
    }
    news.changed.sort_by_key(|(at, _)| *at);
    news.listeners = new;
    let mut gone: Vec<Gone> =
        gone.into_values().map(|was| Gone { endpoint: was.endpoint.clone(), exe: was.exe.clone() }).collect();
    gone.sort_by(|a, b| (&a.endpoint, &a.exe).cmp(&(&b.endpoint, &b.exe)));
    news.gone = gone;
}

/// The transport and the port of an endpoint with both.
fn port(endpoint: &str) -> Option<(&str, &str)> {
    Some((endpoint.split_once('/')?.0, endpoint.rsplit_once(':')?.1))
}

fn findings(news: &mut News, old: &State, report: &Report, sight: &Sight, attributed: &[bool]) {
    let mut by_listener: HashMap<(&str, &str), &String> = HashMap::new();
    for (fingerprint, finding) in &old.findings {
        if let Some(listener) = &finding.listener {
            by_listener.insert((listener, &finding.rule), fingerprint);
        }
    }
    let mut suppressed = HashSet::new();
    for (at, finding) in report.findings.iter().enumerate() {
        let fingerprint = report.fingerprint_of(finding).digest();
        let listener = finding.listener();
        let known = listener.and_then(|listener| news.known[listener].as_deref());
        let told = match old.findings.contains_key(&fingerprint) {
            true => Some(fingerprint),
            false => known.and_then(|known| by_listener.get(&(known, finding.rule.name)).map(|key| (*key).clone())),
        };
        if finding.status == Some(Status::Suppressed) {
            suppressed.extend(told);
            news.told.push(None);
            news.status.push(finding.status);
            continue;
        }
        // What its listener is could not be seen by the last run, or not whose it is.
        let unseen = || match (listener, known) {
            (Some(listener), Some(known)) => attributed[listener] && !old.listeners[known].attributed,
            (Some(listener), None) => news.seen[listener].is_none(),
            (None, _) => false,
        };
        let status = match &told {
            Some(_) => Some(Status::Known),
            None if unseen() => None,
            None => Some(Status::New),
        };
        if told.is_none() {
            news.findings.push(at);
        }
        news.status.push(status);
        news.told.push(told);
    }
    let here: HashSet<&String> = news.told.iter().flatten().chain(&suppressed).collect();
    // Where one run saw whose a listener is and this one did not, its findings may still be true.
    let mut doubtful: HashSet<&str> = HashSet::new();
    for (at, known) in news.known.iter().enumerate() {
        if let Some(known) = known.as_deref().filter(|known| !attributed[at] && old.listeners[*known].attributed) {
            doubtful.insert(known);
        }
    }
    let mut gone = Vec::new();
    for (fingerprint, finding) in old.findings.iter().filter(|(fingerprint, _)| !here.contains(fingerprint)) {
        let out_of_sight = match finding.listener.as_deref() {
            Some(listener) => news.kept.contains(listener) || doubtful.contains(listener),
            None => !sight.namespaces && old.sight.namespaces,
        };
        if out_of_sight {
            news.out_of_sight += 1;
            news.kept_findings.insert(fingerprint.clone());
        } else {
            let (rule, endpoint) = (finding.rule.clone(), finding.endpoint.clone());
            gone.push(GoneFinding { rule, severity: finding.severity, endpoint });
        }
    }
    gone.sort_by(|a, b| (b.severity, &a.endpoint, &a.rule).cmp(&(a.severity, &b.endpoint, &b.rule)));
    news.gone_findings = gone;
}

/// The listener that a finding is about, by the fingerprint of the state or its own.
pub(super) fn listener_of(news: &News, report: &Report, about: About) -> Option<String> {
    let About::Listener(at) = about else { return None };
    let known = news.known[at].clone().filter(|_| !is_attributed(&report.listeners[at]));
    Some(known.unwrap_or_else(|| report.fingerprint(&report.listeners[at]).digest()))
}
