//! What the policy forbids is here.

use super::{Approval, Check, Draft, Exposure, Rule, Subject};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "forbidden",
        theme: Theme::Policy,
        specificity: 40,
        summary: "The policy forbids it, whatever else allows it",
        explanation: "\
A `[[forbid]]` entry of the policy matches the listener. It counts before every expectation: whoever wrote it meant that
this place is to stay empty. Where the owner cannot be seen, an entry that names one is held against the place alone.

Critical where anybody may reach it, high on a network of its own, medium on loopback.",
        remedy: "\
Stop the service and keep it from starting again; if it has to be, change the entry of the policy, with the reason.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-7",
            "NIST SP 800-53 Rev. 5 CM-7(1)",
            "PCI DSS 4.0 1.2.5",
            "PCI DSS 4.0 2.2.4",
            "CIS Controls v8 4.8",
            "CIS Debian Linux 12 v1.1.0 2.1.22",
        ],
        fires_on: &[
            "tcp/0.0.0.0:23 exe=/usr/sbin/telnetd policy=forbid:23 => critical",
            "tcp/10.0.0.5:3221 exe=/usr/sbin/mgd policy=forbid:3221 => high",
            "tcp/127.0.0.1:23 exe=/usr/sbin/telnetd policy=forbid:23 => medium",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd policy=forbid:23",
            "tcp/0.0.0.0:23 exe=/usr/sbin/telnetd",
            "tcp/0.0.0.0:23 exe=/usr/sbin/telnetd policy=expect:23:/usr/sbin/telnetd",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let Approval::Forbidden { place, reason } = subject.approval? else { return None };
    let why = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    Some(Draft {
        severity: match subject.reach() {
            Exposure::Public => Severity::Critical,
            Exposure::Lan => Severity::High,
            Exposure::Loopback => Severity::Medium,
        },
        message: format!("the policy forbids it{why}"),
        evidence: vec![Evidence::new("policy", place.clone())],
        remedy: "stop it and keep it from starting again, or change the policy with the reason".to_owned(),
    })
}
