//! A judgement about one subject, and the words it is made of.

use sha2::{Digest as _, Sha256};

pub use crate::model::Severity;

/// What a finding looks at; a subject has one finding for each theme, the most specific.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Theme {
    /// Who holds it.
    Identity,
    /// Who can reach it.
    Exposure,
    /// Who can read or forge what it says.
    Secrecy,
    /// Whether somebody allowed it.
    Policy,
}

impl Theme {
    /// The name in the rule catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Exposure => "exposure",
            Self::Secrecy => "secrecy",
            Self::Policy => "policy",
        }
    }
}

/// What a rule is, for people: the catalogue, the documentation and the controls it is evidence for.
#[derive(Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Its name, in words joined by hyphens; it never changes.
    pub name: &'static str,
    /// What its findings are about.
    pub theme: Theme,
    /// Within a theme the higher one is told and the lower ones stand in `also`.
    pub specificity: u8,
    /// What it finds, in one line.
    pub summary: &'static str,
    /// Why that matters, on what evidence it fires and when it keeps quiet, in Markdown.
    pub explanation: &'static str,
    /// What to do instead.
    pub remedy: &'static str,
    /// The controls that a finding is evidence for, each with its catalogue and version.
    pub controls: &'static [&'static str],
    /// Situations in which it fires, executed by a test.
    pub fires_on: &'static [&'static str],
    /// Situations in which it keeps quiet, executed by a test.
    pub quiet_on: &'static [&'static str],
}

/// Something that was seen or is known, and speaks for a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Its kind: `registry`, `owner`, `address`, `executable`, `coverage`, …
    pub kind: &'static str,
    /// What was seen, escaped.
    pub text: String,
}

impl Evidence {
    /// A piece of evidence.
    pub fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// What one finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// A listener: its index in [`crate::report::Report::listeners`].
    Listener(usize),
    /// A network namespace as a whole, and no listener in it: its index in [`crate::report::Report::namespaces`].
    Namespace(usize),
    /// An expectation of the policy: its index in [`crate::policy::Policy::expects`].
    Expectation(usize),
    /// A suppression of the policy: its index in [`crate::policy::Policy::suppresses`].
    Suppression(usize),
}

/// Whether a finding is news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The last run did not have it.
    New,
    /// The last run had it.
    Known,
    /// Somebody accepted it for a time.
    Suppressed,
}

impl Status {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Known => "known",
            Self::Suppressed => "suppressed",
        }
    }
}

/// One rule's judgement about one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static RuleInfo,
    /// How soon somebody should act.
    pub severity: Severity,
    /// What it is about.
    pub about: About,
    /// What is wrong, in one sentence without the endpoint.
    pub message: String,
    /// What speaks for it.
    pub evidence: Vec<Evidence>,
    /// What to do instead, here.
    pub remedy: String,
    /// Rules of the same theme that fired too.
    pub also: Vec<&'static str>,
    /// Whether it is news; `None` where nothing was consulted that would tell.
    pub status: Option<Status>,
    /// The suppression that takes it: its index in [`crate::policy::Policy::suppresses`].
    pub suppression: Option<usize>,
}

impl Finding {
    /// True where nobody accepted it.
    pub fn is_live(&self) -> bool {
        self.suppression.is_none()
    }

    /// The index of the listener that it is about, if it is about one.
    pub fn listener(&self) -> Option<usize> {
        match self.about {
            About::Listener(listener) => Some(listener),
            About::Namespace(_) | About::Expectation(_) | About::Suppression(_) => None,
        }
    }
}

/// What makes two sightings the same thing: no pid, no inode, no time.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Fingerprint {
    fields: Vec<(&'static str, String)>,
}

impl Fingerprint {
    /// Adds a field; one without a value is left out of the text and counts as empty in the digest.
    pub fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// `v1:` and 32 hexadecimal digits of the SHA-256 over the fields, each with its length before it.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (_, value) in &self.fields {
            hash.update((value.len() as u64).to_be_bytes());
            hash.update(value.as_bytes());
        }
        let mut digest = String::from("v1:");
        for byte in &hash.finalize()[..16] {
            digest.push_str(&format!("{byte:02x}"));
        }
        digest
    }

    /// The fields for eyes: `name=value`, joined by spaces.
    pub fn text(&self) -> String {
        let fields = self.fields.iter().filter(|(_, value)| !value.is_empty());
        fields.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_cannot_pose_as_its_neighbour() {
        let one = Fingerprint::default().field("a", "x").field("b", "yz");
        let other = Fingerprint::default().field("a", "xy").field("b", "z");
        assert_ne!(one.digest(), other.digest());
        assert_eq!(one.digest().len(), 35);
        assert_eq!(one.field("c", "").text(), "a=x b=yz");
    }
}
