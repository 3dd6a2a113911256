//! The tables of sockets: each is read more than once and joined, since a reading misses rows while others come and go.
//!
//! No flag tells that a dump missed a row (`NLM_F_DUMP_INTR` is never set by inet_diag): of 3,495 TCP dumps beside churn
//! 33 missed a stable row, of the union of two none in 1,735 tries.

use std::collections::HashMap;

use super::kernel::{Kernel, Refusal, words};
use super::netlink::End;
use super::proc_net::{self, Protocols};
use super::question::{Question, Table};
use super::sock_diag;
use crate::model::{Local, Socket, Source, TableRead, TableStatus, Transport};

/// How often the tables are read at most, while each reading still brings new rows.
pub const READINGS: u32 = 4;

/// What is left of a table's refusal.
struct Reading {
    status: TableStatus,
    source: Option<Source>,
    lacks: &'static [&'static str],
    error: Option<String>,
    /// The last reading in which it came whole.
    whole_in: u32,
    /// It brought a row.
    has_rows: bool,
}

impl Reading {
    fn new(status: TableStatus, source: Option<Source>, lacks: &'static [&'static str], error: Option<String>) -> Self {
        Self { status, source, lacks, error, whole_in: 0, has_rows: false }
    }
}

/// The rows of all tables so far.
pub struct Tables {
    /// The sockets, in the order in which they were first seen.
    pub sockets: Vec<Socket>,
    /// In which reading each was last seen, and the place in `readings` of the table that first told of it.
    last_seen: Vec<(u32, usize)>,
    by_cookie: HashMap<(Transport, bool, u64), usize>,
    by_place: HashMap<(Transport, bool, u64, Local), usize>,
    readings: Vec<(Table, Reading)>,
    /// The place in `readings` of the table that is read.
    at: usize,
    grew: Vec<Table>,
    /// Rows that made no sense, by table; the most of any one reading.
    pub bad_rows: Vec<(Table, usize)>,
    reading: u32,
    buffer: Vec<u8>,
}

impl Tables {
    /// Nothing read yet of these tables.
    pub fn new(asked: &[Table]) -> Self {
        let unread = |table: &Table| {
            let error = Some("not read".to_owned());
            (*table, Reading::new(TableStatus::Unreadable, None, &[], error))
        };
        Self {
            sockets: Vec::new(),
            last_seen: Vec::new(),
            by_cookie: HashMap::new(),
            by_place: HashMap::new(),
            readings: asked.iter().map(unread).collect(),
            at: 0,
            grew: Vec::new(),
            bad_rows: Vec::new(),
            reading: 0,
            buffer: Vec::new(),
        }
    }

    /// Reads every table once more, and returns where in `sockets` the new rows begin.
    pub fn read(&mut self, kernel: &dyn Kernel<Question>, protocols: Option<&Protocols>) -> usize {
        let known = self.sockets.len();
        self.reading += 1;
        self.grew.clear();
        for at in 0..self.readings.len() {
            let table = self.readings[at].0;
            // What is absent once is not asked for again, and descriptors are looked through once.
            let known = &self.readings[at].1;
            if self.reading > 1 && (known.status == TableStatus::Absent || known.source == Some(Source::Fd)) {
                continue;
            }
            // Two looks agree already that nobody is there: the table, and the count of the protocol's sockets.
            let nobody = known.whole_in > 0 && !known.has_rows;
            if nobody && protocols.is_some_and(|protocols| protocols.counts_none(table)) {
                self.readings[at].1.whole_in = self.reading;
                continue;
            }
            let before = self.sockets.len();
            self.at = at;
            let mut reading = self.read_table(kernel, table, protocols);
            if self.sockets.len() > before {
                self.grew.push(table);
            }
            // A later failure does not undo what an earlier reading brought whole.
            let whole = reading.status == TableStatus::Read;
            reading.has_rows = self.readings[at].1.has_rows || self.sockets.len() > before;
            if self.reading == 1 || whole {
                reading.whole_in = if whole { self.reading } else { 0 };
                self.readings[at].1 = reading;
            }
        }
        known
    }

    fn read_table(&mut self, kernel: &dyn Kernel<Question>, table: Table, protocols: Option<&Protocols>) -> Reading {
        if protocols.is_some_and(|protocols| protocols.has_none(table)) {
            let source = Some(Source::Proc);
            return Reading::new(TableStatus::Read, source, &[], None);
        }
        // ENOENT would be both "no such protocol" and "no diag module": the list of protocols tells them apart, and saves
        // the question. A protocol whose module is not loaded has no sockets.
        if protocols.is_some_and(|protocols| !protocols.has(table)) {
            return Reading::new(TableStatus::Absent, None, &[], None);
        }
        let refusal = match self.read_diag(kernel, table) {
            Ok(tells) => {
                let version = protocols.and_then(Protocols::version);
                let lacks = version.map_or(&[][..], |version| sock_diag::lacks(table, version));
                // A distribution may have brought it into its older kernel.
                let lacks = if tells { &[] } else { lacks };
                return Reading::new(TableStatus::Read, Some(Source::SockDiag), lacks, None);
            }
            Err(refusal) => refusal,
        };
        let error = Some(format!("sock_diag: {}", words(refusal)));
        // This table, or netlink as a whole, is not there for us: that is the rule on some hosts, and no failure.
        let is_absent = matches!(refusal, Refusal::ENOENT | Refusal::EPROTONOSUPPORT) || refusal.is_denied();
        match (table, self.read_proc(kernel, table)) {
            (_, Ok(())) => {
                let (source, lacks) = (Some(Source::Proc), proc_net::lacks(table));
                Reading::new(TableStatus::Read, source, lacks, error)
            }
            // An MPTCP listener shows in the table of TCP as well: what is missing is its mark. Linux 5.6 has its sockets, and
            // takes no number of a protocol that is larger than 255.
            (Table::Mptcp | Table::Mptcp6, Err(_)) if is_absent || refusal == Refusal::EINVAL => {
                let by_netlink = matches!(refusal, Refusal::ENOENT | Refusal::EINVAL);
                let source = Some(if by_netlink { Source::SockDiag } else { Source::Proc });
                Reading::new(TableStatus::Read, source, &["mptcp"], error)
            }
            (Table::Vsock, Err(_)) if is_absent => {
                let lacks = &["cookie", "uid"];
                Reading::new(TableStatus::Read, Some(Source::Fd), lacks, error)
            }
            (_, Err(second)) => {
                let error = match proc_net::file(table) {
                    Some(file) => format!("sock_diag: {}; /proc/net/{file}: {}", words(refusal), words(second)),
                    None => format!("sock_diag: {}", words(refusal)),
                };
                let error = Some(error);
                Reading::new(TableStatus::Unreadable, None, &[], error)
            }
        }
    }

    /// Returns whether any row has what only newer kernels tell.
    fn read_diag(&mut self, kernel: &dyn Kernel<Question>, table: Table) -> Result<bool, Refusal> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let asked = kernel.ask(&Question::Diag(table), &mut buffer);
        // What came before a refusal is not the whole list, and better than nothing.
        let (sockets, end, bad) = sock_diag::decode(table, &buffer);
        self.buffer = buffer;
        self.count_bad(table, bad);
        let tells = sockets.iter().any(|socket| match table {
            Table::Unix => socket.uid.is_some(),
            _ => socket.cgroup.is_some(),
        });
        for socket in sockets {
            self.join(socket);
        }
        asked?;
        match end {
            End::Done => Ok(tells),
            End::Error(errno) => Err(Refusal::Errno(errno)),
            End::Cut => Err(Refusal::EMSGSIZE),
        }
    }

    fn read_proc(&mut self, kernel: &dyn Kernel<Question>, table: Table) -> Result<(), Refusal> {
        proc_net::file(table).ok_or(Refusal::ENOENT)?;
        let text = kernel.get(&Question::ProcNet(table))?;
        let (sockets, bad) = proc_net::decode(table, &text);
        self.count_bad(table, bad);
        for socket in sockets {
            self.join(socket);
        }
        Ok(())
    }

    fn count_bad(&mut self, table: Table, bad: usize) {
        match self.bad_rows.iter_mut().find(|(this, _)| *this == table) {
            Some((_, most)) => *most = bad.max(*most),
            None if bad > 0 => self.bad_rows.push((table, bad)),
            None => {}
        }
    }

    /// Adds a row, or marks the one that is the same socket as seen again: the same cookie, or where one reading has no
    /// cookies the same inode at the same place. Returns where it stands.
    pub fn join(&mut self, socket: Socket) -> usize {
        let cookie = socket.cookie.map(|cookie| (socket.transport, socket.mptcp, cookie));
        let place = (socket.transport, socket.mptcp, socket.inode, socket.local.clone());
        let known = match cookie {
            // Every address of an SCTP endpoint has the endpoint's cookie.
            Some(cookie) if socket.transport != Transport::Sctp => self.by_cookie.get(&cookie).copied().or_else(|| {
                self.by_place.get(&place).copied().filter(|at| self.sockets[*at].cookie.is_none() && place.2 != 0)
            }),
            _ => self.by_place.get(&place).copied(),
        };
        match known {
            Some(at) => {
                self.last_seen[at].0 = self.reading;
                at
            }
            None => {
                let at = self.sockets.len();
                if let Some(cookie) = cookie {
                    self.by_cookie.insert(cookie, at);
                }
                self.by_place.insert(place, at);
                self.sockets.push(socket);
                self.last_seen.push((self.reading, self.at));
                at
            }
        }
    }

    /// True where the last reading told of a socket.
    pub fn is_here(&self, at: usize) -> bool {
        self.last_seen[at].0 == self.reading
    }

    /// True where a table's rows can only be had from descriptors.
    pub fn wants_descriptors(&self, table: Table) -> bool {
        self.readings.iter().any(|(this, reading)| *this == table && reading.source == Some(Source::Fd))
    }

    /// Says of a table that is read from descriptors that some of them could not be looked through.
    pub fn doubt(&mut self, table: Table, refusal: Refusal) {
        for (this, reading) in &mut self.readings {
            if *this == table {
                reading.status = TableStatus::Unreadable;
                reading.error = Some(format!("descriptors of some processes: {}", words(refusal)));
            }
        }
    }

    /// Ends reading: the sockets with what has changed since they were first seen, and how each table was read.
    pub fn finish(mut self) -> (Vec<Socket>, Vec<TableRead>) {
        let unstable = self.reading >= READINGS;
        for (socket, (last, table)) in self.sockets.iter_mut().zip(&self.last_seen) {
            // Only a reading that came whole tells that a row is gone. Rows of descriptors are found once, while
            // attributing.
            socket.raced = *last < self.readings[*table].1.whole_in && socket.transport != Transport::Vsock;
        }
        let reads = self.readings.into_iter().map(|(table, reading)| {
            let status = match reading.status {
                TableStatus::Read if unstable && self.grew.contains(&table) => TableStatus::Unstable,
                status => status,
            };
            let Reading { source, lacks, error, .. } = reading;
            TableRead { table: table.name(), netns: 0, status, source, lacks, error }
        });
        (self.sockets, reads.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::sock_diag::bare;
    use super::*;
    use crate::model::State;

    fn listener(port: u16, inode: u64, cookie: Option<u64>) -> Socket {
        let local = Local::Inet { ip: [127, 0, 0, 1].into(), port };
        Socket { cookie, ..bare(Transport::Tcp, State::Listen, local, inode) }
    }

    #[test]
    fn the_same_socket_joins_by_cookie_or_place() {
        let mut tables = Tables::new(&[Table::Tcp]);
        tables.reading = 1;
        tables.join(listener(22, 5, Some(1)));
        tables.join(listener(22, 5, None));
        tables.reading = 2;
        tables.join(listener(22, 5, Some(1)));
        tables.join(listener(22, 6, Some(2)));
        assert_eq!(tables.sockets.len(), 2);
        assert_eq!(tables.last_seen, [(2, 0), (2, 0)]);
    }

    #[test]
    fn a_row_that_is_gone_is_marked() {
        let mut tables = Tables::new(&[Table::Tcp]);
        tables.reading = 1;
        tables.join(listener(22, 5, Some(1)));
        tables.join(listener(23, 6, Some(2)));
        tables.reading = 2;
        tables.readings[0].1.whole_in = 2;
        tables.join(listener(22, 5, Some(1)));
        let (sockets, reads) = tables.finish();
        assert_eq!(sockets.iter().map(|socket| socket.raced).collect::<Vec<_>>(), [false, true]);
        assert_eq!(reads[0].status, TableStatus::Unreadable, "nothing was read");
    }
}
