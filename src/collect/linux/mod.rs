//! Linux: pure over [`Kernel`], so that a capture can be judged on any system and a race, a lack of privilege or a broken
//! row can be tested without root and without that machine.

#[allow(dead_code, reason = "wired next")]
mod container;
mod devices;
mod holders;
mod kernel;
#[cfg_attr(not(target_os = "linux"), path = "absent.rs")]
mod live;
mod namespaces;
mod netlink;
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "no question asks for the owner of a file yet"))]
mod packages;
mod proc_net;
mod proc_pid;
mod question;
mod sock_diag;
mod tables;
mod transcript;
mod vantage;

pub use kernel::Kernel;
pub use live::Live;
pub use transcript::{Recorder, Replay};

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use super::Ask;
use crate::model::{Gap, Local, Snapshot, Socket, Source, State, TableStatus, Text, Transport};
use holders::{Files, Found, Pass};
use proc_net::Protocols;
use question::{Question, Table};
use tables::{READINGS, Tables};

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
pub fn snapshot(kernel: &dyn Kernel, ask: &Ask) -> Snapshot {
    let clock = vantage::clock(kernel);
    let seen_from = vantage::vantage(kernel);
    let mut snapshot = Snapshot {
        taken_at: clock.map(|(now, ..)| now).unwrap_or_default(),
        host: vantage::host(kernel),
        namespaces: vec![vantage::netns(kernel, &seen_from)],
        vantage: seen_from,
        ..Snapshot::default()
    };
    let boot = clock.map(|(_, boot, ticks)| (boot, ticks));
    let release = snapshot.host.kernel.clone().unwrap_or_default();
    let protocols =
        kernel.get(&Question::Protocols).ok().map(|protocols| Protocols::new(protocols, release.as_bytes()));
    let mut tables = Tables::new(&asked_tables(ask));
    let files = Files::default();
    // The passes after the first look for the holders of new rows alone, and do not count the processes again.
    let mut found: Option<Found> = None;
    for reading in 1..=READINGS {
        let known = tables.read(kernel, protocols.as_ref());
        if reading > 1 && known == tables.sockets.len() {
            break;
        }
        let wanted = wanted(&tables.sockets, |at| at >= known);
        let vsock = reading == 1 && tables.wants_descriptors(Table::Vsock);
        let connected = if vsock { connected(kernel, protocols.as_ref(), wanted.len()) } else { Vec::new() };
        let (connected, wanted) = (&connected[..], &wanted[..]);
        let pass = Pass { kernel, wanted, vsock, connected, cmdline: ask.cmdline, boot, files: &files };
        let mut pass = holders::scan(&pass);
        add_vsock(&mut tables, &mut pass);
        if let Some(refusal) = pass.vsock_refusal {
            tables.doubt(Table::Vsock, refusal);
        }
        match &mut found {
            None => found = Some(pass),
            Some(found) => merge(found, pass),
        }
    }
    let mut found = found.unwrap_or_default();
    let again = Pass { kernel, wanted: &[], vsock: false, connected: &[], cmdline: ask.cmdline, boot, files: &files };
    look_again(&tables, &mut found, again);
    if let Some(refusal) = found.refusal.or(found.unasked) {
        let what = if found.refusal.is_some() { "the list of processes" } else { "some of the processes" };
        let consequence = "sockets that only they hold are listed without their owner";
        snapshot.gaps.push(vantage::refusal_gap(what, refusal, consequence));
        found.counts.hidden_possible = true;
    }
    for (table, bad) in std::mem::take(&mut tables.bad_rows) {
        snapshot.gaps.push(bad_rows(table, bad));
    }
    (snapshot.sockets, snapshot.tables) = tables.finish();
    (snapshot.counts, snapshot.processes, snapshot.holders) = (found.counts, found.processes, found.holders);
    name_users(kernel, &mut snapshot);
    split_lingering(&mut snapshot);
    join_mptcp(&mut snapshot);
    if !ask.bound {
        keep_sockets(&mut snapshot, |socket| matches!(socket.state, State::Listen | State::Unconnected));
    }
    order(&mut snapshot);
    name_cgroups(kernel, ask, &mut snapshot);
    let mut holds = vec![false; snapshot.sockets.len()];
    snapshot.holders.iter().for_each(|holder| holds[holder.socket as usize] = true);
    let unowned = holds.iter().zip(&snapshot.sockets).any(|(held, socket)| !held && !socket.raced);
    vantage::sort_refusals(&mut snapshot.counts, &snapshot.vantage);
    let gaps = vantage::process_gaps(&mut snapshot.counts, &snapshot.vantage, unowned);
    snapshot.gaps.extend(gaps);
    doubt_descriptors(&mut snapshot);
    snapshot.gaps.extend(table_gaps(&snapshot));
    let is_old = || proc_net::version(release.as_bytes()).is_some_and(|version| version < (6, 8));
    if ask.bound && ask.transports.contains(&Transport::Tcp) && is_old() {
        snapshot.gaps.push(bound_unknown());
    }
    if let Some(protocols) = &protocols {
        snapshot.gaps.extend(protocols.uncovered().into_iter().map(uncovered));
    }
    snapshot
}

/// The inodes of connections, sorted, where there are so many that asking for all at once is cheaper than asking of each
/// whether it is a vsock socket: a tenth of the time for twelve thousand.
fn connected(kernel: &dyn Kernel, protocols: Option<&Protocols>, listeners: usize) -> Vec<u64> {
    const MANY: u64 = 1000;
    let sockets = protocols.map_or(0, |protocols| protocols.sockets(b"TCP") + protocols.sockets(b"TCPv6"));
    if sockets < MANY + listeners as u64 {
        return Vec::new();
    }
    let answer = kernel.get(&Question::Connected).unwrap_or_default();
    let lines = answer.split(|byte| *byte == b'\n');
    let mut inodes: Vec<u64> = lines.filter_map(|line| std::str::from_utf8(line).ok()?.parse().ok()).collect();
    inodes.sort_unstable();
    inodes
}

/// The inodes of those sockets that have one, sorted, each with the place of its socket.
fn wanted(sockets: &[Socket], keep: impl Fn(usize) -> bool) -> Vec<(u64, u32)> {
    let all = sockets.iter().enumerate().filter(|(at, socket)| socket.inode != 0 && keep(*at));
    let mut wanted: Vec<(u64, u32)> = all.map(|(at, socket)| (socket.inode, at as u32)).collect();
    wanted.sort_unstable();
    wanted
}

/// A process that ended while it was looked at may have left its sockets to a child that came after the list.
fn look_again(tables: &Tables, found: &mut Found, pass: Pass<'_>) {
    if found.counts.vanished == 0 {
        return;
    }
    let mut held = vec![false; tables.sockets.len()];
    found.holders.iter().for_each(|holder| held[holder.socket as usize] = true);
    let wanted = wanted(&tables.sockets, |at| !held[at] && tables.is_here(at));
    if !wanted.is_empty() {
        merge(found, holders::scan(&Pass { wanted: &wanted, ..pass }));
    }
}

/// Makes rows of the vsock sockets that a pass found by their descriptors.
fn add_vsock(tables: &mut Tables, pass: &mut Found) {
    let mut rows: HashMap<u64, u32> = HashMap::new();
    for (socket, process, fd) in std::mem::take(&mut pass.vsock) {
        let row = *rows.entry(socket.inode).or_insert_with(|| tables.join(socket) as u32);
        pass.holders.push(crate::model::Holder { socket: row, process, fd });
    }
}

/// Adds a later pass. A process that both found is the same only with the same start.
fn merge(found: &mut Found, pass: Found) {
    let mut known: HashMap<(u32, Option<u64>), u32> = HashMap::new();
    for (at, process) in found.processes.iter().enumerate() {
        known.insert((process.pid, process.start_ticks), at as u32);
    }
    let mut moved = Vec::with_capacity(pass.processes.len());
    for process in pass.processes {
        moved.push(*known.entry((process.pid, process.start_ticks)).or_insert_with(|| {
            found.processes.push(process);
            (found.processes.len() - 1) as u32
        }));
    }
    found.unasked = found.unasked.or(pass.refusal).or(pass.unasked);
    let holders = pass.holders.into_iter();
    found.holders.extend(holders.map(|h| crate::model::Holder { process: moved[h.process as usize], ..h }));
}

fn name_users(kernel: &dyn Kernel, snapshot: &mut Snapshot) {
    let uids: BTreeSet<u32> = snapshot.processes.iter().filter_map(|process| process.uid).collect();
    let named = |uid| Some((uid, kernel.get(&Question::User(uid)).ok()?));
    let names: HashMap<u32, Vec<u8>> = uids.into_iter().filter_map(named).collect();
    for process in &mut snapshot.processes {
        process.user = process.uid.and_then(|uid| names.get(&uid)).map(|name| name.as_slice().into());
    }
}

/// The kernel's ids of cgroups say nothing to people; their paths are looked up only where they are to be shown.
fn name_cgroups(kernel: &dyn Kernel, ask: &Ask, snapshot: &mut Snapshot) {
    if !ask.cgroups {
        return;
    }
    let ids: BTreeSet<u64> = snapshot.sockets.iter().filter_map(|socket| socket.cgroup).collect();
    if ids.is_empty() {
        return;
    }
    let answer = kernel.get(&Question::CgroupPaths(ids.into_iter().collect())).unwrap_or_default();
    let lines = std::str::from_utf8(&answer).unwrap_or_default().lines().filter_map(|line| line.split_once(' '));
    snapshot.cgroups = lines.filter_map(|(id, path)| Some((id.parse().ok()?, Text::unescape(path)?))).collect();
}

/// Sockets in TIME-WAIT receive nothing: they only keep their address from being bound.
fn split_lingering(snapshot: &mut Snapshot) {
    let waits = |socket: &Socket| socket.state == State::Bound && socket.inode == 0;
    let address = |socket: &Socket| match socket.local {
        Local::Inet { ip, port } if waits(socket) => Some(SocketAddr::new(ip, port)),
        _ => None,
    };
    let lingering: BTreeSet<SocketAddr> = snapshot.sockets.iter().filter_map(address).collect();
    snapshot.lingering = lingering.into_iter().collect();
    keep_sockets(snapshot, |socket| !waits(socket));
}

/// An MPTCP listener shows as TCP too, with the same inode: one row, marked.
fn join_mptcp(snapshot: &mut Snapshot) {
    let mptcp = snapshot.sockets.iter().filter(|socket| socket.mptcp && socket.inode != 0);
    let inodes: BTreeSet<u64> = mptcp.map(|socket| socket.inode).collect();
    if inodes.is_empty() {
        return;
    }
    let mut joined = BTreeSet::new();
    for socket in snapshot.sockets.iter_mut().filter(|socket| !socket.mptcp && socket.transport == Transport::Tcp) {
        if inodes.contains(&socket.inode) && socket.state == State::Listen {
            joined.insert(socket.inode);
        }
    }
    keep_sockets(snapshot, |socket| !(socket.mptcp && joined.contains(&socket.inode)));
    for socket in &mut snapshot.sockets {
        socket.mptcp |= joined.contains(&socket.inode);
    }
}

/// Drops the sockets that are not kept, with their holders.
fn keep_sockets(snapshot: &mut Snapshot, keep: impl Fn(&Socket) -> bool) {
    let mut moved = Vec::with_capacity(snapshot.sockets.len());
    let mut next = 0;
    for socket in &snapshot.sockets {
        let kept = keep(socket);
        moved.push(kept.then_some(next));
        next += u32::from(kept);
    }
    snapshot.sockets.retain(|socket| keep(socket));
    snapshot.holders.retain_mut(|holder| match moved[holder.socket as usize] {
        Some(socket) => {
            holder.socket = socket;
            true
        }
        None => false,
    });
}

/// Sorts processes by pid and holders by socket, drops processes that hold nothing, and one holder for a process and
/// socket stays.
fn order(snapshot: &mut Snapshot) {
    let mut holds = vec![false; snapshot.processes.len()];
    snapshot.holders.iter().for_each(|holder| holds[holder.process as usize] = true);
    let mut kept: Vec<usize> = (0..holds.len()).filter(|at| holds[*at]).collect();
    kept.sort_by_key(|at| (snapshot.processes[*at].pid, snapshot.processes[*at].start_ticks));
    let mut moved = vec![0u32; holds.len()];
    kept.iter().enumerate().for_each(|(to, from)| moved[*from] = to as u32);
    let mut processes: Vec<Option<_>> = std::mem::take(&mut snapshot.processes).into_iter().map(Some).collect();
    snapshot.processes = kept.iter().filter_map(|at| processes[*at].take()).collect();
    snapshot.holders.iter_mut().for_each(|holder| holder.process = moved[holder.process as usize]);
    snapshot.holders.sort_unstable();
    snapshot.holders.dedup_by_key(|holder| (holder.socket, holder.process));
}

fn bad_rows(table: Table, bad: usize) -> Gap {
    Gap {
        what: format!("{bad} row{} of the table {}", if bad == 1 { "" } else { "s" }, table.name()),
        why: "they made no sense".into(),
        consequence: "the sockets that they told of are not listed".into(),
        remedy: "record the host with `earmark capture` and report it".into(),
    }
}

/// A table of what descriptors lead to is whole only where every descriptor could be read.
fn doubt_descriptors(snapshot: &mut Snapshot) {
    let counts = &snapshot.counts;
    if !counts.hidden_possible && counts.no_permission + counts.denied_despite_caps + counts.hidden_descriptors == 0 {
        return;
    }
    for table in snapshot.tables.iter_mut().filter(|table| table.source == Some(Source::Fd)) {
        table.status = TableStatus::Unreadable;
        table.error = Some("not every descriptor could be read, and nothing else leads to these sockets".to_owned());
    }
}

fn table_gaps(snapshot: &Snapshot) -> Vec<Gap> {
    let bad = snapshot.tables.iter().filter_map(|table| {
        let (why, remedy) = match table.status {
            TableStatus::Unreadable if table.source == Some(Source::Fd) => {
                (table.error.clone().unwrap_or_default(), "run it as root, or load the kernel module vsock_diag")
            }
            TableStatus::Unreadable => {
                (table.error.clone().unwrap_or_default(), "allow netlink(7) and /proc/net to this program, as root")
            }
            TableStatus::Unstable => {
                (format!("new sockets came with each of {READINGS} readings"), "run it again at a quieter time")
            }
            TableStatus::Read | TableStatus::Absent => return None,
        };
        let what = format!("the table {}", table.table);
        let consequence = "its sockets are not all listed".to_owned();
        Some(Gap { what, why, consequence, remedy: remedy.to_owned() })
    });
    bad.collect()
}

fn bound_unknown() -> Gap {
    Gap {
        what: "TCP sockets that are bound and do not listen".into(),
        why: "Linux tells of them from 6.8 on".into(),
        consequence: "they are not listed, and a port that only they keep seems free".into(),
        remedy: "look again on a newer kernel".into(),
    }
}

fn uncovered((name, sockets): (String, u64)) -> Gap {
    Gap {
        what: format!("{sockets} socket{} of the protocol {name}", if sockets == 1 { "" } else { "s" }),
        why: "no table of them is read".into(),
        consequence: "they are not listed".into(),
        remedy: "look with a tool made for that protocol".into(),
    }
}

#[cfg(test)]
mod tests;
