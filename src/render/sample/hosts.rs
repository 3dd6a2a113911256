//! Hosts as they are met.

use super::{Builder, CLEARTEXT, MISMATCH, UNAUTHENTICATED, service};
use crate::finding::{About, Evidence, Finding, Severity};
use crate::model::*;
use crate::report::{Counterpart, EntrySource, Exit, Report, Role, Verdict};

/// A plain web server: the four ways to listen on IPv4 and IPv6, workers, passing UDP, and sockets without ports.
pub(in crate::render) fn server() -> Report {
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
        let socket = b.inet(Transport::Udp, at, &[owner]);
        (socket.ephemeral, socket.port_by_chance) = (true, true);
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
pub(in crate::render) fn local() -> Report {
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
pub(in crate::render) fn router() -> Report {
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
pub(in crate::render) fn nobody() -> Report {
    let mut report = router();
    report.vantage = Vantage { uid: Some(65534), caps: Some(Vec::new()), ..report.vantage };
    report.counts = ProcessCounts { seen: 131, no_permission: 117, hidden_possible: true, ..report.counts };
    report.namespaces.push(NetNs {
        inode: Some(4_026_532_222),
        name: None,
        kind: NetNsKind::Other,
        interfaces: None,
        addresses: None,
    });
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

/// Containers of several runtimes, of which two share a port on the host's network.
pub(in crate::render) fn containers() -> Report {
    let mut b = Builder::new();
    let id = |digit: &str| Text::from(format!("1a2b3c4d5e6f{}", digit.repeat(52)).as_str());
    let pod = Some("2f1a0c1e-7d2b-4f66-9a3c-0d6e5b4c3a21".into());
    let held = [
        ("docker", id("0"), None, "docker-1a2b3c4d5e6f.scope"),
        ("containerd", id("7"), pod, "cri-containerd-1a2b3c4d5e6f.scope"),
        ("lxc", "web".into(), None, ""),
    ];
    let mut processes = Vec::new();
    for (at, (runtime, id, pod, unit)) in held.into_iter().enumerate() {
        let process = b.process(3000 + at as u32, "/usr/local/bin/server", ("root", 0), unit);
        b.0.processes[process].exe_state = ExeState::Foreign;
        b.0.processes[process].container = Some(Container { runtime, id, pod });
        b.0.processes[process].container_state = UnitState::Known;
        processes.push(process);
    }
    b.inet(Transport::Tcp, "0.0.0.0:8080", &processes[..2]);
    b.inet(Transport::Tcp, "0.0.0.0:9000", &processes[2..]);
    let denied = b.inet(Transport::Tcp, "0.0.0.0:9100", &[]);
    denied.owner_status = OwnerStatus::Denied;
    b.report()
}

/// A report in which `text` stands wherever text from outside can stand.
pub(in crate::render) fn hostile(text: &Text) -> Report {
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
        &mut evil.package,
    ] {
        *field = Some(text.clone());
    }
    evil.container = Some(Container { runtime: "lxc", id: text.clone(), pod: Some(text.clone()) });
    evil.container_state = UnitState::Known;
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
    b.0.findings[0].evidence.push(Evidence::new("owner", raw.clone()));
    // Of the namespace as a whole, below the one above.
    let of_listener = b.0.findings[0].clone();
    let lookup =
        SkLookup { netns: 0, link: 7, program: 19, name: text.clone(), tag: Some(raw.clone()), uid: Some(65_534) };
    b.0.sk_lookups = vec![lookup];
    b.0.usual_gaps = b.0.gaps.clone();
    b.0.findings.push(Finding { about: About::Namespace(0), severity: Severity::Medium, ..of_listener });
    b.report()
}
