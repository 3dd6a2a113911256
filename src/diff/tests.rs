//! Hosts as they were and as they are, and what is said of the two.

use proptest::prelude::*;

use super::*;
use crate::judge::{judge, sample};
use crate::model::{Hidepid, OwnerStatus, Snapshot, TableRead, TableStatus, Text};
use crate::registry::Registry;

const TABLES: [&str; 10] = ["tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "packet", "sctp"];

fn snapshot(listeners: &[&str]) -> Snapshot {
    let mut snapshot = sample::host(listeners);
    snapshot.host.id = Some("0123516789abcdef0123516789abcdef".to_owned());
    snapshot.host.boot_id = Some(Text::from("boot-1"));
    snapshot.vantage.uid = Some(0);
    snapshot.tables = TABLES.map(|table| read(table, TableStatus::Read)).to_vec();
    snapshot
}

fn read(table: &'static str, status: TableStatus) -> TableRead {
    TableRead { table, netns: 0, status, source: None, lacks: &[], error: None }
}

fn picture_of(snapshot: Snapshot) -> Picture {
    Picture::from(&judge(snapshot, &Registry::builtin(), "run".to_owned()))
}

fn picture(listeners: &[&str]) -> Picture {
    picture_of(snapshot(listeners))
}

/// The changes as `KIND OLD > NEW`, without what was restarted.
fn told(diff: &Diff<'_>) -> Vec<String> {
    let endpoint = |listener: Option<&Listener>| listener.map_or("-", |listener| listener.endpoint.as_str()).to_owned();
    let changes = diff.changes.iter().filter(|change| change.kind.is_difference());
    changes
        .map(|change| format!("{} {} > {}", change.kind.name(), endpoint(change.old), endpoint(change.new)))
        .collect()
}

fn changes(old: &[&str], new: &[&str]) -> Vec<String> {
    told(&diff(&picture(old), &picture(new)))
}

const SSHD: &str = "tcp/0.0.0.0:22 exe=/usr/sbin/sshd unit=ssh.service pid=800 start=10";
const REDIS: &str =
    "tcp/127.0.0.1:6379 exe=/usr/bin/redis-server user=redis uid=112 unit=redis.service pid=900 start=20";
const MGD: &str = "tcp/0.0.0.0:3221 exe=/usr/sbin/mgd unit=mgd.service pid=910 start=30";
const CHRONYD: &str = "udp/127.0.0.1:323 exe=/usr/sbin/chronyd user=_chrony uid=110 pid=920 start=40";

#[test]
fn one_more_one_swapped_one_widened_and_one_gone_are_four() {
    let new = [
        SSHD,
        "tcp/0.0.0.0:4444 exe=/tmp/nc uid=1000 user=bob pid=5000 start=900",
        "tcp/0.0.0.0:3221 exe=/usr/bin/python3 unit=mgd.service pid=5001 start=901",
        "tcp/0.0.0.0:6379 exe=/usr/bin/redis-server user=redis uid=112 unit=redis.service pid=901 start=902",
    ];
    let (old, new) = (picture(&[SSHD, MGD, REDIS, CHRONYD]), picture(&new));
    let diff = diff(&old, &new);
    assert_eq!(
        told(&diff),
        [
            "new - > tcp/0.0.0.0:4444",
            "owner_changed tcp/0.0.0.0:3221 > tcp/0.0.0.0:3221",
            "widened tcp/127.0.0.1:6379 > tcp/0.0.0.0:6379",
            "gone udp/127.0.0.1:323 > -",
        ]
    );
    assert_eq!((diff.same, diff.exit(), diff.not_compared.len()), (1, Exit::Warning, 0));
    assert_eq!((diff.same_host, diff.same_boot), (Some(true), Some(true)));
}

#[test]
fn what_a_restart_changes_is_no_difference() {
    let old = [
        SSHD,
        "tcp/0.0.0.0:80 exe=/usr/sbin/nginx unit=nginx.service pid=10 exe=/usr/sbin/nginx user=www-data uid=33 pid=11 ppid=10",
        "tcp/0.0.0.0:9000 exe=/usr/bin/node user=app uid=1001 unit=app@1.service pid=20",
        "tcp/0.0.0.0:9000 exe=/usr/bin/node user=app uid=1001 unit=app@2.service pid=21",
        "udp/0.0.0.0:51001 exe=/usr/lib/rpc.statd pid=30",
        "tcp/0.0.0.0:53000 exe=/usr/lib/rpc.statd pid=30",
    ];
    let new = [
        "tcp/0.0.0.0:9000 exe=/usr/bin/node user=app uid=1001 unit=app@7.service pid=220 start=9000",
        "tcp/0.0.0.0:54000 exe=/usr/lib/rpc.statd pid=230 start=9001",
        "udp/0.0.0.0:55001 exe=/usr/lib/rpc.statd pid=230 start=9001",
        "tcp/0.0.0.0:80 exe=/usr/sbin/nginx user=www-data uid=33 pid=512 ppid=500 start=9003 exe=/usr/sbin/nginx unit=nginx.service pid=500 start=9002",
        "tcp/0.0.0.0:22 exe=/usr/sbin/sshd unit=ssh.service file=deleted pid=801 start=9005",
    ];
    let (old, new) = (picture(&old), picture(&new));
    let diff = diff(&old, &new);
    assert_eq!(told(&diff), [""; 0]);
    assert_eq!((diff.exit(), diff.same, diff.count(Kind::Replaced)), (Exit::Ok, 5, 5));
    assert!(super::diff(&old, &old).changes.is_empty(), "nothing was restarted");
}

#[test]
fn a_process_that_stays_beside_new_workers_was_not_restarted() {
    let of = |workers: &[u32]| {
        let words: String =
            workers.iter().map(|pid| format!(" exe=/usr/sbin/nginx user=www uid=33 pid={pid} ppid=10")).collect();
        picture(&[&format!("tcp/0.0.0.0:80 exe=/usr/sbin/nginx pid=10 start=1{words}")])
    };
    let (old, new) = (of(&[11, 12]), of(&[13, 14, 15, 16]));
    assert!(diff(&old, &new).changes.is_empty());
}

#[test]
fn who_holds_it_is_more_than_a_path() {
    let at = "tcp/0.0.0.0:80";
    let of = |words: &str| picture(&[&format!("{at} {words}")]);
    let cases = [
        ("exe=/a", "exe=/a", false),
        ("exe=/a", "exe=/b", true),
        ("exe=/a uid=1 user=x", "exe=/a uid=2 user=y", true),
        // A number without a name here is the same user.
        ("exe=/a uid=1 user=x", "exe=/a uid=1 user=", false),
        ("exe=/a unit=x.service", "exe=/a unit=y.service", true),
        ("exe=/a unit=x@1.service", "exe=/a unit=x@2.service", false),
        ("exe=/a unit=x.service", "exe=/a", true),
        ("exe=/a container=docker:web", "exe=/a container=docker:db", true),
        ("exe=/a container=docker:web", "exe=/a", true),
        // Its own mount namespace may show anybody's file under this name.
        ("exe=/a", "exe=/a file=foreign", true),
        ("exe=/a file=foreign", "exe=/a file=foreign", false),
        // A package was upgraded under it.
        ("exe=/a", "exe=/a file=deleted", false),
        ("exe=/a", "exe=/a file=memfd", true),
        ("exe=/a", "nobody", true),
        ("nobody", "nobody", false),
        ("kernel=vxlan nobody", "kernel=vxlan nobody", false),
        ("exe=/a", "kernel=vxlan nobody", true),
    ];
    for (old, new, is_other) in cases {
        let (was, is) = (of(old), of(new));
        let changed = diff(&was, &is);
        let want = if is_other { vec![format!("owner_changed {at} > {at}")] } else { vec![] };
        assert_eq!(told(&changed), want, "{old} > {new}");
        assert_eq!(told(&diff(&is, &was)), want, "{new} > {old}");
        assert!(changed.not_compared.is_empty(), "{old} > {new}");
    }
    let numbered = |digit: &str| format!("exe=/a container=docker:{}", digit.repeat(64));
    assert!(diff(&of(&numbered("a")), &of(&numbered("b"))).changes.iter().all(|change| !change.kind.is_difference()));
}

#[test]
fn a_service_that_its_socket_unit_starts_takes_no_seat_of_another() {
    let systemd = "exe=/usr/lib/systemd/systemd pid=1 ppid=0 start=1";
    let waiting = format!("tcp/0.0.0.0:22 {systemd}");
    let served = format!("tcp/0.0.0.0:22 {systemd} exe=/usr/sbin/sshd unit=ssh.service pid=800 start=10");
    assert!(changes(&[&waiting], &[&served]).is_empty());
    assert!(changes(&[&served], &[&waiting]).is_empty());
    // Without the manager it is another's.
    assert_eq!(changes(&[&waiting], &[SSHD]), ["owner_changed tcp/0.0.0.0:22 > tcp/0.0.0.0:22"]);
}

#[test]
fn exposure_has_an_order() {
    let of = |endpoint: &str| picture(&[&format!("{endpoint} exe=/a")]);
    let ladder =
        ["tcp/127.0.0.1:80", "tcp/10.0.0.5:80", "tcp/198.51.100.7:80", "tcp/0.0.0.0%eth0:80", "tcp/0.0.0.0:80"];
    for (at, lower) in ladder.iter().enumerate() {
        for higher in &ladder[at + 1..] {
            let (low, high) = (of(lower), of(higher));
            assert_eq!(told(&diff(&low, &high)), [format!("widened {lower} > {higher}")]);
            assert_eq!(told(&diff(&high, &low)), [format!("narrowed {higher} > {lower}")]);
        }
    }
    for (one, other) in [
        ("tcp/127.0.0.1:80", "tcp/127.0.0.2:80"),
        ("tcp/10.0.0.5:80", "tcp/[fe80::1]:80"),
        ("tcp/0.0.0.0:80", "tcp/[::]:80"),
    ] {
        assert_eq!(told(&diff(&of(one), &of(other))), [format!("moved {one} > {other}")]);
    }
}

#[test]
fn a_wildcard_widens_when_its_namespace_gets_a_device() {
    let old = picture(&["tcp/0.0.0.0:80 exe=/a alone"]);
    let new = picture(&["tcp/0.0.0.0:80 exe=/a"]);
    assert_eq!(told(&diff(&old, &new)), ["widened tcp/0.0.0.0:80 > tcp/0.0.0.0:80"]);
    let (one, both) = (picture(&["tcp/[::]:80 exe=/a v6only"]), picture(&["tcp/[::]:80 exe=/a"]));
    let mut one = one;
    one.listeners[0].dual_stack = Some(false);
    assert_eq!(told(&diff(&one, &both)), ["widened tcp/[::]:80 > tcp/[::]:80"]);
    assert_eq!(told(&diff(&both, &one)), ["narrowed tcp/[::]:80 > tcp/[::]:80"]);
}

#[test]
fn an_address_more_is_a_listener_more() {
    let more = "tcp/10.0.0.5:6379 exe=/usr/bin/redis-server user=redis uid=112 unit=redis.service pid=900 start=20";
    assert_eq!(changes(&[REDIS], &[REDIS, more]), ["new - > tcp/10.0.0.5:6379"]);
    assert_eq!(changes(&[REDIS, more], &[REDIS]), ["gone tcp/10.0.0.5:6379 > -"]);
    // Another program beside the first on one port, by SO_REUSEPORT.
    let beside = "tcp/127.0.0.1:6379 exe=/tmp/x uid=1000 pid=4000";
    assert_eq!(changes(&[REDIS], &[REDIS, beside]), ["new - > tcp/127.0.0.1:6379"]);
    assert_eq!(changes(&[REDIS, REDIS], &[REDIS]), [""; 0]);
}

#[test]
fn questions_of_known_programs_come_and_go() {
    let question = "udp/0.0.0.0:51678 exe=/usr/sbin/unbound user=unbound uid=111 unit=unbound.service";
    let (old, new) = (picture(&[SSHD]), picture(&[SSHD, question]));
    let changed = diff(&old, &new);
    assert_eq!((told(&changed).len(), changed.passing, changed.exit()), (0, 1, Exit::Ok));
    // A listener is no question, and a deleted file of no unit is beyond no doubt.
    assert_eq!(changes(&[SSHD], &[SSHD, "tcp/0.0.0.0:51678 exe=/usr/sbin/unbound"]), ["new - > tcp/0.0.0.0:51678"]);
    assert_eq!(changes(&[SSHD], &[SSHD, "udp/0.0.0.0:51678 exe=/x file=deleted"]), ["new - > udp/0.0.0.0:51678"]);
    // One ephemeral port is not another's.
    let other = ["tcp/0.0.0.0:51679 exe=/usr/bin/other"];
    assert_eq!(
        changes(&["tcp/0.0.0.0:51678 exe=/a"], &other),
        ["new - > tcp/0.0.0.0:51679", "gone tcp/0.0.0.0:51678 > -"]
    );
    assert_eq!(changes(&["tcp/0.0.0.0:51679 exe=/a"], &other), ["owner_changed tcp/0.0.0.0:51679 > tcp/0.0.0.0:51679"]);
}

#[test]
fn a_port_that_the_kernel_chose_may_have_a_name() {
    // IANA assigned 44321 and 47001; whether a program asked for them is not known.
    let by_chance = "tcp/127.0.0.1:51234 exe=/usr/lib/rpc.statd";
    let named = "tcp/127.0.0.1:47001 exe=/usr/lib/rpc.statd";
    assert!(picture(&[by_chance]).listeners[0].ephemeral && !picture(&[named]).listeners[0].ephemeral);
    assert_eq!(changes(&[by_chance], &[named]), [""; 0]);
    assert_eq!(changes(&[named], &[by_chance]), [""; 0]);
    assert_eq!(changes(&[by_chance, "tcp/127.0.0.1:51235 exe=/usr/lib/rpc.statd"], &[by_chance, named]), [""; 0]);
    // Two names that the owner confirms neither of: the kernel may have chosen both. In the range of mosh each has one.
    assert_eq!(changes(&[named], &["tcp/127.0.0.1:44321 exe=/usr/lib/rpc.statd"]), [""; 0]);
    assert_eq!(changes(&["udp/0.0.0.0:60411 exe=/sbin/rpc"], &["udp/0.0.0.0:60683 exe=/sbin/rpc"]), [""; 0]);
    // Another owner is there, or it is bound elsewhere.
    assert_eq!(changes(&[named], &["tcp/127.0.0.1:51234 exe=/usr/bin/other"]).len(), 2);
    assert_eq!(changes(&[named], &["tcp/0.0.0.0:51234 exe=/usr/lib/rpc.statd"]).len(), 2);
}

/// The same host as a user without rights sees it.
fn hidden(listeners: &[&str]) -> Picture {
    let mut snapshot = snapshot(listeners);
    snapshot.vantage.uid = Some(65_534);
    snapshot.vantage.hidepid = Some(Hidepid::Off);
    snapshot.counts.no_permission = 7;
    picture_of(snapshot)
}

#[test]
fn an_owner_that_one_could_not_see_is_not_claimed() {
    let seen = picture(&[SSHD, MGD]);
    let unseen = hidden(&["tcp/0.0.0.0:22", "tcp/0.0.0.0:3221"]);
    for (old, new, hidden_in_old) in [(&seen, &unseen, false), (&unseen, &seen, true)] {
        let diff = diff(old, new);
        assert_eq!((told(&diff).len(), diff.exit()), (0, Exit::Unknown));
        assert!(diff.not_compared.iter().all(|one| one.what == Unclaimed::Owner && one.hidden_in_old == hidden_in_old));
        assert_eq!(diff.not_compared.len(), 2);
        assert!(diff.views.iter().any(|unlike| unlike.what == "processes"), "{:?}", diff.views);
    }
    // What is new is new whoever holds it, and what both could not see is the same.
    let more = hidden(&["tcp/0.0.0.0:22", "tcp/0.0.0.0:3221", "tcp/0.0.0.0:4444"]);
    let diff_more = diff(&seen, &more);
    assert_eq!((told(&diff_more), diff_more.exit()), (vec!["new - > tcp/0.0.0.0:4444".to_owned()], Exit::Warning));
    let blind = diff(&unseen, &unseen);
    assert_eq!((blind.exit(), blind.same, blind.not_compared.len()), (Exit::Ok, 2, 0));
    // Everybody sees who made a socket.
    let other = hidden(&["tcp/0.0.0.0:22 creator=1000", "tcp/0.0.0.0:3221"]);
    assert_eq!(told(&diff(&unseen, &other)), ["owner_changed tcp/0.0.0.0:22 > tcp/0.0.0.0:22"]);
}

#[test]
fn workers_that_one_could_see_are_not_another_owner() {
    let seen =
        picture(&["tcp/0.0.0.0:80 exe=/usr/sbin/nginx pid=10 exe=/usr/sbin/nginx user=www uid=33 pid=11 ppid=10"]);
    let workers = hidden(&["tcp/0.0.0.0:80 exe=/usr/sbin/nginx user=www uid=33 pid=11 ppid=10"]);
    for (old, new) in [(&seen, &workers), (&workers, &seen)] {
        assert_eq!(diff(old, new).exit(), Exit::Ok);
    }
    let foreign = hidden(&["tcp/0.0.0.0:80 exe=/tmp/x user=www uid=33 pid=12"]);
    assert_eq!(told(&diff(&seen, &foreign)), ["owner_changed tcp/0.0.0.0:80 > tcp/0.0.0.0:80"]);
}

#[test]
fn what_one_did_not_look_at_is_neither_new_nor_gone() {
    let of = |unread: &[(&str, Option<TableStatus>)], listeners: &[&str]| {
        let mut snapshot = snapshot(listeners);
        for (name, status) in unread {
            snapshot.tables.retain(|table| table.table != *name || status.is_some());
            snapshot
                .tables
                .iter_mut()
                .filter(|table| table.table == *name)
                .for_each(|t| t.status = status.expect("kept"));
        }
        picture_of(snapshot)
    };
    let all = picture(&[SSHD, CHRONYD, "tcp/[::1]:25 exe=/usr/sbin/exim"]);
    for status in [Some(TableStatus::Unreadable), Some(TableStatus::Unstable), None] {
        let part = of(&[("udp", status), ("tcp6", status)], &[SSHD]);
        for (old, new) in [(&all, &part), (&part, &all)] {
            let diff = diff(old, new);
            assert_eq!((told(&diff).len(), diff.exit(), diff.not_compared.len()), (0, Exit::Unknown, 2), "{status:?}");
            assert!(diff.not_compared.iter().all(|one| one.what == Unclaimed::Presence));
            assert_eq!(diff.views.len(), 2, "{:?}", diff.views);
        }
    }
    // A kernel without the protocol has said that nothing is there.
    let absent = of(&[("udp", Some(TableStatus::Absent))], &[SSHD, "tcp/[::1]:25 exe=/usr/sbin/exim"]);
    assert_eq!(told(&diff(&all, &absent)), ["gone udp/127.0.0.1:323 > -"]);
    let nothing = of(&TABLES.map(|table| (table, Some(TableStatus::Unreadable))), &[]);
    let none = diff(&all, &nothing);
    assert_eq!((none.comparable, none.exit(), none.changes.len()), (false, Exit::Unknown, 0));
}

#[test]
fn a_run_that_ended_early_denies_nothing() {
    let (old, mut new) = (picture(&[SSHD, MGD]), picture(&[SSHD, CHRONYD]));
    new.could_tell = false;
    let diff = diff(&old, &new);
    assert_eq!((told(&diff), diff.exit()), (vec!["new - > udp/127.0.0.1:323".to_owned()], Exit::Warning));
    assert_eq!(diff.not_compared[0].what, Unclaimed::Presence);
    assert_eq!(super::diff(&new, &new).exit(), Exit::Unknown);
}

#[test]
fn a_namespace_is_known_by_its_name_and_a_container_by_none() {
    let in_namespace = |inode: u64, name: Option<&str>, kind| {
        let mut picture = picture(&[SSHD, MGD]);
        let netns = crate::picture::Place { kind: Some(kind), name: name.map(Text::from), inode: Some(inode) };
        picture.listeners[1].netns = netns.clone();
        picture.coverage.namespaces.as_mut().expect("a list").push(netns);
        picture
    };
    use crate::model::NetNsKind::{Container, Other};
    let number = |digit: &str| digit.repeat(64);
    let pairs = [
        (in_namespace(7, Some("blue"), Other), in_namespace(9, Some("blue"), Other), 0),
        (in_namespace(7, Some("blue"), Other), in_namespace(7, Some("red"), Other), 2),
        (in_namespace(7, Some(&number("a")), Container), in_namespace(9, Some(&number("b")), Container), 0),
    ];
    for (old, new, differences) in &pairs {
        assert_eq!(diff(old, new).differences(), *differences);
    }
    // A container less is a listener less, though others are its like.
    let (mut three, two) = (pairs[2].0.clone(), &pairs[2].1);
    let mut another = three.listeners[1].clone();
    another.netns.inode = Some(8);
    three.listeners.push(another);
    assert_eq!(told(&diff(&three, two)), ["gone tcp/0.0.0.0:3221 > -"]);
    // Namespaces that could not be seen may hold what is missing.
    let mut gap = picture(&[SSHD]);
    gap.coverage.gaps.push("other network namespaces".to_owned());
    let hidden = diff(two, &gap);
    assert_eq!((hidden.differences(), hidden.exit()), (0, Exit::Unknown));
    assert_eq!(told(&diff(two, &picture(&[SSHD]))), ["gone tcp/0.0.0.0:3221 > -"]);
}

#[test]
fn devices_that_one_source_does_not_tell_are_not_compared() {
    let (mut old, new) = (picture(&["udp/0.0.0.0%eth0:68 exe=/a"]), picture(&["udp/0.0.0.0%eth0:68 exe=/a"]));
    old.listeners[0].interface = Text::default();
    assert_eq!(diff(&old, &new).count(Kind::Narrowed), 1);
    old.coverage.tables.iter_mut().for_each(|table| table.lacks = vec![Text::from("interface")]);
    assert_eq!(diff(&old, &new).exit(), Exit::Ok);
}

#[test]
fn different_hosts_are_compared_and_no_restart_is_told() {
    let (old, mut new) = (picture(&[SSHD]), picture(&[&SSHD.replace("pid=800", "pid=1800")]));
    assert_eq!(diff(&old, &new).count(Kind::Replaced), 1);
    new.host.id = Some(Text::from("another"));
    let twins = diff(&old, &new);
    assert_eq!((twins.same_host, twins.exit(), twins.changes.len()), (Some(false), Exit::Ok, 0));
}

#[test]
fn many_rivals_end() {
    // A file that somebody made up: one port, ten thousand owners, and ten thousand others.
    let of = |program: &str| {
        let mut picture = picture(&[MGD]);
        let one = picture.listeners.remove(0);
        picture.listeners = (0..10_000)
            .map(|n| {
                let mut other = one.clone();
                other.owners[0].exe = Some(Text::from(format!("/{program}/{n}").as_str()));
                other
            })
            .collect();
        picture
    };
    let (old, new) = (of("a"), of("b"));
    assert_eq!(diff(&old, &new).count(Kind::OwnerChanged), 10_000);
}

fn a_listener() -> impl Strategy<Value = String> {
    use proptest::sample::select;
    let transport = select(vec!["tcp", "udp"]);
    let address = select(vec!["127.0.0.1", "0.0.0.0", "10.0.0.5", "[::]"]);
    let holder = select(vec!["exe=/a", "exe=/b uid=7", "exe=/a unit=x.service", "nobody", "kernel=vxlan"]);
    (transport, address, select(vec![80, 22, 51_000]), holder)
        .prop_map(|(transport, address, port, holder)| format!("{transport}/{address}:{port} {holder}"))
}

fn a_host() -> impl Strategy<Value = Picture> {
    let listeners = proptest::collection::vec(a_listener(), 0..8);
    (listeners, any::<bool>()).prop_map(|(listeners, seen)| {
        let listeners: Vec<&str> = listeners.iter().map(String::as_str).collect();
        if seen { picture(&listeners) } else { hidden(&listeners) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn the_way_back_is_the_way_reversed(old in a_host(), new in a_host()) {
        let (there, back) = (diff(&old, &new), diff(&new, &old));
        for (one, other) in [(Kind::New, Kind::Gone), (Kind::OwnerChanged, Kind::OwnerChanged)] {
            prop_assert_eq!(there.count(one), back.count(other));
        }
        prop_assert_eq!(there.exit(), back.exit());
    }

    #[test]
    fn a_host_is_the_same_as_itself_in_any_order(mut host in a_host(), turn in 0usize..8) {
        let before = host.clone();
        let turn = turn.min(host.listeners.len());
        host.listeners.rotate_left(turn);
        let same = diff(&before, &host);
        prop_assert_eq!(same.differences(), 0);
        prop_assert!(same.changes.is_empty() && same.not_compared.is_empty());
        prop_assert_eq!(same.exit(), Exit::Ok);
    }
}

#[test]
fn a_status_of_a_later_version_is_not_known() {
    let (old, mut new) = (picture(&[SSHD]), picture(&[SSHD]));
    new.listeners[0].owner_status = None;
    let diff = diff(&old, &new);
    assert_eq!((diff.differences(), diff.not_compared.len()), (0, 1));
    assert_ne!(old.listeners[0].owner_status, Some(OwnerStatus::Unknown));
}
