//! A service that answers a small forged question with a large answer.

use super::weigh::basis;
use super::{Check, Draft, Exposure, Rule, Subject};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::{Process, Scope, State, Text, Transport};
use crate::registry::Entry;

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "udp-amplifier",
        theme: Theme::Exposure,
        specificity: 15,
        summary: "A UDP service that is known to amplify forged requests can be reached from beyond this host",
        explanation: "\
A datagram's sender is whoever it says. Some UDP services answer a small question with much more, and send it to the
address that stands in the question: whoever forges a victim's address has this host flood the victim. The host pays for
the traffic, and its provider or its CERT writes to its owner.

The services and how much they amplify are those of US-CERT's alert TA14-017A, \"UDP-Based Amplification Attacks\"; the few
that it lacks name their own source. Whether this server does so is its configuration: the remedy says what to look at.
High are those that have no other use today or amplify beyond all measure (chargen, quote of the day, memcached, SLP);
medium those that answer anybody by default. DNS, NTP and game servers are low: they are made to answer, and current
versions are shipped so that they amplify little; chrony and ntpd-rs, which never answer with more than they were asked,
are quiet. Multicast DNS is info, since its standard has it ignore what comes from beyond the link.

At a private or link-local address it is one step milder, since a forged question has to come from that network. So
is the discovery of a local network on a wildcard, where alone its groups are heard. The port number alone, without an
owner that confirms the service, is at most low. It keeps quiet on loopback and on sockets with one peer. Where a graver
rule of the theme fires, such as `unauthenticated-control` on memcached, that one is told and this one stands in `also`.",
        remedy: "\
Bind the service to loopback or to the network of its clients, or filter its port from beyond; turn off what nobody uses.
DNS: let strangers recurse nowhere, and limit the rate of answers. NTP: `restrict default noquery`, or a current chrony.",
        controls: &[
            "NIST SP 800-53 Rev. 5 SC-5(1)",
            "NIST SP 800-53 Rev. 5 CM-7",
            "PCI DSS 4.0 1.2.5",
            "CIS Controls v8 4.8",
            "BSI IT-Grundschutz 2023 SYS.1.1.A6",
            "CWE-406",
            "MITRE ATT&CK T1498.002",
        ],
        fires_on: &[
            "udp/0.0.0.0:11211 exe=/usr/bin/memcached => critical",
            "udp/0.0.0.0:19 exe=/usr/sbin/xinetd => low",
            "udp/0.0.0.0:111 exe=/usr/sbin/rpcbind => medium",
            "udp/10.0.0.5:111 exe=/usr/sbin/rpcbind => low",
            "udp/198.51.100.7:1900 exe=/usr/sbin/minidlnad => medium",
            "udp/0.0.0.0:1900 exe=/usr/sbin/minidlnad => low",
            "udp/0.0.0.0:123 exe=/usr/sbin/ntpd => low",
            "udp/0.0.0.0:53 exe=/usr/sbin/named => low",
            "udp/0.0.0.0:5353 exe=/usr/sbin/avahi-daemon => info",
            "udp/198.51.100.7:5683 exe=/usr/bin/coap-server => medium",
        ],
        quiet_on: &[
            "udp/127.0.0.1:123 exe=/usr/sbin/ntpd",
            "udp/0.0.0.0:123 exe=/usr/sbin/chronyd",
            "udp/127.0.0.1:53 exe=/usr/sbin/unbound",
            "udp/0.0.0.0:111 exe=/usr/sbin/rpcbind alone",
            "tcp/0.0.0.0:111 exe=/usr/sbin/rpcbind",
            "udp/0.0.0.0:111 exe=/usr/sbin/rpcbind state=connected",
            "udp/10.0.0.5:53 exe=/usr/sbin/named",
            "udp/0.0.0.0:51820 kernel=vxlan",
            "udp/0.0.0.0:68 exe=/usr/sbin/dhclient",
            "udp/0.0.0.0:123 exe=/usr/sbin/named",
        ],
    },
    check: Check::Listener(check),
};

/// How a service amplifies.
#[derive(Debug)]
struct Amplifier {
    /// Its name in the registry, over UDP.
    name: &'static str,
    /// Where everybody reaches it.
    severity: Severity,
    /// It looks for its peers on the local network by groups or broadcasts, which are heard at the wildcard alone.
    discovers: bool,
    /// Bytes of the answer for each byte of the question, where the source has a number.
    factor: Option<&'static str>,
    source: &'static str,
    /// Programs that serve it and never answer with more than they were asked.
    frugal: &'static [&'static str],
}

const fn amplifier(name: &'static str, severity: Severity, factor: &'static str) -> Amplifier {
    Amplifier { name, severity, discovers: false, factor: Some(factor), source: "US-CERT TA14-017A", frugal: &[] }
}

/// The amplifiers. They stand here and not in the registry, since no other rule and no lookup of a port asks for them,
/// and since their numbers have one source that is renewed as a whole. Sorted by port.
const AMPLIFIERS: &[Amplifier] = &[
    amplifier("qotd", Severity::High, "140.3"),
    amplifier("chargen", Severity::High, "358.8"),
    amplifier("domain", Severity::Low, "28 to 54"),
    amplifier("tftp", Severity::Medium, "60"),
    amplifier("sunrpc", Severity::Medium, "7 to 28"),
    // The large answers are those to the control messages of ntpd (modes 6 and 7), which neither chrony nor ntpd-rs has.
    Amplifier { frugal: &["chronyd", "ntp-daemon"], ..amplifier("ntp", Severity::Low, "556.9") },
    Amplifier { discovers: true, ..amplifier("netbios-ns", Severity::Medium, "3.8") },
    amplifier("snmp", Severity::Medium, "6.3"),
    amplifier("ldap", Severity::Medium, "56 to 70"),
    Amplifier { factor: None, source: "CVE-2023-29552", ..amplifier("svrloc", Severity::High, "") },
    Amplifier { discovers: true, ..amplifier("router", Severity::Medium, "131.24") },
    Amplifier { discovers: true, ..amplifier("ssdp", Severity::Medium, "30.8") },
    Amplifier { discovers: true, ..amplifier("ws-discovery", Severity::Medium, "10 to 500") },
    amplifier("mdns", Severity::Info, "2 to 10"),
    Amplifier { factor: None, source: "RFC 9175, section 2.4", ..amplifier("coap", Severity::Medium, "") },
    amplifier("memcache", Severity::High, "10,000 to 51,000"),
    amplifier("srcds", Severity::Low, "5.5"),
];

fn of(entry: Entry) -> Option<&'static Amplifier> {
    AMPLIFIERS.iter().find(|one| one.name == entry.name())
}

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let socket = subject.socket;
    let asked = socket.transport == Transport::Udp && socket.state == State::Unconnected;
    if !asked || subject.reach() == Exposure::Loopback {
        return None;
    }
    let claim = subject.credible_claim()?;
    let amplifier = of(claim.entry())?;
    let trusted = || subject.servers.iter().filter_map(|process: &&Process| process.trusted_exe());
    let is_frugal = |exe: &Text| amplifier.frugal.iter().any(|name| exe.is_program(name));
    if claim.confirmed && trusted().next().is_some() && trusted().all(is_frugal) {
        return None;
    }
    let mut severity = amplifier.severity;
    let nearby = subject.reach() == Exposure::Lan || (amplifier.discovers && subject.exposure == Scope::Wildcard);
    if nearby {
        severity = milder(severity)?;
    }
    // What is made to answer its own network is no amplifier there.
    if subject.reach() == Exposure::Lan && severity <= Severity::Info {
        return None;
    }
    if !claim.confirmed {
        severity = severity.min(Severity::Low);
    }
    let mut evidence = vec![basis(subject, claim), Evidence::new("address", format!("exposure: {}", subject.exposure.name()))];
    let factor = match amplifier.factor {
        Some(factor) => format!("answers {factor} times the bytes of a question ({})", amplifier.source),
        None => format!("answers much more than was asked ({})", amplifier.source),
    };
    evidence.insert(1, Evidence::new("registry", format!("{}: {factor}", amplifier.name)));
    let remedy = match amplifier.name {
        "domain" => {
            "let strangers recurse nowhere and limit the rate of answers; bind what serves this host alone to loopback"
        }
        "ntp" => "let strangers ask for the time alone (ntpd: restrict default noquery), or bind it to the network of its clients",
        "memcache" => "turn UDP off (-U 0)",
        "qotd" | "chargen" => "turn it off: nobody uses it",
        _ => "bind it to the network of its clients, filter its port from beyond, or turn it off",
    };
    Some(Draft {
        severity,
        message: format!("{}, which is known to amplify requests with a forged sender", claim.says()),
        evidence,
        remedy: remedy.to_owned(),
    })
}

/// One step milder; nothing below info.
fn milder(severity: Severity) -> Option<Severity> {
    let at = Severity::ALL.iter().position(|one| *one == severity)?;
    Severity::ALL.get(at.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    #[test]
    fn every_amplifier_is_a_service_of_the_registry_and_they_go_by_port() {
        let registry = Registry::builtin();
        let port = |one: &Amplifier| {
            let entries = registry.by_name(one.name).into_iter();
            let ports = entries.filter(|entry| entry.transport() == Some(Transport::Udp)).map(|e| *e.ports().start());
            ports.min().unwrap_or_else(|| panic!("{} is no service over UDP", one.name))
        };
        let ports: Vec<u16> = AMPLIFIERS.iter().map(port).collect();
        assert!(ports.is_sorted_by(|one, next| one < next), "{ports:?}");
        for one in AMPLIFIERS {
            assert!(one.factor.is_none_or(|factor| !factor.is_empty()), "{one:?}");
        }
    }
}
