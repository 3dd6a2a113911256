//! From where a run looks, read from the kernel's answers, and the gaps that follow.

use super::kernel::{Kernel, Refusal, words};
use super::question::Question;
use crate::model::{
    Certainty, Gap, Hidepid, Host, Interface, NamespaceKind, NetNs, NetNsKind, ProcessCounts, Snapshot, Text,
    Timestamp, Vantage,
};

/// `PROC_PID_INIT_INO` and `PROC_USER_INIT_INO`, `include/linux/proc_ns.h`: fixed since the namespaces exist.
const FIRST_PID_NS: u64 = 0xefff_fffc;
const FIRST_USER_NS: u64 = 0xefff_fffd;
/// `NET_NS_INIT_INO`, fixed since Linux 6.18.
const FIRST_NET_NS: u64 = 0xefff_fff9;

/// The capabilities in the order of their numbers, capabilities(7).
const CAPABILITIES: [&str; 41] = [
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

/// What the two capabilities are that open other users' descriptors: one to list them, one to look through them.
const NEEDED: [&str; 2] = ["cap_dac_read_search", "cap_sys_ptrace"];

/// When a run looked, when the host booted, and its clock ticks a second.
pub fn clock(kernel: &dyn Kernel<Question>) -> Option<(Timestamp, Timestamp, u64)> {
    let answer = kernel.get(&Question::Clock).ok()?;
    let words = answer.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut numbers = words.map_while(|word| std::str::from_utf8(word).ok()?.parse::<i64>().ok());
    let (now, since_boot, ticks) = (numbers.next()?, numbers.next()?, numbers.next()?);
    Some((Timestamp(now), Timestamp(now.saturating_sub(since_boot / 1_000_000)), u64::try_from(ticks).ok()?))
}

/// The lines `NAME VALUE` of an answer.
fn lines(answer: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    std::str::from_utf8(answer).unwrap_or_default().lines().filter_map(|line| line.split_once(' '))
}

/// The vantage, as far as it is known.
pub fn vantage(kernel: &dyn Kernel<Question>) -> Vantage {
    let answer = kernel.get(&Question::Vantage).unwrap_or_default();
    let mut vantage = Vantage::default();
    let kind = |value: &str, first: u64| match value.parse() {
        Ok(0) | Err(_) => None,
        Ok(inode) if inode == first => Some(NamespaceKind::Initial),
        Ok(_) => Some(NamespaceKind::Nested),
    };
    for (name, value) in lines(&answer) {
        match name {
            "uid" => vantage.uid = value.parse().ok(),
            "caps" => vantage.caps = u64::from_str_radix(value, 16).ok().map(capabilities),
            "pid_ns" => vantage.pid_ns = kind(value, FIRST_PID_NS),
            "user_ns" => vantage.user_ns = kind(value, FIRST_USER_NS),
            "hidepid" => {
                vantage.hidepid = match value {
                    "off" | "0" => Some(Hidepid::Off),
                    "noaccess" | "1" => Some(Hidepid::NoAccess),
                    "invisible" | "2" => Some(Hidepid::Invisible),
                    "ptraceable" | "4" => Some(Hidepid::Ptraceable),
                    _ => None,
                }
            }
            _ => {}
        }
    }
    vantage
}

fn capabilities(bits: u64) -> Vec<&'static str> {
    CAPABILITIES.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| *name).collect()
}

/// The host, as far as it is known; with its ids where they are wanted.
pub fn host(kernel: &dyn Kernel<Question>, ids: bool) -> Host {
    let mut host = Host { platform: "linux", ..Host::default() };
    let mut answer = kernel.get(&Question::Host).unwrap_or_default();
    if ids {
        answer.extend(kernel.get(&Question::Identity).unwrap_or_default());
    }
    for (name, value) in lines(&answer) {
        match name {
            "hostname" => host.hostname = Text::unescape(value),
            "kernel" => host.kernel = Text::unescape(value),
            "boot_id" => host.boot_id = Text::unescape(value),
            "host_id" => {
                let is_id = value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
                host.id = is_id.then(|| value.to_owned());
            }
            _ => {}
        }
    }
    for (name, value) in lines(&kernel.get(&Question::Ports).unwrap_or_default()) {
        let mut ports = value.split_ascii_whitespace().map_while(|port| port.parse().ok());
        match name {
            "ephemeral" => host.ephemeral_ports = ports.next().zip(ports.next()),
            "unprivileged" => host.unprivileged_port = ports.next(),
            _ => {}
        }
    }
    host
}

/// Our own network namespace, as far as it is known.
pub fn netns(kernel: &dyn Kernel<Question>, vantage: &Vantage) -> NetNs {
    let answer = kernel.get(&Question::NetNs).unwrap_or_default();
    let numbers = std::str::from_utf8(&answer).unwrap_or_default().split_ascii_whitespace();
    let numbers: Vec<u64> = numbers.map_while(|number| number.parse().ok()).collect();
    let inode = numbers.first().copied().filter(|inode| *inode != 0);
    let with_first_process = matches!(numbers[..], [_, own, first] if own != 0 && own == first);
    // Process 1 of the host lives in the host's first namespace; process 1 of a container does not.
    let is_first = vantage.pid_ns == Some(NamespaceKind::Initial) && with_first_process;
    let kind = if is_first || inode == Some(FIRST_NET_NS) { NetNsKind::Host } else { NetNsKind::Other };
    NetNs { inode, name: None, kind, interfaces: interfaces(kernel), addresses: None }
}

/// The devices of a namespace; `None` where they could not be read whole.
pub fn interfaces(kernel: &dyn Kernel<Question>) -> Option<Vec<Interface>> {
    let links = kernel.get(&Question::Links).ok()?;
    super::devices::decode(&links)
}

/// True where a run has that capability, or one that opens the same and more.
fn has(caps: &[&str], needed: &str) -> bool {
    caps.contains(&needed) || (needed == "cap_dac_read_search" && caps.contains(&"cap_dac_override"))
}

/// Sorts the processes whose descriptors were refused into those that a capability would open and those that refuse
/// although this run has it.
pub fn sort_refusals(counts: &mut ProcessCounts, vantage: &Vantage) {
    let has_all = |caps: &Vec<&str>| NEEDED.iter().all(|needed| has(caps, needed));
    if vantage.caps.as_ref().is_some_and(has_all) {
        counts.denied_despite_caps = std::mem::take(&mut counts.no_permission);
    }
}

/// True where `/proc` hides other users' processes from this run.
fn hides(vantage: &Vantage) -> bool {
    let may_trace = vantage.caps.as_ref().is_some_and(|caps| caps.contains(&"cap_sys_ptrace"));
    matches!(vantage.hidepid, Some(Hidepid::Invisible | Hidepid::Ptraceable)) && !may_trace
}

/// True where whoever holds a socket was seen: every process was listed and looked into, and none has a socket in a
/// message that nobody can look into.
pub fn sees_every_holder(snapshot: &Snapshot) -> bool {
    let ProcessCounts { no_permission, denied_despite_caps, hidden_descriptors, hidden_possible, .. } = snapshot.counts;
    no_permission + denied_despite_caps + hidden_descriptors == 0
        && !hidden_possible
        && snapshot.holders.iter().all(|holder| holder.certainty != Certainty::Candidate)
        && !hides(&snapshot.vantage)
        && snapshot.vantage.pid_ns == Some(NamespaceKind::Initial)
}

/// What could not be seen of the processes. `unowned` is true where some socket is without a holder, `vsock` where the
/// sockets of vsock can only be had from descriptors.
pub fn process_gaps(counts: &mut ProcessCounts, vantage: &Vantage, unowned: bool) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut gap = |what: String, why: String, remedy: &str| {
        let consequence = "sockets that only they hold are listed without their owner";
        gaps.push(Gap { what, why, consequence: consequence.to_owned(), remedy: remedy.to_owned() });
    };
    if counts.no_permission > 0 {
        let lacking: Vec<&str> =
            NEEDED.into_iter().filter(|needed| !vantage.caps.as_ref().is_some_and(|caps| has(caps, needed))).collect();
        gap(
            format!("the descriptors of {}", processes(counts.no_permission)),
            match vantage.caps {
                Some(_) => format!("this run lacks {}", lacking.join(" and ")),
                None => "the kernel refused; which capabilities this run has is not known".to_owned(),
            },
            "run it as root, or give it cap_dac_read_search and cap_sys_ptrace",
        );
    }
    if counts.denied_despite_caps > 0 && vantage.user_ns == Some(NamespaceKind::Nested) {
        gap(
            format!("the descriptors of {}", processes(counts.denied_despite_caps)),
            "the capabilities of this run hold in its own user namespace alone".to_owned(),
            "run it as root outside of that user namespace",
        );
    } else if counts.denied_despite_caps > 0 {
        gap(
            format!("the descriptors of {}", processes(counts.denied_despite_caps)),
            "the kernel refused although this run has cap_dac_read_search and cap_sys_ptrace: a security module, or a \
             process that nobody may trace"
                .to_owned(),
            "look for denials of the security module in the kernel's log, and allow this program to read them",
        );
    }
    if counts.hidden_descriptors > 0 {
        gap(
            format!("{} descriptors", counts.hidden_descriptors),
            "they could be listed and not looked through".to_owned(),
            "run it as root, with cap_dac_read_search and cap_sys_ptrace",
        );
    }
    let hides = hides(vantage);
    if hides {
        gap(
            "processes of other users".to_owned(),
            "/proc is mounted with hidepid, which hides them from this user".to_owned(),
            "run it as root, or in the group that the mount option gid of /proc names",
        );
    }
    // Inside a pid namespace nothing is missing as long as every socket has its holder in it, or one that is refused.
    let refused = counts.no_permission + counts.denied_despite_caps > 0 || hides;
    let outside = vantage.pid_ns == Some(NamespaceKind::Nested) && unowned && !refused;
    if outside {
        gap(
            "processes outside this pid namespace".to_owned(),
            "some sockets of this network namespace have no holder among the processes that are seen from here"
                .to_owned(),
            "run it in the host's pid namespace",
        );
    }
    counts.hidden_possible |= hides || outside;
    gaps
}

fn processes(count: u64) -> String {
    match count {
        1 => "1 process".to_owned(),
        _ => format!("{count} processes"),
    }
}

/// The gap that a question without an answer leaves.
pub fn refusal_gap(what: &str, refusal: Refusal, consequence: &str) -> Gap {
    let remedy = match refusal {
        Refusal::Deadline => "give it more time with --timeout",
        Refusal::NotRecorded => "record the host again with this version",
        _ if refusal.is_denied() => "run it as root",
        _ => "see why the kernel refuses, with strace(1)",
    };
    Gap { what: what.into(), why: words(refusal), consequence: consequence.into(), remedy: remedy.into() }
}
