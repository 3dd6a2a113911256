//! What a policy thinks of one socket.

use super::{Candidate, Containers, Fallback, Loopback, Policy, Selector};
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
    /// An expectation is about its place, and what would decide whether it matches is not known: the owner, or which device
    /// bears the address that it is bound to.
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

/// True where nothing that is known of a socket at its place keeps an entry from matching it.
fn may_match(selector: &Selector, candidate: &Candidate<'_>) -> bool {
    let differs = |difference: &Difference| candidate.is_attributed || !difference.is_of_owner();
    selector.is_at(candidate) && !selector.differences(candidate).iter().any(differs)
}

impl Policy {
    /// What it thinks of a socket that serves.
    pub fn stance(&self, candidate: &Candidate<'_>) -> Stance {
        // Who is in a place that is forbidden is forbidden whoever they are, if they cannot be seen.
        let forbids = |at: &usize| {
            let selector = &self.forbids[*at].selector;
            !selector.is_open(candidate) && may_match(selector, candidate)
        };
        if let Some(at) = self.index.forbids(candidate).into_iter().find(forbids) {
            return Stance::Forbidden(at);
        }
        let contained = candidate.is_contained();
        let mut nearest: Option<(usize, Vec<Difference>)> = None;
        let mut undecided = None;
        for at in self.index.expects(candidate) {
            let selector = &self.expects[at].selector;
            if self.is_elsewhere(selector, contained) || !selector.is_at(candidate) {
                continue;
            }
            let differences = selector.differences(candidate);
            if differences.is_empty() && !selector.is_open(candidate) {
                return Stance::Expected(at);
            }
            if may_match(selector, candidate) {
                undecided.get_or_insert(at);
            }
            // An entry for every port, or for what is elsewhere, says nothing about this place.
            let about = !selector.ports.is_empty() && !differences.is_empty();
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

    /// The expectations that may be about a socket and may not: nobody can say that they match nothing.
    pub fn open(&self, candidate: &Candidate<'_>) -> Vec<usize> {
        let contained = candidate.is_contained();
        let is_open = |at: &usize| {
            let selector = &self.expects[*at].selector;
            let decided = (candidate.is_attributed || !selector.names_an_owner()) && !selector.is_open(candidate);
            !decided && !self.is_elsewhere(selector, contained) && may_match(selector, candidate)
        };
        let mut open = self.index.expects(candidate);
        open.retain(is_open);
        open
    }

    /// True where what the policy makes of a socket depends on addresses of devices that are not known.
    pub fn wants_addresses(&self, candidate: &Candidate<'_>, stance: &Stance) -> bool {
        let wants = |selector: &Selector| selector.is_open(candidate) && may_match(selector, candidate);
        match stance {
            _ if !self.asks_for_addresses() => false,
            Stance::Forbidden(_) => false,
            _ if self.index.forbids(candidate).into_iter().any(|at| wants(&self.forbids[at].selector)) => true,
            Stance::Undecided(_) => self.open(candidate).into_iter().any(|at| wants(&self.expects[at].selector)),
            _ => false,
        }
    }

    /// True for an entry that is not about what containers have.
    fn is_elsewhere(&self, selector: &Selector, contained: bool) -> bool {
        contained && self.settings.containers == Containers::Separate && !selector.is_about_containers()
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
