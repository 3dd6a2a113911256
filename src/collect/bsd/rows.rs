//! From tables and holders to the sockets of a snapshot.
//!
//! A table comes with the kernel's count of changes at its beginning and its end. Where the two differ it is read again;
//! rows that were there all the time are in every reading, so that only newcomers can be missing.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;

use super::errno::words;
use super::inet::Meaning;
use crate::collect::Ask;
use crate::collect::seam::Refusal;
use crate::model::{
    Gap, Holder, Process, ProcessCounts, Snapshot, Socket, Source, State, TableRead, TableStatus, Transport,
};

/// How often a table is read at most, while it changes.
const READINGS: usize = 4;

/// One reading of a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The handle of each socket, by which descriptors name it, and what it is.
    pub rows: Vec<(u64, Meaning)>,
    /// Rows that made no sense.
    pub bad: usize,
    /// Nothing changed while it was read.
    pub is_still: bool,
}

/// What reads a table, or why its form is not known.
pub type Decode = fn(Transport, &[u8]) -> Result<Reading, &'static str>;

/// How a table was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    status: TableStatus,
    source: Option<Source>,
    error: Option<String>,
}

impl Outcome {
    /// This system has no such protocol.
    pub const ABSENT: Self = Self { status: TableStatus::Absent, source: None, error: None };

    /// Every row was read from there.
    pub const fn read(source: Source) -> Self {
        Self { status: TableStatus::Read, source: Some(source), error: None }
    }

    /// Not every row could be read.
    pub fn unreadable(source: Option<Source>, error: impl Into<String>) -> Self {
        Self { status: TableStatus::Unreadable, source, error: Some(error.into()) }
    }

    /// Why it could not be read from its own table, if it could not.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref().filter(|_| self.status == TableStatus::Unreadable)
    }
}

/// The sockets so far, and who holds them.
pub struct Rows<'a> {
    ask: &'a Ask,
    sockets: Vec<Socket>,
    by_handle: HashMap<u64, u32>,
    lingering: BTreeSet<SocketAddr>,
    bad: Vec<(&'static str, usize)>,
    processes: Vec<Process>,
    holders: Vec<Holder>,
}

impl<'a> Rows<'a> {
    /// Nothing read yet.
    pub fn new(ask: &'a Ask) -> Self {
        Self {
            ask,
            sockets: Vec::new(),
            by_handle: HashMap::new(),
            lingering: BTreeSet::new(),
            bad: Vec::new(),
            processes: Vec::new(),
            holders: Vec::new(),
        }
    }

    fn wants(&self, socket: &Socket) -> bool {
        let receives = matches!(socket.state, State::Listen | State::Unconnected);
        self.ask.transports.contains(&socket.transport) && (self.ask.bound || receives)
    }

    /// Adds what a table or a descriptor told of, and returns the place of its socket where it is one that is wanted.
    pub fn join(&mut self, handle: u64, meaning: Meaning) -> Option<u32> {
        // What became a connection since its table was read is no capture's to keep, and so it leads to nothing here either.
        if matches!(meaning, Meaning::Other | Meaning::Bad) {
            return None;
        }
        if let Some(known) = self.by_handle.get(&handle) {
            return Some(*known);
        }
        match meaning {
            Meaning::Socket(socket) if self.wants(&socket) => {
                let at = self.sockets.len() as u32;
                self.sockets.push(*socket);
                // Without a handle nothing can lead to it.
                if handle != 0 {
                    self.by_handle.insert(handle, at);
                }
                Some(at)
            }
            Meaning::Lingering(ip, port) if self.ask.time_wait => {
                self.lingering.insert(SocketAddr::new(ip, port));
                None
            }
            _ => None,
        }
    }

    /// The place of the socket with that handle.
    pub fn at(&self, handle: u64) -> Option<u32> {
        self.by_handle.get(&handle).copied()
    }

    /// Counts rows of a table that made no sense.
    pub fn count_bad(&mut self, table: &'static str, bad: usize) {
        match self.bad.iter_mut().find(|(name, _)| *name == table) {
            Some((_, most)) => *most = bad.max(*most),
            None if bad > 0 => self.bad.push((table, bad)),
            None => {}
        }
    }

    /// Reads a table until it stays the same while it is read.
    pub fn read(
        &mut self,
        transport: Transport,
        mut ask: impl FnMut() -> Result<Vec<u8>, Refusal>,
        decode: Decode,
    ) -> Outcome {
        let mut outcome = Outcome::unreadable(None, "not read");
        for reading in 1..=READINGS {
            let answer = match ask().map_err(words) {
                Ok(answer) => decode(transport, &answer).map_err(str::to_owned),
                Err(error) => Err(error),
            };
            let table = match answer {
                Ok(table) => table,
                Err(error) if reading == 1 => return Outcome::unreadable(Some(Source::Sysctl), error),
                Err(_) => break,
            };
            let before = self.sockets.len();
            self.count_bad(transport.name(), table.bad);
            for (handle, meaning) in table.rows {
                self.join(handle, meaning);
            }
            outcome = Outcome::read(Source::Sysctl);
            if table.is_still {
                break;
            }
            if reading == READINGS && self.sockets.len() > before {
                outcome.status = TableStatus::Unstable;
            }
        }
        outcome
    }

    /// True where somebody is seen to hold each socket of that transport.
    pub fn all_held(&self, transport: Transport) -> bool {
        let held: HashSet<u32> = self.holders.iter().map(|holder| holder.socket).collect();
        let mut of_it = self.sockets.iter().enumerate().filter(|(_, socket)| socket.transport == transport);
        of_it.all(|(at, _)| held.contains(&(at as u32)))
    }

    /// Takes a later reading of a table: sockets without a holder that it does not have were gone before anybody could
    /// be found, and those that it alone has came after everybody was looked at.
    pub fn look_again(&mut self, transport: Transport, table: Reading) {
        let here: HashSet<u64> = table.rows.iter().map(|(handle, _)| *handle).collect();
        let held: HashSet<u32> = self.holders.iter().map(|holder| holder.socket).collect();
        for (handle, at) in &self.by_handle {
            let socket = &mut self.sockets[*at as usize];
            socket.raced |= socket.transport == transport && !held.contains(at) && !here.contains(handle);
        }
        let known = self.sockets.len();
        for (handle, meaning) in table.rows {
            self.join(handle, meaning);
        }
        self.sockets[known..].iter_mut().for_each(|socket| socket.raced = true);
    }

    /// Adds a process and the sockets that it holds, with a descriptor each.
    pub fn hold(&mut self, process: Process, sockets: impl IntoIterator<Item = Holder>) {
        let at = self.processes.len() as u32;
        self.processes.push(process);
        self.holders.extend(sockets.into_iter().map(|holder| Holder { process: at, ..holder }));
    }

    /// Hands everything over to a snapshot, in order.
    pub fn finish(mut self, snapshot: &mut Snapshot) {
        // Of several descriptors for one socket the lowest is told.
        self.holders.sort_unstable();
        self.holders.dedup_by_key(|holder| (holder.socket, holder.process));
        snapshot.gaps.extend(self.bad.iter().map(|(table, bad)| Gap {
            what: format!("{bad} row{} of the table {table}", if *bad == 1 { "" } else { "s" }),
            why: "they made no sense".into(),
            consequence: "the sockets that they told of are not listed".into(),
            remedy: "record the host with `earmark capture` and report it".into(),
        }));
        snapshot.sockets = self.sockets;
        snapshot.processes = self.processes;
        snapshot.holders = self.holders;
        snapshot.lingering = self.lingering.into_iter().collect();
    }
}

/// Tells how the tables of a transport were read, and the gaps of those that could not be; one table has both families.
pub fn tell(snapshot: &mut Snapshot, names: &[&'static str], outcome: &Outcome, remedy: &str) {
    let lacks: &[&str] = match outcome.source {
        Some(Source::Sysctl) => &["drops", "inode", "interface"],
        Some(Source::Fd) => &["drops", "inode", "interface", "uid"],
        _ => &[],
    };
    let read = |table: &&'static str| TableRead {
        table,
        netns: 0,
        status: outcome.status,
        source: outcome.source,
        lacks,
        error: outcome.error.clone(),
    };
    snapshot.tables.extend(names.iter().map(read));
    let why = match outcome.status {
        TableStatus::Read | TableStatus::Absent => return,
        TableStatus::Unreadable => outcome.error.clone().unwrap_or_default(),
        TableStatus::Unstable => format!("new sockets came with each of {READINGS} readings"),
    };
    let remedy = if outcome.status == TableStatus::Unstable { "run it again at a quieter time" } else { remedy };
    snapshot.gaps.push(Gap {
        what: format!("the table {}", names.first().copied().unwrap_or_default()),
        why,
        consequence: "its sockets are not all listed".into(),
        remedy: remedy.into(),
    });
}

/// What could not be seen of the processes. To root, a refusal is somebody else's than the kernel's.
pub fn process_gaps(counts: &mut ProcessCounts, uid: Option<u32>, consequence: &str) -> Vec<Gap> {
    if uid == Some(0) {
        counts.denied_despite_caps += std::mem::take(&mut counts.no_permission);
    }
    let processes = |count: u64| if count == 1 { "1 process".to_owned() } else { format!("{count} processes") };
    let mut gaps = Vec::new();
    let mut gap = |what: String, why: &str, remedy: &str| {
        gaps.push(Gap { what, why: why.into(), consequence: consequence.into(), remedy: remedy.into() });
    };
    if counts.no_permission > 0 {
        let what = format!("the descriptors of {}", processes(counts.no_permission));
        gap(what, "they are other users', and this run is not root's", "run it as root, with sudo");
    }
    if counts.denied_despite_caps > 0 {
        let what = format!("the descriptors of {}", processes(counts.denied_despite_caps));
        let remedy = "run it where no sandbox or other policy of the system holds it back";
        gap(what, "the kernel refused although this run is root's: a policy of the system", remedy);
    }
    if counts.hidden_descriptors > 0 {
        let what = format!("{} descriptors", counts.hidden_descriptors);
        gap(what, "they were listed and could not be looked through", "run it again, as root");
    }
    gaps
}

/// Where everybody was looked at and somebody's sockets are left, neither system says whether they are its own.
pub fn nobody(snapshot: &mut Snapshot) {
    let held: HashSet<u32> = snapshot.holders.iter().map(|holder| holder.socket).collect();
    let sockets = snapshot.sockets.iter().enumerate();
    let count = sockets.filter(|(at, socket)| !socket.raced && !held.contains(&(*at as u32))).count();
    if count == 0 {
        return;
    }
    snapshot.counts.hidden_possible = true;
    snapshot.gaps.push(Gap {
        what: format!("the owner of {count} socket{}", if count == 1 { "" } else { "s" }),
        why: "no process holds them, and this kernel does not say which sockets are its own".into(),
        consequence: "they are listed without an owner".into(),
        remedy: "look at what the kernel serves, such as tunnels and network file systems".into(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::bsd::inet::tests::block;
    use crate::collect::bsd::inet::{CLOSED, IPV4, LISTEN, TIME_WAIT};

    fn reading(handles: &[u64], is_still: bool) -> Reading {
        let row = |handle: &u64| (*handle, block(Transport::Tcp, LISTEN, "10.0.0.5", 80, IPV4).meaning());
        Reading { rows: handles.iter().map(row).collect(), bad: 0, is_still }
    }

    /// A table of handles; 255 where it changed meanwhile.
    fn decode(_: Transport, answer: &[u8]) -> Result<Reading, &'static str> {
        let handles: Vec<u64> = answer.iter().filter(|byte| **byte < 255).map(|byte| u64::from(*byte)).collect();
        if handles.is_empty() { Err("its form is not known") } else { Ok(reading(&handles, !answer.contains(&255))) }
    }

    fn read<'a>(rows: &mut Rows<'a>, answers: &[&[u8]]) -> Outcome {
        let mut answers = answers.iter();
        rows.read(
            Transport::Tcp,
            || answers.next().map_or(Err(Refusal::Deadline), |answer| Ok(answer.to_vec())),
            decode,
        )
    }

    #[test]
    fn a_table_that_changes_is_read_again() {
        let ask = Ask::default();
        let mut rows = Rows::new(&ask);
        assert_eq!(read(&mut rows, &[&[1, 255], &[1, 2]]), Outcome::read(Source::Sysctl));
        assert_eq!(rows.sockets.len(), 2);
        let moving: [&[u8]; 4] = [&[1, 255], &[2, 255], &[3, 255], &[4, 255]];
        assert_eq!(read(&mut Rows::new(&ask), &moving).status, TableStatus::Unstable);
        let busy: [&[u8]; 4] = [&[1, 255]; 4];
        assert_eq!(read(&mut Rows::new(&ask), &busy).status, TableStatus::Read);
        assert_eq!(read(&mut Rows::new(&ask), &[&[1, 255]]).status, TableStatus::Read);
        assert_eq!(read(&mut Rows::new(&ask), &[&[255]]).error(), Some("its form is not known"));
        assert!(read(&mut Rows::new(&ask), &[]).error().is_some());
    }

    #[test]
    fn what_came_or_went_meanwhile_is_marked() {
        let ask = Ask::default();
        let mut rows = Rows::new(&ask);
        read(&mut rows, &[&[1, 2, 3]]);
        rows.holders.push(Holder::proved(1, 0, 3));
        assert!(!rows.all_held(Transport::Tcp) && rows.all_held(Transport::Udp));
        rows.look_again(Transport::Tcp, reading(&[1, 4], true));
        assert_eq!(rows.sockets.iter().map(|socket| socket.raced).collect::<Vec<_>>(), [false, false, true, true]);
    }

    #[test]
    fn only_what_was_asked_for_is_kept() {
        let mut ask = Ask::default();
        let bound = || block(Transport::Tcp, CLOSED, "10.0.0.5", 80, IPV4).meaning();
        let waits = || block(Transport::Tcp, TIME_WAIT, "10.0.0.5", 80, IPV4).meaning();
        let mut rows = Rows::new(&ask);
        assert_eq!((rows.join(1, bound()), rows.join(2, waits()), rows.lingering.len()), (None, None, 0));
        (ask.bound, ask.time_wait) = (true, true);
        let mut rows = Rows::new(&ask);
        assert_eq!((rows.join(1, bound()), rows.join(2, waits()), rows.lingering.len()), (Some(0), None, 1));
        assert_eq!(rows.join(1, bound()), Some(0));
    }
}
