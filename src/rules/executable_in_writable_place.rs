//! The program that listens lies where others than root may write.

use super::{Check, Draft, Exposure, Rule, Subject, place};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::{ExeState, Process};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "executable-in-writable-place",
        theme: Theme::Identity,
        specificity: 13,
        summary: "The executable of its owner lies where others than root may write",
        explanation: "\
Whoever may write a program, or a directory above it, decides what answers on this port the next time it is started.
The message says where it lies:

- **a scratch directory** (`/tmp`, `/var/tmp`, `/dev/shm`, `/run/user`): no package installs there, and everybody may put a
  file there. High where anybody can reach it, medium in the local network, low on loopback.
- **memory** (`memfd`): the program was never in a file system, so nothing on disk tells what it is. High.
- **another place that somebody else than root may write**: a home directory, a checkout, a directory with a mode that is
  too wide. Usual for what people run themselves, and a mistake for a service. Medium where anybody can reach it, low in
  the local network, info on loopback.

The mode and the owner of the file and of every directory above it are read, and only of a verified executable: of a
file in a container's own root nothing is known but its path. Where the file belongs to a group that the process is in
and that may write it, that counts too.",
        remedy: "\
Install the program below a directory that only root may write (/usr/local, /opt), and let the unit start it from there.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-5(6)",
            "NIST SP 800-53 Rev. 5 CM-7(5)",
            "CIS Controls v8 2.5",
            "CWE-732",
            "MITRE ATT&CK T1574.010",
        ],
        fires_on: &[
            "tcp/0.0.0.0:4444 exe=/tmp/server writable => high",
            "tcp/10.0.0.5:4444 exe=/var/tmp/server file=foreign => medium",
            "tcp/127.0.0.1:4444 exe=/dev/shm/.x writable => low",
            "tcp/10.0.0.5:4444 exe=/private/tmp/server writable => medium",
            "tcp/127.0.0.1:4444 exe=/memfd:x file=memfd => high",
            "tcp/0.0.0.0:8080 exe=/home/ann/server writable uid=1000 => medium",
            "tcp/127.0.0.1:8080 exe=/home/ann/server writable uid=1000 => info",
        ],
        quiet_on: &[
            "tcp/[::]:22 exe=/usr/sbin/sshd",
            "tcp/0.0.0.0:8080 exe=/app/server file=foreign container=docker:web",
            "tcp/0.0.0.0:8080 exe=/tmpfiles/server",
            "tcp/0.0.0.0:8080 exe=/usr/sbin/nginx file=deleted",
            "tcp/0.0.0.0:8080 exe=/tmp/server writable state=bound",
        ],
    },
    check: Check::Listener(check),
};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Writable,
    Scratch,
    Memory,
}

fn place_of(process: &Process) -> Option<Place> {
    if process.exe_state == ExeState::Memfd {
        Some(Place::Memory)
    } else if place::is_in_scratch(process) {
        Some(Place::Scratch)
    } else {
        (process.exe_writable == Some(true)).then_some(Place::Writable)
    }
}

fn check(subject: &Subject<'_>) -> Option<Draft> {
    if !subject.serves() {
        return None;
    }
    let placed = subject.owners.iter().filter_map(|process| Some((place_of(process)?, process)));
    let (place, process) = placed.max_by_key(|(place, process)| (*place, std::cmp::Reverse(process.pid)))?;
    let (exe, keeper) = (place::exe(process), place::its_keeper(process));
    let (severity, message) = match (place, subject.reach()) {
        (Place::Memory, _) => (Severity::High, format!("{exe} was never a file: it runs from memory")),
        (Place::Scratch, reach) => {
            let severity = match reach {
                Exposure::Public => Severity::High,
                Exposure::Lan => Severity::Medium,
                Exposure::Loopback => Severity::Low,
            };
            (severity, format!("{exe} lies in a scratch directory, where anybody may put a program"))
        }
        (Place::Writable, reach) => {
            let severity = match reach {
                Exposure::Public => Severity::Medium,
                Exposure::Lan => Severity::Low,
                Exposure::Loopback => Severity::Info,
            };
            (severity, format!("{exe}, or a directory above it, may be written by others than {keeper}"))
        }
    };
    let remedy = match place {
        Place::Memory => format!("find out who started pid {} before you end it", process.pid),
        Place::Scratch | Place::Writable => {
            format!("install it below a directory that only {keeper} may write, and start it from there")
        }
    };
    let evidence = vec![
        Evidence::new("executable", format!("{exe} ({})", process.exe_state.name())),
        Evidence::new("address", format!("exposure: {}", subject.exposure.name())),
    ];
    Some(Draft { severity, message, evidence, remedy })
}
