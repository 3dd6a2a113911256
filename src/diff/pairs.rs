//! Which thing of the later picture is which of the earlier one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use super::holder::{Relation, relation};
use super::seat::{Door, Port, Seat, Seats, Thing};
use super::{Change, Diff, Kind, NotCompared, Unclaimed, view, way};
use crate::model::{OwnerStatus, State, Transport};
use crate::picture::{Listener, Picture};

/// With so many others at its place a thing is compared. Real hosts have a few; a file that somebody made up could have
/// so many that comparing each with each would not end.
const MOST_RIVALS: usize = 64;

/// The things of both pictures, and which are paired.
struct Pairing<'a> {
    old: Vec<Thing<'a>>,
    new: Vec<Thing<'a>>,
    /// For each old thing, the new one.
    of_old: Vec<Option<usize>>,
    /// The new things that have an old one.
    taken: Vec<bool>,
    /// Processes were hidden from one of the pictures alone.
    unequal_rights: bool,
}

/// Compares all that both pictures have.
pub(super) fn fill(diff: &mut Diff<'_>, restarts: bool) {
    let seats = Seats::of(diff.old, diff.new);
    let unequal_rights = view::are_unequal(diff.old, diff.new);
    let pairing = Pairing::of(seats.things(diff.old), seats.things(diff.new), unequal_rights);
    // Sorted by kind, then by the place in the later picture, or in the earlier one for what is gone.
    let mut changes: BTreeMap<(Kind, usize), Change<'_>> = BTreeMap::new();
    for (old, new) in pairing.old.iter().zip(&pairing.of_old) {
        let Some(new) = new.map(|at| &pairing.new[at]) else { continue };
        let found = of_pair(diff, (old, new), between(old, new, unequal_rights), restarts);
        match found {
            Some(kind) => {
                let change = Change { kind, old: Some(old.lead()), new: Some(new.lead()) };
                changes.insert((kind, new.at), change);
                diff.same += usize::from(!kind.is_difference());
            }
            None => diff.same += 1,
        }
    }
    for alone in pairing.alone() {
        let Alone { thing, in_old, relation } = alone;
        let listener = thing.lead();
        let other = if in_old { diff.new } else { diff.old };
        match (relation, view::sees(other, listener)) {
            (Some((Relation::Same, _)), _) => diff.same += usize::from(in_old),
            (Some((_, rival)), _) => {
                let (old, new) = if in_old { (thing, rival) } else { (rival, thing) };
                unclear(diff, old, new);
            }
            (None, Err(why)) => not_compared(diff, listener, Unclaimed::Presence, !in_old, why),
            (None, Ok(())) if thing.listeners.iter().all(|listener| is_passing(listener)) => {
                diff.passing += thing.listeners.len();
            }
            (None, Ok(())) => {
                let (kind, old, new) = match in_old {
                    true => (Kind::Gone, Some(listener), None),
                    false => (Kind::New, None, Some(listener)),
                };
                changes.insert((kind, thing.at), Change { kind, old, new });
            }
        }
    }
    diff.changes = changes.into_values().collect();
}

/// What became of a thing that both have; `None` where nothing did.
fn of_pair<'a>(
    diff: &mut Diff<'a>,
    (old, new): (&Thing<'a>, &Thing<'a>),
    relation: Relation,
    restarts: bool,
) -> Option<Kind> {
    let moved = old.seat != new.seat;
    let way = way(old.lead(), new.lead(), moved);
    match relation {
        Relation::Other => Some(Kind::OwnerChanged),
        Relation::Unclear => {
            unclear(diff, old, new);
            way
        }
        Relation::Same => {
            let replaced = || restarts && was_replaced(diff.old, diff.new, old, new);
            way.or_else(|| replaced().then_some(Kind::Replaced))
        }
    }
}

fn not_compared<'a>(diff: &mut Diff<'a>, listener: &'a Listener, what: Unclaimed, hidden_in_old: bool, why: String) {
    diff.not_compared.push(NotCompared { listener, what, hidden_in_old, why });
}

/// Tells that an owner is not compared, of which one picture saw less than the other.
fn unclear<'a>(diff: &mut Diff<'a>, old: &Thing<'a>, new: &Thing<'a>) {
    let hidden_in_old = old.holder.is_less_known(&new.holder);
    let (hidden, seen) = if hidden_in_old { (old, new) } else { (new, old) };
    not_compared(diff, seen.lead(), Unclaimed::Owner, hidden_in_old, hidden_owner(hidden).to_owned());
}

fn between<'a>(old: &Thing<'a>, new: &Thing<'a>, unequal_rights: bool) -> Relation {
    relation((&old.holder, &old.listeners), (&new.holder, &new.listeners), unequal_rights)
}

/// Why the owner of a thing is not known.
fn hidden_owner(thing: &Thing<'_>) -> &'static str {
    match thing.lead().owner_status {
        Some(OwnerStatus::Denied) => "not permitted",
        Some(OwnerStatus::OtherPidNamespace) => "in another pid namespace",
        Some(OwnerStatus::InFlight) => "perhaps in flight between processes",
        Some(OwnerStatus::Vanished) => "vanished while it was looked at",
        Some(OwnerStatus::None) => "no process, and perhaps the kernel",
        Some(OwnerStatus::Known) => "its executable could not be read",
        Some(OwnerStatus::Kernel | OwnerStatus::Unknown) | None => "not known",
    }
}

/// True where none of the processes that held it holds it still.
fn was_replaced(old_picture: &Picture, new_picture: &Picture, old: &Thing<'_>, new: &Thing<'_>) -> bool {
    let identities = |thing: &Thing<'_>| -> Option<BTreeSet<(u32, u64)>> {
        let owners = thing.listeners.iter().flat_map(|listener| &listener.owners);
        owners.map(|owner| Some((owner.pid?, owner.start_ticks?))).collect()
    };
    let (Some(old), Some(new)) = (identities(old), identities(new)) else { return false };
    let boots = old_picture.host.boot_id.as_ref().zip(new_picture.host.boot_id.as_ref());
    !old.is_empty() && !new.is_empty() && boots.is_some_and(|(was, is)| was != is || old.is_disjoint(&new))
}

/// True for a socket of a program that asks questions: its port is another each time, nobody finds fault with it, and
/// who holds it is beyond doubt.
fn is_passing(listener: &Listener) -> bool {
    let owned = |owner: &crate::picture::Owner| owner.unit.is_some() || owner.hosts_exe().is_some();
    matches!(listener.transport, Some(Transport::Udp | Transport::UdpLite))
        && listener.state == Some(State::Unconnected)
        && listener.ephemeral
        && listener.findings.is_empty()
        && listener.owner_status == Some(OwnerStatus::Known)
        && listener.speaker().is_some_and(owned)
}

/// A thing that only one picture has.
struct Alone<'t, 'a> {
    thing: &'t Thing<'a>,
    in_old: bool,
    /// What it is to what the other picture has at its very seat, unless that is another's.
    relation: Option<(Relation, &'t Thing<'a>)>,
}

impl<'a> Pairing<'a> {
    fn of(old: Vec<Thing<'a>>, new: Vec<Thing<'a>>, unequal_rights: bool) -> Self {
        let (of_old, taken) = (vec![None; old.len()], vec![false; new.len()]);
        let mut pairing = Self { old, new, of_old, taken, unequal_rights };
        let between = |old: &Thing<'a>, new: &Thing<'a>| between(old, new, unequal_rights);
        // The same in the same namespace, then in another of its name: a container has a new one with each start.
        pairing.by(|thing| (thing.seat, thing.inode, thing.holder.clone()), |_, _| true);
        pairing.by(|thing| (thing.seat, thing.holder.clone()), |_, _| true);
        let is = |relation| move |old: &Thing<'a>, new: &Thing<'a>| between(old, new) == relation;
        let here = |old: &Thing<'a>, new: &Thing<'a>| old.inode == new.inode;
        for relation in [Relation::Same, Relation::Unclear] {
            pairing.by(|thing| thing.seat, |old, new| here(old, new) && is(relation)(old, new));
            pairing.by(|thing| thing.seat, is(relation));
        }
        // Another owner at the same place. One ephemeral port has nothing to do with another.
        let shares = |old: &Thing<'a>, new: &Thing<'a>| {
            old.seat.door.port != Port::Ephemeral || !old.ports().is_disjoint(&new.ports())
        };
        pairing.by(|thing| thing.seat, |old, new| here(old, new) && is(Relation::Other)(old, new) && shares(old, new));
        pairing.by(|thing| thing.seat, |old, new| is(Relation::Other)(old, new) && shares(old, new));
        // The same owner at another address.
        let may_be_one = |old: &Thing<'a>, new: &Thing<'a>| match between(old, new) {
            Relation::Same => true,
            // Then the user that made the socket has to be one, and not merely not known.
            Relation::Unclear => old.lead().uid.is_some() && old.lead().uid == new.lead().uid,
            Relation::Other => false,
        };
        let family = |thing: &Thing<'a>| thing.lead().address.as_ref().is_some_and(|ip| ip.as_bytes().contains(&b':'));
        let door = |thing: &Thing<'a>| -> Door<'a> { thing.seat.door };
        pairing.by(door, |old, new| here(old, new) && family(old) == family(new) && may_be_one(old, new));
        pairing.by(door, |old, new| here(old, new) && may_be_one(old, new));
        pairing.by(door, |old, new| family(old) == family(new) && may_be_one(old, new));
        pairing
    }

    /// Pairs what is left and has the same key, as far as it fits.
    fn by<K: Eq + Hash>(&mut self, key: impl Fn(&Thing<'a>) -> K, fits: impl Fn(&Thing<'a>, &Thing<'a>) -> bool) {
        let mut left: HashMap<K, Vec<usize>> = HashMap::new();
        // The last of each list is looked at first, and is the first of the picture.
        for at in (0..self.new.len()).rev().filter(|at| !self.taken[*at]) {
            left.entry(key(&self.new[at])).or_default().push(at);
        }
        for at in (0..self.old.len()).filter(|at| self.of_old[*at].is_none()).collect::<Vec<_>>() {
            let Some(rivals) = left.get_mut(&key(&self.old[at])) else { continue };
            let found =
                (0..rivals.len()).rev().take(MOST_RIVALS).find(|rival| fits(&self.old[at], &self.new[rivals[*rival]]));
            if let Some(rival) = found {
                let new = rivals.remove(rival);
                self.of_old[at] = Some(new);
                self.taken[new] = true;
            }
        }
    }

    /// What has no counterpart, first of the earlier picture.
    fn alone(&self) -> Vec<Alone<'_, 'a>> {
        let olds = self.old.iter().zip(&self.of_old).filter(|(_, new)| new.is_none()).map(|(thing, _)| thing);
        let news = self.new.iter().zip(&self.taken).filter(|(_, taken)| !**taken).map(|(thing, _)| thing);
        let (at_old, at_new) = (at_seats(&self.old), at_seats(&self.new));
        let of_old = olds.map(|thing| Alone { thing, in_old: true, relation: self.to_those(thing, &at_new, true) });
        let of_new = news.map(|thing| Alone { thing, in_old: false, relation: self.to_those(thing, &at_old, false) });
        of_old.chain(of_new).collect()
    }

    /// What a thing without a counterpart is to those at its seat in the other picture: perhaps one of them, of which
    /// that picture saw more, or less.
    fn to_those<'t>(
        &self,
        thing: &Thing<'a>,
        others: &Seated<'t, 'a>,
        in_old: bool,
    ) -> Option<(Relation, &'t Thing<'a>)> {
        let to = |other: &'t Thing<'a>| match in_old {
            true => (between(thing, other, self.unequal_rights), other),
            false => (between(other, thing, self.unequal_rights), other),
        };
        let at = |seat| others.get(&(seat, thing.inode)).into_iter().flatten().take(MOST_RIVALS).copied();
        let here = at(thing.seat).filter(|other| other.seat == thing.seat).map(to);
        let found = here.filter(|(one, _)| *one != Relation::Other).min_by_key(|(one, _)| *one == Relation::Unclear);
        // Another ephemeral port of the same owner, though a registry has a name for one of the two, or for both: then the
        // runs themselves have called them the same.
        let by_chance = || {
            let is_same = |other: &Thing<'a>| {
                let mut prints = other.listeners.iter().map(|listener| &listener.fingerprint);
                prints.any(|print| thing.listeners.iter().any(|listener| listener.fingerprint == *print))
            };
            let is_chosen = |other: &Thing<'a>| {
                is_same(other) || [other, thing].iter().any(|one| one.seat.door.port == Port::Ephemeral)
            };
            let others = at(thing.seat.by_chance()).filter(|other| chance(thing) && is_chosen(other));
            others.map(to).find(|(one, _)| *one == Relation::Same)
        };
        found.or_else(by_chance)
    }
}

/// Where Linux begins to hand out ports by itself, ip_local_port_range in ip(7).
const HANDED_OUT_FROM: u32 = 32_768;

/// The seat that a thing would have if the kernel had chosen its port, as it may have: a registry names a few of those
/// ports, and does not know by whose choice a program is there.
fn chance(thing: &Thing<'_>) -> bool {
    match thing.seat.door.port {
        Port::Ephemeral => true,
        Port::Number(port) => port >= HANDED_OUT_FROM,
        Port::None => false,
    }
}

/// The things at each seat of each namespace.
type Seated<'t, 'a> = HashMap<(Seat<'a>, Option<u64>), Vec<&'t Thing<'a>>>;

fn at_seats<'t, 'a>(things: &'t [Thing<'a>]) -> Seated<'t, 'a> {
    let mut seated: Seated<'t, 'a> = HashMap::new();
    for thing in things {
        seated.entry((thing.seat, thing.inode)).or_default().push(thing);
        if chance(thing) && thing.seat.door.port != Port::Ephemeral {
            seated.entry((thing.seat.by_chance(), thing.inode)).or_default().push(thing);
        }
    }
    seated
}
