//! What each picture could see, and how that differs.

use std::collections::{BTreeMap, BTreeSet};

use super::seat::space;
use crate::model::{Gap, NetNsKind, TableStatus, Text, Transport};
use crate::picture::{Listener, Picture, Place, Table};

/// The capabilities that open what others hide. Each may stand in for the one before it.
const CAPABILITIES: [(&str, &str); 3] =
    [("cap_sys_ptrace", ""), ("cap_dac_read_search", "cap_dac_override"), ("cap_sys_admin", "")];

/// Something that two pictures could not see alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlike {
    /// What it is: `the table tcp6`, `capabilities`, …
    pub what: String,
    /// What the earlier picture had of it.
    pub old: String,
    /// What the later one had.
    pub new: String,
}

/// The name of a table of sockets that listen: those with an addition hold what is only bound.
fn name(table: &Table) -> Option<&str> {
    std::str::from_utf8(table.table.as_bytes()).ok().filter(|name| !name.contains('-') && !name.starts_with("mptcp"))
}

fn is_good(table: &Table) -> bool {
    matches!(table.status, Some(TableStatus::Read | TableStatus::Absent))
}

/// The transports that a picture asked about.
pub fn transports(picture: &Picture) -> Vec<Transport> {
    let asked: BTreeSet<&str> =
        picture.coverage.tables.iter().filter_map(name).map(|name| name.strip_suffix('6').unwrap_or(name)).collect();
    Transport::ALL.into_iter().filter(|transport| asked.contains(transport.name())).collect()
}

/// True where the tables of a transport tell this of its sockets.
pub(super) fn tells(picture: &Picture, transport: Transport, field: &str) -> bool {
    let of_it =
        |table: &&Table| name(table).is_some_and(|name| name.strip_suffix('6').unwrap_or(name) == transport.name());
    !picture
        .coverage
        .tables
        .iter()
        .filter(of_it)
        .any(|table| table.lacks.iter().any(|lack| lack.as_bytes() == field.as_bytes()))
}

/// True where some table could be read in both.
pub(super) fn is_comparable(old: &Picture, new: &Picture) -> bool {
    let good = |picture: &'_ Picture| -> BTreeSet<String> {
        let tables = picture.coverage.tables.iter().filter(|table| is_good(table));
        tables.filter_map(name).map(str::to_owned).collect()
    };
    good(old).intersection(&good(new)).next().is_some()
}

/// Whether a picture would show a listener that another has, if it were there; else why not.
pub(super) fn sees(picture: &Picture, listener: &Listener) -> Result<(), String> {
    if !picture.could_tell {
        return Err("the run could not tell everything".to_owned());
    }
    if let Some(transport) = listener.transport {
        tables_see(picture, transport, listener)?;
    }
    namespaces_see(picture, &listener.netns)
}

fn tables_see(picture: &Picture, transport: Transport, listener: &Listener) -> Result<(), String> {
    let is_v6 = listener.address.as_ref().is_some_and(|address| address.as_bytes().contains(&b':'));
    let wanted = format!("{}{}", transport.name(), if is_v6 { "6" } else { "" });
    let all = picture.coverage.tables.iter();
    let tables: Vec<&Table> = all.filter(|table| name(table) == Some(&wanted)).collect();
    if tables.is_empty() {
        return Err(format!("the table {wanted} was not asked for"));
    }
    let here = |table: &&&Table| table.netns.as_ref().is_none_or(|place| are_one(place, &listener.netns));
    let bad = tables.iter().filter(|table| !is_good(table)).find(here);
    match bad {
        Some(table) if table.status == Some(TableStatus::Unstable) => {
            Err(format!("the table {wanted} changed faster than it could be read"))
        }
        Some(_) => Err(format!("the table {wanted} could not be read")),
        None if tables.iter().any(|table| is_good(table)) => Ok(()),
        None => Err(format!("the table {wanted} was not read")),
    }
}

/// Inodes are those of one boot, so places of one name count as one even where these differ.
fn are_one(one: &Place, other: &Place) -> bool {
    space(one) == space(other)
}

fn namespaces_see(picture: &Picture, place: &Place) -> Result<(), String> {
    let is_here = |other: &Place| are_one(other, place);
    let (is_known, has_host) = match &picture.coverage.namespaces {
        Some(all) => (all.iter().any(is_here), all.iter().any(|other| other.kind == Some(NetNsKind::Host))),
        None => {
            let places: BTreeSet<&Place> = picture.listeners.iter().map(|listener| &listener.netns).collect();
            let has_host = places.iter().any(|other| other.kind == Some(NetNsKind::Host));
            // More were read than have listeners: the host's own is always among the first.
            let read =
                picture.coverage.tables.iter().filter(|table| is_good(table)).map(|table| table.namespaces).max();
            (places.iter().any(|other| is_here(other)), has_host || read.is_some_and(|read| read > places.len()))
        }
    };
    let unseen = || picture.coverage.gaps.iter().any(|gap| Gap::hides_namespaces(gap));
    match place.kind {
        _ if is_known => Ok(()),
        Some(NetNsKind::Host) if has_host => Ok(()),
        Some(NetNsKind::Host) => Err("the network namespace of the host was not looked at".to_owned()),
        _ if unseen() => Err("some network namespaces could not be seen".to_owned()),
        // Who looks from the host finds all there are.
        _ if has_host => Ok(()),
        _ => Err("its network namespace was not looked at".to_owned()),
    }
}

/// True where processes were hidden from one picture that the other could look into.
pub(super) fn are_unequal(old: &Picture, new: &Picture) -> bool {
    let hidden = |picture: &Picture| picture.coverage.processes_hidden;
    let rights = |picture: &Picture| (picture.vantage.uid, capabilities(picture));
    hidden(old) != hidden(new) || (hidden(old) && rights(old) != rights(new))
}

/// How what two pictures could see differs.
pub(super) fn unlike(old: &Picture, new: &Picture) -> Vec<Unlike> {
    let mut unlike = Vec::new();
    let mut compare = |what: &str, old: Option<String>, new: Option<String>| {
        if old != new {
            let told = |value: Option<String>| value.unwrap_or_else(|| "not known".to_owned());
            unlike.push(Unlike { what: what.to_owned(), old: told(old), new: told(new) });
        }
    };
    let text = |text: &Option<Text>| text.as_ref().map(Text::escaped);
    let user = |picture: &Picture| {
        picture.vantage.uid.map(|uid| if uid == 0 { "root".to_owned() } else { format!("uid {uid}") })
    };
    compare("user", user(old), user(new));
    compare("capabilities", capabilities(old), capabilities(new));
    compare("pid namespace", text(&old.vantage.pid_ns), text(&new.vantage.pid_ns));
    compare("user namespace", text(&old.vantage.user_ns), text(&new.vantage.user_ns));
    compare("hidepid", text(&old.vantage.hidepid), text(&new.vantage.hidepid));
    let processes = |picture: &Picture| match picture.coverage.processes_hidden {
        true => Some("some could not be looked into".to_owned()),
        false => Some("every one was looked into".to_owned()),
    };
    compare("processes", processes(old), processes(new));
    let (old_tables, new_tables) = (tables(old), tables(new));
    let names: BTreeSet<&str> = old_tables.keys().chain(new_tables.keys()).copied().collect();
    for name in names {
        let told =
            |tables: &BTreeMap<&str, &'static str>| tables.get(name).copied().unwrap_or("not asked for").to_owned();
        compare(&format!("the table {}", Text::from(name).escaped()), Some(told(&old_tables)), Some(told(&new_tables)));
    }
    unlike
}

/// The capabilities that matter, of those a picture was taken with.
fn capabilities(picture: &Picture) -> Option<String> {
    let caps = picture.vantage.caps.as_ref()?;
    let has = |name: &str| caps.iter().any(|cap| cap.as_bytes() == name.as_bytes());
    let held: Vec<&str> =
        CAPABILITIES.into_iter().filter(|(name, also)| has(name) || has(also)).map(|(name, _)| name).collect();
    Some(if held.is_empty() { "none that matters".to_owned() } else { held.join(", ") })
}

/// How each table was read, at worst. A protocol that the kernel lacks hides nothing.
fn tables(picture: &Picture) -> BTreeMap<&str, &'static str> {
    let mut told: BTreeMap<&str, &'static str> = BTreeMap::new();
    for table in &picture.coverage.tables {
        let Some(name) = name(table) else { continue };
        let how = match table.status {
            Some(TableStatus::Read | TableStatus::Absent) => "read",
            Some(TableStatus::Unstable) => "read, but it changed too fast",
            Some(TableStatus::Unreadable) | None => "not read everywhere",
        };
        let known = told.entry(name).or_insert(how);
        if *known == "read" {
            *known = how;
        }
    }
    told
}
