//! One expectation.

use std::net::IpAddr;

use crate::model::{Certainty, ExeState, NetNsKind, OwnerStatus, Process, Scope, Text, Transport, Via};
use crate::report::{Listener, Report, Role};

/// Who may be where. Entries of one owner and address stand side by side, by port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    transport: Transport,
    exe: Option<String>,
    user: Option<Result<String, u32>>,
    unit: Option<String>,
    user_unit: Option<String>,
    container: Option<String>,
    netns: Option<String>,
    interface: Option<String>,
    address: Option<String>,
    ports: Vec<(u16, u16)>,
}

/// The ports that a kernel chooses from where its setting is not known.
const EPHEMERAL: (u16, u16) = (32_768, 60_999);

/// A unit that is new with each login or run says nothing about the next.
fn lasting(unit: &Text) -> Option<String> {
    let unit = unit.escaped();
    let passing = ["session-", "run-", "init.scope"].iter().any(|start| unit.starts_with(start));
    (!passing).then_some(unit)
}

/// A name as a policy has it: as it is, where a backslash is all that would have to be escaped in it.
fn as_written(text: &Text) -> String {
    let escaped = text.escaped();
    let plain = std::str::from_utf8(text.as_bytes()).ok().filter(|plain| plain.replace('\\', "\\\\") == escaped);
    plain.map_or_else(|| escaped.clone(), str::to_owned)
}

impl Entry {
    /// The expectation that a listener fulfils.
    pub fn of(report: &Report, listener: &Listener) -> Self {
        let owner = speaker(report, listener);
        let netns = report.netns(listener);
        let named = |text: &Text| Some(as_written(text)).filter(|name| !name.is_empty());
        let container = owner.and_then(|process| process.container.as_ref()).map(|container| {
            let name = container.stable_name();
            // The number of a container is new with each start.
            if name == container.runtime { format!("{name}:*") } else { name }
        });
        let socket_unit = report.origin(listener).and_then(|cgroup| cgroup.unit.as_ref());
        Self {
            transport: listener.socket.transport,
            exe: owner.and_then(|process| process.exe.as_ref()).and_then(named),
            user: owner.and_then(|process| match (&process.user, process.uid) {
                (Some(user), _) => Some(Ok(as_written(user))),
                (None, uid) => uid.map(Err),
            }),
            unit: socket_unit.or(owner.and_then(|process| process.unit.as_ref())).and_then(lasting),
            user_unit: owner.and_then(|process| process.user_unit.as_ref()).and_then(lasting),
            // In the host's own namespace a container needs its name alone.
            netns: match (netns.kind, &netns.name, &container) {
                (NetNsKind::Other, Some(name), None) => named(name),
                _ => None,
            },
            container,
            interface: named(&listener.interface),
            address: address(listener),
            ports: ports(report, listener),
        }
    }

    /// True where another differs in nothing but its ports, which it then takes.
    pub(super) fn takes(&mut self, other: &Self) -> bool {
        let like = Self { ports: self.ports.clone(), ..other.clone() };
        if *self != like || self.ports.is_empty() || other.ports.is_empty() {
            return false;
        }
        self.ports.extend(other.ports.iter().copied());
        self.ports.sort_unstable();
        self.ports.dedup();
        true
    }

    /// Why nobody can say from here who holds a listener.
    pub(super) fn doubt(report: &Report, listener: &Listener) -> Option<String> {
        if listener.owner_status == OwnerStatus::Kernel {
            return None;
        }
        let Some(process) = speaker(report, listener) else {
            return Some("its owner is not known".to_owned());
        };
        let exe = process.exe.as_ref().map_or_else(|| "its executable".to_owned(), Text::escaped);
        match process.exe_state {
            ExeState::Ok if process.exe_writable == Some(true) => {
                Some(match process.exe.as_ref().is_some_and(Text::is_windows_path) {
                    true => format!("others than administrators may write {exe}"),
                    false => format!("others than root may write {exe}"),
                })
            }
            ExeState::Ok => process
                .exe
                .as_ref()
                .filter(|exe| as_written(exe).as_bytes() != exe.as_bytes() || exe.as_bytes().contains(&b'*'))
                .map(|_| "the path of its executable has characters that a policy cannot name".to_owned()),
            ExeState::Deleted if process.exe_replaced == Some(true) => None,
            ExeState::Deleted => Some(format!("{exe} was deleted")),
            ExeState::Memfd => Some(format!("{exe} was never a file")),
            // In a container of its own the file is another by right, and the container is what counts.
            ExeState::Foreign if process.container.is_some() => {
                Some(format!("{exe} is a file of the container, which this host cannot verify"))
            }
            ExeState::Foreign => Some(format!("{exe} is not the file that the host has there")),
            ExeState::Unreadable => Some("its executable could not be read".to_owned()),
        }
    }

    /// The entry as a policy has it; what is doubtful is commented out.
    pub fn text(&self, endpoints: &[String], doubts: &[String]) -> String {
        const MOST: usize = 6;
        let mut told = endpoints[..endpoints.len().min(MOST)].join(", ");
        if endpoints.len() > MOST {
            told += &format!(" and {} more", endpoints.len() - MOST);
        }
        let mut text = format!("# {told}\n");
        for doubt in doubts {
            text += &format!("# not approved: {doubt}\n");
        }
        let mark = if doubts.is_empty() { "" } else { "# " };
        for line in self.lines() {
            text += &format!("{mark}{line}\n");
        }
        text
    }

    /// What it matches, as an inline table has it.
    pub(super) fn inline(&self) -> String {
        self.lines()[1..].join(", ")
    }

    /// The lines of the entry.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec!["[[expect]]".to_owned(), format!("transport = {}", quoted(self.transport.name()))];
        let port = |(first, last): &(u16, u16)| match first == last {
            true => first.to_string(),
            false => quoted(&format!("{first}-{last}")),
        };
        let ports: Vec<String> = self.ports.iter().map(port).collect();
        match ports.as_slice() {
            [] => {}
            [one] => lines.push(format!("port = {one}")),
            many => lines.push(format!("port = [{}]", many.join(", "))),
        }
        let mut key = |name: &str, value: Option<&String>| {
            lines.extend(value.map(|value| format!("{name} = {}", quoted(value))));
        };
        key("address", self.address.as_ref());
        key("interface", self.interface.as_ref());
        key("netns", self.netns.as_ref());
        // What a container runs is its own affair: the host can verify no file of it.
        key("exe", self.exe.as_ref().filter(|_| self.container.is_none()));
        key("container", self.container.as_ref());
        match &self.user {
            Some(Ok(user)) => key("user", Some(user)),
            Some(Err(uid)) => lines.push(format!("uid = {uid}")),
            None => {}
        }
        let mut key = |name: &str, value: Option<&String>| {
            lines.extend(value.map(|value| format!("{name} = {}", quoted(value))));
        };
        key("unit", self.unit.as_ref());
        key("user_unit", self.user_unit.as_ref());
        lines
    }
}

/// The owner that speaks for a listener: the first that was proved to hold it and serves, or holds it for a service.
fn speaker<'a>(report: &'a Report, listener: &Listener) -> Option<&'a Process> {
    let proved = |role: Option<Role>| {
        let mut owners = listener.owners.iter().filter(|owner| owner.certainty == Certainty::Proved);
        owners.find(|owner| owner.via != Via::Cgroup && role.is_none_or(|role| owner.role == role))
    };
    proved(Some(Role::Server)).or_else(|| proved(None)).map(|owner| report.process(owner))
}

fn address(listener: &Listener) -> Option<String> {
    let ip = listener.socket.ip().map(|ip| ip.to_canonical())?;
    Some(match listener.scope {
        Scope::Wildcard => "wildcard".to_owned(),
        Scope::Loopback => "loopback".to_owned(),
        // The address that a device gives itself is new with another device.
        Scope::LinkLocal if matches!(ip, IpAddr::V6(_)) => "fe80::/10".to_owned(),
        _ => ip.to_string(),
    })
}

fn ports(report: &Report, listener: &Listener) -> Vec<(u16, u16)> {
    let Some(port) = listener.socket.port().and_then(|port| u16::try_from(port).ok()) else { return Vec::new() };
    // The next start gets another.
    match listener.ephemeral {
        true => vec![report.host.ephemeral_ports.unwrap_or(EPHEMERAL)],
        false => vec![(port, port)],
    }
}

/// A basic string of TOML.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            other if other.is_control() => out += &format!("\\u{:04X}", u32::from(other)),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A policy file without some of its expectations, counted from 0: each with the comment right above it.
pub fn without(text: &str, places: &[usize]) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_table = |line: &str| line.trim_start().starts_with('[');
    let is_comment = |line: &str| line.trim_start().starts_with('#');
    let mut keep = vec![true; lines.len()];
    let mut count = 0;
    for (at, line) in lines.iter().enumerate() {
        if line.trim().split('#').next().map(str::trim_end) != Some("[[expect]]") {
            continue;
        }
        count += 1;
        if !places.contains(&(count - 1)) {
            continue;
        }
        let above = lines[..at].iter().rev().take_while(|line| is_comment(line)).count();
        let below = lines[at + 1..].iter().take_while(|line| !is_table(line)).count();
        // The comment of the next table is that table's.
        let of_next = lines[at + 1..at + 1 + below].iter().rev().take_while(|line| is_comment(line)).count();
        keep[at - above..at + 1 + below - of_next].fill(false);
    }
    lines.iter().zip(keep).filter(|(_, keep)| *keep).map(|(line, _)| *line).collect()
}
