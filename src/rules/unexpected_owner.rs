//! The port claims one service, and a program of another holds it.

use super::{Draft, Exposure, Rule, Subject};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::{Process, Text};
use crate::registry::Entry;

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "unexpected-owner",
        theme: Theme::Identity,
        specificity: 15,
        summary: "The port claims one service, and a program that is known for another holds it",
        explanation: "\
A port number is a claim and the owner is the evidence. Here they disagree: the verified executable is known to serve
something else, and none of the services that share the port lists it. Most often somebody moved a service to another
port, and firewalls, monitoring and people now take it for what the number says; now and then it is meant to be taken
for that.

It fires only on a contradiction between two things that are known. An owner that the registry does not know, an
interpreter, a proxy, an activator such as systemd or inetd and a forwarder such as docker-proxy leave the claim open,
and a bare name of IANA, of which no program is known, cannot be contradicted. The name that a process gave itself is
no evidence.",
        remedy: "\
If the service was moved on purpose, write it into the policy, so that the next reader knows; if not, find out who
started it.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-8(3)",
            "NIST SP 800-53 Rev. 5 SI-4(4)",
            "PCI DSS 4.0 1.2.5",
            "CIS Controls v8 4.8",
            "MITRE ATT&CK T1571",
            "MITRE ATT&CK T1036.005",
        ],
        fires_on: &[
            "tcp/0.0.0.0:6379 exe=/usr/sbin/nginx => medium",
            "tcp/127.0.0.1:6379 exe=/usr/sbin/nginx => low",
            "tcp/10.0.0.5:23 exe=/usr/sbin/nginx => medium",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:6379 exe=/usr/bin/redis-check-rdb",
            "tcp/0.0.0.0:3221 exe=/usr/bin/python3.13",
            "tcp/0.0.0.0:6379 exe=/opt/acme/acmed",
            "tcp/0.0.0.0:6379 exe=/usr/lib/systemd/systemd",
            "tcp/0.0.0.0:6379 exe=/usr/sbin/nginx file=foreign",
            "tcp/0.0.0.0:3220 exe=/usr/sap/PRD/D20/exe/disp+work",
        ],
    },
    check,
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let claim = subject.claim.filter(|_| subject.is_contradicted() && subject.serves())?;
    let known = std::iter::once(&claim.entry).chain(&claim.alternatives).find(|entry| entry.owners().next().is_some())?;
    let exe = |process: &&Process| process.verified_exe().map(Text::escaped);
    let exe = subject.owners.iter().find_map(exe)?;
    let severity = if subject.reach() == Exposure::Loopback { Severity::Low } else { Severity::Medium };
    let mut names: Vec<&str> = claim.owner_is.iter().map(|entry| entry.name()).collect();
    names.sort_unstable();
    names.dedup();
    let more = if names.len() > 3 { " and others" } else { "" };
    names.truncate(3);
    let is = format!("{}{more}", names.join(", "));
    let expected: Vec<&str> = known.owners().take(4).collect();
    Some(Draft {
        severity,
        message: format!("the port claims {}, but {exe} holds it, which is known for {is}", known.name()),
        evidence: vec![
            Evidence::new("executable", format!("{exe} (verified)")),
            Evidence::new("registry", format!("{} is served by {}", known.name(), expected.join(", "))),
        ],
        remedy: remedy(known, &exe),
    })
}

fn remedy(claimed: &Entry, exe: &str) -> String {
    let name = claimed.name();
    format!("if {exe} was moved here on purpose, say so in the policy or move it off the port of {name}; if not, find \
             out who started it")
}
