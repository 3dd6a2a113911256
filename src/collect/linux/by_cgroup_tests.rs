use super::super::netlink::{assemble, attribute as netlink_attribute};
use super::super::question::Table;
use super::super::sock_diag::tests::inet;
use super::super::tests::{host, look, refuse, tell};
use crate::collect::capture::Capture;
use crate::judge::judge;
use crate::model::{Certainty, OwnerStatus, UnitState};
use crate::registry::Registry;
use crate::report::Report;

/// A host of one listener that was created in cgroup 77, seen by who may look into no process.
fn closed(path: &str) -> Capture {
    let mut host = host();
    for table in Table::ALL {
        host.answers.insert(format!("diag {}", table.name()), vec![Ok(assemble::done(0).into())]);
    }
    const INET_DIAG_CGROUP_ID: u16 = 21;
    let cgroup = netlink_attribute(INET_DIAG_CGROUP_ID, &77u64.to_ne_bytes());
    let row = inet(2, 10, 22, &[0; 16], 500, &cgroup);
    host.answers.insert("diag tcp".to_owned(), vec![Ok([row, assemble::done(0)].concat().into())]);
    for question in ["sockets 1", "sockets 7", "exe 7"] {
        refuse(&mut host, question, 13);
    }
    tell(&mut host, "owner 7", "0 0 4242\n");
    tell(&mut host, "vantage", "uid 65534\ncaps 0\npid_ns 4026531836\nuser_ns 4026531837\nhidepid off\n");
    tell(&mut host, "cgroup-paths", &format!("77 {path}\n"));
    host
}

/// Status, unit with its state, container, and the owners with their certainty.
type Told = (OwnerStatus, Option<String>, UnitState, Option<String>, Vec<(u32, Certainty)>);

fn told(host: &Capture) -> Told {
    let report: Report = judge(look(host), &Registry::builtin(), String::new());
    let listener = &report.listeners[0];
    let (unit, state) = report.unit(listener);
    let container = report.container(listener).0.map(|container| container.short_name());
    let owners = listener.owners.iter().map(|owner| (report.process(owner).pid, owner.certainty));
    (listener.owner_status, unit.map(|unit| unit.escaped()), state, container, owners.collect())
}

#[test]
fn a_closed_process_leaves_its_unit_and_is_probable_alone() {
    let mut host = closed("/system.slice/ssh.service");
    let ssh = Some("ssh.service".to_owned());
    assert_eq!(told(&host), (OwnerStatus::Denied, ssh.clone(), UnitState::Known, None, vec![]));
    tell(&mut host, "cgroup-procs /system.slice/ssh.service", "7\n");
    let probable = vec![(7, Certainty::Probable)];
    assert_eq!(told(&host), (OwnerStatus::Denied, ssh.clone(), UnitState::Known, None, probable));
    // Of several it may be any; one of another pid namespace has no number here; below it others may be.
    for procs in ["7\n8\n", "0\n", "7\nbelow\n", "7\n0\n", "", "x\n"] {
        tell(&mut host, "cgroup-procs /system.slice/ssh.service", procs);
        assert_eq!(told(&host).4, [], "{procs:?}");
    }
}

#[test]
fn a_container_shows_and_the_root_says_nothing() {
    let id = "0123456789abcdef".repeat(4);
    let docker = told(&closed(&format!("/system.slice/docker-{id}.scope")));
    assert_eq!((docker.0, docker.3), (OwnerStatus::Denied, Some("docker:0123456789ab".to_owned())));
    let mut host = closed("/");
    tell(&mut host, "cgroup-procs /", "7\n");
    assert_eq!(told(&host), (OwnerStatus::Denied, None, UnitState::Unknown, None, vec![]));
    // What the path does not tell is not known.
    tell(&mut host, "cgroup-paths", "78 /system.slice/ssh.service\n");
    assert_eq!(told(&host).2, UnitState::Unknown);
}

#[test]
fn who_sees_everything_needs_no_cgroup() {
    let mut host = closed("/system.slice/ssh.service");
    tell(&mut host, "cgroup-procs /system.slice/ssh.service", "7\n");
    tell(&mut host, "vantage", "uid 0\ncaps 1ffffffffff\npid_ns 4026531836\nuser_ns 4026531837\nhidepid off\n");
    tell(&mut host, "sockets 1", "");
    tell(&mut host, "sockets 7", "");
    let (status, unit, state, _, owners) = told(&host);
    assert_eq!((status, unit, state, owners), (OwnerStatus::None, None, UnitState::Unknown, vec![]));
}

#[test]
fn who_was_seen_not_to_hold_it_is_not_named() {
    let mut host = closed("/system.slice/ssh.service");
    tell(&mut host, "cgroup-procs /system.slice/ssh.service", "7\n");
    // Another process is closed, and may hold it; this one was looked into and does not.
    tell(&mut host, "sockets 7", "4 999\n");
    assert_eq!(told(&host).4, []);
    // Some of its descriptors could not be read.
    tell(&mut host, "sockets 7", "4 999\n! 13 2\n");
    assert_eq!(told(&host).4, [(7, Certainty::Probable)]);
}
