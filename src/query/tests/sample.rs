//! A host with five listeners, as a report tells of it.

use std::net::IpAddr;

use crate::error::Exit;
use crate::finding::{About, Finding, RuleInfo, Theme};
use crate::model::{
    Certainty, Container, ExeState, Host, Local, NetNs, NetNsKind, OwnerStatus, PackageState, Process, ProcessCounts,
    Severity, Socket, State, TableRead, TableStatus, Text, Timestamp, Transport, UnitState, UnixKind, Vantage, Via,
};
use crate::registry::{EntrySource, Verdict};
use crate::report::{Listener, Owner, Report, Role, Service, Tool};

pub(super) static RULE: RuleInfo = RuleInfo {
    name: "cleartext-management",
    theme: Theme::Secrecy,
    specificity: 1,
    summary: "",
    explanation: "",
    remedy: "",
    controls: &[],
    fires_on: &[],
    quiet_on: &[],
};

pub(super) fn process(pid: u32, comm: &str, exe: &str, uid: u32, user: &str, unit: &str) -> Process {
    Process {
        pid,
        ppid: Some(1),
        start_ticks: None,
        started: None,
        comm: Some(comm.into()),
        exe: Some(exe.into()),
        exe_state: ExeState::Ok,
        exe_writable: None,
        exe_replaced: None,
        uid: Some(uid),
        user: Some(user.into()),
        cgroup: None,
        unit: Some(unit.into()),
        user_unit: None,
        unit_state: UnitState::Known,
        container: None,
        container_state: UnitState::None,
        package: None,
        package_state: PackageState::NotLookedUp,
        script: None,
        cmdline: None,
        raced: false,
    }
}

pub(super) fn service(name: &'static str, claim: Verdict, other: &'static str) -> Option<Service> {
    Some(Service {
        name,
        title: "",
        source: EntrySource::Iana,
        iana_name: None,
        claim,
        management: None,
        security: None,
        secure_counterpart: Vec::new(),
        alternatives: vec![(other, EntrySource::Defacto)],
    })
}

pub(super) fn inet(transport: Transport, address: &str, port: u16) -> Listener {
    let ip: IpAddr = address.parse().expect(address);
    let local = Local::Inet { ip, port };
    let shown = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
    listener(transport, local, &format!("{}/{shown}:{port}", transport.name()))
}

pub(super) fn listener(transport: Transport, local: Local, endpoint: &str) -> Listener {
    let socket = Socket {
        transport,
        mptcp: false,
        state: State::Listen,
        local,
        device: 0,
        v6only: Some(false),
        uid: Some(0),
        inode: 1,
        cookie: None,
        cgroup: None,
        backlog: None,
        recv_queue: None,
        drops: None,
        netns: 0,
        raced: false,
        kernel_owner: None,
    };
    let scope = socket.scope();
    Listener {
        socket,
        endpoint: endpoint.to_owned(),
        id: 1,
        group: 1,
        interface: Text::default(),
        scope,
        exposure: scope,
        ephemeral: false,
        port_by_chance: false,
        owner_status: OwnerStatus::Known,
        owner_count: 1,
        owners: Vec::new(),
        service: None,
        seen: None,
        findings: Vec::new(),
        severity: None,
        expectation: None,
        wants_addresses: false,
    }
}

pub(super) fn owned(mut listener: Listener, process: usize) -> Listener {
    listener.owners = vec![Owner { process, fd: 3, via: Via::Fd, certainty: Certainty::Proved, role: Role::Server }];
    listener
}

pub(super) fn table(name: &'static str, status: TableStatus) -> TableRead {
    TableRead { table: name, netns: 0, status, source: None, lacks: &[], error: None }
}

/// The id of a container.
const ID: &str = "1a2b3c4d5e6f0123456789abcdef0123456789abcdef0123456789abcdef0123";

/// sshd on every address, nginx on 80, resolved on loopback, xnmd with a finding, a unix socket.
pub(super) fn report() -> Report {
    let mut ssh = owned(inet(Transport::Tcp, "::", 22), 0);
    ssh.service = service("ssh", Verdict::Confirmed, "sftp");
    let mut http = owned(inet(Transport::Tcp, "0.0.0.0", 80), 1);
    http.service = service("http", Verdict::Open, "www");
    let dns = owned(inet(Transport::Udp, "127.0.0.53", 53), 2);
    let mut xnm = owned(inet(Transport::Tcp, "10.0.0.5", 3221), 3);
    xnm.service = service("xnm-clear-text", Verdict::Confirmed, "sapdp21");
    xnm.findings = vec![0];
    xnm.severity = Some(Severity::High);
    let path = Local::Unix { kind: UnixKind::Stream, path: "/run/x".into() };
    let unix = owned(listener(Transport::Unix, path, "unix/stream:/run/x"), 1);
    let finding = Finding {
        rule: &RULE,
        severity: Severity::High,
        about: About::Listener(3),
        message: String::new(),
        evidence: Vec::new(),
        remedy: String::new(),
        also: Vec::new(),
        status: None,
        suppression: None,
    };
    let mut xnmd = process(4242, "java", "/opt/xnm/xnmd", 0, "root", "xnmd.service");
    xnmd.container = Some(Container { runtime: "docker", id: ID.into(), pod: Some("77-aa".into()) });
    xnmd.container_state = UnitState::Known;
    Report {
        run_id: String::new(),
        taken_at: Timestamp(0),
        exit: Exit::Ok,
        query: None,
        tool: Tool { version: "0", iana_date: "2026-09-17", entries: 0, overlays: 0 },
        host: Host::default(),
        vantage: Vantage::default(),
        namespaces: vec![NetNs {
            inode: Some(4_026_531_840),
            name: None,
            kind: NetNsKind::Host,
            interfaces: None,
            addresses: None,
        }],
        tables: ["tcp", "tcp6", "udp", "udp6", "unix"].map(|name| table(name, TableStatus::Read)).to_vec(),
        counts: ProcessCounts::default(),
        sk_lookups: Vec::new(),
        gaps: Vec::new(),
        usual_gaps: Vec::new(),
        cgroups: Default::default(),
        processes: vec![
            process(812, "sshd", "/usr/sbin/sshd", 0, "root", "ssh.service"),
            process(900, "nginx", "/usr/sbin/nginx", 33, "www-data", "nginx.service"),
            process(
                601,
                "systemd-resolve",
                "/lib/systemd/systemd-resolved",
                101,
                "systemd-resolve",
                "systemd-resolved.service",
            ),
            xnmd,
        ],
        listeners: vec![ssh, http, dns, xnm, unix],
        findings: vec![finding],
        policy: None,
    }
}
