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
            let subject = example.snapshot.sockets.first().map(|socket| socket.inode);
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
