//! The examples of every rule, judged as a whole host is.

use super::judge;
use super::sample::example;
use crate::finding::About;
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
            let report = judge(example.snapshot, &registry, String::new());
            let about = match subject {
                Some(inode) => {
                    About::Listener(report.listeners.iter().position(|l| l.socket.inode == inode).expect("it is there"))
                }
                None => About::Namespace(0),
            };
            let mut told = report.findings.iter().filter(|finding| finding.about == about);
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
