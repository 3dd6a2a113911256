//! Everything a renderer may need, in the order of output.

use std::collections::BTreeMap;
use std::sync::Arc;

pub use crate::error::Exit;
use crate::finding::{About, Finding, Fingerprint, Severity};
use crate::model::{
    Certainty, Cgroup, Container, ExeState, Gap, Host, KernelOwner, NetNs, NetNsKind, OwnerStatus, Process,
    ProcessCounts, Scope, SkLookup, Socket, State, TableRead, TableStatus, Text, Timestamp, Transport, UnitState,
    Vantage, Via,
};
use crate::policy::Policy;
pub use crate::registry::{EntrySource, Verdict};

/// The answer of one run.
#[derive(Clone, Debug)]
pub struct Report {
    /// 32 hexadecimal digits, new with each run.
    pub run_id: String,
    /// When the host was looked at.
    pub taken_at: Timestamp,
    /// How the run ends.
    pub exit: Exit,
    /// What left out listeners and findings that were seen, word by word; `None` where nothing did.
    pub query: Option<Vec<String>>,
    /// The program and what it knows.
    pub tool: Tool,
    /// The host.
    pub host: Host,
    /// From where it was looked at.
    pub vantage: Vantage,
    /// The network namespaces that were read.
    pub namespaces: Vec<NetNs>,
    /// How each table was read.
    pub tables: Vec<TableRead>,
    /// How the processes could be read.
    pub counts: ProcessCounts,
    /// The BPF programs that choose which socket answers.
    pub sk_lookups: Vec<SkLookup>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// What hardly any run may see and few hosts have: no reason to call a run incomplete.
    pub usual_gaps: Vec<Gap>,
    /// The cgroups that sockets were created in, by id, where they were asked for or stand in for owners.
    pub cgroups: BTreeMap<u64, Cgroup>,
    /// The processes that hold any of the listeners; [`Owner::process`] points here.
    pub processes: Vec<Process>,
    /// The listeners, in the order of output.
    pub listeners: Vec<Listener>,
    /// The findings, the gravest first.
    pub findings: Vec<Finding>,
    /// The policy that it was held against, where it was.
    pub policy: Option<Arc<Policy>>,
}

/// The program and what it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// The version of the program.
    pub version: &'static str,
    /// The date of IANA's registry within.
    pub iana_date: &'static str,
    /// Known uses and assigned names within.
    pub entries: usize,
    /// Entries from the user's own registry files.
    pub overlays: usize,
}

/// One listener, judged.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The socket.
    pub socket: Socket,
    /// For eyes and queries, escaped, not unique: `tcp/0.0.0.0:3221`.
    pub endpoint: String,
    /// From (namespace, transport, cookie): unique in one report.
    pub id: u64,
    /// Shared by rows of one address, port and device.
    pub group: u64,
    /// The device it is bound to; empty for none.
    pub interface: Text,
    /// The class of the bound address.
    pub scope: Scope,
    /// That class, narrowed by the device and the devices of the namespace: what severity uses.
    pub exposure: Scope,
    /// The kernel chose the port, and neither registry nor policy names it.
    pub ephemeral: bool,
    /// The kernel chose the port, and neither policy nor owner confirms what the registry may have there: its number says
    /// nothing of what listens. The registry knows one in two hundred of those that Linux hands out, and a program that
    /// takes any port would else be another thing whenever it gets one of these.
    pub port_by_chance: bool,
    /// What is known of its owner.
    pub owner_status: OwnerStatus,
    /// How many processes hold it.
    pub owner_count: usize,
    /// At most [`MAX_OWNERS`] of them, each distinct (executable, user, unit, container) among them.
    pub owners: Vec<Owner>,
    /// What its port claims to be.
    pub service: Option<Service>,
    /// What the last run knew of it; `None` where no state was consulted, or the last run could not have seen it.
    pub seen: Option<Seen>,
    /// The expectation that it matches: its index in [`Policy::expects`].
    pub expectation: Option<usize>,
    /// What the policy says of it depends on which device bears its address, and that could not be read.
    pub wants_addresses: bool,
    /// Indexes into [`Report::findings`].
    pub findings: Vec<usize>,
    /// The worst of those that nobody accepted.
    pub severity: Option<Severity>,
}

/// What the last run knew of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seen {
    /// It was not there.
    New,
    /// It was.
    Known,
}

impl Seen {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Known => "known",
        }
    }
}

/// The most owners that a listener lists.
pub const MAX_OWNERS: usize = 64;

/// A process that holds a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Index into [`Report::processes`].
    pub process: usize,
    /// The lowest descriptor by which it does.
    pub fd: u32,
    /// The way by which it does.
    pub via: Via,
    /// How sure that is.
    pub certainty: Certainty,
    /// What it does with the socket.
    pub role: Role,
}

/// What an owner does with a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It serves.
    Server,
    /// It holds the socket for a service that it starts.
    Activator,
    /// It passes on to another.
    Proxy,
}

impl Role {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Activator => "activator",
            Self::Proxy => "proxy",
        }
    }
}

/// What a port claims to be, and what its owner says to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The name of the service.
    pub name: &'static str,
    /// What it is, in words.
    pub title: &'static str,
    /// Where the name comes from.
    pub source: EntrySource,
    /// What IANA lists at this port, where that differs.
    pub iana_name: Option<&'static str>,
    /// What the owner says to the claim.
    pub claim: Verdict,
    /// It administers something; `None` where that is not known.
    pub management: Option<bool>,
    /// How it protects what it says: `cleartext`, `tls`, …
    pub security: Option<&'static str>,
    /// What to use instead, where it is not protected.
    pub secure_counterpart: Vec<Counterpart>,
    /// Other uses of the port.
    pub alternatives: Vec<(&'static str, EntrySource)>,
}

/// The secure counterpart of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counterpart {
    /// A service of its own.
    Service {
        /// Its transport.
        transport: Transport,
        /// Its port.
        port: u16,
        /// Its name.
        name: &'static str,
        /// It is listening here too.
        listening: bool,
    },
    /// Something that is no port, in words.
    Text(&'static str),
}

/// How many of what a report holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Summary {
    /// Listeners.
    pub listeners: usize,
    /// Findings that nobody accepted, by severity from the mildest.
    pub findings: [usize; 5],
    /// Findings that a suppression takes.
    pub suppressed: usize,
    /// Listeners whose owner is not known.
    pub unattributed: usize,
}

impl Listener {
    /// What in the kernel serves it, where no process holds it.
    pub fn kernel_owner(&self) -> Option<&KernelOwner> {
        self.socket.kernel_owner.as_ref().filter(|_| self.owner_status == OwnerStatus::Kernel)
    }
}

impl Report {
    /// The process of an owner.
    pub fn process(&self, owner: &Owner) -> &Process {
        &self.processes[owner.process]
    }

    /// The owner that speaks for a listener: the first.
    pub fn first_owner<'a>(&'a self, listener: &Listener) -> Option<&'a Process> {
        listener.owners.first().map(|owner| self.process(owner))
    }

    /// The cgroup that a listener was created in: its path, or its id where the path is not known.
    pub fn cgroup(&self, listener: &Listener) -> Option<String> {
        let id = listener.socket.cgroup?;
        Some(self.cgroups.get(&id).map_or_else(|| format!("id:{id}"), |cgroup| cgroup.path.escaped()))
    }

    /// The namespace of a listener.
    pub fn netns(&self, listener: &Listener) -> &NetNs {
        &self.namespaces[listener.socket.netns]
    }

    /// The cgroup that stands in for an owner: that which a listener was created in, where nobody could be seen to hold it,
    /// or a service manager alone, for a socket unit.
    pub fn origin(&self, listener: &Listener) -> Option<&Cgroup> {
        let hidden = listener.owners.iter().all(|owner| owner.certainty == Certainty::Probable)
            && !matches!(listener.owner_status, OwnerStatus::Known | OwnerStatus::Kernel | OwnerStatus::None);
        let waits = || listener.owners.first().is_some_and(|owner| self.socket_unit(listener, owner).is_some());
        self.cgroups.get(&listener.socket.cgroup?).filter(|_| hidden || waits())
    }

    /// The socket unit that an owner of a listener holds it for: where it is a service manager, and the socket was created
    /// in that unit's cgroup.
    pub fn socket_unit<'a>(&'a self, listener: &Listener, owner: &Owner) -> Option<&'a Text> {
        let cgroup = self.cgroups.get(&listener.socket.cgroup?).filter(|_| owner.role == Role::Activator)?;
        let unit = cgroup.user_unit.as_ref().or(cgroup.unit.as_ref());
        unit.filter(|unit| unit.as_bytes().ends_with(b".socket"))
    }

    /// The unit of a listener and whether it has one: that of [`Self::origin`], or its first owner's.
    pub fn unit<'a>(&'a self, listener: &Listener) -> (Option<&'a Text>, UnitState) {
        match (self.origin(listener), self.first_owner(listener)) {
            (Some(origin), _) => (origin.unit.as_ref(), origin.unit_state),
            (None, Some(process)) => (process.unit.as_ref(), process.unit_state),
            (None, None) => (None, no_place(listener)),
        }
    }

    /// What a user's own manager runs within that unit.
    pub fn user_unit<'a>(&'a self, listener: &Listener) -> Option<&'a Text> {
        match self.origin(listener) {
            Some(origin) => origin.user_unit.as_ref(),
            None => self.first_owner(listener)?.user_unit.as_ref(),
        }
    }

    /// The container of a listener and whether it has one, by the same.
    pub fn container<'a>(&'a self, listener: &Listener) -> (Option<&'a Container>, UnitState) {
        match (self.origin(listener), self.first_owner(listener)) {
            (Some(origin), _) => (origin.container.as_ref(), origin.container_state),
            (None, Some(process)) => (process.container.as_ref(), process.container_state),
            (None, None) => (None, no_place(listener)),
        }
    }

    /// True where every table could be read and every process could be looked into.
    pub fn is_complete(&self) -> bool {
        let counts = &self.counts;
        self.gaps.is_empty()
            && self.tables.iter().all(|table| matches!(table.status, TableStatus::Read | TableStatus::Absent))
            && counts.no_permission + counts.denied_despite_caps + counts.hidden_descriptors == 0
            && !counts.hidden_possible
    }

    /// How many of what it holds.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary { listeners: self.listeners.len(), ..Summary::default() };
        for finding in &self.findings {
            match finding.is_live() {
                true => summary.findings[finding.severity as usize] += 1,
                false => summary.suppressed += 1,
            }
        }
        let named = |status| matches!(status, OwnerStatus::Known | OwnerStatus::Kernel);
        summary.unattributed = self.listeners.iter().filter(|l| !named(l.owner_status)).count();
        summary
    }

    /// What makes two sightings of a listener the same thing. The id of a container is new with each start and its image
    /// is not known, so it counts by its runtime, and by its name where people gave it one.
    pub fn fingerprint(&self, listener: &Listener) -> Fingerprint {
        let owner = self.first_owner(listener);
        let escaped = |text: Option<&Text>| text.map(Text::escaped).unwrap_or_default();
        let unit = owner.and_then(Process::unit_family);
        let container = owner.and_then(|process| process.container.as_ref()).map(Container::stable_name);
        let user = match owner {
            Some(Process { user: Some(user), .. }) => user.escaped(),
            Some(Process { uid, .. }) => uid.map(|uid| uid.to_string()).unwrap_or_default(),
            None => listener.socket.uid.map(|uid| uid.to_string()).unwrap_or_default(),
        };
        Fingerprint::default()
            .field("transport", listener.socket.transport.name())
            .field("address", listener.address())
            .field("port", if listener.port_by_chance { "ephemeral".to_owned() } else { listener.port_text() })
            .field("device", listener.interface.escaped())
            .field("netns", self.netns(listener).kind.name())
            .field("container", container.unwrap_or_default())
            .field("exe", escaped(owner.and_then(|process| process.exe.as_ref())))
            .field("user", user)
            .field("unit", unit.unwrap_or_default())
    }

    /// The namespace that a finding is about, or that of its listener; an entry of the policy is of none.
    pub fn netns_of(&self, finding: &Finding) -> Option<&NetNs> {
        match finding.about {
            About::Listener(listener) => Some(self.netns(&self.listeners[listener])),
            About::Namespace(netns) => Some(&self.namespaces[netns]),
            About::Expectation(_) | About::Suppression(_) => None,
        }
    }

    /// What of the policy a finding is about: its kind, what it says, and `FILE:LINE`.
    pub fn entry_of(&self, finding: &Finding) -> Option<(&'static str, String, String)> {
        let policy = self.policy.as_ref()?;
        match finding.about {
            About::Expectation(at) => {
                let expect = policy.expects.get(at)?;
                Some(("expectation", expect.name(), policy.place(expect.origin)))
            }
            About::Suppression(at) => {
                let suppress = policy.suppresses.get(at)?;
                let what = format!("{} for {}", suppress.rule, suppress.selector);
                Some(("suppression", what, policy.place(suppress.origin)))
            }
            About::Listener(_) | About::Namespace(_) => None,
        }
    }

    /// What makes two sightings of a finding the same thing: that of its listener and the rule. A namespace counts by
    /// its name, and by the programs in it: one that was exchanged is another thing.
    pub fn fingerprint_of(&self, finding: &Finding) -> Fingerprint {
        let subject = match finding.about {
            About::Listener(listener) => self.fingerprint(&self.listeners[listener]),
            About::Namespace(at) => {
                let netns = &self.namespaces[at];
                let here = self.sk_lookups.iter().filter(|lookup| lookup.netns == at);
                let mut programs: Vec<&str> = here.map(|lookup| lookup.tag.as_deref().unwrap_or_default()).collect();
                programs.sort_unstable();
                Fingerprint::default()
                    .field("netns", netns.kind.name())
                    .field("name", netns.name.as_ref().map(Text::escaped).unwrap_or_default())
                    .field("programs", programs.join(","))
            }
            // The line of an entry moves with each edit of its file: it counts by what it says.
            About::Expectation(_) | About::Suppression(_) => {
                let (kind, what, _) = self.entry_of(finding).unwrap_or_default();
                Fingerprint::default().field("entry", kind).field("what", what)
            }
        };
        subject.field("rule", finding.rule.name)
    }

    /// Keeps some of the findings.
    pub fn keep_findings(&mut self, keep: impl Fn(&Finding) -> bool) {
        self.findings.retain(keep);
        for listener in &mut self.listeners {
            listener.findings.clear();
            listener.severity = None;
        }
        for (index, finding) in self.findings.iter().enumerate() {
            if let Some(at) = finding.listener() {
                let listener = &mut self.listeners[at];
                listener.findings.push(index);
                if finding.is_live() {
                    listener.severity = listener.severity.max(Some(finding.severity));
                }
            }
        }
    }

    /// Everything that could not be seen, what hardly any run may see among it.
    pub fn all_gaps(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter().chain(&self.usual_gaps)
    }

    /// True for a socket that is only worth a count: its port will be another next time, nobody finds fault with it, and
    /// who holds it is beyond doubt.
    pub fn is_passing(&self, listener: &Listener) -> bool {
        listener.ephemeral && self.is_unsuspicious_udp(listener)
    }

    /// True for unconnected UDP with which nobody finds fault, and whose holder is beyond doubt.
    pub fn is_unsuspicious_udp(&self, listener: &Listener) -> bool {
        let socket = &listener.socket;
        let owned = |process: &Process| process.unit.is_some() || process.exe_state == ExeState::Ok;
        matches!(socket.transport, Transport::Udp | Transport::UdpLite)
            && socket.state == State::Unconnected
            && listener.findings.is_empty()
            && listener.owner_status == OwnerStatus::Known
            && listener.owners.iter().all(|owner| owner.certainty == Certainty::Proved)
            && self.first_owner(listener).is_some_and(owned)
    }

    /// True where a listener's namespace is the first of the host.
    pub fn in_host_namespace(&self, listener: &Listener) -> bool {
        self.netns(listener).kind == NetNsKind::Host
    }
}

/// What is known of the unit or container of a listener without an owner.
fn no_place(listener: &Listener) -> UnitState {
    if listener.owner_status == OwnerStatus::Kernel { UnitState::None } else { UnitState::Unknown }
}

impl Listener {
    /// The bound address as text: an internet address, a context id, a path; empty for a packet socket.
    pub fn address(&self) -> String {
        use crate::model::Local;
        match &self.socket.local {
            Local::Inet { ip, .. } | Local::Raw { ip, .. } => ip.to_string(),
            Local::Vsock { cid: u32::MAX, .. } => "any".to_owned(),
            Local::Vsock { cid, .. } => cid.to_string(),
            Local::Packet { .. } => String::new(),
            Local::Unix { path, .. } => unix_name(path),
        }
    }

    /// The port as text, or what stands for one: a protocol number, an ethertype; empty for a unix socket.
    pub fn port_text(&self) -> String {
        use crate::model::Local;
        match &self.socket.local {
            Local::Inet { port, .. } => port.to_string(),
            Local::Vsock { port: u32::MAX, .. } => "any".to_owned(),
            Local::Vsock { port, .. } => port.to_string(),
            Local::Raw { protocol, .. } => format!("proto={protocol}"),
            Local::Packet { protocol: 3, .. } => "all".to_owned(),
            Local::Packet { protocol, .. } => format!("{protocol:#06x}"),
            Local::Unix { .. } => String::new(),
        }
    }
}

/// The name of a unix socket: `@` stands for the NUL byte of an abstract one, as in `/proc/net/unix`.
pub fn unix_name(path: &Text) -> String {
    match path.as_bytes().split_first() {
        Some((0, rest)) => format!("@{}", Text::from(rest).escaped()),
        _ => path.escaped(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_names_show_their_kind() {
        assert_eq!(unix_name(&Text::from("\0bus\n")), "@bus\\u{a}");
        assert_eq!(unix_name(&Text::from("/run/x y")), "/run/x y");
        assert_eq!(unix_name(&Text::default()), "");
    }
}
