//! An explanation that has everything.

use super::CLEARTEXT;
use crate::explain::*;
use crate::finding::{About, Evidence, Finding};
use crate::model::{Container, OwnerStatus, PackageState, Severity, Text, Transport};
use crate::report::{Counterpart, EntrySource, Role, Verdict};

/// What 3221 means on the router, where the holder is called `name`.
pub(in crate::render) fn explanation(name: &Text) -> Explanation {
    let junos = Use {
        name: "xnm-clear-text",
        title: "Junos XML management protocol, unencrypted",
        source: EntrySource::Iana,
        ports: (3221, 3221),
        management: Some(true),
        plane: Some("management"),
        security: Some("cleartext"),
        auth_default: Some("password-cleartext"),
        secure_counterpart: vec![
            Counterpart::Service { transport: Transport::Tcp, port: 3220, name: "xnm-ssl", listening: true },
            Counterpart::Text("NETCONF over SSH"),
        ],
        successor: Some("830/tcp NETCONF over SSH (RFC 6242); 9339/tcp gNMI"),
        processes: vec!["mgd", "inetd"],
        recommended_exposure: Some("loopback"),
        risk: Some("Credentials and configuration readable; barred in Junos-FIPS"),
        weakness: Some("Credentials, configuration and state readable; not permitted in Junos-FIPS"),
        severity: Some([Severity::Critical, Severity::High, Severity::Info]),
        condition: Some("only on a Junos host; test: show configuration system services"),
        reference: Some("Junos XML Management Protocol guide"),
        confidence: "high",
    };
    let sap = Use {
        name: "sap-dispatcher",
        title: "SAP dispatcher of instance 21",
        source: EntrySource::Vendor,
        ports: (3200, 3299),
        management: None,
        plane: None,
        security: None,
        auth_default: None,
        secure_counterpart: Vec::new(),
        successor: None,
        processes: vec![
            "disp+work",
            "icman",
            "gwrd",
            "msg_server",
            "enserver",
            "jstart",
            "sapstart",
            "wdisp",
            "rslgcoll",
        ],
        recommended_exposure: None,
        risk: None,
        weakness: None,
        severity: None,
        condition: None,
        reference: None,
        confidence: "medium",
    };
    let owner = |pid, role| HereOwner {
        pid,
        comm: Some(name.clone()),
        exe: Some(name.clone()),
        user: Some(name.clone()),
        uid: Some(0),
        unit: Some(name.clone()),
        container: Some(Container { runtime: "lxc", id: name.clone(), pod: None }),
        package: Some(name.clone()),
        package_state: PackageState::Owned,
        role,
    };
    let endpoint = "tcp/0.0.0.0:3221".to_owned();
    let finding = Finding {
        rule: &CLEARTEXT,
        severity: Severity::Critical,
        about: About::Listener(0),
        message: "passwords and configuration go in clear text, and anybody can reach it".to_owned(),
        evidence: vec![Evidence::new("registry", "the table says so")],
        remedy: "use 3220/tcp (xnm-ssl), which listens here too".to_owned(),
        also: Vec::new(),
        status: None,
        suppression: None,
    };
    let here = Here {
        endpoint: endpoint.clone(),
        service: Some("xnm-clear-text"),
        claim: Some(Verdict::Open),
        owner_status: OwnerStatus::Known,
        kernel_owner: None,
        owner_count: 3,
        owners: vec![owner(4242, Role::Server), owner(1, Role::Activator)],
        findings: vec![finding],
    };
    let vanished = Here {
        endpoint: "tcp/[::]:3221".to_owned(),
        owner_status: OwnerStatus::Vanished,
        kernel_owner: None,
        owner_count: 0,
        owners: Vec::new(),
        findings: Vec::new(),
        claim: Some(Verdict::Contradicted),
        ..here.clone()
    };
    let tcp = PortExplanation {
        transport: Transport::Tcp,
        ports: (3221, 3221),
        class: PortClass::of(3221),
        iana_name: Some("xnm-clear-text"),
        iana_title: Some("XML NM over TCP"),
        uses: vec![junos, sap],
        clash: Some("mgd runs on Junos alone; disp+work is SAP"),
        historical: vec![Historical {
            association: "Some Trojan",
            era: "1999-2001",
            confidence: "low",
            evidence: vec!["port lists"],
            note: "lists copy each other",
        }],
        here: vec![here, vanished],
        address: None,
        bind: vec![
            BindProblem::Held { endpoint: endpoint.clone(), overlap: Overlap::Same },
            BindProblem::BoundOnly { endpoint, overlap: Overlap::Wildcard },
            BindProblem::Held { endpoint: "tcp/[::]:3221".to_owned(), overlap: Overlap::DualStack },
            BindProblem::TimeWait { addresses: 2 },
            BindProblem::Privilege { unprivileged_from: 4096 },
        ],
    };
    let udp = PortExplanation {
        transport: Transport::Udp,
        iana_name: None,
        iana_title: None,
        uses: Vec::new(),
        clash: None,
        historical: Vec::new(),
        here: Vec::new(),
        address: Some([127, 0, 0, 1].into()),
        bind: Vec::new(),
        ..tcp.clone()
    };
    Explanation { word: "3221".to_owned(), rule: None, ports: vec![tcp, udp], looked: true, unseen: None }
}
