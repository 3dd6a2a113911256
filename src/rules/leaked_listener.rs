//! A process that has nothing to do with the others holds their socket.

use super::{Check, Draft, Exposure, Rule, Subject, place};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::{Process, Transport, UnitState};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "leaked-listener",
        theme: Theme::Identity,
        specificity: 14,
        summary: "A process of another program and another unit holds the socket too",
        explanation: "\
A socket goes to every child that is not kept from inheriting it, and with a message to any process at all. Whoever holds
it may accept connections that are meant for the server, keeps the port from being bound again after the server is gone,
and answers in its place. Usually a server started something without close-on-exec (a shell, a helper, a job that went on
under a unit of its own); now and then somebody was given the socket on purpose.

It fires on one process whose executable and whose unit both differ from those of every other holder. It keeps quiet for
an ancestor of another holder, for what passes sockets on (systemd, inetd, proxies such as docker-proxy), for workers and
helpers within one unit, where an executable or a unit is not known, and for unix sockets, which are made to be handed
on. It is low on loopback and medium elsewhere.",
        remedy: "\
Restart the process that holds it, and let the server set close-on-exec (SOCK_CLOEXEC) on its sockets.",
        controls: &["NIST SP 800-53 Rev. 5 SC-4", "NIST SP 800-53 Rev. 5 CM-8(3)", "CWE-403", "CWE-402"],
        fires_on: &[
            "tcp/0.0.0.0:8443 exe=/usr/sbin/nginx unit=nginx.service exe=/usr/bin/sleep unit=session-4.scope => medium",
            "tcp/127.0.0.1:8443 exe=/opt/a unit=a.service exe=/opt/a unit=a.service exe=/usr/bin/bash => low",
            "tcp/0.0.0.0:8443 exe=/opt/a unit=a.service pid=70 exe=/opt/b unit=b.service pid=71 ppid=70 => medium",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:8443 exe=/usr/sbin/nginx unit=nginx.service exe=/usr/bin/sleep unit=nginx.service",
            "tcp/0.0.0.0:8443 exe=/opt/a unit=a.service exe=/opt/a unit=session-4.scope",
            "tcp/0.0.0.0:22 exe=/usr/lib/systemd/systemd pid=1 unit=init.scope exe=/usr/sbin/sshd unit=ssh.service",
            "tcp/0.0.0.0:8443 exe=/opt/a unit=a.service exe=/opt/b unit=b.service file=unreadable",
            "tcp/0.0.0.0:8443 exe=/opt/a unit=a.service",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    if !subject.serves() || subject.socket.transport == Transport::Unix {
        return None;
    }
    // The order is that of ancestors and starts: who came first has leaked it to who came later.
    let (first, later) = subject.servers.split_first()?;
    let others = |process: &Process| {
        let pid = process.pid;
        subject.servers.iter().filter(move |other| other.pid != pid)
    };
    let is_outside = |process: &&&Process| {
        is_known(process) && others(process).all(|other| is_known(other) && is_stranger(process, other))
    };
    let is_ancestor = |process: &&&Process| subject.servers.iter().any(|other| descends(other, process.pid, subject));
    let leaked = later.iter().filter(is_outside).find(|process| !is_ancestor(process))?;
    let exe = place::exe(leaked);
    let server = place::exe(first);
    Some(Draft {
        severity: if subject.reach() == Exposure::Loopback { Severity::Low } else { Severity::Medium },
        message: format!("{exe} of {} holds the socket of {server} too", place::home(leaked)),
        evidence: vec![
            Evidence::new("owner", format!("pid {}: {exe} of {}", leaked.pid, place::home(leaked))),
            Evidence::new("owner", format!("pid {}: {server} of {}", first.pid, place::home(first))),
        ],
        remedy: format!("restart pid {}, and let {server} set close-on-exec on its sockets", leaked.pid),
    })
}

fn is_known(process: &Process) -> bool {
    process.exe.is_some()
        && process.exe_state != crate::model::ExeState::Unreadable
        && process.unit_state != UnitState::Unknown
}

/// True for processes of different executables and different units.
fn is_stranger(process: &Process, other: &Process) -> bool {
    let home = |process: &Process| (process.unit_family(), process.user_unit.clone(), process.container.clone());
    process.exe != other.exe && home(process) != home(other)
}

/// True where a process descends from that one, as far as the owners tell.
fn descends(process: &Process, from: u32, subject: &Subject<'_>) -> bool {
    let mut up = process.ppid;
    // As many steps as there are owners: a snapshot of a moving host may have rings.
    for _ in 0..subject.owners.len() {
        match up {
            Some(pid) if pid == from => return true,
            Some(pid) => up = subject.owners.iter().find(|owner| owner.pid == pid).and_then(|owner| owner.ppid),
            None => return false,
        }
    }
    false
}
