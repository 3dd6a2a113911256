//! What people allowed: expectations, what is forbidden, suppressions and settings, merged from the files of a host.
//!
//! A policy is data: it reads no file and no clock. [`Policy::parse`] takes the content of the files in their order,
//! [`Policy::stance`] says what it thinks of one socket and its owners, and [`Policy::lints`] what is wrong with the
//! policy itself.

mod glob;
mod index;
mod lint;
mod parse;
mod schema;
mod selector;
mod stance;
#[cfg(test)]
mod tests;

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::fault::Fault;
use crate::model::{Severity, Timestamp, Transport};

pub use lint::Lint;
pub use selector::{Address, Candidate, Fit, Selector};
pub use stance::{Difference, Stance};

use index::Index;

/// No policy has more expectations, prohibitions and suppressions together.
pub const MOST_ENTRIES: usize = 10_000;

/// What people allowed on this host.
#[derive(Debug, Default)]
pub struct Policy {
    /// The files that it was read from, in their order.
    pub files: Vec<String>,
    /// SHA-256 over the names and contents of those files, 64 hexadecimal digits.
    pub sha256: String,
    /// How to judge.
    pub settings: Settings,
    /// What may be here.
    pub expects: Vec<Expect>,
    /// What may not, whatever else allows it.
    pub forbids: Vec<Forbid>,
    /// Which findings are known and accepted for a time.
    pub suppresses: Vec<Suppress>,
    /// Severities of rules that differ from their own; the last of a rule counts.
    pub severities: Vec<Override>,
    index: Index,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Origin {
    /// Index into [`Policy::files`].
    pub file: usize,
    /// Counts from 1.
    pub line: usize,
}

/// What happens to a listener that no expectation matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fallback {
    /// The registry alone judges it.
    #[default]
    Allow,
    /// It is `unexpected`.
    Deny,
}

impl Fallback {
    /// The name in policies and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// How an unmatched listener on loopback counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Loopback {
    /// Not at all.
    #[default]
    Ignore,
    /// As info.
    Info,
    /// As anywhere else.
    Enforce,
}

impl Loopback {
    /// The name in policies and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Info => "info",
            Self::Enforce => "enforce",
        }
    }
}

/// How an unmatched listener of a container counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Containers {
    /// As one of the host.
    Host,
    /// Only expectations that name the container, its namespace or its pod's unit match it.
    #[default]
    Separate,
    /// Not at all.
    Ignore,
}

impl Containers {
    /// The name in policies and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Separate => "separate",
            Self::Ignore => "ignore",
        }
    }
}

/// What has to be seen before anything is called clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coverage {
    /// The tables of a transport, in every namespace.
    Transport(Transport),
    /// The owner of every listener.
    Owners,
    /// Every network namespace.
    Namespaces,
}

impl Coverage {
    /// The name in policies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transport(transport) => transport.name(),
            Self::Owners => "owners",
            Self::Namespaces => "namespaces",
        }
    }
}

/// How to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What happens to a listener that no expectation matches.
    pub default: Fallback,
    /// From which severity on an audit ends with 1.
    pub warn_at: Severity,
    /// From which severity on an audit ends with 2.
    pub critical_at: Severity,
    /// What has to be seen before an audit may end with 0 or 1.
    pub require_coverage: Vec<Coverage>,
    /// How an unmatched listener on loopback counts.
    pub loopback: Loopback,
    /// How an unmatched listener of a container counts.
    pub containers: Containers,
    /// After how many milliseconds an open finding is told again.
    pub remind_after: i64,
}

impl Default for Settings {
    fn default() -> Self {
        const WEEK: i64 = 7 * 24 * 60 * 60 * 1000;
        let transport = Coverage::Transport;
        Self {
            default: Fallback::Allow,
            warn_at: Severity::Medium,
            critical_at: Severity::High,
            require_coverage: vec![transport(Transport::Tcp), transport(Transport::Udp), Coverage::Owners],
            loopback: Loopback::Ignore,
            containers: Containers::Separate,
            remind_after: WEEK,
        }
    }
}

/// What may be here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// Its name.
    pub id: Option<String>,
    /// What it matches.
    pub selector: Selector,
    /// Its absence is `missing`.
    pub required: bool,
    /// Why it may be here.
    pub reason: Option<String>,
    /// Where it stands.
    pub origin: Origin,
}

/// What may not be here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbid {
    /// Its name.
    pub id: Option<String>,
    /// What it matches.
    pub selector: Selector,
    /// Why.
    pub reason: Option<String>,
    /// Where it stands.
    pub origin: Origin,
}

/// A finding that is known and accepted for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppress {
    /// The name of the rule.
    pub rule: String,
    /// The listeners whose findings it takes.
    pub selector: Selector,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Where it was decided.
    pub ticket: Option<String>,
    /// The last day on which it counts, as `2027-01-31`.
    pub expires: String,
    /// The first instant at which it no longer counts: the end of that day in UTC.
    pub ends: Timestamp,
    /// Where it stands.
    pub origin: Origin,
}

/// Another severity for the findings of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The name of the rule.
    pub rule: String,
    /// Its severity here.
    pub severity: Severity,
    /// Where it stands.
    pub origin: Origin,
}

/// A policy that cannot be used: where, at which key, and why; never what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Index of the file among those that were given.
    pub file: usize,
    fault: Fault,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { line, column, key, problem } = &self.fault;
        write!(f, "line {line}, column {column}: ")?;
        if let Some(key) = key {
            write!(f, "key `{key}`: ")?;
        }
        f.write_str(problem)
    }
}

impl std::error::Error for PolicyError {}

impl Policy {
    /// The policy that these files make together, each given by name and content: entries add up, a later setting or
    /// severity counts instead of an earlier one. `knows_rule` tells the names of rules.
    pub fn parse(files: &[(String, String)], knows_rule: &dyn Fn(&str) -> bool) -> Result<Self, PolicyError> {
        let mut policy = Self::default();
        let mut hash = Sha256::new();
        for (file, (name, text)) in files.iter().enumerate() {
            for part in [name, text] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part.as_bytes());
            }
            parse::add(&mut policy, file, text, knows_rule).map_err(|fault| PolicyError { file, fault })?;
            policy.files.push(name.clone());
        }
        policy.sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        policy.index = Index::new(&policy);
        Ok(policy)
    }

    /// The severity that a rule has here, where that differs from its own.
    pub fn severity_of(&self, rule: &str) -> Option<Severity> {
        self.severities.iter().rev().find(|one| one.rule == rule).map(|one| one.severity)
    }

    /// True where an entry asks for the package of an owner.
    pub fn asks_for_packages(&self) -> bool {
        self.selectors().any(|selector| !selector.packages.is_empty())
    }

    /// True where an entry names a device by its addresses (`if:eth1`).
    pub fn asks_for_addresses(&self) -> bool {
        self.index.asks_for_addresses
    }

    /// What each entry selects.
    fn selectors(&self) -> impl Iterator<Item = &Selector> {
        let expects = self.expects.iter().map(|one| &one.selector);
        let forbids = self.forbids.iter().map(|one| &one.selector);
        let suppresses = self.suppresses.iter().map(|one| &one.selector);
        expects.chain(forbids).chain(suppresses)
    }

    /// `FILE:LINE` of an entry.
    pub fn place(&self, origin: Origin) -> String {
        let file = self.files.get(origin.file).map_or("?", String::as_str);
        format!("{file}:{}", origin.line)
    }
}

impl Expect {
    /// What to call it: its id and what it matches.
    pub fn name(&self) -> String {
        match &self.id {
            Some(id) => format!("{id} ({})", self.selector),
            None => self.selector.to_string(),
        }
    }
}
