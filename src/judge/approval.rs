//! What the policy says of each listener, and what the listeners say of the policy.

use std::sync::Arc;

use super::findings;
use crate::finding::{About, Finding};
use crate::model::{OwnerStatus, Process, Snapshot, Socket, TableStatus, Text, Timestamp, Transport};
use crate::policy::{Candidate, Policy, Selector, Stance};
use crate::rules::{Approval, Draft, PolicyEntry};

/// A policy that a host is held against.
pub(super) struct Judge {
    policy: Option<Arc<Policy>>,
    now: Timestamp,
    /// How many listeners each expectation matched.
    matched: Vec<usize>,
    /// Expectations that a listener with a hidden owner may match.
    open: Vec<bool>,
    /// How many findings each suppression took, or would have taken.
    took: Vec<usize>,
    /// Some listener's owner is hidden.
    hidden: bool,
}

/// What the policy says of one listener.
#[derive(Default)]
pub(super) struct Said {
    /// For the rules.
    pub(super) approval: Option<Approval>,
    /// The expectation that it matches.
    pub(super) expectation: Option<usize>,
    /// An entry is about its port.
    pub(super) names_it: bool,
}

impl Judge {
    pub(super) fn new(policy: Option<Arc<Policy>>, now: Timestamp) -> Self {
        let (expects, suppresses) =
            policy.as_ref().map_or((0, 0), |policy| (policy.expects.len(), policy.suppresses.len()));
        Self {
            policy,
            now,
            matched: vec![0; expects],
            open: vec![false; expects],
            took: vec![0; suppresses],
            hidden: false,
        }
    }

    /// What the policy says of a socket that serves. `by_chance` is a socket of UDP on a port that the kernel chose: a
    /// client that waits for its answers.
    pub(super) fn say(&mut self, candidate: &Candidate<'_>, by_chance: bool) -> Said {
        let Some(policy) = &self.policy else { return Said::default() };
        self.hidden |= !candidate.is_attributed;
        match policy.stance(candidate) {
            Stance::Silent => Said::default(),
            Stance::Expected(at) => {
                self.matched[at] += 1;
                let names_it = !policy.expects[at].selector.ports.is_empty();
                Said { approval: Some(Approval::Expected), expectation: Some(at), names_it }
            }
            Stance::Undecided(at) => {
                self.open[at] = true;
                Said { names_it: true, ..Said::default() }
            }
            Stance::Forbidden(at) => {
                let forbid = &policy.forbids[at];
                let approval =
                    Approval::Forbidden { place: policy.place(forbid.origin), reason: forbid.reason.clone() };
                Said { approval: Some(approval), expectation: None, names_it: true }
            }
            Stance::Differs(at, differences) => {
                let expect = &policy.expects[at];
                let approval = Approval::Differs {
                    expected: expect.name(),
                    place: policy.place(expect.origin),
                    of_owner: differences.iter().any(|difference| difference.is_of_owner()),
                    differs: differences.into_iter().map(|difference| difference.name()).collect(),
                };
                Said { approval: Some(approval), expectation: None, names_it: true }
            }
            Stance::Unexpected | Stance::UnexpectedLocally if by_chance => Said::default(),
            Stance::Unexpected => unexpected(false),
            Stance::UnexpectedLocally => unexpected(true),
        }
    }

    /// What the policy makes of a finding about a listener.
    pub(super) fn decide(&mut self, rule: &str, draft: &mut Draft, candidate: Option<&Candidate<'_>>) -> Option<usize> {
        let policy = self.policy.as_ref()?;
        if let Some(severity) = policy.severity_of(rule) {
            draft.severity = severity;
        }
        let candidate = candidate?;
        let mut taken_by = None;
        for (at, suppress) in policy.suppresses.iter().enumerate() {
            if suppress.rule == rule && suppress.selector.matches(candidate) {
                self.took[at] += 1;
                if self.now < suppress.ends {
                    taken_by.get_or_insert(at);
                }
            }
        }
        taken_by
    }

    /// The findings about the policy itself, once every listener was looked at.
    pub(super) fn of_policy(&mut self, snapshot: &Snapshot) -> Vec<Finding> {
        let Some(policy) = self.policy.clone() else { return Vec::new() };
        let mut entries = Vec::new();
        for (at, expect) in policy.expects.iter().enumerate() {
            let anywhere = expect.selector.ports.is_empty() && expect.selector.names_an_owner() && self.hidden;
            entries.push((
                About::Expectation(at),
                PolicyEntry::Expectation {
                    expected: expect.name(),
                    place: policy.place(expect.origin),
                    reason: expect.reason.clone(),
                    required: expect.required,
                    weak: expect.is_weak(),
                    matched: self.matched[at],
                    certain: !self.open[at] && !anywhere && is_seen(snapshot, &expect.selector),
                },
            ));
        }
        for (at, suppress) in policy.suppresses.iter().enumerate() {
            entries.push((
                About::Suppression(at),
                PolicyEntry::Suppression {
                    rule: suppress.rule.clone(),
                    listeners: suppress.selector.to_string(),
                    place: policy.place(suppress.origin),
                    expires: suppress.expires.clone(),
                    expired: suppress.ends <= self.now,
                    took: self.took[at],
                    certain: !self.hidden && is_seen(snapshot, &suppress.selector),
                },
            ));
        }
        let each = entries.iter().map(|(about, entry)| {
            findings::about_entry(entry, *about, &mut |rule, draft| self.decide(rule, draft, None))
        });
        each.flatten().collect()
    }
}

fn unexpected(locally: bool) -> Said {
    Said { approval: Some(Approval::Unexpected { locally }), ..Said::default() }
}

/// A listener as the policy looks at it.
pub(super) fn candidate<'a>(
    snapshot: &'a Snapshot,
    socket: &'a Socket,
    interface: &'a Text,
    owners: &'a [&'a Process],
    status: OwnerStatus,
) -> Candidate<'a> {
    let cgroup = socket.cgroup.and_then(|id| snapshot.cgroups.get(&id));
    let origin = cgroup.and_then(|cgroup| cgroup.user_unit.as_ref().or(cgroup.unit.as_ref()));
    Candidate {
        socket,
        interface,
        netns: &snapshot.namespaces[socket.netns],
        owners,
        // What systemd opened for a unit is that unit's, whoever holds it: nobody else can open a socket in its cgroup.
        socket_unit: origin.filter(|unit| unit.as_bytes().ends_with(b".socket")),
        is_attributed: matches!(status, OwnerStatus::Known | OwnerStatus::Kernel | OwnerStatus::None)
            && !owners.iter().any(|process| process.is_hidden()),
    }
}

/// True where no table or namespace was hidden that could hold what an entry is about.
fn is_seen(snapshot: &Snapshot, selector: &Selector) -> bool {
    let concerns = |table: &str| {
        let name = table.split('-').next().unwrap_or_default();
        let name = name.strip_suffix('6').unwrap_or(name);
        let transport = Transport::from_name(if name == "mptcp" { "tcp" } else { name });
        let asked = |transport: Transport| match selector.transports.is_empty() {
            true => transport.has_registered_ports(),
            false => selector.transports.contains(&transport),
        };
        transport.is_none_or(asked)
    };
    let unread = |status| matches!(status, TableStatus::Unreadable | TableStatus::Unstable);
    let hidden = |what: &str| what.contains("namespace") && !what.contains("processes");
    !snapshot.tables.iter().any(|table| unread(table.status) && concerns(table.table))
        && !snapshot.gaps.iter().any(|gap| {
            hidden(&gap.what) || gap.what.split_once(" of the table ").is_some_and(|(_, table)| concerns(table))
        })
}
