//! Runs after runs over small hosts, and states that nobody wrote.

use proptest::prelude::*;

use super::*;
use crate::finding::Status;
use crate::judge::judge;
use crate::judge::sample::host;
use crate::model::{Gap, Snapshot, Source, TableRead, TableStatus};
use crate::registry::Registry;
use crate::report::Seen;

const DAY: i64 = 24 * 60 * 60 * 1000;
const START: i64 = 1_795_215_600_000;

/// What thousands of cases are compared with.
static REPORT: std::sync::LazyLock<Report> = std::sync::LazyLock::new(|| of(&[SSHD, XNMD]));

const SSHD: &str = "tcp/0.0.0.0:22 exe=/usr/sbin/sshd unit=ssh.service";
const XNMD: &str = "tcp/0.0.0.0:3221 exe=/usr/sbin/mgd unit=mgd.service";

fn table(table: &'static str, status: TableStatus) -> TableRead {
    TableRead { table, netns: 0, status, source: Some(Source::SockDiag), lacks: &[], error: None }
}

fn snapshot(listeners: &[&str]) -> Snapshot {
    let mut snapshot = host(listeners);
    snapshot.vantage.uid = Some(0);
    snapshot.tables = ["tcp", "udp"].map(|name| table(name, TableStatus::Read)).to_vec();
    snapshot
}

fn judged(snapshot: Snapshot) -> Report {
    judge(snapshot, &Registry::builtin(), "0123456789abcdef0123456789abcdef".to_owned())
}

fn of(listeners: &[&str]) -> Report {
    judged(snapshot(listeners))
}

/// A run on this day, after the last. What there is to tell is told.
fn run(old: Option<&State>, report: &Report, day: i64) -> (News, State) {
    let now = Timestamp(START + day * DAY);
    let news = compare(old, report, &[], now, &Remind::default());
    let state = next(old, report, &news, now, news.is_worth_telling());
    assert_eq!(State::decode(&state.encode()).as_ref(), Ok(&state));
    (news, state)
}

fn endpoints(report: &Report, listeners: &[usize]) -> Vec<String> {
    listeners.iter().map(|at| report.listeners[*at].endpoint.clone()).collect()
}

fn rules(report: &Report, findings: &[usize]) -> Vec<&'static str> {
    findings.iter().map(|at| report.findings[*at].rule.name).collect()
}

#[test]
fn to_the_first_run_everything_is_new() {
    let mut report = of(&[SSHD, XNMD]);
    let (news, state) = run(None, &report, 0);
    assert!(news.is_worth_telling() && news.since.is_none());
    assert_eq!(
        (news.listeners.len(), rules(&report, &news.findings)),
        (2, vec!["cleartext-management", "management-exposed"])
    );
    assert_eq!((state.epoch.as_str(), state.listeners.len(), state.findings.len()), (report.run_id.as_str(), 2, 2));
    news.mark(&mut report);
    assert!(report.listeners.iter().all(|listener| listener.seen == Some(Seen::New)));
    assert_eq!(report.findings[0].status, Some(Status::New));
}

#[test]
fn the_second_run_has_nothing_to_tell() {
    let mut report = of(&[SSHD, XNMD]);
    let (_, first) = run(None, &report, 0);
    let (news, second) = run(Some(&first), &report, 1);
    assert!(!news.is_worth_telling(), "{news:?}");
    news.mark(&mut report);
    assert!(report.listeners.iter().all(|listener| listener.seen == Some(Seen::Known)));
    assert_eq!(report.findings[0].status, Some(Status::Known));
    assert_eq!(second.epoch, first.epoch);
    let (was, is) = (first.findings.values().next(), second.findings.values().next());
    assert_eq!(was.map(|one| one.last_told), is.map(|one| one.last_told), "it was not told again");
    let listener = second.listeners.values().next().expect("two");
    assert_eq!((listener.first_seen.0, listener.last_seen.0), (START, START + DAY));
}

#[test]
fn restarts_workers_and_other_ports_of_the_kernels_choice_are_no_news() {
    let dns = "udp/0.0.0.0:40001 exe=/usr/sbin/unbound user=unbound unit=unbound.service";
    let passing = "udp/0.0.0.0:40002 exe=/usr/bin/dig user=alice uid=1000";
    let served = "tcp/127.0.0.1:41001 exe=/usr/bin/agent unit=agent.service";
    let mut state = run(None, &of(&[SSHD, XNMD, dns, served]), 0).1;
    for again in 1..=20u32 {
        let ssh = format!("{SSHD} pid={} start={}", 2000 + again, 9000 + again);
        let workers = format!("{XNMD} pid={} exe=/usr/sbin/mgd unit=mgd.service pid={}", 3000 + again, 4000 + again);
        let dns = dns.replace("40001", &(40_100 + again).to_string());
        let served = served.replace("41001", &(41_100 + again).to_string());
        let mut listeners = vec![workers.as_str(), ssh.as_str(), served.as_str(), dns.as_str()];
        if again % 2 == 0 {
            listeners.push(passing);
        }
        if again % 3 == 0 {
            listeners.retain(|listener| *listener != dns);
        }
        let report = of(&listeners);
        let now = Timestamp(START + i64::from(again));
        let news = compare(Some(&state), &report, &[], now, &Remind::default());
        assert!(!news.is_worth_telling(), "run {again}: {news:?}");
        state = next(Some(&state), &report, &news, now, false);
    }
}

#[test]
fn chance_ports_that_the_registry_knows_are_no_news() {
    let registry = Registry::builtin();
    let known = |transport| -> Vec<u16> {
        (32_768..=60_999).filter(|port| registry.claim(transport, *port, &[]).is_some()).collect()
    };
    let (tcp, udp) = (known(Transport::Tcp), known(Transport::Udp));
    assert!(tcp.len() > 50 && udp.len() > 20, "{} and {}", tcp.len(), udp.len());
    // The generator of Knuth's MMIX: the same ports with every run of the test.
    let mut seed = 41_795u64;
    let mut taken = std::collections::VecDeque::from([0; 6]);
    let mut any = |ports: &[u16]| loop {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let port = ports[(seed >> 33) as usize % ports.len()];
        // The kernel gives no port away that it has given to another.
        if !taken.contains(&port) {
            taken.rotate_left(1);
            taken[5] = port;
            break port;
        }
    };
    let mut restart = |start: u32| {
        let listeners = [
            format!("tcp/0.0.0.0:{} exe=/opt/acme/acmed unit=acme.service start={start}", any(&tcp)),
            format!("tcp/10.0.0.5:{} exe=/usr/sbin/rpc.mountd unit=nfs.service start={start}", any(&tcp)),
            format!("tcp/[::]:{} exe=/home/alice/game user=alice start={start}", any(&tcp)),
            format!("tcp/0.0.0.0:{} creator=1000", any(&tcp)),
            format!("udp/0.0.0.0:{} exe=/usr/sbin/rpc.statd unit=statd.service start={start}", any(&udp)),
            format!("udp/[::]:{} creator=1001", any(&udp)),
        ];
        of(&listeners.each_ref().map(String::as_str))
    };
    let mut state = run(None, &restart(0), 0).1;
    let mut tried = std::collections::BTreeSet::new();
    for again in 1..=100u32 {
        let report = restart(again);
        tried.extend(report.listeners.iter().filter_map(|listener| listener.socket.port()));
        assert!(report.listeners.iter().all(|listener| listener.service.is_some()), "run {again}: each has a claim");
        let now = Timestamp(START + i64::from(again));
        let news = compare(Some(&state), &report, &[], now, &Remind::default());
        assert!(!news.is_worth_telling(), "run {again}: {news:?}");
        state = next(Some(&state), &report, &news, now, false);
    }
    assert!(tried.len() > 100, "{} ports", tried.len());
}

#[test]
fn one_more_one_less_one_owner_and_one_address_are_four_changes() {
    let (web, cache) = ("tcp/127.0.0.1:8080 exe=/usr/bin/web", "tcp/127.0.0.1:11211 exe=/usr/bin/memcached");
    let (_, state) = run(None, &of(&[SSHD, web, cache, "tcp/127.0.0.1:9000 exe=/usr/bin/fpm"]), 0);
    let report = of(&[
        SSHD,
        "tcp/10.0.0.5:8080 exe=/usr/bin/web",
        "tcp/127.0.0.1:11211 exe=/opt/mc",
        "tcp/127.0.0.1:7000 exe=/usr/bin/more",
    ]);
    let (news, state) = run(Some(&state), &report, 1);
    assert_eq!(endpoints(&report, &news.listeners), ["tcp/127.0.0.1:7000"]);
    assert_eq!(news.gone, [Gone { endpoint: "tcp/127.0.0.1:9000".into(), exe: Some("/usr/bin/fpm".into()) }]);
    let changed: Vec<_> =
        news.changed.iter().map(|(at, change)| (report.listeners[*at].endpoint.as_str(), change)).collect();
    let owner = Change::Owner(Some("/usr/bin/memcached".into()));
    let address = Change::Endpoint("tcp/127.0.0.1:8080".into());
    assert_eq!(changed, [("tcp/10.0.0.5:8080", &address), ("tcp/127.0.0.1:11211", &owner)]);
    assert!(!run(Some(&state), &report, 2).0.is_worth_telling());
}

#[test]
fn a_finding_that_grows_graver_goes_and_comes_back_is_told_each_time() {
    let (_, mut state) = run(None, &of(&[XNMD]), 0);
    for finding in state.findings.values_mut() {
        finding.severity = Severity::Low;
    }
    let report = of(&[XNMD]);
    let (news, state) = run(Some(&state), &report, 1);
    assert_eq!(news.graver, [(0, Severity::Low)]);
    assert!(!run(Some(&state), &report, 2).0.is_worth_telling());
    let nothing = of(&[]);
    let (news, state) = run(Some(&state), &nothing, 3);
    assert_eq!((news.gone_findings.len(), news.gone.len()), (1, 1));
    assert_eq!(news.gone_findings[0].endpoint.as_deref(), Some("tcp/0.0.0.0:3221"));
    assert!(state.findings.is_empty() && state.listeners.is_empty());
    assert_eq!(run(Some(&state), &report, 4).0.findings, [0]);
}

#[test]
fn a_grave_finding_is_told_again_after_a_week_and_a_mild_one_is_not() {
    let report = of(&[XNMD]);
    let (_, first) = run(None, &report, 0);
    let state = run(Some(&first), &report, 6).1;
    let (news, state) = run(Some(&state), &report, 7);
    assert_eq!((news.overdue.as_slice(), news.is_worth_telling()), (&[0][..], true));
    assert!(!run(Some(&state), &report, 13).0.is_worth_telling(), "it was told on the seventh day");
    // A clock that was set back by years.
    assert_eq!(run(Some(&state), &report, -700).0.overdue, [0]);
    let remind = Remind { from: Severity::Critical, ..Remind::default() };
    let mild = judged(snapshot(&["tcp/127.0.0.1:3221 exe=/usr/sbin/mgd"]));
    let (_, state) = run(None, &mild, 0);
    assert!(!compare(Some(&state), &mild, &[], Timestamp(START + 99 * DAY), &remind).is_worth_telling());
}

#[test]
fn what_a_suppression_names_is_neither_new_nor_gone_and_comes_back_as_news() {
    let mut report = of(&[XNMD]);
    let (_, state) = run(None, &report, 0);
    report.findings[0].status = Some(Status::Suppressed);
    let (news, state) = run(Some(&state), &report, 1);
    assert!(!news.is_worth_telling(), "{news:?}");
    assert!(state.findings.is_empty());
    let mut marked = report.clone();
    news.mark(&mut marked);
    assert_eq!(marked.findings[0].status, Some(Status::Suppressed));
    assert!(run(None, &report, 1).0.findings.is_empty());
    report.findings[0].status = None;
    assert_eq!(run(Some(&state), &report, 2).0.findings, [0]);
}

/// The same host for somebody who sees the owners of nothing.
fn blind(endpoints: &[&str]) -> Snapshot {
    let mut snapshot = snapshot(endpoints);
    snapshot.vantage.uid = Some(65_534);
    snapshot
}

#[test]
fn an_owner_that_one_run_could_not_see_makes_nothing_new_and_nothing_gone() {
    let all = of(&[SSHD, XNMD]);
    let (_, state) = run(None, &all, 0);
    let nobody = judged(blind(&["tcp/0.0.0.0:22", "tcp/0.0.0.0:3221"]));
    let (news, state) = run(Some(&state), &nobody, 1);
    assert!(news.listeners.is_empty() && news.changed.is_empty() && news.gone.is_empty(), "{news:?}");
    assert!(news.gone_findings.is_empty());
    assert!(news.sight.iter().any(|change| change.contains("no longer sees every process")), "{:?}", news.sight);
    assert!(news.sight.iter().any(|change| change.contains("65534")), "{:?}", news.sight);
    // Who saw more is not forgotten.
    let (news, state) = run(Some(&state), &all, 2);
    assert!(news.listeners.is_empty() && news.changed.is_empty() && news.findings.is_empty(), "{news:?}");
    assert!(!run(Some(&state), &all, 3).0.is_worth_telling());
}

#[test]
fn what_the_last_run_could_not_see_is_told_and_not_called_new() {
    let nobody = judged(blind(&["tcp/0.0.0.0:22", "tcp/0.0.0.0:3221"]));
    let (_, state) = run(None, &nobody, 0);
    let mut all = of(&[SSHD, "tcp/0.0.0.0:3221 exe=/tmp/x writable"]);
    let (news, state) = run(Some(&state), &all, 1);
    assert!(news.listeners.is_empty() && news.changed.is_empty() && news.gone.is_empty(), "{news:?}");
    news.mark(&mut all);
    assert!(all.listeners.iter().all(|listener| listener.seen == Some(Seen::Known)));
    let identity = news.findings.iter().find(|at| all.findings[**at].rule.name == "executable-in-writable-place");
    let identity = *identity.expect("a finding about the owner is told");
    assert_eq!(all.findings[identity].status, None);
    // Now it is known, and an exchange is a change.
    let (news, _) = run(Some(&state), &of(&[SSHD, "tcp/0.0.0.0:3221 exe=/opt/other"]), 2);
    assert_eq!(news.changed.len(), 1, "{news:?}");
}

#[test]
fn a_table_that_was_not_read_holds_neither_news_nor_losses() {
    let dns = "udp/0.0.0.0:53 exe=/usr/sbin/unbound unit=unbound.service";
    let all = of(&[SSHD, dns]);
    let mut half = snapshot(&[SSHD]);
    half.tables[1] = table("udp", TableStatus::Unreadable);
    let half = judged(half);
    let (_, state) = run(None, &all, 0);
    let (news, state) = run(Some(&state), &half, 1);
    // The listener, and what was found of it.
    assert!(news.gone.is_empty() && news.out_of_sight == 2, "{news:?}");
    assert_eq!(news.sight, ["it no longer reads the udp tables of host namespaces whole"]);
    assert!(!run(Some(&state), &half, 2).0.is_worth_telling(), "that is told once");
    let (news, _) = run(Some(&state), &all, 2);
    assert!(news.listeners.is_empty() && news.uncovered.is_empty(), "it was not forgotten: {news:?}");

    let (_, state) = run(None, &half, 0);
    let mut all = all;
    let (news, _) = run(Some(&state), &all, 1);
    assert_eq!((endpoints(&all, &news.uncovered), news.listeners.len()), (vec!["udp/0.0.0.0:53".to_owned()], 0));
    news.mark(&mut all);
    let seen: Vec<_> = all.listeners.iter().map(|listener| (listener.endpoint.as_str(), listener.seen)).collect();
    assert_eq!(seen, [("tcp/0.0.0.0:22", Some(Seen::Known)), ("udp/0.0.0.0:53", None)]);
}

#[test]
fn a_namespace_that_could_not_be_found_holds_no_losses() {
    let sight = |gaps: &[&str]| {
        let mut snapshot = snapshot(&[]);
        let text =
            |what: &&str| Gap { what: (*what).into(), why: "".into(), consequence: "".into(), remedy: "".into() };
        snapshot.gaps = gaps.iter().map(text).collect();
        Sight::of(&judged(snapshot))
    };
    assert!(sight(&[]).covers(NetNsKind::Container, Transport::Tcp), "there is none");
    assert!(!sight(&["the network namespace blue"]).covers(NetNsKind::Container, Transport::Tcp));
    assert!(sight(&["the network namespace blue"]).covers(NetNsKind::Host, Transport::Tcp));
    assert!(!sight(&[]).covers(NetNsKind::Host, Transport::Sctp), "nobody read it");
}

#[test]
fn a_state_of_another_host_is_told_from_ours() {
    let mut report = of(&[SSHD]);
    report.host.id = Some("0".repeat(32));
    let (_, state) = run(None, &report, 0);
    assert!(state.is_of(&report.host));
    report.host.id = Some("1".repeat(32));
    assert!(!state.is_of(&report.host));
    report.host.id = None;
    assert!(state.is_of(&report.host));
}

fn flood(entries: usize) -> State {
    let (_, mut state) = run(None, &of(&[XNMD]), 0);
    let (listener, finding) = (state.listeners.pop_first(), state.findings.pop_first());
    let (listener, finding) = (listener.expect("one").1, finding.expect("one").1);
    // As long as any, and of the character that JSON writes longest of those that an escaped text may have.
    let longest = "\\".repeat(LONGEST);
    for number in 0..entries {
        let key = format!("v1:{number:032x}");
        let (endpoint, exe) = (longest.clone(), Some(longest.clone()));
        state.listeners.insert(key.clone(), SeenListener { endpoint, exe, ..listener.clone() });
        let endpoint = Some(longest.clone());
        state.findings.insert(key, SeenFinding { endpoint, rule: "r".repeat(64), ..finding.clone() });
    }
    state
}

#[test]
fn the_fullest_state_is_read_back_and_a_fuller_one_is_refused() {
    let full = flood(MOST_ENTRIES);
    let bytes = full.encode();
    assert!(bytes.len() <= LARGEST, "{}", bytes.len());
    assert_eq!(State::decode(&bytes).as_ref(), Ok(&full));
    assert_eq!(State::decode(&flood(MOST_ENTRIES + 1).encode()), Err(Problem::TooLarge));
    assert_eq!(State::decode(&vec![b' '; LARGEST + 1]), Err(Problem::TooLarge));
}

#[test]
fn a_flood_is_counted_and_forgets_nobody_that_was_known() {
    let mut known = run(None, &of(&[XNMD]), 0).1;
    let (key, first) = known.listeners.pop_first().expect("one");
    let mut listeners: std::collections::BTreeMap<String, SeenListener> = (0..MOST_ENTRIES + 5)
        .map(|n| (format!("v1:{n:032x}"), SeenListener { first_seen: Timestamp(START + 1), ..first.clone() }))
        .collect();
    listeners.insert(key.clone(), first);
    let lost = super::next::bound(&mut listeners, |entry| entry.first_seen);
    assert_eq!((lost, listeners.len(), listeners.contains_key(&key)), (6, MOST_ENTRIES, true));
    known.left_out = lost;
    let report = of(&[SSHD]);
    assert_eq!(
        compare(Some(&known), &report, &[], Timestamp(START), &Remind::default()).seen,
        [None],
        "it may be one of them"
    );
}

#[test]
fn an_error_says_where_and_never_what() {
    let state = String::from_utf8(run(None, &of(&[XNMD]), 0).1.encode()).expect("UTF-8");
    let cases = [
        (String::new(), "line 1, column 0: it is no JSON, or ends there"),
        ("root:$6$secret:19000\n".to_owned(), "line 1, column 1: it is no JSON, or ends there"),
        ("{\"secret\": 1}".to_owned(), "line 1, column 13: a state has no such key there, or another type"),
        ("{\"schema\": \"secret\"}".to_owned(), "schema: it is not `earmark.state/1`"),
        (state[..state.len() / 2].to_owned(), "line 1, column "),
        (state.replace("\"attributed\"", "\"secret\""), "a state has no such key there, or another type"),
        (
            state.replace("\"netns\":\"host\",\"exe\"", "\"netns\":\"secret\",\"exe\""),
            "listeners[0].netns: no state has such a value",
        ),
        (state.replace("\"rule\":\"", "\"rule\":\"SECRET "), "findings[0].rule: no state has such a value"),
        (
            state.replace("\"rule\":", "\"secret\":\"secret\",\"rule\":"),
            "a state has no such key there, or another type",
        ),
        (state.replace("\"critical\"", "\"secret\""), "findings[0].severity: no state has such a value"),
    ];
    for (text, want) in cases {
        let error = State::decode(text.as_bytes()).expect_err(&text).to_string();
        assert!(error.contains(want), "{error} instead of {want}");
        assert!(!error.to_lowercase().contains("secret"), "{error}");
    }
    let twice = state.replacen("\"listeners\":[", "\"listeners\":[@,", 1);
    let entry = &state[state.find("\"listeners\":[").expect("there") + 13..];
    let twice = twice.replacen('@', &entry[..=entry.find('}').expect("an end")], 1);
    assert_eq!(State::decode(twice.as_bytes()), Err(Problem::Value("listeners[1].fingerprint".to_owned())));
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0..4_000_000_000_000i64).prop_map(Timestamp)
}

fn fingerprint() -> impl Strategy<Value = String> {
    any::<u128>().prop_map(|number| format!("v1:{number:032x}"))
}

prop_compose! {
    fn listener()(
        endpoint in "[ -~é€]{0,60}",
        exe in proptest::option::of("[ -~]{0,240}"),
        (attributed, passing) in any::<(bool, bool)>(),
        netns in prop::sample::select(vec![NetNsKind::Host, NetNsKind::Container, NetNsKind::Other]),
        transport in prop::sample::select(vec![Transport::Tcp, Transport::Udp, Transport::Unix, Transport::Vsock]),
        (first_seen, last_seen) in (time(), time()),
    ) -> SeenListener {
        SeenListener { endpoint, transport, netns, exe, attributed, passing, first_seen, last_seen }
    }
}

prop_compose! {
    fn finding()(
        rule in "[a-z-]{1,64}",
        severity in prop::sample::select(Severity::ALL.to_vec()),
        endpoint in proptest::option::of("[ -~]{0,60}"),
        listener in proptest::option::of(fingerprint()),
        (first_seen, last_told) in (time(), time()),
    ) -> SeenFinding {
        SeenFinding { rule, severity, endpoint, listener, first_seen, last_told }
    }
}

prop_compose! {
    fn state()(
        epoch in "[0-9a-f]{32}",
        host in proptest::option::of("[0-9a-f]{32}"),
        version in "[ -~]{0,20}",
        taken_at in time(),
        (uid, complete, owners, namespaces, left_out) in any::<(Option<u32>, bool, bool, bool, u64)>(),
        caps in proptest::option::of(prop::collection::vec("[a-z_]{1,20}", 0..4)),
        hidepid in proptest::option::of("[a-z]{1,9}"),
        whole in any::<bool>(),
        listeners in prop::collection::btree_map(fingerprint(), listener(), 0..6),
        findings in prop::collection::btree_map(fingerprint(), finding(), 0..6),
        lacks in prop::collection::btree_map("[a-z :6]{1,60}", (any::<(bool, bool)>(), time()), 0..4),
    ) -> State {
        let tables = [((NetNsKind::Host, Transport::Tcp), whole)].into();
        let sight = Sight { uid, caps, pid_ns: None, user_ns: None, hidepid, complete, owners, namespaces, tables };
        let lack = |((missing, told), last_told)| SeenLack { missing, told, last_told };
        let lacks = lacks.into_iter().map(|(what, parts)| (what, lack(parts))).collect();
        State { epoch, host, version, taken_at, sight, lacks, listeners, findings, left_out }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_state_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = State::decode(&bytes).map_err(|problem| problem.to_string());
    }

    #[test]
    fn what_is_written_is_read_back(state in state()) {
        prop_assert_eq!(State::decode(&state.encode()), Ok(state));
    }

    #[test]
    fn a_damaged_state_is_a_state_or_an_error(
        state in state(),
        at in any::<prop::sample::Index>(),
        with in prop::collection::vec(any::<u8>(), 0..4),
        cut in 0usize..4,
    ) {
        let mut bytes = state.encode();
        let at = at.index(bytes.len());
        bytes.splice(at..(at + cut).min(state.encode().len()), with);
        if let Ok(damaged) = State::decode(&bytes) {
            // Whatever it says now, a run can go on from it, and what follows can be written and read.
            let report = &*REPORT;
            let news = compare(Some(&damaged), report, &[], Timestamp(START), &Remind::default());
            let after = next(Some(&damaged), report, &news, Timestamp(START), true);
            prop_assert_eq!(State::decode(&after.encode()), Ok(after));
        }
    }

    #[test]
    fn no_prefix_of_a_state_is_one(state in state(), at in any::<prop::sample::Index>()) {
        let bytes = state.encode();
        // Without the newline it is whole.
        let at = at.index(bytes.len() - 1);
        prop_assert!(State::decode(&bytes[..at]).is_err());
    }
}
