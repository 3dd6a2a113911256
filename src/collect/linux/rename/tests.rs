//! What is put together again reads as before.

use std::collections::BTreeSet;
use std::net::IpAddr;

use proptest::prelude::*;

use super::super::question::{Ns, Question};
use super::super::{Table, snapshot};
use super::*;
use crate::collect::Ask;
use crate::collect::seam::Replay;
use crate::model::{Snapshot, Transport};

/// Leaves every name as it is.
struct Same;

impl Rename for Same {
    fn name(&mut self, _: Kind, name: &[u8]) -> Vec<u8> {
        name.to_vec()
    }

    fn ip(&mut self, ip: IpAddr) -> IpAddr {
        ip
    }

    fn id(&mut self, id: u32) -> u32 {
        id
    }
}

/// Leaves nothing of any name.
struct Nothing;

impl Rename for Nothing {
    fn name(&mut self, _: Kind, _: &[u8]) -> Vec<u8> {
        b"x".to_vec()
    }

    fn ip(&mut self, ip: IpAddr) -> IpAddr {
        if ip.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) }
    }

    fn id(&mut self, _: u32) -> u32 {
        0
    }
}

const CAPTURES: [&str; 5] = [
    include_str!("../../../../tests/captures/broken.capture"),
    include_str!("../../../../tests/captures/hostile-names.capture"),
    include_str!("../../../../tests/captures/plain-server.capture"),
    include_str!("../../../../tests/captures/server-as-nobody.capture"),
    include_str!("../../../../tests/redact/telling.capture"),
];

fn look(capture: &Capture) -> Snapshot {
    let ask = Ask { transports: Transport::ALL.to_vec(), bound: true, time_wait: true, ..Ask::default() };
    let mut snapshot = snapshot(&Replay::new(capture), &ask);
    // The ids of the host and its boot never stay.
    (snapshot.host.id, snapshot.host.boot_id) = (None, None);
    snapshot
}

/// The number of a kind of question: a new one has to find its place here, and a sample below.
fn kind(question: &Question) -> usize {
    match question {
        Question::Clock => 0,
        Question::Vantage => 1,
        Question::Host => 2,
        Question::Identity => 3,
        Question::Ports => 4,
        Question::NetNs => 5,
        Question::Namespaces => 6,
        Question::In(..) => 7,
        Question::Links => 8,
        Question::Wireguard(_) => 9,
        Question::L2tp => 10,
        Question::Fou => 11,
        Question::NfsPorts => 12,
        Question::Protocols => 13,
        Question::Diag(_) => 14,
        Question::Connected => 15,
        Question::ProcNet(_) => 16,
        Question::Pids => 17,
        Question::Sockets(_) => 18,
        Question::Threads(_) => 19,
        Question::ThreadSockets(..) => 20,
        Question::ThreadExe(..) => 21,
        Question::Ring(..) => 22,
        Question::InFlight(..) => 23,
        Question::LivesIn(_) => 24,
        Question::Link(..) => 25,
        Question::Vsock(..) => 26,
        Question::Stat(_) => 27,
        Question::Owner(_) => 28,
        Question::Ids(_) => 29,
        Question::Cgroup(_) => 30,
        Question::Exe(_) => 31,
        Question::Cmdline(_) => 32,
        Question::HostFile(_) => 33,
        Question::User(_) => 34,
        Question::Packages(_) => 35,
        Question::CgroupPaths(_) => 36,
        Question::CgroupProcs(_) => 37,
        Question::Script(_) => 38,
        Question::SkLookup => 39,
        Question::NsId(_) => 40,
        Question::Addresses => 41,
    }
}

fn questions() -> Vec<Question> {
    use Question::*;
    let plain = vec![
        Clock, Vantage, Host, Identity, Ports, NetNs, Namespaces, Links, Addresses, L2tp, Fou, NfsPorts, Protocols,
        Connected, Pids, SkLookup,
    ];
    let within = vec![
        In(Ns::Inode(9), Box::new(Links)),
        In(Ns::Inode(9), Box::new(Addresses)),
        In(Ns::File(9), Box::new(Diag(Table::Tcp))),
        NsId(None),
        In(Ns::Inode(9), Box::new(NsId(Some(Ns::Inode(7))))),
        Wireguard(vec![1]),
        Packages(vec![b"/x".to_vec()]),
        CgroupPaths(vec![1]),
        CgroupProcs(b"/system.slice/a b@9.service\n".to_vec()),
        HostFile(b"/opt/a b @9\n".to_vec()),
    ];
    let of_processes = vec![
        Sockets(7),
        Threads(7),
        ThreadSockets(7, 8),
        ThreadExe(7, 8),
        Ring(7, 8),
        InFlight(7, vec![1]),
        LivesIn(7),
        Link(7, 8),
        Vsock(7, vec![(1, 2)]),
        Stat(7),
        Owner(7),
        Ids(7),
        Cgroup(7),
        Exe(7),
        Cmdline(7),
        Script(7),
        User(7),
    ];
    let tables = Table::ALL.into_iter().flat_map(|table| [Diag(table), ProcNet(table)]);
    [plain, within, of_processes].concat().into_iter().chain(tables).collect()
}

#[test]
fn every_question_is_known() {
    let questions = questions();
    for question in &questions {
        let name = question.to_string();
        assert_eq!(asked(&name, &mut Same).map(|(name, _)| name), Some(name));
    }
    let kinds: BTreeSet<usize> = questions.iter().map(kind).collect();
    assert_eq!(kinds, (0..=41).collect());
    let unknown =
        ["", "adresses", "stat", "stat x", "stat 7 8 9", "stat 007", "diag tcp7", "links @blue", "pids 7", "file \\q"];
    for name in unknown {
        assert_eq!(asked(name, &mut Same), None, "{name}");
    }
}

#[test]
fn a_capture_without_other_names_is_told_as_before() {
    for text in CAPTURES {
        let capture = Capture::parse(text.as_bytes()).expect("a capture");
        let same = renamed(&capture, &mut Same);
        assert_eq!(look(&capture), look(&same));
    }
}

#[test]
fn paths_that_go_on_in_the_next_line_end_in_their_own() {
    let text = b"Num       RefCount Protocol Flags    Type St Inode Path
0: 00000002 00000000 00010000 0001 01 100 /run/a
b: c
0: 00000003 00000000 00000000 0001 03 103 /run/connected
d
";
    let told = Asked::ProcNet(Table::Unix).answer(text, &mut Nothing);
    let want = "heading\n?\n0: 00000002 00000000 00010000 0001 01 100 x\n0: 00000003 00000000 00000000 0001 03 103\n";
    assert_eq!(String::from_utf8_lossy(&told), want);
}

#[test]
fn a_row_that_makes_no_sense_stays_one() {
    use super::super::netlink::assemble::{done, message};
    use super::super::sock_diag::{SOCK_DIAG_BY_FAMILY, decode};
    let rows = [message(SOCK_DIAG_BY_FAMILY, b"secret"), message(77, b"secret"), done(-5)].concat();
    let told = Asked::Diag(Table::Tcp).answer(&rows, &mut Same);
    assert!(!told.windows(6).any(|window| window == b"secret"));
    assert_eq!(decode(Table::Tcp, &told), decode(Table::Tcp, &rows));
}

proptest! {
    #[test]
    fn any_answer_is_taken_apart_without_panic(
        pieces in proptest::collection::vec((any::<bool>(), "[ -~\n\t]{0,12}"), 0..12),
        bytes in proptest::collection::vec(any::<u8>(), 0..120),
        which in 0usize..200,
    ) {
        const SECRET: &str = "qSecretq";
        let questions = questions();
        let question = questions[which % questions.len()].to_string();
        let text: String = pieces.iter().map(|(secret, text)| if *secret { format!("{text}{SECRET}") } else { text.clone() }).collect();
        for answer in [text.into_bytes(), bytes] {
            let (_, asked) = asked(&question, &mut Nothing).expect("it is known");
            let told = asked.answer(&answer, &mut Nothing);
            prop_assert!(!told.windows(SECRET.len()).any(|at| at == SECRET.as_bytes()), "{question}: {:?}", String::from_utf8_lossy(&told));
            prop_assert!(asked.answer(&told, &mut Nothing).len() <= told.len() + 64);
        }
    }

    #[test]
    fn a_changed_capture_is_told_as_it_would_be(
        which in 0..CAPTURES.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut text = CAPTURES[which].as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(text.len());
            // Newlines and what is no UTF-8 would mostly make it no capture.
            text[at] = b"0123456789abcdef \t/:@.-x[]"[usize::from(byte) % 26];
        }
        if let Ok(capture) = Capture::parse(&text) {
            let same = renamed(&capture, &mut Same);
            prop_assert_eq!(look(&capture), look(&same));
        }
    }
}
