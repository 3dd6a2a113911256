//! The policy as `earmark.report/1` has it.

use std::io::{self, Write};

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

/// A policy as its files make it together, and what is wrong with it.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "earmark.policy/1")]
pub(super) struct PolicyV1 {
    #[schemars(extend("const" = "earmark.policy/1"))]
    schema: &'static str,
    policy: Policy,
    settings: Settings,
    expectations: Vec<Expectation>,
    prohibitions: Vec<Prohibition>,
    suppressions: Vec<Suppression>,
    severities: Vec<Severity>,
    /// What is wrong with it.
    lints: Vec<Lint>,
}

/// How to judge.
#[derive(Serialize, JsonSchema)]
struct Settings {
    /// What has to be seen before anything is called clean.
    require_coverage: Vec<&'static str>,
    /// ignore | info | enforce
    loopback: &'static str,
    /// host | separate | ignore
    containers: &'static str,
    /// In seconds.
    remind_after: i64,
}

/// What may not be here.
#[derive(Serialize, JsonSchema)]
struct Prohibition {
    id: Option<String>,
    /// What it matches.
    matches: String,
    reason: Option<String>,
    /// Where it stands.
    file: String,
    line: usize,
}

/// Another severity for the findings of a rule.
#[derive(Serialize, JsonSchema)]
struct Severity {
    rule: String,
    severity: &'static str,
    /// Where it stands.
    file: String,
    line: usize,
}

/// Something that its author would want to know.
#[derive(Serialize, JsonSchema)]
struct Lint {
    /// weak-expectation | never-matches | duplicate | expired | expires-soon
    kind: &'static str,
    message: String,
    /// What to do about it.
    remedy: String,
    /// Where the entry stands.
    file: String,
    line: usize,
}

/// Writes a policy and what is wrong with it as one JSON document, `earmark.policy/1`.
pub fn policy_json(policy: &policy::Policy, lints: &[policy::Lint], out: &mut dyn Write) -> io::Result<()> {
    let settings = &policy.settings;
    let forbids = policy.forbids.iter().map(|forbid| Prohibition {
        id: forbid.id.as_deref().map(words),
        matches: words(&forbid.selector.to_string()),
        reason: forbid.reason.as_deref().map(words),
        file: file(policy, forbid.origin),
        line: forbid.origin.line,
    });
    let severities = policy.severities.iter().map(|one| Severity {
        rule: one.rule.clone(),
        severity: one.severity.name(),
        file: file(policy, one.origin),
        line: one.origin.line,
    });
    let lints = lints.iter().map(|lint| Lint {
        kind: lint.kind,
        message: words(&lint.message),
        remedy: words(&lint.remedy),
        file: file(policy, lint.origin),
        line: lint.origin.line,
    });
    let document = PolicyV1 {
        schema: "earmark.policy/1",
        policy: Policy::new(policy),
        settings: Settings {
            require_coverage: settings.require_coverage.iter().map(|coverage| coverage.name()).collect(),
            loopback: settings.loopback.name(),
            containers: settings.containers.name(),
            remind_after: settings.remind_after / 1000,
        },
        expectations: policy.expects.iter().map(|expect| Expectation::new(policy, expect)).collect(),
        prohibitions: forbids.collect(),
        suppressions: policy.suppresses.iter().map(|suppress| Suppression::new(policy, suppress)).collect(),
        severities: severities.collect(),
        lints: lints.collect(),
    };
    super::document(&document, out)
}
