//! An expectation that anybody may fill.

use super::{Check, Draft, PolicyEntry, Rule};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "weak-expectation",
        theme: Theme::Policy,
        specificity: 5,
        summary: "An expectation names no owner: any program may sit at its port",
        explanation: "\
An expectation with a port and nothing else approves whatever listens there, an intruder's program included: from 1024 on
nobody needs a right to take a port that is free. The name of a process would not help, since every program chooses its
own; what counts is the verified executable, and with it the user, the unit, the container or the package.

Low, once for each such expectation.",
        remedy: "Add `exe`, and `user` or `unit`; `earmark baseline record` prints expectations that have them.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-7(5)",
            "CIS Controls v8 2.5",
        ],
        fires_on: &[
            "netns policy=expect:22 => low",
            "netns policy=require:22 => low",
        ],
        quiet_on: &[
            "netns policy=expect:22:/usr/sbin/sshd",
            "netns policy=deny",
            "netns policy=forbid:22",
        ],
    },
    check: Check::Policy(check),
};

fn check(entry: &PolicyEntry) -> Option<Draft> {
    let PolicyEntry::Expectation { expected, place, weak: true, .. } = entry else { return None };
    Some(Draft {
        severity: Severity::Low,
        message: format!("the expectation of {expected} names no owner: any program may sit there"),
        evidence: vec![Evidence::new("policy", place.clone())],
        remedy: "add exe, and user or unit".to_owned(),
    })
}
