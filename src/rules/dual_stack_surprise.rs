//! An IPv6 wildcard that takes what IPv4 was kept from.

use std::net::IpAddr;

use super::{Beside, Check, Draft, Exposure, Rule, Subject, place};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::{Process, Scope, State};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "dual-stack-surprise",
        theme: Theme::Exposure,
        specificity: 12,
        summary: "An IPv6 wildcard takes what the IPv4 sockets at its port are kept from",
        explanation: "\
A server that listens on `[::]` takes IPv6 from everywhere and, unless it was told otherwise (IPV6_V6ONLY), IPv4 too. Most
often that is what was wanted. It is a surprise where somebody narrowed IPv4 at the same port, and believes to have
narrowed the service.

It fires on two sights, and both are sockets, not guesses. The program listens at this port on loopback addresses of IPv4
alone, and on the wildcard of IPv6: what was kept to this host over IPv4 answers everybody over IPv6 (medium). Or the
wildcard takes IPv4 too, and another program has a single IPv4 address at this port: clients reach one or the other by
the address they use (low).

It keeps quiet on a wildcard of IPv4 beside that of IPv6 (`0.0.0.0:22` and `[::]:22`), on a single socket that serves both
families, on a server that binds each of its addresses, on group addresses, where no owner is known, and where nobody
beyond this host can reach the port.",
        remedy: "\
Bind IPv6 as narrowly as IPv4 (`[::1]` beside `127.0.0.1`); where two programs share the port, give each its addresses and
set IPV6_V6ONLY on the wildcard.",
        controls: &[
            "NIST SP 800-53 Rev. 5 SC-7(5)",
            "NIST SP 800-53 Rev. 5 CM-6",
            "PCI DSS 4.0 1.2.5",
            "CIS Controls v8 4.8",
            "CWE-1327",
        ],
        fires_on: &[
            "tcp/[::]:8462 exe=/opt/acme/acmed + tcp/127.0.0.1:8462 exe=/opt/acme/acmed => medium",
            "tcp/[::]:8462 v6only exe=/opt/acme/acmed + tcp/127.0.0.1:8462 exe=/opt/acme/acmed => medium",
            "udp/[::]:53 exe=/usr/sbin/dnsmasq + udp/10.0.0.5:53 exe=/usr/sbin/named => low",
        ],
        quiet_on: &[
            "tcp/[::]:22 v6only exe=/usr/sbin/sshd + tcp/0.0.0.0:22 exe=/usr/sbin/sshd",
            "tcp/[::]:22 exe=/usr/sbin/sshd",
            "tcp/[::]:443 exe=/usr/sbin/nginx + tcp/[::]:80 exe=/usr/sbin/nginx",
            "udp/[::]:53 v6only exe=/usr/sbin/named + udp/127.0.0.1:53 exe=/usr/sbin/named + udp/10.0.0.5:53 exe=/usr/sbin/named",
            "udp/[::]:53 v6only exe=/usr/sbin/dnsmasq + udp/10.0.0.5:53 exe=/usr/sbin/named",
            "udp/[::]:123 v6only exe=/usr/sbin/ntpd + udp/0.0.0.0:123 exe=/usr/sbin/ntpd + udp/127.0.0.1:123 exe=/usr/sbin/ntpd",
            "udp/[::]:5353 exe=/usr/sbin/avahi-daemon + udp/224.0.0.251:5353 exe=/opt/browser",
            "tcp/[::]:8462 exe=/opt/acme/acmed alone + tcp/127.0.0.1:8462 exe=/opt/acme/acmed",
            "tcp/[::1]:8462 exe=/opt/acme/acmed + tcp/127.0.0.1:8462 exe=/opt/acme/acmed",
            "tcp/[::]:8462 nobody + tcp/127.0.0.1:8462 nobody",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    if subject.beside.is_empty() || subject.reach() == Exposure::Loopback {
        return None;
    }
    if subject.kernel_chosen && subject.socket.state == State::Unconnected {
        return None;
    }
    let here = subject.servers.first()?;
    let scope = |beside: &Beside<'_>| Scope::of_ip(beside.address);
    // A group address narrows nothing: it is how a multicast client listens.
    let narrowed = || subject.beside.iter().filter(|beside| scope(beside) != Scope::Multicast);
    if narrowed().next().is_none() || narrowed().any(|beside| scope(beside) == Scope::Wildcard) {
        return None;
    }
    let takes_ipv4 = subject.socket.dual_stack() == Some(true);
    let kept = |beside: &Beside<'_>| scope(beside) == Scope::Loopback && beside.process.is_some_and(|p| is_one(p, here));
    if narrowed().all(kept) {
        let too = if takes_ipv4 { ", and IPv4 at every other address" } else { "" };
        return Some(Draft {
            severity: Severity::Medium,
            message: format!("IPv4 is kept to this host here, but this socket takes IPv6 from everywhere{too}"),
            evidence: evidence(subject, narrowed()),
            remedy: "bind IPv6 as narrowly as IPv4: [::1] instead of [::]".to_owned(),
        });
    }
    let other = narrowed().find(|beside| beside.process.is_some_and(|process| is_another(process, here)));
    let Beside { address, process } = other.filter(|_| takes_ipv4)?;
    Some(Draft {
        severity: Severity::Low,
        message: format!(
            "takes IPv4 too, except at {address}, where {} answers: clients reach one or the other by the address \
             they use",
            process.map(place::exe)?
        ),
        evidence: evidence(subject, narrowed()),
        remedy: "give each program its addresses, and set IPV6_V6ONLY on the wildcard".to_owned(),
    })
}

fn is_one(process: &Process, other: &Process) -> bool {
    process.exe.is_some() && process.exe == other.exe
}

fn is_another(process: &Process, other: &Process) -> bool {
    process.exe.is_some() && other.exe.is_some() && process.exe != other.exe
}

/// How many sockets the evidence names.
const MOST: usize = 4;

fn evidence<'a>(subject: &Subject<'_>, narrowed: impl Iterator<Item = &'a Beside<'a>>) -> Vec<Evidence> {
    let only = match subject.socket.v6only {
        Some(true) => "IPV6_V6ONLY is set",
        Some(false) => "IPV6_V6ONLY is not set: it takes IPv4 too",
        None => "the table does not tell whether it takes IPv4 too",
    };
    let mut all = vec![Evidence::new("address", format!("[::]: {only}"))];
    all.extend(narrowed.take(MOST).map(|Beside { address, process }| {
        let holder = process.map_or_else(|| "nobody that is known".to_owned(), place::exe);
        let address: IpAddr = *address;
        Evidence::new("address", format!("{address} at the same port: held by {holder}"))
    }));
    all
}
