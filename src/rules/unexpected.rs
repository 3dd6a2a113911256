//! Nobody approved it.

use super::{Approval, Check, Draft, Exposure, Rule, Subject};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "unexpected",
        theme: Theme::Policy,
        specificity: 20,
        summary: "No expectation of the policy is about it, and what is not expected is not wanted",
        explanation: "\
The policy says `default = \"deny\"`, and no expectation names this port. Every benchmark asks that only approved services
listen (CIS 2.1.22, PCI DSS 1.2.5, NIST CM-7), and marks it as a matter for people: this is what tells them that something
new is there.

High where anybody may reach it, medium on a network of its own. On loopback it counts as the setting `loopback` says:
`ignore` (the default), `info`, or `enforce`, which makes it medium. What containers listen on counts as the setting
`containers` says. UDP sockets on a port that the kernel chose, and sockets that serve nobody, are none of it.",
        remedy: "\
If it is wanted, approve it with the reason: `earmark baseline accept ENDPOINT --reason …` writes the expectation. If not,
stop the service and remove the package.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-7",
            "NIST SP 800-53 Rev. 5 CM-7(1)",
            "NIST SP 800-53 Rev. 5 CM-8(3)",
            "PCI DSS 4.0 1.2.5",
            "PCI DSS 4.0 2.2.4",
            "CIS Controls v8 4.8",
            "CIS Debian Linux 12 v1.1.0 2.1.22",
            "CIS Red Hat Enterprise Linux 9 v2.0.0 2.1.22",
            "CIS Ubuntu Linux 24.04 v1.0.0 2.1.22",
        ],
        fires_on: &[
            "tcp/0.0.0.0:9001 exe=/opt/app/java policy=deny => high",
            "tcp/10.0.0.5:9001 exe=/opt/app/java policy=deny => medium",
            "tcp/127.0.0.1:9001 exe=/opt/app/java policy=deny loopback=enforce => medium",
            "tcp/127.0.0.1:9001 exe=/opt/app/java policy=deny loopback=info => info",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:9001 exe=/opt/app/java",
            "tcp/127.0.0.1:9001 exe=/opt/app/java policy=deny",
            "udp/0.0.0.0:40000 exe=/usr/sbin/chronyd policy=deny",
            "tcp/0.0.0.0:9001 exe=/opt/app/java state=bound policy=deny",
            "tcp/0.0.0.0:9001 exe=/opt/app/java policy=expect:9001:/opt/app/java",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let Approval::Unexpected { locally } = subject.approval? else { return None };
    Some(Draft {
        severity: match subject.reach() {
            _ if *locally => Severity::Info,
            Exposure::Public => Severity::High,
            Exposure::Lan | Exposure::Loopback => Severity::Medium,
        },
        message: "nobody approved it: no expectation of the policy is about it".to_owned(),
        evidence: vec![Evidence::new("address", format!("exposure: {}", subject.exposure.name()))],
        remedy: "approve it with the reason, or stop it and remove its package".to_owned(),
    })
}
