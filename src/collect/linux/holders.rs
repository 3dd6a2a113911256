//! Who holds what: one pass over `/proc`, shared out over threads, for the sockets that are wanted.
//!
//! Every holder is kept. A process is looked at in one go: its descriptors, then, where one of them is wanted, its facts,
//! then one descriptor and its start once more. What has changed meanwhile costs a second look, then a mark.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::kernel::{Kernel, Refusal};
use super::proc_pid::{self, HostFile, Ids};
use super::question::Question;
use crate::model::{ExeState, Holder, PackageState, Process, ProcessCounts, Socket, Text, Timestamp, UnitState, Via};

/// So many items, such as processes, for each thread: a second one pays for itself from twice as many on.
const ITEMS_PER_THREAD: usize = 48;
/// Enough to outweigh one slow process, few enough to share evenly.
const BATCH: usize = 16;

/// So many descriptors of a process are looked at once more besides the first.
const CHECKED: usize = 3;

/// What a pass needs to know.
pub struct Pass<'a> {
    /// The kernel.
    pub kernel: &'a dyn Kernel<Question>,
    /// Inodes and the sockets that have them, sorted.
    pub wanted: &'a [(u64, u32)],
    /// Tell of the sockets that are not wanted too.
    pub others: bool,
    /// Read command lines.
    pub cmdline: bool,
    /// When the host booted, and its clock ticks a second.
    pub boot: Option<(Timestamp, u64)>,
    /// What the host's root has at each path, asked once.
    pub files: &'a Files,
}

/// What the host's root has at each path that was asked for.
#[derive(Default)]
pub struct Files(Mutex<HashMap<Text, Result<Arc<HostFile>, Refusal>>>);

/// A process and the wanted sockets that it holds.
pub(super) struct Holding {
    pub(super) process: Process,
    /// The sockets, with a descriptor each.
    pub(super) sockets: Vec<(u32, u32)>,
    pub(super) via: Via,
}

/// What a visit to a process brought.
struct Visit {
    holding: Option<Holding>,
    /// As in [`Found`].
    namespaces: Vec<(u64, u32, u32)>,
    hidden: Hidden,
    /// Descriptors of sockets that are not wanted, with their inodes.
    others: Vec<(u32, u64)>,
}

/// What a pass found.
#[derive(Default)]
pub struct Found {
    /// How the processes could be read.
    pub counts: ProcessCounts,
    /// The processes that hold anything.
    pub processes: Vec<Process>,
    /// Who holds what; `process` is an index into `processes`.
    pub holders: Vec<Holder>,
    /// Vsock sockets with the process that holds them and its descriptor.
    pub vsock: Vec<(Socket, u32, u32)>,
    /// Network namespaces that descriptors lead to: inode, process, descriptor.
    pub namespaces: Vec<(u64, u32, u32)>,
    /// Why vsock sockets could not be looked for among the descriptors of some process.
    pub vsock_refusal: Option<Refusal>,
    /// Sockets that are not wanted: process, descriptor, inode. Those of one process stand together.
    pub others: Vec<(u32, u32, u64)>,
    /// Why the list of processes could not be had.
    pub refusal: Option<Refusal>,
    /// The capture or the time ended before every process was looked at.
    pub unasked: Option<Refusal>,
}

/// Looks through every process.
pub fn scan(pass: &Pass<'_>) -> Found {
    let pids = match pass.kernel.get(&Question::Pids) {
        Ok(pids) => pids,
        Err(refusal) => return Found { refusal: Some(refusal), ..Found::default() },
    };
    let mut pids: Vec<u32> = pids.split(|byte| *byte == b'\n').filter_map(number).collect();
    pids.sort_unstable();
    pids.dedup();
    if pids.is_empty() {
        // This run is a process too: what is mounted at `/proc` is something else.
        return Found { refusal: Some(Refusal::ENOENT), ..Found::default() };
    }
    let mut found = share_out(&pids, |found, pid, answer| found.look_at(pass, *pid, answer));
    found.counts.seen = pids.len() as u64;
    found
}

/// Shares items out over threads; each has a buffer to use again.
pub(super) fn share_out<T: Sync>(items: &[T], look_at: impl Fn(&mut Found, &T, &mut Vec<u8>) + Sync) -> Found {
    let threads = match items.len() / ITEMS_PER_THREAD {
        // How many cores there are is a question to several files.
        0 | 1 => 1,
        wanted => wanted.min(std::thread::available_parallelism().map_or(1, usize::from)).min(8),
    };
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Found::default();
        let mut answer = Vec::with_capacity(16 * 1024);
        loop {
            let start = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(batch) = items.get(start..items.len().min(start + BATCH)).filter(|batch| !batch.is_empty()) else {
                return found;
            };
            for item in batch {
                look_at(&mut found, item, &mut answer);
            }
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut found = work();
        for other in others {
            match other.join() {
                Ok(other) => found.absorb(other),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        found
    })
}

impl Found {
    fn look_at(&mut self, pass: &Pass<'_>, pid: u32, answer: &mut Vec<u8>) {
        self.counts.vanished += match pass.visit(pid, answer) {
            Ok(Visit { holding, namespaces, hidden, others }) => {
                self.namespaces.extend(namespaces);
                self.others.extend(others.into_iter().map(|(fd, inode)| (pid, fd, inode)));
                match hidden {
                    // A table that can be listed and not read is as closed as one that cannot be listed.
                    Some((refusal, _, true)) if refusal.is_denied() => self.counts.no_permission += 1,
                    Some((_, count, _)) => self.counts.hidden_descriptors += count,
                    None => {}
                }
                if let Some(holding) = holding {
                    self.keep(holding);
                }
                0
            }
            Err(refusal) if refusal.is_gone() => 1,
            Err(refusal) if refusal.is_denied() => {
                self.counts.no_permission += 1;
                0
            }
            Err(refusal) => {
                self.unasked = Some(refusal);
                0
            }
        };
    }

    pub(super) fn keep(&mut self, holding: Holding) {
        let process = self.processes.len() as u32;
        self.processes.push(holding.process);
        self.holders.extend(
            holding
                .sockets
                .into_iter()
                .map(|(socket, fd)| Holder { via: holding.via, ..Holder::proved(socket, process, fd) }),
        );
    }

    /// Takes over what another thread found.
    fn absorb(&mut self, other: Self) {
        let shift = self.processes.len() as u32;
        self.counts.no_permission += other.counts.no_permission;
        self.counts.vanished += other.counts.vanished;
        self.counts.hidden_descriptors += other.counts.hidden_descriptors;
        self.processes.extend(other.processes);
        self.holders.extend(other.holders.into_iter().map(|h| Holder { process: h.process + shift, ..h }));
        self.vsock.extend(other.vsock.into_iter().map(|(socket, process, fd)| (socket, process + shift, fd)));
        self.namespaces.extend(other.namespaces);
        self.vsock_refusal = self.vsock_refusal.or(other.vsock_refusal);
        self.others.extend(other.others);
        self.unasked = self.unasked.or(other.unasked);
    }
}

/// Descriptors that could not be read: why, how many, and whether not one could.
type Hidden = Option<(Refusal, u64, bool)>;

impl Pass<'_> {
    fn visit(&self, pid: u32, answer: &mut Vec<u8>) -> Result<Visit, Refusal> {
        let mut tries = 2;
        loop {
            tries -= 1;
            answer.clear();
            self.kernel.ask(&Question::Sockets(pid), answer)?;
            let mut listing = self.read_sockets(answer);
            let hidden = listing.hidden;
            let namespaces: Vec<_> = listing.namespaces.iter().map(|(inode, fd)| (*inode, pid, *fd)).collect();
            let Some((fd, inode)) = listing.first else {
                return Ok(Visit { holding: None, namespaces, hidden, others: listing.others });
            };
            let still_leads = || {
                let more = listing.checked.iter().all(|(fd, inode)| self.leads_to(pid, *fd, *inode) != Some(false));
                more && self.leads_to(pid, fd, inode) == Some(true)
            };
            let (mut process, stable) = self.identify(pid, None, still_leads)?;
            if stable || tries == 0 {
                process.raced = !stable;
                listing.held.sort_unstable();
                // Of several descriptors for one socket the lowest is told.
                listing.held.dedup_by_key(|(socket, _)| *socket);
                let holding = Some(Holding { process, sockets: listing.held, via: Via::Fd });
                return Ok(Visit { holding, namespaces, hidden, others: listing.others });
            }
        }
    }

    /// Whether a descriptor of a process still leads to a socket; `None` where a capture does not tell.
    pub(super) fn leads_to(&self, pid: u32, fd: u32, inode: u64) -> Option<bool> {
        match self.kernel.get(&Question::Link(pid, fd)) {
            Ok(link) => Some(link == format!("socket:[{inode}]").as_bytes()),
            Err(Refusal::NotRecorded) => None,
            Err(_) => Some(false),
        }
    }

    /// Reads an answer to `Question::Sockets`.
    pub(super) fn read_sockets(&self, answer: &[u8]) -> Listing {
        let mut listing = Listing::default();
        let mut seen = 0u64;
        // Sockets with more than one row, such as those of SCTP, by their first.
        let mut several = HashMap::new();
        for line in answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let mut words = line.split(|byte| *byte == b' ');
            let (first, second) = (words.next().unwrap_or_default(), words.next().and_then(number::<u64>));
            if first == b"!" {
                let count = words.next().and_then(number::<u64>).unwrap_or(1);
                listing.hidden = second.map(|errno| (Refusal::Errno(errno as i32), count, seen == 0));
                continue;
            }
            let (Some(fd), Some(inode)) = (number::<u32>(first), second) else {
                // `FD net INODE`.
                let namespace = words.next().and_then(number::<u64>).zip(number::<u32>(first));
                listing.namespaces.extend(namespace);
                if line.ends_with(b" ring") {
                    listing.rings.extend(number::<u32>(first));
                }
                continue;
            };
            seen += 1;
            let from = self.wanted.partition_point(|(this, _)| *this < inode);
            let mut here = self.wanted[from..].iter().take_while(|(this, _)| *this == inode).peekable();
            match here.peek() {
                // Descriptors come in their order, so a second one for a socket of several rows tells nothing new.
                Some((_, socket)) if several.get(socket).is_some_and(|lowest| *lowest <= fd) => {}
                Some((_, first)) => {
                    let (first, before) = (*first, listing.held.len());
                    listing.held.extend(here.map(|(_, socket)| (*socket, fd)));
                    if listing.held.len() > before + 1 {
                        several.insert(first, fd);
                    }
                    match listing.first {
                        None => listing.first = Some((fd, inode)),
                        Some(_) if listing.checked.len() < CHECKED => listing.checked.push((fd, inode)),
                        Some(_) => listing.checked[CHECKED - 1] = (fd, inode),
                    }
                }
                None if self.others => listing.others.push((fd, inode)),
                None => {}
            }
        }
        listing
    }

    /// What is known of a process, and whether it stayed the same while it was asked for: `holds` looks again whether it
    /// holds what it held. `thread` stands in for a first thread that has ended. An error where the process is gone.
    pub(super) fn identify(
        &self,
        pid: u32,
        thread: Option<u32>,
        holds: impl Fn() -> bool,
    ) -> Result<(Process, bool), Refusal> {
        let stat = |answer: Vec<u8>| proc_pid::stat(&answer);
        let owner = || self.kernel.get(&Question::Owner(pid)).ok().and_then(|answer| proc_pid::owner(&answer));
        let before = owner();
        // The file before the name, and once more at the end: then both are of one program.
        let file = || {
            self.kernel.get(&Question::Exe(pid)).or_else(|refusal| match thread {
                Some(thread) if refusal.is_gone() => self.kernel.get(&Question::ThreadExe(pid, thread)),
                _ => Err(refusal),
            })
        };
        let executed = file();
        let first = self.kernel.get(&Question::Stat(pid));
        if let Err(refusal) = first
            && refusal.is_gone()
        {
            return Err(refusal);
        }
        let first = first.ok().and_then(stat);
        let all_ids = || self.kernel.get(&Question::Ids(pid)).ok().and_then(|answer| proc_pid::ids(&answer));
        // The kernel makes `status` with much effort: it is read where the directory does not tell enough.
        let ids = match before {
            Some(owner) => Some(Ids { uid: owner.uid, groups: vec![owner.gid] }),
            None => all_ids(),
        };
        let cgroup = self.kernel.get(&Question::Cgroup(pid)).ok().and_then(|answer| proc_pid::cgroup(&answer));
        let exe = executed.as_ref().ok().and_then(|answer| proc_pid::exe(answer));
        let cmdline = match self.cmdline {
            true => self.kernel.get(&Question::Cmdline(pid)).ok().map(|answer| arguments(&answer)),
            false => None,
        };
        let (exe_state, exe_writable) = match &exe {
            None => (ExeState::Unreadable, None),
            Some(exe) if exe.deleted => (proc_pid::exe_state(exe, None), None),
            Some(exe) => match self.files.get(self.kernel, &exe.path) {
                Ok(host) => {
                    let state = proc_pid::exe_state(exe, Some(&host));
                    let writable = |ids: &Ids| {
                        proc_pid::is_writable(&host, ids)
                            || before.is_some()
                                && proc_pid::wants_groups(&host, ids)
                                && all_ids().is_some_and(|ids| proc_pid::is_writable(&host, &ids))
                    };
                    (state, ids.as_ref().filter(|_| state == ExeState::Ok).map(writable))
                }
                // Something else than "there is no such file" hides what the host's root has there.
                Err(Refusal::ENOENT | Refusal::Errno(ENOTDIR | ELOOP)) => (ExeState::Foreign, None),
                Err(_) => (ExeState::Unreadable, None),
            },
        };
        // An upgrade leaves another file behind the name of the one that runs on.
        let exe_replaced = exe
            .as_ref()
            .filter(|_| exe_state == ExeState::Deleted)
            .map(|exe| self.files.get(self.kernel, &exe.path).is_ok_and(|host| proc_pid::replaces(&host, exe)));
        let interpreter = exe.as_ref().filter(|exe| exe_state == ExeState::Ok && proc_pid::is_interpreter(&exe.path));
        let script = interpreter.zip(first.as_ref()).and_then(|(exe, stat)| {
            let arguments = self.kernel.get(&Question::Script(pid)).ok()?;
            let script = proc_pid::script(&arguments, &stat.comm, &exe.path)?;
            self.files.get(self.kernel, &script).is_ok_and(|file| file.is_regular()).then_some(script)
        });
        let start_ticks = first.as_ref().map(|stat| stat.start_ticks);
        let (unit, user_unit, unit_state) = match &cgroup {
            Some(cgroup) => (cgroup.unit.clone(), cgroup.user_unit.clone(), cgroup.unit_state),
            None => (None, None, UnitState::Unknown),
        };
        let (container, container_state) = match &cgroup {
            Some(cgroup) => (cgroup.container.clone(), cgroup.container_state),
            None => (None, UnitState::Unknown),
        };
        let process = Process {
            pid,
            ppid: first.as_ref().map(|stat| stat.ppid),
            start_ticks,
            started: start_ticks.zip(self.boot).map(|(ticks, (boot, rate))| {
                Timestamp(boot.0.saturating_add((ticks.saturating_mul(1000) / rate.max(1)).cast_signed()))
            }),
            comm: first.map(|stat| stat.comm),
            exe: exe.map(|exe| exe.path),
            exe_state,
            exe_writable,
            exe_replaced,
            uid: ids.map(|ids| ids.uid),
            user: None,
            cgroup: cgroup.map(|cgroup| cgroup.path),
            unit,
            user_unit,
            unit_state,
            container,
            container_state,
            package: None,
            package_state: PackageState::NotLookedUp,
            script,
            cmdline,
            raced: false,
        };
        // `execve` keeps pid and start and may close descriptors; a new process under the old pid has another start.
        let holds = holds() && file() == executed;
        // Another process has another directory. The same may get a new one when memory is short: then the start tells.
        let same = match before.zip(owner()) {
            Some((before, after)) if before.inode == after.inode => true,
            _ => {
                let again = self.kernel.get(&Question::Stat(pid)).ok().and_then(stat);
                again.map(|stat| stat.start_ticks) == start_ticks
            }
        };
        Ok((process, holds && same))
    }
}

const ENOTDIR: i32 = 20;
const ELOOP: i32 = 40;

/// The sockets of one process.
#[derive(Default)]
pub(super) struct Listing {
    /// The wanted ones, with a descriptor each.
    pub(super) held: Vec<(u32, u32)>,
    /// A descriptor of a wanted one, with its inode.
    pub(super) first: Option<(u32, u64)>,
    /// Others likewise, the last among them: execve(2) closes some and leaves others.
    checked: Vec<(u32, u64)>,
    /// Descriptors of the others, with their inodes, where they are asked for.
    pub(super) others: Vec<(u32, u64)>,
    /// Inodes of network namespaces, with a descriptor each.
    namespaces: Vec<(u64, u32)>,
    /// Descriptors of an io_uring.
    pub(super) rings: Vec<u32>,
    pub(super) hidden: Hidden,
}

impl Files {
    pub(super) fn get(&self, kernel: &dyn Kernel<Question>, path: &Text) -> Result<Arc<HostFile>, Refusal> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = files.get(path) {
            return known.clone();
        }
        let answer = kernel.get(&Question::HostFile(path.as_bytes().to_vec()));
        let file = answer.and_then(|answer| proc_pid::host_file(&answer).map(Arc::new).ok_or(Refusal::EINVAL));
        files.insert(path.clone(), file.clone());
        file
    }
}

/// A decimal number.
pub(super) fn number<T: std::str::FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The arguments of a process, which the kernel ends with a NUL byte each, joined by spaces.
fn arguments(cmdline: &[u8]) -> Text {
    let cmdline = cmdline.strip_suffix(&[0]).unwrap_or(cmdline);
    Text::new(cmdline.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect::<Vec<_>>())
}
