//! FreeBSD: pure over [`Kernel`], by sysctl(3) alone, and tested on any system with buffers that are put together from the
//! layouts of its headers. It was checked and linked, and never run there.

mod decode;
mod layout;
#[cfg(target_os = "freebsd")]
mod live;
mod question;
mod rename;

#[cfg(target_os = "freebsd")]
pub use live::{look, record};
pub use rename::renamed;

use std::collections::{BTreeMap, HashMap};

use super::Ask;
use super::bsd::bytes::Bytes;
use super::bsd::files::{self, HostFile};
use super::bsd::rows::{Outcome, Rows, nobody, tell};
use super::bsd::{errno, host};
use super::seam::{Kernel, Refusal};
use crate::model::{
    ExeState, Gap, Holder, Host, NamespaceKind, NetNsKind, PackageState, Process, Snapshot, Text, Transport, UnitState,
    Vantage,
};
use question::{Question, names};

const AS_ROOT: &str = "run it as root, with sudo or doas";
const REPORT: &str = "record the host with `earmark capture` and report it";

/// The transports that have a table, with the names under which it is told: each has both families.
const TABLES: [(Transport, &str, [&str; 2]); 3] = [
    (Transport::Tcp, names::TCP, ["tcp", "tcp6"]),
    (Transport::Udp, names::UDP, ["udp", "udp6"]),
    (Transport::Raw, names::RAW, ["raw", "raw6"]),
];

/// Looks at a host. It never fails: what could not be seen is a gap.
pub fn snapshot(kernel: &dyn Kernel<Question>, ask: &Ask) -> Snapshot {
    let get = |question| kernel.get(&question).ok();
    let number = |name| get(Question::Sysctl(name)).and_then(|answer| Bytes(&answer).u32(0));
    let is_jailed = number(names::JAILED).map(|jailed| jailed != 0);
    let kind = if is_jailed == Some(false) { NamespaceKind::Initial } else { NamespaceKind::Nested };
    let mut network = host::network(get(Question::Links).as_deref());
    if is_jailed != Some(false) {
        network.kind = NetNsKind::Other;
    }
    let mut snapshot = Snapshot {
        taken_at: get(Question::Clock).and_then(|answer| host::clock(&answer)).unwrap_or_default(),
        host: of_host(kernel, ask.ids),
        vantage: Vantage {
            uid: get(Question::Vantage).and_then(|answer| host::uid(&answer)),
            // A jail has its own processes and users.
            pid_ns: is_jailed.map(|_| kind),
            user_ns: is_jailed.map(|_| kind),
            ..Vantage::default()
        },
        namespaces: vec![network],
        ..Snapshot::default()
    };
    if ask.netns.as_ref().is_some_and(|name| name != "host") {
        snapshot.netns_unmatched = true;
        return snapshot;
    }
    let mut rows = Rows::new(ask);
    let asked = |transport: &Transport| ask.transports.contains(transport);
    let mut outcomes = Vec::new();
    for (transport, name, told) in TABLES.iter().filter(|(transport, ..)| asked(transport)) {
        let outcome = rows.read(*transport, || kernel.get(&Question::Sysctl(name)), decode::table);
        outcomes.push((*transport, *name, told, outcome));
    }
    let mut scan = Scan { kernel, cmdline: ask.cmdline, files: HashMap::new(), users: HashMap::new() };
    let mut gap = |what: &str, why: String, consequence: &str, remedy: &str| {
        let [what, consequence, remedy] = [what, consequence, remedy].map(str::to_owned);
        snapshot.gaps.push(Gap { what, why, consequence, remedy });
    };
    match scan.every_file(&mut rows) {
        Ok(seen) => snapshot.counts.seen = seen,
        Err(why) => {
            gap("the open files of processes", why, "sockets are listed without their owner", AS_ROOT);
            snapshot.counts.hidden_possible = true;
        }
    }
    for (transport, name, _, _) in outcomes.iter().filter(|(.., outcome)| outcome.error().is_none()) {
        if !rows.all_held(*transport)
            && let Some(table) = get(Question::Sysctl(name)).and_then(|answer| decode::table(*transport, &answer).ok())
        {
            rows.look_again(*transport, table);
        }
    }
    // Root of this system, or of a jail, is not held back by these.
    let hides = |name| number(name) == Some(0) && snapshot.vantage.uid != Some(0);
    let hidden = [names::SEES_USERS, names::SEES_GROUPS].into_iter().find(|name| hides(name));
    if let Some(name) = hidden {
        let why = format!("{name} is 0, which hides them from this user");
        gap("sockets and processes of others", why, "they are not listed", AS_ROOT);
        snapshot.counts.hidden_possible = true;
    }
    if number(names::JAILS).is_some_and(|jails| jails > 0) {
        gap(
            "sockets of jails that have a network of their own",
            "such a jail (VNET) tells of them only within".to_owned(),
            "if there are any, they are not listed",
            "run it in each such jail, with jexec(8)",
        );
    }
    if ask.packages {
        let why = "the database of pkg(8) is not read".to_owned();
        gap("the packages of executables", why, "no owner is told with its package", "look with `pkg which`");
    }
    let unheld = [Transport::Tcp, Transport::Udp, Transport::Raw].iter().any(|transport| !rows.all_held(*transport));
    for (_, _, told, outcome) in outcomes {
        let outcome = match (hidden, outcome.error()) {
            (Some(name), None) => Outcome::unreadable(None, format!("{name} is 0")),
            _ => outcome,
        };
        tell(&mut snapshot, told, &outcome, if hidden.is_some() { AS_ROOT } else { REPORT });
    }
    let unread = Outcome::unreadable(None, "no table of them is read on FreeBSD");
    if asked(&Transport::Unix) {
        tell(&mut snapshot, &["unix"], &unread, "look with sockstat(1)");
    }
    if asked(&Transport::Sctp) {
        let is_here = kernel.get(&Question::Sysctl(names::SCTP)).is_ok();
        tell(&mut snapshot, &["sctp"], if is_here { &unread } else { &Outcome::ABSENT }, "look with sockstat(1)");
    }
    let absent = [Transport::UdpLite, Transport::Dccp, Transport::Packet, Transport::Vsock];
    for transport in absent.into_iter().filter(asked) {
        tell(&mut snapshot, &[transport.name()], &Outcome::ABSENT, "");
    }
    rows.finish(&mut snapshot);
    if unheld && !snapshot.counts.hidden_possible && is_jailed == Some(false) {
        nobody(&mut snapshot);
    }
    if ask.packages {
        snapshot.processes.iter_mut().for_each(|process| process.package_state = PackageState::Unknown);
    }
    snapshot
}

fn of_host(kernel: &dyn Kernel<Question>, ids: bool) -> Host {
    let ask = |name| kernel.get(&Question::Sysctl(name)).ok();
    let text = |name| ask(name).and_then(|answer| host::text(&answer));
    let port = |name| ask(name).and_then(|answer| host::port(&answer));
    // 16 random bytes.
    let boot = ask(names::BOOT).filter(|boot| ids && boot.len() == 16);
    let boot = boot.map(|boot| boot.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    Host {
        id: kernel.get(&Question::HostId).ok().filter(|_| ids).and_then(|answer| host::host_id(&answer)),
        hostname: text(names::HOSTNAME),
        boot_id: boot.map(|boot| Text::from(boot.as_str())),
        platform: "freebsd",
        kernel: text(names::RELEASE),
        ephemeral_ports: port(names::LOWEST).zip(port(names::HIGHEST)),
        unprivileged_port: port(names::RESERVED).and_then(|highest| highest.checked_add(1)),
    }
}

/// One look at the open files of every process.
struct Scan<'a> {
    kernel: &'a dyn Kernel<Question>,
    cmdline: bool,
    files: HashMap<Text, Result<HostFile, Refusal>>,
    users: HashMap<u32, Option<Text>>,
}

impl Scan<'_> {
    /// How many processes were seen to have a socket; or why none could be.
    fn every_file(&mut self, rows: &mut Rows<'_>) -> Result<u64, String> {
        let files = self.kernel.get(&Question::Sysctl(names::FILES)).map_err(errno::words)?;
        let mut by_process: BTreeMap<u32, Vec<Holder>> = BTreeMap::new();
        for (pid, fd, handle) in decode::files(&files)? {
            let held = rows.at(handle).map(|socket| Holder::proved(socket, 0, fd));
            by_process.entry(pid).or_default().extend(held);
        }
        let seen = by_process.len() as u64;
        for (pid, held) in by_process.into_iter().filter(|(_, held)| !held.is_empty()) {
            let process = self.identify(pid);
            rows.hold(process, held);
        }
        Ok(seen)
    }

    fn facts(&self, pid: u32) -> Option<decode::Facts> {
        decode::facts(&self.kernel.get(&Question::Process(pid)).ok()?, pid)
    }

    fn identify(&mut self, pid: u32) -> Process {
        let facts = self.facts(pid);
        let path = || {
            let answer = self.kernel.get(&Question::Exe(pid)).ok()?;
            host::text(&answer)
        };
        let exe = path();
        let file = exe.as_ref().and_then(|path| self.file(path).ok());
        let text = self.kernel.get(&Question::Text(pid)).unwrap_or_default();
        let exe_state = if exe.is_some() { decode::exe_state(&text, file.as_ref()) } else { ExeState::Unreadable };
        let cmdline = self.cmdline.then(|| self.kernel.get(&Question::Arguments(pid)).ok()).flatten();
        let raced = facts.is_none() || path() != exe || self.facts(pid) != facts;
        let uid = facts.as_ref().map(|facts| facts.uid);
        let groups = facts.as_ref().and_then(|facts| facts.groups.clone());
        let verified = file.filter(|_| exe_state == ExeState::Ok);
        Process {
            pid,
            ppid: facts.as_ref().map(|facts| facts.ppid),
            start_ticks: facts.as_ref().and_then(|facts| Some(facts.started?.0)),
            started: facts.as_ref().and_then(|facts| Some(facts.started?.1)),
            exe,
            exe_state,
            exe_writable: verified.zip(uid).map(|(file, uid)| file.is_writable(uid, groups.as_deref())),
            exe_replaced: None,
            uid,
            user: uid.and_then(|uid| self.user(uid)),
            cgroup: None,
            unit: None,
            user_unit: None,
            // rc(8) keeps no record of what it started.
            unit_state: UnitState::Unknown,
            container: None,
            // Its number is another with each start, and its name is not asked for.
            container_state: match &facts {
                Some(facts) if facts.jail == 0 => UnitState::None,
                _ => UnitState::Unknown,
            },
            comm: facts.map(|facts| facts.name),
            package: None,
            package_state: PackageState::NotLookedUp,
            script: None,
            cmdline: cmdline.map(joined),
            raced,
        }
    }

    fn file(&mut self, path: &Text) -> Result<HostFile, Refusal> {
        if let Some(known) = self.files.get(path) {
            return known.clone();
        }
        let answer = self.kernel.get(&Question::HostFile(path.as_bytes().to_vec()));
        let file = answer.and_then(|answer| files::host_file(&answer).ok_or(Refusal::Errno(errno::EINVAL)));
        self.files.insert(path.clone(), file.clone());
        file
    }

    fn user(&mut self, uid: u32) -> Option<Text> {
        let ask = || self.kernel.get(&Question::User(uid)).ok().filter(|name| !name.is_empty()).map(Text::new);
        self.users.entry(uid).or_insert_with(ask).clone()
    }
}

/// Arguments joined by spaces.
fn joined(mut arguments: Vec<u8>) -> Text {
    if arguments.last() == Some(&0) {
        arguments.pop();
    }
    arguments.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
    Text::new(arguments)
}

#[cfg(test)]
mod assemble;
#[cfg(test)]
mod tests;
