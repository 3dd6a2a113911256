//! The policy as `earmark.report/1` has it.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::words::printable;
use crate::policy::{self, Expect, Origin, Suppress};

/// The policy that the host was held against.
#[derive(Serialize, JsonSchema)]
pub(super) struct Policy {
    /// The files that it was read from, in their order.
    files: Vec<String>,
    /// SHA-256 over the names and contents of those files.
    sha256: String,
    /// allow | deny
    default: &'static str,
    /// From which severity on an audit ends with 1.
    warn_at: &'static str,
    /// From which severity on an audit ends with 2.
    critical_at: &'static str,
}

/// An expectation.
#[derive(Serialize, JsonSchema)]
pub(super) struct Expectation {
    id: Option<String>,
    /// What it matches.
    matches: String,
    /// Its absence is `missing`.
    required: bool,
    reason: Option<String>,
    /// Where it stands.
    file: String,
    line: usize,
}

/// A suppression.
#[derive(Serialize, JsonSchema)]
pub(super) struct Suppression {
    /// The rule whose findings it takes.
    rule: String,
    /// From which listeners.
    matches: String,
    reason: String,
    owner: Option<String>,
    ticket: Option<String>,
    /// The last day on which it counts, in UTC.
    expires: String,
    /// Where it stands.
    file: String,
    line: usize,
}

fn words(text: &str) -> String {
    printable(text).into_owned()
}

fn file(policy: &policy::Policy, origin: Origin) -> String {
    words(policy.files.get(origin.file).map_or("", String::as_str))
}

impl Policy {
    pub(super) fn new(policy: &policy::Policy) -> Self {
        Self {
            files: policy.files.iter().map(|file| words(file)).collect(),
            sha256: policy.sha256.clone(),
            default: policy.settings.default.name(),
            warn_at: policy.settings.warn_at.name(),
            critical_at: policy.settings.critical_at.name(),
        }
    }
}

impl Expectation {
    pub(super) fn new(policy: &policy::Policy, expect: &Expect) -> Self {
        Self {
            id: expect.id.as_deref().map(words),
            matches: words(&expect.selector.to_string()),
            required: expect.required,
            reason: expect.reason.as_deref().map(words),
            file: file(policy, expect.origin),
            line: expect.origin.line,
        }
    }
}

impl Suppression {
    pub(super) fn new(policy: &policy::Policy, suppress: &Suppress) -> Self {
        Self {
            rule: suppress.rule.clone(),
            matches: words(&suppress.selector.to_string()),
            reason: words(&suppress.reason),
            owner: suppress.owner.as_deref().map(words),
            ticket: suppress.ticket.as_deref().map(words),
            expires: suppress.expires.clone(),
            file: file(policy, suppress.origin),
            line: suppress.origin.line,
        }
    }
}
