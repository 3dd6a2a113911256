//! Who holds a socket: in which order, in which role, and what is known where nobody is seen.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use crate::model::{
    Certainty, ExeState, Hidepid, Holder, NamespaceKind, OwnerStatus, Process, Snapshot, Socket, Text, Via,
};
use crate::report::{MAX_OWNERS, Owner, Role};

/// Programs that hold a socket for a service that they start.
const ACTIVATORS: &[&str] =
    &["systemd", "init", "launchd", "inetd", "xinetd", "openbsd-inetd", "inetutils-inetd", "rlinetd", "tcpserver"];

/// Programs that pass what they take on to another.
const PROXIES: &[&str] = &[
    "docker-proxy",
    "rootlessport",
    "rootlesskit",
    "com.docker.backend",
    "slirp4netns",
    "pasta",
    "systemd-socket-proxyd",
];

/// What is known of every process of a snapshot at once, so that a socket with five hundred holders costs no more
/// than a look at each.
pub(super) struct Ranking {
    /// The place of each process among all: ancestors before descendants, then by start, then by pid.
    rank: Vec<u32>,
    role: Vec<Role>,
    /// Processes of one executable, user, unit and container have the same.
    likeness: Vec<u32>,
}

/// The holders of a socket, which many sockets share.
pub(super) struct HolderSet {
    /// Positions in the socket's list of holders, in the order of output, at most [`MAX_OWNERS`].
    chosen: Vec<usize>,
    /// The processes at these positions.
    pub(super) processes: Vec<usize>,
}

impl Ranking {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let processes = &snapshot.processes;
        let mut seen = HashMap::new();
        let likeness = processes.iter().map(|p| {
            let next = seen.len() as u32;
            *seen.entry((&p.exe, p.exe_state, p.uid, &p.unit, &p.user_unit, &p.container)).or_insert(next)
        });
        Self {
            likeness: likeness.collect(),
            rank: ranks(processes),
            role: processes.iter().map(|process| role(process, snapshot.vantage.pid_ns)).collect(),
        }
    }

    /// Orders the holders of a socket and chooses those to list: the first of each likeness, then the first of all.
    pub(super) fn choose(&self, holders: &[u32]) -> HolderSet {
        let key = |at: &usize| {
            let process = holders[*at] as usize;
            (self.role[process] == Role::Activator, self.rank[process])
        };
        let mut order: Vec<usize> = (0..holders.len()).collect();
        order.sort_by_key(key);
        let mut seen = BTreeSet::new();
        let (mut chosen, more): (Vec<usize>, Vec<usize>) =
            order.into_iter().partition(|at| seen.insert(self.likeness[holders[*at] as usize]));
        let room = MAX_OWNERS.saturating_sub(chosen.len());
        chosen.extend(more.into_iter().take(room));
        chosen.truncate(MAX_OWNERS);
        chosen.sort_by_key(key);
        let processes = chosen.iter().map(|at| holders[*at] as usize).collect();
        HolderSet { chosen, processes }
    }

    /// True for a process that does not hold sockets for somebody else.
    pub(super) fn is_server(&self, process: usize) -> bool {
        self.role[process] == Role::Server
    }

    /// The first of these holders that does not hold sockets for somebody else.
    pub(super) fn first_server(&self, holders: &[Holder]) -> Option<usize> {
        let servers = holders.iter().map(|holder| holder.process as usize).filter(|at| self.is_server(*at));
        servers.min_by_key(|at| self.rank[*at])
    }

    /// The owners of one socket of a set.
    pub(super) fn owners(&self, set: &HolderSet, holders: &[Holder]) -> Vec<Owner> {
        let owner = |at: &usize| {
            let Holder { process, fd, via, certainty, .. } = holders[*at];
            let process = process as usize;
            Owner { process, fd, via, certainty, role: self.role[process] }
        };
        set.chosen.iter().map(owner).collect()
    }
}

/// The place of each process among all. A parent stands before its children whatever the clock says: ticks are coarse
/// and a start may be unknown. Those whose parents form a ring, as a snapshot of a moving host may have it, come last.
fn ranks(processes: &[Process]) -> Vec<u32> {
    let index: HashMap<u32, usize> = processes.iter().enumerate().map(|(at, process)| (process.pid, at)).collect();
    let parent = |at: usize| processes[at].ppid.and_then(|ppid| index.get(&ppid).copied()).filter(|up| *up != at);
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); processes.len()];
    let key = |at: usize| Reverse((processes[at].start_ticks.unwrap_or(u64::MAX), processes[at].pid, at));
    let mut ready = BinaryHeap::new();
    for at in 0..processes.len() {
        match parent(at) {
            Some(up) => children[up].push(at),
            None => ready.push(key(at)),
        }
    }
    let mut rank = vec![u32::MAX; processes.len()];
    let mut next = 0;
    while let Some(Reverse((_, _, at))) = ready.pop() {
        rank[at] = next;
        next += 1;
        ready.extend(children[at].iter().map(|child| key(*child)));
    }
    let mut ring: Vec<usize> = (0..processes.len()).filter(|at| rank[*at] == u32::MAX).collect();
    ring.sort_by_key(|at| Reverse(key(*at)));
    for at in ring {
        rank[at] = next;
        next += 1;
    }
    rank
}

/// What a process does with the sockets it holds. The name counts where nobody but root could choose it, and the first
/// process of the host is its service manager whatever it is called.
fn role(process: &Process, pid_ns: Option<NamespaceKind>) -> Role {
    let name = process.exe.as_ref().map_or(&b""[..], Text::base_name);
    let is = |names: &[&str]| names.iter().any(|known| known.as_bytes() == name);
    let believed = process.exe_writable != Some(true) && (process.exe_state == ExeState::Ok || process.uid == Some(0));
    if (process.pid == 1 && pid_ns != Some(NamespaceKind::Nested)) || (believed && is(ACTIVATORS)) {
        Role::Activator
    } else if believed && is(PROXIES) {
        Role::Proxy
    } else {
        Role::Server
    }
}

/// True for a program whose name alone says that it holds sockets for others.
pub fn knows_role(name: &[u8]) -> bool {
    ACTIVATORS.iter().chain(PROXIES).any(|known| known.as_bytes() == name)
}

/// True where somebody is known to hold a socket: candidates are told only where nobody is.
pub(super) fn is_proved(holders: &[Holder]) -> bool {
    holders.iter().any(|holder| holder.certainty == Certainty::Proved)
}

/// What is known of the owner of a socket: the first that applies.
pub(super) fn status(socket: &Socket, holders: &[Holder], snapshot: &Snapshot) -> OwnerStatus {
    let counts = &snapshot.counts;
    let vantage = &snapshot.vantage;
    let hides = matches!(vantage.hidepid, Some(Hidepid::Invisible | Hidepid::Ptraceable)) && counts.hidden_possible;
    if is_proved(holders) {
        OwnerStatus::Known
    } else if socket.kernel_owner.is_some() {
        OwnerStatus::Kernel
    } else if holders.iter().any(|holder| holder.certainty == Certainty::Candidate && holder.via == Via::InFlight) {
        OwnerStatus::InFlight
    } else if holders.iter().any(|holder| holder.certainty == Certainty::Candidate) {
        OwnerStatus::Unknown
    } else if socket.raced {
        OwnerStatus::Vanished
    } else if counts.no_permission > 0 || counts.denied_despite_caps > 0 || hides {
        OwnerStatus::Denied
    } else if vantage.pid_ns == Some(NamespaceKind::Nested) {
        OwnerStatus::OtherPidNamespace
    } else if counts.hidden_possible || counts.hidden_descriptors > 0 || vantage.pid_ns.is_none() {
        OwnerStatus::Unknown
    } else {
        OwnerStatus::None
    }
}
