//! The network namespaces of a run, each with its tables, and one numbering of all their sockets.

use super::choice::Choice;
use super::kernel::{Kernel, Refusal};
use super::namespaces::{self, Way, Ways, Within};
use super::proc_net::Protocols;
use super::question::{Ns, Question, Table};
use super::tables::Tables;
use super::{proc_pid, vantage};
use crate::model::{NetNs, NetNsKind, Socket, TableRead, Text};

/// One namespace.
struct Place<'a> {
    ns: Option<Ns>,
    kernel: Within<'a>,
    protocols: Option<Protocols>,
    tables: Tables,
    /// The numbers of the rows of `tables`.
    numbers: Vec<u32>,
}

/// The namespaces, our own first.
pub struct Places<'a> {
    kernel: &'a dyn Kernel<Question>,
    release: Vec<u8>,
    asked: Vec<Table>,
    all: Vec<Place<'a>>,
    namespaces: Vec<NetNs>,
    /// The one that was chosen, if any was.
    choice: Option<Choice>,
    /// How well each namespace fits it.
    ranks: Vec<Option<u8>>,
    /// Namespaces that do not, and are not read.
    others: Vec<NetNs>,
    /// Where the socket of each number stands: its namespace and its row there.
    rows: Vec<(usize, usize)>,
}

impl<'a> Places<'a> {
    /// Our own namespace alone.
    pub fn new(
        kernel: &'a dyn Kernel<Question>,
        own: NetNs,
        asked: Vec<Table>,
        release: &[u8],
        choice: Option<&str>,
    ) -> Self {
        let mut places = Self {
            kernel,
            release: release.to_vec(),
            asked,
            all: Vec::new(),
            namespaces: Vec::new(),
            choice: choice.map(|word| Choice::new(kernel, word)),
            ranks: Vec::new(),
            others: Vec::new(),
            rows: Vec::new(),
        };
        places.push(None, own, &[]);
        places
    }

    /// Adds the other namespaces.
    pub fn add(&mut self, ways: Ways) {
        for (ns, ways) in ways {
            let is_own = self.namespaces[0].inode.is_some() && self.namespaces[0].inode == ns.inode();
            if !is_own && self.all.iter().all(|place| place.ns != Some(ns)) {
                let namespace = describe(self.kernel, ns, &ways);
                self.push(Some(ns), namespace, &ways);
            }
        }
    }

    /// Adds namespaces that are held by descriptors of processes alone; true where any was new.
    pub fn add_held(&mut self, held: &[(u64, u32, u32)]) -> bool {
        let before = self.all.len();
        let ways = held.iter().map(|(inode, pid, fd)| (Ns::Inode(*inode), vec![Way::Descriptor(*pid, *fd)]));
        self.add(ways.collect());
        self.all.len() > before
    }

    fn push(&mut self, ns: Option<Ns>, namespace: NetNs, ways: &[Way]) {
        let rank = self.choice.as_ref().and_then(|choice| choice.rank(&namespace, ways));
        // Our own is read in any case: what has no namespace is asked for there.
        if self.choice.is_some() && rank.is_none() && ns.is_some() {
            self.others.push(namespace);
            return;
        }
        self.ranks.push(rank);
        let kernel = Within { kernel: self.kernel, ns };
        let protocols = kernel.get(&Question::Protocols).ok();
        let protocols = protocols.map(|protocols| Protocols::new(&protocols, &self.release));
        // Vsock knows no network namespaces: it is asked for once.
        let asked: Vec<Table> =
            self.asked.iter().copied().filter(|table| ns.is_none() || *table != Table::Vsock).collect();
        let tables = Tables::new(&asked);
        self.all.push(Place { ns, kernel, protocols, tables, numbers: Vec::new() });
        self.namespaces.push(namespace);
    }

    /// Reads every table of every namespace once more, and returns from which number on the sockets are new.
    pub fn read(&mut self) -> usize {
        let known = self.rows.len();
        self.read_from(0);
        known
    }

    /// Reads every table of the namespaces besides our own once more.
    pub fn read_added(&mut self) {
        self.read_from(1);
    }

    fn read_from(&mut self, first: usize) {
        for (at, place) in self.all.iter_mut().enumerate().skip(first) {
            place.tables.read(&place.kernel, place.protocols.as_ref());
            place.number(at, &mut self.rows);
        }
    }

    /// How many sockets there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The inodes of those sockets that have one, sorted, each with the number of its socket.
    pub fn wanted(&self, keep: impl Fn(usize) -> bool) -> Vec<(u64, u32)> {
        let inode = |at: usize| self.socket(at).inode;
        let all = (0..self.rows.len()).filter(|at| inode(*at) != 0 && keep(*at));
        let mut wanted: Vec<(u64, u32)> = all.map(|at| (inode(at), at as u32)).collect();
        wanted.sort_unstable();
        wanted
    }

    fn socket(&self, number: usize) -> &Socket {
        let (place, row) = self.rows[number];
        &self.all[place].tables.sockets[row]
    }

    /// True where the last reading told of a socket.
    pub fn is_here(&self, number: usize) -> bool {
        let (place, row) = self.rows[number];
        self.all[place].tables.is_here(row)
    }

    /// Our own namespace's protocols.
    pub fn protocols(&self) -> Option<&Protocols> {
        self.all[0].protocols.as_ref()
    }

    /// True where vsock's rows can only be had from descriptors.
    pub fn wants_descriptors(&self) -> bool {
        self.all[0].tables.wants_descriptors(Table::Vsock)
    }

    /// Says that vsock sockets could not be looked for among some descriptors.
    pub fn doubt_vsock(&mut self, refusal: Refusal) {
        self.all[0].tables.doubt(Table::Vsock, refusal);
    }

    /// Adds a socket of our own namespace, and returns its number.
    pub fn join(&mut self, socket: Socket) -> u32 {
        let row = self.all[0].tables.join(socket);
        self.all[0].number(0, &mut self.rows);
        self.all[0].numbers[row]
    }

    /// Protocols whose sockets no table covers, with their namespace.
    pub fn uncovered(&self) -> Vec<(usize, (String, u64))> {
        let all = self.all.iter().enumerate();
        all.flat_map(|(at, place)| {
            let uncovered = place.protocols.as_ref().map(Protocols::uncovered).unwrap_or_default();
            uncovered.into_iter().map(move |one| (at, one))
        })
        .collect()
    }

    /// Ends reading.
    pub fn finish(mut self) -> Finished {
        let mut finished = Finished { moved: vec![0; self.rows.len()], ..Finished::default() };
        let places = self.all.iter().map(|place| place.ns).collect();
        for (at, mut place) in self.all.drain(..).enumerate() {
            let bad = std::mem::take(&mut place.tables.bad_rows);
            finished.bad_rows.extend(bad.into_iter().map(|(table, count)| (at, table, count)));
            let (sockets, tables) = place.tables.finish();
            for (row, number) in place.numbers.iter().enumerate() {
                finished.moved[*number as usize] = (finished.sockets.len() + row) as u32;
            }
            finished.sockets.extend(sockets.into_iter().map(|socket| Socket { netns: at, ..socket }));
            finished.tables.extend(tables.into_iter().map(|table| TableRead { netns: at, ..table }));
        }
        finished.namespaces = self.namespaces;
        finished.has_others = finished.namespaces.len() + self.others.len() > 1;
        let best = self.ranks.iter().flatten().min();
        finished.kept = match (&self.choice, best) {
            (None, _) => vec![true; finished.namespaces.len()],
            (Some(_), Some(best)) => self.ranks.iter().map(|rank| rank.as_ref() == Some(best)).collect(),
            (Some(_), None) => {
                finished.is_unmatched = true;
                finished.namespaces.append(&mut self.others);
                vec![false; finished.namespaces.len()]
            }
        };
        finished.places = places;
        finished
    }
}

impl Place<'_> {
    /// Numbers the rows that have no number yet.
    fn number(&mut self, at: usize, rows: &mut Vec<(usize, usize)>) {
        for row in self.numbers.len()..self.tables.sockets.len() {
            self.numbers.push(rows.len() as u32);
            rows.push((at, row));
        }
    }
}

/// What all readings brought.
#[derive(Default)]
pub struct Finished {
    /// The namespaces.
    pub namespaces: Vec<NetNs>,
    /// What each of them is asked by; `None` for our own.
    pub places: Vec<Option<Ns>>,
    /// The sockets of all of them.
    pub sockets: Vec<Socket>,
    /// Where the socket of each number stands in `sockets`.
    pub moved: Vec<u32>,
    /// How each table was read.
    pub tables: Vec<TableRead>,
    /// Which of the namespaces were chosen.
    pub kept: Vec<bool>,
    /// None was, and `namespaces` are all there are.
    pub is_unmatched: bool,
    /// There are several namespaces, whether they were read or not.
    pub has_others: bool,
    /// Rows that made no sense, by namespace and table.
    pub bad_rows: Vec<(usize, Table, usize)>,
}

/// What a namespace is called and is to this host: by its mount, its container or unit, or the process that lives in it.
fn describe(kernel: &dyn Kernel<Question>, ns: Ns, ways: &[Way]) -> NetNs {
    let process = ways.iter().find_map(|way| match way {
        Way::Process(pid) => Some(*pid),
        Way::Mount(_) | Way::Descriptor(..) | Way::Listed(_) => None,
    });
    let cgroup = process.and_then(|pid| kernel.get(&Question::Cgroup(pid)).ok());
    let cgroup = cgroup.and_then(|answer| proc_pid::cgroup(&answer));
    let container = cgroup.as_ref().and_then(|cgroup| cgroup.container.clone());
    let kind = if container.is_some() { NetNsKind::Container } else { NetNsKind::Other };
    let name = namespaces::name(ways)
        .or_else(|| container.map(|container| container.id))
        .or_else(|| cgroup.and_then(|cgroup| cgroup.unit))
        .or_else(|| Some(Text::from(format!("pid {}", process?).as_str())));
    let interfaces = vantage::interfaces(&Within { kernel, ns: Some(ns) });
    NetNs { inode: ns.inode(), name, kind, interfaces, addresses: None }
}
