//! The expectations that a host gives rise to: what a policy would say of it if all that is there belonged there.
//!
//! People review them before they believe them. An entry names who may be there by executable, user and unit, and
//! nothing that the next start changes; what looks wrong, or cannot be said, carries its [doubts](Entry::doubts) and
//! counts for nothing until somebody has looked.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Severity;
use crate::model::{
    Certainty, Container, ExeState, NetNsKind, OwnerStatus, Process, Scope, Text, Transport, stable_unit,
};
use crate::report::{Listener, Owner, Report, Role};

/// One expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What to call it; unique among those of a host.
    pub id: String,
    /// Where it stands, and who holds it.
    pub place: Place,
    /// The addresses, sorted: `wildcard`, `loopback`, or as they are.
    pub addresses: Vec<String>,
    /// Why it should not be believed unseen: findings of medium or more, and what is wrong with its owner. Escaped.
    pub doubts: Vec<String>,
}

/// Where something stands and who holds it: what listeners at several addresses have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The transport.
    pub transport: Transport,
    /// The first and the last port; several where the kernel chose one.
    pub ports: Option<(u16, u16)>,
    /// The device it is bound to.
    pub interface: Option<String>,
    /// Its namespace, where that is not the host's: a name, or a kind.
    pub netns: Option<String>,
    /// The executable.
    pub exe: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The user where it has no name here.
    pub uid: Option<u32>,
    /// The unit.
    pub unit: Option<String>,
    /// What of a user's own manager it is.
    pub user_unit: Option<String>,
    /// The container.
    pub container: Option<String>,
}

/// What is left out: sockets of UDP whose port the kernel chose wait for answers, and no policy looks at them.
fn is_left_out(listener: &Listener) -> bool {
    listener.ephemeral && matches!(listener.socket.transport, Transport::Udp | Transport::UdpLite)
}

/// The expectations that a host gives rise to, in their order: by transport, port and owner.
pub fn entries(report: &Report) -> Vec<Entry> {
    let mut places: BTreeMap<(Place, Vec<String>), BTreeSet<String>> = BTreeMap::new();
    for listener in report.listeners.iter().filter(|listener| !is_left_out(listener)) {
        let mut doubts = Vec::new();
        let place = place(report, listener, &mut doubts);
        doubts.extend(findings(report, listener));
        places.entry((place, doubts)).or_default().extend(address(listener));
    }
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let entry = |((place, doubts), addresses): ((Place, Vec<String>), BTreeSet<String>)| {
        let name = name(&place);
        let count = taken.entry(name.clone()).or_default();
        *count += 1;
        let id = if *count == 1 { name } else { format!("{name}-{count}") };
        Entry { id, place, addresses: addresses.into_iter().collect(), doubts }
    };
    places.into_iter().map(entry).collect()
}

/// The address as a policy says it.
fn address(listener: &Listener) -> Option<String> {
    let ip = listener.socket.ip()?.to_canonical();
    Some(match listener.scope {
        Scope::Wildcard => "wildcard".to_owned(),
        // The rest of 127.0.0.0/8 is somebody's choice.
        Scope::Loopback if ip == std::net::Ipv4Addr::LOCALHOST || ip == std::net::Ipv6Addr::LOCALHOST => {
            "loopback".to_owned()
        }
        _ => ip.to_string(),
    })
}

fn place(report: &Report, listener: &Listener, doubts: &mut Vec<String>) -> Place {
    let socket = &listener.socket;
    let port = socket.port().and_then(|port| u16::try_from(port).ok());
    let ports = match (listener.ephemeral, report.host.ephemeral_ports) {
        (true, Some(range)) => Some(range),
        _ => port.map(|port| (port, port)),
    };
    if ports.is_none() && socket.port().is_some() {
        doubts.push("its port has no place in a policy, which would allow every one".to_owned());
    }
    let mut write = |what: &str, text: &Text| written(what, text, doubts);
    let netns = report.netns(listener);
    let mut place = Place {
        transport: socket.transport,
        ports,
        interface: Some(&listener.interface).filter(|name| !name.is_empty()).and_then(|name| write("device", name)),
        netns: match (netns.kind, &netns.name) {
            (NetNsKind::Host, _) => None,
            // The name of a container's is its id, which the next start changes.
            (kind, Some(name)) if kind == NetNsKind::Other && !Container::is_number(name) => write("namespace", name),
            (kind, _) => Some(kind.name().to_owned()),
        },
        exe: None,
        user: None,
        uid: None,
        unit: None,
        user_unit: None,
        container: None,
    };
    match (speaker(report, listener), listener.owner_status) {
        (Some(owner), OwnerStatus::Known) => of_owner(report, listener, owner, &mut place, doubts),
        (_, OwnerStatus::Kernel) => {
            doubts.push("the kernel holds it: an entry by port alone allows anybody".to_owned())
        }
        (_, OwnerStatus::None) => doubts.push("no process holds it: an entry by port alone allows anybody".to_owned()),
        _ => doubts.push("its owner could not be seen: an entry by port alone allows anybody".to_owned()),
    }
    place
}

/// Who stays when a service is started or ends: the manager that holds the socket for it, else the first that serves.
fn speaker<'a>(report: &Report, listener: &'a Listener) -> Option<&'a Owner> {
    let proved = || listener.owners.iter().filter(|owner| owner.certainty == Certainty::Proved);
    let waits = |owner: &&Owner| report.socket_unit(listener, owner).is_some();
    let serves = |owner: &&Owner| owner.role != Role::Activator;
    proved().find(waits).or(proved().find(serves)).or(proved().next())
}

fn of_owner(report: &Report, listener: &Listener, owner: &Owner, place: &mut Place, doubts: &mut Vec<String>) {
    let process = report.process(owner);
    doubts.extend(of_file(process));
    if let Some(exe) = process.verified_exe() {
        place.exe = written("executable", exe, doubts);
        if exe.as_bytes().contains(&b'*') {
            doubts.push("its path has a *, which a policy takes for anything".to_owned());
        }
    }
    place.user = match (process.user.as_ref().filter(|user| !user.is_empty()), process.uid) {
        (Some(user), _) => written("user", user, doubts),
        (None, Some(0)) => Some("root".to_owned()),
        (None, uid) => {
            place.uid = uid;
            None
        }
    };
    let unit = report.socket_unit(listener, owner).or(process.unit.as_ref());
    place.unit = unit.and_then(|unit| written("unit", unit, doubts)).map(lasting);
    place.user_unit = process.user_unit.as_ref().and_then(|unit| written("unit", unit, doubts)).map(lasting);
    if let Some(container) = &process.container {
        let id = match Container::is_number(&container.id) {
            true => Some("*".to_owned()),
            false => written("container", &container.id, doubts),
        };
        place.container = id.map(|id| format!("{}:{id}", container.runtime));
    }
}

/// What is wrong with the file of a process.
fn of_file(process: &Process) -> Option<String> {
    let told = match process.exe_state {
        ExeState::Ok if process.exe_writable == Some(true) => "others than root may write its executable",
        ExeState::Ok => return None,
        ExeState::Deleted => "its executable has been deleted",
        ExeState::Memfd => "its executable never was a file",
        ExeState::Foreign => "its executable is not the host's file of that name",
        ExeState::Unreadable => "its executable could not be read",
    };
    Some(match &process.exe {
        Some(exe) => format!("{told}: {}", exe.escaped()),
        None => told.to_owned(),
    })
}

/// The findings that somebody should look at first, each once.
fn findings(report: &Report, listener: &Listener) -> Vec<String> {
    let all = listener.findings.iter().map(|at| &report.findings[*at]);
    let grave = all.filter(|finding| finding.severity >= Severity::Medium);
    grave.map(|finding| format!("{} {}: {}", finding.severity.name(), finding.rule.name, finding.message)).collect()
}

/// Text as a policy takes it: as it is, where that can be printed.
fn written(what: &str, text: &Text, doubts: &mut Vec<String>) -> Option<String> {
    let plain = std::str::from_utf8(text.as_bytes()).ok().filter(|plain| {
        let fits = !plain.trim().is_empty() && plain.len() <= 1000;
        fits && text.escaped().replace("\\\\", "\\") == **plain
    });
    if plain.is_none() {
        doubts.push(format!("the name of its {what} cannot be written into a policy: {}", text.escaped()));
    }
    plain.map(str::to_owned)
}

/// The name of a unit, with a * for the number of a session or a run, which the next start changes. The instance of a
/// template is a name that people gave.
fn lasting(unit: String) -> String {
    let stable = stable_unit(&unit);
    match stable.rsplit_once('.') {
        Some((stem, kind)) if stem.ends_with('-') && stable != unit => format!("{stem}*.{kind}"),
        _ => unit,
    }
}

/// What to call an entry: `sshd-tcp-22`.
fn name(place: &Place) -> String {
    let base = place.exe.as_deref().and_then(|exe| exe.rsplit('/').next()).or(place.container.as_deref());
    let base = base.unwrap_or("unknown");
    let plain: String =
        base.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let port = match place.ports {
        Some((first, last)) if first == last => format!("-{first}"),
        Some(_) => "-ephemeral".to_owned(),
        None => String::new(),
    };
    format!("{}-{}{port}", plain.trim_matches('-'), place.transport.name())
}
