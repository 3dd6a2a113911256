//! The registry as tables: sorted rows of numbers, and one text that they point into.
//!
//! The build script packs the registry file and prints the tables as Rust source, so they lie in the read-only part of
//! the program and cost a run nothing: rows hold offsets into one text, because a pointer in a table is a relocation,
//! and 13,000 entries with several pointers each would be patched at every start. An overlay is packed the same way at
//! run time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::closed;
use super::program;
use super::schema::{Clash, File, Historical, Service};

/// A piece of [`Table::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Span {
    pub(super) at: u32,
    pub(super) len: u16,
}

/// A piece of a list of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct List {
    pub(super) at: u32,
    pub(super) len: u16,
}

/// One known use of a port; closed values are indices into the lists of [`closed`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) transport: u8,
    pub(super) source: u8,
    pub(super) category: Option<u8>,
    pub(super) plane: Option<u8>,
    pub(super) management: Option<bool>,
    pub(super) security: Option<u8>,
    pub(super) auth: Option<u8>,
    pub(super) exposure: Option<u8>,
    pub(super) confidence: u8,
    pub(super) name: Span,
    pub(super) title: Span,
    pub(super) iana_name: Span,
    pub(super) successor: Span,
    pub(super) risk: Span,
    pub(super) reference: Span,
    pub(super) aliases: List,
    pub(super) counterparts: List,
    pub(super) owners: List,
    pub(super) evidence: List,
    pub(super) weakness: Option<WeaknessRow>,
}

/// What is weak about a service.
#[derive(Clone, Copy, Debug)]
pub(super) struct WeaknessRow {
    pub(super) class: u8,
    /// For public, lan and loopback.
    pub(super) severity: [u8; 3],
    pub(super) why: Span,
    pub(super) condition: Span,
    pub(super) frameworks: Span,
}

/// One name of IANA at one port of one transport.
#[derive(Clone, Copy, Debug)]
pub(super) struct IanaRow {
    pub(super) port: u16,
    pub(super) transport: u8,
    pub(super) name: Span,
    pub(super) description: Span,
}

/// The rows of [`Table::rows`] that list a program, by its canonical name.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnerRow {
    pub(super) program: Span,
    /// A piece of [`Table::owned`].
    pub(super) rows: List,
}

/// Several common uses of a port.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClashRow {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) transport: u8,
    pub(super) text: Span,
}

/// What malware once used a port.
#[derive(Clone, Copy, Debug)]
pub(super) struct HistoricalRow {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) transport: u8,
    pub(super) confidence: u8,
    pub(super) association: Span,
    pub(super) era: Span,
    pub(super) evidence: List,
    pub(super) note: Span,
}

/// The tables that one registry file becomes.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) text: &'static str,
    pub(super) lists: &'static [Span],
    /// Ranges of ports first, `ranges` of them and narrow ones before wide ones; then single ports by port and by how
    /// likely they are meant.
    pub(super) rows: &'static [Row],
    pub(super) ranges: usize,
    /// By program.
    pub(super) owners: &'static [OwnerRow],
    pub(super) owned: &'static [u16],
    pub(super) clashes: &'static [ClashRow],
    pub(super) historical: &'static [HistoricalRow],
}

/// [`Table`] while it is made.
#[derive(Default)]
pub(super) struct Packed {
    pub(super) text: String,
    pub(super) lists: Vec<Span>,
    pub(super) rows: Vec<Row>,
    pub(super) ranges: usize,
    pub(super) owners: Vec<OwnerRow>,
    pub(super) owned: Vec<u16>,
    pub(super) clashes: Vec<ClashRow>,
    pub(super) historical: Vec<HistoricalRow>,
    known: HashMap<String, Span>,
}

impl Packed {
    /// Packs a file; `user` makes every entry the user's.
    pub(super) fn new(mut file: File, user: bool) -> Self {
        let mut packed = Self::default();
        file.services.sort_by_cached_key(|service| {
            let width = service.last - service.first;
            ((width == 0, width, service.first, service.transport), likelihood(service), service.name.clone())
        });
        packed.ranges = file.services.iter().filter(|service| service.first != service.last).count();
        for service in &file.services {
            let row = packed.service(service, user);
            packed.rows.push(row);
        }
        packed.index_owners(&file.services);
        file.clashes.sort_by_key(|clash| (clash.first, clash.transport));
        for clash in &file.clashes {
            let row = packed.clash(clash);
            packed.clashes.push(row);
        }
        file.historical.sort_by_key(|historical| (historical.first, historical.transport));
        for historical in &file.historical {
            let row = packed.historical(historical);
            packed.historical.push(row);
        }
        packed
    }

    /// Keeps a text, once.
    pub(super) fn span(&mut self, text: &str) -> Span {
        if let Some(span) = self.known.get(text) {
            return *span;
        }
        let at = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let span = Span { at, len: u16::try_from(text.len()).unwrap_or(u16::MAX) };
        self.text.push_str(text);
        self.known.insert(text.to_owned(), span);
        span
    }

    fn list(&mut self, texts: &[String]) -> List {
        let spans: Vec<Span> = texts.iter().map(|text| self.span(text)).collect();
        let list = list_of(self.lists.len(), spans.len());
        self.lists.extend(spans);
        list
    }

    fn service(&mut self, service: &Service, user: bool) -> Row {
        // Where the protection of a protocol is known, so is whether it manages; only the exception is written.
        let silent = (!user && service.security.is_some()).then_some(false);
        Row {
            first: service.first,
            last: service.last,
            transport: service.transport,
            source: if user { USER } else { service.source.unwrap_or(0) },
            category: service.category,
            plane: service.plane,
            management: service.management.or(silent),
            security: service.security,
            auth: service.auth,
            exposure: service.exposure,
            confidence: service.confidence,
            name: self.span(&service.name),
            title: self.span(&service.title),
            iana_name: self.span(&service.iana_name),
            successor: self.span(&service.successor),
            risk: self.span(&service.risk),
            reference: self.span(&service.reference),
            aliases: self.list(&service.aliases),
            counterparts: self.list(&service.counterparts),
            owners: self.list(&service.owners),
            evidence: self.list(&service.evidence),
            weakness: service.weakness.as_ref().map(|weakness| WeaknessRow {
                class: weakness.class,
                severity: weakness.severity,
                why: self.span(&weakness.why),
                condition: self.span(&weakness.condition),
                frameworks: self.span(&weakness.frameworks),
            }),
        }
    }

    fn index_owners(&mut self, services: &[Service]) {
        let mut index: BTreeMap<String, Vec<u16>> = BTreeMap::new();
        for (at, service) in services.iter().enumerate() {
            for owner in service.owners.iter().filter(|owner| *owner != "*") {
                let program = String::from_utf8_lossy(&program::canonical(owner.as_bytes())).into_owned();
                index.entry(program).or_default().push(u16::try_from(at).unwrap_or(u16::MAX));
            }
        }
        for (program, rows) in index {
            let row = OwnerRow { program: self.span(&program), rows: list_of(self.owned.len(), rows.len()) };
            self.owned.extend(rows);
            self.owners.push(row);
        }
    }

    fn clash(&mut self, clash: &Clash) -> ClashRow {
        let mut text = clash.uses.join("; ");
        if !clash.note.is_empty() {
            text.push_str(". ");
            text.push_str(&clash.note);
        }
        ClashRow { first: clash.first, last: clash.last, transport: clash.transport, text: self.span(&text) }
    }

    fn historical(&mut self, historical: &Historical) -> HistoricalRow {
        HistoricalRow {
            first: historical.first,
            last: historical.last,
            transport: historical.transport,
            confidence: historical.confidence,
            association: self.span(&historical.association),
            era: self.span(&historical.era),
            evidence: self.list(&historical.evidence),
            note: self.span(&historical.note),
        }
    }

    /// Makes the tables last as long as the program.
    pub(super) fn leak(self) -> &'static Table {
        Box::leak(Box::new(Table {
            text: self.text.leak(),
            lists: self.lists.leak(),
            rows: self.rows.leak(),
            ranges: self.ranges,
            owners: self.owners.leak(),
            owned: self.owned.leak(),
            clashes: self.clashes.leak(),
            historical: self.historical.leak(),
        }))
    }
}

/// Orders the uses of one port: what IANA names, what is general (a web server of any kind rather than one product,
/// since an owner that decides nothing should not lead to a product), what the most evidence was found for.
fn likelihood(service: &Service) -> impl Ord + use<> {
    let category = service.category.and_then(|at| closed::CATEGORIES.get(usize::from(at)).copied());
    let general = service.owners.iter().any(|owner| owner == "*") || matches!(category, Some("web" | "dev-server"));
    let evidence = Reverse((service.evidence.len(), service.owners.len()));
    (service.source != Some(0), !general, service.confidence, evidence)
}

/// The source of every entry of an overlay.
const USER: u8 = 3;
const _: () = assert!(closed::SOURCES.len() == USER as usize + 1);

fn list_of(at: usize, len: usize) -> List {
    List { at: u32::try_from(at).unwrap_or(u32::MAX), len: u16::try_from(len).unwrap_or(u16::MAX) }
}

impl Table {
    pub(super) fn text(&self, span: Span) -> &'static str {
        let at = span.at as usize;
        // A span is made from this text, so it always lies in it.
        self.text.get(at..at + usize::from(span.len)).unwrap_or_default()
    }

    pub(super) fn list(&self, list: List) -> &'static [Span] {
        let at = list.at as usize;
        self.lists.get(at..at + usize::from(list.len)).unwrap_or_default()
    }

    /// The rows of a port: single ports, then ranges.
    pub(super) fn at(&self, port: u16, transport: u8) -> impl Iterator<Item = &'static Row> {
        let (ranges, singles) = self.rows.split_at(self.ranges);
        let start = singles.partition_point(|row| row.first < port);
        let exact = singles[start..].iter().take_while(move |row| row.first == port);
        let around = ranges.iter().filter(move |row| row.first <= port && port <= row.last);
        // `any`, index 0, is every transport.
        exact.chain(around).filter(move |row| row.transport == transport || row.transport == 0)
    }

    /// The rows that list a program, by its canonical name.
    pub(super) fn owned_by(&self, program: &[u8]) -> impl Iterator<Item = &'static Row> {
        let found = self.owners.binary_search_by(|row| self.text(row.program).as_bytes().cmp(program));
        let list = found.map_or(List { at: 0, len: 0 }, |at| self.owners[at].rows);
        let (owned, rows) = (self.owned, self.rows);
        let at = list.at as usize;
        owned
            .get(at..at + usize::from(list.len))
            .unwrap_or_default()
            .iter()
            .filter_map(|row| rows.get(usize::from(*row)))
    }
}
