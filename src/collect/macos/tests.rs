//! What is told of a Mac: where the kernel refuses, closes, changes or speaks in another form.

use proptest::prelude::*;

use super::assemble::{mac, mapped as mapped_file, record, tcp, unix, vsock, whole};
use super::layout as at;
use super::question::{Question, names};
use super::*;
use crate::collect::bsd::assemble::{refuse, tell as told};
use crate::collect::bsd::inet::Meaning;
use crate::collect::capture::Capture;
use crate::collect::seam::Replay;
use crate::model::{Local, State, TableStatus, UnixKind};

fn everything() -> Ask {
    Ask { transports: Transport::ALL.to_vec(), bound: true, time_wait: true, ..Ask::default() }
}

fn look(mac: &Capture) -> Snapshot {
    snapshot(&Replay::new(mac), &everything())
}

fn at_port(snapshot: &Snapshot, port: u32) -> Vec<usize> {
    (0..snapshot.sockets.len()).filter(|at| snapshot.sockets[*at].port() == Some(port)).collect()
}

fn holders(snapshot: &Snapshot, socket: usize) -> Vec<u32> {
    snapshot.holders_of(socket).iter().map(|holder| snapshot.processes[holder.process as usize].pid).collect()
}

#[test]
fn root_sees_every_socket_and_its_holders() {
    let snapshot = look(&mac(true));
    assert_eq!(snapshot.gaps, []);
    assert!(snapshot.tables.iter().all(|table| matches!(table.status, TableStatus::Read | TableStatus::Absent)));
    let shared = at_port(&snapshot, 3000);
    assert_eq!((shared.len(), holders(&snapshot, shared[0])), (1, vec![700, 701]));
    assert_eq!(snapshot.sockets[shared[0]].dual_stack(), Some(true));
    assert!(at_port(&snapshot, 61000).is_empty(), "a connection is no listener");
    assert_eq!(snapshot.sockets[at_port(&snapshot, 49999)[0]].state, State::Bound);
    assert_eq!(snapshot.sockets[at_port(&snapshot, 50001)[0]].state, State::Connected);
    assert_eq!(snapshot.sockets[at_port(&snapshot, 5350)[0]].device, 11);
    assert_eq!(snapshot.lingering, ["192.168.7.21:3000".parse().expect("an address")]);
    let raw = snapshot.sockets.iter().position(|socket| socket.transport == Transport::Raw).expect("a raw socket");
    assert_eq!(holders(&snapshot, raw), [801]);
    let of = |pid| snapshot.processes.iter().find(|process| process.pid == pid).expect("a process");
    assert_eq!((of(433).exe_state, of(433).exe_writable), (ExeState::Ok, Some(false)));
    assert_eq!((of(745).exe_state, of(745).exe_writable), (ExeState::Ok, Some(true)));
    assert_eq!((of(800).exe_state, of(800).exe_writable), (ExeState::Deleted, None));
    assert_eq!((of(321).user.clone(), of(745).user.clone()), (Some(Text::from("_mdnsresponder")), None));
    assert!(snapshot.processes.iter().all(|process| process.unit_state == UnitState::Unknown && !process.raced));
}

#[test]
fn a_file_port_holds_what_a_descriptor_could() {
    let snapshot = look(&mac(true));
    let path = Text::from("/private/var/run/cupsd");
    let socket = snapshot
        .sockets
        .iter()
        .position(|socket| socket.local == Local::Unix { kind: UnixKind::Stream, path: path.clone() });
    let holders = snapshot.holders_of(socket.expect("a socket"));
    assert_eq!(holders.iter().map(|holder| holder.via).collect::<Vec<_>>(), [Via::InFlight, Via::Fd]);
}

#[test]
fn a_user_sees_every_address_and_not_whose_it_is() {
    let (root, user) = (look(&mac(true)), look(&mac(false)));
    let inet = |snapshot: &Snapshot| snapshot.sockets.iter().filter(|socket| socket.ip().is_some()).count();
    assert_eq!(inet(&root), inet(&user));
    assert_eq!((user.counts.no_permission, user.counts.hidden_possible), (4, false));
    assert_eq!(user.gaps[0].remedy, "run it as root, with sudo");
    let ssh = at_port(&user, 22)[0];
    assert_eq!((holders(&user, ssh), user.sockets[ssh].uid), (vec![], Some(0)));
    let unread: Vec<_> = user.tables.iter().filter(|table| table.status == TableStatus::Unreadable).collect();
    assert_eq!(unread.iter().map(|table| table.table).collect::<Vec<_>>(), ["vsock", "unix"]);
}

#[test]
fn a_refusal_to_root_is_a_policy_of_the_system() {
    let mut mac = mac(true);
    refuse(&mut mac, &Question::Sockets(433), 1);
    let snapshot = look(&mac);
    assert_eq!((snapshot.counts.no_permission, snapshot.counts.denied_despite_caps), (0, 1));
    assert!(snapshot.gaps[0].why.contains("root's"), "{:?}", snapshot.gaps);
}

#[test]
fn where_a_table_has_another_form_descriptors_stand_in() {
    let mut mac = mac(true);
    let mut row = tcp("0.0.0.0", 22, 1, 0x11, 0).row();
    row[at::tables::TCP_BLOCK + at::tables::BLOCK_SOCKET] = 200;
    told(&mut mac, &Question::Sysctl(names::TCP), whole(&[row], [7, 7]));
    refuse(&mut mac, &Question::Sysctl(names::RAW), 2);
    let snapshot = look(&mac);
    let table = |name| snapshot.tables.iter().find(|table| table.table == name).expect("a table");
    assert_eq!((table("tcp").status, table("tcp").source), (TableStatus::Read, Some(Source::Fd)));
    assert_eq!(table("raw").status, TableStatus::Unreadable);
    assert_eq!(holders(&snapshot, at_port(&snapshot, 22)[0]), [1]);
    refuse(&mut mac, &Question::Sockets(433), 1);
    let snapshot = look(&mac);
    assert_eq!(
        snapshot.tables.iter().find(|table| table.table == "tcp").expect("a table").status,
        TableStatus::Unreadable
    );
}

#[test]
fn a_socket_without_a_holder_is_the_kernels_or_nobodys() {
    let mut host = mac(true);
    let row = tcp("0.0.0.0", 2049, 1, 0x99, 0).row();
    told(&mut host, &Question::Sysctl(names::TCP), whole(&[row], [7, 7]));
    let snapshot = look(&host);
    let gap = snapshot.gaps.iter().find(|gap| gap.what == "the owner of 1 socket").expect("a gap");
    assert!(gap.why.contains("its own"), "{gap:?}");
    assert!(snapshot.counts.hidden_possible);
    // One that is gone with the second look was somebody's.
    let rows = |rows: &[Vec<u8>]| Ok(whole(rows, [7, 7]).into());
    let answers = vec![rows(&[tcp("0.0.0.0", 2049, 1, 0x99, 0).row()]), rows(&[])];
    host.answers.insert(Question::Sysctl(names::TCP).to_string(), answers);
    let snapshot = look(&host);
    assert!(snapshot.sockets[at_port(&snapshot, 2049)[0]].raced && snapshot.gaps.is_empty(), "{:?}", snapshot.gaps);
}

#[test]
fn what_is_shorter_than_its_structure_is_not_read() {
    let socket = tcp("0.0.0.0", 22, 1, 0x11, 0).socket();
    let held = |record: Vec<u8>| sockets::listing(&record);
    assert_eq!(held(record(5, 0, 0, &socket)).held.len(), 1);
    for length in [0, 1, at::SOCKET_KIND, at::SOCKET - 1] {
        let listing = held(record(5, 0, 0, &socket[..length]));
        assert_eq!((listing.held.len(), listing.bad, listing.hidden), (0, 1, 0), "{length}");
    }
    assert_eq!(held(record(5, 0, 9, &[])), sockets::Listing::default());
    assert_eq!(held(record(5, 0, 1, &[])).hidden, 1);
    assert_eq!((held(record(5, 1, 22, &[])).hidden, held(record(5, 0, 22, &[])).hidden), (0, 1));
    assert_eq!(held(vec![1; 15]).bad, 1);
}

#[test]
fn unix_and_vsock_sockets_that_receive_are_told() {
    let meaning = |socket: Vec<u8>| match sockets::listing(&record(5, 0, 0, &socket)).held.remove(0).meaning {
        Meaning::Socket(socket) => Some((socket.state, socket.local)),
        _ => None,
    };
    let named = |kind, path: &str| Local::Unix { kind, path: Text::from(path) };
    assert_eq!(meaning(unix(1, 1, b"/a", true, 0)), Some((State::Listen, named(UnixKind::Stream, "/a"))));
    assert_eq!(meaning(unix(1, 1, b"/a", false, 0)), Some((State::Bound, named(UnixKind::Stream, "/a"))));
    assert_eq!((meaning(unix(1, 1, b"/a", false, 9)), meaning(unix(1, 1, b"", false, 0))), (None, None));
    assert_eq!(meaning(unix(1, 2, b"/a", false, 0)), Some((State::Unconnected, named(UnixKind::Dgram, "/a"))));
    assert_eq!(meaning(unix(1, 2, b"/a", false, 9)), Some((State::Connected, named(UnixKind::Dgram, "/a"))));
    assert_eq!((meaning(unix(1, 2, b"", false, 0)), meaning(unix(1, 7, b"/a", false, 0))), (None, None));
    assert_eq!(meaning(vsock(1, 2, 7028)), Some((State::Listen, Local::Vsock { cid: 2, port: 7028, dgram: false })));
    // A path that fills its room has no end of its own.
    let long = vec![b'x'; at::UNIX_ROOM - 2];
    let Some((_, Local::Unix { path, .. })) = meaning(unix(1, 1, &long, true, 0)) else { panic!("no unix socket") };
    assert_eq!(path.as_bytes(), long);
}

#[test]
fn an_executable_is_verified_by_a_mapping_of_the_same_file() {
    let file = |inode: u64| files::host_file(format!("16777232 {inode} 100755 0 0\n").as_bytes()).expect("a file");
    let state = |answer: &[u8], host: Option<HostFile>| process::exe_state(&process::mapped(answer), host.as_ref());
    let program = mapped_file(42, 1);
    assert_eq!(state(&program, Some(file(42))), ExeState::Ok);
    assert_eq!(state(&[mapped_file(9, 1), program.clone()].concat(), Some(file(42))), ExeState::Ok);
    assert_eq!(state(&program, Some(file(43))), ExeState::Foreign);
    assert_eq!(state(&program, None), ExeState::Foreign);
    assert_eq!(state(&mapped_file(42, 0), Some(file(43))), ExeState::Deleted);
    assert_eq!(state(&[], Some(file(42))), ExeState::Unreadable);
    assert_eq!(state(&program[..at::REGION_KEPT - 1], Some(file(42))), ExeState::Unreadable);
}

#[test]
fn another_process_under_the_same_number_is_marked() {
    let mut host = mac(true);
    let before = super::assemble::facts(433, 1, 0, "cupsd");
    let after = super::assemble::facts(433, 1, 0, "other");
    host.answers.insert(Question::Process(433).to_string(), vec![Ok(before.into()), Ok(after.into())]);
    let snapshot = look(&host);
    assert!(snapshot.processes.iter().all(|process| process.raced == (process.pid == 433)));
    assert_eq!(process::facts(&super::assemble::facts(433, 1, 0, "cupsd"), 434), None);
}

#[test]
fn what_is_not_asked_for_or_known_is_said() {
    let ask = Ask { cmdline: true, packages: true, ..Ask::default() };
    let snapshot = snapshot(&Replay::new(&mac(true)), &ask);
    assert_eq!(snapshot.gaps.len(), 2, "{:?}", snapshot.gaps);
    let unmatched = super::snapshot(&Replay::new(&mac(true)), &Ask { netns: Some("blue".into()), ..Ask::default() });
    assert!(unmatched.netns_unmatched && unmatched.sockets.is_empty());
    let empty = look(&Capture { platform: "macos".into(), ..Capture::default() });
    assert!(empty.gaps.len() >= 5 && empty.counts.hidden_possible, "{:?}", empty.gaps);
}

#[test]
fn descriptors_of_sockets_alone_are_listed() {
    let list: Vec<u8> = [5u32, 1, 6, 2, 7, 6, 8, 2].into_iter().flat_map(u32::to_le_bytes).collect();
    assert_eq!(sockets::listed(&list).collect::<Vec<_>>(), [6, 8]);
    assert_eq!(sockets::listed(&list[..15]).count(), 0);
}

#[test]
fn what_is_recorded_tells_the_same_and_no_connection() {
    let whole = mac(true);
    let mut kept = whole.clone();
    for (name, answers) in &mut kept.answers {
        let question = Question::from_name(name).expect("a question");
        assert_eq!(question.to_string(), *name);
        for answer in answers.iter_mut().filter_map(|answer| answer.as_mut().ok()) {
            *answer = transcript::kept(&question, answer).into();
        }
    }
    assert_eq!(look(&kept), look(&whole));
    let length =
        |mac: &Capture| mac.answers[&Question::Sysctl(names::TCP).to_string()][0].as_ref().map_or(0, |a| a.len());
    assert!(length(&kept) < length(&whole), "the connection is left out");
}

fn changed(mut bytes: Vec<u8>, changes: &[(prop::sample::Index, u8)], cut: prop::sample::Index) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    changes.iter().for_each(|(at, byte)| {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    });
    bytes.truncate(cut.index(bytes.len() + 1));
    bytes
}

proptest! {
    #[test]
    fn any_buffer_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1500)) {
        let _ = (sockets::listing(&bytes), process::facts(&bytes, 1), process::mapped(&bytes).len());
        let _ = sockets::listing(&record(1, 0, 0, &bytes));
        for transport in [Transport::Tcp, Transport::Udp, Transport::Raw] {
            let _ = tables::read(transport, &bytes);
            let _ = tables::read(transport, &whole(std::slice::from_ref(&bytes), [1, 1]));
        }
    }

    #[test]
    fn any_changed_host_is_told_and_renamed(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec(any::<(prop::sample::Index, u8)>(), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut host = mac(true);
        let name = which.get(&host.answers.keys().cloned().collect::<Vec<_>>()).clone();
        let old = host.answers[&name][0].as_ref().map(|answer| answer.to_vec()).unwrap_or_default();
        let new = changed(old, &changes, cut);
        let question = Question::from_name(&name).expect("a question");
        let kept = transcript::kept(&question, &new);
        host.answers.insert(name.clone(), vec![Ok(new.into())]);
        let seen = look(&host);
        // What is recorded of it is told as it is itself.
        host.answers.insert(name, vec![Ok(kept.into())]);
        prop_assert_eq!(look(&host), seen);
    }
}
