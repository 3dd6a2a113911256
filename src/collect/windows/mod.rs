//! Windows: pure over [`Kernel`], so that a capture can be judged on any system.
//!
//! The tables of the IP Helper API name the process of each socket, so nothing has to be looked for: what remains is to
//! say who that process is, and to be sure that its number was not given to another meanwhile. The tables are read, then the
//! list of processes, what is asked about each owner, and the list of processes again; then the tables again, as long as new
//! rows come. An owner that started after the last reading that had its row is none.

#[cfg(target_os = "windows")]
mod live;
mod processes;
mod question;
mod readings;
mod refusal;
mod rename;
mod rows;
mod services;
mod transcript;
mod vantage;

#[cfg(target_os = "windows")]
pub use live::{look, record};
pub use rename::renamed;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use super::Ask;
use super::seam::Kernel;
use crate::model::{
    Certainty, Gap, Holder, KernelOwner, Local, PackageState, Process, ProcessCounts, Snapshot, Socket, State,
    TableRead, TableStatus, Transport, UnitState, Via,
};
use processes::{SYSTEM, Seen};
use question::{Question, Table};
use readings::{READINGS, Readings};
use rows::Row;

/// How much earlier than its process a socket may have been made, in units of 100 ns: the clock of both goes in steps of
/// up to 15.6 ms.
const SLACK: u64 = 200_000;

/// What the clock says, a `FILETIME`.
fn clock(kernel: &dyn Kernel<Question>) -> Option<u64> {
    std::str::from_utf8(&kernel.get(&Question::Clock).ok()?).ok()?.trim().parse().ok()
}

/// The tables that answer an ask, and those of protocols that Windows has not.
fn asked_tables(ask: &Ask) -> (Vec<Table>, Vec<&'static str>) {
    let (mut tables, mut absent) = (Vec::new(), Vec::new());
    for transport in Transport::ALL.into_iter().filter(|transport| ask.transports.contains(transport)) {
        match transport {
            Transport::Tcp => {
                tables.extend([Table::Tcp, Table::Tcp6]);
                if ask.time_wait {
                    tables.extend([Table::TcpAll, Table::Tcp6All]);
                }
            }
            Transport::Udp => tables.extend([Table::Udp, Table::Udp6]),
            Transport::UdpLite | Transport::Sctp | Transport::Dccp | Transport::Packet => absent.push(transport.name()),
            // They exist, and nobody is told of them: `vantage::untold`.
            Transport::Raw | Transport::Vsock | Transport::Unix => {}
        }
    }
    (tables, absent)
}

/// Looks at a host. It never fails: what could not be seen is a gap.
pub fn snapshot(kernel: &dyn Kernel<Question>, ask: &Ask) -> Snapshot {
    let taken_at = clock(kernel).and_then(processes::instant).unwrap_or_default();
    let (seen_from, is_contained) = vantage::vantage(kernel);
    let mut snapshot = Snapshot {
        taken_at,
        host: vantage::host(kernel, ask.ids),
        namespaces: vec![vantage::network(kernel, is_contained)],
        vantage: seen_from,
        ..Snapshot::default()
    };
    let (tables, absent) = asked_tables(ask);
    let mut readings = Readings::default();
    let mut passes = Vec::new();
    for reading in 1..=READINGS {
        let mut pids = readings.read(kernel, &tables);
        if reading > 1 && !readings.grew() {
            break;
        }
        pids.remove(&0);
        passes.push(processes::look_at(kernel, &pids, ask.cmdline));
    }
    snapshot.tables = readings.tables();
    snapshot.tables.extend(absent.into_iter().map(|table| TableRead {
        table,
        netns: 0,
        status: TableStatus::Absent,
        source: None,
        lacks: &[],
        error: None,
    }));
    snapshot.gaps.extend(readings.gaps());
    snapshot.usual_gaps = vantage::untold(&ask.transports);
    Attribution::new(kernel, &passes).attribute(&readings, &mut snapshot);
    let all = together(&passes);
    let denied = all.refused[0].max(all.refused[1]);
    snapshot.counts.seen = all.listed;
    snapshot.counts.vanished = all.vanished;
    // Elevation opens all of these.
    match snapshot.vantage.elevated {
        Some(true) => snapshot.counts.denied_despite_caps = denied,
        _ => snapshot.counts.no_permission = denied,
    }
    snapshot.counts.hidden_possible |= all.no_list.is_some() || all.bad > 0;
    snapshot.gaps.extend(vantage::process_gaps(&all, &snapshot.vantage));
    if ask.bound && ask.transports.contains(&Transport::Tcp) {
        snapshot.usual_gaps.push(Gap {
            what: "TCP sockets that are bound and do not listen".into(),
            why: "the tables of Windows do not tell of them".into(),
            consequence: "they are not listed, and a port that only they keep seems free".into(),
            remedy: "none is known".into(),
        });
    }
    if ask.packages && !snapshot.processes.is_empty() {
        snapshot.processes.iter_mut().for_each(|process| process.package_state = PackageState::Unknown);
        snapshot.gaps.push(Gap {
            what: "the packages that own executables".into(),
            why: "Windows has no list of the files that installers put somewhere".into(),
            consequence: "no package is told".into(),
            remedy: "leave --packages out here".into(),
        });
    }
    choose_network(&mut snapshot, ask.netns.as_deref());
    snapshot
}

/// Windows has one network, under the name of its kind.
fn choose_network(snapshot: &mut Snapshot, wanted: Option<&str>) {
    let is_it = |name: &str| snapshot.namespaces.iter().any(|netns| netns.kind.name() == name);
    if wanted.is_some_and(|name| !is_it(name)) {
        snapshot.netns_unmatched = true;
        snapshot.sockets.clear();
        snapshot.holders.clear();
        snapshot.processes.clear();
        snapshot.tables.clear();
    }
}

/// What all passes together say of what was not seen. A process that several of them looked at counts in each; such a
/// host starts and ends programs all the time.
fn together(passes: &[Seen]) -> Seen {
    let mut all = Seen::default();
    for pass in passes {
        all.listed = all.listed.max(pass.listed);
        all.bad = all.bad.max(pass.bad);
        all.vanished += pass.vanished;
        all.unverified += pass.unverified;
        all.unweighed += pass.unweighed;
        all.refused.iter_mut().zip(pass.refused).for_each(|(all, one)| *all += one);
        all.no_list = all.no_list.or(pass.no_list);
        all.no_services = all.no_services.or(pass.no_services);
    }
    all
}

/// A process by its id and start, what service is told of it, and whether it is in doubt.
type Identity = (u32, u64, Option<Vec<u8>>, bool);

/// From rows to sockets with their holders.
struct Attribution<'a> {
    kernel: &'a dyn Kernel<Question>,
    passes: &'a [Seen],
    /// The processes of each pass, by id.
    by_pid: Vec<HashMap<u32, &'a (u64, Process)>>,
    /// Where a process stands in the snapshot, by id, start, and the service that is told of it.
    placed: BTreeMap<Identity, u32>,
    /// Sockets whose table names no process, one that has ended, and one that may be another.
    unnamed: usize,
    ended: usize,
    doubtful: usize,
}

impl<'a> Attribution<'a> {
    fn new(kernel: &'a dyn Kernel<Question>, passes: &'a [Seen]) -> Self {
        let of_pass = |pass: &'a Seen| pass.processes.iter().map(|one| (one.1.pid, one)).collect();
        let by_pid = passes.iter().map(of_pass).collect();
        Self { kernel, passes, by_pid, placed: BTreeMap::new(), unnamed: 0, ended: 0, doubtful: 0 }
    }

    fn attribute(mut self, readings: &Readings, snapshot: &mut Snapshot) {
        for ((table, row), kept) in &readings.rows {
            if matches!(table, Table::TcpAll | Table::Tcp6All) {
                snapshot.lingering.push(SocketAddr::new(row.ip, row.port));
                continue;
            }
            for _ in 0..kept.count {
                let mut socket = socket_of(*table, row, readings.is_raced(kept));
                let at = snapshot.sockets.len() as u32;
                self.own(row, kept, &mut socket, at, snapshot);
                snapshot.sockets.push(socket);
            }
        }
        snapshot.lingering.sort();
        snapshot.lingering.dedup();
        snapshot.holders.sort_unstable();
        snapshot.counts = ProcessCounts { hidden_possible: self.unnamed + self.ended > 0, ..ProcessCounts::default() };
        snapshot.gaps.extend(self.gaps());
    }

    /// Says who has a socket.
    fn own(&mut self, row: &Row, kept: &readings::Kept, socket: &mut Socket, at: u32, snapshot: &mut Snapshot) {
        if row.pid == 0 {
            self.unnamed += 1;
            return;
        }
        let Some(pass) = self.passes.get(kept.first as usize - 1) else { return };
        if row.pid == SYSTEM && pass.is_system {
            socket.kernel_owner = Some(KernelOwner { kind: "system", device: None });
            return;
        }
        let Some((start, process)) = self.by_pid[kept.first as usize - 1].get(&row.pid).copied() else {
            self.ended += usize::from(!socket.raced && pass.no_list.is_none());
            return;
        };
        // It got the number of an owner that has ended since.
        if *start > kept.seen && kept.seen != 0 {
            socket.raced = true;
            return;
        }
        let is_later = row.made != 0 && *start > row.made.saturating_add(SLACK);
        self.doubtful += usize::from(is_later);
        let mut process = process.clone();
        let services = pass.services.of(row.pid);
        if services.len() > 1
            && !process.raced
            && let Some(service) = services::of_socket(self.kernel, row.pid, row.tag, services)
        {
            (process.unit, process.unit_state) = (Some(service), UnitState::Known);
        }
        let unit = process.unit.as_ref().map(|unit| unit.as_bytes().to_vec());
        let place = *self.placed.entry((row.pid, *start, unit, process.raced)).or_insert_with(|| {
            snapshot.processes.push(process);
            snapshot.processes.len() as u32 - 1
        });
        let certainty = if is_later { Certainty::Candidate } else { Certainty::Proved };
        snapshot.holders.push(Holder { certainty, via: Via::Table, ..Holder::proved(at, place, 0) });
    }

    fn gaps(&self) -> Vec<Gap> {
        let sockets = |count: usize| if count == 1 { "1 socket".to_owned() } else { format!("{count} sockets") };
        let all = [
            (self.unnamed, "the table names no process for them (pid 0)"),
            (self.ended, "the process that the table names has ended, and another has them from it"),
            (
                self.doubtful,
                "the process that the table names started after they were made: it has the number of one that ended, \
                 or the clock was set back",
            ),
        ];
        let gap = |(count, why): (usize, &str)| Gap {
            what: format!("the owners of {}", sockets(count)),
            why: why.to_owned(),
            consequence: "they are listed without their owner".to_owned(),
            remedy: "run it again; start the program that should have them anew".to_owned(),
        };
        all.into_iter().filter(|(count, _)| *count > 0).map(gap).collect()
    }
}

fn socket_of(table: Table, row: &Row, raced: bool) -> Socket {
    let (transport, state) = match table {
        Table::Udp | Table::Udp6 => (Transport::Udp, State::Unconnected),
        Table::Tcp | Table::Tcp6 | Table::TcpAll | Table::Tcp6All => (Transport::Tcp, State::Listen),
    };
    Socket {
        transport,
        mptcp: false,
        state,
        local: Local::Inet { ip: row.ip, port: row.port },
        device: row.device,
        v6only: None,
        uid: None,
        inode: 0,
        cookie: None,
        cgroup: None,
        backlog: None,
        recv_queue: None,
        drops: None,
        netns: 0,
        raced,
        kernel_owner: None,
    }
}

#[cfg(test)]
mod tests;
