//! The columns of the table: what stands in a cell, and what a column is worth.

use super::super::words::{
    hex, kernel_label, netns_label, no_owner, printable, probable, process_label, time, unit_name, user_name,
};
use super::super::{Screen, View};
use super::fold::Row;
use super::is_told;
use super::layout::{Cell, Column};
use crate::finding::Severity;
use crate::model::{Container, Local, OwnerStatus, PackageState, Process, State, Text, Transport, UnitState};
use crate::report::{Listener, Report, Verdict};

/// How many different programs or users a cell names.
const MOST_NAMES: usize = 3;

/// The column whose content moves to the port where there is no room for it.
pub(super) const PROTO: &str = "PROTO";

/// The columns of the rows, every one; what is empty throughout and what does not fit is left out later.
/// What takes the place of another is made only where the screen has a width.
pub(super) fn columns(report: &Report, view: &View, screen: &Screen, rows: &[Row<'_>]) -> Vec<Column> {
    let make = |header, rank, cell: &dyn Fn(&Row<'_>) -> Cell| Column {
        header,
        cells: rows.iter().map(|row| calm(cell(row))).collect(),
        right: matches!(header, "PORT" | "UID" | "INODE" | "QUEUE"),
        shortest: None,
        dear: false,
        rank,
        instead: None,
    };
    let short = |shortest, column| Column { shortest: Some(shortest), ..column };
    let instead = |cell: &dyn Fn(&Row<'_>) -> Cell, header| screen.width.map(|_| Box::new(make(header, None, cell)));
    let severity = |row: &Row<'_>| row.lead().severity.filter(|severity| is_told(*severity, view));
    let mark = instead(&|row| severity_mark(severity(row)).into(), "");
    let sev = make("SEV", Some(15), &|row| severity_word(severity(row)).into());
    let both = instead(&|row| port_and_proto(row).into(), "PORT");
    let port = make("PORT", Some(10), &|row| row.lead().port_text().into());
    // Where there are no units, saying so for each row is worth less than anything else.
    let placed = |row: &Row<'_>| report.unit(row.lead()).0.is_some() || report.container(row.lead()).0.is_some();
    let units = rows.iter().any(placed);
    let mut columns = vec![
        Column { instead: mark, ..sev },
        make(PROTO, Some(11), &|row| proto(row.lead()).into()),
        make("ADDRESS", None, &|row| address(row).into()),
        Column { instead: both, ..port },
        Column { dear: true, ..short(14, make("SERVICE", None, &service)) },
        short(16, make("PROCESS", Some(16), &|row| process(report, view, row))),
        short(8, make("USER", Some(13), &|row| user(report, row).into())),
        short(10, make("UNIT", Some(if units { 12 } else { 7 }), &|row| unit(report, row).into())),
        make("EXPOSURE", Some(9), &|row| row.lead().exposure.name().into()),
        make("STATE", Some(14), &|row| state(row.lead()).into()),
    ];
    // What all rows share says nothing of any of them.
    let differ = rows.windows(2).any(|pair| pair[0].lead().socket.netns != pair[1].lead().socket.netns);
    if view.extended || differ {
        columns.push(make("NETNS", Some(17), &|row| netns(report, view, row.lead()).into()));
    }
    if view.extended {
        columns.push(make("UID", Some(6), &|row| number(row.lead().socket.uid).into()));
    }
    if view.extended && !view.stable {
        columns.push(make("INODE", Some(5), &|row| row.lead().socket.inode.to_string().into()));
        columns.push(make("COOKIE", Some(4), &|row| row.lead().socket.cookie.map(hex).unwrap_or_default().into()));
        columns.push(make("QUEUE", Some(3), &|row| queue(row.lead()).into()));
        let started = |row: &Row<'_>| first(report, row).and_then(|process| process.started).map(time);
        columns.push(make("STARTED", Some(2), &|row| started(row).unwrap_or_default().into()));
    }
    if view.extended {
        let cgroup = |row: &Row<'_>| report.cgroup(row.lead()).unwrap_or_default();
        columns.push(short(16, make("CGROUP", Some(1), &|row| cgroup(row).into())));
    }
    if view.verbose > 0 && !view.stable {
        columns.push(make("ID", Some(0), &ids));
    }
    if view.packages {
        columns.push(short(10, make("PACKAGE", Some(12), &|row| package(report, row).into())));
    }
    if view.cmdline {
        let cmdline = |row: &Row<'_>| text(first(report, row).and_then(|process| process.cmdline.as_ref()));
        columns.push(short(16, make("COMMAND", Some(8), &|row| cmdline(row).into())));
    }
    columns
}

/// The id of the first socket, and how many more there are.
fn ids(row: &Row<'_>) -> Cell {
    let more = row.listeners.len() - 1;
    Cell { head: hex(row.lead().id), tail: if more > 0 { format!(" +{more}") } else { String::new() } }
}

/// Two spaces end a cell for the eye, so a name must not have them.
pub(in crate::render) fn calm(cell: Cell) -> Cell {
    let is_wild = |text: &str| text.contains("  ") || text.ends_with(' ');
    if !is_wild(&cell.head) && !is_wild(&cell.tail) && !cell.head.starts_with(' ') {
        return cell;
    }
    let text = cell.into_text();
    let mut calm = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character == ' ' && (calm.is_empty() || rest.peek().is_none_or(|next| *next == ' ')) {
            calm.push_str("\\u{20}");
        } else {
            calm.push(character);
        }
    }
    calm.into()
}

/// The mark of a severity, readable without colour.
const fn severity_word(severity: Option<Severity>) -> &'static str {
    match severity {
        None => "",
        Some(Severity::Info) => "info",
        Some(Severity::Low) => "low",
        Some(Severity::Medium) => "MED",
        Some(Severity::High) => "HIGH",
        Some(Severity::Critical) => "CRIT",
    }
}

/// The same where there is little room.
const fn severity_mark(severity: Option<Severity>) -> &'static str {
    match severity {
        None => "",
        Some(Severity::Info) => "i",
        Some(Severity::Low | Severity::Medium) => "!",
        Some(Severity::High | Severity::Critical) => "!!",
    }
}

fn proto(listener: &Listener) -> &'static str {
    if listener.socket.mptcp { "mptcp" } else { listener.socket.transport.name() }
}

/// Where there is no room for a column of its own, what is not TCP says so at its port.
fn port_and_proto(row: &Row<'_>) -> String {
    match (row.lead().port_text(), proto(row.lead())) {
        (port, "tcp") => port,
        (port, proto) => format!("{port}/{proto}"),
    }
}

/// `*` takes IPv4 and IPv6, `0.0.0.0` and `[::]` their own alone.
fn address(row: &Row<'_>) -> String {
    let listener = row.lead();
    let mut address = match row.addresses.as_slice() {
        [one] => one_address(one),
        many if many.iter().all(|l| l.socket.ip().is_some_and(|ip| ip.is_unspecified())) => "*".to_owned(),
        many => many.iter().map(|listener| listener.address()).collect::<Vec<_>>().join(", "),
    };
    if listener.socket.transport != Transport::Packet && !listener.interface.is_empty() {
        address.push('%');
        address.push_str(&listener.interface.escaped());
    }
    address
}

fn one_address(listener: &Listener) -> String {
    match &listener.socket.local {
        Local::Inet { ip, .. } | Local::Raw { ip, .. } if ip.is_ipv6() && ip.is_unspecified() => {
            if listener.socket.dual_stack() == Some(true) { "*" } else { "[::]" }.to_owned()
        }
        Local::Packet { .. } if listener.interface.is_empty() => "any".to_owned(),
        Local::Packet { .. } => listener.interface.escaped(),
        Local::Unix { path, .. } if path.is_empty() => "(unnamed)".to_owned(),
        _ => listener.address(),
    }
}

fn service(row: &Row<'_>) -> Cell {
    let listener = row.lead();
    let Some(service) = &listener.service else {
        return if listener.ephemeral { "(ephemeral)" } else { "-" }.into();
    };
    let name = printable(service.name);
    match service.claim {
        Verdict::Confirmed => name.into_owned().into(),
        Verdict::Open => Cell { head: name.into_owned(), tail: " ?".to_owned() },
        Verdict::Contradicted => format!("not {name}").into(),
    }
}

/// Each program that holds it with its first pid and how many more of it do: `nginx 812 +4, systemd 1`.
fn process(report: &Report, view: &View, row: &Row<'_>) -> Cell {
    let status = row.lead().owner_status;
    let mut cell = if let Some(owner) = row.lead().kernel_owner() {
        Cell::from(kernel_label(owner))
    } else if let Some(probable) = probable(report, view, row.lead()) {
        Cell::from(format!("({probable})"))
    } else if status != OwnerStatus::Known || row.holders.is_empty() {
        Cell::from(format!("({})", no_owner(status)))
    } else {
        holders(report, view, row)
    };
    let sockets = row.listeners.len() / row.addresses.len();
    if sockets > 1 {
        cell.tail.push_str(&format!(" ({sockets} sockets)"));
    }
    cell
}

fn holders(report: &Report, view: &View, row: &Row<'_>) -> Cell {
    let mut programs: Vec<(String, u32, usize)> = Vec::new();
    for &holder in &row.holders {
        let process = &report.processes[holder];
        let label = process_label(process);
        match programs.iter_mut().find(|(known, ..)| *known == label) {
            Some((.., more)) => *more += 1,
            None => programs.push((label, process.pid, 0)),
        }
    }
    let mut beyond: usize = programs.iter().skip(MOST_NAMES).map(|(.., more)| more + 1).sum();
    match programs.as_mut_slice() {
        [(.., more)] => *more += row.unlisted,
        _ => beyond += row.unlisted,
    }
    let mut cell = Cell::default();
    for (at, (label, pid, more)) in programs.into_iter().take(MOST_NAMES).enumerate() {
        if at == 0 {
            cell.head = label;
        } else {
            cell.tail.push_str(", ");
            cell.tail.push_str(&label);
        }
        if !view.stable {
            cell.tail.push_str(&format!(" {pid}"));
        }
        if more > 0 {
            cell.tail.push_str(&format!(" +{more}"));
        }
    }
    if beyond > 0 {
        cell.tail.push_str(&format!(", {beyond} more"));
    }
    cell
}

fn first<'a>(report: &'a Report, row: &Row<'_>) -> Option<&'a Process> {
    row.holders.first().map(|holder| &report.processes[*holder])
}

/// What the holders differ in, each once.
fn each_once(row: &Row<'_>, name: impl Fn(usize) -> String) -> String {
    let mut names: Vec<String> = Vec::new();
    for &holder in &row.holders {
        let name = name(holder);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() > MOST_NAMES {
        let beyond = names.split_off(MOST_NAMES).len();
        names.push(format!("{beyond} more"));
    }
    names.join(", ")
}

/// The users of the holders; where none is known, the number of the user that created the socket.
fn user(report: &Report, row: &Row<'_>) -> String {
    match (row.holders.is_empty(), row.lead().socket.uid) {
        (true, Some(uid)) => format!("uid {uid}"),
        (true, None) => "?".to_owned(),
        (false, _) => each_once(row, |at| user_name(&report.processes[at]).unwrap_or_else(|| "?".to_owned())),
    }
}

/// The containers of the holders, or their units without the ending of a service: `systemctl` adds it itself.
fn unit(report: &Report, row: &Row<'_>) -> String {
    let name = |unit: Option<&Text>, user_unit: Option<&Text>, state, container: Option<&Container>| match (
        container,
        unit_name(unit, user_unit),
        state,
    ) {
        (Some(container), ..) => container.short_name(),
        (_, Some(unit), _) => unit.strip_suffix(".service").map_or(unit.clone(), str::to_owned),
        (_, None, UnitState::None) => "-".to_owned(),
        (_, None, UnitState::Known | UnitState::Unknown) => "?".to_owned(),
    };
    if row.holders.is_empty() || report.origin(row.lead()).is_some() {
        let (unit, state) = report.unit(row.lead());
        return name(unit, report.user_unit(row.lead()), state, report.container(row.lead()).0);
    }
    let lead = row.lead();
    let socket_unit = |holder: usize| {
        let owner = lead.owners.iter().find(|owner| owner.process == holder)?;
        report.socket_unit(lead, owner).map(Text::escaped)
    };
    each_once(row, |holder| {
        let Process { unit, user_unit, unit_state, container, .. } = &report.processes[holder];
        let of_process = || name(unit.as_ref(), user_unit.as_ref(), *unit_state, container.as_ref());
        socket_unit(holder).unwrap_or_else(of_process)
    })
}

/// The packages of the holders' executables.
fn package(report: &Report, row: &Row<'_>) -> String {
    let told = |process: &Process| match (&process.package, process.package_state) {
        (Some(package), _) => package.escaped(),
        (None, PackageState::None) => "-".to_owned(),
        (None, PackageState::Foreign) => "(not the host's file)".to_owned(),
        (None, PackageState::NotLookedUp | PackageState::Owned | PackageState::Unknown) => "?".to_owned(),
    };
    each_once(row, |at| told(&report.processes[at]))
}

/// Empty for what is usual.
fn state(listener: &Listener) -> &'static str {
    match listener.socket.state {
        State::Listen | State::Unconnected => "",
        state @ (State::Bound | State::Connected) => state.name(),
    }
}

fn netns(report: &Report, view: &View, listener: &Listener) -> String {
    netns_label(report.netns(listener), view.stable)
}

fn queue(listener: &Listener) -> String {
    match (listener.socket.backlog, listener.socket.recv_queue) {
        (Some(backlog), _) => format!("{}/{}", backlog.queued, backlog.limit),
        (None, bytes) => number(bytes),
    }
}

fn text(text: Option<&Text>) -> String {
    text.map(Text::escaped).unwrap_or_default()
}

fn number(number: Option<u32>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Cell, calm};

    #[test]
    fn a_name_cannot_pose_as_two_cells() {
        let cell = Cell { head: "sshd".to_owned(), tail: " 812".to_owned() };
        assert_eq!(calm(cell.clone()), cell);
        assert_eq!(calm("x  root  ssh".into()).head, "x\\u{20} root\\u{20} ssh");
        assert_eq!(calm(" x ".into()).head, "\\u{20}x\\u{20}");
        let spaces = Cell { head: "x ".to_owned(), tail: " 1".to_owned() };
        assert_eq!(calm(spaces).into_text(), "x\\u{20} 1");
    }
}
