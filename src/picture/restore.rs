//! A stored report as the [`Report`] that it was written from, so that it can be held against a policy later.
//!
//! All that it told comes back as it told it; nothing is made up. What this version does not know, or what no run writes,
//! is an error: whoever judges what is half understood calls a host clean that is not.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::wire::{More, MoreCoverage, MoreListener, MoreOwner, WireFinding, WireGap, Words, kept, word};
use super::{Listener, Owner, Picture, Place, stored};
use crate::error::{Error, Exit};
use crate::finding::{About, Evidence, Finding, RuleInfo};
use crate::model::{
    Backlog, Certainty, Cgroup, Container, Gap, Hidepid, Host, KernelOwner, Local, NamespaceKind, NetNs, NetNsKind,
    PackageState, Process, ProcessCounts, Source, TableRead, TableStatus, Text, Timestamp, Transport, UnitState,
    UnixKind, Vantage, Via,
};
use crate::report::{self, Report, Tool};

/// What to do about a report that cannot be taken for what it was.
const AGAIN: &str = "make a report with `earmark audit --json` of this version, and pass it on unchanged";

/// No report tells of more tables than these: five hundred namespaces have ten thousand.
const MOST_TABLES: usize = 1 << 18;

/// Why a report is not taken: the key, and what is wrong with it in words of ours alone.
type Wrong = String;

/// A stored report, as it was before it was written.
#[derive(Debug)]
pub struct Restored {
    /// The report, without findings about entries of a policy and without what an audit knew of the last.
    pub report: Report,
    /// It was held against a policy, which may have set the severities of its findings.
    pub was_held: bool,
}

/// Reads a stored report back into what it was written from; `rule` knows the rules by name, and `path` is the file it
/// came from, for errors. Findings about entries of a policy are left out: they go with that policy.
pub fn restore(bytes: &[u8], path: &Path, rule: &dyn Fn(&str) -> Option<&'static RuleInfo>) -> Result<Restored, Error> {
    let refused = |problem: String| Error::Content { path: path.to_owned(), problem, hint: AGAIN };
    let picture = stored::read(bytes, path)?;
    let more: More = stored::parse(bytes).map_err(refused)?;
    let was_held = more.policy.is_some();
    let report = Restorer::new(rule).report(picture, more).map_err(refused)?;
    Ok(Restored { report, was_held })
}

/// What is put together from row to row.
struct Restorer<'a> {
    rule: &'a dyn Fn(&str) -> Option<&'static RuleInfo>,
    words: Words,
    namespaces: Vec<NetNs>,
    places: HashMap<Place, usize>,
    processes: Vec<Process>,
    by_start: HashMap<(u32, Option<u64>), usize>,
    cgroups: BTreeMap<u64, Cgroup>,
    by_path: HashMap<(Text, Option<Text>, Option<Text>), u64>,
}

fn unknown(key: impl std::fmt::Display) -> Wrong {
    format!("the key `{key}` holds what this version does not know, or no report has")
}

fn wrong<T>(value: Option<T>, key: impl std::fmt::Display) -> Result<T, Wrong> {
    value.ok_or_else(|| unknown(key))
}

impl<'a> Restorer<'a> {
    fn new(rule: &'a dyn Fn(&str) -> Option<&'static RuleInfo>) -> Self {
        Self {
            rule,
            words: Words::default(),
            namespaces: Vec::new(),
            places: HashMap::new(),
            processes: Vec::new(),
            by_start: HashMap::new(),
            cgroups: BTreeMap::new(),
            by_path: HashMap::new(),
        }
    }

    fn report(mut self, picture: Picture, more: More) -> Result<Report, Wrong> {
        let Some(taken_at) = &picture.taken_at else {
            return Err("it was made with --stable and lacks when it was: suppressions end on a day".to_owned());
        };
        let taken_at = wrong(Timestamp::parse(taken_at), "taken_at")?;
        // Tables that were read well are of no namespace in particular; the first stands for it.
        let first = picture.listeners.iter().map(|listener| &listener.netns);
        let host = first.clone().find(|place| place.kind == Some(NetNsKind::Host)).or(first.clone().next());
        self.netns(&host.cloned().unwrap_or(Place { kind: Some(NetNsKind::Host), ..Place::default() }), "netns")?;
        let tables = self.tables(&picture, &more.coverage)?;
        let mut listeners = Vec::with_capacity(picture.listeners.len());
        let mut by_id = HashMap::new();
        if picture.listeners.len() != more.listeners.len() {
            return Err("the key `listeners` stands twice".to_owned());
        }
        for (at, (listener, more)) in picture.listeners.iter().zip(more.listeners).enumerate() {
            let one = self.listener(listener, more).map_err(|key| unknown(format!("listeners[{at}].{key}")))?;
            if by_id.insert(one.id, at).is_some() {
                return Err(format!("the key `listeners[{at}].id` is that of another listener too"));
            }
            listeners.push(one);
        }
        let mut findings = Vec::new();
        for (at, finding) in more.findings.into_iter().enumerate() {
            let key = |key: &str| format!("findings[{at}].{key}");
            findings.extend(self.finding(finding, &by_id, &key)?);
        }
        let counts = more.coverage.processes;
        let (mut gaps, mut usual_gaps) = (Vec::new(), Vec::new());
        for WireGap { what, why, consequence, remedy, usual } in more.coverage.gaps {
            let list = if usual { &mut usual_gaps } else { &mut gaps };
            list.push(Gap { what, why, consequence, remedy });
        }
        Ok(Report {
            run_id: String::new(),
            taken_at,
            exit: Exit::Ok,
            query: picture.query.as_ref().map(|words| words.iter().map(Text::escaped).collect()),
            tool: Tool { version: env!("CARGO_PKG_VERSION"), iana_date: "", entries: 0, overlays: 0 },
            host: Host {
                id: picture.host.id.as_ref().map(Text::escaped),
                hostname: picture.host.hostname.clone(),
                boot_id: picture.host.boot_id.clone(),
                platform: wrong(self.words.word(&more.host.platform), "host.platform")?,
                kernel: more.host.kernel,
                ephemeral_ports: more.host.ephemeral_ports,
                unprivileged_port: None,
            },
            vantage: self.vantage(&picture)?,
            namespaces: self.namespaces,
            tables,
            counts: ProcessCounts {
                seen: counts.seen.unwrap_or_default(),
                no_permission: counts.no_permission.unwrap_or_default(),
                denied_despite_caps: counts.denied_despite_caps.unwrap_or_default(),
                vanished: counts.vanished.unwrap_or_default(),
                hidden_descriptors: counts.hidden_descriptors.unwrap_or_default(),
                hidden_possible: counts.hidden_processes.is_some(),
            },
            sk_lookups: Vec::new(),
            gaps,
            usual_gaps,
            cgroups: self.cgroups,
            processes: self.processes,
            listeners,
            findings,
            policy: None,
        })
    }

    fn netns(&mut self, place: &Place, key: &str) -> Result<usize, Wrong> {
        if let Some(known) = self.places.get(place) {
            return Ok(*known);
        }
        let kind = wrong(place.kind, format!("{key}.kind"))?;
        self.namespaces.push(NetNs {
            inode: place.inode,
            name: place.name.clone(),
            kind,
            interfaces: None,
            addresses: None,
        });
        self.places.insert(place.clone(), self.namespaces.len() - 1);
        Ok(self.namespaces.len() - 1)
    }

    fn vantage(&mut self, picture: &Picture) -> Result<Vantage, Wrong> {
        let from = &picture.vantage;
        let caps = from.caps.as_ref().map(|caps| caps.iter().map(|cap| self.words.of(cap)).collect::<Option<Vec<_>>>());
        let kind = |name: &Option<Text>, key| match name {
            None => Ok(None),
            Some(name) => {
                let kinds = [NamespaceKind::Initial, NamespaceKind::Nested];
                wrong(kinds.into_iter().find(|kind| kind.name().as_bytes() == name.as_bytes()), key).map(Some)
            }
        };
        let hides = [Hidepid::Off, Hidepid::NoAccess, Hidepid::Invisible, Hidepid::Ptraceable];
        let hidepid = |name: &Text| hides.into_iter().find(|one| one.name().as_bytes() == name.as_bytes());
        Ok(Vantage {
            user: None,
            elevated: None,
            uid: from.uid,
            caps: caps.map(|caps| wrong(caps, "vantage.caps")).transpose()?,
            pid_ns: kind(&from.pid_ns, "vantage.pid_ns")?,
            user_ns: kind(&from.user_ns, "vantage.user_ns")?,
            hidepid: from.hidepid.as_ref().map(|name| wrong(hidepid(name), "vantage.hidepid")).transpose()?,
        })
    }

    fn tables(&mut self, picture: &Picture, more: &MoreCoverage) -> Result<Vec<TableRead>, Wrong> {
        let mut tables = Vec::new();
        for (at, (table, more)) in picture.coverage.tables.iter().zip(&more.tables).enumerate() {
            let key = |key: &str| format!("coverage.tables[{at}].{key}");
            let source = |name: &String| Source::ALL.into_iter().find(|source| source.name() == name);
            let lacks = table.lacks.iter().map(|field| self.words.of(field)).collect::<Option<Vec<_>>>();
            let read = TableRead {
                table: wrong(self.words.of(&table.table), key("table"))?,
                netns: match &table.netns {
                    Some(place) => self.netns(place, &key("netns"))?,
                    None => 0,
                },
                status: wrong(table.status, key("status"))?,
                source: more.source.as_ref().map(|name| wrong(source(name), key("source"))).transpose()?,
                lacks: self.words.list(wrong(lacks, key("lacks"))?),
                error: more.error.clone(),
            };
            let good = matches!(read.status, TableStatus::Read | TableStatus::Absent);
            let namespaces = if good { table.namespaces } else { 1 };
            if namespaces > MOST_TABLES - tables.len() {
                return Err(format!("the key `{}` is of more namespaces than any host has", key("namespaces")));
            }
            tables.extend(std::iter::repeat_n(read, namespaces));
        }
        Ok(tables)
    }

    /// A listener; on failure the key that is at fault.
    fn listener(&mut self, from: &Listener, more: MoreListener) -> Result<report::Listener, &'static str> {
        let transport = from.transport.ok_or("transport")?;
        let owner_status = from.owner_status.ok_or("owner_status")?;
        let hex = |text: &Option<String>| text.as_deref().and_then(|text| u64::from_str_radix(text, 16).ok());
        let local = local(from, transport)?;
        let cgroup = more.cgroup.as_ref().map(|path| self.cgroup(path, from, &more));
        let is_wildcard = matches!(&local, Local::Inet { ip, .. } | Local::Raw { ip, .. } if ip.is_unspecified());
        let mut kernel_owner = None;
        if let Some(owner) = &from.kernel_owner {
            let kind = self.words.of(&owner.kind).ok_or("kernel_owner.kind")?;
            kernel_owner = Some(KernelOwner { kind, device: owner.device.clone() });
        }
        let socket = crate::model::Socket {
            transport,
            mptcp: more.mptcp,
            state: from.state.ok_or("state")?,
            local,
            device: 0,
            v6only: from.dual_stack.filter(|_| is_wildcard).map(|both| !both),
            uid: from.uid,
            inode: more.inode.unwrap_or_default(),
            cookie: hex(&more.cookie),
            cgroup,
            backlog: more.backlog.as_ref().map(|backlog| Backlog { queued: backlog.queued, limit: backlog.limit }),
            recv_queue: more.recv_queue,
            drops: more.drops,
            netns: self.netns(&from.netns, "netns").map_err(|_| "netns.kind")?,
            raced: from.raced,
            kernel_owner,
        };
        if from.owners.len() != more.owners.len() || from.owners.len() > more.owner_count {
            return Err("owner_count");
        }
        let mut owners = Vec::with_capacity(from.owners.len());
        for (at, (owner, more)) in from.owners.iter().zip(&more.owners).enumerate() {
            let states = (from.unit_state, from.container_state);
            owners.push(self.owner(owner, more, states, at == 0).map_err(|()| "owners")?);
        }
        Ok(report::Listener {
            endpoint: from.endpoint.clone(),
            id: hex(&more.id).ok_or("id")?,
            group: hex(&more.group).ok_or("group")?,
            interface: from.interface.clone(),
            scope: from.scope.ok_or("scope")?,
            exposure: from.exposure.ok_or("exposure")?,
            ephemeral: from.ephemeral,
            port_by_chance: from.ephemeral,
            owner_status,
            owner_count: more.owner_count,
            owners,
            service: more.service.map(|service| service.service()).transpose()?,
            seen: None,
            expectation: None,
            wants_addresses: false,
            findings: Vec::new(),
            severity: None,
            socket,
        })
    }

    fn owner(
        &mut self,
        from: &Owner,
        more: &MoreOwner,
        (unit_state, container_state): (Option<UnitState>, Option<UnitState>),
        first: bool,
    ) -> Result<report::Owner, ()> {
        let certainty = from.certainty.ok_or(())?;
        let pid = from.pid.ok_or(())?;
        let container = match &from.container {
            None => None,
            Some(name) => {
                let at = name.as_bytes().iter().position(|byte| *byte == b':').ok_or(())?;
                let runtime = self.words.of(&Text::from(&name.as_bytes()[..at])).ok_or(())?;
                Some(Container { runtime, id: Text::from(&name.as_bytes()[at + 1..]), pod: more.pod.clone() })
            }
        };
        // What a listener without a unit says of that, its first owner says.
        let state = |known: bool, told: Option<UnitState>| match known {
            true => UnitState::Known,
            false => told.filter(|told| first && *told != UnitState::Known).unwrap_or(UnitState::None),
        };
        let process = Process {
            pid,
            ppid: more.ppid,
            start_ticks: from.start_ticks,
            started: more.started.as_deref().map(|time| Timestamp::parse(time).ok_or(())).transpose()?,
            comm: from.comm.clone(),
            exe: from.exe.clone(),
            exe_state: from.exe_state.ok_or(())?,
            // A report does not tell, and no policy asks.
            exe_writable: None,
            exe_replaced: more.exe_replaced,
            uid: from.uid,
            user: from.user.clone(),
            cgroup: None,
            unit_state: state(from.unit.is_some(), unit_state),
            unit: from.unit.clone(),
            user_unit: from.user_unit.clone(),
            container_state: state(container.is_some(), container_state),
            container,
            package: from.package.clone(),
            package_state: from.package_state.unwrap_or(PackageState::NotLookedUp),
            script: more.script.clone(),
            cmdline: more.cmdline.clone(),
            raced: false,
        };
        let via = Via::ALL.into_iter().find(|via| via.name() == more.via).ok_or(())?;
        let process = self.process(process, first);
        Ok(report::Owner { process, fd: more.fd.unwrap_or_default(), via, certainty, role: from.role.ok_or(())? })
    }

    /// The place of a process, which may hold several listeners.
    fn process(&mut self, process: Process, first: bool) -> usize {
        let start = (process.pid, process.start_ticks);
        let known = self.by_start.get(&start).copied().filter(|at| {
            let states = (self.processes[*at].unit_state, self.processes[*at].container_state);
            let like = Process { unit_state: states.0, container_state: states.1, ..process.clone() };
            like == self.processes[*at]
        });
        if let Some(at) = known {
            if first {
                self.processes[at] = process;
            }
            return at;
        }
        self.processes.push(process);
        self.by_start.insert(start, self.processes.len() - 1);
        self.processes.len() - 1
    }

    /// The id of a cgroup. Where it stands in for an owner, the listener tells what it is; else its path does.
    fn cgroup(&mut self, path: &Text, from: &Listener, more: &MoreListener) -> u64 {
        let number = path.escaped();
        if let Some(id) = number.strip_prefix("id:").and_then(|id| id.parse().ok()) {
            return id;
        }
        use crate::model::OwnerStatus::{Kernel, Known, None as Nobody};
        let hidden = from.owners.iter().all(|owner| owner.certainty == Some(Certainty::Probable))
            && !matches!(from.owner_status, Some(Known | Kernel | Nobody));
        let waits = more.owners.first().is_some_and(|owner| owner.socket_unit.is_some());
        let cgroup = if hidden || waits {
            let container = more.container.as_ref().and_then(|name| {
                let at = name.as_bytes().iter().position(|byte| *byte == b':')?;
                let runtime = self.words.of(&Text::from(&name.as_bytes()[..at]))?;
                Some(Container { runtime, id: Text::from(&name.as_bytes()[at + 1..]), pod: None })
            });
            Cgroup {
                path: path.clone(),
                unit: more.unit.clone(),
                user_unit: more.user_unit.clone(),
                unit_state: from.unit_state.unwrap_or(UnitState::Unknown),
                container,
                container_state: from.container_state.unwrap_or(UnitState::Unknown),
            }
        } else {
            by_path(path)
        };
        // Its number was not told, and one that no kernel gives is as good.
        let next = u64::MAX - self.cgroups.len() as u64;
        let key = (path.clone(), cgroup.unit.clone(), cgroup.user_unit.clone());
        let id = *self.by_path.entry(key).or_insert(next);
        self.cgroups.entry(id).or_insert(cgroup);
        id
    }

    fn finding(
        &self,
        from: WireFinding,
        by_id: &HashMap<u64, usize>,
        key: &dyn Fn(&str) -> String,
    ) -> Result<Option<Finding>, Wrong> {
        let rule = wrong((self.rule)(&from.rule), key("rule"))?;
        let about = match from.subject.as_str() {
            "listener" => {
                let id = from.listeners.first().and_then(Option::as_ref);
                let id = id.and_then(|id| u64::from_str_radix(id, 16).ok());
                About::Listener(*wrong(id.and_then(|id| by_id.get(&id)), key("listeners"))?)
            }
            "namespace" => {
                let place = from.netns.as_ref().and_then(|place| self.places.get(place));
                // One in which nothing listens stands nowhere else.
                About::Namespace(place.copied().unwrap_or_default())
            }
            "expectation" | "suppression" => return Ok(None),
            _ => return Err(unknown(key("subject"))),
        };
        let mut evidence = Vec::new();
        for one in from.evidence {
            evidence.push(Evidence { kind: wrong(word(&one.kind).map(kept), key("evidence"))?, text: one.text });
        }
        let also = from.also.iter().map(|name| (self.rule)(name).map(|rule| rule.name));
        Ok(Some(Finding {
            rule,
            severity: wrong(from.severity, key("severity"))?,
            about,
            message: from.message,
            evidence,
            remedy: from.remedy,
            also: wrong(also.collect(), key("also"))?,
            status: None,
            suppression: None,
        }))
    }
}

/// What the path of a cgroup tells of a socket unit: systemd gives each a cgroup of its own.
fn by_path(path: &Text) -> Cgroup {
    let parts: Vec<&[u8]> = path.as_bytes().split(|byte| *byte == b'/').collect();
    let socket = parts.last().filter(|last| last.ends_with(b".socket")).map(|last| Text::from(*last));
    let manager = parts.iter().find(|part| part.starts_with(b"user@")).map(|part| Text::from(*part));
    let (unit, user_unit) = match (manager, socket) {
        (Some(manager), Some(socket)) => (Some(manager), Some(socket)),
        (_, socket) => (socket, None),
    };
    let (unit_state, container_state) = (UnitState::Unknown, UnitState::Unknown);
    Cgroup { path: path.clone(), unit, user_unit, unit_state, container: None, container_state }
}

/// Where a listener is bound; on failure the key that is at fault.
fn local(from: &Listener, transport: Transport) -> Result<Local, &'static str> {
    let address = from.address.as_ref().map(Text::escaped);
    let ip = || address.as_deref().and_then(|text| text.parse().ok()).ok_or("address");
    let dgram = from.socket_type.as_ref().is_some_and(|kind| kind.as_bytes() == b"dgram");
    Ok(match transport {
        Transport::Raw => {
            let protocol = from.protocol.and_then(|number| u8::try_from(number).ok()).ok_or("protocol")?;
            Local::Raw { ip: ip()?, protocol }
        }
        Transport::Packet => {
            let protocol = from.protocol.and_then(|number| u16::try_from(number).ok()).ok_or("protocol")?;
            Local::Packet { protocol, cooked: dgram }
        }
        Transport::Vsock => {
            let cid = match address.as_deref() {
                Some("any") => Some(u32::MAX),
                address => address.and_then(|text| text.parse().ok()),
            };
            Local::Vsock { cid: cid.ok_or("address")?, port: from.port.ok_or("port")?, dgram }
        }
        Transport::Unix => {
            let kinds = [UnixKind::Stream, UnixKind::Dgram, UnixKind::Seqpacket];
            let name = from.socket_type.as_ref().map(Text::as_bytes);
            let kind = kinds.into_iter().find(|kind| Some(kind.name().as_bytes()) == name).ok_or("socket_type")?;
            let path = from.path.as_ref().ok_or("path")?.as_bytes();
            let path = match path.split_first() {
                Some((b'@', rest)) => Text::from(&[&[0], rest].concat()[..]),
                _ => Text::from(path),
            };
            Local::Unix { kind, path }
        }
        Transport::Tcp | Transport::Udp | Transport::UdpLite | Transport::Sctp | Transport::Dccp => {
            let port = from.port.and_then(|port| u16::try_from(port).ok()).ok_or("port")?;
            Local::Inet { ip: ip()?, port }
        }
    })
}
