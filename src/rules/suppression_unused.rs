//! A suppression that takes nothing.

use super::{Check, Draft, PolicyEntry, Rule};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "suppression-unused",
        theme: Theme::Policy,
        specificity: 2,
        summary: "A suppression takes no finding: it can be removed before it hides something new",
        explanation: "\
Nothing here has the finding that the suppression would take: it was mended, or never was here. An unused suppression hides
the day on which it comes back.

It fires only where every listener could be seen. Info.",
        remedy: "Remove it, or keep it in the policy of the hosts that need it.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-6",
            "CIS Controls v8 2.3",
        ],
        fires_on: &[
            "netns policy=suppress:23 => info",
            "netns policy=suppress:3221 => info",
        ],
        quiet_on: &[
            "netns policy=suppress:23:expired",
            "netns policy=deny",
            "netns policy=expect:23",
        ],
    },
    check: Check::Policy(check),
};

fn check(entry: &PolicyEntry) -> Option<Draft> {
    let PolicyEntry::Suppression { rule, listeners, place, expired: false, took: 0, certain: true, .. } = entry else {
        return None;
    };
    Some(Draft {
        severity: Severity::Info,
        message: format!("the suppression of {rule} for {listeners} takes nothing here"),
        evidence: vec![Evidence::new("policy", place.clone())],
        remedy: "remove it".to_owned(),
    })
}
