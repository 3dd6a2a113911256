//! A report that was judged before, held against a policy.
//!
//! A report does not tell everything that the rules about ports and programs look at: who could write an executable, what
//! else a namespace has. Their findings stay as they were told. What a policy says of a listener hangs on the listener,
//! its owners and the policy alone, which a report has in full, so its rules judge anew.

use std::collections::HashSet;
use std::sync::Arc;

use super::approval::{self, Judge, Said};
use super::{findings, service, sort_findings, tool};
use crate::finding::{About, Finding, Severity, Status, Theme};
use crate::model::{Certainty, OwnerStatus, Process, State, Transport};
use crate::policy::Policy;
use crate::registry::{Registry, Verdict};
use crate::report::{Listener, Report};
use crate::rules::{self, Check, Draft, Subject, serves};

/// Holds a report against a policy, as of the instant at which its host was looked at.
///
/// Findings of the theme policy are judged anew; `deleted-executable` is too, since it is milder where an expectation
/// matches. All others stay: the policy gives them its severities, and its suppressions take them. A finding that speaks
/// for others of its theme (`also`) is no graver than the gravest of them was, so what the policy leaves of them keeps its
/// severity.
pub fn hold(mut report: Report, registry: &Registry, policy: Option<Arc<Policy>>, run_id: String) -> Report {
    let mut judge = Judge::new(policy.clone(), report.taken_at);
    let mut stored: Vec<Vec<Finding>> = vec![Vec::new(); report.listeners.len()];
    let (mut findings, mut of_namespaces) = (Vec::new(), Vec::new());
    for finding in std::mem::take(&mut report.findings) {
        match finding.about {
            _ if finding.rule.theme == Theme::Policy => {}
            About::Listener(at) => stored[at].push(finding),
            _ => of_namespaces.push(finding),
        }
    }
    for (at, stored) in stored.into_iter().enumerate() {
        let (said, found) = listener(&report, at, stored, registry, &mut judge);
        findings.extend(found);
        let chosen = is_handed_out(&report, &report.listeners[at]);
        let listener = &mut report.listeners[at];
        let confirmed = listener.service.as_ref().is_some_and(|service| service.claim == Verdict::Confirmed);
        listener.ephemeral = chosen && listener.service.is_none() && !said.names_it;
        listener.port_by_chance = chosen && !confirmed && !said.names_it;
        listener.expectation = said.expectation;
    }
    for finding in of_namespaces {
        findings.extend(again(finding, &mut |rule, draft| judge.decide(rule, draft, None)));
    }
    findings.extend(judge.of_policy(&report.tables, &report.gaps));
    report.tool = tool(registry);
    (report.run_id, report.policy, report.findings) = (run_id, policy, findings);
    for listener in &mut report.listeners {
        listener.findings.clear();
    }
    sort_findings(&mut report);
    for at in 0..report.listeners.len() {
        let live = report.listeners[at].findings.iter().map(|at| &report.findings[*at]);
        let worst = live.filter(|finding| finding.is_live()).map(|finding| finding.severity).max();
        report.listeners[at].severity = worst;
    }
    report
}

/// True for a port that the kernel gives to who asks for none; where the report does not tell which those are, what it
/// calls ephemeral is one.
fn is_handed_out(report: &Report, listener: &Listener) -> bool {
    match (report.host.ephemeral_ports, service::port(&listener.socket)) {
        (Some((first, last)), Some((_, port))) => (first..=last).contains(&port),
        (None, Some(_)) => listener.ephemeral,
        (_, None) => false,
    }
}

/// What the policy says of a listener, and the findings about it.
fn listener(
    report: &Report,
    at: usize,
    stored: Vec<Finding>,
    registry: &Registry,
    judge: &mut Judge,
) -> (Said, Vec<Finding>) {
    let listener = &report.listeners[at];
    let socket = &listener.socket;
    let proved = listener.owners.iter().filter(|owner| owner.certainty == Certainty::Proved);
    let owners: Vec<&Process> = proved.map(|owner| report.process(owner)).collect();
    let candidate = approval::candidate(
        (&report.namespaces, &report.cgroups),
        socket,
        &listener.interface,
        &owners,
        listener.owner_status,
    );
    let kernel_chosen = is_handed_out(report, listener);
    let by_chance = kernel_chosen && socket.state == State::Unconnected;
    let said = if serves(socket) { judge.say(&candidate, by_chance) } else { Said::default() };
    let nothing: HashSet<(Transport, u16)> = HashSet::new();
    let subject = Subject {
        socket,
        exposure: listener.exposure,
        owner_status: match candidate.is_attributed {
            true => listener.owner_status,
            false if listener.owner_status == OwnerStatus::Known => OwnerStatus::Unknown,
            false => listener.owner_status,
        },
        owners: &owners,
        servers: &[],
        sharers: &[],
        beside: &[],
        claim: None,
        kernel_chosen,
        range_known: report.host.ephemeral_ports.is_some(),
        serving: &nothing,
        approval: said.approval.as_ref(),
        registry,
    };
    let mut decide = |rule: &'static str, draft: &mut Draft| judge.decide(rule, draft, Some(&candidate));
    let mut found = findings::about_approval(&subject, at, &mut decide);
    for finding in stored {
        found.extend(again(milder_where_expected(finding, &subject), &mut decide));
    }
    (said, found)
}

/// The finding of the one rule outside the policy's theme that asks whether something is expected. Where it speaks for
/// others too it stays as grave as they may be.
fn milder_where_expected(finding: Finding, subject: &Subject<'_>) -> Finding {
    const RULE: &str = "deleted-executable";
    let rule = rules::by_name(RULE).filter(|_| finding.rule.name == RULE && finding.also.is_empty());
    match rule.map(|rule| &rule.check) {
        Some(Check::Listener(check)) => match check(subject) {
            Some(draft) => Finding { severity: draft.severity, ..finding },
            None => finding,
        },
        _ => finding,
    }
}

/// What the policy makes of a finding that was told before: each of the rules that it speaks for is decided by itself, as
/// severe as all of them were together.
fn again(finding: Finding, decide: &mut findings::Decide<'_>) -> Vec<Finding> {
    let rules = std::iter::once(finding.rule.name).chain(finding.also.iter().copied());
    let mut all = Vec::new();
    let mut left: Vec<(&'static str, Severity)> = Vec::new();
    for name in rules {
        let mut draft =
            Draft { severity: finding.severity, message: String::new(), evidence: Vec::new(), remedy: String::new() };
        let Some(suppression) = decide(name, &mut draft) else {
            left.push((name, draft.severity));
            continue;
        };
        all.extend(rules::by_name(name).map(|rule| Finding {
            rule: &rule.info,
            severity: draft.severity,
            also: Vec::new(),
            status: Some(Status::Suppressed),
            suppression: Some(suppression),
            ..finding.clone()
        }));
    }
    if let Some((rule, severity)) =
        left.first().and_then(|(name, _)| rules::by_name(name)).zip(left.iter().map(|(_, severity)| *severity).max())
    {
        let also = left.iter().skip(1).map(|(name, _)| *name).collect();
        all.push(Finding { rule: &rule.info, severity, also, status: None, suppression: None, ..finding });
    }
    all
}
