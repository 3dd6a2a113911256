//! More connections than the program takes.

use super::{Check, Draft, Exposure, Rule, Subject};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::State;

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "accept-queue-full",
        theme: Theme::Capacity,
        specificity: 10,
        summary: "The queue of connections that wait to be accepted is full: clients are turned away",
        explanation: "\
The kernel finishes the handshake of a connection and keeps it until the program accepts it. As many may wait as listen(2)
was given, or net.core.somaxconn where that is less. Beyond that the kernel drops what comes: clients see a service that
hangs or times out while the port is open and the process is there, so that a check of port or process finds nothing.

It fires where more connections wait than the limit, which is when the kernel turns away (medium; low on loopback), and
where exactly as many wait, which leaves room for one (low; info on loopback). It is a look at one moment: a burst that is
over a second later looks the same, and the count of connections that were dropped since the socket was opened, in the
evidence, tells whether this is new. Mostly the program hangs or has too few workers, and a larger queue only hides it;
sometimes somebody opens connections on purpose.

It keeps quiet where the table does not tell the queue, and on sockets that do not listen.",
        remedy: "\
See whether the program still accepts (a hung process, exhausted workers or descriptors), then whether its backlog and
net.core.somaxconn fit the load.",
        controls: &[
            "NIST SP 800-53 Rev. 5 SC-5(2)",
            "NIST SP 800-53 Rev. 5 SI-4(4)",
            "ISO/IEC 27001:2022 A.8.6",
            "CWE-400",
            "MITRE ATT&CK T1499",
        ],
        fires_on: &[
            "tcp/0.0.0.0:443 exe=/usr/sbin/nginx backlog=129/128 => medium",
            "tcp/10.0.0.5:443 exe=/usr/sbin/nginx backlog=1/0 drops=7 => medium",
            "tcp/0.0.0.0:443 exe=/usr/sbin/nginx backlog=128/128 => low",
            "tcp/127.0.0.1:443 exe=/usr/sbin/nginx backlog=129/128 => low",
            "tcp/127.0.0.1:443 exe=/usr/sbin/nginx backlog=128/128 => info",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:443 exe=/usr/sbin/nginx backlog=127/128",
            "tcp/0.0.0.0:443 exe=/usr/sbin/nginx backlog=0/0",
            "tcp/0.0.0.0:443 exe=/usr/sbin/nginx",
            "tcp/0.0.0.0:443 exe=/usr/sbin/nginx backlog=0/128 drops=900",
            "tcp/0.0.0.0:443 exe=/usr/sbin/nginx backlog=129/128 state=bound",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let backlog = subject.socket.backlog.filter(|_| subject.socket.state == State::Listen)?;
    if backlog.queued == 0 || backlog.queued < backlog.limit {
        return None;
    }
    // The kernel turns away when more wait than the limit, sk_acceptq_is_full() in include/net/sock.h.
    let full = backlog.queued > backlog.limit;
    let severity = match (full, subject.reach()) {
        (true, Exposure::Lan | Exposure::Public) => Severity::Medium,
        (true, Exposure::Loopback) | (false, Exposure::Lan | Exposure::Public) => Severity::Low,
        (false, Exposure::Loopback) => Severity::Info,
    };
    let message = match full {
        true => "its accept queue is full: connections are turned away",
        false => "its accept queue is at the limit: after the next connection, the others are turned away",
    };
    let mut evidence =
        vec![Evidence::new("queue", format!("connections that wait: {}, limit: {}", backlog.queued, backlog.limit))];
    let dropped = subject.socket.drops.filter(|drops| *drops > 0);
    evidence.extend(dropped.map(|drops| Evidence::new("queue", format!("dropped since it was opened: {drops}"))));
    Some(Draft {
        severity,
        message: message.to_owned(),
        evidence,
        remedy: "see whether the program still accepts connections, then whether its backlog and net.core.somaxconn \
                 fit the load"
            .to_owned(),
    })
}
