//! Whole hosts, judged.

use std::collections::BTreeSet;

use super::judge;
use super::sample::{host, socket};
use crate::finding::Severity;
use crate::model::{
    Hidepid, Holder, NamespaceKind, NetNs, NetNsKind, OwnerStatus, Process, Scope, Snapshot, Text, UnitState,
};
use crate::registry::{Registry, Verdict};
use crate::report::{Counterpart, Listener, MAX_OWNERS, Report, Role};

fn judged(snapshot: Snapshot) -> Report {
    judge(snapshot, &Registry::builtin(), "0".repeat(32))
}

fn of(listeners: &[&str]) -> Report {
    judged(host(listeners))
}

fn pids(report: &Report, listener: &Listener) -> Vec<u32> {
    listener.owners.iter().map(|owner| report.process(owner).pid).collect()
}

fn told(report: &Report) -> Vec<(&str, &str, Severity)> {
    let of =
        |finding: &crate::finding::Finding| report.listeners[finding.listener().expect("of one")].endpoint.as_str();
    report.findings.iter().map(|finding| (of(finding), finding.rule.name, finding.severity)).collect()
}

#[test]
fn a_plain_debian_server_has_nothing_above_low() {
    let report = of(&[
        "tcp/0.0.0.0:22 exe=/usr/sbin/sshd unit=ssh.service exe=/usr/lib/systemd/systemd pid=1",
        "tcp/[::]:22 v6only exe=/usr/sbin/sshd unit=ssh.service",
        "tcp/0.0.0.0:80 exe=/usr/sbin/nginx unit=nginx.service",
        "tcp/0.0.0.0:443 exe=/usr/sbin/nginx unit=nginx.service",
        "udp/127.0.0.1:323 exe=/usr/sbin/chronyd",
        "udp/[::1]:323 exe=/usr/sbin/chronyd",
        "tcp/127.0.0.1:25 exe=/usr/lib/postfix/sbin/master",
        "tcp/127.0.0.1:6379 exe=/usr/bin/redis-check-rdb",
        "tcp/127.0.0.1:5432 exe=/usr/lib/postgresql/17/bin/postgres",
        "tcp/127.0.0.1:53 exe=/usr/sbin/unbound",
        "udp/127.0.0.1:53 exe=/usr/sbin/unbound",
        "udp/0.0.0.0%eth0:68 exe=/usr/sbin/dhclient",
    ]);
    assert_eq!(
        told(&report),
        [
            ("tcp/0.0.0.0:80", "cleartext-protocol", Severity::Low),
            ("tcp/127.0.0.1:6379", "unauthenticated-control", Severity::Low),
            ("tcp/0.0.0.0:22", "management-exposed", Severity::Info),
            ("tcp/[::]:22", "management-exposed", Severity::Info),
        ]
    );
    assert!(report.listeners.iter().all(|l| l.owner_status == OwnerStatus::Known));
    let ssh = report.listeners.iter().find(|l| l.endpoint == "tcp/0.0.0.0:22").expect("sshd");
    assert_eq!(ssh.service.as_ref().map(|s| (s.name, s.claim)), Some(("ssh", Verdict::Confirmed)));
    assert_eq!(ssh.owners.iter().map(|owner| owner.role).collect::<Vec<_>>(), [Role::Server, Role::Activator]);
}

#[test]
fn the_secure_counterpart_is_named_and_looked_for() {
    let alone = of(&["tcp/0.0.0.0:3221 exe=/usr/sbin/mgd"]);
    let both = of(&["tcp/0.0.0.0:3221 exe=/usr/sbin/mgd", "tcp/0.0.0.0:3220 exe=/usr/sbin/mgd"]);
    for (report, words, listens) in
        [(&alone, "which is not listening here", false), (&both, "which listens here too", true)]
    {
        let finding = &report.findings[0];
        assert_eq!((finding.rule.name, finding.severity), ("cleartext-management", Severity::Critical));
        assert!(finding.message.starts_with("serves xnm-clear-text, which is cleartext by design"), "{finding:?}");
        assert!(finding.remedy.starts_with(&format!("use 3220/tcp xnm-ssl, {words}")), "{}", finding.remedy);
        assert!(finding.remedy.contains("830"), "{}", finding.remedy);
        let service = report.listeners[finding.listener().expect("of one")].service.as_ref().expect("xnm-clear-text");
        let secure = service.secure_counterpart.iter().find_map(|one| match one {
            Counterpart::Service { port: 3220, listening, .. } => Some(*listening),
            _ => None,
        });
        assert_eq!((service.name, service.claim, secure), ("xnm-clear-text", Verdict::Confirmed, Some(listens)));
    }
}

#[test]
fn a_socket_that_only_keeps_the_port_does_not_listen_there() {
    let report = of(&["tcp/0.0.0.0:3221 exe=/usr/sbin/mgd", "tcp/0.0.0.0:3220 exe=/usr/sbin/mgd state=bound"]);
    assert!(report.findings[0].remedy.contains("xnm-ssl, which is not listening here"), "{:?}", report.findings);
}

#[test]
fn a_number_claims_and_the_owner_decides() {
    let service = |listener: &str| {
        let report = of(&[listener]);
        let service = report.listeners[0].service.clone().expect(listener);
        (service.name, service.claim, service.iana_name)
    };
    assert_eq!(service("tcp/0.0.0.0:3221 exe=/usr/bin/python3.13"), ("xnm-clear-text", Verdict::Open, None));
    let (name, verdict, iana) = service("tcp/0.0.0.0:3220 exe=/usr/sap/PRD/D20/exe/disp+work");
    assert!(name.contains("sap"), "{name}");
    assert_eq!((verdict, iana), (Verdict::Confirmed, Some("xnm-ssl")));
    assert_eq!(service("udp/127.0.0.1:323 exe=/usr/sbin/chronyd").0, "chrony-cmd");
    assert_eq!(service("tcp/127.0.0.1:323 exe=/usr/bin/routinator").0, "rpki-rtr");
    assert_eq!(service("tcp/0.0.0.0:6379 exe=/usr/sbin/nginx").1, Verdict::Contradicted);
}

#[test]
fn an_open_claim_says_what_it_rests_on() {
    let report = of(&["tcp/0.0.0.0:23 exe=/opt/acme/console"]);
    let finding = &report.findings[0];
    assert!(finding.message.starts_with("claims telnet"), "{}", finding.message);
    let owner: Vec<&str> = finding.evidence.iter().filter(|e| e.kind == "owner").map(|e| e.text.as_str()).collect();
    assert_eq!(owner, ["the port number alone; /opt/acme/console does not decide it"]);
    let report = of(&["tcp/0.0.0.0:23"]);
    assert!(report.findings[0].evidence.iter().any(|e| e.text == "the port number alone; the owner is not verified"));
}

#[test]
fn a_name_that_its_user_chose_is_no_evidence() {
    // Open to everybody: no copy of a web server makes that a mere contradiction.
    let report = of(&["tcp/0.0.0.0:6379 exe=/home/eve/nginx uid=1000 writable"]);
    let at = "tcp/0.0.0.0:6379";
    let want =
        [(at, "unauthenticated-control", Severity::Critical), (at, "executable-in-writable-place", Severity::Medium)];
    assert_eq!(told(&report), want);
    // Where a program may be believed, it is the one that is named.
    for (one, other) in [("redis-server", "unauthenticated-control"), ("nginx", "unexpected-owner")] {
        let line = format!("tcp/0.0.0.0:6379 exe=/home/eve/{one} uid=1000 writable exe=/usr/bin/{one} pid=77");
        let report = of(&[&line]);
        let finding = report.findings.iter().find(|finding| finding.rule.name == other).expect(other);
        let evidence: Vec<&str> = finding.evidence.iter().map(|evidence| evidence.text.as_str()).collect();
        assert!(evidence.iter().all(|text| !text.contains("/home/eve")), "{evidence:?}");
        assert!(evidence.iter().any(|text| text.contains("/usr/bin")), "{evidence:?}");
    }
}

#[test]
fn one_theme_has_one_finding_and_the_graver_severity() {
    let report = of(&["tcp/0.0.0.0:6379 exe=/usr/bin/redis-check-rdb file=deleted"]);
    let mut themes: Vec<_> = report.findings.iter().map(|finding| finding.rule.theme.name()).collect();
    themes.sort_unstable();
    assert_eq!(themes, ["exposure", "identity"]);
    let exposure = &report.findings[0];
    assert_eq!((exposure.rule.name, exposure.severity), ("unauthenticated-control", Severity::Critical));
    let listener = &report.listeners[0];
    assert_eq!((listener.findings.as_slice(), listener.severity), (&[0, 1][..], Some(Severity::Critical)));
}

#[test]
fn where_nobody_is_seen_the_first_reason_counts() {
    let status = |change: fn(&mut Snapshot)| {
        let mut snapshot = host(&["udp/0.0.0.0:51820 nobody"]);
        change(&mut snapshot);
        judged(snapshot).listeners[0].owner_status
    };
    assert_eq!(status(|_| {}), OwnerStatus::None);
    assert_eq!(status(|s| s.counts.no_permission = 1), OwnerStatus::Denied);
    assert_eq!(status(|s| s.counts.denied_despite_caps = 1), OwnerStatus::Denied);
    assert_eq!(status(|s| s.counts.hidden_descriptors = 1), OwnerStatus::Unknown);
    assert_eq!(status(|s| s.counts.hidden_possible = true), OwnerStatus::Unknown);
    assert_eq!(status(|s| s.vantage.pid_ns = None), OwnerStatus::Unknown);
    let hides = |s: &mut Snapshot| {
        s.vantage.hidepid = Some(Hidepid::Invisible);
        s.counts.hidden_possible = true;
    };
    assert_eq!(status(hides), OwnerStatus::Denied);
    let nested = |s: &mut Snapshot| {
        s.vantage.pid_ns = Some(NamespaceKind::Nested);
        s.counts.hidden_possible = true;
    };
    assert_eq!(status(nested), OwnerStatus::OtherPidNamespace);
    assert_eq!(status(|s| (s.sockets[0].raced, s.counts.no_permission) = (true, 1)), OwnerStatus::Vanished);
}

#[test]
fn a_port_that_the_kernel_chose_is_ephemeral_unless_it_has_a_name() {
    let report = of(&["udp/0.0.0.0:40123 nobody", "udp/0.0.0.0:51820 nobody", "udp/0.0.0.0:5353 nobody"]);
    let seen: Vec<_> = report.listeners.iter().map(|l| (l.socket.port(), l.ephemeral)).collect();
    assert_eq!(seen, [(Some(5353), false), (Some(40123), true), (Some(51820), false)]);
}

#[test]
fn ids_are_unique_where_the_kernel_tells_no_cookie() {
    let mut snapshot = host(&[]);
    for (inode, port) in [(7, 1), (7, 2), (0, 3), (0, 3), (0, 4)] {
        let mut socket = socket(&format!("tcp/0.0.0.0:{port}"), inode);
        socket.cookie = None;
        snapshot.sockets.push(socket);
    }
    let report = judged(snapshot.clone());
    let ids: Vec<u64> = report.listeners.iter().map(|listener| listener.id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 5);
    let groups: Vec<u64> = report.listeners.iter().map(|listener| listener.group).collect();
    assert_eq!(groups[2], groups[3]);
    assert_eq!(groups.iter().collect::<BTreeSet<_>>().len(), 4);
    snapshot.sockets.reverse();
    assert_eq!(judged(snapshot).listeners.iter().map(|listener| listener.id).collect::<Vec<_>>(), ids);
}

#[test]
fn ids_do_not_change_from_one_version_to_the_next() {
    let report = of(&["tcp/0.0.0.0:22 exe=/usr/sbin/sshd"]);
    let listener = &report.listeners[0];
    insta::assert_snapshot!(format!("{:016x} {:016x}", listener.id, listener.group));
}

#[test]
fn namespaces_are_told_apart_and_the_host_comes_first() {
    let mut snapshot = host(&["tcp/0.0.0.0:22 nobody", "tcp/0.0.0.0:22 nobody"]);
    let other = NetNs {
        inode: Some(5),
        name: Some(Text::from("blue")),
        kind: NetNsKind::Other,
        interfaces: None,
        addresses: None,
    };
    snapshot.namespaces.insert(0, other);
    snapshot.sockets[0].netns = 1;
    snapshot.sockets[1].cookie = snapshot.sockets[0].cookie;
    let report = judged(snapshot);
    assert_eq!(report.namespaces.iter().map(|ns| ns.kind).collect::<Vec<_>>(), [NetNsKind::Host, NetNsKind::Other]);
    let [one, other] = &report.listeners[..] else { panic!("{:?}", report.listeners) };
    assert_eq!((report.netns(one).kind, one.socket.inode), (NetNsKind::Host, 1));
    assert_ne!((one.id, one.group), (other.id, other.group));
    assert_ne!(one.group, other.group);
}

#[test]
fn a_wildcard_that_nobody_can_reach_is_judged_as_loopback() {
    let report = of(&["tcp/0.0.0.0:6379 exe=/usr/bin/redis-check-rdb alone"]);
    assert_eq!((report.listeners[0].scope, report.listeners[0].exposure), (Scope::Wildcard, Scope::Loopback));
    assert_eq!(told(&report), [("tcp/0.0.0.0:6379", "unauthenticated-control", Severity::Low)]);
}

#[test]
fn activators_come_last_and_parents_before_their_children() {
    let cases: [(&str, &[u32]); 6] = [
        // A prefork server: the parent forked a child with a lower pid after the numbers wrapped around.
        ("exe=/usr/sbin/nginx pid=50 ppid=900 start=9 exe=/usr/sbin/nginx pid=900 start=5", &[900, 50]),
        // Within one tick only the parent tells who was first.
        ("exe=/usr/sbin/nginx pid=50 ppid=900 start=5 exe=/usr/sbin/nginx pid=900 start=5", &[900, 50]),
        ("exe=/usr/sbin/a pid=7 start=6 exe=/usr/sbin/b pid=9 start=5 exe=/usr/sbin/c pid=8 start=6", &[9, 7, 8]),
        ("exe=/usr/lib/systemd/systemd pid=1 ppid=0 start=1 exe=/usr/sbin/sshd pid=700 start=9", &[700, 1]),
        ("exe=/usr/lib/systemd/systemd pid=1 ppid=0 start=1", &[1]),
        // A ring of parents, as a snapshot of a moving host may show it.
        ("exe=/usr/sbin/a pid=7 ppid=8 start=6 exe=/usr/sbin/b pid=8 ppid=7 start=5", &[8, 7]),
    ];
    for (holders, want) in cases {
        let report = of(&[&format!("tcp/0.0.0.0:22 {holders}")]);
        assert_eq!(pids(&report, &report.listeners[0]), want, "{holders}");
    }
}

#[test]
fn a_name_that_its_user_chose_makes_no_role() {
    let role = |holder: &str| of(&[&format!("tcp/0.0.0.0:22 {holder}")]).listeners[0].owners[0].role;
    assert_eq!(role("exe=/usr/lib/systemd/systemd pid=40"), Role::Activator);
    assert_eq!(role("exe=/usr/sbin/xinetd"), Role::Activator);
    assert_eq!(role("exe=/usr/bin/docker-proxy"), Role::Proxy);
    assert_eq!(role("exe=/home/eve/systemd uid=1000 writable"), Role::Server);
    assert_eq!(role("exe=/usr/lib/systemd/systemd uid=1000 file=foreign"), Role::Server);
    assert_eq!(role("exe=/sbin/whatever pid=1 file=unreadable"), Role::Activator);
}

#[test]
fn of_many_owners_every_kind_is_listed() {
    let mut snapshot = host(&["tcp/0.0.0.0:80"]);
    snapshot.counts.no_permission = 0;
    for pid in 0..500 {
        let mut process = host(&["tcp/0.0.0.0:80 exe=/usr/sbin/nginx"]).processes.remove(0);
        (process.pid, process.start_ticks) = (1000 + pid, Some(u64::from(pid)));
        if pid == 400 {
            process.uid = Some(33);
        }
        if pid == 450 {
            process.unit = Some(Text::from("other.service"));
            process.unit_state = UnitState::Known;
        }
        snapshot.processes.push(process);
        snapshot.holders.push(Holder::proved(0, pid, 6 + pid));
    }
    let report = judged(snapshot);
    let listener = &report.listeners[0];
    assert_eq!((listener.owner_count, listener.owners.len(), report.processes.len()), (500, MAX_OWNERS, 500));
    let pids = pids(&report, listener);
    assert_eq!(pids[..62], (1000..1062).collect::<Vec<_>>());
    assert_eq!(pids[62..], [1400, 1450]);
    assert_eq!(listener.owners[62].fd, 406);
}

#[test]
fn a_process_that_holds_nothing_is_left_out() {
    let mut snapshot = host(&["tcp/0.0.0.0:22 exe=/usr/sbin/sshd pid=9 exe=/usr/sbin/sshd pid=4"]);
    let idle = Process { pid: 2, ..snapshot.processes[0].clone() };
    snapshot.processes.insert(0, idle);
    for holder in &mut snapshot.holders {
        holder.process += 1;
    }
    let report = judged(snapshot);
    assert_eq!(report.processes.iter().map(|process| process.pid).collect::<Vec<_>>(), [4, 9]);
    assert_eq!(pids(&report, &report.listeners[0]), [9, 4]);
}

#[test]
fn text_from_the_system_is_escaped_in_every_sentence() {
    let report = of(&[
        "tcp/0.0.0.0:6379 exe=/tmp/a\\u{1b}[2K file=deleted",
        "tcp/127.0.0.1:4444 exe=/opt/b\\u{a}c file=deleted unit=x\\u{202e}.service",
        "tcp/0.0.0.0:23 exe=/opt/\\u{9b}31m",
    ]);
    assert!(report.findings.len() >= 4, "{:?}", report.findings);
    for finding in &report.findings {
        let evidence = finding.evidence.iter().map(|evidence| &evidence.text);
        for text in evidence.chain([&finding.message, &finding.remedy]) {
            assert!(!text.contains(['\u{1b}', '\n', '\u{202e}', '\u{9b}']), "{text:?}");
        }
    }
}

mod order {
    use proptest::prelude::*;

    use super::*;

    /// The same host, told in another order.
    fn shuffled(mut snapshot: Snapshot, sockets: &[usize], processes: &[usize]) -> Snapshot {
        let place = |order: &[usize], old: u32| order.iter().position(|at| *at == old as usize).expect("a permutation");
        snapshot.sockets = sockets.iter().map(|at| snapshot.sockets[*at].clone()).collect();
        snapshot.processes = processes.iter().map(|at| snapshot.processes[*at].clone()).collect();
        for holder in &mut snapshot.holders {
            holder.socket = place(sockets, holder.socket) as u32;
            holder.process = place(processes, holder.process) as u32;
        }
        snapshot
    }

    fn sample() -> Snapshot {
        let mut snapshot = host(&[
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd exe=/usr/lib/systemd/systemd pid=1",
            "tcp/[::]:22 v6only exe=/usr/sbin/sshd",
            "tcp/0.0.0.0:3221 exe=/usr/sbin/mgd exe=/usr/sbin/mgd ppid=1003",
            "tcp/127.0.0.1:6379 exe=/usr/bin/redis-check-rdb",
            "udp/0.0.0.0%eth0:68 exe=/usr/sbin/dhclient file=deleted",
            "udp/0.0.0.0:5353 exe=/usr/sbin/avahi-daemon",
            "udp/0.0.0.0:5353 exe=/usr/sbin/avahi-daemon",
            "raw/0.0.0.0:proto=1 exe=/usr/bin/ping",
            "packet/eth0:all exe=/usr/bin/tcpdump",
            "udp/0.0.0.0:51820 nobody",
            "udp/[::]:53 exe=/usr/sbin/dnsmasq",
            "udp/10.0.0.6:53 exe=/usr/sbin/named",
            "udp/10.0.0.5:53 exe=/usr/sbin/unbound",
        ]);
        snapshot.sockets[6].cookie = None;
        snapshot.sockets[9].cookie = None;
        snapshot.sockets[9].inode = 0;
        snapshot
    }

    proptest! {
        #[test]
        fn depends_on_content_alone(
            sockets in Just((0..13).collect::<Vec<usize>>()).prop_shuffle(),
            processes in Just((0..14).collect::<Vec<usize>>()).prop_shuffle(),
        ) {
            let snapshot = sample();
            prop_assert_eq!(snapshot.processes.len(), 14);
            let want = format!("{:#?}", judged(snapshot.clone()));
            let got = format!("{:#?}", judged(shuffled(snapshot, &sockets, &processes)));
            prop_assert_eq!(got, want);
        }
    }

    #[test]
    fn the_gravest_comes_first() {
        let report = judged(sample());
        assert!(report.findings.is_sorted_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.about)));
        let endpoints: Vec<&str> = report.listeners.iter().map(|listener| listener.endpoint.as_str()).collect();
        assert_eq!(
            endpoints,
            [
                "tcp/0.0.0.0:22",
                "tcp/[::]:22",
                "tcp/0.0.0.0:3221",
                "tcp/127.0.0.1:6379",
                "udp/10.0.0.5:53",
                "udp/10.0.0.6:53",
                "udp/[::]:53",
                "udp/0.0.0.0%eth0:68",
                "udp/0.0.0.0:5353",
                "udp/0.0.0.0:5353",
                "udp/0.0.0.0:51820",
                "raw/0.0.0.0:proto=1",
                "packet/eth0:all",
            ]
        );
    }
}

#[test]
fn a_finding_names_the_likeliest_service_or_none() {
    // Some that share 8080 give a terminal to everybody; the likeliest does not, and no owner speaks for them.
    let report = of(&["tcp/0.0.0.0:8080"]);
    assert_eq!(told(&report), [("tcp/0.0.0.0:8080", "cleartext-protocol", Severity::Low)]);
}

#[test]
fn of_a_flood_no_row_is_lost() {
    let mut snapshot = super::sample::example("netns listeners=1500:1000 listeners=20:0 => medium").snapshot;
    let other = NetNs {
        inode: Some(5),
        name: Some(Text::from("blue")),
        kind: NetNsKind::Other,
        interfaces: None,
        addresses: None,
    };
    snapshot.namespaces.push(other);
    let ssh = socket("tcp/0.0.0.0:22", 9000);
    snapshot.sockets.push(crate::model::Socket { netns: 1, uid: Some(1000), ..ssh });
    let report = judged(snapshot);
    assert_eq!(report.listeners.len(), 1521);
    let floods: Vec<_> = report.findings.iter().filter(|finding| finding.rule.name == "listener-flood").collect();
    let [flood] = floods[..] else { panic!("{floods:?}") };
    assert_eq!((report.netns_of(flood).map(|netns| netns.kind), flood.listener()), (Some(NetNsKind::Host), None));
    let evidence: Vec<&str> = flood.evidence.iter().map(|evidence| evidence.text.as_str()).collect();
    assert_eq!(evidence, ["uid 1000: 1500 listeners"]);
}

#[test]
fn what_ipv4_is_kept_from_is_told_once() {
    // Kept to this host for IPv4, and both a wildcard and made for a local network alone for IPv6.
    let report = of(&[
        "tcp/[::]:5432 v6only exe=/usr/lib/postgresql/17/bin/postgres",
        "tcp/127.0.0.1:5432 exe=/usr/lib/postgresql/17/bin/postgres",
    ]);
    let [finding] = &report.findings[..] else { panic!("{:?}", report.findings) };
    assert_eq!((finding.rule.name, finding.severity), ("dual-stack-surprise", Severity::Medium));
    assert_eq!(finding.also, ["exposed-beyond-purpose", "wildcard-bind"]);
}

#[test]
fn a_port_is_nobodys_choice_where_the_range_is_not_known() {
    let rules = |range| {
        let mut snapshot = host(&["tcp/10.0.0.5:40123 exe=/usr/bin/redis-server"]);
        snapshot.host.ephemeral_ports = range;
        told(&judged(snapshot)).iter().map(|(_, rule, _)| (*rule).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rules(Some((50_000, 60_999))), ["nonstandard-port"]);
    assert!(rules(Some((32_768, 60_999))).is_empty());
    assert!(rules(None).is_empty());
}
