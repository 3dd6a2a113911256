//! More listeners than anybody can look through.

use super::{Check, Draft, Place, Rule};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};

/// How many listeners of one user in one namespace are not yet a flood.
const MOST: usize = 1000;

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "listener-flood",
        theme: Theme::Capacity,
        specificity: 20,
        summary: "One user has more than 1,000 listeners in one network namespace",
        explanation: "\
No service needs a thousand ports. A program that leaks its sockets has so many, a honeypot, a test that went wrong, or
somebody who hides one listener among the others: anybody may bind ports from 1024 up, and a list that nobody reads to its
end is as good a hiding place as any. They also use up ports that other programs want.

The finding is about the network namespace and says who has how many. No row is dropped for it: every listener is listed,
judged and written to every format, and only the table folds what is alike. It counts by the user that created the socket,
whoever holds it now. It is medium, and low for root alone, who needs no crowd to hide in. It keeps quiet where the table
does not tell the creator, and counts no socket that only keeps a port or has a single peer.",
        remedy: "\
Look at what the user runs (`earmark user:NAME`, `earmark --json`); stop what leaks, and bound it with the limit of
descriptors (`LimitNOFILE=`) or `RestrictAddressFamilies=` and `SocketBindDeny=` of its unit.",
        controls: &[
            "NIST SP 800-53 Rev. 5 SC-5(2)",
            "NIST SP 800-53 Rev. 5 CM-7",
            "ISO/IEC 27001:2022 A.8.6",
            "CWE-770",
            "MITRE ATT&CK T1499",
        ],
        fires_on: &[
            "netns listeners=1001:1000 => medium",
            "netns listeners=1200:1000 listeners=2000:0 => medium",
            "netns listeners=1001:0 => low",
        ],
        quiet_on: &[
            "netns listeners=1000:1000",
            "netns listeners=900:1000 listeners=900:1001",
            "netns",
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd",
        ],
    },
    check: Check::Namespace(check),
};

/// How many users the evidence names.
const MOST_USERS: usize = 8;

fn check(place: &Place<'_>) -> Option<Draft> {
    let crowds = &place.crowds[..place.crowds.partition_point(|crowd| crowd.listeners > MOST)];
    let user = |uid: u32| match place.user(uid) {
        Some(name) => format!("{} (uid {uid})", name.escaped()),
        None => format!("uid {uid}"),
    };
    let first = crowds.first()?;
    let who = user(first.uid);
    let others = match crowds.len() - 1 {
        0 => String::new(),
        1 => ", and another user too".to_owned(),
        more => format!(", and {more} other users too"),
    };
    let told = crowds.iter().take(MOST_USERS);
    let evidence =
        told.map(|crowd| Evidence::new("count", format!("{}: {} listeners", user(crowd.uid), crowd.listeners)));
    Some(Draft {
        severity: if crowds.iter().all(|crowd| crowd.uid == 0) { Severity::Low } else { Severity::Medium },
        message: format!("{who} has more than {MOST} listeners here{others}"),
        evidence: evidence.collect(),
        remedy: format!("look at what {who} runs, and stop what opens them"),
    })
}
