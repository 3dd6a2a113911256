//! The examples of every rule, judged as a whole host is.

use std::sync::Arc;

use super::judge_by;
use super::sample::example;
use crate::finding::{About, Finding};
use crate::registry::Registry;
use crate::rules;

#[test]
fn every_example_holds() {
    let registry = Registry::builtin();
    let mut wrong = Vec::new();
    for info in rules::all().iter().map(|rule| &rule.info) {
        for text in info.fires_on.iter().chain(info.quiet_on) {
            let example = example(text);
            let first = example.snapshot.sockets.first().map(|socket| socket.inode);
            let subject = first.filter(|_| !example.of_namespace);
            let policy = example.policy.map(Arc::new);
            let report = judge_by(example.snapshot, &registry, policy, String::new());
            let about = match subject {
                Some(inode) => {
                    let at = report.listeners.iter().position(|l| l.socket.inode == inode);
                    Some(About::Listener(at.expect("it is there")))
                }
                None => None,
            };
            // Without a listener it is about its namespace, or about the policy.
            let is_it = |finding: &&Finding| about.is_none_or(|about| finding.about == about);
            let mut told = report.findings.iter().filter(is_it);
            let fired = told.find(|finding| finding.rule.name == info.name || finding.also.contains(&info.name));
            let got = fired.map(|finding| finding.severity);
            if got != example.want {
                let findings = report.findings.iter().map(|f| (f.rule.name, f.severity, &f.message, &f.also));
                let findings: Vec<_> = findings.collect();
                let services: Vec<_> = report.listeners.iter().map(|listener| &listener.service).collect();
                wrong.push(format!("{}: {text}: got {got:?} of {findings:?}, {services:?}", info.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_remedy_says_instead_before_whoever_prints_it_does() {
    let registry = Registry::builtin();
    let mut seen = 0;
    let at_every_port =
        |exe: &str| -> Vec<String> { (1..=u16::MAX).map(|port| format!("tcp/0.0.0.0:{port}{exe}")).collect() };
    let udp = (1..=u16::MAX).map(|port| format!("udp/0.0.0.0:{port}"));
    for listeners in [at_every_port(""), at_every_port(" exe=/usr/bin/java"), udp.collect()] {
        let listeners: Vec<&str> = listeners.iter().map(String::as_str).collect();
        let mut snapshot = super::sample::host(&listeners);
        // No number is left to chance.
        snapshot.host.ephemeral_ports = None;
        let report = judge_by(snapshot, &registry, None, String::new());
        for finding in report.findings.iter().filter(|finding| !finding.remedy.is_empty()) {
            seen += 1;
            assert!(!finding.remedy.contains("instead:"), "{}: {}", finding.rule.name, finding.remedy);
        }
    }
    assert!(seen > 1000, "{seen}");
}
