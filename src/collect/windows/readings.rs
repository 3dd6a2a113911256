//! Several readings of the tables, joined: rows have no identity but what they say, so that of rows which say the same as
//! many are kept as the fullest reading has.

use std::collections::{BTreeMap, BTreeSet};

use super::question::{Question, Table};
use super::refusal::{self, words};
use super::rows::{Row, decode};
use crate::collect::seam::{Kernel, Refusal};
use crate::model::{Gap, Source, TableRead, TableStatus};

/// How often the tables are read at most.
pub const READINGS: u32 = 4;

/// Fields of a listener that the tables of Windows do not tell.
pub const LACKS: &[&str] =
    &["backlog", "cgroup", "cookie", "drops", "dual_stack", "inode", "interface", "recv_queue", "uid"];

/// Rows that say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// How many of them the fullest reading has.
    pub count: usize,
    /// The first reading that has them, from 1.
    pub first: u32,
    /// The last one.
    pub last: u32,
    /// What the clock said before that one, a `FILETIME`; 0 where it said nothing.
    pub seen: u64,
}

/// The tables, as they were read so far.
#[derive(Debug, Default)]
pub struct Readings {
    /// How many there were.
    pub count: u32,
    /// The rows.
    pub rows: BTreeMap<(Table, Row), Kept>,
    tables: BTreeMap<Table, Read>,
}

/// How one table was read.
#[derive(Debug, Default)]
struct Read {
    refused: Option<Refusal>,
    /// Not even the number of rows was there.
    broken: bool,
    bad: u64,
    /// Its last reading had rows that no earlier one had.
    grew: bool,
}

impl Readings {
    /// Reads the tables once more. Returns the processes of the rows that no earlier reading has.
    pub fn read(&mut self, kernel: &dyn Kernel<Question>, tables: &[Table]) -> BTreeSet<u32> {
        self.count += 1;
        let mut new = BTreeSet::new();
        for table in tables {
            let seen = super::clock(kernel).unwrap_or_default();
            let read = self.tables.entry(*table).or_default();
            read.grew = false;
            if read.refused.is_some() || read.broken {
                continue;
            }
            let answer = match kernel.get(&Question::Table(*table)) {
                Ok(answer) => answer,
                Err(refusal) => {
                    read.refused = Some(refusal);
                    continue;
                }
            };
            let Some(decoded) = decode(*table, &answer) else {
                read.broken = true;
                continue;
            };
            read.bad = read.bad.max(decoded.bad);
            let mut counts: BTreeMap<Row, usize> = BTreeMap::new();
            decoded.rows.into_iter().for_each(|row| *counts.entry(row).or_default() += 1);
            for (row, count) in counts {
                let kept =
                    self.rows.entry((*table, row)).or_insert(Kept { count: 0, first: self.count, last: 0, seen });
                if count > kept.count {
                    kept.count = count;
                    read.grew = true;
                }
                (kept.last, kept.seen) = (self.count, seen);
                if kept.first == self.count {
                    new.insert(row.pid);
                }
            }
        }
        new
    }

    /// True where the last reading had rows that no earlier one had.
    pub fn grew(&self) -> bool {
        self.tables.values().any(|read| read.grew)
    }

    /// True for a row that came after the first reading, or was gone by the last.
    pub fn is_raced(&self, kept: &Kept) -> bool {
        kept.first > 1 || kept.last < self.count
    }

    /// How each table was read.
    pub fn tables(&self) -> Vec<TableRead> {
        let of = |(table, read): (&Table, &Read)| {
            let (status, error) = match read.refused {
                // A system without IPv6 has no table of it.
                Some(refusal::NOT_SUPPORTED) => (TableStatus::Absent, None),
                Some(refusal) => (TableStatus::Unreadable, Some(words(refusal))),
                None if read.broken => (TableStatus::Unreadable, Some("it has not even a number of rows".to_owned())),
                None if read.grew && self.count > 1 => {
                    (TableStatus::Unstable, Some(format!("new rows came with each of {READINGS} readings")))
                }
                None => (TableStatus::Read, None),
            };
            let is_read = matches!(status, TableStatus::Read | TableStatus::Unstable);
            let source = is_read.then_some(Source::IpHelper);
            TableRead { table: table.name(), netns: 0, status, source, lacks: if is_read { LACKS } else { &[] }, error }
        };
        self.tables.iter().map(of).collect()
    }

    /// What of the tables could not be read.
    pub fn gaps(&self) -> Vec<Gap> {
        let tables = self.tables();
        let unread = tables.iter().zip(&self.tables).filter_map(|(table, (_, read))| {
            let remedy = match (table.status, read.refused) {
                (TableStatus::Unreadable, refused) => match refused {
                    Some(Refusal::NotRecorded) => "record the host again with this version",
                    Some(Refusal::Deadline) => "give it more time with --timeout",
                    _ => "see that the service IP Helper (iphlpsvc) and the network of this host work",
                },
                (TableStatus::Unstable, _) => "run it again at a quieter time",
                (TableStatus::Read | TableStatus::Absent, _) => return None,
            };
            Some(Gap {
                what: format!("the table {}", table.table),
                why: table.error.clone().unwrap_or_default(),
                consequence: "its sockets are not all listed".to_owned(),
                remedy: remedy.to_owned(),
            })
        });
        let bad = self.tables.iter().filter(|(_, read)| read.bad > 0).map(|(table, read)| Gap {
            what: format!("{} row{} of the table {}", read.bad, if read.bad == 1 { "" } else { "s" }, table.name()),
            why: "they made no sense".to_owned(),
            consequence: "the sockets that they told of are not listed".to_owned(),
            remedy: "record the host with `earmark capture` and report it".to_owned(),
        });
        unread.chain(bad).collect()
    }
}
