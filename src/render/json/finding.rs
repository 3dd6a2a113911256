//! A finding as `earmark.report/1` has it.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::words::{hex, printable};
use super::Context;
use super::policy::Suppression;
use super::wire::{WireEvidence, WireNetNs};
use crate::finding::{self, About};

/// One rule's judgement about one subject.
#[derive(Serialize, JsonSchema)]
pub(super) struct Finding {
    /// The rule; `earmark rules` has them all.
    rule: &'static str,
    /// critical (act now) | high (today) | medium (plan) | low (tidy) | info (know)
    severity: &'static str,
    /// listener | host | namespace | expectation | suppression
    subject: &'static str,
    /// The ids of the listeners it is about; none where it is about more than a listener.
    listeners: Vec<Option<String>>,
    /// The endpoint of the first; null where there is none.
    endpoint: Option<String>,
    netns: Option<WireNetNs>,
    /// What is wrong, in one sentence without the endpoint.
    message: String,
    /// What speaks for it.
    evidence: Vec<WireEvidence>,
    /// What to do instead.
    remedy: String,
    /// The controls it is evidence for.
    controls: &'static [&'static str],
    /// Less specific rules of the same theme that fired too.
    also: Vec<&'static str>,
    /// The subject's fingerprint with the rule added: v1: and 32 hexadecimal digits.
    fingerprint: String,
    /// new | known | suppressed; null where no state was consulted, or the last run could not have seen what it is about.
    status: Option<&'static str>,
    /// The suppression that it matched.
    suppression: Option<Suppression>,
}

impl Finding {
    pub(super) fn new(context: &Context<'_>, finding: &finding::Finding) -> Self {
        let report = context.report;
        let listener = finding.listener().map(|at| &report.listeners[at]);
        Self {
            rule: finding.rule.name,
            severity: finding.severity.name(),
            subject: match finding.about {
                About::Listener(_) => "listener",
                About::Namespace(_) => "namespace",
                About::Expectation(_) => "expectation",
                About::Suppression(_) => "suppression",
            },
            listeners: listener.iter().map(|listener| context.volatile(hex(listener.id))).collect(),
            endpoint: listener.map(|listener| printable(&listener.endpoint).into_owned()),
            netns: report.netns_of(finding).map(|netns| WireNetNs::new(context, netns)),
            message: printable(&finding.message).into_owned(),
            evidence: WireEvidence::all(&finding.evidence),
            remedy: printable(&finding.remedy).into_owned(),
            controls: finding.rule.controls,
            also: finding.also.clone(),
            fingerprint: report.fingerprint_of(finding).digest(),
            status: finding.status.map(finding::Status::name),
            suppression: finding.suppression.and_then(|at| {
                let policy = report.policy.as_ref()?;
                policy.suppresses.get(at).map(|suppress| Suppression::new(policy, suppress))
            }),
        }
    }
}
