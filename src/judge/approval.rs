//! What the policy says of each listener, and what the listeners say of the policy.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::findings;
use crate::finding::{About, Finding};
use crate::model::{
    Cgroup, ExeState, Gap, NetNs, OwnerStatus, Process, Socket, TableRead, TableStatus, Text, Timestamp, Transport,
};
use crate::policy::{Candidate, Fit, Policy, Selector, Stance};
use crate::rules::{Approval, Draft, PolicyEntry};

/// A policy that a host is held against.
pub(super) struct Judge {
    policy: Option<Arc<Policy>>,
    now: Timestamp,
    /// How many listeners each expectation matched.
    matched: Vec<usize>,
    /// Expectations that a listener may match of which not enough is known.
    open: Vec<bool>,
    /// The same of suppressions.
    open_suppresses: Vec<bool>,
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
    /// An entry names its port.
    pub(super) names_it: bool,
    /// Which device bears its address decides what an entry says of it, and is not known.
    pub(super) wants_addresses: bool,
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
            open_suppresses: vec![false; suppresses],
            took: vec![0; suppresses],
            hidden: false,
        }
    }

    /// What the policy says of a socket that serves. `by_chance` is a socket of UDP on a port that the kernel chose: a
    /// client that waits for its answers.
    pub(super) fn say(&mut self, candidate: &Candidate<'_>, by_chance: bool) -> Said {
        let Some(policy) = &self.policy else { return Said::default() };
        self.hidden |= !candidate.is_attributed;
        let stance = policy.stance(candidate);
        let wants_addresses = policy.wants_addresses(candidate, &stance);
        if policy.asks_for_addresses() || !candidate.is_attributed {
            policy.open(candidate).into_iter().for_each(|at| self.open[at] = true);
        }
        let said = match stance {
            Stance::Silent => Said::default(),
            Stance::Expected(at) => {
                self.matched[at] += 1;
                let names_it = policy.expects[at].selector.names_port_of(candidate);
                Said { approval: Some(Approval::Expected), expectation: Some(at), names_it, ..Said::default() }
            }
            Stance::Undecided(at) => {
                Said { names_it: policy.expects[at].selector.names_port_of(candidate), ..Said::default() }
            }
            Stance::Forbidden(at) => {
                let forbid = &policy.forbids[at];
                let approval =
                    Approval::Forbidden { place: policy.place(forbid.origin), reason: forbid.reason.clone() };
                let names_it = forbid.selector.names_port_of(candidate);
                Said { approval: Some(approval), names_it, ..Said::default() }
            }
            Stance::Differs(at, differences) => {
                let expect = &policy.expects[at];
                let approval = Approval::Differs {
                    expected: expect.name(),
                    place: policy.place(expect.origin),
                    of_owner: differences.iter().any(|difference| difference.is_of_owner()),
                    differs: differences.into_iter().map(|difference| difference.name()).collect(),
                };
                let names_it = expect.selector.names_port_of(candidate);
                Said { approval: Some(approval), names_it, ..Said::default() }
            }
            Stance::Unexpected | Stance::UnexpectedLocally if by_chance => Said::default(),
            Stance::Unexpected => unexpected(false),
            Stance::UnexpectedLocally => unexpected(true),
        };
        Said { wants_addresses, ..said }
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
            if suppress.rule != rule {
                continue;
            }
            match suppress.selector.fits(candidate) {
                Fit::No => {}
                // What is not known to be accepted is told.
                Fit::Unknown => self.open_suppresses[at] = true,
                Fit::Yes => {
                    self.took[at] += 1;
                    if self.now < suppress.ends {
                        taken_by.get_or_insert(at);
                    }
                }
            }
        }
        taken_by
    }

    /// The findings about the policy itself, once every listener was looked at.
    pub(super) fn of_policy(&mut self, tables: &[TableRead], gaps: &[Gap]) -> Vec<Finding> {
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
                    certain: !self.open[at] && !anywhere && is_seen(tables, gaps, &expect.selector),
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
                    certain: !self.hidden && !self.open_suppresses[at] && is_seen(tables, gaps, &suppress.selector),
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

/// True where the executable was deleted, and whether another took its place, and so may be the one that is expected, is not
/// known.
fn may_be_replaced(process: &Process) -> bool {
    process.exe_state == ExeState::Deleted && process.exe_replaced.is_none()
}

/// A listener as the policy looks at it.
pub(super) fn candidate<'a>(
    (namespaces, cgroups): (&'a [NetNs], &'a BTreeMap<u64, Cgroup>),
    socket: &'a Socket,
    interface: &'a Text,
    owners: &'a [&'a Process],
    status: OwnerStatus,
) -> Candidate<'a> {
    let cgroup = socket.cgroup.and_then(|id| cgroups.get(&id));
    let origin = cgroup.and_then(|cgroup| cgroup.user_unit.as_ref().or(cgroup.unit.as_ref()));
    Candidate {
        socket,
        interface,
        netns: &namespaces[socket.netns],
        owners,
        // What systemd opened for a unit is that unit's, whoever holds it: nobody else can open a socket in its cgroup.
        socket_unit: origin.filter(|unit| unit.as_bytes().ends_with(b".socket")),
        is_attributed: matches!(status, OwnerStatus::Known | OwnerStatus::Kernel | OwnerStatus::None)
            && !owners.iter().any(|process| process.is_hidden() || may_be_replaced(process)),
    }
}

/// True where no table or namespace was hidden that could hold what an entry is about.
fn is_seen(tables: &[TableRead], gaps: &[Gap], selector: &Selector) -> bool {
    let concerns = |table: &str| {
        let asked = |transport: Transport| match selector.transports.is_empty() {
            true => transport.has_registered_ports(),
            false => selector.transports.contains(&transport),
        };
        Transport::of_table(table).is_none_or(asked)
    };
    let unread = |status| matches!(status, TableStatus::Unreadable | TableStatus::Unstable);
    !tables.iter().any(|table| unread(table.status) && concerns(table.table))
        && !gaps.iter().any(|gap| Gap::hides_namespaces(&gap.what) || Gap::table(&gap.what).is_some_and(concerns))
}

#[cfg(test)]
#[path = "approval_tests.rs"]
mod tests;
