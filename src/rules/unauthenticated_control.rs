//! Whoever reaches it, controls it.

use super::instead::instead;
use super::weigh::{Harm, Weighed, asks_for_nothing, weigh};
use super::{Check, Draft, Exposure, Rule, Subject};
use crate::finding::{RuleInfo, Theme};
use crate::registry::WeaknessClass;

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "unauthenticated-control",
        theme: Theme::Exposure,
        specificity: 20,
        summary: "A service that by default asks for no login can be reached and controlled",
        explanation: "\
Some services act for whoever reaches them: a data store that runs what it is told, a container engine, a debugger, a
cluster that starts jobs. They are safe exactly as far as nobody can reach them.

Whether a login is asked for cannot be seen in a table of sockets, so the wording is \"by default asks for none\": an
administrator may have set one, and the remedy ends with the test that shows it. How grave it is depends on who can
reach it: the same Redis is low on 127.0.0.1, as it is shipped, and critical on 0.0.0.0. It depends on how sure it is
that the service is there too: an owner that the service is known for counts in full; the port number alone counts as
the mildest of what may be there; an owner that is known for something else is no evidence for the service at all, and
neither is a number that the kernel hands out to whoever asks for none, unless the owner or the policy confirms it.",
        remedy: "\
Bind it to loopback or to the network of its clients, and set a login. A firewall in front is the second line, not the
first.",
        controls: &[
            "NIST SP 800-53 Rev. 5 AC-3",
            "NIST SP 800-53 Rev. 5 AC-17",
            "NIST SP 800-53 Rev. 5 SC-7(5)",
            "CIS Controls v8 4.8",
            "ISO/IEC 27001:2022 A.8.21",
            "CWE-306",
            "CWE-1327",
        ],
        fires_on: &[
            "tcp/0.0.0.0:6379 exe=/usr/bin/redis-check-rdb => critical",
            "tcp/127.0.0.1:6379 exe=/usr/bin/redis-check-rdb => low",
            "tcp/10.0.0.5:6379 exe=/usr/bin/redis-server => high",
            "tcp/0.0.0.0:6379 => critical",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:5432 exe=/usr/lib/postgresql/17/bin/postgres",
            "tcp/0.0.0.0:6379 exe=/usr/sbin/nginx",
            "udp/0.0.0.0:6379 exe=/usr/bin/redis-server",
            "udp/0.0.0.0:47808 exe=/opt/acme/client",
            "tcp/0.0.0.0:41795 exe=/opt/acme/acmed",
            "tcp/0.0.0.0:41795",
            "tcp/0.0.0.0:6379 exe=/usr/bin/redis-server state=bound",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let Weighed { severity, claim, weakness, evidence } = weigh(subject, Harm::Control)?;
    let who = match subject.reach() {
        Exposure::Loopback => "every user and program of this host",
        Exposure::Lan => "whoever is on its network",
        Exposure::Public => "whoever reaches this host",
    };
    let how = match (weakness.class, asks_for_nothing(claim.entry())) {
        (WeaknessClass::Conditional, false) => "may act without a login for",
        (WeaknessClass::Conditional, true) => "by default asks for no login and may be open to",
        _ => "by default asks for no login and is open to",
    };
    let otherwise = "bind it to loopback or to the network of its clients, and set a login";
    let message = format!("{}, which {how} {who}", claim.says());
    Some(Draft { severity, message, evidence, remedy: instead(subject, claim.entry(), &weakness, otherwise) })
}
