use super::*;
use crate::judge::{judge, sample};
use crate::registry::Registry;
use crate::report::Report;

fn report(listeners: &[&str]) -> Report {
    let mut snapshot = sample::host(listeners);
    snapshot.host.unprivileged_port = Some(1024);
    judge(snapshot, &Registry::builtin(), String::new())
}

fn of(word: &str, report: Option<&Report>, others: &[PortUse]) -> Explanation {
    let registry = Registry::builtin();
    let sources = Sources { registry: &registry, report, others, unseen: None };
    explain(word, None, &sources).unwrap_or_else(|error| panic!("{word}: {error}"))
}

fn names(port: &PortExplanation) -> Vec<&str> {
    port.uses.iter().map(|known| known.name).collect()
}

#[test]
fn both_uses_of_3323_are_told() {
    let explanation = of("tcp/3323", None, &[]);
    let [port] = &explanation.ports[..] else { panic!("{explanation:?}") };
    assert_eq!(port.iana_name, Some("active-net"));
    assert!(names(port).iter().any(|name| name.starts_with("rpki-rtr")), "{:?}", names(port));
    let iana = port.uses.iter().find(|known| known.name == "active-net").expect("the assignment");
    assert_eq!((iana.ports, iana.source), ((3322, 3325), EntrySource::Iana));
    assert!(!explanation.looked && port.here.is_empty() && port.bind.is_empty());
}

#[test]
fn junos_and_sap_share_3220_and_3221() {
    for (word, junos) in [("tcp/3220", "xnm-ssl"), ("tcp/3221", "xnm-clear-text")] {
        let explanation = of(word, None, &[]);
        let uses = &explanation.ports[0].uses;
        assert_eq!(uses[0].name, junos);
        assert!(uses.iter().any(|known| known.title.contains("SAP") || known.name.contains("sap")), "{uses:?}");
    }
}

#[test]
fn a_transport_is_never_lost() {
    let explanation = of("323", None, &[]);
    let transports: Vec<Transport> = explanation.ports.iter().map(|port| port.transport).collect();
    assert_eq!(transports, [Transport::Tcp, Transport::Udp]);
    assert_eq!(explanation.ports[0].iana_name, Some("rpki-rtr"));
    assert_ne!(names(&explanation.ports[0]), names(&explanation.ports[1]));
    assert_eq!(of("323/udp", None, &[]).ports.len(), 1);
}

#[test]
fn what_holds_a_port_is_told_with_its_findings() {
    let report = report(&["tcp/0.0.0.0:3221 exe=/usr/local/sbin/xnmd pid=42", "tcp/[::]:22 exe=/usr/sbin/sshd"]);
    let explanation = of("3221", Some(&report), &[]);
    let tcp = &explanation.ports[0];
    let [here] = &tcp.here[..] else { panic!("{tcp:?}") };
    assert_eq!((here.endpoint.as_str(), here.owners[0].pid), ("tcp/0.0.0.0:3221", 42));
    assert!(here.findings.iter().any(|finding| finding.rule.name == "cleartext-management"), "{here:?}");
    assert_eq!(tcp.bind, [BindProblem::Held { endpoint: "tcp/0.0.0.0:3221".to_owned(), overlap: Overlap::Same }]);
    assert!(explanation.ports[1].here.is_empty() && explanation.ports[1].bind.is_empty());
}

#[test]
fn bind_fails_for_more_than_listeners() {
    let report = report(&["tcp/[::]:80 exe=/usr/sbin/nginx"]);
    let taken = |time_wait| PortUse {
        transport: Transport::Tcp,
        ip: IpAddr::from([10, 0, 0, 5]),
        port: 80,
        time_wait,
        dual_stack: false,
    };
    let explanation = of("tcp/0.0.0.0:80", Some(&report), &[taken(false), taken(true), taken(true)]);
    let port = &explanation.ports[0];
    assert_eq!(port.address, Some(IpAddr::from([0, 0, 0, 0])));
    assert_eq!(
        port.bind,
        [
            BindProblem::Held { endpoint: "tcp/[::]:80".to_owned(), overlap: Overlap::DualStack },
            BindProblem::BoundOnly { endpoint: "tcp/10.0.0.5:80".to_owned(), overlap: Overlap::Wildcard },
            BindProblem::TimeWait { addresses: 2 },
            BindProblem::Privilege { unprivileged_from: 1024 },
        ]
    );
    // Port 8080 is free, and needs no privilege.
    assert_eq!(of("tcp/8080", Some(&report), &[taken(true)]).ports[0].bind, []);
}

#[test]
fn names_lead_to_their_ports() {
    let ports = |word| {
        let explained = of(word, None, &[]).ports.into_iter();
        explained.map(|port| (port.transport, port.ports)).collect::<Vec<_>>()
    };
    assert!(ports("ssh").contains(&(Transport::Tcp, (22, 22))));
    assert!(ports("SSH").contains(&(Transport::Tcp, (22, 22))));
    assert!(ports("active-net").contains(&(Transport::Tcp, (3322, 3325))));
    assert!(ports("sshd").contains(&(Transport::Tcp, (22, 22))));
}

#[test]
fn what_nobody_knows_is_an_error() {
    let registry = Registry::builtin();
    let sources = Sources { registry: &registry, report: None, others: &[], unseen: None };
    for word in ["no-such-thing", "70000", "0", "tcp/70000", "unix/stream:/run/x", "3000-3999", "", "tcp/", "::1"] {
        let Err(error) = explain(word, None, &sources) else { panic!("{word}: explained") };
        assert!(error.to_string().contains(word) && !error.hint().is_empty(), "{word}: {error}");
    }
    // No hint is a command line that would be read as another.
    for word in ["", " ", "two words"] {
        assert!(!explain(word, None, &sources).expect_err("unknown").hint().contains("earmark list"), "{word}");
    }
    assert_eq!(of("40000", None, &[]).ports.len(), 2);
    assert_eq!(of("[::1]:22", None, &[]).ports[0].address, Some("::1".parse().expect("an address")));
}

#[test]
fn classes_of_ports() {
    let cases = [(0, "system"), (1023, "system"), (1024, "registered"), (49151, "registered"), (49152, "dynamic")];
    for (port, want) in cases {
        assert_eq!(PortClass::of(port).name(), want);
    }
}
