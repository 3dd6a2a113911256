//! Sockets that share one address, port and device, and what holds them.

use std::collections::HashMap;

use super::owners::{self, Ranking};
use crate::model::{Local, Process, Snapshot, Socket, State, Transport};
use crate::rules::Sharer;

/// What two sockets have in common that can only share their place with `SO_REUSEPORT`.
type Place<'a> = (usize, &'a Local, u32);

/// The sharers of each place that several sockets have. Only TCP is looked at: there every one of several listeners at a
/// place has set SO_REUSEPORT, and each gets a share of the connections. Of UDP sockets that is not known, and with
/// SO_REUSEADDR for multicast alone each gets all.
pub(super) struct Groups<'a> {
    of_place: HashMap<Place<'a>, usize>,
    all: Vec<Vec<Sharer<'a>>>,
}

fn place(socket: &Socket) -> Option<Place<'_>> {
    let shares = socket.transport == Transport::Tcp && socket.state == State::Listen;
    shares.then_some((socket.netns, &socket.local, socket.device))
}

impl<'a> Groups<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, ranking: &Ranking) -> Self {
        let mut rows: HashMap<Place<'a>, Vec<usize>> = HashMap::new();
        for (index, socket) in snapshot.sockets.iter().enumerate() {
            if let Some(place) = place(socket) {
                rows.entry(place).or_default().push(index);
            }
        }
        let mut groups = Self { of_place: HashMap::new(), all: Vec::new() };
        for (place, rows) in rows.into_iter().filter(|(_, rows)| rows.len() > 1) {
            groups.of_place.insert(place, groups.all.len());
            groups.all.push(sharers(snapshot, ranking, &rows));
        }
        groups
    }

    /// Those that share the place of a socket with it, itself among them; none where it is alone.
    pub(super) fn of(&self, socket: &Socket) -> &[Sharer<'a>] {
        let group = place(socket).and_then(|place| self.of_place.get(&place));
        group.map_or(&[], |group| &self.all[*group])
    }
}

/// The programs that hold these sockets, each once, by executable and unit.
fn sharers<'a>(snapshot: &'a Snapshot, ranking: &Ranking, rows: &[usize]) -> Vec<Sharer<'a>> {
    let mut sharers: Vec<Sharer<'a>> = Vec::new();
    for row in rows {
        let holders = snapshot.holders_of(*row);
        let server = owners::is_proved(holders).then(|| ranking.first_server(holders)).flatten();
        let Some(process) = server.map(|at| &snapshot.processes[at]) else { continue };
        let same = |other: &&mut Sharer<'a>| is_one(other.process, process);
        match sharers.iter_mut().find(same) {
            Some(known) => known.sockets += 1,
            None => sharers.push(Sharer { process, sockets: 1 }),
        }
    }
    sharers.sort_by_key(|sharer| (sharer.process.exe.as_ref(), sharer.process.unit_family(), sharer.process.pid));
    sharers
}

/// True for workers of one program in one unit, or the instances of one.
fn is_one(a: &Process, b: &Process) -> bool {
    // What is not known does not differ.
    let exe = a.exe.is_none() || b.exe.is_none() || a.exe == b.exe;
    exe && a.unit_family() == b.unit_family()
}
