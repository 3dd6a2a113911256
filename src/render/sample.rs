//! Reports to render: hosts as they are met, and one whose every name is hostile.

use std::net::IpAddr;

use crate::finding::{Evidence, Finding, RuleInfo, Severity, Theme};
use crate::model::*;
use crate::report::{Counterpart, EntrySource, Exit, Listener, Owner, Report, Role, Service, Tool, Verdict};

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
    explanation: "Firewalls and people go by the number.",
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
        let lo = Interface {
            index: 1,
            name: "lo".into(),
            up: true,
            loopback: true,
            addresses: vec!["127.0.0.1".parse().expect("an address")],
        };
        let netns = NetNs { inode: Some(4_026_531_840), name: None, kind: NetNsKind::Host, interfaces: Some(vec![lo]) };
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
            },
            namespaces: vec![netns],
            tables: vec![read("tcp", Source::SockDiag), read("udp", Source::SockDiag), read("packet", Source::Proc)],
            counts: ProcessCounts { seen: 131, vanished: 1, ..ProcessCounts::default() },
            gaps: Vec::new(),
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
            uid: Some(user.1),
            user: Some(user.0.into()),
            cgroup: Some(format!("/system.slice/{unit}").as_str().into()),
            unit: Some(unit).filter(|unit| !unit.is_empty()).map(Text::from),
            user_unit: None,
            unit_state: if unit.is_empty() { UnitState::None } else { UnitState::Known },
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
            owner_status: if held.is_empty() { OwnerStatus::None } else { OwnerStatus::Known },
            owner_count: held.len(),
            owners: held.iter().map(owner).collect(),
            service: None,
            findings: Vec::new(),
            severity: None,
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
            listener,
            message: message.to_owned(),
            evidence: vec![Evidence::new("registry", "the table says so"), Evidence::new("address", &last.endpoint)],
            remedy: remedy.to_owned(),
            also: vec!["wildcard-bind"],
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

/// A plain web server: the four ways to listen on IPv4 and IPv6, workers, passing UDP, and sockets without ports.
pub(super) fn server() -> Report {
    let mut b = Builder::new();
    let root = ("root", 0);
    let sshd = b.process(812, "/usr/sbin/sshd", root, "ssh.service");
    let nginx: Vec<usize> = (0..5)
        .map(|n| b.process(900 + n, "/usr/sbin/nginx", if n == 0 { root } else { ("www-data", 33) }, "nginx.service"))
        .collect();
    let postfix = b.process(1203, "/usr/lib/postfix/sbin/master", root, "postfix@-.service");
    let resolved =
        b.process(601, "/usr/lib/systemd/systemd-resolved", ("systemd-resolve", 991), "systemd-resolved.service");
    let chronyd = b.process(700, "/usr/sbin/chronyd", ("_chrony", 110), "chrony.service");
    let avahi = b.process(640, "/usr/sbin/avahi-daemon", ("avahi", 111), "avahi-daemon.service");
    let redis = b.process(1300, "/usr/bin/redis-check-rdb", ("redis", 112), "redis-server.service");
    b.0.processes[redis].comm = Some("redis-server".into());
    let systemd = b.process(1, "/usr/lib/systemd/systemd", root, "init.scope");
    let lldpd = b.process(655, "/usr/sbin/lldpd", ("_lldpd", 113), "lldpd.service");
    let dhclient = b.process(480, "/usr/sbin/dhclient", root, "");

    let open = Verdict::Open;
    let confirmed = Verdict::Confirmed;
    let ssh = b.inet(Transport::Tcp, "[::]:22", &[sshd, systemd]);
    ssh.socket.v6only = Some(false);
    ssh.owners[1].role = Role::Activator;
    ssh.service = service("ssh", "Secure shell", confirmed);
    for at in ["127.0.0.1:25", "[::1]:25"] {
        b.inet(Transport::Tcp, at, &[postfix]).service = service("smtp", "Mail transfer", confirmed);
    }
    b.inet(Transport::Tcp, "127.0.0.53:53", &[resolved]).service = service("domain", "Names", confirmed);
    for at in ["0.0.0.0:80", "[::]:80"] {
        b.inet(Transport::Tcp, at, &nginx).service = service("http", "World wide web", confirmed);
    }
    b.inet(Transport::Tcp, "[::]:443", &nginx).service = service("https", "World wide web over TLS", confirmed);
    for at in ["127.0.0.1:6379", "[::1]:6379"] {
        b.inet(Transport::Tcp, at, &[redis]).service = service("redis", "Key-value store", open);
        b.finding(
            &UNAUTHENTICATED,
            Severity::Low,
            "redis by default asks for no password, so any user of this host can read and change what it keeps",
            "set requirepass or an ACL, or listen on a unix socket with a mode",
        );
    }
    b.inet(Transport::Udp, "127.0.0.53:53", &[resolved]).service = service("domain", "Names", confirmed);
    let dhcp = b.inet(Transport::Udp, "0.0.0.0:68", &[dhclient]);
    dhcp.interface = "eth0".into();
    dhcp.endpoint = "udp/0.0.0.0%eth0:68".to_owned();
    dhcp.service = service("bootpc", "Address configuration", confirmed);
    for at in ["127.0.0.1:323", "[::1]:323"] {
        b.inet(Transport::Udp, at, &[chronyd]).service = service("chronyd-cmd", "Chrony's control", confirmed);
    }
    for at in ["0.0.0.0:5353", "[::]:5353"] {
        b.inet(Transport::Udp, at, &[avahi]).service = service("mdns", "Multicast names", confirmed);
    }
    for (at, owner) in [("0.0.0.0:37041", avahi), ("[::]:51820", avahi), ("0.0.0.0:40001", resolved)] {
        b.inet(Transport::Udp, at, &[owner]).ephemeral = true;
    }
    let ping = Local::Raw { ip: "0.0.0.0".parse().expect("an address"), protocol: 1 };
    b.local(Transport::Raw, ping, "raw/0.0.0.0:proto=1", &[dhclient]);
    let lldp =
        b.local(Transport::Packet, Local::Packet { protocol: 0x88cc, cooked: false }, "packet/eth0:0x88cc", &[lldpd]);
    lldp.interface = "eth0".into();
    b.local(Transport::Packet, Local::Packet { protocol: 3, cooked: true }, "packet/any:all", &[dhclient]);
    let guest = Local::Vsock { cid: u32::MAX, port: 22, dgram: false };
    b.local(Transport::Vsock, guest, "vsock/any:22", &[systemd]);
    b.report()
}

/// Sockets of the local host.
pub(super) fn local() -> Report {
    let mut b = Builder::new();
    let systemd = b.process(1, "/usr/lib/systemd/systemd", ("root", 0), "init.scope");
    let avahi = b.process(640, "/usr/sbin/avahi-daemon", ("avahi", 111), "avahi-daemon.service");
    let bus = Local::Unix { kind: UnixKind::Stream, path: "/run/dbus/system_bus_socket".into() };
    b.local(Transport::Unix, bus, "unix/stream:/run/dbus/system_bus_socket", &[systemd]);
    let name = Local::Unix { kind: UnixKind::Dgram, path: "\0hidden".into() };
    b.local(Transport::Unix, name, "unix/dgram:@hidden", &[avahi]);
    let nameless = Local::Unix { kind: UnixKind::Seqpacket, path: Text::default() };
    b.local(Transport::Unix, nameless, "unix/seqpacket:", &[systemd]);
    let itself = Local::Vsock { cid: 1, port: u32::MAX, dgram: true };
    b.local(Transport::Vsock, itself, "vsock/1:any", &[systemd]);
    b.report()
}

/// A router's management services, half of them unprotected, one not what its port says.
pub(super) fn router() -> Report {
    let mut b = Builder::new();
    b.0.host.hostname = Some("edge7".into());
    b.0.exit = Exit::Critical;
    let root = ("root", 0);
    let sshd = b.process(812, "/usr/sbin/sshd", root, "ssh.service");
    let xnmd = b.process(4242, "/usr/local/sbin/xnmd", root, "xnmd.service");
    let nginx = b.process(990, "/usr/sbin/nginx", root, "nginx.service");
    let python = b.process(5150, "/usr/bin/python3.13", ("netops", 1007), "user@1007.service");
    b.0.processes[python].comm = Some("gunicorn".into());
    b.0.processes[python].user_unit = Some("probe.service".into());
    let unbound: Vec<usize> =
        (0..4).map(|n| b.process(2000 + n, "/usr/sbin/unbound", ("unbound", 114), "unbound.service")).collect();

    let ssh = b.inet(Transport::Tcp, "[::]:22", &[sshd]);
    ssh.socket.v6only = Some(false);
    ssh.service = service("ssh", "Secure shell", Verdict::Confirmed);
    for (n, held) in unbound.iter().enumerate() {
        let dns = b.inet(Transport::Tcp, "192.0.2.7:53", &[*held]);
        dns.group = 0xdef0_0000_0000_0053;
        dns.socket.inode += n as u64;
        dns.service = service("domain", "Names", Verdict::Confirmed);
    }
    b.inet(Transport::Tcp, "[::]:830", &[sshd]).service =
        service("netconf-ssh", "NETCONF over SSH", Verdict::Confirmed);
    b.inet(Transport::Tcp, "0.0.0.0:3220", &[nginx]).service =
        service("xnm-ssl", "Junos XML over TLS", Verdict::Contradicted);
    b.finding(
        &MISMATCH,
        Severity::Medium,
        "the port is known for xnm-ssl, the program is nginx, known for http and https",
        "move it to a port of its own",
    );
    for at in ["0.0.0.0:3221", "[::]:3221"] {
        let xnm = b.inet(Transport::Tcp, at, &[xnmd]);
        xnm.service = service("xnm-clear-text", "Junos XML management, clear text", Verdict::Open);
        if let Some(service) = &mut xnm.service {
            service.management = Some(true);
            service.security = Some("cleartext");
            service.alternatives = vec![("sap-router", EntrySource::Vendor)];
            service.secure_counterpart = vec![
                Counterpart::Service { transport: Transport::Tcp, port: 3220, name: "xnm-ssl", listening: true },
                Counterpart::Text("NETCONF over SSH"),
            ];
        }
        b.finding(
            &CLEARTEXT,
            Severity::Critical,
            "the port is that of a management service which sends passwords and configuration in clear text, and anybody can reach it",
            "use 3220/tcp (xnm-ssl), which listens here too, or today 830/tcp (NETCONF over SSH)",
        );
    }
    b.inet(Transport::Tcp, "10.0.0.5:8000", &[python]).service = service("http-alt", "World wide web", Verdict::Open);
    b.finding(&UNAUTHENTICATED, Severity::Info, "a test server of Python listens in the local network", "stop it");
    let gone = b.inet(Transport::Tcp, "[2001:db8:0:7::5]:9001", &[]);
    gone.owner_status = OwnerStatus::Vanished;
    let kept = b.inet(Transport::Tcp, "0.0.0.0:9100", &[xnmd]);
    kept.socket.state = State::Bound;
    b.report()
}

/// The router as somebody without privilege sees it.
pub(super) fn nobody() -> Report {
    let mut report = router();
    report.vantage = Vantage { uid: Some(65534), caps: Some(Vec::new()), ..report.vantage };
    report.counts = ProcessCounts { seen: 131, no_permission: 117, hidden_possible: true, ..report.counts };
    report.namespaces.push(NetNs { inode: Some(4_026_532_222), name: None, kind: NetNsKind::Other, interfaces: None });
    report.tables.push(TableRead {
        table: "packet",
        netns: 1,
        status: TableStatus::Unreadable,
        source: None,
        lacks: &[],
        error: Some("permission denied".to_owned()),
    });
    report.gaps = vec![
        Gap {
            what: "the owners of other users' sockets".to_owned(),
            why: "117 of 131 processes may not be looked into".to_owned(),
            consequence: "12 listeners have no owner here".to_owned(),
            remedy: "run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH".to_owned(),
        },
        Gap {
            what: "packet sockets of 1 namespace".to_owned(),
            why: "permission denied".to_owned(),
            consequence: "who taps there is not known".to_owned(),
            remedy: "run as root".to_owned(),
        },
    ];
    for listener in &mut report.listeners {
        listener.owner_status = OwnerStatus::Denied;
        listener.owner_count = 0;
        listener.owners.clear();
    }
    report
}

/// A report in which `text` stands wherever text from outside can stand.
pub(super) fn hostile(text: &Text) -> Report {
    let mut b = Builder::new();
    let process = b.process(666, "/usr/sbin/sshd", ("root", 0), "ssh.service");
    let evil = &mut b.0.processes[process];
    for field in [
        &mut evil.comm,
        &mut evil.exe,
        &mut evil.user,
        &mut evil.cgroup,
        &mut evil.unit,
        &mut evil.user_unit,
        &mut evil.cmdline,
    ] {
        *field = Some(text.clone());
    }
    b.0.host.hostname = Some(text.clone());
    b.0.host.boot_id = Some(text.clone());
    b.0.host.kernel = Some(text.clone());
    b.0.namespaces[0].name = Some(text.clone());
    b.0.namespaces[0].kind = NetNsKind::Other;
    // Made from text where it is collected: it should come escaped, and must not harm where it does not.
    let raw = String::from_utf8_lossy(text.as_bytes()).into_owned();
    b.0.gaps = vec![Gap { what: raw.clone(), why: raw.clone(), consequence: raw.clone(), remedy: raw.clone() }];
    b.0.tables[0].status = TableStatus::Unstable;
    b.0.tables[0].error = Some(raw.clone());
    b.inet(Transport::Tcp, "0.0.0.0:22", &[process]).interface = text.clone();
    let path = Local::Unix { kind: UnixKind::Stream, path: text.clone() };
    let endpoint = format!("unix/stream:{}", text.escaped());
    b.local(Transport::Unix, path, &endpoint, &[process]);
    let packet = b.local(Transport::Packet, Local::Packet { protocol: 3, cooked: false }, &raw, &[process]);
    packet.interface = text.clone();
    b.finding(&CLEARTEXT, Severity::Critical, &raw, &raw);
    b.0.findings[0].evidence.push(Evidence::new("owner", raw));
    b.report()
}
