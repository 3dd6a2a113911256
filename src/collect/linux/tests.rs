//! Whole hosts in a few lines each: what is told where the kernel refuses, lies or changes.

use super::*;
use crate::collect::capture::{Answer, Capture};
use crate::collect::seam::Replay;
use crate::model::{OwnerStatus, PackageState, ProcessCounts};
use crate::model::{TableStatus, Text};

const PROTOCOLS: &str = "protocol  size sockets
TCP 1 1
UDP 1 1
";

const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 500 1 0
";

/// A host with one listener, inode 500, which process 7 holds; netlink is refused there.
pub(super) fn host() -> Capture {
    let mut host = Capture { platform: "linux".to_owned(), ..Capture::default() };
    for (question, answer) in [
        ("clock", "1795217356304 2733979006366 100 4096\n"),
        ("vantage", "uid 0\ncaps 1ffffffffff\npid_ns 4026531836\nuser_ns 4026531837\nhidepid off\n"),
        ("namespaces", ""),
        ("protocols", PROTOCOLS),
        ("proc tcp", TCP),
        ("proc udp", "heading\n"),
        ("pids", "1\n7\n"),
        ("sockets 1", ""),
        ("sockets 7", "3 500\n"),
        ("stat 7", "7 (sshd) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 100 1 1\n"),
        ("ids 7", "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t0\n"),
        ("cgroup 7", "0::/system.slice/ssh.service\n"),
        ("exe 7", "8:1 42 1\n/usr/sbin/sshd"),
        ("file /usr/sbin/sshd", "8:1 42 100755 0 0\n8:1 3 40755 0 0\n8:1 2 40755 0 0\n8:1 1 40755 0 0\n"),
        ("link 7 3", "socket:[500]"),
    ] {
        tell(&mut host, question, answer);
    }
    for table in Table::ALL {
        refuse(&mut host, &format!("diag {}", table.name()), 1);
    }
    host
}

/// Sets the one answer to a question.
pub(super) fn tell(host: &mut Capture, question: &str, answer: &str) {
    host.answers.insert(question.to_owned(), vec![told(answer)]);
}

fn told(answer: &str) -> Answer {
    Ok(answer.as_bytes().to_vec().into())
}

pub(super) fn refuse(host: &mut Capture, question: &str, errno: i32) {
    host.answers.insert(question.to_owned(), vec![Err(errno)]);
}

pub(super) fn look(host: &Capture) -> Snapshot {
    snapshot(&Replay::new(host), &Ask::default())
}

/// The status of the owner of each socket, as the report has it.
fn statuses(snapshot: Snapshot) -> Vec<OwnerStatus> {
    let report = crate::judge::judge(snapshot, &crate::registry::Registry::builtin(), String::new());
    report.listeners.iter().map(|listener| listener.owner_status).collect()
}

#[test]
fn a_host_is_read_without_netlink() {
    let seen = look(&host());
    assert_eq!((seen.sockets.len(), seen.processes.len(), seen.holders.len()), (1, 1, 1));
    assert_eq!(seen.counts, ProcessCounts { seen: 2, ..ProcessCounts::default() });
    assert_eq!(seen.gaps, []);
    assert_eq!(statuses(seen), [OwnerStatus::Known]);
}

#[test]
fn nobody_holds_it_is_said_only_after_every_process_was_looked_into() {
    let mut free = host();
    tell(&mut free, "sockets 7", "");
    assert_eq!(statuses(look(&free)), [OwnerStatus::None]);
    for question in ["pids", "sockets 7", "sockets 1", ""] {
        let mut host = free.clone();
        match question {
            // Something else is mounted at /proc.
            "" => tell(&mut host, "pids", ""),
            _ => drop(host.answers.remove(question)),
        }
        let seen = look(&host);
        assert_eq!(seen.gaps.len(), 1, "{question}");
        assert!(seen.counts.hidden_possible, "{question}");
        assert_eq!(statuses(seen), [OwnerStatus::Unknown], "{question}");
    }
}

#[test]
fn a_table_that_is_refused_later_makes_nothing_vanish() {
    let mut host = host();
    host.answers.insert("proc tcp".to_owned(), vec![told(TCP), Err(105)]);
    tell(&mut host, "sockets 7", "");
    let seen = look(&host);
    assert!(!seen.sockets[0].raced);
    assert_eq!(statuses(seen), [OwnerStatus::None]);
    // Where the second reading came whole and lacks it, it is gone.
    host.answers.insert("proc tcp".to_owned(), vec![told(TCP), told("heading\n")]);
    assert_eq!(statuses(look(&host)), [OwnerStatus::Vanished]);
}

#[test]
fn sockets_of_two_transports_are_two_even_without_an_inode() {
    let mut host = host();
    tell(&mut host, "proc tcp", &TCP.replace(" 500 ", " 0 "));
    let udp = TCP.replace(" 0A ", " 07 ").replace(" 500 ", " 0 ");
    tell(&mut host, "proc udp", &udp);
    let seen = look(&host);
    assert_eq!(seen.sockets.len(), 2);
    assert!(seen.sockets.iter().all(|socket| !socket.raced));
}

#[test]
fn both_tables_of_sctp_are_in_one_file() {
    let mut host = host();
    tell(&mut host, "protocols", &format!("{PROTOCOLS}SCTP 1 1\nSCTPv6 1 1\n"));
    let eps = " ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS\n 0 0 2 10 29 3868 0 777 10.0.0.1 fd00::1 \n";
    tell(&mut host, "proc sctp", eps);
    tell(&mut host, "proc sctp6", eps);
    tell(&mut host, "sockets 7", "3 500\n4 777\n");
    let seen = look(&host);
    assert_eq!(seen.gaps, []);
    assert_eq!((seen.sockets.len(), seen.holders.len()), (3, 3));
}

#[test]
fn a_capture_that_repeats_itself_costs_no_more_than_its_length() {
    let mut host = host();
    // 20,000 rows of one inode, and 20,000 descriptors that lead to it, of a process that is listed 20,000 times.
    let row = TCP.lines().nth(1).expect("a row");
    let rows: Vec<String> = (0..20_000).map(|port| row.replace("0016", &format!("{port:04X}"))).collect();
    tell(&mut host, "proc tcp", &format!("heading\n{}\n", rows.join("\n")));
    tell(&mut host, "sockets 7", &(0..20_000).map(|fd| format!("{fd} 500\n")).collect::<String>());
    tell(&mut host, "pids", &"1\n7\n".repeat(10_000));
    let seen = look(&host);
    assert_eq!((seen.sockets.len(), seen.processes.len(), seen.holders.len()), (20_000, 1, 20_000));
    assert_eq!(seen.counts.seen, 2);
    assert!(seen.holders.iter().all(|holder| holder.fd == 0), "the lowest descriptor is told");
}

#[test]
fn vsock_by_descriptors_is_whole_only_where_all_could_be_looked_through() {
    let mut host = host();
    tell(&mut host, "protocols", &format!("{PROTOCOLS}AF_VSOCK 1 1\n"));
    refuse(&mut host, "diag vsock", 2);
    tell(&mut host, "sockets 7", "3 500\n4 600\n");
    tell(&mut host, "vsock 7", "4 4294967295 7028 1 1\n");
    let vsock = |host: &Capture| {
        let seen = look(host);
        let status = seen.tables.iter().find(|table| table.table == "vsock").map(|table| table.status);
        (seen.sockets.len(), status, seen.sockets.iter().any(|socket| socket.raced), seen.gaps.len())
    };
    assert_eq!(vsock(&host), (2, Some(TableStatus::Read), false, 0));
    // A security module that keeps descriptors from being copied.
    refuse(&mut host, "vsock 7", 1);
    assert_eq!(vsock(&host), (1, Some(TableStatus::Unreadable), false, 1));
    // The process ended meanwhile.
    refuse(&mut host, "vsock 7", 3);
    assert_eq!(vsock(&host), (1, Some(TableStatus::Read), false, 0));
    let mut hidden = host.clone();
    tell(&mut hidden, "vantage", "uid 1\ncaps 0\npid_ns 4026531836\nuser_ns 4026531837\nhidepid invisible\n");
    assert_eq!(vsock(&hidden).1, Some(TableStatus::Unreadable));
    // What is held where nobody may look is not listed at all.
    refuse(&mut host, "sockets 1", 13);
    assert_eq!(vsock(&host), (1, Some(TableStatus::Unreadable), false, 2));
}

#[test]
fn a_refusal_is_laid_to_what_caused_it() {
    let mut host = host();
    refuse(&mut host, "sockets 1", 13);
    let mut why = |caps: &str, user_ns: &str| {
        let vantage = format!("uid 0\n{caps}pid_ns 4026531836\nuser_ns {user_ns}\nhidepid off\n");
        tell(&mut host, "vantage", &vantage);
        look(&host).gaps.into_iter().map(|gap| gap.why).collect::<Vec<_>>().join("; ")
    };
    const FIRST: &str = "4026531837";
    assert_eq!(why("caps 0\n", FIRST), "this run lacks cap_dac_read_search and cap_sys_ptrace");
    // cap_dac_override opens what cap_dac_read_search does.
    assert_eq!(why("caps 2\n", FIRST), "this run lacks cap_sys_ptrace");
    assert!(why("caps 80002\n", FIRST).contains("security module"));
    assert!(why("caps 1ffffffffff\n", FIRST).contains("security module"));
    assert!(why("caps 1ffffffffff\n", "4026532000").contains("its own user namespace"));
    assert!(why("", FIRST).contains("not known"));
}

#[test]
fn the_child_of_a_process_that_ended_is_found() {
    let mut host = host();
    // 7 was listed, forked 9 and ended, as a daemon does when it starts.
    host.answers.insert("pids".to_owned(), vec![told("1\n7\n"), told("1\n9\n")]);
    refuse(&mut host, "sockets 7", 3);
    for question in ["sockets", "stat", "ids", "cgroup", "exe"] {
        let of =
            if question == "sockets" { told("3 500\n") } else { host.answers[&format!("{question} 7")][0].clone() };
        host.answers.insert(format!("{question} 9"), vec![of]);
    }
    tell(&mut host, "link 9 3", "socket:[500]");
    let seen = look(&host);
    assert_eq!((seen.counts.seen, seen.counts.vanished), (2, 1));
    assert_eq!(seen.processes.iter().map(|process| process.pid).collect::<Vec<_>>(), [9]);
    assert_eq!(statuses(seen), [OwnerStatus::Known]);
}

/// What is known of each process: its name and its file, and whether that is in doubt.
fn programs(seen: &Snapshot) -> Vec<(String, String, bool)> {
    let escaped = |text: &Option<Text>| text.as_ref().map(Text::escaped).unwrap_or_default();
    seen.processes.iter().map(|process| (escaped(&process.comm), escaped(&process.exe), process.raced)).collect()
}

#[test]
fn a_process_that_becomes_another_program_is_told_as_one_of_them() {
    let (sshd, sleep) = (told("8:1 42 1\n/usr/sbin/sshd"), told("8:1 43 1\n/usr/bin/sleep"));
    let named = |name: &str| told(&format!("7 ({name}) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 100 1 1\n"));
    let mut host = host();
    // It hands its socket on to what it executes.
    host.answers.insert("exe 7".to_owned(), vec![sshd.clone(), sleep.clone()]);
    host.answers.insert("stat 7".to_owned(), vec![named("sshd"), named("sleep")]);
    let seen = look(&host);
    assert_eq!(programs(&seen), [("sleep".to_owned(), "/usr/bin/sleep".to_owned(), false)]);
    host.answers.insert("exe 7".to_owned(), vec![sshd.clone(), sleep.clone(), sshd.clone(), sleep.clone()]);
    assert!(programs(&look(&host))[0].2, "it did so again");
    // It hands one on and closes the other: what it has become held that one never.
    host.answers.insert("exe 7".to_owned(), vec![sleep]);
    host.answers.insert("stat 7".to_owned(), vec![named("sleep")]);
    let row = TCP.lines().nth(1).expect("a row");
    tell(&mut host, "proc tcp", &format!("{TCP}{}\n", row.replace(":0016", ":0017").replace(" 500 ", " 501 ")));
    host.answers.insert("sockets 7".to_owned(), vec![told("3 500\n4 501\n"), told("3 500\n")]);
    refuse(&mut host, "link 7 4", 2);
    let seen = look(&host);
    let held: Vec<usize> = (0..2).map(|at| seen.holders_of(at).len()).collect();
    assert_eq!((held, programs(&seen).len()), (vec![1, 0], 1));
}

#[test]
fn two_processes_with_one_pid_and_one_start_are_two() {
    let mut host = host();
    let row = TCP.lines().nth(1).expect("a row");
    let later = format!("{TCP}{}\n", row.replace(":0016", ":0017").replace(" 500 ", " 501 "));
    host.answers.insert("proc tcp".to_owned(), vec![told(TCP), told(&later)]);
    host.answers.insert("sockets 7".to_owned(), vec![told("3 500\n"), told("4 501\n")]);
    let (sshd, sleep) = (told("8:1 42 1\n/usr/sbin/sshd"), told("8:1 43 1\n/usr/bin/sleep"));
    host.answers.insert("exe 7".to_owned(), vec![sshd.clone(), sshd, sleep]);
    tell(&mut host, "link 7 4", "socket:[501]");
    let seen = look(&host);
    let holder = |at: usize| {
        let [holder] = seen.holders_of(at) else { panic!("{:?}", seen.holders) };
        let process = &seen.processes[holder.process as usize];
        (process.pid, process.exe.as_ref().map(Text::escaped).unwrap_or_default())
    };
    assert_eq!([holder(0), holder(1)], [(7, "/usr/sbin/sshd".to_owned()), (7, "/usr/bin/sleep".to_owned())]);
}

#[test]
fn a_raw_socket_that_can_receive_nothing_is_no_broken_row() {
    let mut host = host();
    tell(&mut host, "protocols", &format!("{PROTOCOLS}RAW 1 1\n"));
    let row = |protocol| TCP.replace(" 0A ", " 07 ").replace("0016", protocol).replace(" 500 ", " 501 ");
    tell(&mut host, "proc raw", &row("0106"));
    assert_eq!((look(&host).sockets.len(), look(&host).gaps), (1, vec![]));
    tell(&mut host, "proc raw", &row("0001"));
    assert_eq!(look(&host).sockets.len(), 2);
}

#[test]
fn an_old_kernel_does_not_tell_of_bound_sockets() {
    let mut host = host();
    for table in ["tcp-bound", "tcp6-bound"] {
        let end = netlink::assemble::done(0);
        host.answers.insert(format!("diag {table}"), vec![Ok(end.into())]);
    }
    let gaps = |host: &Capture, bound| {
        let seen = snapshot(&Replay::new(host), &Ask { bound, ..Ask::default() });
        seen.gaps.into_iter().filter(|gap| gap.why.contains("6.8")).count()
    };
    for (release, want) in [("6.1.0-31-amd64", 1), ("5.14.0-503.el9", 1), ("6.8.0-51-generic", 0), ("7.0", 0)] {
        tell(&mut host, "host", &format!("kernel {release}\n"));
        assert_eq!((gaps(&host, true), gaps(&host, false)), (want, 0), "{release}");
    }
}

#[test]
fn packages_are_looked_up_for_verified_executables_where_somebody_asks() {
    let mut host = host();
    let ask = Ask { packages: true, ..Ask::default() };
    let state = |host: &Capture, ask: &Ask| {
        let seen = snapshot(&Replay::new(host), ask);
        let process = &seen.processes[0];
        let whys: Vec<String> = seen.gaps.iter().map(|gap| gap.why.clone()).collect();
        (process.package_state, process.package.as_ref().map(Text::escaped), whys)
    };
    assert_eq!(state(&host, &Ask::default()), (PackageState::NotLookedUp, None, vec![]));
    let (package_state, package, whys) = state(&host, &ask);
    assert_eq!((package_state, package, whys.len()), (PackageState::Unknown, None, 1));
    tell(&mut host, "packages", "owned openssh-server /usr/sbin/sshd\n");
    assert_eq!(state(&host, &ask), (PackageState::Owned, Some("openssh-server".into()), vec![]));
    tell(&mut host, "packages", "unknown /usr/sbin/sshd\nwhy rpm: no\u{1b}\n");
    assert_eq!(state(&host, &ask), (PackageState::Unknown, None, vec!["rpm: no\\u{1b}".to_owned()]));
    // Another file than the one of that name in the host's root: a database says nothing of it.
    tell(&mut host, "exe 7", "8:1 43 1\n/usr/sbin/sshd");
    assert_eq!(state(&host, &ask), (PackageState::Foreign, None, vec![]));
}

#[test]
fn a_vsock_socket_is_told_with_every_process_that_holds_it() {
    let mut host = host();
    // With as many connections as make one question for all of them cheaper, and with few.
    for tcp in [1, 5000] {
        tell(&mut host, "protocols", &format!("protocol size sockets\nTCP 1 {tcp}\nUDP 1 1\nAF_VSOCK 1 1\n"));
        refuse(&mut host, "diag vsock", 2);
        tell(&mut host, "connected", "601\n599\n");
        tell(&mut host, "pids", "1\n7\n9\n");
        tell(&mut host, "sockets 7", "3 500\n4 600\n5 601\n");
        tell(&mut host, "vsock 7", "4 4294967295 7028 1 1\n");
        tell(&mut host, "link 7 4", "socket:[600]");
        tell(&mut host, "sockets 9", "8 600\n");
        // At first the descriptor leads to a socket that was closed since; another has its number.
        let moved = vec![told("8 gone\n"), told("8 4294967295 7028 1 1\n")];
        host.answers.insert("vsock 9".to_owned(), moved);
        tell(&mut host, "link 9 8", "socket:[600]");
        tell(&mut host, "stat 9", "9 (agent) S 1 9 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 100 1 1\n");
        let seen = look(&host);
        let pids: Vec<u32> = seen.processes.iter().map(|process| process.pid).collect();
        assert_eq!((seen.sockets.len(), seen.gaps.len(), &pids[..]), (2, 0, &[7, 9][..]));
        let holders = |inode| {
            let of = seen.holders.iter().filter(|holder| seen.sockets[holder.socket as usize].inode == inode);
            of.map(|holder| (pids[holder.process as usize], holder.fd)).collect::<Vec<_>>()
        };
        assert_eq!((holders(500), holders(600)), (vec![(7, 3)], vec![(7, 4), (9, 8)]));
        // It stands there and is never to be caught: that is said.
        tell(&mut host, "vsock 9", "8 gone\n");
        let (missed, vsock) = (look(&host), |seen: &Snapshot| {
            let table = seen.tables.iter().find(|table| table.table == "vsock").expect("a table");
            (seen.holders.len(), table.status)
        });
        assert_eq!(vsock(&missed), (2, TableStatus::Unreadable));
        // It was closed, or handed on.
        host.answers.insert("sockets 9".to_owned(), vec![told("8 600\n"), told("")]);
        assert_eq!(vsock(&look(&host)), (2, TableStatus::Read));
    }
}

#[test]
fn a_vsock_socket_that_was_left_to_a_later_process_is_found() {
    // Its first holder ends before its descriptors are listed, or before they are looked at.
    for (listed, looked_at) in [(Err(3), Err(3)), (told("8 600\n"), Err(3))] {
        let mut host = host();
        tell(&mut host, "protocols", "protocol size sockets\nTCP 1 1\nUDP 1 1\nAF_VSOCK 1 1\n");
        refuse(&mut host, "diag vsock", 2);
        host.answers.insert("pids".to_owned(), vec![told("1\n7\n9\n"), told("1\n7\n10\n")]);
        host.answers.insert("sockets 9".to_owned(), vec![listed]);
        host.answers.insert("vsock 9".to_owned(), vec![looked_at]);
        // Of what was seen before nothing is told twice.
        tell(&mut host, "sockets 7", "3 500\n4 601\n");
        tell(&mut host, "vsock 7", "4 4294967295 7029 1 1\n");
        tell(&mut host, "link 7 4", "socket:[601]");
        tell(&mut host, "sockets 10", "5 600\n");
        tell(&mut host, "vsock 10", "5 4294967295 7028 1 1\n");
        tell(&mut host, "link 10 5", "socket:[600]");
        tell(&mut host, "stat 10", "10 (agent) S 1 9 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 100 1 1\n");
        let seen = look(&host);
        let holders = |inode| {
            let of = seen.holders.iter().filter(|holder| seen.sockets[holder.socket as usize].inode == inode);
            of.map(|holder| seen.processes[holder.process as usize].pid).collect::<Vec<_>>()
        };
        assert_eq!((holders(600), holders(601), seen.sockets.len()), (vec![10], vec![7], 3));
    }
}

#[test]
fn a_program_does_not_hold_the_vsock_sockets_of_the_one_before_it() {
    let mut host = host();
    tell(&mut host, "protocols", "protocol size sockets\nTCP 1 1\nUDP 1 1\nAF_VSOCK 1 1\n");
    refuse(&mut host, "diag vsock", 2);
    tell(&mut host, "pids", "9\n");
    tell(&mut host, "sockets 9", "8 600\n9 601\n");
    tell(&mut host, "vsock 9", "8 4294967295 7028 1 1\n9 4294967295 7029 1 1\n");
    tell(&mut host, "link 9 8", "socket:[600]");
    // It executes another program, which keeps descriptor 8; 9 is closed by that.
    host.answers.insert("link 9 9".to_owned(), vec![told("socket:[601]"), Err(2)]);
    let (sshd, sleep) = (told("8:1 42 1\n/usr/sbin/sshd"), told("8:1 43 1\n/usr/bin/sleep"));
    host.answers.insert("exe 9".to_owned(), vec![sshd, sleep]);
    tell(&mut host, "stat 9", "9 (agent) S 1 9 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 100 1 1\n");
    let seen = look(&host);
    for holder in &seen.holders {
        let p = &seen.processes[holder.process as usize];
        let socket = &seen.sockets[holder.socket as usize];
        assert!(socket.inode != 601 || p.raced, "sleep never held it");
    }
}

#[test]
fn a_table_is_read_again_unless_two_looks_agree_that_it_is_empty() {
    let mut host = host();
    let row = TCP.replace(" 0A ", " 07 ").replace("0016", "0001").replace(" 500 ", " 501 ");
    host.answers.insert("proc raw".to_owned(), vec![told("heading\n"), told(&row)]);
    for (raw, sockets) in [("RAW 1 0", 1), ("RAW 1 1", 2), ("RAW 1 ?", 2)] {
        tell(&mut host, "protocols", &format!("{PROTOCOLS}{raw}\n"));
        assert_eq!(look(&host).sockets.len(), sockets, "{raw}");
    }
    // The count alone is not enough.
    tell(&mut host, "proc raw", &row);
    tell(&mut host, "protocols", &format!("{PROTOCOLS}RAW 1 0\n"));
    let seen = look(&host);
    assert_eq!((seen.sockets.len(), seen.sockets.iter().any(|socket| socket.raced)), (2, false));
}

#[test]
fn command_lines_that_were_asked_for_and_are_not_there_are_missed() {
    let mut host = host();
    let missed = |host: &Capture, cmdline| {
        let seen = snapshot(&Replay::new(host), &Ask { cmdline, ..Ask::default() });
        seen.gaps.iter().filter(|gap| gap.what.contains("command line")).count()
    };
    assert_eq!((missed(&host, false), missed(&host, true)), (0, 1));
    tell(&mut host, "cmdline 7", "sshd: /usr/sbin/sshd -D\0");
    assert_eq!(missed(&host, true), 0);
}
