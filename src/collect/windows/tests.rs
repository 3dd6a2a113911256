//! A Windows of which every answer is written down here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::rows::tests::table_of;
use super::*;
use crate::collect::capture::Capture;
use crate::collect::seam::{Recorder, Refusal};
use crate::model::{ExeState, NamespaceKind, NetNsKind, Text};
use proptest::prelude::*;

/// 2026-11-21T08:00:00Z, and one second, as a `FILETIME`.
const NOW: u64 = 134_397_216_000_000_000;
const SECOND: u64 = 10_000_000;

/// What only administrators may change.
const CLOSED: &str = "O:BAD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;BU)";

/// Answers by the name of the question; the last one stays.
struct Known {
    answers: Mutex<BTreeMap<String, Answers>>,
}

/// The next one last.
type Answers = Vec<Result<Vec<u8>, i32>>;

impl Known {
    fn set(&self, question: Question, answers: &[Result<&[u8], i32>]) {
        let answers = answers.iter().rev().map(|answer| answer.map(<[u8]>::to_vec)).collect();
        self.answers.lock().expect("a lock").insert(question.to_string(), answers);
    }

    fn text(&self, question: Question, answers: &[&str]) {
        let answers: Vec<Result<&[u8], i32>> = answers.iter().map(|answer| Ok(answer.as_bytes())).collect();
        self.set(question, &answers);
    }
}

impl Kernel<Question> for Known {
    fn ask(&self, question: &Question, answer: &mut Vec<u8>) -> Result<(), Refusal> {
        let mut answers = self.answers.lock().expect("a lock");
        let left = answers.get_mut(&question.to_string()).ok_or(Refusal::NotRecorded)?;
        let next = if left.len() > 1 { left.pop() } else { left.last().cloned() };
        answer.extend(next.ok_or(Refusal::NotRecorded)?.map_err(Refusal::Errno)?);
        Ok(())
    }
}

fn row(ip: &str, port: u16, pid: u32) -> Row {
    Row { ip: ip.parse().expect(ip), device: 0, port, pid, made: NOW - SECOND, tag: 0 }
}

/// A host with nothing on it but what a test adds.
fn host() -> Known {
    let known = Known { answers: Mutex::default() };
    known.text(Question::Clock, &[&format!("{NOW}\n")]);
    known.text(
        Question::Vantage,
        &["elevated 1\nuser S-1-5-21-1-2-3-500 CORP\\\\Administrator\nprivilege SeDebugPrivilege\n"],
    );
    known.text(Question::Host, &["hostname SRV1\nkernel 10.0.20348.2113\n"]);
    known.text(Question::Links, &["1 1 up loopback Loopback Pseudo-Interface 1\n12 12 up other Ethernet0\n"]);
    known.text(Question::Services, &[""]);
    processes(&known, &[&[]]);
    for table in Table::ALL {
        tables(&known, table, &[&[]]);
    }
    known
}

fn tables(known: &Known, table: Table, readings: &[&[Row]]) {
    let bytes: Vec<Vec<u8>> = readings.iter().map(|rows| table_of(table, rows)).collect();
    let answers: Vec<Result<&[u8], i32>> = bytes.iter().map(|bytes| Ok(bytes.as_slice())).collect();
    known.set(Question::Table(table), &answers);
}

/// Lists of processes: number, how long before now it started, name.
fn processes(known: &Known, lists: &[&[(u32, i64, &str)]]) {
    let line = |(pid, ago, name): &(u32, i64, &str)| {
        format!("{pid} 8 {} {name}\n", NOW.wrapping_add_signed(-ago * SECOND as i64))
    };
    let lists: Vec<String> = lists.iter().map(|list| list.iter().map(line).collect()).collect();
    known.text(Question::Processes, &lists.iter().map(String::as_str).collect::<Vec<_>>());
}

/// A process that executes a closed file.
fn program(known: &Known, pid: u32, path: &str, user: &str) {
    known.text(Question::Image(pid), &[path]);
    known.text(Question::User(pid), &[user]);
    let file =
        format!("changed {}\nfile {CLOSED}\ndirectory {CLOSED}\ndirectory {CLOSED}\n", NOW - 90 * 86_400 * SECOND);
    known.text(Question::File(path.as_bytes().to_vec()), &[&file]);
}

const SVCHOST: &str = "C:\\Windows\\System32\\svchost.exe";
const NETWORK_SERVICE: &str = "S-1-5-20 NT-AUTORIT\\u{c4}T\\\\Netzwerkdienst\n";

fn look(known: &Known) -> Snapshot {
    snapshot(known, &Ask::default())
}

fn owner(snapshot: &Snapshot, port: u16) -> Option<&Process> {
    let at = snapshot.sockets.iter().position(|socket| socket.port() == Some(port.into())).expect("a socket");
    let holders = snapshot.holders_of(at);
    assert!(holders.len() <= 1, "{holders:?}");
    holders.first().map(|holder| &snapshot.processes[holder.process as usize])
}

fn told(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.gaps.iter().map(|gap| gap.what.as_str()).collect()
}

#[test]
fn a_listener_has_the_process_that_its_table_names() {
    let known = host();
    tables(&known, Table::Tcp, &[&[row("0.0.0.0", 135, 900)]]);
    tables(&known, Table::Udp6, &[&[Row { device: 12, ..row("fe80::1", 546, 900) }]]);
    processes(&known, &[&[(900, 60, "svchost.exe")]]);
    program(&known, 900, SVCHOST, NETWORK_SERVICE);
    known.text(Question::Services, &["900 RpcSs\n4242 Other\n"]);
    let snapshot = look(&known);
    let rpc = owner(&snapshot, 135).expect("an owner");
    assert_eq!((rpc.pid, rpc.exe.clone(), rpc.exe_state), (900, Some(SVCHOST.into()), ExeState::Ok));
    assert_eq!((rpc.exe_writable, rpc.trusted_exe().is_some()), (Some(false), true));
    assert_eq!(rpc.user, Some("NT AUTHORITY\\NETWORK SERVICE".into()));
    assert_eq!((rpc.unit.clone(), rpc.unit_state), (Some("RpcSs".into()), UnitState::Known));
    assert_eq!(rpc.started.expect("a start").to_string(), "2026-11-21T07:59:00.000Z");
    assert_eq!(owner(&snapshot, 546).map(|process| process.pid), Some(900));
    let dhcp = snapshot.sockets.iter().find(|socket| socket.port() == Some(546)).expect("a socket");
    assert_eq!((dhcp.device, dhcp.state, dhcp.dual_stack()), (12, State::Unconnected, Some(false)));
    assert_eq!(snapshot.gaps, []);
    assert_eq!((snapshot.host.platform, snapshot.vantage.elevated), ("windows", Some(true)));
    assert_eq!(snapshot.vantage.pid_ns, Some(NamespaceKind::Initial));
    assert_eq!(snapshot.namespaces[0].interface(12).map(|one| one.name.clone()), Some("Ethernet0".into()));
    assert_eq!(snapshot.counts.seen, 1);
}

#[test]
fn the_kernels_own_sockets_are_its_own_and_of_no_driver() {
    let known = host();
    tables(&known, Table::Tcp, &[&[row("0.0.0.0", 445, 4), row("0.0.0.0", 5985, 4)]]);
    processes(&known, &[&[(4, 9000, "System")]]);
    known.set(Question::Image(4), &[Err(31)]);
    known.set(Question::User(4), &[Err(5)]);
    let snapshot = look(&known);
    let owners: Vec<_> = snapshot.sockets.iter().map(|socket| socket.kernel_owner.clone()).collect();
    assert_eq!(
        owners,
        [Some(KernelOwner { kind: "system", device: None }), Some(KernelOwner { kind: "system", device: None })]
    );
    assert_eq!((snapshot.holders.len(), snapshot.gaps.len()), (0, 0));
    // A program that has an executable is none, whatever its number.
    program(&known, 4, "C:\\own\\System", "S-1-5-18 x\n");
    let snapshot = look(&known);
    assert_eq!((owner(&snapshot, 445).map(|process| process.pid), &snapshot.sockets[0].kernel_owner), (Some(4), &None));
}

#[test]
fn a_number_that_was_given_again_is_nobodys() {
    let known = host();
    // The owner ends after the first reading, and another program gets its number.
    let first: &[Row] = &[row("0.0.0.0", 80, 500)];
    tables(&known, Table::Tcp, &[first, &[]]);
    processes(&known, &[&[(500, -2, "new.exe")]]);
    program(&known, 500, "C:\\new.exe", "S-1-5-18\n");
    let snapshot = look(&known);
    assert_eq!((owner(&snapshot, 80), snapshot.sockets[0].raced), (None, true));

    // It gets it while the process is looked at.
    let known = host();
    tables(&known, Table::Tcp, &[first]);
    processes(&known, &[&[(500, 60, "old.exe")], &[(500, -2, "new.exe")]]);
    program(&known, 500, "C:\\new.exe", "S-1-5-18\n");
    let snapshot = look(&known);
    let old = owner(&snapshot, 80).expect("an owner");
    assert_eq!((old.raced, &old.exe, &old.user, old.comm.clone()), (true, &None, &None, Some("old.exe".into())));
    assert_eq!(snapshot.counts.vanished, 1);

    // A socket that is older than its process came from another.
    let known = host();
    tables(&known, Table::Tcp, &[&[Row { made: NOW - 100 * SECOND, ..row("0.0.0.0", 80, 500) }]]);
    processes(&known, &[&[(500, 60, "new.exe")]]);
    program(&known, 500, "C:\\new.exe", "S-1-5-18\n");
    let snapshot = look(&known);
    assert_eq!(snapshot.holders[0].certainty, Certainty::Candidate);
    assert_eq!(told(&snapshot), ["the owners of 1 socket"]);
}

#[test]
fn what_comes_with_a_later_reading_is_found_and_what_goes_is_kept() {
    let known = host();
    let (stays, goes, comes) = (row("0.0.0.0", 22, 500), row("0.0.0.0", 80, 500), row("0.0.0.0", 443, 600));
    tables(&known, Table::Tcp, &[&[stays, stays, goes], &[stays, comes]]);
    processes(&known, &[&[(500, 60, "a.exe"), (600, 1, "b.exe")]]);
    program(&known, 500, "C:\\a.exe", "S-1-5-18\n");
    program(&known, 600, "C:\\b.exe", "S-1-5-18\n");
    let snapshot = look(&known);
    let ports: Vec<_> = snapshot.sockets.iter().map(|socket| (socket.port().expect("a port"), socket.raced)).collect();
    // Two sockets that say the same are two, also where the last reading had only one of them.
    assert_eq!(ports, [(22, false), (22, false), (80, true), (443, true)]);
    assert_eq!(snapshot.holders.len(), 4);
    assert!(snapshot.tables.iter().all(|table| table.status != TableStatus::Unstable));

    let new: Vec<Vec<Row>> = (0..5).map(|at| vec![row("0.0.0.0", 1000 + at, 500)]).collect();
    tables(&known, Table::Tcp, &new.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let snapshot = look(&known);
    let tcp = snapshot.tables.iter().find(|table| table.table == "tcp").expect("a table");
    assert_eq!((tcp.status, snapshot.sockets.len()), (TableStatus::Unstable, 4));
    assert!(told(&snapshot).contains(&"the table tcp"));
}

#[test]
fn a_service_is_told_where_it_is_proved() {
    let known = host();
    let tagged = |port, tag| Row { tag, ..row("0.0.0.0", port, 700) };
    tables(&known, Table::Tcp, &[&[tagged(49_665, 7), tagged(49_666, 8), tagged(49_667, 9), tagged(49_668, 0)]]);
    processes(&known, &[&[(700, 60, "svchost.exe")]]);
    program(&known, 700, SVCHOST, "S-1-5-18\n");
    known.text(Question::Services, &["700 EventLog\n700 Schedule\n"]);
    known.text(Question::Module(700, 7), &["schedule"]);
    // The name of a library is none of a service.
    known.text(Question::Module(700, 8), &["netprofm.dll"]);
    known.set(Question::Module(700, 9), &[Err(5)]);
    let snapshot = look(&known);
    let unit = |port| owner(&snapshot, port).map(|process| (process.unit.clone(), process.unit_state));
    assert_eq!(unit(49_665), Some((Some("Schedule".into()), UnitState::Known)));
    for port in [49_666, 49_667, 49_668] {
        assert_eq!(unit(port), Some((None, UnitState::Unknown)), "{port}");
    }
    // One process, told once for each service that has sockets.
    assert_eq!(snapshot.processes.iter().map(|process| process.pid).collect::<Vec<_>>(), [700, 700]);

    known.text(Question::Services, &["701 Other\n"]);
    let none = look(&known);
    assert_eq!(owner(&none, 49_665).map(|process| process.unit_state), Some(UnitState::None));
    known.set(Question::Services, &[Err(5)]);
    let unread = look(&known);
    assert_eq!(owner(&unread, 49_665).map(|process| process.unit_state), Some(UnitState::Unknown));
    assert_eq!(told(&unread), ["the list of services"]);
}

#[test]
fn who_is_not_elevated_is_told_what_would_help() {
    let known = host();
    known.text(
        Question::Vantage,
        &["elevated 0\nuser S-1-5-21-1-2-3-1001 CORP\\\\alice\nprivilege SeChangeNotifyPrivilege\n"],
    );
    tables(&known, Table::Tcp, &[&[row("0.0.0.0", 135, 900), row("0.0.0.0", 3389, 901)]]);
    processes(&known, &[&[(900, 60, "svchost.exe"), (901, 60, "svchost.exe")]]);
    for pid in [900, 901] {
        known.set(Question::Image(pid), &[Err(5)]);
        known.set(Question::User(pid), &[Err(5)]);
    }
    let snapshot = look(&known);
    let rpc = owner(&snapshot, 135).expect("an owner");
    assert_eq!((rpc.is_hidden(), rpc.comm.clone(), rpc.started.is_some()), (true, Some("svchost.exe".into()), true));
    assert_eq!(told(&snapshot), ["the executables of 2 processes", "the users of 2 processes"]);
    assert!(
        snapshot.gaps.iter().all(|gap| gap.remedy.contains("Run as administrator") && gap.why.contains("not elevated"))
    );
    assert_eq!((snapshot.counts.no_permission, snapshot.counts.denied_despite_caps), (2, 0));

    // Elevated, it is something else that refuses.
    known.text(Question::Vantage, &["elevated 1\nprivilege SeDebugPrivilege\n"]);
    let snapshot = look(&known);
    assert!(snapshot.gaps.iter().all(|gap| gap.why.contains("although")), "{:?}", snapshot.gaps);
    assert_eq!((snapshot.counts.no_permission, snapshot.counts.denied_despite_caps), (0, 2));
}

#[test]
fn an_executable_counts_where_it_is_the_file_that_was_started() {
    let known = host();
    tables(&known, Table::Tcp, &[&[row("0.0.0.0", 80, 500)]]);
    processes(&known, &[&[(500, 60, "a.exe")]]);
    program(&known, 500, "C:\\a.exe", "S-1-5-18\n");
    let file = Question::File(b"C:\\a.exe".to_vec());
    let state = |answer: Result<&str, i32>| {
        known.set(file.clone(), &[answer.map(str::as_bytes)]);
        let snapshot = look(&known);
        let process = owner(&snapshot, 80).expect("an owner");
        (process.exe_state, process.exe_writable, told(&snapshot).len())
    };
    let at = |changed: u64, acl: &str| format!("changed {changed}\nfile {acl}\ndirectory {CLOSED}\n");
    let (before, after) = (NOW - 61 * SECOND, NOW - 59 * SECOND);
    let open = "O:BAD:(A;;FA;;;WD)";
    assert_eq!(state(Ok(&at(before, CLOSED))), (ExeState::Ok, Some(false), 0));
    assert_eq!(state(Ok(&at(before, open))), (ExeState::Ok, Some(true), 0));
    assert_eq!(state(Ok(&at(before, "?"))), (ExeState::Ok, None, 1));
    assert_eq!(state(Ok(&at(after, CLOSED))), (ExeState::Unreadable, Some(false), 1));
    assert_eq!(state(Ok("reparse\n")), (ExeState::Unreadable, None, 1));
    assert_eq!(state(Err(5)), (ExeState::Unreadable, None, 1));
    assert_eq!(state(Err(2)), (ExeState::Foreign, None, 0));
}

#[test]
fn who_is_not_named_is_not_guessed() {
    let known = host();
    tables(&known, Table::Udp, &[&[row("0.0.0.0", 53, 0), row("0.0.0.0", 54, 0), row("0.0.0.0", 55, 999)]]);
    let snapshot = look(&known);
    assert_eq!((snapshot.holders.len(), snapshot.counts.hidden_possible), (0, true));
    assert_eq!(told(&snapshot), ["the owners of 2 sockets", "the owners of 1 socket"]);
    assert!(snapshot.gaps[1].why.contains("has ended"));
}

#[test]
fn tables_that_there_are_not_and_those_that_nobody_is_told_of() {
    let known = host();
    known.set(Question::Table(Table::Tcp6), &[Err(50)]);
    known.set(Question::Table(Table::Udp6), &[Err(1231)]);
    let snapshot = look(&known);
    let status = |name: &str| snapshot.tables.iter().find(|table| table.table == name).map(|table| table.status);
    assert_eq!(status("tcp6"), Some(TableStatus::Absent));
    assert_eq!(status("udp6"), Some(TableStatus::Unreadable));
    assert_eq!(status("sctp"), Some(TableStatus::Absent));
    assert_eq!(status("raw"), None);
    assert_eq!(told(&snapshot), ["the table udp6"]);
    let usual: Vec<_> = snapshot.usual_gaps.iter().map(|gap| gap.what.as_str()).collect();
    assert_eq!(usual, ["the rows of the table raw", "the rows of the table vsock"]);
}

#[test]
fn one_network_goes_by_the_name_of_its_kind() {
    let known = host();
    tables(&known, Table::Tcp, &[&[row("0.0.0.0", 80, 0)]]);
    let of = |name: &str| snapshot(&known, &Ask { netns: Some(name.to_owned()), ..Ask::default() });
    assert_eq!((of("host").netns_unmatched, of("host").sockets.len()), (false, 1));
    assert_eq!((of("blue").netns_unmatched, of("blue").sockets.len()), (true, 0));
    known.text(Question::Vantage, &["elevated 1\ncontainer 2\n"]);
    let contained = of("container");
    assert_eq!((contained.sockets.len(), contained.vantage.pid_ns), (1, Some(NamespaceKind::Nested)));
    assert_eq!(contained.namespaces[0].kind, NetNsKind::Container);
}

#[test]
fn time_wait_is_told_and_never_who_was_at_the_other_end() {
    let known = host();
    tables(&known, Table::TcpAll, &[&[Row { made: 0, ..row("192.0.2.7", 443, 0) }]]);
    let ask = Ask { time_wait: true, ..Ask::default() };
    assert_eq!(snapshot(&known, &ask).lingering, ["192.0.2.7:443".parse().expect("an address")]);
    assert_eq!(look(&known).lingering, []);
    let recorder = Recorder::new("windows", &known, transcript::kept);
    snapshot(&recorder, &ask.everything());
    let capture = recorder.finish();
    let replayed = snapshot(&crate::collect::seam::Replay::new(&capture), &ask);
    assert_eq!(replayed, snapshot(&known, &ask));
    assert!(transcript::heading(&capture)[0].contains("hostname SRV1"));
}

/// Names for names: `NAME` in capitals, and one address for all of a family.
struct Shout(BTreeSet<String>);

impl crate::collect::Rename for Shout {
    fn name(&mut self, kind: crate::collect::Kind, name: &[u8]) -> Vec<u8> {
        self.0.insert(String::from_utf8_lossy(name).into_owned());
        format!("{kind:?}-{}", name.len()).into_bytes()
    }

    fn ip(&mut self, ip: std::net::IpAddr) -> std::net::IpAddr {
        if ip.is_ipv4() { "192.0.2.1".parse().expect("an address") } else { "2001:db8::1".parse().expect("an address") }
    }

    fn id(&mut self, id: u32) -> u32 {
        if id < 1000 { id } else { 1000 }
    }
}

#[test]
fn nothing_of_a_capture_is_passed_on_that_was_not_renamed() {
    let known = host();
    tables(&known, Table::Tcp, &[&[row("203.0.113.9", 8443, 500)]]);
    tables(&known, Table::Tcp6, &[&[row("2001:db8:77::9", 8443, 500)]]);
    processes(&known, &[&[(500, 60, "secretd.exe")]]);
    program(&known, 500, "C:\\Users\\alice\\secretd.exe", "S-1-5-21-11-22-33-1177 CORP\\\\alice\n");
    known.text(Question::File(b"C:\\Users\\alice\\secretd.exe".to_vec()), &[&format!(
        "changed {NOW}\nfile O:S-1-5-21-11-22-33-1177D:(A;;FA;;;S-1-5-21-11-22-33-1177)(A;;FA;;;SY)\ndirectory what\n"
    )]);
    known.text(Question::Cmdline(500), &["secretd.exe --password hunter2"]);
    known.text(Question::Services, &["500 SecretSvc\n"]);
    known.text(Question::Identity, &["host_id 00112233445566778899aabbccddeeff\n"]);
    let recorder = Recorder::new("windows", &known, transcript::kept);
    snapshot(&recorder, &Ask { cmdline: true, ..Ask::default() }.everything());
    let mut capture = recorder.finish();
    capture
        .answers
        .insert("a question of another version".to_owned(), vec![Ok(std::sync::Arc::new(b"secret".to_vec()))]);
    let mut shout = Shout(BTreeSet::new());
    let text = renamed(&capture, &mut shout).to_text();
    for secret in ["secret", "alice", "CORP", "SRV1", "hunter2", "11-22-33", "cb007109", "20010db80077", "0011223344"] {
        assert!(!text.to_lowercase().contains(&secret.to_lowercase()), "{secret} is in {text}");
    }
    assert!(text.contains("O:S-1-5-21-0-0-0-1000D:(A;;FA;;;S-1-5-21-0-0-0-1000)(A;;FA;;;SY)"), "{text}");
    let again = Capture::parse(text.as_bytes()).expect("a capture");
    let snapshot = snapshot(&crate::collect::seam::Replay::new(&again), &Ask::default());
    let process = owner(&snapshot, 8443).expect("an owner");
    assert_eq!((process.pid, process.exe.clone()), (500, Some(Text::from("Executable-26"))));
    assert_eq!(snapshot.sockets[0].ip(), Some("192.0.2.1".parse().expect("an address")));
}

proptest! {
    #[test]
    fn any_answers_make_a_snapshot(
        text in "[0-9a-zA-Z\\\\ \n-]{0,120}",
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        pid in 0u32..8,
    ) {
        let known = host();
        tables(&known, Table::Tcp, &[&[row("0.0.0.0", 80, pid)]]);
        for question in [Question::Clock, Question::Vantage, Question::Host, Question::Links, Question::Services] {
            known.text(question, &[&text]);
        }
        known.set(Question::Table(Table::Udp), &[Ok(&bytes)]);
        known.text(Question::Processes, &[&format!("{pid} 0 5 a\n{text}"), &text]);
        for question in [Question::Image(pid), Question::User(pid), Question::Cmdline(pid)] {
            known.set(question, &[Ok(&bytes)]);
        }
        let recorder = Recorder::new("windows", &known, transcript::kept);
        let ask = Ask { cmdline: true, time_wait: true, ..Ask::default() }.everything();
        let seen = snapshot(&recorder, &ask);
        prop_assert!(seen.holders.is_sorted());
        renamed(&recorder.finish(), &mut Shout(BTreeSet::new()));
    }
}
