//! What has to be here is not.

use super::{Check, Draft, PolicyEntry, Rule};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "missing",
        theme: Theme::Policy,
        specificity: 28,
        summary: "The policy requires it, and nothing of the kind listens",
        explanation: "\
An expectation says `required = true`, and no listener matches it: the service is down, is bound elsewhere, or somebody else
has its port (then `policy-mismatch` says so beside this).

It fires only where everything that could have matched was seen: not while a table could not be read or an owner could not
be seen. Medium.",
        remedy: "Start the service, or take `required` from the expectation where it may be away.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-2(2)",
            "NIST SP 800-53 Rev. 5 CP-10",
            "CIS Controls v8 4.8",
        ],
        fires_on: &[
            "netns policy=require:22 => medium",
            "netns policy=require:22:/usr/sbin/sshd => medium",
        ],
        quiet_on: &[
            "netns policy=expect:22",
            "netns policy=deny",
            "netns policy=forbid:22",
        ],
    },
    check: Check::Policy(check),
};

fn check(entry: &PolicyEntry) -> Option<Draft> {
    let PolicyEntry::Expectation { expected, place, reason, required: true, matched: 0, certain: true, .. } = entry else {
        return None;
    };
    let why = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    Some(Draft {
        severity: Severity::Medium,
        message: format!("the policy requires {expected}{why}, and nothing here matches it"),
        evidence: vec![Evidence::new("policy", place.clone())],
        remedy: "start the service, or take `required` from the expectation".to_owned(),
    })
}
