//! Reports to render: hosts as they are met, and one whose every name is hostile.

mod explained;
mod hosts;

use std::net::IpAddr;

use crate::finding::{About, Evidence, Finding, RuleInfo, Severity, Theme};
use crate::model::*;
pub(super) use explained::explanation;
pub(super) use hosts::{containers, hostile, local, nobody, router, server};

use crate::report::{EntrySource, Exit, Listener, Owner, Report, Role, Service, Tool, Verdict};

/// A rule with a finding of the gravest kind.
pub(super) static CLEARTEXT: RuleInfo = RuleInfo {
    name: "cleartext-management",
    theme: Theme::Secrecy,
    specificity: 20,
    summary: "A management service that can be read and forged on the way",
    explanation: "Whoever sits between can read the password and change what is sent.\n\nIt fires where the table \
                  says that the service is unprotected, and keeps quiet on loopback.",
    remedy: "use the protected service of the same name",
    controls: &["CIS Controls 8.1: 4.6", "NIST SP 800-53r5: SC-8", "CWE-319"],
    fires_on: &["3221/tcp on a public address, held by xnmd"],
    quiet_on: &["3221/tcp on loopback"],
};

/// A rule about names.
pub(super) static MISMATCH: RuleInfo = RuleInfo {
    name: "service-mismatch",
    theme: Theme::Identity,
    specificity: 10,
    summary: "A port that is known for one service is held by a program that is known for another",
    explanation: "Firewalls and people go by the number. There are two ways to get there,\nand the evidence tells which:\n\n- the program was moved here, and somebody knows about it and\n  wrote it down;\n- it was not.\n\n    a  line  of code",
    remedy: "move it to a port of its own, or tell people",
    controls: &[],
    fires_on: &["3220/tcp held by nginx"],
    quiet_on: &["8080/tcp held by nginx"],
};

/// A rule with mild findings.
pub(super) static UNAUTHENTICATED: RuleInfo = RuleInfo {
    name: "unauthenticated-by-default",
    theme: Theme::Exposure,
    specificity: 5,
    summary: "A service that by default asks nobody for a name",
    explanation: "Any user of this host can use it.",
    remedy: "give it a password, or a unix socket with a mode",
    controls: &["CIS Controls 8.1: 4.1"],
    fires_on: &[],
    quiet_on: &[],
};

/// A report under construction.
pub(super) struct Builder(pub(super) Report);

/// Who holds a socket: indexes of processes.
type Holders<'a> = &'a [usize];

impl Builder {
    pub(super) fn new() -> Self {
        let lo = Interface { index: 1, name: "lo".into(), up: true, loopback: true, made_in: None, tunnel: None };
        let netns = NetNs {
            inode: Some(4_026_531_840),
            name: None,
            kind: NetNsKind::Host,
            interfaces: Some(vec![lo]),
            addresses: None,
        };
        let read = |table, source| TableRead {
            table,
            netns: 0,
            status: TableStatus::Read,
            source: Some(source),
            lacks: &[],
            error: None,
        };
        Self(Report {
            run_id: "00112233445566778899aabbccddeeff".to_owned(),
            taken_at: Timestamp(1_795_215_600_007),
            exit: Exit::Ok,
            query: None,
            tool: Tool { version: "0.1.0", iana_date: "2026-11-01", entries: 11_871, overlays: 0 },
            host: Host {
                id: Some("5a0f6a3c2c0b4d5e8f9a0b1c2d3e4f50".to_owned()),
                hostname: Some("web1".into()),
                boot_id: Some("3b0c1f0e-6a51-4b52-9d4c-0c1f7a0d9e11".into()),
                platform: "linux",
                kernel: Some("6.18.5".into()),
                ephemeral_ports: Some((32768, 60999)),
                unprivileged_port: Some(1024),
            },
            vantage: Vantage {
                uid: Some(0),
                caps: Some(vec!["cap_net_admin", "cap_sys_ptrace"]),
                pid_ns: Some(NamespaceKind::Initial),
                user_ns: Some(NamespaceKind::Initial),
                hidepid: Some(Hidepid::Off),
                ..Vantage::default()
            },
            namespaces: vec![netns],
            tables: vec![read("tcp", Source::SockDiag), read("udp", Source::SockDiag), read("packet", Source::Proc)],
            counts: ProcessCounts { seen: 131, vanished: 1, ..ProcessCounts::default() },
            sk_lookups: Vec::new(),
            gaps: Vec::new(),
            usual_gaps: Vec::new(),
            policy: None,
            cgroups: Default::default(),
            processes: Vec::new(),
            listeners: Vec::new(),
            findings: Vec::new(),
        })
    }

    pub(super) fn process(&mut self, pid: u32, exe: &str, user: (&str, u32), unit: &str) -> usize {
        let base = exe.rsplit('/').next().unwrap_or(exe);
        self.0.processes.push(Process {
            pid,
            ppid: Some(1),
            start_ticks: Some(u64::from(pid) * 100),
            started: Some(Timestamp(1_795_200_000_000 + i64::from(pid))),
            comm: Some(Text::from(&base.as_bytes()[..base.len().min(15)])),
            exe: Some(exe.into()),
            exe_state: ExeState::Ok,
            exe_writable: Some(false),
            exe_replaced: None,
            uid: Some(user.1),
            user: Some(user.0.into()),
            cgroup: Some(format!("/system.slice/{unit}").as_str().into()),
            unit: Some(unit).filter(|unit| !unit.is_empty()).map(Text::from),
            user_unit: None,
            unit_state: if unit.is_empty() { UnitState::None } else { UnitState::Known },
            container: None,
            container_state: UnitState::None,
            package: None,
            package_state: PackageState::NotLookedUp,
            script: None,
            cmdline: Some(format!("{exe} -D").as_str().into()),
            raced: false,
        });
        self.0.processes.len() - 1
    }

    /// A socket with an internet address.
    pub(super) fn inet(&mut self, transport: Transport, at: &str, held: Holders<'_>) -> &mut Listener {
        let (ip, port) = at.rsplit_once(':').expect("address:port");
        let ip: IpAddr = ip.trim_matches(['[', ']']).parse().expect("an address");
        let local = Local::Inet { ip, port: port.parse().expect("a port") };
        let endpoint = format!("{}/{at}", transport.name());
        let listener = self.local(transport, local, &endpoint, held);
        listener.socket.v6only = ip.is_ipv6().then_some(true);
        listener
    }

    /// A socket of any kind.
    pub(super) fn local(
        &mut self,
        transport: Transport,
        local: Local,
        endpoint: &str,
        held: Holders<'_>,
    ) -> &mut Listener {
        let number = self.0.listeners.len() as u64 + 1;
        let listens = matches!(transport, Transport::Tcp | Transport::Vsock | Transport::Unix);
        let socket = Socket {
            transport,
            mptcp: false,
            state: if listens { State::Listen } else { State::Unconnected },
            local,
            device: 0,
            v6only: None,
            uid: Some(0),
            inode: 18_000 + number,
            cookie: Some(0x1000 + number),
            cgroup: Some(77),
            backlog: listens.then_some(Backlog { queued: 0, limit: 4096 }),
            recv_queue: (!listens).then_some(0),
            drops: Some(0),
            netns: 0,
            raced: false,
            kernel_owner: None,
        };
        let owner = |process: &usize| Owner {
            process: *process,
            fd: 3,
            via: Via::Fd,
            certainty: Certainty::Proved,
            role: Role::Server,
        };
        self.0.listeners.push(Listener {
            endpoint: endpoint.to_owned(),
            id: 0xabc0_0000_0000_0000 + number,
            group: 0xdef0_0000_0000_0000 + number,
            interface: Text::default(),
            scope: socket.scope(),
            exposure: socket.scope(),
            ephemeral: false,
            port_by_chance: false,
            owner_status: if held.is_empty() { OwnerStatus::None } else { OwnerStatus::Known },
            owner_count: held.len(),
            owners: held.iter().map(owner).collect(),
            service: None,
            seen: None,
            findings: Vec::new(),
            severity: None,
            expectation: None,
            wants_addresses: false,
            socket,
        });
        self.0.listeners.last_mut().expect("just pushed")
    }

    /// A finding on the listener that was added last.
    pub(super) fn finding(&mut self, rule: &'static RuleInfo, severity: Severity, message: &str, remedy: &str) {
        let listener = self.0.listeners.len() - 1;
        let last = &mut self.0.listeners[listener];
        last.findings.push(self.0.findings.len());
        last.severity = last.severity.max(Some(severity));
        self.0.findings.push(Finding {
            rule,
            severity,
            about: About::Listener(listener),
            message: message.to_owned(),
            evidence: vec![Evidence::new("registry", "the table says so"), Evidence::new("address", &last.endpoint)],
            remedy: remedy.to_owned(),
            also: vec!["wildcard-bind"],
            status: None,
            suppression: None,
        });
    }

    /// The report, the gravest finding first.
    pub(super) fn report(mut self) -> Report {
        let mut order: Vec<usize> = (0..self.0.findings.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(self.0.findings[*index].severity));
        self.0.findings = order.iter().map(|index| self.0.findings[*index].clone()).collect();
        for listener in &mut self.0.listeners {
            for index in &mut listener.findings {
                *index = order.iter().position(|old| old == index).expect("every finding is kept");
            }
        }
        self.0
    }
}

/// A service that people know.
pub(super) fn service(name: &'static str, title: &'static str, claim: Verdict) -> Option<Service> {
    Some(Service {
        name,
        title,
        source: EntrySource::Iana,
        iana_name: None,
        claim,
        management: None,
        security: None,
        secure_counterpart: Vec::new(),
        alternatives: Vec::new(),
    })
}
