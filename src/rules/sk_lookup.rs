//! Ports answer that no socket is bound to.

use super::{Check, Draft, Exposure, Place, Rule};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::SkLookup;

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "sk-lookup",
        theme: Theme::Exposure,
        specificity: 3,
        summary: "A BPF program (sk_lookup) makes ports answer that no socket is bound to",
        explanation: "\
A BPF program of the kind sk_lookup is asked for each TCP connection and UDP datagram that comes in to its network
namespace, before the sockets that are bound there. It may hand it to whichever socket it likes, whatever that one is
bound to: one server then answers on all ports, or on every address of a network, and no table of sockets shows it. `ss`
and `netstat` do not tell of such a program, and a port scan finds what they lack. Large edge servers are built so; so is a
backdoor that lends a port from a service which is allowed.

Which ports it takes cannot be read from the program, so the finding is about the network namespace and names no listener.
It is medium, or info where no device but the loopback device is up. Only the administrator of the host may list the
programs; for anybody else the coverage says that they were not looked for, and this rule keeps quiet.",
        remedy: "\
Ask who attached it (`bpftool link show`, `bpftool prog show`) and read what it does (`bpftool prog dump xlated`). Bind the
service to its ports where that will do; detach what nobody answers for.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-7",
            "NIST SP 800-53 Rev. 5 SC-7",
            "CIS Controls v8 4.8",
            "MITRE ATT&CK T1205",
            "MITRE ATT&CK T1014",
        ],
        fires_on: &[
            "netns sk_lookup=dispatch => medium",
            "netns sk_lookup=one sk_lookup=other => medium",
            "netns sk_lookup=dispatch alone => info",
        ],
        quiet_on: &["netns", "netns alone", "tcp/0.0.0.0:9100 exe=/usr/bin/python3.13"],
    },
    check: Check::Namespace(check),
};

fn check(place: &Place<'_>) -> Option<Draft> {
    let first = place.sk_lookups.first()?;
    let severity = match place.reach() {
        Exposure::Loopback => Severity::Info,
        Exposure::Lan | Exposure::Public => Severity::Medium,
    };
    let (what, makes) = match place.sk_lookups {
        [one] => (called(one), "makes"),
        many => (format!("{} BPF programs (sk_lookup)", many.len()), "make"),
    };
    let mut evidence: Vec<Evidence> = place.sk_lookups.iter().map(|lookup| seen(lookup)).collect();
    evidence.push(Evidence::new("coverage", "which ports it takes cannot be read from the program"));
    Some(Draft {
        severity,
        message: format!("{what} {makes} ports answer here that no socket is bound to"),
        evidence,
        remedy: format!(
            "ask who attached it (bpftool link show id {}), read what it does (bpftool prog dump xlated id {}), and \
             detach what nobody answers for",
            first.link, first.program
        ),
    })
}

fn called(lookup: &SkLookup) -> String {
    match lookup.name.escaped() {
        name if name.is_empty() => "a BPF program (sk_lookup)".to_owned(),
        name => format!("the BPF program {name} (sk_lookup)"),
    }
}

fn seen(lookup: &SkLookup) -> Evidence {
    let mut text = format!("link {} attaches program {}", lookup.link, lookup.program);
    match lookup.name.escaped() {
        name if name.is_empty() => text.push_str(", which has no name"),
        name => text.push_str(&format!(", called {name}")),
    }
    if let Some(tag) = &lookup.tag {
        text.push_str(&format!(", tag {tag}"));
    }
    if let Some(uid) = lookup.uid {
        text.push_str(&format!(", loaded by uid {uid}"));
    }
    Evidence::new("bpf", text)
}
