//! What is known of ports: which service is expected where, whose it may be, and what is weak about it.
//!
//! A port number is a claim, the owner is evidence. The registry holds what people know (`port-registry.toml`), what
//! IANA says (`registry/iana.tsv`) and what the administrator of a host adds (overlays); a lookup always takes the
//! transport, and [`Registry::claim`] weighs a claim against the executables that hold the socket.

mod builtin;
mod claim;
mod closed;
mod entry;
mod error;
mod kinds;
mod program;
mod schema;
mod service_ref;
mod table;
#[cfg(test)]
mod tests;

pub use claim::{Claim, OwnerEvidence, Verdict};
pub use entry::{Counterpart, Entry, Weakness};
pub use error::RegistryError;
pub use kinds::{EntrySource, Exposure, Security, WeaknessClass};

use crate::fault;
use crate::model::Transport;

use self::entry::index_of;
use self::table::{IanaRow, Packed, Table};

/// What is known of ports.
#[derive(Debug, Default)]
pub struct Registry {
    /// In the order of their files.
    overlays: Vec<&'static Table>,
}

/// What malware once used a port: a note of low confidence beside the legitimate use, never a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Historical {
    /// The programs.
    pub association: &'static str,
    /// The years; empty where they are not known.
    pub era: &'static str,
    /// How far the evidence goes: `high`, `medium` or `low`.
    pub confidence: &'static str,
    /// The kinds of evidence.
    pub evidence: Vec<&'static str>,
    /// What else uses the port, or how to take the note; empty for none.
    pub note: &'static str,
}

impl Registry {
    /// The registry that is compiled in.
    pub fn builtin() -> Self {
        Self::default()
    }

    /// The registry and the overlays of this host, given as the name and content of each file in their order. Their
    /// text is kept as long as the program runs.
    pub fn with_overlays<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, RegistryError> {
        let mut parsed = Vec::new();
        for (name, content) in files {
            parsed
                .push(schema::parse(content, schema::Kind::Overlay).map_err(|fault| RegistryError::new(name, fault))?);
        }
        // Kept only once every file was found right.
        Ok(Self { overlays: parsed.into_iter().map(|file| Packed::new(file, true).leak()).collect() })
    }

    /// The date that the names of IANA are of: `2026-09-17`.
    pub fn iana_date(&self) -> &'static str {
        builtin::IANA_DATE
    }

    /// How many entries there are: known uses, names of IANA, and those of overlays.
    pub fn entries(&self) -> usize {
        builtin::TABLE.rows.len() + builtin::IANA.len() + self.overlays()
    }

    /// How many of them overlays added.
    pub fn overlays(&self) -> usize {
        self.overlays.iter().map(|table| table.rows.len()).sum()
    }

    /// Overlays, then what is compiled in.
    fn tables(&self) -> impl Iterator<Item = &'static Table> {
        self.overlays.iter().copied().chain([&builtin::TABLE])
    }

    /// Everything that a port may be, the likeliest first: overlays, known uses of the very port, known uses of a range
    /// around it, the bare name of IANA. Empty for transports without registered ports.
    pub fn candidates(&self, transport: Transport, port: u16) -> Vec<Entry> {
        let Some(index) = index_of(transport) else { return Vec::new() };
        let of_table = |table: &'static Table| table.at(port, index).map(move |row| Entry::row(row, table));
        let mut found: Vec<Entry> = self.tables().flat_map(of_table).collect();
        if let Some(row) = iana_row(index, port) {
            let bare = Entry::iana(row);
            let named = |entry: &Entry| entry.is_named(bare.name()) || entry.iana_name() == Some(bare.name());
            if !found.iter().any(named) {
                found.push(bare);
            }
        }
        found
    }

    /// The name and description that IANA lists at a port, of single ports, ranges and rows without a transport.
    pub fn iana_name(&self, transport: Transport, port: u16) -> Option<(&'static str, &'static str)> {
        let index = index_of(transport)?;
        let known = || {
            let assigned = builtin::TABLE.at(port, index).map(|row| Entry::row(row, &builtin::TABLE));
            assigned.filter(|entry| entry.source() == EntrySource::Iana)
        };
        let bare = iana_row(index, port).map(Entry::iana);
        // Where IANA lists several names at a port, the registry says which is the one to use.
        let entry = match bare {
            Some(bare) => known().find(|entry| entry.is_named(bare.name())).or(Some(bare)),
            None => known().next(),
        };
        entry.map(|entry| (entry.name(), entry.title()))
    }

    /// The entries of that name, whatever its case: known uses by name, then by another name of theirs, then names of
    /// IANA.
    pub fn by_name(&self, name: &str) -> Vec<Entry> {
        let rows = || self.tables().flat_map(|table| table.rows.iter().map(move |row| Entry::row(row, table)));
        let mut found: Vec<Entry> = rows().filter(|entry| entry.name().eq_ignore_ascii_case(name)).collect();
        found.extend(rows().filter(|entry| entry.is_named(name) && !entry.name().eq_ignore_ascii_case(name)));
        let same = |entry: &Entry, bare: Entry| {
            entry.source() == EntrySource::Iana
                && (entry.transport(), entry.ports()) == (bare.transport(), bare.ports())
        };
        for bare in builtin::IANA.iter().map(Entry::iana) {
            if bare.name().eq_ignore_ascii_case(name) && !found.iter().any(|entry| same(entry, bare)) {
                found.push(bare);
            }
        }
        found
    }

    /// The entries that list an executable, given by its base name.
    pub fn owned_by(&self, exe_base: &[u8]) -> Vec<Entry> {
        self.rows_of(&program::canonical(exe_base)).collect()
    }

    /// True for a program that some entry lists, or that says by itself what its socket is worth, given by its base name.
    pub fn knows_program(&self, exe_base: &[u8]) -> bool {
        let name = program::canonical(exe_base);
        self.rows_of(&name).next().is_some() || program::role(&name) != program::Role::Server
    }

    /// True for the name of a known use of a port, or another name of it; a bare name of IANA is none.
    pub fn knows_service(&self, name: &str) -> bool {
        self.tables().any(|table| table.rows.iter().any(|row| Entry::row(row, table).is_named(name)))
    }

    /// The entries that list a program, by its canonical name.
    fn rows_of<'a>(&'a self, program: &'a [u8]) -> impl Iterator<Item = Entry> + 'a {
        self.tables().flat_map(move |table| table.owned_by(program).map(move |row| Entry::row(row, table)))
    }

    /// The common uses of a port that several services share, in words.
    pub fn clash(&self, transport: Transport, port: u16) -> Option<&'static str> {
        let index = index_of(transport)?;
        let clashes = builtin::TABLE.clashes.iter();
        let mut here = clashes.filter(|row| row.transport == index && (row.first..=row.last).contains(&port));
        here.next().map(|row| builtin::TABLE.text(row.text))
    }

    /// What malware once used a port.
    pub fn historical(&self, transport: Transport, port: u16) -> Vec<Historical> {
        let Some(index) = index_of(transport) else { return Vec::new() };
        let rows = builtin::TABLE.historical.iter();
        let here = rows.filter(|row| row.transport == index && (row.first..=row.last).contains(&port));
        here.map(|row| Historical {
            association: builtin::TABLE.text(row.association),
            era: builtin::TABLE.text(row.era),
            confidence: closed::CONFIDENCES.get(usize::from(row.confidence)).copied().unwrap_or("low"),
            evidence: builtin::TABLE.list(row.evidence).iter().map(|span| builtin::TABLE.text(*span)).collect(),
            note: builtin::TABLE.text(row.note),
        })
        .collect()
    }
}

fn iana_row(transport: u8, port: u16) -> Option<&'static IanaRow> {
    let at = builtin::IANA.binary_search_by_key(&(port, transport), |row| (row.port, row.transport)).ok()?;
    builtin::IANA.get(at)
}
