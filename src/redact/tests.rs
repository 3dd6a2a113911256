use std::fmt::Write as _;

use proptest::prelude::*;

use super::names::Word;
use super::*;
use crate::collect::{Ask, Kind, Rename as _};
use crate::model::{Process, Snapshot, Text};

/// What stands for these names once all of them were seen.
fn told(names: &[(Kind, &str)]) -> Vec<String> {
    let registry = Registry::builtin();
    let mut table = Names::new(&registry);
    for (kind, name) in names {
        table.name(*kind, name.as_bytes());
    }
    table.settle();
    let new = names.iter().map(|(kind, name)| table.name(*kind, name.as_bytes()));
    new.map(|name| Text::new(name).escaped()).collect()
}

#[test]
fn a_name_is_the_same_wherever_it_occurs() {
    let names = [
        (Kind::Program, "acmed"),
        (Kind::Executable, "/opt/acme/acmed"),
        (Kind::Executable, "/home/ann/acmed"),
        (Kind::User, "ann"),
        (Kind::User, "bob"),
        (Kind::User, "root"),
        (Kind::Host, "acme"),
        (Kind::Cgroup, "/system.slice/acmed.service"),
        (Kind::Socket, "/run/acmed.sock"),
        (Kind::Socket, "\0acmed/ann"),
        (Kind::Package, "acmed"),
        (Kind::Device, "acme"),
        (Kind::Namespace, "/run/netns/bob"),
    ];
    let want = [
        "program-1",
        "/opt/host-1/program-1",
        "/home/user-1/program-1",
        "user-1",
        "user-2",
        "root",
        "host-1",
        "/system.slice/program-1.service",
        "/run/program-1.sock",
        "\\u{0}program-1/user-1",
        "program-1",
        "host-1",
        "/run/netns/user-2",
    ];
    assert_eq!(told(&names), want);
}

#[test]
fn what_the_registry_or_a_rule_knows_stays() {
    use Kind::{Cgroup, Executable, Package, Program, Socket};
    let names = [
        (Executable, "/usr/sbin/sshd"),
        (Executable, "/usr/bin/python3.11"),
        (Executable, "/usr/lib/systemd/systemd"),
        (Executable, "/usr/sbin/NetworkManager"),
        (Executable, "/usr/bin/pasta"),
        (Executable, "/tmp/sshd"),
        (Executable, "/dev/shm/nginx"),
        (Executable, "/memfd:nginx"),
        (Program, "postgres"),
        (Package, "redis"),
        (Cgroup, "/system.slice/ssh.service"),
        (Cgroup, "/init.scope"),
        (Socket, "/run/systemd/notify"),
    ];
    let known = told(&names);
    assert_eq!(known[..12], names.map(|(_, name)| name)[..12]);
    assert_eq!(known[12], "/run/systemd/socket-1");
}

#[test]
fn a_person_is_no_service() {
    // The name of a service; where it is also that of a user, it is that user's.
    let unit = (Kind::Cgroup, "/system.slice/domain.service");
    assert_eq!(told(&[unit]), ["/system.slice/domain.service"]);
    assert_eq!(told(&[(Kind::User, "domain"), unit]), ["user-1", "/system.slice/user-1.service"]);
    // A program stays that service's, whoever runs it.
    let program = (Kind::Executable, "/usr/sbin/sshd");
    assert_eq!(told(&[(Kind::User, "sshd"), program]), ["user-1", "/usr/sbin/sshd"]);
}

#[test]
fn a_release_keeps_its_numbers() {
    for (release, want) in [
        ("6.1.0-18-amd64", "6.1.0-18"),
        ("5.14.0-362.8.1.el9_3.x86_64", "5.14.0-362.8.1"),
        ("6.8.12-acme", "6.8.12"),
        ("acme", ""),
        ("", ""),
    ] {
        assert_eq!(told(&[(Kind::Release, release)]), [want]);
    }
}

#[test]
fn numbers_of_people_are_replaced_and_those_of_the_system_stay() {
    let registry = Registry::builtin();
    let mut names = Names::new(&registry);
    let ids = [0, 33, 999, 1000, 4711, 65533, 65534, 65535, u32::MAX];
    ids.iter().for_each(|id| assert!(names.id(*id) <= *id));
    names.settle();
    assert_eq!(ids.map(|id| names.id(id)), [0, 33, 999, 1000, 1001, 1002, 65534, 1003, u32::MAX]);
}

#[test]
fn what_was_not_seen_before_is_replaced_too() {
    let registry = Registry::builtin();
    let mut names = Names::new(&registry);
    names.settle();
    assert_eq!(names.give(Word::User, b"ann"), b"user-0");
    assert_eq!(names.name(Kind::Cgroup, b"/lxc/acme-prod"), b"/lxc/container-0");
}

/// A host on which a process of its own stands in each of these cgroups.
fn host(cgroups: &[String]) -> String {
    let mut text =
        "earmark-capture/1 linux\n? vantage\n| pid_ns 4026531836\n? protocols\n| TCP 1 1\n? diag tcp\n! 1\n".to_owned();
    let mut pids = "? pids\n".to_owned();
    let mut table = "? proc tcp\n| heading\n".to_owned();
    for (at, cgroup) in cgroups.iter().enumerate() {
        let (pid, inode, port) = (100 + at, 500 + at, 7000 + at);
        let _ = writeln!(pids, "| {pid}");
        let _ = writeln!(table, "| 0: 00000000:{port:04X} 00000000:0000 0A 0:0 0:0 0 0 0 {inode} 1 0");
        let _ = writeln!(text, "? sockets {pid}\n| 3 {inode}\n? link {pid} 3\n| socket:[{inode}]\\");
        let _ = writeln!(text, "? stat {pid}\n| {pid} (x) S 1{} {}\n? owner {pid}\n| 0 0 1", " 0".repeat(17), 100 + at);
        let _ = writeln!(text, "? cgroup {pid}\n| 0::{}", Text::from(cgroup.as_str()).escaped());
    }
    text + &pids + &table
}

fn look(capture: &str) -> Snapshot {
    collect::replay(capture.as_bytes(), Path::new("a.capture"), &Ask::default()).expect("a capture")
}

/// What rules look at: whether there is a unit and a container, and which processes have them in common.
fn homes(snapshot: &Snapshot) -> Vec<(String, Vec<bool>)> {
    let process = |one: &Process| {
        let kind = one.unit.as_ref().map(|unit| unit.escaped().rsplit('.').next().map(str::to_owned));
        let container = one.container.as_ref().map(|container| {
            let shown = container.short_id() != container.id;
            (container.runtime, container.pod.is_some(), shown)
        });
        let own = format!(
            "{} {kind:?} {} {:?} {container:?} {:?}",
            one.pid,
            one.user_unit.is_some(),
            one.unit_state,
            one.container_state
        );
        let same = |other: &Process| {
            [
                one.unit_family() == other.unit_family(),
                one.unit == other.unit,
                one.user_unit == other.user_unit,
                one.container == other.container,
                one.container.as_ref().map(|c| c.short_id()) == other.container.as_ref().map(|c| c.short_id()),
                one.cgroup == other.cgroup,
            ]
        };
        (own, snapshot.processes.iter().flat_map(same).collect())
    };
    let mut homes: Vec<_> = snapshot.processes.iter().map(process).collect();
    homes.sort();
    homes
}

fn component() -> impl Strategy<Value = String> {
    const HEX: &str = "[0-9a-c]{2}";
    let id = || HEX.prop_map(|start| format!("{start}{}", "ef".repeat(31)));
    let uid = || HEX.prop_map(|start| format!("{start}1a0c1e-7d2b-4f66-9a3c-0d6e5b4c3a21"));
    let name = || {
        prop_oneof![Just("zebrano".to_owned()), Just("ssh".to_owned()), Just("zebrano-web".to_owned()), "[a-c]{1,2}"]
    };
    prop_oneof![
        Just("system.slice".to_owned()),
        Just("machine.slice".to_owned()),
        Just("kubepods.slice".to_owned()),
        Just("kubepods".to_owned()),
        Just("docker".to_owned()),
        Just("lxc".to_owned()),
        Just("..".to_owned()),
        Just("user-1000.slice".to_owned()),
        Just("user@1000.service".to_owned()),
        id(),
        id().prop_map(|id| format!("docker-{id}.scope")),
        id().prop_map(|id| format!("libpod-{id}")),
        (name(), id()).prop_map(|(name, id)| format!("{name}-{id}.scope")),
        uid().prop_map(|uid| format!("pod{uid}")),
        uid().prop_map(|uid| format!("kubepods-burstable-pod{}.slice", uid.replace('-', "_"))),
        name().prop_map(|name| format!("{name}.service")),
        name().prop_map(|name| format!("{name}.slice")),
        name().prop_map(|name| format!("lxc.payload.{name}")),
        name().prop_map(|name| format!("machine-{name}.scope")),
        name().prop_map(|name| format!("systemd-nspawn@{name}.service")),
        name(),
        (name(), name()).prop_map(|(template, instance)| format!("{template}@{instance}.service")),
        (name(), "[0-9a-f]{7,9}").prop_map(|(name, run)| format!("{name}-{run}.service")),
        "[0-9]{1,2}".prop_map(|run| format!("session-{run}.scope")),
        "[ru][0-9]{1,3}".prop_map(|run| format!("run-{run}.scope")),
    ]
}

proptest! {
    #[test]
    fn units_and_containers_stay_what_they_are(
        paths in proptest::collection::vec(proptest::collection::vec(component(), 1..5), 2..7),
    ) {
        let paths: Vec<String> = paths.iter().map(|parts| format!("/{}", parts.join("/"))).collect();
        let plain = host(&paths);
        let redacted = redact(plain.as_bytes(), Path::new("a.capture"), &Registry::builtin()).expect("a capture");
        let (before, after) = (look(&plain), look(&redacted));
        prop_assert_eq!(before.processes.len(), paths.len());
        prop_assert_eq!(homes(&before), homes(&after), "{}\n{}", plain, redacted);
        prop_assert!(!redacted.contains("zebrano"), "{redacted}");
    }

    #[test]
    fn different_paths_stay_different(paths in proptest::collection::vec("(/(usr|home|tmp|[a-c]{1,2}|user-1|sshd?)){1,4}", 2..12)) {
        let names: Vec<(Kind, &str)> = paths.iter().map(|path| (Kind::Executable, path.as_str())).collect();
        let new = told(&names);
        for (one, new_one) in paths.iter().zip(&new) {
            for (other, new_other) in paths.iter().zip(&new) {
                prop_assert_eq!(one == other, new_one == new_other, "{} {}", new_one, new_other);
            }
            prop_assert_eq!(one.starts_with("/tmp/"), new_one.starts_with("/tmp/"));
        }
    }

    #[test]
    fn any_name_of_any_kind_is_replaced_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        use Kind::*;
        let registry = Registry::builtin();
        let mut names = Names::new(&registry);
        for _ in 0..2 {
            for kind in [User, Host, Release, Program, Executable, Socket, Cgroup, Device, Namespace, Package, Other] {
                names.name(kind, &bytes);
            }
            names.settle();
        }
    }
}
