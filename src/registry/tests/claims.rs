//! What owners say to a claim.

use crate::model::Transport;

use super::super::{Claim, Entry, OwnerEvidence, Registry, Verdict};
use super::with_overlay;

fn owner(exe: &str) -> OwnerEvidence<'_> {
    OwnerEvidence { exe: exe.as_bytes(), verified: true, writable: false }
}

fn tcp(port: u16, owners: &[OwnerEvidence<'_>]) -> Claim {
    Registry::builtin().claim(Transport::Tcp, port, owners).expect("the port is known")
}

fn says(port: u16, exe: &str) -> (Verdict, &'static str) {
    let claim = tcp(port, &[owner(exe)]);
    (claim.verdict, claim.entry.name())
}

#[test]
fn a_listed_executable_confirms() {
    assert_eq!(says(22, "/usr/sbin/sshd"), (Verdict::Confirmed, "ssh"));
    assert_eq!(says(6379, "/usr/bin/redis-check-rdb"), (Verdict::Confirmed, "redis"));
    assert_eq!(says(9000, "/usr/sbin/php-fpm8.2"), (Verdict::Confirmed, "php-fpm"));
    assert_eq!(says(80, "C:\\Windows\\System32\\inetsrv\\W3WP.EXE"), (Verdict::Confirmed, "http"));
    // LXD's own entry says more than that of any web server.
    assert_eq!(says(8443, "/usr/sbin/lxd"), (Verdict::Confirmed, "lxd-api"));
    // The owner picks the second of two services, and the first becomes an alternative.
    let claim = tcp(9100, &[owner("/usr/bin/prometheus-node-exporter")]);
    assert_eq!((claim.verdict, claim.entry.name()), (Verdict::Confirmed, "node-exporter"));
    assert_eq!(claim.alternatives.first().map(|entry| entry.name()), Some("hp-pdl-datastr"));
    assert_eq!(claim.owner_is, []);
}

#[test]
fn only_a_verified_file_that_its_user_cannot_change_confirms() {
    let sshd = owner("/usr/sbin/sshd");
    assert_eq!(tcp(22, &[OwnerEvidence { verified: false, ..sshd }]).verdict, Verdict::Open);
    assert_eq!(tcp(22, &[OwnerEvidence { writable: true, ..sshd }]).verdict, Verdict::Open);
    assert_eq!(tcp(22, &[]).verdict, Verdict::Open);
    let nginx = owner("/usr/sbin/nginx");
    assert_eq!(tcp(3306, &[OwnerEvidence { verified: false, ..nginx }]).verdict, Verdict::Open);
    // A copy of it under another name must not make what listens there look like a mere mistake.
    assert_eq!(tcp(6379, &[OwnerEvidence { writable: true, ..nginx }]).verdict, Verdict::Open);
    assert_eq!(says(22, "/home/user/a\\sshd"), (Verdict::Open, "ssh"));
}

#[test]
fn the_server_of_another_service_contradicts() {
    let claim = tcp(3306, &[owner("/usr/sbin/nginx")]);
    assert_eq!((claim.verdict, claim.entry.name()), (Verdict::Contradicted, "mysql"));
    assert!(claim.owner_is.iter().any(|entry| entry.name() == "http"), "{:?}", claim.owner_is);
    assert_eq!(says(22, "/opt/something"), (Verdict::Open, "ssh"));
    // One that confirms is enough, wherever it stands.
    let both = [owner("/usr/sbin/nginx"), owner("/usr/sbin/mariadbd")];
    assert_eq!(tcp(3306, &both).verdict, Verdict::Confirmed);
    // A bare name of IANA can be contradicted too.
    assert_eq!(says(1, "/usr/sbin/nginx"), (Verdict::Contradicted, "tcpmux"));
}

#[test]
fn who_carries_any_service_says_nothing() {
    for exe in ["/usr/lib/systemd/systemd", "/usr/bin/docker-proxy", "/usr/sbin/inetd", "C:\\svchost.exe"] {
        assert_eq!(says(22, exe).0, Verdict::Open, "{exe}");
        assert_eq!(says(3306, exe).0, Verdict::Open, "{exe}");
    }
    for exe in ["/usr/bin/java", "/usr/bin/python3.11", "/usr/sbin/haproxy", "/usr/bin/ssh", "/usr/sbin/sshd"] {
        assert_ne!(says(1, exe).0, Verdict::Contradicted, "{exe}");
    }
    // `*` among the owners: any other may serve it.
    assert_eq!(says(50_051, "/usr/sbin/nginx").0, Verdict::Open);
}

#[test]
fn a_common_name_confirms_and_never_contradicts() {
    assert_eq!(says(1352, "/opt/hcl/domino/notes/latest/linux/server"), (Verdict::Confirmed, "lotusnote"));
    for exe in ["/opt/acme/server", "/opt/acme/agent", "/usr/bin/X", "/opt/acme/cache", "/opt/acme/bridge", "System"] {
        assert_eq!(says(6379, exe), (Verdict::Open, "redis"), "{exe}");
    }
    // Another name beside it still contradicts, and only that one is told.
    let claim = tcp(6379, &[owner("/opt/acme/server"), owner("/usr/sbin/nginx")]);
    assert_eq!(claim.verdict, Verdict::Contradicted);
    assert!(claim.owner_is.iter().all(|entry| entry.name() != "lotusnote"), "{:?}", claim.owner_is);
}

#[test]
fn an_interpreter_confirms_only_what_it_alone_can_be() {
    let java = "/usr/lib/jvm/java-17/bin/java";
    for (port, name) in [(8983, "solr"), (9200, "elasticsearch"), (2181, "zookeeper"), (9042, "cassandra-cql")] {
        assert_eq!(says(port, java), (Verdict::Confirmed, name));
    }
    assert_eq!(says(10_000, "/usr/bin/perl"), (Verdict::Confirmed, "webmin"));
    assert_eq!(says(5672, "/usr/lib/erlang/erts-13.1.5/bin/beam.smp"), (Verdict::Confirmed, "amqp"));
    // Jenkins, Keycloak, Zeppelin and more.
    assert_eq!(says(8080, java), (Verdict::Open, "http-alt"));
    // Listed once, but the port is not surely the product's.
    for (port, exe) in [(8787, java), (1080, "/usr/bin/ruby3.1"), (5005, java), (9000, java)] {
        assert_eq!(says(port, exe).0, Verdict::Open, "{port}");
    }
    // Openfire by Java and the Foreman proxy by Ruby: what runs anything is at home here.
    assert_eq!(says(9090, java).0, Verdict::Open);
    assert_eq!(says(9090, "/usr/bin/ruby3.1").0, Verdict::Open);
}

#[test]
fn what_the_administrator_says_of_an_interpreter_is_sure() {
    let ours = "[[service]]\nport = 8080\ntransport = \"tcp\"\nname = \"ours\"\nowners = [\"java\"]\n";
    let claim = |text: &str, exe| with_overlay(text).claim(Transport::Tcp, 8080, &[owner(exe)]).expect("known");
    let java = claim(ours, "/usr/bin/java");
    assert_eq!((java.verdict, java.entry.name()), (Verdict::Confirmed, "ours"));
    assert_eq!(claim(ours, "/usr/bin/python3").verdict, Verdict::Open);
    let theirs = ours.replace("ours", "theirs").replace("java", "node");
    assert_eq!(claim(&format!("{ours}{theirs}"), "/usr/bin/java").verdict, Verdict::Open);
}

#[test]
fn an_overlay_comes_first_and_is_weighed_alike() {
    let registry = with_overlay(
        "[[service]]\nport = 3221\ntransport = \"tcp\"\nname = \"our-feed\"\nowners = [\"feedd\"]\n\
         [[service]]\nport = \"40000-40009\"\ntransport = \"tcp\"\nname = \"our-range\"\n",
    );
    let names = |port| registry.candidates(Transport::Tcp, port).into_iter().map(Entry::name).collect::<Vec<_>>();
    assert_eq!(names(3221), ["our-feed", "xnm-clear-text", "sap-dispatcher"]);
    assert_eq!(names(40_009)[0], "our-range");
    let claim = |exe| registry.claim(Transport::Tcp, 3221, &[owner(exe)]).expect("known");
    assert_eq!(claim("/opt/feed/feedd").entry.name(), "our-feed");
    assert_eq!(claim("/opt/feed/feedd").verdict, Verdict::Confirmed);
    assert_eq!(claim("/usr/sbin/mgd").entry.name(), "xnm-clear-text");
    let elsewhere = registry.claim(Transport::Tcp, 22, &[owner("/opt/feed/feedd")]).expect("known");
    assert_eq!(elsewhere.verdict, Verdict::Contradicted);
    assert_eq!(elsewhere.owner_is.first().map(|entry| entry.name()), Some("our-feed"));
}

#[test]
fn nothing_is_claimed_where_nothing_is_known() {
    let registry = Registry::builtin();
    assert_eq!(registry.claim(Transport::Tcp, 4, &[owner("/usr/sbin/sshd")]), None);
    assert_eq!(registry.claim(Transport::Unix, 22, &[owner("/usr/sbin/sshd")]), None);
}
