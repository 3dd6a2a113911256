//! From where a run looks at Windows, and the gaps that follow.

use super::processes::{self, Seen};
use super::question::Question;
use super::refusal::{self, ELEVATE};
use crate::collect::seam::Kernel;
use crate::model::{Gap, Host, Interface, NamespaceKind, NetNs, NetNsKind, Text, Transport, Vantage};

/// The privilege that opens the processes of others.
const DEBUG: &str = "SeDebugPrivilege";

/// The privileges of a token by name, as the documentation of privilege constants lists them.
const PRIVILEGES: [&str; 36] = [
    "SeAssignPrimaryTokenPrivilege",
    "SeAuditPrivilege",
    "SeBackupPrivilege",
    "SeChangeNotifyPrivilege",
    "SeCreateGlobalPrivilege",
    "SeCreatePagefilePrivilege",
    "SeCreatePermanentPrivilege",
    "SeCreateSymbolicLinkPrivilege",
    "SeCreateTokenPrivilege",
    DEBUG,
    "SeDelegateSessionUserImpersonatePrivilege",
    "SeEnableDelegationPrivilege",
    "SeImpersonatePrivilege",
    "SeIncreaseBasePriorityPrivilege",
    "SeIncreaseQuotaPrivilege",
    "SeIncreaseWorkingSetPrivilege",
    "SeLoadDriverPrivilege",
    "SeLockMemoryPrivilege",
    "SeMachineAccountPrivilege",
    "SeManageVolumePrivilege",
    "SeProfileSingleProcessPrivilege",
    "SeRelabelPrivilege",
    "SeRemoteShutdownPrivilege",
    "SeRestorePrivilege",
    "SeSecurityPrivilege",
    "SeShutdownPrivilege",
    "SeSyncAgentPrivilege",
    "SeSystemEnvironmentPrivilege",
    "SeSystemProfilePrivilege",
    "SeSystemtimePrivilege",
    "SeTakeOwnershipPrivilege",
    "SeTcbPrivilege",
    "SeTimeZonePrivilege",
    "SeTrustedCredManAccessPrivilege",
    "SeUndockPrivilege",
    "SeUnsolicitedInputPrivilege",
];

/// The ports that Windows hands out by itself unless an administrator set others, "Service overview and network port
/// requirements for Windows". Which were set, no documented call tells.
const DYNAMIC_PORTS: (u16, u16) = (49152, 65535);

/// The privilege of that name.
pub fn privilege(name: &str) -> Option<&'static str> {
    PRIVILEGES.into_iter().find(|known| *known == name)
}

/// The words of each line, split at the first space.
fn lines(answer: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let lines = std::str::from_utf8(answer).unwrap_or_default().lines();
    lines.map(|line| line.split_once(' ').unwrap_or((line, "")))
}

/// The host; with its id where that is wanted.
pub fn host(kernel: &dyn Kernel<Question>, ids: bool) -> Host {
    // No port takes a privilege to bind.
    let (ephemeral_ports, unprivileged_port) = (Some(DYNAMIC_PORTS), Some(0));
    let mut host = Host { platform: "windows", ephemeral_ports, unprivileged_port, ..Host::default() };
    let mut answer = kernel.get(&Question::Host).unwrap_or_default();
    if ids {
        answer.extend(kernel.get(&Question::Identity).unwrap_or_default());
    }
    for (name, value) in lines(&answer) {
        match name {
            "hostname" => host.hostname = Text::unescape(value),
            "kernel" => host.kernel = Text::unescape(value),
            "host_id" => {
                let is_id = value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
                host.id = is_id.then(|| value.to_owned());
            }
            _ => {}
        }
    }
    host
}

/// The vantage, and whether this run is in a container.
pub fn vantage(kernel: &dyn Kernel<Question>) -> (Vantage, bool) {
    let Ok(answer) = kernel.get(&Question::Vantage) else { return (Vantage::default(), false) };
    let mut caps = Vec::new();
    let mut vantage = Vantage::default();
    let mut is_contained = false;
    for (name, value) in lines(&answer) {
        match name {
            "elevated" => {
                vantage.elevated = match value {
                    "0" => Some(false),
                    "1" => Some(true),
                    _ => None,
                }
            }
            "user" => vantage.user = processes::user(value.as_bytes()),
            "privilege" => caps.extend(privilege(value)),
            "container" => is_contained = true,
            _ => {}
        }
    }
    caps.sort_unstable();
    caps.dedup();
    vantage.caps = Some(caps);
    // There is one list of processes for all but a container, which sees its own.
    vantage.pid_ns = Some(if is_contained { NamespaceKind::Nested } else { NamespaceKind::Initial });
    (vantage, is_contained)
}

/// The network of this host, which is one, or that of the container that this run is in.
pub fn network(kernel: &dyn Kernel<Question>, is_contained: bool) -> NetNs {
    let interfaces = kernel.get(&Question::Links).ok().map(|answer| {
        let device = |(index4, rest): (&str, &str)| {
            let mut words = rest.splitn(4, ' ');
            let index6: u32 = words.next()?.parse().ok()?;
            let (up, loopback) = (words.next()? == "up", words.next()? == "loopback");
            let name = Text::unescape(words.next()?)?;
            // Both families have the same index where a device has both.
            let index = if index6 == 0 { index4.parse().ok()? } else { index6 };
            Some(Interface { index, name, up, loopback, made_in: None, tunnel: None })
        };
        lines(&answer).filter_map(device).collect::<Vec<_>>()
    });
    let kind = if is_contained { NetNsKind::Container } else { NetNsKind::Host };
    // A list without a device, not even one of loopback, is none.
    NetNs { inode: None, name: None, kind, interfaces: interfaces.filter(|all| !all.is_empty()), addresses: None }
}

fn processes(count: u64) -> String {
    if count == 1 { "1 process".to_owned() } else { format!("{count} processes") }
}

/// What could not be seen of processes.
pub fn process_gaps(seen: &Seen, vantage: &Vantage) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let lacks = vantage.caps.as_ref().is_some_and(|caps| !caps.contains(&DEBUG));
    let (why, remedy) = match (vantage.elevated, lacks) {
        (Some(false), _) => {
            ("this run is not elevated, and Windows lets it look into its own user's processes alone", ELEVATE)
        }
        (_, true) => (
            "this run lacks SeDebugPrivilege",
            "give its user the right `Debug programs`, or run it as another administrator",
        ),
        _ => (
            "Windows refused although this run has SeDebugPrivilege",
            "look whether security software of this host keeps processes from being looked at",
        ),
    };
    let refused = [
        ("executables", "told by the name of their image alone"),
        ("users", "told without"),
        ("command lines", "told without"),
    ];
    for ((what, consequence), count) in refused.into_iter().zip(seen.refused) {
        if count > 0 {
            let what = format!("the {what} of {}", processes(count));
            let consequence = format!("these owners are {consequence}");
            gaps.push(Gap { what, why: why.into(), consequence, remedy: remedy.into() });
        }
    }
    if seen.unverified > 0 {
        gaps.push(Gap {
            what: format!("the files of the executables of {}", processes(seen.unverified)),
            why: "they could not be looked at, or were changed after the process had started".into(),
            consequence: "whether the processes still run what lies at these paths is not known".into(),
            remedy: "start these programs again, or run it elevated".into(),
        });
    }
    if seen.unweighed > 0 {
        gaps.push(Gap {
            what: format!("who may change the executables of {}", processes(seen.unweighed)),
            why: "the access list of a file, or of a directory above it, could not be read".into(),
            consequence: "these executables neither confirm nor contradict a service".into(),
            remedy: ELEVATE.into(),
        });
    }
    if seen.bad > 0 {
        gaps.push(Gap {
            what: format!("{} in the list", processes(seen.bad)),
            why: "their lines made no sense".into(),
            consequence: "sockets that they own are listed without their owner".into(),
            remedy: "record the host with `earmark capture` and report it".into(),
        });
    }
    gaps.extend(seen.no_list.map(|refusal| refusal::gap("the list of processes", refusal, "owners are not known")));
    gaps.extend(
        seen.no_services
            .map(|refusal| refusal::gap("the list of services", refusal, "which service an owner is of is not known")),
    );
    gaps
}

/// Sockets that exist on Windows and that no call of it tells of. Whoever asks for one of them by name is told so.
pub fn untold(transports: &[Transport]) -> Vec<Gap> {
    let untold = [
        (Transport::Raw, "raw IP sockets"),
        (Transport::Vsock, "sockets between virtual machines and their host (Hyper-V)"),
        (Transport::Unix, "unix sockets"),
    ];
    let gaps =
        untold.into_iter().filter(|(transport, _)| transports.contains(transport)).map(|(transport, what)| Gap {
            what: format!("the rows of the table {}", transport.name()),
            why: format!("Windows has {what}, and tells of them to nobody"),
            consequence: "they are not listed".to_owned(),
            remedy: "none is known".to_owned(),
        });
    gaps.collect()
}
