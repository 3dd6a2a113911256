//! The port claims one service, and a program of another holds it.

use super::{Check, Draft, Exposure, Rule, Subject};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::{Process, Text};
use crate::registry::{Entry, EntrySource, Verdict};

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
interpreter, a proxy, an activator such as systemd or inetd and a forwarder such as docker-proxy leave the claim open.
A bare name of IANA, of which no program is known, cannot be contradicted, nor can a number that the kernel hands out by
itself. The name that a process gave itself is no evidence. It is medium where IANA assigned the number to the service
and others than this host can reach it, and low where the number is no more than a habit.",
        remedy: "\
If the service was put there on purpose, name it in a file below /etc/earmark/registry.d, so that the next reader knows; if not, find out who
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
            "tcp/0.0.0.0:8081 exe=/usr/sbin/nginx => low",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:6379 exe=/usr/bin/redis-check-rdb",
            "tcp/0.0.0.0:3221 exe=/usr/bin/python3.13",
            "udp/0.0.0.0:47808 exe=/usr/sbin/named",
            "tcp/0.0.0.0:6379 exe=/opt/acme/acmed",
            "tcp/0.0.0.0:6379 exe=/usr/lib/systemd/systemd",
            "tcp/0.0.0.0:6379 exe=/usr/sbin/nginx file=foreign",
            "tcp/0.0.0.0:3220 exe=/usr/sap/PRD/D20/exe/disp+work",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    // A number that the kernel chose claims nothing that an owner could contradict.
    let claim = subject.claim.filter(|claim| claim.verdict == Verdict::Contradicted)?;
    if !subject.serves() || subject.kernel_chosen {
        return None;
    }
    let known = || std::iter::once(&claim.entry).chain(&claim.alternatives).filter(|e| e.owners().next().is_some());
    let claimed = known().next()?;
    let assigned = known().any(|entry| entry.source() == EntrySource::Iana);
    let severity = if assigned && subject.reach() != Exposure::Loopback { Severity::Medium } else { Severity::Low };
    let of_another = |exe: &&Text| claim.owner_is.iter().any(|e| e.owners().any(|n| exe.is_program(n)));
    let trusted = || subject.owners.iter().filter_map(|process: &&Process| process.trusted_exe());
    let exe = trusted().find(of_another).or_else(|| trusted().next())?.escaped();
    let expected: Vec<&str> = claimed.owners().take(4).collect();
    let name = claimed.name();
    Some(Draft {
        severity,
        message: format!("the port claims {name}, but {exe} holds it, which is known for {}", known_for(&claim.owner_is)),
        evidence: vec![
            Evidence::new("executable", format!("{exe} (verified)")),
            Evidence::new("registry", format!("{name} is served by {}", expected.join(", "))),
        ],
        remedy: format!(
            "if {exe} was put here on purpose, name it in /etc/earmark/registry.d, or move it off the port of {name}; if not, find \
             out who started it"
        ),
    })
}

/// The names of the services that a program is known for, those that IANA assigned first.
pub(super) fn known_for(services: &[Entry]) -> String {
    let mut services = services.to_vec();
    services.sort_by_key(|entry| (entry.source(), *entry.ports().start(), entry.name()));
    let mut names: Vec<&str> = Vec::new();
    for name in services.iter().map(|entry| entry.name()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let more = if names.len() > 3 { " and others" } else { "" };
    names.truncate(3);
    format!("{}{more}", names.join(", "))
}
