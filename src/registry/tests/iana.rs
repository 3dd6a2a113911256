//! What the registry says of IANA, held against IANA's names.

use crate::model::Transport;

use super::super::builtin::{IANA, IANA_DATE, TABLE};
use super::super::{Counterpart, Entry, EntrySource, Registry};

/// Rows of `iana.tsv` when it was last made. A new state that differs by more than 3 % is rather a broken source.
const ROWS: usize = 11_488;

/// Rows of IANA that the import cannot take: ranges, and rows without a transport.
const BEYOND_IMPORT: [(&str, u16, u16); 19] = [
    ("active-net", 3322, 3325),
    ("satvid-datalnk", 3367, 3371),
    ("vrml-multi-use", 4200, 4299),
    ("x11", 6000, 6063),
    ("x11", 6000, 6063),
    ("boe-cms", 6400, 6400),
    ("boe-was", 6401, 6401),
    ("boe-eventsrv", 6402, 6402),
    ("boe-cachesvr", 6403, 6403),
    ("boe-filesvr", 6404, 6404),
    ("boe-pagesvr", 6405, 6405),
    ("boe-processsvr", 6406, 6406),
    ("boe-resssvr1", 6407, 6407),
    ("boe-resssvr2", 6408, 6408),
    ("boe-resssvr3", 6409, 6409),
    ("boe-resssvr4", 6410, 6410),
    ("ircu", 6665, 6669),
    ("swx", 7300, 7359),
    ("flex-lm", 27_000, 27_009),
];

fn curated() -> impl Iterator<Item = Entry> {
    TABLE.rows.iter().map(|row| Entry::row(row, &TABLE))
}

fn bare(transport: Transport, port: u16) -> Option<Entry> {
    let row = IANA.iter().map(Entry::iana);
    row.into_iter().find(|entry| entry.ports() == (port..=port) && entry.transport() == Some(transport))
}

#[test]
fn the_import_is_whole() {
    assert!(IANA.len().abs_diff(ROWS) * 100 <= ROWS * 3, "{} rows, {ROWS} recorded", IANA.len());
    assert!(IANA.is_sorted_by(|a, b| (a.port, a.transport) < (b.port, b.transport)));
    assert!(IANA_DATE.len() == 10 && IANA_DATE.as_bytes()[4] == b'-', "{IANA_DATE}");
    let text = include_str!("../../../registry/iana.tsv");
    assert!(text.contains(&format!("\n# rows: {}\n", IANA.len())));
    // An address of a person would hold one of these; no name or description of a service does.
    assert!(!text.contains("mailto:"));
}

#[test]
fn what_iana_is_said_to_list_it_lists() {
    let registry = Registry::builtin();
    let mut wrong = Vec::new();
    for entry in curated().filter(|entry| entry.source() != EntrySource::Iana) {
        let (Some(transport), port) = (entry.transport(), *entry.ports().start()) else {
            panic!("{entry:?}: only rows of IANA are without a transport");
        };
        let listed = registry.iana_name(transport, port).map(|(name, _)| name);
        let right = match entry.iana_name() {
            _ if entry.ports().len() > 1 => entry.iana_name().is_none(),
            Some("(dynamic range)") => listed.is_none() && port >= 49_152,
            Some("(unassigned)" | "(reserved)") => listed.is_none() && port < 49_152,
            Some(said) => listed == Some(said) && said != entry.name(),
            None => false,
        };
        if !right {
            wrong.push(format!("{entry:?}: says {:?}, IANA lists {listed:?}", entry.iana_name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_said_to_be_iana_s_is_assigned() {
    let mut beyond = Vec::new();
    for entry in curated().filter(|entry| entry.source() == EntrySource::Iana) {
        assert_eq!(entry.iana_name(), None, "{entry:?}");
        let ports = entry.ports();
        match entry.transport() {
            Some(transport) if ports.len() == 1 => {
                let bare = bare(transport, *ports.start()).map(Entry::name);
                assert!(bare.is_some_and(|name| entry.is_named(name)), "{entry:?}: IANA has {bare:?}");
            }
            _ => beyond.push((entry.name(), *ports.start(), *ports.end())),
        }
    }
    beyond.sort_by_key(|(_, first, _)| *first);
    assert_eq!(beyond, BEYOND_IMPORT);
}

#[test]
fn every_counterpart_is_known_by_that_name() {
    let registry = Registry::builtin();
    let mut unknown = Vec::new();
    for entry in curated() {
        for counterpart in entry.counterparts() {
            let Counterpart::Service { transport, port, name } = counterpart else { continue };
            let known = registry.candidates(transport, port).iter().any(|entry| entry.is_named(name));
            let listed = bare(transport, port).is_some_and(|bare| bare.name() == name);
            if !known && !listed {
                unknown.push(format!("{entry:?}: {}/{port} {name}", transport.name()));
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}
