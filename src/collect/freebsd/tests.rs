//! What is told of a FreeBSD host: where it hides, jails, changes or speaks in another form.

use proptest::prelude::*;

use super::assemble::{facts, server, tcp, text, whole};
use super::layout as at;
use super::question::{Question, names};
use super::*;
use crate::collect::bsd::assemble::{refuse, tell as told};
use crate::collect::bsd::bytes::put;
use crate::collect::capture::Capture;
use crate::collect::seam::Replay;
use crate::model::TableStatus;

fn everything() -> Ask {
    Ask { transports: Transport::ALL.to_vec(), bound: true, time_wait: true, cmdline: true, ..Ask::default() }
}

fn look(host: &Capture) -> Snapshot {
    snapshot(&Replay::new(host), &everything())
}

fn holders(snapshot: &Snapshot, port: u32) -> Vec<Vec<u32>> {
    let sockets = (0..snapshot.sockets.len()).filter(|at| snapshot.sockets[*at].port() == Some(port));
    let pid = |holder: &Holder| snapshot.processes[holder.process as usize].pid;
    sockets.map(|at| snapshot.holders_of(at).iter().map(pid).collect()).collect()
}

#[test]
fn root_sees_every_socket_and_its_holders() {
    let snapshot = look(&server());
    assert_eq!(holders(&snapshot, 443), [[911, 912]], "and no connection");
    assert_eq!((holders(&snapshot, 22), holders(&snapshot, 51820)), (vec![vec![803], vec![803]], vec![vec![]]));
    assert_eq!(snapshot.lingering, ["192.0.2.10:443".parse().expect("an address")]);
    assert_eq!(snapshot.sockets.iter().find(|socket| socket.device != 0).map(|socket| socket.device), Some(2));
    let of = |pid| snapshot.processes.iter().find(|process| process.pid == pid).expect("a process");
    assert_eq!((of(803).exe_state, of(803).exe_writable), (ExeState::Ok, Some(false)));
    assert_eq!((of(803).container_state, of(1200).container_state), (UnitState::None, UnitState::Unknown));
    assert_eq!((of(912).user.clone(), of(1200).user.clone()), (Some(Text::from("www")), None));
    let gaps: Vec<&str> = snapshot.gaps.iter().map(|gap| gap.what.as_str()).collect();
    assert_eq!(gaps, ["sockets of jails that have a network of their own", "the table unix", "the owner of 1 socket"]);
    assert_eq!(snapshot.host.unprivileged_port, Some(1024));
    // The kernel's addresses go nowhere.
    assert!(snapshot.sockets.iter().all(|socket| socket.cookie.is_some_and(|cookie| cookie < 0x100)));
}

#[test]
fn what_is_hidden_from_a_user_is_a_gap() {
    let mut host = server();
    told(&mut host, &Question::Vantage, "uid 1001\n");
    assert!(look(&host).gaps.iter().all(|gap| gap.remedy != AS_ROOT));
    told(&mut host, &Question::Sysctl(names::SEES_USERS), 0u32.to_le_bytes());
    let snapshot = look(&host);
    let gap = snapshot.gaps.iter().find(|gap| gap.what == "sockets and processes of others").expect("a gap");
    assert_eq!(gap.why, "security.bsd.see_other_uids is 0, which hides them from this user");
    let tcp = snapshot.tables.iter().find(|table| table.table == "tcp").expect("a table");
    assert_eq!((tcp.status, snapshot.counts.hidden_possible), (TableStatus::Unreadable, true));
}

#[test]
fn a_jail_is_a_world_within() {
    let mut host = server();
    told(&mut host, &Question::Sysctl(names::JAILED), 1u32.to_le_bytes());
    let snapshot = look(&host);
    assert_eq!(snapshot.vantage.pid_ns, Some(NamespaceKind::Nested));
    assert_eq!((snapshot.namespaces[0].kind, snapshot.counts.hidden_possible), (NetNsKind::Other, false));
}

#[test]
fn structures_of_another_length_are_not_read() {
    let mut host = server();
    for (length, error) in [(at::TCP - 8, true), (at::TCP, false), (at::TCP + 8, true)] {
        let mut row = tcp("0.0.0.0", 22, 1, 9, 0).row();
        row.resize(length, 0);
        put(&mut row, 0, &(length as u64).to_le_bytes());
        told(&mut host, &Question::Sysctl(names::TCP), whole(&[row], [7, 7]));
        let snapshot = look(&host);
        let tcp = snapshot.tables.iter().find(|table| table.table == "tcp").expect("a table");
        assert_eq!(tcp.error.as_deref(), error.then_some(decode::FORM), "{length}");
    }
    let mut file = super::assemble::file(803, 3, 2, 9);
    file[0] = 120;
    told(&mut host, &Question::Sysctl(names::FILES), file);
    assert!(look(&host).gaps.iter().any(|gap| gap.what == "the open files of processes" && gap.why == decode::FORM));
    assert_eq!(decode::facts(&facts(803, 1, 0, "sshd", 0)[..at::PROCESS - 1], 803), None);
    assert_eq!(decode::facts(&facts(803, 1, 0, "sshd", 0), 804), None);
}

#[test]
fn an_executable_is_verified_by_the_kernels_own_node() {
    let file = |inode: u64| files::host_file(format!("16777232 {inode} 100755 0 0\n").as_bytes()).expect("a file");
    assert_eq!(decode::exe_state(&text(42, 1), Some(&file(42))), ExeState::Ok);
    assert_eq!(decode::exe_state(&text(42, 1), Some(&file(43))), ExeState::Foreign);
    assert_eq!(decode::exe_state(&text(42, 1), None), ExeState::Foreign);
    assert_eq!(decode::exe_state(&text(42, 0), Some(&file(43))), ExeState::Deleted);
    let mut invalid = text(42, 1);
    put(&mut invalid, at::TEXT_STATUS, &[0, 0]);
    assert_eq!(decode::exe_state(&invalid, Some(&file(42))), ExeState::Unreadable);
    assert_eq!(decode::exe_state(&text(42, 1)[..at::TEXT_INODE + 4], Some(&file(42))), ExeState::Unreadable);
    // Other descriptors stand before it, each as long as it says.
    let mut other = text(1, 1);
    put(&mut other, at::TEXT_FD, &3i32.to_le_bytes());
    let mut last = text(42, 1);
    last.extend_from_slice(b"/usr/sbin/sshd\0\0");
    put(&mut last, 0, &(at::TEXT_KEPT as u32 + 16).to_le_bytes());
    let answer = [other.clone(), last.clone()].concat();
    assert_eq!(decode::keep_text(&answer), Some(&last[..at::TEXT_KEPT]));
    assert_eq!(decode::keep_text(&other), None);
}

#[test]
fn groups_are_all_known_or_not_at_all() {
    let mut of = facts(803, 1, 80, "nginx", 0);
    assert_eq!(decode::facts(&of, 803).and_then(|facts| facts.groups), Some(vec![80]));
    put(&mut of, at::PROCESS_GROUPS, &(at::PROCESS_MOST_GROUPS as u16).to_le_bytes());
    assert_eq!(decode::facts(&of, 803).map(|facts| facts.groups), Some(None));
    put(&mut of, at::PROCESS_GROUPS, &u16::MAX.to_le_bytes());
    assert_eq!(decode::facts(&of, 803).map(|facts| facts.groups), Some(None));
}

#[test]
fn arguments_are_told_where_they_are_asked_for() {
    let mut host = server();
    told(&mut host, &Question::Arguments(803), "sshd:\0-D\0");
    let cmdline = |ask: &Ask| {
        let snapshot = snapshot(&Replay::new(&host), ask);
        snapshot.processes.into_iter().find(|process| process.pid == 803).expect("sshd").cmdline
    };
    assert_eq!((cmdline(&everything()), cmdline(&Ask::default())), (Some(Text::from("sshd: -D")), None));
}

#[test]
fn what_is_recorded_tells_the_same_and_no_connection() {
    let whole = server();
    let mut kept = whole.clone();
    for (name, answers) in &mut kept.answers {
        let question = Question::from_name(name).expect("a question");
        assert_eq!(question.to_string(), *name);
        for answer in answers.iter_mut().filter_map(|answer| answer.as_mut().ok()) {
            *answer = rename::kept(&question, answer).into();
        }
    }
    let seen = |host| Snapshot { counts: Default::default(), ..look(host) };
    assert_eq!(seen(&kept), seen(&whole));
    let length =
        |host: &Capture| host.answers[&Question::Sysctl(names::TCP).to_string()][0].as_ref().map_or(0, |a| a.len());
    assert_eq!(length(&whole) - length(&kept), at::TCP, "the connection is left out");
}

#[test]
fn nothing_at_all_is_many_gaps() {
    let mut empty = Capture { platform: "freebsd".into(), ..Capture::default() };
    refuse(&mut empty, &Question::Sysctl(names::TCP), 1);
    let snapshot = look(&empty);
    assert!(snapshot.gaps.len() >= 5 && snapshot.counts.hidden_possible, "{:?}", snapshot.gaps);
    assert_eq!(snapshot.vantage.pid_ns, None);
}

proptest! {
    #[test]
    fn any_buffer_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1500)) {
        let _ = (decode::files(&bytes), decode::facts(&bytes, 1), decode::keep_text(&bytes));
        let _ = decode::exe_state(&bytes, None);
        for transport in [Transport::Tcp, Transport::Udp, Transport::Raw] {
            let _ = decode::table(transport, &bytes);
            let _ = decode::table(transport, &whole(std::slice::from_ref(&bytes), [1, 1]));
        }
    }

    #[test]
    fn any_changed_host_is_told_as_it_is_recorded(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec(any::<(prop::sample::Index, u8)>(), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut host = server();
        let name = which.get(&host.answers.keys().cloned().collect::<Vec<_>>()).clone();
        let mut new = host.answers[&name][0].as_ref().map(|answer| answer.to_vec()).unwrap_or_default();
        if !new.is_empty() {
            for (at, byte) in &changes {
                let at = at.index(new.len());
                new[at] = *byte;
            }
            new.truncate(cut.index(new.len() + 1));
        }
        let kept = rename::kept(&Question::from_name(&name).expect("a question"), &new);
        host.answers.insert(name.clone(), vec![Ok(new.into())]);
        let seen = Snapshot { counts: Default::default(), ..look(&host) };
        host.answers.insert(name, vec![Ok(kept.into())]);
        prop_assert_eq!(Snapshot { counts: Default::default(), ..look(&host) }, seen);
    }
}
