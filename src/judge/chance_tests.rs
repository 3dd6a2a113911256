//! Numbers that the kernel hands out, and what they say of who has one.

use super::sample::{example, host};
use super::{judge, judge_by};
use crate::finding::Severity;
use crate::model::{Snapshot, Transport};
use crate::registry::{Registry, Verdict};
use crate::report::Report;

fn judged(snapshot: Snapshot) -> Report {
    judge(snapshot, &Registry::builtin(), "0".repeat(32))
}

/// Rule and severity of each finding about a listener.
fn told(report: &Report) -> Vec<(&'static str, Severity)> {
    report.findings.iter().map(|finding| (finding.rule.name, finding.severity)).collect()
}

#[test]
fn a_number_that_the_kernel_chose_claims_nothing_but_by_its_owner_or_the_policy() {
    let snapshot = |listener: &str, range| {
        let mut snapshot = host(&[listener]);
        snapshot.host.ephemeral_ports = range;
        let report = judged(snapshot);
        told(&report)
    };
    let range = Some((2000, 65_535));
    let docker = |severity| vec![("unauthenticated-control", severity)];
    assert_eq!(snapshot("tcp/0.0.0.0:2375 exe=/opt/acme/acmed", None), docker(Severity::Critical));
    assert_eq!(snapshot("tcp/10.0.0.5:2375 exe=/opt/acme/acmed", range), []);
    assert_eq!(snapshot("tcp/10.0.0.5:2375", range), []);
    assert_eq!(snapshot("tcp/0.0.0.0:2375 exe=/usr/bin/dockerd", range), docker(Severity::Critical));
    assert_eq!(snapshot("udp/0.0.0.0:47808 exe=/opt/acme/acmed", range), []);
    assert_eq!(snapshot("udp/0.0.0.0:47808 exe=/usr/sbin/named", range), []);
    // What stays is a listener with its claim, which nothing confirms.
    let report = judged(host(&["tcp/0.0.0.0:41795 exe=/opt/acme/acmed"]));
    let service = report.listeners[0].service.as_ref().expect("a claim");
    assert_eq!((service.name, service.claim), ("crestron-ctp", Verdict::Open));
    assert_eq!(told(&report), [("wildcard-bind", Severity::Info)]);
    // Whoever writes a number into the policy knows that it is no chance; whoever writes the whole range does not.
    let rules = |policy: &str| {
        let example = example(&format!("tcp/10.0.0.5:41795 exe=/opt/acme/acmed {policy}"));
        let report =
            judge_by(example.snapshot, &Registry::builtin(), example.policy.map(std::sync::Arc::new), String::new());
        let rules: Vec<_> = report.findings.iter().map(|finding| finding.rule.name).collect();
        (report.listeners[0].port_by_chance, rules)
    };
    assert_eq!(rules("policy=expect:41795:/opt/acme/acmed"), (false, vec!["unauthenticated-control"]));
    assert_eq!(rules("policy=expect:\"32768-60999\":/opt/acme/acmed"), (true, vec![]));
}

#[test]
fn what_its_owner_confirms_counts_in_full_on_a_number_that_the_kernel_hands_out() {
    const RULES: [&str; 7] = [
        "unauthenticated-control",
        "cleartext-management",
        "cleartext-protocol",
        "obsolete-crypto",
        "management-exposed",
        "udp-amplifier",
        "exposed-beyond-purpose",
    ];
    let registry = Registry::builtin();
    let mut listeners = Vec::new();
    for (port, transport) in (32_768..=60_999).flat_map(|port| [(port, Transport::Tcp), (port, Transport::Udp)]) {
        let Some(claim) = registry.claim(transport, port, &[]) else { continue };
        for entry in std::iter::once(&claim.entry).chain(&claim.alternatives) {
            let owners = entry.owners().filter(|owner| !owner.contains([' ', '\\', '=']));
            listeners.extend(owners.map(|owner| format!("{}/0.0.0.0:{port} exe=/usr/sbin/{owner}", transport.name())));
        }
    }
    let listeners: Vec<&str> = listeners.iter().map(String::as_str).collect();
    let found = |range| {
        let mut snapshot = host(&listeners);
        snapshot.host.ephemeral_ports = range;
        let report = judged(snapshot);
        let confirmed = |listener: &crate::report::Listener| {
            listener.service.as_ref().is_some_and(|service| service.claim == Verdict::Confirmed)
        };
        let mut all: Vec<_> = report
            .findings
            .iter()
            .filter(|finding| RULES.contains(&finding.rule.name))
            .filter_map(|finding| Some((&report.listeners[finding.listener()?], finding)))
            .filter(|(listener, _)| confirmed(listener))
            .map(|(listener, finding)| (listener.socket.inode, finding.rule.name, finding.severity))
            .collect();
        all.sort_unstable();
        all
    };
    let at_chance = found(Some((32_768, 60_999)));
    assert_eq!(at_chance, found(None));
    assert!(at_chance.len() > 50, "{}", at_chance.len());
    assert!(at_chance.iter().any(|(_, _, severity)| *severity == Severity::Critical));
}
