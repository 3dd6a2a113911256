//! What differs between two pictures of a host, told in a way that a restart does not change.
//!
//! A listener is known by its seat (namespace, transport, address, port, device) and by who holds it (executable, user,
//! unit, container). Pids, inodes, times, the order and number of workers, and the numbers of ephemeral ports are none
//! of that. A row that only one picture has is a change only where the other could have seen it, and an owner has changed
//! only where both saw one: what was hidden is told as [`NotCompared`], and never claimed.

mod holder;
mod pairs;
mod seat;
#[cfg(test)]
mod tests;
mod view;

use std::cmp::Ordering;

use crate::error::Exit;
use crate::model::Scope;
use crate::picture::{Listener, Picture};

pub use view::{Unlike, transports};

/// What differs between two pictures.
#[derive(Clone, Debug)]
pub struct Diff<'a> {
    /// The earlier picture.
    pub old: &'a Picture,
    /// The later one.
    pub new: &'a Picture,
    /// Both are of one host; `None` where that is not known.
    pub same_host: Option<bool>,
    /// Both are of one boot of it; `None` where that is not known.
    pub same_boot: Option<bool>,
    /// What differs, and what was only restarted, in the order of output.
    pub changes: Vec<Change<'a>>,
    /// How many listeners are the same, restarted ones among them; identical ones count once.
    pub same: usize,
    /// Ephemeral UDP sockets of known owners that only one picture has: they come and go with each question that a
    /// program asks, and are no difference.
    pub passing: usize,
    /// What is not claimed, since one picture could not see it.
    pub not_compared: Vec<NotCompared<'a>>,
    /// How what could be seen differs.
    pub views: Vec<Unlike>,
    /// There is a table of sockets that both pictures could read.
    pub comparable: bool,
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change<'a> {
    /// What kind of change it is.
    pub kind: Kind,
    /// As it was.
    pub old: Option<&'a Listener>,
    /// As it is.
    pub new: Option<&'a Listener>,
}

/// A kind of change, in the order of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It was not there.
    New,
    /// Another program, user, unit or container holds it.
    OwnerChanged,
    /// The same owner can be reached from further away.
    Widened,
    /// The same owner is bound elsewhere, and as far to reach.
    Moved,
    /// The same owner can be reached from less far.
    Narrowed,
    /// It is not there any more.
    Gone,
    /// Other processes of the same owner hold it: it was restarted, which is no difference.
    Replaced,
}

impl Kind {
    /// Every kind, in the order of output.
    pub const ALL: [Self; 7] =
        [Self::New, Self::OwnerChanged, Self::Widened, Self::Moved, Self::Narrowed, Self::Gone, Self::Replaced];

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::OwnerChanged => "owner_changed",
            Self::Widened => "widened",
            Self::Moved => "moved",
            Self::Narrowed => "narrowed",
            Self::Gone => "gone",
            Self::Replaced => "replaced",
        }
    }

    /// False for what is told and makes no difference.
    pub const fn is_difference(self) -> bool {
        !matches!(self, Self::Replaced)
    }
}

/// A listener of which something is not claimed.
#[derive(Clone, Debug, PartialEq)]
pub struct NotCompared<'a> {
    /// The listener, as the picture has it that saw more.
    pub listener: &'a Listener,
    /// What is not claimed of it.
    pub what: Unclaimed,
    /// The picture that could not see it is the earlier one.
    pub hidden_in_old: bool,
    /// Why it could not.
    pub why: String,
}

/// What is not claimed of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unclaimed {
    /// That it is new or gone.
    Presence,
    /// That its owner is another or the same.
    Owner,
}

impl Unclaimed {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Owner => "owner",
        }
    }
}

impl Diff<'_> {
    /// How many changes of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.changes.iter().filter(|change| change.kind == kind).count()
    }

    /// How many differences there are.
    pub fn differences(&self) -> usize {
        self.changes.iter().filter(|change| change.kind.is_difference()).count()
    }

    /// How the run ends: 1 where they differ, whatever else could not be compared; 0 where nothing differs and nothing
    /// was hidden from one of them alone; else 3.
    pub fn exit(&self) -> Exit {
        let whole = self.comparable && self.old.could_tell && self.new.could_tell;
        match self.differences() {
            0 if whole && self.not_compared.is_empty() => Exit::Ok,
            0 => Exit::Unknown,
            _ => Exit::Warning,
        }
    }
}

/// Compares two pictures.
pub fn diff<'a>(old: &'a Picture, new: &'a Picture) -> Diff<'a> {
    let both = |one: &Option<_>, other: &Option<_>| Some(one.as_ref()? == other.as_ref()?);
    let same_boot = both(&old.host.boot_id, &new.host.boot_id);
    // An id of a boot is that of one host.
    let same_host = both(&old.host.id, &new.host.id).or(same_boot.filter(|same| *same));
    let comparable = view::is_comparable(old, new);
    let mut diff = Diff {
        old,
        new,
        same_host,
        same_boot,
        changes: Vec::new(),
        same: 0,
        passing: 0,
        not_compared: Vec::new(),
        views: view::unlike(old, new),
        comparable,
    };
    // Pids mean something within one host alone.
    let restarts = same_host != Some(false);
    if comparable {
        pairs::fill(&mut diff, restarts);
    }
    diff
}

/// What the way from one listener to another of the same owner is; `None` where nobody notices.
fn way(old: &Listener, new: &Listener, moved: bool) -> Option<Kind> {
    let reach = |listener: &Listener| Some((rank(listener.exposure?), rank(listener.scope?)));
    let unbound = |listener: &Listener| listener.interface.is_empty();
    let by_class = reach(old).zip(reach(new)).map_or(Ordering::Equal, |(old, new)| new.cmp(&old));
    let by_device = if moved { unbound(new).cmp(&unbound(old)) } else { Ordering::Equal };
    let families = old.dual_stack.zip(new.dual_stack).filter(|_| old.address == new.address);
    let by_family = families.map_or(Ordering::Equal, |(old, new)| new.cmp(&old));
    match by_class.then(by_device).then(by_family) {
        Ordering::Greater => Some(Kind::Widened),
        Ordering::Less => Some(Kind::Narrowed),
        Ordering::Equal => moved.then_some(Kind::Moved),
    }
}

/// How far away a sender may be.
fn rank(scope: Scope) -> u8 {
    match scope {
        Scope::Local => 0,
        Scope::Loopback => 1,
        Scope::LinkLocal | Scope::Private | Scope::Multicast => 2,
        Scope::Public => 3,
        Scope::Wildcard => 4,
    }
}
