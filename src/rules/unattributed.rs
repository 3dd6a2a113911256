//! Somebody listens, and nobody holds it.

use super::{Check, Draft, Exposure, Rule, Subject};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::OwnerStatus;

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "unattributed",
        theme: Theme::Identity,
        specificity: 10,
        summary: "The descriptors of every process were read, and none leads to this socket",
        explanation: "\
A socket that receives has somebody behind it: a process with a descriptor for it, or the kernel. Here every process
could be looked into and none has such a descriptor. The kernel itself is the usual answer. Where it tells that a socket
is its own (VXLAN, GENEVE, WireGuard, L2TP, FOU, the NFS server), the report names it and this rule keeps quiet; it does
not tell of all: lockd, an iSCSI target, a tunnel whose device was moved to another namespace. A socket can also be kept by a thread whose first thread has ended or has
another table of descriptors, by an io_uring file table, by a message in flight between two processes, or by something
that hides its processes. None of these places was looked at, so this finding says where to look, not that the host was
broken into.

It fires only where the view was complete: a process that could not be looked into, a `/proc` that hides processes and a
pid namespace within the host's are reported as gaps in the coverage instead.",
        remedy: "\
Look for the kernel's own users first (`ip -d link`, `wg show`, `exportfs -v`); if none fits, treat the host as
suspect.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-8(3)",
            "NIST SP 800-53 Rev. 5 SI-4(4)",
            "CIS Controls v8 2.3",
            "MITRE ATT&CK T1014",
        ],
        fires_on: &[
            "udp/0.0.0.0:51820 nobody => medium",
            "udp/10.0.0.5:4789 nobody => low",
            "tcp/127.0.0.1:40000 nobody => info",
            "tcp/0.0.0.0:2049 nobody alone => info",
        ],
        quiet_on: &[
            "udp/0.0.0.0:51820",
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd",
            "udp/0.0.0.0:4789 nobody kernel=vxlan",
            "tcp/0.0.0.0:40000 exe=/usr/bin/python3.13 file=foreign",
            "udp/0.0.0.0:40000 nobody state=connected",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    if subject.owner_status != OwnerStatus::None || !subject.serves() {
        return None;
    }
    let severity = match subject.reach() {
        Exposure::Public => Severity::Medium,
        Exposure::Lan => Severity::Low,
        Exposure::Loopback => Severity::Info,
    };
    let mut evidence = vec![
        Evidence::new("coverage", "the descriptors of every listed process were read, and none leads to this socket"),
        Evidence::new(
            "coverage",
            "not looked at: threads other than the first of a process, io_uring, messages in flight, what the kernel serves without telling",
        ),
    ];
    evidence.extend(subject.socket.uid.map(|uid| Evidence::new("owner", format!("uid {uid} created it"))));
    Some(Draft {
        severity,
        message: "no process holds this socket: the kernel serves it, or its owner keeps out of sight".to_owned(),
        evidence,
        remedy: "look for the kernel's own users (ip -d link, wg show, exportfs -v); if none fits, treat the host as \
                 suspect"
            .to_owned(),
    })
}
