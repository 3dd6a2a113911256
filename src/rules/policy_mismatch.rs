//! Something else is where something is expected.

use super::{Approval, Check, Draft, Exposure, Rule, Subject};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "policy-mismatch",
        theme: Theme::Policy,
        specificity: 30,
        summary: "The policy expects something at this port, and its owner or address differs",
        explanation: "\
An expectation names this port, and what is there is not what it says: another executable, user, unit, container or
package, or another address. The message says which.

Only proved owners and verified executables count: a process cannot take the place of another by its name, and an
executable that lies in a mount namespace of its own is not the one that the policy names. Where the owner cannot be seen
the rule keeps quiet, since the right one may be there; the coverage that the policy requires then ends the audit with 3.
The same goes for `if:eth1` where the addresses of that device could not be read.

Another owner is high where anybody may reach it, and medium elsewhere. Another address alone is medium where the service
is reachable from outside, and low on loopback.",
        remedy: "\
Find out who changed it. If it is wanted, change the expectation, or `earmark baseline accept` what is there with a reason.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-2(2)",
            "NIST SP 800-53 Rev. 5 CM-6",
            "NIST SP 800-53 Rev. 5 CM-8(3)",
            "PCI DSS 4.0 1.2.5",
            "CIS Controls v8 4.8",
            "CIS Debian Linux 12 v1.1.0 2.1.22",
            "MITRE ATT&CK T1036",
        ],
        fires_on: &[
            "tcp/0.0.0.0:22 exe=/tmp/sshd policy=expect:22:/usr/sbin/sshd => high",
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd file=foreign policy=expect:22:/usr/sbin/sshd => high",
            "tcp/127.0.0.1:6379 exe=/usr/bin/nc policy=expect:6379:/usr/bin/redis-server => medium",
            "tcp/0.0.0.0:22 nobody policy=expect:22:/usr/sbin/sshd => high",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd policy=expect:22:/usr/sbin/sshd",
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd policy=expect:22:/usr/sbin/*",
            "tcp/0.0.0.0:22 policy=expect:22:/usr/sbin/sshd",
            "tcp/0.0.0.0:80 exe=/usr/sbin/nginx policy=expect:22:/usr/sbin/sshd",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let Approval::Differs { expected, place, differs, of_owner } = subject.approval? else { return None };
    let severity = match (subject.reach(), of_owner) {
        (Exposure::Public, true) => Severity::High,
        (Exposure::Loopback, false) => Severity::Low,
        _ => Severity::Medium,
    };
    let (last, rest) = differs.split_last()?;
    let what = if rest.is_empty() { format!("the {last} differs") } else { format!("{} and {last} differ", rest.join(", ")) };
    Some(Draft {
        severity,
        message: format!("the policy expects {expected} here, and {what}"),
        evidence: vec![Evidence::new("policy", place.clone())],
        remedy: "find out who changed it; if it is wanted, change the expectation with the reason".to_owned(),
    })
}
