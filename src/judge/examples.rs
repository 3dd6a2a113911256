//! The examples of every rule, judged as a whole host is.

use super::judge;
use super::sample::example;
use crate::registry::Registry;
use crate::rules;

#[test]
fn every_example_holds() {
    let registry = Registry::builtin();
    let mut wrong = Vec::new();
    for info in rules::all().iter().map(|rule| &rule.info) {
        for text in info.fires_on.iter().chain(info.quiet_on) {
            let example = example(text);
            let subject = example.snapshot.sockets[0].inode;
            let report = judge(example.snapshot, &registry, String::new());
            let listener = report.listeners.iter().find(|l| l.socket.inode == subject).expect("it is there");
            let mut told = listener.findings.iter().map(|at| &report.findings[*at]);
            let fired = told.find(|finding| finding.rule.name == info.name || finding.also.contains(&info.name));
            let got = fired.map(|finding| finding.severity);
            if got != example.want {
                let findings = report.findings.iter().map(|f| (f.rule.name, f.severity, &f.message, &f.also));
                let findings: Vec<_> = findings.collect();
                wrong.push(format!("{}: {text}: got {got:?} of {findings:?}, {:?}", info.name, listener.service));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
