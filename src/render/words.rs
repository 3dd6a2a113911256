//! The words in which every renderer speaks of the same thing.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use super::View;
use crate::model::{
    Certainty, Container, ExeState, KernelOwner, NetNs, NetNsKind, OwnerStatus, Process, Severity, Text, Timestamp,
};
use crate::report::{Listener, Report};

/// Text that was escaped where it was made, or came from our own registry. Whatever is not printable in spite of that
/// is escaped here, without escaping a `\` twice: a renderer is the last gate before a terminal.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split('\\').map(|part| Text::from(part).escaped()).collect::<Vec<_>>().join("\\"))
}

/// The name of a process: that of the file it executes, since it chose `comm` itself.
pub(super) fn process_name(process: &Process) -> Option<String> {
    match (&process.exe, &process.comm) {
        (Some(exe), _) if !exe.base_name().is_empty() => Some(Text::from(exe.base_name()).escaped()),
        (_, comm) => comm.as_ref().map(Text::escaped),
    }
}

/// The name of a process for eyes: with the name it gave itself where that says more than the beginning of its own
/// (`python3.13 (gunicorn)`, but `python3.13` for `python3`), with the script that it runs, and with a doubtful executable's state.
pub(super) fn process_label(process: &Process) -> String {
    let Some(mut label) = process_name(process) else { return "?".to_owned() };
    if let Some(script) = &process.script {
        return format!("{label} {}", Text::from(script.base_name()).escaped());
    }
    if let (Some(exe), Some(comm)) = (&process.exe, &process.comm)
        && (comm.is_empty() || !exe.base_name().starts_with(comm.as_bytes()))
    {
        label.push_str(&format!(" ({})", comm.escaped()));
    }
    if process.exe_state == ExeState::Deleted {
        label.push_str(" (deleted)");
    }
    label
}

/// The user of a process by name, or by number where it has no name here.
pub(super) fn user_name(process: &Process) -> Option<String> {
    process.user.as_ref().map(Text::escaped).or_else(|| process.uid.map(|uid| uid.to_string()))
}

/// A unit, and within it what a user's own manager runs.
pub(super) fn unit_name(unit: Option<&Text>, user_unit: Option<&Text>) -> Option<String> {
    let unit = unit?.escaped();
    Some(match user_unit {
        Some(user_unit) => format!("{unit}/{}", user_unit.escaped()),
        None => unit,
    })
}

/// The part of the kernel that serves a socket: `kernel vxlan vx0`.
pub(super) fn kernel_label(owner: &KernelOwner) -> String {
    match &owner.device {
        Some(device) => format!("kernel {} {}", owner.kind, device.escaped()),
        None => format!("kernel {}", owner.kind),
    }
}

/// Why no owner is named.
pub(super) const fn no_owner(status: OwnerStatus) -> &'static str {
    match status {
        OwnerStatus::Known | OwnerStatus::Unknown => "not known",
        OwnerStatus::Kernel => "the kernel",
        OwnerStatus::InFlight => "in flight",
        OwnerStatus::Denied => "not permitted",
        OwnerStatus::OtherPidNamespace => "other pid namespace",
        OwnerStatus::Vanished => "vanished",
        OwnerStatus::None => "no process",
    }
}

/// The process that probably holds a listener which nobody was seen to hold: `probably sshd 812`.
pub(super) fn probable(report: &Report, view: &View, listener: &Listener) -> Option<String> {
    let owner = listener.owners.first().filter(|owner| owner.certainty == Certainty::Probable)?;
    let process = report.process(owner);
    let pid = if view.stable { String::new() } else { format!(" {}", process.pid) };
    Some(format!("probably {}{pid}", process_label(process)))
}

/// The rules that fired on a listener, each once, in the order of its findings.
pub(super) fn rule_names(report: &Report, listener: &Listener) -> Vec<&'static str> {
    let mut names = Vec::with_capacity(listener.findings.len());
    for &index in &listener.findings {
        let name = report.findings[index].rule.name;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// 16 hexadecimal digits.
pub(super) fn hex(number: u64) -> String {
    format!("{number:016x}")
}

/// RFC 3339.
pub(super) fn time(timestamp: Timestamp) -> String {
    timestamp.to_string()
}

/// What a namespace is called; its inode is that of this boot.
pub(super) fn netns_label(netns: &NetNs, stable: bool) -> String {
    match (&netns.name, netns.inode) {
        // After a container it is called by its id.
        (Some(name), _) => Container::short(name).escaped(),
        (None, Some(inode)) if netns.kind != NetNsKind::Host && !stable => format!("{} {inode}", netns.kind.name()),
        (None, _) => netns.kind.name().to_owned(),
    }
}

/// `1 finding`, `2 findings`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// How a severity looks.
pub(super) const fn severity_style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Critical | Severity::High => AnsiColor::Red,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::Cyan,
        Severity::Info => return Style::new(),
    };
    let style = color.on_default();
    if matches!(severity, Severity::Critical) { style.bold() } else { style }
}

/// How names above columns look.
pub(super) const HEADER: Style = Style::new().bold();

/// How remarks look.
pub(super) const REMARK: Style = Style::new().dimmed();

/// Text in a style, or as it is without colour.
pub(super) fn paint(text: &str, style: Style, color: bool) -> String {
    if color && style != Style::new() && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// Breaks text at spaces into lines of at most `width` columns; a longer word keeps its own line.
pub(super) fn wrap(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else { return vec![text.to_owned()] };
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let columns = word.width();
        if !line.is_empty() && used + 1 + columns > width {
            lines.push(std::mem::take(&mut line));
        } else if !line.is_empty() {
            line.push(' ');
            used += 1;
        }
        if line.is_empty() {
            used = 0;
        }
        line.push_str(word);
        used += columns;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_already_is_not_escaped_again() {
        assert_eq!(printable("a \\u{1b} b"), "a \\u{1b} b");
        assert_eq!(printable("a \x1b\\u{1b}\n"), "a \\u{1b}\\u{1b}\\u{a}");
        assert_eq!(printable("Größe"), "Größe");
    }

    #[test]
    fn lines_break_at_spaces_and_lose_nothing() {
        assert_eq!(wrap("one two three", Some(7)), ["one two", "three"]);
        assert_eq!(wrap("unbreakable x", Some(4)), ["unbreakable", "x"]);
        assert_eq!(wrap("one two", None), ["one two"]);
        assert_eq!(wrap("", Some(9)), [""]);
    }

    #[test]
    fn a_namespace_of_a_container_is_called_as_its_runtime_shows_it() {
        let netns = |name: &str| NetNs {
            inode: Some(7),
            name: Some(name.into()),
            kind: NetNsKind::Container,
            interfaces: None,
            addresses: None,
        };
        assert_eq!(netns_label(&netns(&"0123456789abcdef".repeat(4)), false), "0123456789ab");
        assert_eq!(netns_label(&netns("blue\n"), true), "blue\\u{a}");
    }
}
