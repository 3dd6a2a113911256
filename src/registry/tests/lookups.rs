//! Ports whose answers are known, the traps among them.

use crate::model::{Severity, Transport};

use super::super::{Counterpart, Entry, EntrySource, Exposure, Registry, Security};

fn names(transport: Transport, port: u16) -> Vec<&'static str> {
    Registry::builtin().candidates(transport, port).into_iter().map(Entry::name).collect()
}

#[test]
fn a_transport_decides_what_a_port_is() {
    assert_eq!(names(Transport::Tcp, 323), ["rpki-rtr"]);
    assert_eq!(names(Transport::Udp, 323), ["chrony-cmd"]);
    let chrony = Registry::builtin().candidates(Transport::Udp, 323)[0];
    assert_eq!(chrony.iana_name(), Some("(reserved)"));
    assert_eq!(Registry::builtin().iana_name(Transport::Udp, 323), None);
    assert_eq!(names(Transport::UdpLite, 323), ["chrony-cmd"]);
    assert_eq!(names(Transport::Raw, 323), [""; 0]);
    assert_eq!(names(Transport::Vsock, 22), [""; 0]);
}

#[test]
fn one_port_has_many_claimants_and_all_are_told() {
    let registry = Registry::builtin();
    assert_eq!(names(Transport::Tcp, 22), ["ssh"]);
    assert_eq!(names(Transport::Tcp, 830), ["netconf-ssh"]);
    // SAP's dispatchers, 32NN, lie around Junos XNM.
    assert_eq!(names(Transport::Tcp, 3220), ["xnm-ssl", "sap-dispatcher"]);
    assert_eq!(names(Transport::Tcp, 3221), ["xnm-clear-text", "sap-dispatcher"]);
    assert!(registry.clash(Transport::Tcp, 3220).is_some_and(|text| text.contains("SAP")));
    assert_eq!(registry.clash(Transport::Udp, 3220), None);
    // IANA's own name comes before what is merely common, exact ports before ranges, bare names last.
    assert_eq!(names(Transport::Tcp, 8080)[0], "http-alt");
    assert_eq!(names(Transport::Tcp, 3323), ["rpki-rtr-unpriv", "active-net"]);
    assert_eq!(names(Transport::Tcp, 3210), ["sap-dispatcher", "flamenco-proxy"]);
    assert_eq!(names(Transport::Tcp, 1), ["tcpmux"]);
    assert_eq!(names(Transport::Tcp, 4), [""; 0]);
}

#[test]
fn iana_has_ranges_and_rows_without_a_transport() {
    let registry = Registry::builtin();
    for (port, transport) in [(3322, Transport::Tcp), (3323, Transport::Udp), (3325, Transport::Sctp)] {
        assert_eq!(registry.iana_name(transport, port), Some(("active-net", "Active Networks")), "{port}");
    }
    assert_eq!(registry.iana_name(Transport::Tcp, 3326).map(|(name, _)| name), Some("sftu"));
    for port in [6000, 6031, 6063] {
        assert_eq!(registry.iana_name(Transport::Tcp, port).map(|(name, _)| name), Some("x11"));
        assert_eq!(registry.iana_name(Transport::Udp, port).map(|(name, _)| name), Some("x11"));
        assert!(names(Transport::Tcp, port).contains(&"x11"), "{port}");
    }
    assert_eq!(registry.iana_name(Transport::Sctp, 6000), None);
    // Of several names the registry knows the one to use.
    assert_eq!(registry.iana_name(Transport::Tcp, 80).map(|(name, _)| name), Some("http"));
    assert_eq!(registry.iana_name(Transport::Udp, 80).map(|(name, _)| name), Some("www-http"));
    assert_eq!(registry.iana_name(Transport::Tcp, 9100).map(|(name, _)| name), Some("hp-pdl-datastr"));
    let rtr = registry.candidates(Transport::Tcp, 3323)[0];
    assert_eq!((rtr.source(), rtr.iana_name()), (EntrySource::Defacto, Some("active-net")));
}

#[test]
fn an_entry_tells_what_stands_in_the_file() {
    let xnm = Registry::builtin().candidates(Transport::Tcp, 3221)[0];
    assert_eq!((xnm.ports(), xnm.transport(), xnm.source()), (3221..=3221, Some(Transport::Tcp), EntrySource::Iana));
    assert_eq!(xnm.is_management(), Some(true));
    assert_eq!(xnm.plane(), Some("management"));
    assert_eq!(xnm.category(), Some("management"));
    assert_eq!(xnm.security(), Some(Security::Cleartext));
    assert!(xnm.security().is_some_and(Security::is_cleartext));
    assert_eq!(xnm.auth(), Some("password-cleartext"));
    assert_eq!(xnm.exposure(), Some(Exposure::Loopback));
    let secure: Vec<Counterpart> = xnm.counterparts().collect();
    let service = |port, name| Counterpart::Service { transport: Transport::Tcp, port, name };
    assert_eq!(secure, [service(3220, "xnm-ssl"), service(830, "netconf-ssh")]);
    let weakness = xnm.weakness().expect("it is weak");
    let levels = (weakness.public, weakness.lan, weakness.loopback);
    assert_eq!(levels, (Severity::Critical, Severity::High, Severity::Info));
    assert!(!weakness.condition.is_empty());
    assert_eq!(xnm.owners().collect::<Vec<_>>(), ["mgd", "inetd"]);
    assert!(!xnm.takes_any_owner() && !xnm.is_bare());
    // Only the exception is written: what has a protection and no mark does not manage.
    assert_eq!(Registry::builtin().candidates(Transport::Tcp, 5432)[0].is_management(), Some(false));
    let bare = Registry::builtin().candidates(Transport::Tcp, 1)[0];
    assert_eq!((bare.is_bare(), bare.is_management(), bare.weakness()), (true, None, None));
    assert_eq!((bare.name(), bare.title()), ("tcpmux", "TCP Port Service Multiplexer"));
    assert_eq!(Registry::builtin().by_name("active-net")[0].is_management(), None);
}

#[test]
fn names_are_found_in_any_case_and_by_any_alias() {
    let registry = Registry::builtin();
    let ports = |name: &str| registry.by_name(name).into_iter().map(|entry| *entry.ports().start()).collect::<Vec<_>>();
    assert_eq!(ports("XNM-SSL"), [3220, 3220]);
    assert_eq!(ports("www"), [80]);
    assert_eq!(ports("pdl-datastream")[0], 9100);
    assert!(registry.by_name("ssh").iter().any(|entry| entry.transport() == Some(Transport::Sctp)));
    // The port that an entry of its own describes is not told twice.
    let ssh = registry.by_name("ssh");
    assert_eq!(ssh.iter().filter(|entry| entry.transport() == Some(Transport::Tcp)).count(), 1, "{ssh:?}");
    assert_eq!(ports("no-such-service"), [0; 0]);
    assert!(registry.owned_by(b"sshd").iter().any(|entry| entry.name() == "ssh"));
    assert!(registry.owned_by(b"PHP-FPM8.2").iter().any(|entry| entry.name() == "php-fpm"));
    assert_eq!(registry.owned_by(b"*"), []);
}

#[test]
fn historical_notes_are_notes() {
    let registry = Registry::builtin();
    let notes = registry.historical(Transport::Tcp, 12_345);
    assert!(notes.iter().any(|note| note.association.contains("NetBus") && !note.evidence.is_empty()), "{notes:?}");
    for port in [3220, 3221, 3323] {
        // Nothing was found for these, which is no note.
        assert_eq!(registry.historical(Transport::Tcp, port), []);
    }
}
