//! Programs that have nothing to do with each other share one port.

use super::{Check, Draft, Exposure, Rule, Subject, place};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "reuseport-mixed-owners",
        theme: Theme::Identity,
        specificity: 12,
        summary: "Different programs listen at one address and port, and share its connections",
        explanation: "\
With SO_REUSEPORT several sockets may listen at one address and port, and the kernel gives each a share of the
connections. That is meant for the workers of one server. Here the sockets belong to different executables, or to
different units: some clients reach one of them, some the other. A restart that left an old server behind does that, two
services that were both given the port, or somebody who takes a share of the connections for himself: the kernel asks
for no more than the same user.

Workers of one executable in one unit are quiet, the instances of one template (`worker@1.service`, `worker@2.service`)
and the containers of one runtime too. Only TCP is looked at: whether UDP sockets share their datagrams or each get all,
as for multicast (mDNS at 5353), cannot be seen from outside. A process that passes the port on, such as systemd, does not
count. It is low on loopback and medium elsewhere.",
        remedy: "\
Find out which of them the port is meant for, and stop the other or give it a port of its own.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-8(3)",
            "NIST SP 800-53 Rev. 5 SC-39",
            "CIS Controls v8 4.8",
            "MITRE ATT&CK T1557",
        ],
        fires_on: &[
            "tcp/0.0.0.0:8443 exe=/usr/sbin/nginx unit=nginx.service + tcp/0.0.0.0:8443 exe=/opt/other unit=other.service => medium",
            "tcp/127.0.0.1:8443 exe=/usr/sbin/nginx unit=nginx.service + tcp/127.0.0.1:8443 exe=/usr/sbin/nginx unit=session-4.scope => low",
            "tcp/0.0.0.0:8443 exe=/opt/a + tcp/0.0.0.0:8443 exe=/opt/b + tcp/0.0.0.0:8443 exe=/opt/b => medium",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:8443 exe=/opt/a unit=a@1.service + tcp/0.0.0.0:8443 exe=/opt/a unit=a@2.service",
            "tcp/0.0.0.0:8443 exe=/opt/a + tcp/127.0.0.1:8443 exe=/opt/b",
            "tcp/0.0.0.0:8443 exe=/opt/a + tcp/0.0.0.0%eth0:8443 exe=/opt/b",
            "udp/0.0.0.0:5353 exe=/usr/sbin/avahi-daemon + udp/0.0.0.0:5353 exe=/opt/browser",
            "tcp/0.0.0.0:8443 exe=/usr/lib/systemd/systemd pid=1 + tcp/0.0.0.0:8443 exe=/opt/b unit=b.service",
            "tcp/0.0.0.0:8443 exe=/opt/a + tcp/0.0.0.0:8443 nobody",
        ],
    },
    check: Check::Listener(check),
};

/// How many of the others a message names.
const MOST_NAMES: usize = 3;

fn check(subject: &Subject<'_>) -> Option<Draft> {
    if subject.sharers.len() < 2 {
        return None;
    }
    let names: Vec<String> = subject
        .sharers
        .iter()
        .map(|sharer| format!("{} of {}", place::exe(sharer.process), place::home(sharer.process)))
        .collect();
    let beyond = names.len().saturating_sub(MOST_NAMES);
    let more = if beyond > 0 { format!(" and {beyond} more") } else { String::new() };
    let told = names[..names.len() - beyond].join(", ");
    let evidence = subject.sharers.iter().zip(&names).take(MOST_NAMES).map(|(sharer, name)| {
        let sockets = if sharer.sockets == 1 { "1 socket".to_owned() } else { format!("{} sockets", sharer.sockets) };
        Evidence::new("owner", format!("{name} holds {sockets} here"))
    });
    Some(Draft {
        severity: if subject.reach() == Exposure::Loopback { Severity::Low } else { Severity::Medium },
        message: format!("different programs share the connections to this port: {told}{more}"),
        evidence: evidence.collect(),
        remedy: "find out which of them the port is meant for, and stop the other or give it a port of its own"
            .to_owned(),
    })
}
