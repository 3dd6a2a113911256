//! The picture of a report in memory.

use super::{Coverage, Host, KernelOwner, Listener, Owner, Picture, Place, Table, Vantage};
use crate::model::{Local, NetNs, TableStatus, Text};
use crate::report::{self, Exit, Report, unix_name};

fn word(text: &str) -> Text {
    Text::from(text)
}

impl From<&Report> for Picture {
    fn from(report: &Report) -> Self {
        Self {
            taken_at: Some(report.taken_at.to_string()),
            could_tell: report.exit != Exit::Unknown,
            query: report.query.as_ref().map(|words| words.iter().map(|one| word(one)).collect()),
            host: Host {
                id: report.host.id.as_deref().map(word),
                hostname: report.host.hostname.clone(),
                boot_id: report.host.boot_id.clone(),
            },
            vantage: Vantage {
                uid: report.vantage.uid,
                caps: report.vantage.caps.as_ref().map(|caps| caps.iter().map(|cap| word(cap)).collect()),
                pid_ns: report.vantage.pid_ns.map(|kind| word(kind.name())),
                user_ns: report.vantage.user_ns.map(|kind| word(kind.name())),
                hidepid: report.vantage.hidepid.map(|hidepid| word(hidepid.name())),
            },
            coverage: coverage(report),
            listeners: report.listeners.iter().map(|listener| of_listener(report, listener)).collect(),
        }
    }
}

impl From<&NetNs> for Place {
    fn from(netns: &NetNs) -> Self {
        Self { kind: Some(netns.kind), name: netns.name.clone(), inode: netns.inode }
    }
}

fn coverage(report: &Report) -> Coverage {
    let mut tables: Vec<Table> = Vec::new();
    for read in &report.tables {
        let alone = !matches!(read.status, TableStatus::Read | TableStatus::Absent);
        let table = Table {
            table: word(read.table),
            status: Some(read.status),
            namespaces: 1,
            netns: report.namespaces.get(read.netns).filter(|_| alone).map(Place::from),
            lacks: read.lacks.iter().map(|field| word(field)).collect(),
        };
        // A host with 500 namespaces has each good table 500 times.
        let is_it = |known: &&mut Table| !alone && Table { namespaces: 1, ..(*known).clone() } == table;
        match tables.iter_mut().find(is_it) {
            Some(known) => known.namespaces += 1,
            None => tables.push(table),
        }
    }
    let counts = &report.counts;
    Coverage {
        tables,
        processes_hidden: counts.hidden_possible
            || counts.no_permission + counts.denied_despite_caps + counts.hidden_descriptors > 0,
        gaps: report.all_gaps().map(|gap| gap.what.clone()).collect(),
        namespaces: Some(report.namespaces.iter().map(Place::from).collect()),
    }
}

fn of_listener(report: &Report, listener: &report::Listener) -> Listener {
    let socket = &listener.socket;
    let (address, protocol, path) = match &socket.local {
        Local::Inet { .. } | Local::Vsock { .. } => (Some(word(&listener.address())), None, None),
        Local::Raw { protocol, .. } => (Some(word(&listener.address())), Some(u32::from(*protocol)), None),
        Local::Packet { protocol, .. } => (None, Some(u32::from(*protocol)), None),
        // As a report writes it, and as it is read back from there.
        Local::Unix { path, .. } => (None, None, Text::unescape(&unix_name(path))),
    };
    let rules = listener.findings.iter().map(|at| report.findings[*at].rule.name);
    let mut findings: Vec<Text> = Vec::new();
    for rule in rules.map(word) {
        if !findings.contains(&rule) {
            findings.push(rule);
        }
    }
    Listener {
        endpoint: listener.endpoint.clone(),
        transport: Some(socket.transport),
        address,
        port: socket.port(),
        socket_type: socket.type_name().map(word),
        protocol,
        path,
        dual_stack: socket.dual_stack(),
        state: Some(socket.state),
        interface: listener.interface.clone(),
        scope: Some(listener.scope),
        exposure: Some(listener.exposure),
        netns: Place::from(report.netns(listener)),
        uid: socket.uid,
        ephemeral: listener.ephemeral,
        raced: socket.raced || listener.owners.iter().any(|owner| report.process(owner).raced),
        owner_status: Some(listener.owner_status),
        owners: listener.owners.iter().map(|owner| of_owner(report, owner)).collect(),
        unit_state: Some(report.unit(listener).1),
        container_state: Some(report.container(listener).1),
        kernel_owner: listener
            .kernel_owner()
            .map(|owner| KernelOwner { kind: word(owner.kind), device: owner.device.clone() }),
        findings,
        severity: listener.severity,
        fingerprint: word(&report.fingerprint(listener).digest()),
    }
}

fn of_owner(report: &Report, owner: &report::Owner) -> Owner {
    let process = report.process(owner);
    Owner {
        pid: Some(process.pid),
        start_ticks: process.start_ticks,
        comm: process.comm.clone(),
        exe: process.exe.clone(),
        exe_state: Some(process.exe_state),
        uid: process.uid,
        user: process.user.clone(),
        unit: process.unit.clone(),
        user_unit: process.user_unit.clone(),
        container: process.container.as_ref().and_then(|container| Text::unescape(&container.name())),
        package: process.package.clone(),
        package_state: Some(process.package_state),
        certainty: Some(owner.certainty),
        role: Some(owner.role),
    }
}
