//! Linux: pure over [`Kernel`], so that a capture can be judged on any system and a race, a lack of privilege or a broken
//! row can be tested without root and without that machine.

mod addresses;
mod arrange;
mod by_cgroup;
mod choice;
mod container;
mod deep;
mod devices;
mod gaps;
mod genetlink;
mod holders;
mod kernel;
mod kernel_owners;
#[cfg(target_os = "linux")]
mod live;
#[cfg_attr(not(any(target_os = "linux", test)), expect(dead_code, reason = "only a live host is walked"))]
mod mounts;
mod namespaces;
mod netlink;
mod owned;
#[cfg_attr(not(any(target_os = "linux", test)), expect(dead_code, reason = "databases are read on a live host"))]
mod packages;
mod places;
mod proc_net;
mod proc_pid;
mod question;
mod rename;
mod sk_lookup;
mod sock_diag;
mod tables;
mod transcript;
mod tunnels;
mod vantage;
mod vsock;

#[cfg(target_os = "linux")]
pub use live::{look, record};
pub use rename::renamed;

use std::collections::{BTreeSet, HashMap};

use super::Ask;
use crate::model::{Holder, Process, Snapshot, State, Transport, Via};
use holders::{Files, Found, Pass};
use kernel::{Kernel, Refusal};
use places::Places;
use proc_net::Protocols;
use question::{Question, Table};
use tables::READINGS;

/// The tables that answer an ask.
fn asked_tables(ask: &Ask) -> Vec<Table> {
    let of = |transport: Transport| -> &'static [Table] {
        match transport {
            Transport::Tcp => &[Table::Tcp, Table::Tcp6, Table::Mptcp, Table::Mptcp6],
            Transport::Udp => &[Table::Udp, Table::Udp6],
            Transport::UdpLite => &[Table::UdpLite, Table::UdpLite6],
            Transport::Sctp => &[Table::Sctp, Table::Sctp6],
            Transport::Dccp => &[Table::Dccp, Table::Dccp6],
            Transport::Raw => &[Table::Raw, Table::Raw6],
            Transport::Packet => &[Table::Packet],
            Transport::Vsock => &[Table::Vsock],
            Transport::Unix => &[Table::Unix],
        }
    };
    let bound = |transport: Transport| -> &'static [Table] {
        match transport {
            Transport::Tcp if ask.bound => &[Table::TcpBound, Table::Tcp6Bound],
            Transport::Udp if ask.bound => &[Table::UdpConnected, Table::Udp6Connected],
            _ => &[],
        }
    };
    let waiting = |transport: Transport| -> &'static [Table] {
        match transport {
            Transport::Tcp if ask.time_wait => &[Table::TcpTimeWait, Table::Tcp6TimeWait],
            _ => &[],
        }
    };
    let transports = Transport::ALL.into_iter().filter(|transport| ask.transports.contains(transport));
    transports.flat_map(|one| [of(one), bound(one), waiting(one)].concat()).collect()
}

/// Looks at a host. It never fails: what could not be seen is a gap.
pub fn snapshot(kernel: &dyn Kernel<Question>, ask: &Ask) -> Snapshot {
    let clock = vantage::clock(kernel);
    let seen_from = vantage::vantage(kernel);
    let mut snapshot = Snapshot {
        taken_at: clock.map(|(now, ..)| now).unwrap_or_default(),
        host: vantage::host(kernel, ask.ids),
        vantage: seen_from,
        ..Snapshot::default()
    };
    let boot = clock.map(|(_, boot, ticks)| (boot, ticks));
    let release = snapshot.host.kernel.clone().unwrap_or_default();
    let own = vantage::netns(kernel, &snapshot.vantage);
    let own_inode = own.inode;
    let mut places = Places::new(kernel, own, asked_tables(ask), release.as_bytes(), ask.netns.as_deref());
    let others = read_first(kernel, &mut places, own_inode);
    let mut of_namespaces = Vec::new();
    match others {
        Ok(closed) => of_namespaces.extend(gaps::closed_namespaces(closed)),
        Err(refusal) => {
            let what = "other network namespaces";
            of_namespaces.push(vantage::refusal_gap(what, refusal, "their sockets are not listed"));
        }
    }
    let files = Files::default();
    // The passes after the first look for the holders of new rows alone, and do not count the processes again.
    let mut found: Option<Found> = None;
    let mut more_places = false;
    let by_descriptors = places.wants_descriptors();
    let mut vsock = BTreeSet::new();
    for reading in 1..=READINGS {
        let known = if reading == 1 { 0 } else { places.read() };
        if reading > 1 && known == places.len() && !more_places {
            break;
        }
        let wanted = places.wanted(|at| at >= known);
        let others = reading == 1 && by_descriptors;
        let pass = Pass { kernel, wanted: &wanted, others, cmdline: ask.cmdline, boot, files: &files };
        let mut pass = if others { vsock::scan(&pass, has_many(&places)) } else { holders::scan(&pass) };
        more_places = places.add_held(&pass.namespaces);
        vsock.extend(pass.vsock.iter().map(|(socket, ..)| socket.inode));
        add_vsock(&mut places, &mut pass);
        if let Some(refusal) = pass.vsock_refusal {
            places.doubt_vsock(refusal);
        }
        match &mut found {
            None => found = Some(pass),
            Some(found) => merge(found, pass),
        }
    }
    let mut found = found.unwrap_or_default();
    let pass = Pass { kernel, wanted: &[], others: by_descriptors, cmdline: ask.cmdline, boot, files: &files };
    look_again(&mut places, &mut found, &vsock, pass);
    if let Some(refusal) = found.refusal.or(found.unasked) {
        let what = if found.refusal.is_some() { "the list of processes" } else { "some of the processes" };
        let consequence = "sockets that only they hold are listed without their owner";
        snapshot.gaps.push(vantage::refusal_gap(what, refusal, consequence));
        found.counts.hidden_possible = true;
    }
    let uncovered_protocols = places.uncovered();
    let finished = places.finish();
    (snapshot.sockets, snapshot.tables, snapshot.namespaces) = (finished.sockets, finished.tables, finished.namespaces);
    (snapshot.counts, snapshot.processes, snapshot.holders) = (found.counts, found.processes, found.holders);
    snapshot.holders.iter_mut().for_each(|holder| holder.socket = finished.moved[holder.socket as usize]);
    let bad = finished.bad_rows.into_iter().filter(|(at, ..)| finished.kept[*at]);
    snapshot.gaps.extend(bad.map(|(at, table, bad)| gaps::bad_rows(&snapshot.namespaces[at], table, bad)));
    let uncovered = uncovered_protocols.into_iter().filter(|(at, _)| finished.kept[*at]);
    snapshot.gaps.extend(uncovered.map(|(at, one)| gaps::uncovered(&snapshot.namespaces[at], one)));
    // Who looks at one namespace misses nothing in the others.
    if ask.netns.is_none() || finished.is_unmatched {
        snapshot.gaps.extend(of_namespaces);
    }
    if finished.has_others {
        mark_foreign(kernel, &mut snapshot);
    }
    snapshot.netns_unmatched = finished.is_unmatched;
    arrange::keep_namespaces(&mut snapshot, &finished.kept);
    name_users(kernel, &mut snapshot);
    arrange::split_lingering(&mut snapshot);
    arrange::join_mptcp(&mut snapshot);
    if !ask.bound {
        arrange::keep_sockets(&mut snapshot, |socket| matches!(socket.state, State::Listen | State::Unconnected));
    }
    arrange::order(&mut snapshot);
    if ask.packages {
        owned::name_packages(kernel, &mut snapshot);
    }
    let mut holds = vec![false; snapshot.sockets.len()];
    snapshot.holders.iter().for_each(|holder| holds[holder.socket as usize] = true);
    vantage::sort_refusals(&mut snapshot.counts, &snapshot.vantage);
    let kept = finished.places.iter().zip(&finished.kept).filter(|(_, kept)| **kept);
    let places: Vec<_> = kept.map(|(place, _)| *place).collect();
    kernel_owners::attribute(kernel, &places, &mut snapshot);
    if ask.addresses {
        addresses::read(kernel, &places, &mut snapshot);
    }
    let mut sockets = holds.iter().zip(&snapshot.sockets);
    let unowned = sockets.any(|(held, socket)| !held && !socket.raced && socket.kernel_owner.is_none());
    let gaps = vantage::process_gaps(&mut snapshot.counts, &snapshot.vantage, unowned);
    snapshot.gaps.extend(gaps);
    let pass = Pass { kernel, wanted: &[], others: false, cmdline: ask.cmdline, boot, files: &files };
    by_cgroup::attribute(&pass, ask.ids, &mut snapshot);
    if ask.cmdline {
        snapshot.gaps.extend(gaps::command_lines(&snapshot.processes));
    }
    gaps::doubt_descriptors(&mut snapshot);
    snapshot.gaps.extend(gaps::table_gaps(&snapshot));
    sk_lookup::look(kernel, ask, &mut snapshot);
    let is_old = || proc_net::version(release.as_bytes()).is_some_and(|version| version < (6, 8));
    if ask.bound && ask.transports.contains(&Transport::Tcp) && is_old() {
        snapshot.gaps.push(gaps::bound_unknown());
    }
    snapshot
}

/// True on a host with so many TCP sockets that what can be done side by side should be.
fn has_many(places: &Places<'_>) -> bool {
    const MANY: u64 = 1000;
    let count = |protocols: &Protocols| protocols.sockets(b"TCP").saturating_add(protocols.sockets(b"TCPv6"));
    places.protocols().is_some_and(|protocols| count(protocols) > MANY)
}

/// The first reading. Returns how many processes told nothing of their namespace.
fn read_first(kernel: &dyn Kernel<Question>, places: &mut Places<'_>, own: Option<u64>) -> Result<u64, Refusal> {
    let add = |places: &mut Places<'_>, (ways, closed)| {
        places.add(ways);
        closed
    };
    if !has_many(places) {
        let others = namespaces::find(kernel, own).map(|others| add(places, others));
        places.read();
        return others;
    }
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| namespaces::find(kernel, own));
        places.read();
        let others = beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        others.map(|others| {
            let closed = add(places, others);
            places.read_added();
            closed
        })
    })
}

/// A process that ended while it was looked at may have left its sockets to a child that came after the list; and where
/// nobody is seen to hold a socket, the dear looks are taken. Where descriptors alone tell of vsock sockets, such a child
/// may have some that nobody has seen yet.
fn look_again(places: &mut Places<'_>, found: &mut Found, vsock: &BTreeSet<u64>, pass: Pass<'_>) {
    let open = |places: &Places<'_>, found: &Found| {
        let mut held = vec![false; places.len()];
        found.holders.iter().for_each(|holder| held[holder.socket as usize] = true);
        places.wanted(|at| !held[at] && places.is_here(at))
    };
    let mut wanted = open(places, found);
    if (!wanted.is_empty() || pass.others) && found.counts.vanished > 0 {
        let again = Pass { wanted: &wanted, ..pass };
        let mut again = if pass.others { vsock::scan(&again, has_many(places)) } else { holders::scan(&again) };
        again.vsock.retain(|(socket, ..)| !vsock.contains(&socket.inode));
        add_vsock(places, &mut again);
        if let Some(refusal) = again.vsock_refusal {
            places.doubt_vsock(refusal);
        }
        merge(found, again);
        wanted = open(places, found);
    }
    if !wanted.is_empty() {
        merge(found, deep::search(&Pass { wanted: &wanted, others: false, ..pass }));
    }
}

/// Marks the holders that live in another network namespace than the socket.
fn mark_foreign(kernel: &dyn Kernel<Question>, snapshot: &mut Snapshot) {
    let lives_in = |process: &Process| {
        let answer = kernel.get(&Question::LivesIn(process.pid)).ok()?;
        std::str::from_utf8(&answer).ok()?.trim().parse::<u64>().ok()
    };
    let lives_in: Vec<Option<u64>> = snapshot.processes.iter().map(lives_in).collect();
    for holder in snapshot.holders.iter_mut().filter(|holder| holder.via == Via::Fd) {
        let socket = &snapshot.sockets[holder.socket as usize];
        let belongs_to = snapshot.namespaces[socket.netns].inode;
        // Vsock knows no network namespaces.
        let foreign =
            lives_in[holder.process as usize].zip(belongs_to).is_some_and(|(lives, belongs)| lives != belongs);
        if foreign && socket.transport != Transport::Vsock {
            holder.via = Via::ForeignNetns;
        }
    }
}

/// Makes rows of the vsock sockets that a pass found by their descriptors.
fn add_vsock(places: &mut Places<'_>, pass: &mut Found) {
    let mut rows: HashMap<u64, u32> = HashMap::new();
    for (socket, process, fd) in std::mem::take(&mut pass.vsock) {
        let row = *rows.entry(socket.inode).or_insert_with(|| places.join(socket));
        pass.holders.push(Holder::proved(row, process, fd));
    }
}

/// Adds a later pass. A process that both found is the same only where all is that tells it from another: the clock of
/// starts is coarse enough for two processes with one pid, and a process may have become another program.
fn merge(found: &mut Found, pass: Found) {
    found.unasked = found.unasked.or(pass.refusal).or(pass.unasked);
    found.vsock_refusal = found.vsock_refusal.or(pass.vsock_refusal);
    if pass.processes.is_empty() {
        return;
    }
    let mut known: HashMap<u32, Vec<u32>> = HashMap::new();
    for (at, process) in found.processes.iter().enumerate() {
        known.entry(process.pid).or_default().push(at as u32);
    }
    let mut moved = Vec::with_capacity(pass.processes.len());
    for process in pass.processes {
        let of_pid = known.entry(process.pid).or_default();
        // Whether it was in doubt is of the sighting, and the first speaks for both.
        let is_same = |known: &Process| {
            let alike = Process { raced: known.raced, ..process.clone() };
            *known == alike
        };
        let same = of_pid.iter().find(|at| is_same(&found.processes[**at as usize]));
        moved.push(same.copied().unwrap_or_else(|| {
            let at = found.processes.len() as u32;
            of_pid.push(at);
            found.processes.push(process);
            at
        }));
    }
    let moved = |process: u32| moved[process as usize];
    found.holders.extend(pass.holders.into_iter().map(|h| Holder { process: moved(h.process), ..h }));
    found.vsock.extend(pass.vsock.into_iter().map(|(socket, process, fd)| (socket, moved(process), fd)));
}

fn name_users(kernel: &dyn Kernel<Question>, snapshot: &mut Snapshot) {
    let uids: BTreeSet<u32> = snapshot.processes.iter().filter_map(|process| process.uid).collect();
    let named = |uid| Some((uid, kernel.get(&Question::User(uid)).ok()?));
    let names: HashMap<u32, Vec<u8>> = uids.into_iter().filter_map(named).collect();
    for process in &mut snapshot.processes {
        process.user = process.uid.and_then(|uid| names.get(&uid)).map(|name| name.as_slice().into());
    }
}

#[cfg(test)]
mod old_tests;
#[cfg(test)]
mod tests;
