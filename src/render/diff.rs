//! What differs between two pictures, for eyes: a row for each change, and below it what they come to.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use anstyle::Style;

use super::table::{Cell, Column, aligned, calm, fit};
use super::words::{HEADER, REMARK, count, no_owner, paint, printable, severity_style, wrap};
use super::{Screen, View};
use crate::diff::{Change, Diff, Kind, NotCompared, Unclaimed};
use crate::model::{Container, ExeState, NetNsKind, OwnerStatus, Severity, Text};
use crate::picture::{Listener, Owner, Place};

/// How many listeners are named that could not be compared.
const MOST_NAMED: usize = 5;

/// Writes what differs; in a verbose view what was only restarted, too.
pub fn diff(diff: &Diff<'_>, view: &View, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let told = |change: &&Change<'_>| change.kind.is_difference() || view.verbose > 0;
    let changes: Vec<&Change<'_>> = diff.changes.iter().filter(told).collect();
    let mut left_out = Vec::new();
    if !changes.is_empty() {
        left_out = rows(&changes, view, screen, &mut out)?;
    }
    if !view.quiet {
        let mut lines = vec![summary(diff)];
        if diff.passing > 0 {
            lines.push(format!(
                "{} of known owners came or went, which makes no difference",
                count(diff.passing, "ephemeral UDP socket")
            ));
        }
        lines.extend(not_compared(diff, view));
        let unlike = diff.views.iter();
        lines.extend(unlike.map(|one| format!("seen unlike: {}: OLD {}; NEW {}", one.what, one.old, one.new)));
        if !left_out.is_empty() {
            lines.push(format!("no room for {}", left_out.join(", ")));
        }
        if !changes.is_empty() {
            writeln!(out)?;
        }
        for (at, line) in lines.iter().enumerate() {
            let style = if at == 0 { Style::new() } else { REMARK };
            for line in wrap(&printable(line), screen.width.map(usize::from)) {
                writeln!(out, "{}", paint(&line, style, screen.color))?;
            }
        }
    }
    out.flush()
}

/// Writes the rows; gives the names of the columns that there was no room for.
fn rows(changes: &[&Change<'_>], view: &View, screen: &Screen, out: &mut dyn Write) -> io::Result<Vec<&'static str>> {
    let fitted = fit(columns(changes, view), screen.width);
    let mut lines: Vec<Vec<String>> = vec![fitted.columns.iter().map(|column| column.header.to_owned()).collect()];
    let mut cells: Vec<_> = fitted.columns.into_iter().map(|column| column.cells.into_iter()).collect();
    lines.extend(
        changes.iter().map(|_| cells.iter_mut().map(|cells| cells.next().unwrap_or_default().into_text()).collect()),
    );
    for (at, line) in aligned(lines, &[]).enumerate() {
        let style = at.checked_sub(1).map_or(HEADER, |row| style(changes[row]));
        writeln!(out, "{}", paint(&line, style, screen.color))?;
    }
    Ok(fitted.left_out)
}

/// What needs a look stands out, at least as a finding to plan would.
fn style(change: &Change<'_>) -> Style {
    match change.kind {
        Kind::New | Kind::OwnerChanged | Kind::Widened => {
            let found = change.new.and_then(|listener| listener.severity);
            severity_style(found.unwrap_or(Severity::Medium).max(Severity::Medium))
        }
        Kind::Moved | Kind::Narrowed | Kind::Gone => severity_style(Severity::Low),
        Kind::Replaced => REMARK,
    }
}

/// As it is, or as it was where it is gone.
fn shown<'a>(change: &Change<'a>) -> Option<&'a Listener> {
    change.new.or(change.old)
}

fn columns(changes: &[&Change<'_>], view: &View) -> Vec<Column> {
    let make = |header, rank, shortest, cell: &dyn Fn(&Change<'_>) -> Cell| Column {
        header,
        cells: changes.iter().map(|change| calm(cell(change))).collect(),
        right: false,
        shortest,
        dear: false,
        rank,
        instead: None,
    };
    let of_shown = |cell: &dyn Fn(&Listener) -> Option<String>, change: &Change<'_>| -> Cell {
        shown(change).and_then(cell).unwrap_or_default().into()
    };
    let owner = |listener: &Listener| Cell {
        head: owner_label(listener),
        tail: listener
            .speaker()
            .and_then(|owner| owner.pid)
            .filter(|_| !view.stable)
            .map(|pid| format!(" {pid}"))
            .unwrap_or_default(),
    };
    let mut netns =
        make("NETNS", Some(6), Some(8), &|change| of_shown(&|listener| netns_label(&listener.netns, view), change));
    // One that all share says nothing.
    if netns.cells.iter().all(|cell| *cell == netns.cells[0]) {
        netns.cells.fill(Cell::default());
    }
    vec![
        make("CHANGE", None, None, &|change| words(change.kind).into()),
        netns,
        make("LISTENER", None, None, &|change| of_shown(&|listener| Some(endpoint(listener)), change)),
        make("OWNER", Some(5), Some(10), &|change| shown(change).map(owner).unwrap_or_default()),
        make("USER", Some(3), Some(8), &|change| of_shown(&|listener| listener.speaker().and_then(user_label), change)),
        make("UNIT", Some(1), Some(8), &|change| of_shown(&|listener| listener.speaker().and_then(unit_label), change)),
        make("EXPOSURE", Some(2), None, &|change| of_shown(&exposure, change)),
        make("WAS", Some(4), Some(12), &|change| was(change, view).into()),
        make("SEV", Some(0), None, &|change| {
            of_shown(&|listener| Some(listener.severity.map_or("", |severity| severity.name()).to_owned()), change)
        }),
    ]
}

/// A kind of change for eyes.
const fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::New => "new",
        Kind::OwnerChanged => "owner changed",
        Kind::Widened => "widened",
        Kind::Moved => "moved",
        Kind::Narrowed => "narrowed",
        Kind::Gone => "gone",
        Kind::Replaced => "restarted",
    }
}

fn endpoint(listener: &Listener) -> String {
    printable(&listener.endpoint).into_owned()
}

fn exposure(listener: &Listener) -> Option<String> {
    listener.exposure.map(|exposure| exposure.name().to_owned())
}

/// What a namespace is called, where it is not the host's own.
fn netns_label(place: &Place, view: &View) -> Option<String> {
    let kind = place.kind.filter(|kind| *kind != NetNsKind::Host)?;
    Some(match (&place.name, place.inode) {
        (Some(name), _) => Container::short(name).escaped(),
        (None, Some(inode)) if !view.stable => format!("{} {inode}", kind.name()),
        (None, _) => kind.name().to_owned(),
    })
}

/// Who holds a listener, or why nobody is named.
fn owner_label(listener: &Listener) -> String {
    let kernel = listener.kernel_owner.as_ref().filter(|_| listener.owner_status == Some(OwnerStatus::Kernel));
    match (listener.speaker(), kernel) {
        (Some(owner), _) => program_label(owner),
        (None, Some(kernel)) => {
            let device = kernel.device.as_ref().map(|device| format!(" {}", device.escaped())).unwrap_or_default();
            format!("kernel {}{device}", kernel.kind.escaped())
        }
        (None, None) => format!("({})", no_owner(listener.owner_status.unwrap_or(OwnerStatus::Unknown))),
    }
}

/// The name of a program by its file, with the name it gave itself where that is another, and with a doubtful file's state.
fn program_label(owner: &Owner) -> String {
    let file = owner.exe.as_ref().map(Text::base_name).filter(|name| !name.is_empty());
    let mut label = match (file, &owner.comm) {
        (Some(name), Some(comm)) if comm.is_empty() || !name.starts_with(comm.as_bytes()) => {
            format!("{} ({})", Text::from(name).escaped(), comm.escaped())
        }
        (Some(name), _) => Text::from(name).escaped(),
        (None, Some(comm)) => comm.escaped(),
        (None, None) => "?".to_owned(),
    };
    if let Some(state @ (ExeState::Deleted | ExeState::Foreign | ExeState::Memfd)) = owner.exe_state {
        label.push_str(&format!(" ({})", state.name()));
    }
    label
}

fn user_label(owner: &Owner) -> Option<String> {
    owner.user.as_ref().map(Text::escaped).or_else(|| owner.uid.map(|uid| uid.to_string()))
}

/// Its container, which has a unit of no interest, or its unit.
fn unit_label(owner: &Owner) -> Option<String> {
    let container = || Some(Container::short_of(&owner.container.as_ref()?.escaped()).to_owned());
    container().or_else(|| Some(owner.unit.as_ref()?.escaped()))
}

/// What of the earlier picture is no more: of a moved listener its place, of a changed owner all that differs.
fn was(change: &Change<'_>, view: &View) -> String {
    let (Some(old), Some(new)) = (change.old, change.new) else { return String::new() };
    let mut parts = Vec::new();
    if old.endpoint != new.endpoint && !(old.ephemeral && new.ephemeral && change.kind == Kind::Replaced) {
        parts.push(endpoint(old));
    }
    if change.kind == Kind::OwnerChanged {
        let (was, is) = (old.speaker(), new.speaker());
        // The whole path where the names are the same.
        let label = match was.zip(is) {
            Some((was, is)) if program_label(was) == program_label(is) && was.exe != is.exe => {
                was.exe.as_ref().map(Text::escaped).unwrap_or_default()
            }
            _ => owner_label(old),
        };
        parts.push(label);
        for part in [user_label, unit_label] {
            let (was, is) = (was.and_then(part), is.and_then(part));
            parts.extend(was.filter(|was| Some(was) != is.as_ref()));
        }
    }
    if change.kind == Kind::Replaced && !view.stable {
        parts.extend(old.speaker().and_then(|owner| owner.pid).map(|pid| format!("pid {pid}")));
    }
    if old.exposure != new.exposure {
        parts.extend(exposure(old));
    }
    if old.dual_stack != new.dual_stack && old.endpoint == new.endpoint {
        parts.extend(old.dual_stack.map(|dual| if dual { "IPv4 too" } else { "IPv6 alone" }.to_owned()));
    }
    parts.join(", ")
}

/// What the changes come to.
fn summary(diff: &Diff<'_>) -> String {
    let restarted = match diff.count(Kind::Replaced) {
        0 => String::new(),
        restarted if restarted == diff.same => ", restarted since".to_owned(),
        restarted => format!(", {restarted} of them restarted"),
    };
    let same = count(diff.same, "listener");
    if !diff.comparable {
        return "not comparable".to_owned();
    }
    match diff.differences() {
        0 if diff.not_compared.is_empty() => format!("the same: {same}{restarted}"),
        0 => format!("no difference seen in {same}{restarted}"),
        differences => {
            let kinds = Kind::ALL.into_iter().filter(|kind| kind.is_difference());
            let parts: Vec<String> = kinds
                .map(|kind| (diff.count(kind), words(kind)))
                .filter(|(number, _)| *number > 0)
                .map(|(number, what)| format!("{number} {what}"))
                .collect();
            format!("{}: {}; {} the same{restarted}", count(differences, "difference"), parts.join(", "), diff.same)
        }
    }
}

/// What is not claimed, by its reason.
fn not_compared(diff: &Diff<'_>, view: &View) -> Vec<String> {
    let mut by_reason: BTreeMap<(Unclaimed, bool, &str), Vec<&NotCompared<'_>>> = BTreeMap::new();
    for one in &diff.not_compared {
        by_reason.entry((one.what, one.hidden_in_old, &one.why)).or_default().push(one);
    }
    let told = by_reason.into_iter().map(|((what, hidden_in_old, why), all)| {
        let what = match (what, hidden_in_old) {
            (Unclaimed::Presence, true) => "whether these are new",
            (Unclaimed::Presence, false) => "whether these are gone",
            (Unclaimed::Owner, _) => "the owners of these",
        };
        let place = if hidden_in_old { "OLD" } else { "NEW" };
        let most = if view.verbose > 0 { all.len() } else { MOST_NAMED };
        let names: Vec<String> = all.iter().take(most).map(|one| endpoint(one.listener)).collect();
        let more = all.len().saturating_sub(most);
        let more = if more > 0 { format!(" and {more} more (-v names them)") } else { String::new() };
        format!("not compared: {what}, since {place} says: {why}: {}{more}", names.join(", "))
    });
    told.collect()
}
