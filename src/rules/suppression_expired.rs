//! A suppression whose time is over.

use super::{Check, Draft, PolicyEntry, Rule};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "suppression-expired",
        theme: Theme::Policy,
        specificity: 12,
        summary: "A suppression has expired: what it hid is told again",
        explanation: "\
Every suppression ends on a day that its author chose. After it the findings that it took come back, and this one says
where they were accepted and that somebody has to decide again.

Medium while there is something that it would still take, low where it could simply be removed.",
        remedy: "Mend what it hid, or decide again, with a new day and the reason.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-6",
            "NIST SP 800-53 Rev. 5 CA-5",
            "CIS Controls v8 2.3",
        ],
        fires_on: &[
            "netns policy=suppress:23:expired => low",
            "netns policy=suppress:3221:expired => low",
        ],
        quiet_on: &[
            "netns policy=suppress:23",
            "netns policy=deny",
            "netns policy=expect:23",
        ],
    },
    check: Check::Policy(check),
};

fn check(entry: &PolicyEntry) -> Option<Draft> {
    let PolicyEntry::Suppression { rule, listeners, place, expires, expired: true, took, .. } = entry else { return None };
    let (severity, consequence) = match took {
        0 => (Severity::Low, "nothing here needs it any more".to_owned()),
        1 => (Severity::Medium, "the finding that it took is told again".to_owned()),
        many => (Severity::Medium, format!("the {many} findings that it took are told again")),
    };
    Some(Draft {
        severity,
        message: format!("the suppression of {rule} for {listeners} expired after {expires}: {consequence}"),
        evidence: vec![Evidence::new("policy", place.clone())],
        remedy: match took {
            0 => "remove it".to_owned(),
            _ => "mend what it hid, or decide again with a new day and the reason".to_owned(),
        },
    })
}
