//! What a policy thinks of one socket.

use super::{Candidate, Containers, Fallback, Loopback, Policy};
use crate::model::Scope;

/// What a policy thinks of one socket; numbers are indexes into the entries of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stance {
    /// It says nothing about it.
    Silent,
    /// An entry forbids it, whatever else allows it.
    Forbidden(usize),
    /// An expectation matches.
    Expected(usize),
    /// An expectation is about its place, and its owner cannot be seen: it may be the expected one or another.
    Undecided(usize),
    /// An expectation is about its place, and not about what is there.
    Differs(usize, Vec<Difference>),
    /// No expectation is about it, and what is not expected is not wanted.
    Unexpected,
    /// The same on loopback, where that is worth a word and no more.
    UnexpectedLocally,
}

/// What of a socket is not as an expectation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The address that it is bound to.
    Address,
    /// The device that it is bound to.
    Interface,
    /// The executable of its owners, or that is not verified.
    Executable,
    /// Their user.
    User,
    /// Their unit.
    Unit,
    /// What of a user's own manager they are.
    UserUnit,
    /// Their container.
    Container,
    /// The package that owns the executable.
    Package,
    /// One owner has one of what is expected, another the rest.
    Owner,
}

impl Difference {
    /// What differs, in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Interface => "interface",
            Self::Executable => "executable",
            Self::User => "user",
            Self::Unit => "unit",
            Self::UserUnit => "user unit",
            Self::Container => "container",
            Self::Package => "package",
            Self::Owner => "owner",
        }
    }

    /// True where it concerns who holds the socket.
    pub const fn is_of_owner(self) -> bool {
        !matches!(self, Self::Address | Self::Interface)
    }
}

impl Policy {
    /// What it thinks of a socket that serves.
    pub fn stance(&self, candidate: &Candidate<'_>) -> Stance {
        // Who is in a place that is forbidden is forbidden whoever they are, if they cannot be seen.
        let forbids = |at: &usize| {
            let selector = &self.forbids[*at].selector;
            selector.is_at(candidate) && {
                let mut differences = selector.differences(candidate);
                differences.retain(|difference| candidate.is_attributed || !difference.is_of_owner());
                differences.is_empty()
            }
        };
        if let Some(at) = self.index.forbids(candidate).into_iter().find(forbids) {
            return Stance::Forbidden(at);
        }
        let contained = candidate.is_contained();
        let mut nearest: Option<(usize, Vec<Difference>)> = None;
        let mut undecided = None;
        for at in self.index.expects(candidate) {
            let selector = &self.expects[at].selector;
            let elsewhere =
                contained && self.settings.containers == Containers::Separate && !selector.is_about_containers();
            if elsewhere || !selector.is_at(candidate) {
                continue;
            }
            let differences = selector.differences(candidate);
            if differences.is_empty() {
                return Stance::Expected(at);
            }
            if !candidate.is_attributed && differences.iter().all(|difference| difference.is_of_owner()) {
                undecided.get_or_insert(at);
            }
            // An entry for every port, or for what is elsewhere, says nothing about this place.
            let about = !selector.ports.is_empty();
            if about && nearest.as_ref().is_none_or(|(_, fewest)| differences.len() < fewest.len()) {
                nearest = Some((at, differences));
            }
        }
        match (undecided, nearest) {
            (Some(at), _) => Stance::Undecided(at),
            (None, Some((at, differences))) => Stance::Differs(at, differences),
            (None, None) => self.unmatched(candidate, contained),
        }
    }

    fn unmatched(&self, candidate: &Candidate<'_>, contained: bool) -> Stance {
        if self.settings.default == Fallback::Allow || contained && self.settings.containers == Containers::Ignore {
            return Stance::Silent;
        }
        match (candidate.socket.scope(), self.settings.loopback) {
            (Scope::Loopback | Scope::Local, Loopback::Ignore) => Stance::Silent,
            (Scope::Loopback | Scope::Local, Loopback::Info) => Stance::UnexpectedLocally,
            _ => Stance::Unexpected,
        }
    }
}
