//! Somebody receives packets below the ports.

use super::{Check, Draft, Rule, Subject, place};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::{Local, OwnerStatus, Process, Text};

/// Programs whose work it is to receive packets below the ports: addresses, routes, links and redundancy.
const KNOWN: &[&str] = &[
    "NetworkManager",
    "bird",
    "bird6",
    "charon",
    "charon-systemd",
    "chronyd",
    "dhclient",
    "dhcpcd",
    "dhcpd",
    "dnsmasq",
    "hostapd",
    "iwd",
    "kea-dhcp4",
    "keepalived",
    "lldpad",
    "lldpd",
    "nm-dhcp-helper",
    "odhcp6c",
    "odhcpd",
    "ospf6d",
    "ospfd",
    "ovs-vswitchd",
    "pimd",
    "ptp4l",
    "radvd",
    "systemd-networkd",
    "udhcpc",
    "udhcpd",
    "vrrpd",
    "wickedd-dhcp4",
    "wickedd-dhcp6",
    "wpa_supplicant",
];

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "packet-socket",
        theme: Theme::Exposure,
        specificity: 5,
        summary: "A raw or packet socket receives below the ports, and its owner is not known for that",
        explanation: "\
A packet socket gets whole frames of a device before the firewall of this host has seen them; a raw socket gets every
packet of a protocol. Neither has a port, so most tools do not list them, and both can carry a conversation that no
listener shows: capture tools and scanners work so, and so do backdoors that wait for one odd packet. It is also
how addresses are configured and routes learned.

It keeps quiet where every holder is a program that is known for such work (DHCP clients and servers, NetworkManager,
systemd-networkd, lldpd, wpa_supplicant, keepalived, routing daemons …), whose executable is verified and lies where only
root may write; and where holders could not be looked at, since the coverage says that. Somebody who gets every frame, or
whose executable is not beyond doubt, or whom nobody can see although every process was looked into, is low; the rest is
info.",
        remedy: "\
Find out what the holder needs it for; take CAP_NET_RAW from what does not.",
        controls: &[
            "NIST SP 800-53 Rev. 5 SC-7",
            "NIST SP 800-53 Rev. 5 AC-6",
            "CIS Controls v8 4.8",
            "MITRE ATT&CK T1040",
            "MITRE ATT&CK T1205.002",
        ],
        fires_on: &[
            "packet/eth0:all exe=/usr/bin/tcpdump => low",
            "packet/eth0:0x0800 exe=/usr/bin/arping => info",
            "raw/0.0.0.0:proto=1 exe=/usr/bin/ping => info",
            "raw/0.0.0.0:proto=1 exe=/home/ann/dhclient writable => low",
            "raw/0.0.0.0:proto=17 exe=/usr/sbin/dhclient file=deleted => low",
            "packet/eth0:0x0800 nobody => low",
        ],
        quiet_on: &[
            "packet/eth0:0x0800 exe=/usr/sbin/dhclient",
            "packet/eth0:all exe=/usr/sbin/lldpd",
            "raw/[::]:proto=58 exe=/usr/lib/systemd/systemd-networkd",
            "packet/eth0:all",
            "udp/0.0.0.0:68 exe=/usr/bin/tcpdump",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let (what, all) = match subject.socket.local {
        Local::Packet { protocol, .. } if subject.socket.device == 0 => {
            ("frames of every device before any firewall", protocol == 3)
        }
        Local::Packet { protocol, .. } => ("frames of a device before any firewall", protocol == 3),
        Local::Raw { .. } => ("every packet of its protocol", false),
        _ => return None,
    };
    let strange = subject.owners.iter().find(|process| !is_known(process));
    let (holder, doubtful) = match strange {
        Some(process) => (place::exe(process), process.trusted_exe().is_none()),
        None if subject.owner_status == OwnerStatus::None => ("a holder that was not seen".to_owned(), true),
        None => return None,
    };
    let all_frames = if all { " (every protocol)" } else { "" };
    let mut evidence = vec![Evidence::new("address", format!("it receives {what}{all_frames}"))];
    evidence.extend(strange.map(|process| {
        let exe = format!("{holder} ({}), pid {}, {}", process.exe_state.name(), process.pid, place::home(process));
        Evidence::new("owner", exe)
    }));
    Some(Draft {
        severity: if all || doubtful { Severity::Low } else { Severity::Info },
        message: format!("{holder} receives {what}{all_frames}"),
        evidence,
        remedy: "find out what it needs that for, and take CAP_NET_RAW from it if it needs it for nothing".to_owned(),
    })
}

/// True for the name of a program that is known for such work.
pub(super) fn is_for_packets(name: &[u8]) -> bool {
    KNOWN.iter().any(|known| known.as_bytes() == name)
}

/// True for a program that is known for such work, where nobody but root may have put it there.
fn is_known(process: &&&Process) -> bool {
    process.trusted_exe().map(Text::base_name).is_some_and(is_for_packets)
}
