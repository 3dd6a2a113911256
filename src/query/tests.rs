mod sample;

use proptest::prelude::*;

use super::*;
use crate::model::{Gap, OwnerStatus, TableStatus};
use sample::*;

fn query(line: &str, choice: &Choice) -> Result<Query, Error> {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    Query::parse(&words, choice.clone(), &|name| name == RULE.name)
}

fn run(line: &str, mut report: Report) -> (Vec<String>, Outcome) {
    let query = query(line, &Choice::default()).unwrap_or_else(|error| panic!("{line}: {error}"));
    let outcome = query.apply(&mut report, &|word| word == "telnet");
    assert_eq!(report.exit, outcome.matched.exit(), "{line}");
    for (at, finding) in report.findings.iter().enumerate() {
        assert!(report.listeners[finding.listener().expect("of a listener")].findings.contains(&at), "{line}");
    }
    (report.listeners.iter().map(|listener| listener.endpoint.clone()).collect(), outcome)
}

const SSH: &str = "tcp/[::]:22";
const HTTP: &str = "tcp/0.0.0.0:80";
const DNS: &str = "udp/127.0.0.53:53";
const XNM: &str = "tcp/10.0.0.5:3221";
const UNIX: &str = "unix/stream:/run/x";

#[test]
fn what_narrows_is_told_by_word() {
    let choice = Choice { transports: vec![Transport::Tcp], ipv4: true, ipv6: false };
    let query = Query::parse(&["severity:>=high".to_owned()], choice, &|_| false).expect("a query");
    assert_eq!((query.words().join(" "), Query::default().words()), ("-t -4 severity:>=high".to_owned(), vec![]));
}

#[test]
fn words_choose_what_they_say() {
    let cases: &[(&str, &[&str])] = &[
        ("", &[SSH, HTTP, DNS, XNM]),
        ("22", &[SSH]),
        (":22", &[SSH]),
        ("22,80", &[SSH, HTTP]),
        ("22 80", &[SSH, HTTP]),
        ("20-100", &[SSH, HTTP, DNS]),
        ("tcp/20-100", &[SSH, HTTP]),
        ("TCP/22", &[SSH]),
        ("22/tcp", &[SSH]),
        ("udp/53", &[DNS]),
        ("tcp/ssh", &[SSH]),
        (":ssh", &[SSH]),
        ("10.0.0.5:3221", &[XNM]),
        ("10.0.0.5:xnm-clear-text", &[XNM]),
        ("[::]:22", &[SSH]),
        ("*:22", &[SSH]),
        ("*:80", &[HTTP]),
        ("*", &[SSH, HTTP]),
        ("10.0.0.0/8", &[XNM]),
        ("127.0.0.53", &[DNS]),
        ("::", &[SSH]),
        ("tcp/10.0.0.5", &[XNM]),
        (SSH, &[SSH]),
        (DNS, &[DNS]),
        (UNIX, &[UNIX]),
        ("unix/*", &[UNIX]),
        ("ssh", &[SSH]),
        ("SSH", &[SSH]),
        ("ssh nginx", &[SSH, HTTP]),
        ("sshd", &[SSH]),
        ("ssh.service", &[SSH]),
        ("/usr/sbin/sshd", &[SSH]),
        ("www", &[HTTP]),
        ("systemd-resolved", &[DNS]),
        ("xnmd", &[XNM]),
        ("java", &[XNM]),
        ("root", &[SSH, XNM]),
        ("root 22", &[SSH]),
        ("root tcp/3221 10.0.0.0/8", &[XNM]),
        ("*nginx*", &[HTTP]),
        ("pid:812", &[SSH]),
        ("pid:812 pid:900", &[SSH, HTTP]),
        ("user:www-data", &[HTTP]),
        ("uid:101", &[DNS]),
        ("unit:ssh", &[SSH]),
        ("unit:*.service 53", &[DNS]),
        ("container:1a2b3c4d5e6f", &[XNM]),
        ("container:docker:1a2b3c4d5e6f", &[XNM]),
        ("container:1a2b3c4d5e6f0123456789abcdef0123456789abcdef0123456789abcdef0123", &[XNM]),
        ("container:docker:*", &[XNM]),
        ("container:77-aa", &[XNM]),
        ("1a2b3c4d5e6f", &[XNM]),
        ("exe:/usr/sbin/*", &[SSH, HTTP]),
        ("exe:xnmd", &[XNM]),
        ("netns:host 22", &[SSH]),
        ("netns:4026531840 22", &[SSH]),
        ("service:ssh", &[SSH]),
        ("rule:cleartext-management", &[XNM]),
        ("scope:wildcard", &[SSH, HTTP]),
        ("scope:loopback", &[DNS]),
        ("severity:high", &[XNM]),
        ("severity:>=medium", &[XNM]),
        ("severity:<critical", &[XNM]),
    ];
    for (line, want) in cases {
        let (found, outcome) = run(line, report());
        assert_eq!(&found, want, "{line}");
        let everything = if line.is_empty() { Match::Everything } else { Match::Matched };
        assert_eq!(outcome.matched, everything, "{line}");
        assert_eq!(outcome.remarks, Vec::<String>::new(), "{line}");
    }
}

#[test]
fn an_endpoint_as_printed_finds_its_listener() {
    let mut on_device = report();
    for (at, (address, port, endpoint)) in
        [("0.0.0.0", 68, "udp/0.0.0.0%eth0:68"), ("fe80::1", 546, "udp/[fe80::1]%eth0:546")].into_iter().enumerate()
    {
        on_device.listeners[at] = inet(Transport::Udp, address, port);
        on_device.listeners[at].endpoint = endpoint.to_owned();
        on_device.listeners[at].interface = "eth0".into();
    }
    let endpoints: Vec<String> = on_device.listeners.iter().map(|listener| listener.endpoint.clone()).collect();
    for endpoint in endpoints {
        let (found, outcome) = run(&endpoint, on_device.clone());
        assert_eq!((found, outcome.matched), (vec![endpoint], Match::Matched));
    }
    for (line, found) in [("0.0.0.0%eth0:68", 1), ("0.0.0.0%eth1:68", 0), ("0.0.0.0%eth0:67", 0), ("0.0.0.0%eth0", 1)] {
        assert_eq!(run(line, on_device.clone()).0.len(), found, "{line}");
    }
}

#[test]
fn what_cannot_be_is_an_error_that_names_the_word() {
    let words = [
        "70000",
        "0",
        "tcp/70000",
        ":65536",
        "3999-3000",
        "22,70000",
        "10.0.0.5:0",
        "10.0.0.256",
        "10.0.0.0/33",
        "localhost:22",
        "severity:urgent",
        "severity:>critical",
        "severity:=>high",
        "scope:moon",
        "rule:nonsense",
        "pid:sshd",
        "pid:-1",
        "pid:",
        "severity:",
        "uid:root",
        "container:",
        "70000/tcp",
    ];
    for word in words {
        let Err(error) = query(word, &Choice::default()) else { panic!("{word}: not refused") };
        assert!(error.to_string().contains(word), "{word}: {error}");
        assert!(!error.hint().is_empty(), "{word}");
    }
    for blank in ["", " ", "\t"] {
        assert!(Query::parse(&[blank.to_owned()], Choice::default(), &|_| false).is_err());
    }
    // What the shell made of `severity:>=high` without quotes.
    assert!(query("severity:", &Choice::default()).expect_err("no value").hint().contains("'severity:>=high'"));
    let tcp = Choice { transports: vec![Transport::Tcp], ..Choice::default() };
    assert!(query("udp/53", &tcp).is_err());
    assert!(query("[::]:22", &Choice { ipv4: true, ..Choice::default() }).is_err());
}

#[test]
fn no_match_is_said_only_where_nothing_could_be_missed() {
    let (found, outcome) = run("4444", report());
    assert_eq!((found.len(), outcome.matched), (0, Match::Nothing));

    let mut unread = report();
    unread.tables.push(table("udplite", TableStatus::Unreadable));
    assert!(matches!(run("4444", unread.clone()).1.matched, Match::CannotTell(_)));
    assert_eq!(run("tcp/4444", unread).1.matched, Match::Nothing);

    let mut absent = report();
    absent.tables.push(table("sctp", TableStatus::Absent));
    assert_eq!(run("4444", absent).1.matched, Match::Nothing);

    let mut unmarked = report();
    unmarked.tables.push(table("mptcp", TableStatus::Unreadable));
    assert_eq!(run("4444", unmarked.clone()).1.matched, Match::Nothing);
    assert!(matches!(run("mptcp/4444", unmarked).1.matched, Match::CannotTell(_)));

    let mut closed = report();
    closed.tables.push(table("vsock", TableStatus::Unreadable));
    assert_eq!(run("4444", closed.clone()).1.matched, Match::Nothing);
    assert!(matches!(run("vsock/4444", closed).1.matched, Match::CannotTell(_)));

    let mut gap = report();
    let (why, what) = (String::new(), "the network namespaces of 2 processes".to_owned());
    gap.gaps.push(Gap { what, why: why.clone(), consequence: why.clone(), remedy: why });
    assert!(matches!(run("4444", gap.clone()).1.matched, Match::CannotTell(_)));
    for what in ["1 row of the table tcp", "2 rows of the table tcp"] {
        gap.gaps[0].what = what.to_owned();
        assert!(matches!(run("tcp/4444", gap.clone()).1.matched, Match::CannotTell(_)), "{what}");
        assert_eq!(run("udp/4444", gap.clone()).1.matched, Match::Nothing, "{what}");
    }
}

#[test]
fn words_about_owners_need_every_relevant_owner() {
    let mut denied = report();
    denied.listeners[1].owners.clear();
    denied.listeners[1].owner_status = OwnerStatus::Denied;
    let about_owners =
        ["haproxy", "pid:77", "user:haproxy", "exe:haproxy", "unit:haproxy", "container:web", "uid:77", "80 haproxy"];
    // What is found wrong rests on who holds it.
    for line in about_owners.into_iter().chain(["severity:critical", "80 rule:cleartext-management", "80 severity:low"])
    {
        assert!(matches!(run(line, denied.clone()).1.matched, Match::CannotTell(_)), "{line}");
    }
    // What is known already rules these out, or in.
    for line in [
        "22 severity:critical",
        "udp/53 rule:cleartext-management",
        "22 haproxy",
        "service:haproxy",
        "8080",
        "scope:public user:haproxy",
        "udp/53 pid:77",
    ] {
        assert_eq!(run(line, denied.clone()).1.matched, Match::Nothing, "{line}");
    }
    for line in ["http", "www nobody", "sshd", "uid:0"] {
        assert_eq!(run(line, denied.clone()).1.matched, Match::Matched, "{line}");
    }
    let mut nobody = report();
    nobody.listeners[1].owners.clear();
    nobody.listeners[1].owner_status = OwnerStatus::None;
    assert_eq!(run("pid:77", nobody.clone()).1.matched, Match::Nothing);
    assert_eq!(run("severity:critical", nobody).1.matched, Match::Nothing);
}

#[test]
fn without_a_query_it_is_an_answer_that_nothing_listens() {
    let mut nothing = report();
    nothing.listeners.clear();
    nothing.findings.clear();
    assert_eq!(run("", nothing.clone()).1.matched, Match::Everything);
    nothing.tables = vec![table("tcp", TableStatus::Unreadable), table("unix", TableStatus::Read)];
    assert!(matches!(run("", nothing).1.matched, Match::CannotTell(_)));
}

#[test]
fn words_that_nobody_knows_are_remarked() {
    assert_eq!(run("telnet", report()).1.remarks, Vec::<String>::new());
    assert_eq!(run("sshd telnetd", report()).1.remarks, ["`telnetd` is neither known to the registry nor seen here"]);
    assert!(run("resolve", report()).1.remarks[0].ends_with("`*resolve*`"));
    assert_eq!(run("nginx*", report()).1.remarks, Vec::<String>::new());
    assert!(run("tcp", report()).1.remarks[0].contains("-t"));
    assert_eq!(run("unix", report()).1.matched, Match::Nothing);
}

#[test]
fn a_wildcard_is_remarked_where_an_address_was_asked_for() {
    for (line, by) in [("10.1.2.3:80", HTTP), ("tcp/10.1.2.3:22", SSH), ("[::1]:22", SSH)] {
        let (found, outcome) = run(line, report());
        assert!(found.is_empty() && outcome.matched == Match::Nothing, "{line}");
        assert!(outcome.remarks[0].contains(by), "{line}: {:?}", outcome.remarks);
    }
    assert_eq!(run("[::1]:80", report()).1.remarks, Vec::<String>::new());
}

#[test]
fn another_use_of_a_port_counts_until_the_owner_confirms_one() {
    assert_eq!(run("www", report()).1.matched, Match::Matched);
    assert_eq!(run("sapdp21", report()).1.matched, Match::Nothing);
}

#[test]
fn what_takes_ipv4_on_ipv6_is_remarked() {
    let mut report = report();
    let query = query("22", &Choice { ipv4: true, ..Choice::default() }).expect("a port");
    let outcome = query.apply(&mut report, &|_| false);
    assert_eq!(outcome.matched, Match::Nothing);
    assert_eq!(outcome.remarks, [format!("{SSH} takes IPv4 too, and -4 leaves it out")]);
}

#[test]
fn flags_choose_transports_and_families() {
    let apply = |choice: Choice| {
        let query = query("", &choice).expect("an empty query");
        let mut report = report();
        assert_eq!(query.apply(&mut report, &|_| false).matched, Match::Everything);
        report.listeners.into_iter().map(|listener| listener.endpoint).collect::<Vec<_>>()
    };
    assert_eq!(apply(Choice { transports: vec![Transport::Unix], ..Choice::default() }), [UNIX]);
    assert_eq!(apply(Choice { ipv6: true, ..Choice::default() }), [SSH]);
    assert_eq!(apply(Choice { ipv4: true, transports: vec![Transport::Tcp], ..Choice::default() }), [HTTP, XNM]);
    assert_eq!(apply(Choice { ipv4: true, ipv6: true, ..Choice::default() }), [SSH, HTTP, DNS, XNM]);
}

#[test]
fn the_findings_of_what_stays_stay() {
    let mut report = report();
    query("3221", &Choice::default()).expect("a port").apply(&mut report, &|_| false);
    assert_eq!((report.listeners.len(), report.findings.len(), report.findings[0].listener()), (1, 1, Some(0)));
    assert_eq!(report.listeners[0].findings, [0]);
}

proptest! {
    #[test]
    fn no_word_makes_it_panic(
        words in proptest::collection::vec("[a-z]{0,8}[:/]?[0-9.\\[\\]:*%/-]{0,12}|(severity|scope|pid|exe):\\PC{0,6}|\\PC{0,12}", 0..4)
    ) {
        if let Ok(query) = Query::parse(&words, Choice::default(), &|_| false) {
            let mut report = report();
            let outcome = query.apply(&mut report, &|_| false);
            prop_assert_eq!(report.listeners.is_empty(), outcome.matched != Match::Matched && outcome.matched != Match::Everything);
        }
    }
}
