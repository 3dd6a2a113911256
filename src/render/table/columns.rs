//! The columns of the table: what stands in a cell, and what a column is worth.

use super::super::View;
use super::super::words::{hex, no_owner, process_label, time, unit_name, user_name};
use super::fold::Row;
use super::layout::Column;
use crate::finding::Severity;
use crate::model::{Local, NetNsKind, OwnerStatus, Process, State, Text, Transport, UnitState};
use crate::report::{Listener, Report, Verdict};

/// How many different programs or users a cell names.
const MOST_NAMES: usize = 3;

/// The column whose content moves to the port where there is no room for it.
pub(super) const PROTO: &str = "PROTO";

/// The columns of the rows, every one; what is empty throughout and what does not fit is left out later.
pub(super) fn columns(report: &Report, view: &View, rows: &[Row<'_>]) -> Vec<Column> {
    let column = |header, shortest, rank, cell: &dyn Fn(&Row<'_>) -> String| Column {
        header,
        cells: rows.iter().map(|row| calm(cell(row))).collect(),
        right: matches!(header, "PORT" | "UID" | "INODE" | "QUEUE"),
        shortest,
        rank,
        instead: None,
    };
    let mark = column("", None, None, &|row| severity_mark(row.listeners[0].severity).to_owned());
    let port = column("PORT", None, None, &port_and_proto);
    let elsewhere = rows.iter().any(|row| report.netns(row.listeners[0]).kind != NetNsKind::Host);
    let mut columns = vec![
        Column {
            instead: Some(Box::new(mark)),
            ..column("SEV", None, Some(22), &|row| severity_word(row.listeners[0].severity).to_owned())
        },
        column(PROTO, None, Some(21), &|row| proto(row.listeners[0]).to_owned()),
        column("ADDRESS", None, None, &address),
        Column { instead: Some(Box::new(port)), ..column("PORT", None, Some(20), &|row| row.listeners[0].port_text()) },
        column("SERVICE", Some(8), None, &service),
        column("PROCESS", Some(16), Some(12), &|row| process(report, view, row)),
        column("USER", Some(8), Some(11), &|row| user(report, row)),
        column("UNIT", Some(12), Some(10), &|row| unit(report, row)),
        column("EXPOSURE", None, Some(9), &|row| row.listeners[0].exposure.name().to_owned()),
        column("STATE", None, Some(13), &|row| state(row.listeners[0]).to_owned()),
    ];
    if elsewhere || view.extended {
        columns.push(column("NETNS", None, Some(14), &|row| netns(report, view, row.listeners[0])));
    }
    if view.extended {
        columns.push(column("UID", None, Some(6), &|row| number(row.listeners[0].socket.uid)));
    }
    if view.extended && !view.stable {
        let cookie = |row: &Row<'_>| row.listeners[0].socket.cookie.map(hex).unwrap_or_default();
        let started =
            |row: &Row<'_>| first(report, row).and_then(|process| process.started).map(time).unwrap_or_default();
        columns.push(column("INODE", None, Some(5), &|row| row.listeners[0].socket.inode.to_string()));
        columns.push(column("COOKIE", None, Some(4), &cookie));
        columns.push(column("QUEUE", None, Some(3), &|row| queue(row.listeners[0])));
        columns.push(column("STARTED", None, Some(2), &started));
    }
    if view.extended {
        let cgroup = |row: &Row<'_>| text(first(report, row).and_then(|process| process.cgroup.as_ref()));
        columns.push(column("CGROUP", Some(16), Some(1), &cgroup));
    }
    if view.cmdline {
        let cmdline = |row: &Row<'_>| text(first(report, row).and_then(|process| process.cmdline.as_ref()));
        columns.push(column("COMMAND", Some(16), Some(8), &cmdline));
    }
    columns
}

/// Two spaces end a cell for the eye, so a name must not have them.
fn calm(cell: String) -> String {
    if !cell.contains("  ") && !cell.starts_with(' ') && !cell.ends_with(' ') {
        return cell;
    }
    let mut calm = String::with_capacity(cell.len() + 16);
    let mut rest = cell.chars().peekable();
    while let Some(character) = rest.next() {
        if character == ' ' && (calm.is_empty() || rest.peek().is_none_or(|next| *next == ' ')) {
            calm.push_str("\\u{20}");
        } else {
            calm.push(character);
        }
    }
    calm
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
    match (row.listeners[0].port_text(), proto(row.listeners[0])) {
        (port, "tcp") => port,
        (port, proto) => format!("{port}/{proto}"),
    }
}

/// `*` takes IPv4 and IPv6, `0.0.0.0` and `[::]` their own alone.
fn address(row: &Row<'_>) -> String {
    let listener = row.listeners[0];
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

fn service(row: &Row<'_>) -> String {
    let listener = row.listeners[0];
    match &listener.service {
        None if listener.ephemeral => "(ephemeral)".to_owned(),
        None => "-".to_owned(),
        Some(service) => {
            let name = super::super::words::printable(service.name);
            match service.claim {
                Verdict::Confirmed => name.into_owned(),
                Verdict::Open => format!("{name} ?"),
                Verdict::Contradicted => format!("not {name}"),
            }
        }
    }
}

/// Each program that holds it with its first pid and how many more of it do: `nginx 812 +4, systemd 1`.
fn process(report: &Report, view: &View, row: &Row<'_>) -> String {
    let status = row.listeners[0].owner_status;
    let mut cell = if status != OwnerStatus::Known || row.holders.is_empty() {
        format!("({})", no_owner(status))
    } else {
        let mut programs: Vec<(String, u32, usize)> = Vec::new();
        for &holder in &row.holders {
            let process = &report.processes[holder];
            let label = process_label(process);
            match programs.iter_mut().find(|(known, ..)| *known == label) {
                Some((.., more)) => *more += 1,
                None => programs.push((label, process.pid, 0)),
            }
        }
        let only = programs.len() == 1;
        let names = programs.iter().take(MOST_NAMES).map(|(label, pid, more)| {
            let more = if only { more + row.unlisted } else { *more };
            let pid = if view.stable { String::new() } else { format!(" {pid}") };
            format!("{label}{pid}{}", if more > 0 { format!(" +{more}") } else { String::new() })
        });
        let mut names: Vec<String> = names.collect();
        let beyond: usize = programs.iter().skip(MOST_NAMES).map(|(.., more)| more + 1).sum();
        let beyond = if only { 0 } else { beyond + row.unlisted };
        if beyond > 0 {
            names.push(format!("{beyond} more"));
        }
        names.join(", ")
    };
    let sockets = row.listeners.len() / row.addresses.len();
    if sockets > 1 {
        cell.push_str(&format!(" ({sockets} sockets)"));
    }
    cell
}

fn first<'a>(report: &'a Report, row: &Row<'_>) -> Option<&'a Process> {
    row.holders.first().map(|holder| &report.processes[*holder])
}

/// What the holders differ in, each once.
fn each_once(report: &Report, row: &Row<'_>, name: fn(&Process) -> String) -> String {
    let mut names: Vec<String> = Vec::new();
    for &holder in &row.holders {
        let name = name(&report.processes[holder]);
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
    match (row.holders.is_empty(), row.listeners[0].socket.uid) {
        (true, Some(uid)) => format!("uid {uid}"),
        (true, None) => "?".to_owned(),
        (false, _) => each_once(report, row, |process| user_name(process).unwrap_or_else(|| "?".to_owned())),
    }
}

fn unit(report: &Report, row: &Row<'_>) -> String {
    if row.holders.is_empty() {
        return "?".to_owned();
    }
    each_once(report, row, |process| {
        unit_name(process).unwrap_or_else(|| {
            match process.unit_state {
                UnitState::None => "-",
                UnitState::Known | UnitState::Unknown => "?",
            }
            .to_owned()
        })
    })
}

/// Empty for what is usual.
fn state(listener: &Listener) -> &'static str {
    match listener.socket.state {
        State::Listen | State::Unconnected => "",
        state @ (State::Bound | State::Connected) => state.name(),
    }
}

fn netns(report: &Report, view: &View, listener: &Listener) -> String {
    let netns = report.netns(listener);
    match (&netns.name, netns.inode) {
        (Some(name), _) => name.escaped(),
        (None, Some(inode)) if netns.kind != NetNsKind::Host && !view.stable => {
            format!("{} {inode}", netns.kind.name())
        }
        (None, _) => netns.kind.name().to_owned(),
    }
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
    use super::calm;

    #[test]
    fn a_name_cannot_pose_as_two_cells() {
        assert_eq!(calm("sshd 812".to_owned()), "sshd 812");
        assert_eq!(calm("x  root  ssh".to_owned()), "x\\u{20} root\\u{20} ssh");
        assert_eq!(calm(" x ".to_owned()), "\\u{20}x\\u{20}");
    }
}
