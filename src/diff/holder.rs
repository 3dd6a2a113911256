//! Who holds a listener, and whether two such are one.

use crate::model::{Certainty, ExeState, OwnerStatus, Text, UnitState};
use crate::picture::{KernelOwner, Listener, Owner};
use crate::report::Role;

/// Who holds a listener.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Holder<'a> {
    /// A program.
    Program(Program<'a>),
    /// The kernel.
    Kernel(&'a KernelOwner),
    /// Nobody: every process was looked into.
    Nobody,
    /// Somebody who could not be seen; the user that created the socket is known to everybody.
    Hidden(Option<u32>),
}

/// What makes a program the same from one start to the next; `None` is not known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Program<'a> {
    exe: Option<&'a Text>,
    origin: Option<Origin>,
    uid: Option<u32>,
    user: Option<&'a Text>,
    /// The unit without its instance; `Some(None)` for a process of no unit.
    unit: Option<Option<String>>,
    container: Option<Option<String>>,
    /// It holds the socket for a service that it starts.
    activates: bool,
}

/// Where the file of an executable is from. A file that was replaced under a running program was the host's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Origin {
    Host,
    Memory,
    Foreign,
}

/// What two holders are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// One, as far as both pictures saw them.
    Same,
    /// Two.
    Other,
    /// One picture saw more of them than the other.
    Unclear,
}

impl<'a> Holder<'a> {
    pub(super) fn of(listener: &'a Listener) -> Self {
        let hidden = Self::Hidden(listener.uid);
        match listener.owner_status {
            Some(OwnerStatus::Known) => {
                listener.speaker().map_or(hidden, |owner| Self::Program(program(listener, owner)))
            }
            Some(OwnerStatus::Kernel) => listener.kernel_owner.as_ref().map_or(hidden, Self::Kernel),
            Some(OwnerStatus::None) => Self::Nobody,
            Some(
                OwnerStatus::InFlight
                | OwnerStatus::Denied
                | OwnerStatus::OtherPidNamespace
                | OwnerStatus::Vanished
                | OwnerStatus::Unknown,
            )
            | None => hidden,
        }
    }

    /// True where less is known of it than of another.
    pub(super) fn is_less_known(&self, other: &Self) -> bool {
        let known = |holder: &Self| match holder {
            Self::Hidden(_) => 0,
            Self::Nobody => 1,
            Self::Program(program) => 1 + u8::from(program.exe.is_some()),
            Self::Kernel(_) => 2,
        };
        known(self) < known(other)
    }

    fn activates(&self) -> bool {
        matches!(self, Self::Program(program) if program.activates)
    }
}

/// What the holders of two things are to each other, each with the listeners that it holds. With unequal rights one
/// picture may have seen the workers alone of what speaks for a listener in the other.
pub(super) fn relation<'a>(
    (old, old_listeners): (&Holder<'a>, &[&'a Listener]),
    (new, new_listeners): (&Holder<'a>, &[&'a Listener]),
    unequal_rights: bool,
) -> Relation {
    let by_nature = match (old, new) {
        (Holder::Program(old), Holder::Program(new)) => programs(old, new),
        (Holder::Kernel(old), Holder::Kernel(new)) if old == new => Relation::Same,
        (Holder::Nobody, Holder::Nobody) => Relation::Same,
        (Holder::Hidden(old), Holder::Hidden(new)) => match old.zip(*new) {
            Some((old, new)) if old != new => Relation::Other,
            _ => Relation::Same,
        },
        (Holder::Hidden(_), _) | (_, Holder::Hidden(_)) => Relation::Unclear,
        // What the kernel says of its own is not told to everybody.
        (Holder::Kernel(_), Holder::Nobody) | (Holder::Nobody, Holder::Kernel(_)) => Relation::Unclear,
        _ => Relation::Other,
    };
    // A service that its manager starts with the first connection takes a seat that was there for it.
    if by_nature == Relation::Other && old.activates() != new.activates() {
        let (waiting, served) = if old.activates() { (old, new_listeners) } else { (new, old_listeners) };
        if is_among(waiting, served) {
            return Relation::Same;
        }
    }
    if by_nature == Relation::Other && unequal_rights && (is_among(old, new_listeners) || is_among(new, old_listeners))
    {
        return Relation::Same;
    }
    by_nature
}

/// True where a program is among those that were seen to hold these listeners.
fn is_among(holder: &Holder<'_>, listeners: &[&Listener]) -> bool {
    let Holder::Program(wanted) = holder else { return false };
    let is_it = |listener: &Listener, owner: &Owner| {
        let holds = owner.certainty == Some(Certainty::Proved);
        holds && programs(&program(listener, owner), wanted) == Relation::Same
    };
    listeners.iter().any(|listener| listener.owners.iter().any(|owner| is_it(listener, owner)))
}

fn programs(old: &Program<'_>, new: &Program<'_>) -> Relation {
    let same_user = match (old.uid.zip(new.uid), old.user.zip(new.user)) {
        // A name is looked up from a number: on a host without that entry the number stands alone.
        (Some((old, new)), names) => Some(old == new || names.is_some_and(|(old, new)| old == new)),
        (None, names) => names.map(|(old, new)| old == new),
    };
    let exe = old.exe.zip(new.exe).map(|(old, new)| old == new);
    let known = [
        exe,
        old.origin.zip(new.origin).map(|(old, new)| old == new),
        same_user,
        old.unit.as_ref().zip(new.unit.as_ref()).map(|(old, new)| old == new),
        old.container.as_ref().zip(new.container.as_ref()).map(|(old, new)| old == new),
    ];
    if known.contains(&Some(false)) {
        return Relation::Other;
    }
    // Without a program's file the rest is no proof, unless both pictures lack it alike.
    match exe {
        Some(_) => Relation::Same,
        None if old.exe.is_none() && new.exe.is_none() => Relation::Same,
        None => Relation::Unclear,
    }
}

fn program<'a>(listener: &'a Listener, owner: &'a Owner) -> Program<'a> {
    // Whether there is none, or it is not known, is told of the first owner alone.
    let is_first = listener.owners.first() == Some(owner);
    let none = |state: Option<UnitState>| (is_first && state == Some(UnitState::None)).then_some(None);
    Program {
        exe: owner.exe.as_ref(),
        origin: match owner.exe_state {
            Some(ExeState::Ok | ExeState::Deleted) => Some(Origin::Host),
            Some(ExeState::Memfd) => Some(Origin::Memory),
            Some(ExeState::Foreign) => Some(Origin::Foreign),
            Some(ExeState::Unreadable) | None => None,
        },
        uid: owner.uid,
        user: owner.user.as_ref(),
        unit: owner.unit_family().map(Some).or_else(|| none(listener.unit_state)),
        container: owner.stable_container().map(Some).or_else(|| none(listener.container_state)),
        activates: owner.role == Some(Role::Activator),
    }
}
