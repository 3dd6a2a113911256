//! A diagnosis for eyes: about ten lines.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use super::Screen;
use super::sandbox::given_up;
use super::words::{HEADER, count, no_owner, paint, printable, wrap};
use crate::doctor::{Diagnosis, NamespaceRead};
use crate::model::{NamespaceKind, NetNsKind, OwnerStatus, TableStatus, Text};

/// How wide the names of the lines are.
const TITLES: usize = 11;

/// How many gaps are told.
const MOST_GAPS: usize = 12;

/// How many namespaces are named.
const MOST_NAMES: usize = 8;

/// Writes what this run can and cannot see, and what would mend it.
pub fn doctor(diagnosis: &Diagnosis<'_>, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let gaps: Vec<_> = diagnosis.report.all_gaps().collect();
    let verdict = match (diagnosis.is_complete(), diagnosis.report.gaps.len()) {
        (true, _) => "every table was read, and every process was looked into".to_owned(),
        (false, 0) => "not everything could be seen".to_owned(),
        (false, gaps) => format!("{} kept this run from seeing everything", count(gaps, "gap")),
    };
    let mut lines = vec![
        ("verdict", verdict),
        ("user", user(diagnosis)),
        ("kernel", kernel(diagnosis)),
        ("tables", tables(diagnosis)),
        ("networks", networks(diagnosis)),
        ("processes", processes(diagnosis)),
        ("owners", owners(diagnosis)),
        ("registry", registry(diagnosis)),
    ];
    if matches!(diagnosis.report.host.platform, "linux" | "windows") {
        lines.insert(2, ("namespaces", vantage(diagnosis)));
    }
    lines.extend(diagnosis.sandbox.iter().map(|sandbox| ("rights", given_up(sandbox))));
    lines.extend(
        gaps.iter().take(MOST_GAPS).map(|gap| {
            ("not seen", format!("{} ({}): {}; remedy: {}", gap.what, gap.why, gap.consequence, gap.remedy))
        }),
    );
    if gaps.len() > MOST_GAPS {
        lines.push(("", format!("and {} (--json lists all)", count(gaps.len() - MOST_GAPS, "more gap"))));
    }
    let width = screen.width.map(|width| usize::from(width).saturating_sub(TITLES).max(TITLES));
    for (title, text) in lines {
        for (at, line) in wrap(&printable(&text), width).iter().enumerate() {
            let title = if at == 0 { format!("{title:TITLES$}") } else { " ".repeat(TITLES) };
            writeln!(out, "{}{line}", paint(&title, HEADER, screen.color))?;
        }
    }
    out.flush()
}

fn user(diagnosis: &Diagnosis<'_>) -> String {
    let vantage = &diagnosis.report.vantage;
    let who = match (vantage.uid, &vantage.user) {
        (Some(0), _) => "root".to_owned(),
        (Some(uid), _) if !diagnosis.report.host.has_capabilities() => {
            format!("uid {uid}, and not root (to look through other users' descriptors)")
        }
        (Some(uid), _) => format!("uid {uid}"),
        (None, Some(user)) => user.escaped(),
        (None, None) => "not known".to_owned(),
    };
    let elevated = vantage.elevated.map(|elevated| match elevated {
        true => "elevated".to_owned(),
        false => "not elevated (`Run as administrator` is)".to_owned(),
    });
    let caps = diagnosis.capabilities.iter().map(|capability| match capability.held {
        Some(true) => format!("has {}", capability.name),
        Some(false) => format!("lacks {} (to {})", capability.name, capability.opens),
        None => format!("{}: not known", capability.name),
    });
    std::iter::once(who).chain(elevated).chain(caps).collect::<Vec<_>>().join(", ")
}

fn vantage(diagnosis: &Diagnosis<'_>) -> String {
    let vantage = &diagnosis.report.vantage;
    if diagnosis.report.host.platform == "windows" {
        return match vantage.pid_ns {
            Some(NamespaceKind::Nested) => "those of a container".to_owned(),
            Some(NamespaceKind::Initial) => "none: Windows has one list of processes and one network".to_owned(),
            None => "not known".to_owned(),
        };
    }
    let or_unknown = |name: Option<&'static str>| name.unwrap_or("not known");
    format!(
        "pid {}, user {}; /proc hides {}",
        or_unknown(vantage.pid_ns.map(|kind| kind.name())),
        or_unknown(vantage.user_ns.map(|kind| kind.name())),
        match vantage.hidepid.map(|hidepid| hidepid.name()) {
            Some("off") => "nothing (hidepid=off)".to_owned(),
            Some("noaccess") => "what processes of others hold (hidepid=noaccess)".to_owned(),
            Some(hidepid) => format!("processes of others (hidepid={hidepid})"),
            None => "what is not known".to_owned(),
        }
    )
}

fn kernel(diagnosis: &Diagnosis<'_>) -> String {
    let host = &diagnosis.report.host;
    let release = host.kernel.as_ref().map_or_else(|| "of a release that is not known".to_owned(), Text::escaped);
    format!("{} {release}", host.platform)
}

fn tables(diagnosis: &Diagnosis<'_>) -> String {
    let mut by_source: BTreeMap<&str, usize> = BTreeMap::new();
    let mut absent: Vec<&str> = Vec::new();
    let mut unread: Vec<String> = Vec::new();
    for table in &diagnosis.report.tables {
        match table.status {
            TableStatus::Read => *by_source.entry(table.source.map_or("?", |source| source.name())).or_default() += 1,
            TableStatus::Absent if !absent.contains(&table.table) => absent.push(table.table),
            TableStatus::Absent => {}
            TableStatus::Unreadable | TableStatus::Unstable => {
                let why = table.error.as_deref().unwrap_or(table.status.name());
                unread.push(format!("{} ({why})", table.table));
            }
        }
    }
    unread.sort();
    unread.dedup();
    let read = by_source.iter().map(|(source, tables)| format!("{tables} read by {source}"));
    let mut parts: Vec<String> = read.collect();
    if parts.is_empty() {
        parts.push("none could be read".to_owned());
    }
    if !absent.is_empty() {
        let kernel = if diagnosis.report.host.platform == "windows" { "Windows" } else { "this kernel" };
        parts.push(format!("not in {kernel}: {}", absent.join(", ")));
    }
    if !unread.is_empty() {
        parts.push(format!("not read: {}", unread.join(", ")));
    }
    parts.join("; ")
}

fn networks(diagnosis: &Diagnosis<'_>) -> String {
    let name = |one: &NamespaceRead<'_>| match (&one.netns.name, one.netns.inode) {
        (Some(name), _) => name.escaped(),
        (None, Some(inode)) if one.netns.kind != NetNsKind::Host => format!("{} {inode}", one.netns.kind.name()),
        (None, _) => one.netns.kind.name().to_owned(),
    };
    let named = |wanted: &dyn Fn(&NamespaceRead<'_>) -> bool| {
        let all: Vec<String> = diagnosis.namespaces.iter().filter(|one| wanted(one)).map(name).collect();
        let more = all.len().saturating_sub(MOST_NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (all.len(), format!("{}{more}", all[..all.len().min(MOST_NAMES)].join(", ")))
    };
    let (read, names) = named(&|one| one.unread == 0 && one.read > 0);
    let (partly, partly_names) = named(&|one| one.unread > 0 && one.read > 0);
    let (unread, unread_names) = named(&|one| one.read == 0);
    let parts = [("read", read, names), ("partly read", partly, partly_names), ("unreadable", unread, unread_names)];
    let told = parts.into_iter().filter(|(_, number, _)| *number > 0);
    let told: Vec<String> = told.map(|(what, number, names)| format!("{number} {what}: {names}")).collect();
    if told.is_empty() { "none was found".to_owned() } else { told.join("; ") }
}

fn processes(diagnosis: &Diagnosis<'_>) -> String {
    let counts = &diagnosis.report.counts;
    let (lacking, refused) = match diagnosis.report.host.platform {
        "linux" => ("not looked into for lack of a capability", "refused in spite of every capability"),
        "windows" => ("not looked into for lack of elevation", "refused in spite of elevation"),
        _ => ("not looked into, being other users'", "refused to root"),
    };
    let mut parts = vec![format!("{} seen", counts.seen)];
    let reasons =
        [(counts.no_permission, lacking), (counts.denied_despite_caps, refused), (counts.vanished, "ended meanwhile")];
    parts.extend(reasons.into_iter().filter(|(number, _)| *number > 0).map(|(number, why)| format!("{number} {why}")));
    if counts.hidden_descriptors > 0 {
        parts.push(format!("{} descriptors not looked through", counts.hidden_descriptors));
    }
    if counts.hidden_possible {
        parts.push("others may be hidden from here".to_owned());
    }
    parts.join(", ")
}

fn owners(diagnosis: &Diagnosis<'_>) -> String {
    let listeners = count(diagnosis.report.listeners.len(), "listener");
    let parts = diagnosis.owners.iter().map(|(status, number)| match status {
        OwnerStatus::Known => format!("{number} with a known owner"),
        status => format!("{number} {}", no_owner(*status)),
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { listeners } else { format!("{listeners}: {}", parts.join(", ")) }
}

fn registry(diagnosis: &Diagnosis<'_>) -> String {
    let (tool, overlays) = (&diagnosis.report.tool, &diagnosis.overlays);
    let own = match (&overlays.problem, overlays.files) {
        (Some(problem), _) => format!("its own files do not count: {problem}"),
        (None, 0) => format!("nothing of this host in {}", overlays.directory),
        (None, files) => {
            format!(
                "{} of this host from {} in {}",
                count(tool.overlays, "service"),
                count(files, "file"),
                overlays.directory
            )
        }
    };
    format!("IANA's of {}, {}; {own}", tool.iana_date, count(tool.entries, "entry").replace("entrys", "entries"))
}
