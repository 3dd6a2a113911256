//! The program that listens is no file any more.

use super::{Approval, Check, Draft, Exposure, Rule, Subject, place};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::{ExeState, Process, Text};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "deleted-executable",
        theme: Theme::Identity,
        specificity: 20,
        summary: "The executable of its owner has been deleted, or never was a file",
        explanation: "\
A process runs on after its file is gone. There are three ways to get there, and the message says which one it is:

- **deleted**: the file was replaced or removed after the start. An upgrade does that, and then the process still runs
  the old code, with the holes that the upgrade closed. Low, or medium where others than this host can reach it and no
  expectation of a policy matches it.
- **deleted, from a scratch directory** (`/tmp`, `/var/tmp`, `/dev/shm`, `/run/user`): no package installs there; who
  starts a server there and removes its file covers its tracks. High.
- **memfd**: the program was never in a file system; it was written to memory and run from there. Container runtimes do
  so for a moment, a server that keeps listening hardly ever does. High.

Deletion is read from the link count of the file behind the magic link, never from the suffix that the kernel writes
behind its name, which may be part of a name.",
        remedy: "\
After an upgrade restart the unit. Otherwise find out who started it before you end it: its memory is the only copy
(`/proc/PID/exe` can still be copied).",
        controls: &[
            "NIST SP 800-53 Rev. 5 SI-2",
            "NIST SP 800-53 Rev. 5 CM-8(3)",
            "CIS Controls v8 7.3",
            "MITRE ATT&CK T1070.004",
            "MITRE ATT&CK T1620",
        ],
        fires_on: &[
            "tcp/[::]:22 exe=/usr/sbin/sshd file=deleted unit=ssh.service => medium",
            "tcp/127.0.0.1:6379 exe=/usr/bin/redis-check-rdb file=deleted => low",
            "tcp/127.0.0.1:4444 exe=/dev/shm/.x file=deleted => high",
            "tcp/127.0.0.1:4444 exe=/memfd:x file=memfd => high",
            "tcp/0.0.0.0:80 exe=/usr/sbin/nginx exe=/usr/sbin/nginx file=deleted => medium",
        ],
        quiet_on: &[
            "tcp/[::]:22 exe=/usr/sbin/sshd",
            "tcp/127.0.0.1:8000 exe=/usr/local/bin/server file=foreign",
            "tcp/0.0.0.0:40000 exe=/usr/bin/a\\u{20}(deleted)",
            "tcp/0.0.0.0:22 nobody",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let gone = |process: &&&Process| matches!(process.exe_state, ExeState::Deleted | ExeState::Memfd);
    let process = subject.owners.iter().filter(gone).max_by_key(|process| (suspicion(process), process.pid))?;
    let exe = process.exe.as_ref().map_or_else(|| "its executable".to_owned(), Text::escaped);
    let (severity, message, remedy) = match suspicion(process) {
        Suspicion::Memory => (
            Severity::High,
            format!("pid {} runs a program that never was a file: {exe}", process.pid),
            "find out who started it before you end it: its memory is the only copy".to_owned(),
        ),
        Suspicion::Scratch => (
            Severity::High,
            format!("{exe} was started from a scratch directory and has been deleted since"),
            format!("find out who started pid {} before you end it: its memory is the only copy", process.pid),
        ),
        Suspicion::Replaced => {
            let severity =
                if subject.reach() == Exposure::Loopback || subject.approval == Some(&Approval::Expected) {
                    Severity::Low
                } else {
                    Severity::Medium
                };
            let message = format!("{exe} has been deleted or replaced since it was started: the old code still serves");
            let remedy = match &process.unit {
                Some(unit) => format!("restart the unit {}", unit.escaped()),
                None => format!("restart the service of pid {}", process.pid),
            };
            (severity, message, remedy)
        }
    };
    let evidence = vec![Evidence::new("executable", format!("{exe} ({})", process.exe_state.name()))];
    Some(Draft { severity, message, evidence, remedy })
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Suspicion {
    Replaced,
    Scratch,
    Memory,
}

fn suspicion(process: &Process) -> Suspicion {
    if process.exe_state == ExeState::Memfd {
        Suspicion::Memory
    } else if place::is_in_scratch(process) {
        Suspicion::Scratch
    } else {
        Suspicion::Replaced
    }
}
