//! macOS: pure over [`Kernel`], as Linux is, and tested on any system with buffers that are put together from the layouts
//! of Apple's headers. It was checked and linked, and never run on a Mac.
//!
//! Tables tell everybody of every TCP, UDP and raw socket. Who holds one, the descriptors of processes tell, which only
//! root may ask of other users' processes; unix and vsock sockets are known by these alone.

mod layout;
#[cfg(target_os = "macos")]
mod live;
mod process;
mod question;
mod rename;
mod sockets;
mod tables;
mod transcript;

#[cfg(target_os = "macos")]
pub use live::{look, record};
pub use rename::renamed;

use std::collections::HashMap;

use super::Ask;
use super::bsd::files::{self, HostFile};
use super::bsd::rows::{Outcome, Rows, nobody, process_gaps, tell};
use super::bsd::{errno, host};
use super::seam::{Kernel, Refusal};
use crate::model::{
    ExeState, Gap, Holder, Host, NamespaceKind, PackageState, Process, ProcessCounts, Snapshot, Source, Text,
    Transport, UnitState, Vantage, Via,
};
use question::{Question, names};

/// What the descriptors of others would mend.
const AS_ROOT: &str = "run it as root, with sudo";
/// What remains where a table of the kernel is not one that is known.
const REPORT: &str = "record the host with `earmark capture` and report it";

/// The transports that have a table, with the names under which it is told: each has both families.
const TABLES: [(Transport, &str, [&str; 2]); 3] = [
    (Transport::Tcp, names::TCP, ["tcp", "tcp6"]),
    (Transport::Udp, names::UDP, ["udp", "udp6"]),
    (Transport::Raw, names::RAW, ["raw", "raw6"]),
];

/// Looks at a host. It never fails: what could not be seen is a gap.
pub fn snapshot(kernel: &dyn Kernel<Question>, ask: &Ask) -> Snapshot {
    let get = |question| kernel.get(&question).ok();
    let mut snapshot = Snapshot {
        taken_at: get(Question::Clock).and_then(|answer| host::clock(&answer)).unwrap_or_default(),
        host: of_host(kernel, ask.ids),
        // There is one of each of these namespaces.
        vantage: Vantage {
            uid: get(Question::Vantage).and_then(|answer| host::uid(&answer)),
            pid_ns: Some(NamespaceKind::Initial),
            user_ns: Some(NamespaceKind::Initial),
            ..Vantage::default()
        },
        namespaces: vec![host::network(get(Question::Links).as_deref())],
        ..Snapshot::default()
    };
    if ask.netns.as_ref().is_some_and(|name| name != "host") {
        snapshot.netns_unmatched = true;
        return snapshot;
    }
    let mut rows = Rows::new(ask);
    let asked = |transport: &Transport| ask.transports.contains(transport);
    let mut outcomes = Vec::new();
    for (transport, name, told) in TABLES.iter().filter(|(transport, ..)| asked(transport)) {
        let outcome = rows.read(*transport, || kernel.get(&Question::Sysctl(name)), tables::read);
        outcomes.push((*transport, *name, told, outcome));
    }
    let mut scan = Scan { kernel, files: HashMap::new(), users: HashMap::new(), counts: ProcessCounts::default() };
    let refusal = scan.every_process(&mut rows);
    for (transport, name, _, _) in outcomes.iter().filter(|(.., outcome)| outcome.error().is_none()) {
        if !rows.all_held(*transport)
            && let Ok(table) =
                kernel.get(&Question::Sysctl(name)).map_err(|_| "").and_then(|a| tables::read(*transport, &a))
        {
            rows.look_again(*transport, table);
        }
    }
    snapshot.counts = scan.counts;
    if let Some(refusal) = refusal {
        let consequence = "sockets that only they hold are listed without their owner, or not at all";
        snapshot.gaps.push(errno::gap("some of the processes", refusal, consequence));
        snapshot.counts.hidden_possible = true;
    }
    let uid = snapshot.vantage.uid;
    let consequence = "sockets that only they hold are listed without their owner, and unix sockets not at all";
    let gaps = process_gaps(&mut snapshot.counts, uid, consequence);
    let sees_all = gaps.is_empty() && !snapshot.counts.hidden_possible;
    snapshot.gaps.extend(gaps);
    for (transport, _, told, outcome) in outcomes {
        let (outcome, remedy) = match outcome.error() {
            Some(error) if transport == Transport::Raw => {
                let error = format!("{error}; and descriptors do not tell the protocol of such a socket");
                (Outcome::unreadable(None, error), REPORT)
            }
            // The descriptors of every process lead to every socket that has one.
            Some(_) if sees_all => (Outcome::read(Source::Fd), REPORT),
            Some(error) => {
                let error = format!("{error}; and not every descriptor could be read");
                (Outcome::unreadable(Some(Source::Fd), error), AS_ROOT)
            }
            None => (outcome, REPORT),
        };
        tell(&mut snapshot, told, &outcome, remedy);
    }
    let by_descriptors = match sees_all {
        true => Outcome::read(Source::Fd),
        false => {
            let error = "not every descriptor could be read, and nothing else leads to these sockets";
            Outcome::unreadable(Some(Source::Fd), error)
        }
    };
    for transport in [Transport::Vsock, Transport::Unix].into_iter().filter(asked) {
        tell(&mut snapshot, &[transport.name()], &by_descriptors, AS_ROOT);
    }
    let absent = [Transport::UdpLite, Transport::Sctp, Transport::Dccp, Transport::Packet];
    for transport in absent.into_iter().filter(asked) {
        tell(&mut snapshot, &[transport.name()], &Outcome::ABSENT, "");
    }
    rows.finish(&mut snapshot);
    if sees_all {
        nobody(&mut snapshot);
    }
    let mut lacks = |what: &str, why: &str, consequence: &str, remedy: &str| {
        let [what, why, consequence, remedy] = [what, why, consequence, remedy].map(str::to_owned);
        snapshot.gaps.push(Gap { what, why, consequence, remedy });
    };
    if ask.cmdline {
        lacks(
            "the command lines of processes",
            "macOS tells them only together with the environment, and not where that begins",
            "these processes are told without their arguments",
            "look at one process with ps(1)",
        );
    }
    if ask.packages {
        snapshot.processes.iter_mut().for_each(|process| process.package_state = PackageState::Unknown);
        lacks(
            "the packages of executables",
            "no database of packages is read on macOS",
            "no owner is told with its package",
            "look at one file with pkgutil(1) or brew(1)",
        );
    }
    snapshot
}

fn of_host(kernel: &dyn Kernel<Question>, ids: bool) -> Host {
    let ask = |name| kernel.get(&Question::Sysctl(name)).ok();
    let text = |name| ask(name).and_then(|answer| host::text(&answer));
    let port = |name| ask(name).and_then(|answer| host::port(&answer));
    Host {
        id: kernel.get(&Question::HostId).ok().filter(|_| ids).and_then(|answer| host::host_id(&answer)),
        hostname: text(names::HOSTNAME),
        boot_id: text(names::BOOT).filter(|_| ids),
        platform: "macos",
        kernel: text(names::RELEASE),
        ephemeral_ports: port(names::LOWEST).zip(port(names::HIGHEST)),
        // Below 1024 anybody may bind the wildcard, and root alone another address: that is no one number.
        unprivileged_port: None,
    }
}

/// One look at every process.
struct Scan<'a> {
    kernel: &'a dyn Kernel<Question>,
    files: HashMap<Text, Result<HostFile, Refusal>>,
    users: HashMap<u32, Option<Text>>,
    counts: ProcessCounts,
}

impl Scan<'_> {
    /// Why not every process could be looked at, if so.
    fn every_process(&mut self, rows: &mut Rows<'_>) -> Option<Refusal> {
        let pids = match self.kernel.get(&Question::Pids) {
            Ok(pids) => pids,
            Err(refusal) => return Some(refusal),
        };
        let lines = pids.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()?.parse().ok());
        let mut pids: Vec<u32> = lines.collect();
        pids.sort_unstable();
        pids.dedup();
        if pids.is_empty() {
            // This run is a process too.
            return Some(Refusal::Errno(errno::ESRCH));
        }
        self.counts.seen = pids.len() as u64;
        let mut unasked = None;
        for pid in pids {
            match self.process(pid, rows) {
                Ok(()) => {}
                Err(refusal) if errno::is_gone(refusal) => self.counts.vanished += 1,
                Err(refusal) if errno::is_denied(refusal) => self.counts.no_permission += 1,
                Err(refusal) => unasked = Some(refusal),
            }
        }
        unasked
    }

    fn facts(&self, pid: u32) -> Result<Option<process::Facts>, Refusal> {
        self.kernel.get(&Question::Process(pid)).map(|answer| process::facts(&answer, pid))
    }

    fn process(&mut self, pid: u32, rows: &mut Rows<'_>) -> Result<(), Refusal> {
        // First: what has this start at the end too is the same process.
        let facts = self.facts(pid)?;
        let listing = sockets::listing(&self.kernel.get(&Question::Sockets(pid))?);
        self.counts.hidden_descriptors += listing.hidden;
        rows.count_bad("fd", listing.bad);
        let mut held = Vec::new();
        for one in listing.held {
            // What a file port is not yet, the process can make a descriptor.
            let via = if one.is_port { Via::InFlight } else { Via::Fd };
            let socket = rows.join(one.handle, one.meaning);
            held.extend(socket.map(|socket| Holder { via, ..Holder::proved(socket, 0, one.number) }));
        }
        if held.is_empty() {
            return Ok(());
        }
        let process = self.identify(pid, facts);
        rows.hold(process, held);
        Ok(())
    }

    fn identify(&mut self, pid: u32, facts: Option<process::Facts>) -> Process {
        let path = || self.kernel.get(&Question::Exe(pid)).ok().filter(|path| !path.is_empty());
        let exe = path().map(Text::new);
        let file = exe.as_ref().map_or(Err(Refusal::Errno(errno::EINVAL)), |path| self.file(path));
        let mapped = match file {
            // The kernel asks the file system of each mapped file, and another host's may not answer.
            Ok(_) | Err(Refusal::Errno(errno::ENOENT | errno::ENOTDIR | errno::ELOOP)) => {
                self.kernel.get(&Question::Mapped(pid)).unwrap_or_default()
            }
            Err(_) => Vec::new(),
        };
        let exe_state = process::exe_state(&process::mapped(&mapped), file.as_ref().ok());
        let raced = path().map(Text::new) != exe || self.facts(pid).ok().flatten() != facts;
        let file = file.ok();
        let uid = facts.as_ref().map(|facts| facts.uid);
        let verified = file.filter(|_| exe_state == ExeState::Ok);
        Process {
            pid,
            ppid: facts.as_ref().map(|facts| facts.ppid),
            start_ticks: facts.as_ref().and_then(|facts| Some(facts.started?.0)),
            started: facts.as_ref().and_then(|facts| Some(facts.started?.1)),
            comm: facts.map(|facts| facts.name),
            exe,
            exe_state,
            exe_writable: verified.zip(uid).map(|(file, uid)| file.is_writable(uid, None)),
            exe_replaced: None,
            uid,
            user: uid.and_then(|uid| self.user(uid)),
            cgroup: None,
            unit: None,
            user_unit: None,
            // launchd tells of its jobs only to programs of its own.
            unit_state: UnitState::Unknown,
            container: None,
            container_state: UnitState::None,
            package: None,
            package_state: PackageState::NotLookedUp,
            script: None,
            cmdline: None,
            raced,
        }
    }

    fn file(&mut self, path: &Text) -> Result<HostFile, Refusal> {
        if let Some(known) = self.files.get(path) {
            return known.clone();
        }
        let answer = self.kernel.get(&Question::HostFile(path.as_bytes().to_vec()));
        let file = answer.and_then(|answer| files::host_file(&answer).ok_or(Refusal::Errno(errno::EINVAL)));
        self.files.insert(path.clone(), file.clone());
        file
    }

    fn user(&mut self, uid: u32) -> Option<Text> {
        let ask = || self.kernel.get(&Question::User(uid)).ok().filter(|name| !name.is_empty()).map(Text::new);
        self.users.entry(uid).or_insert_with(ask).clone()
    }
}

#[cfg(test)]
mod assemble;
#[cfg(test)]
mod tests;
