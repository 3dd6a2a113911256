use proptest::prelude::*;

use super::*;

fn stat_of(comm: &[u8]) -> Vec<u8> {
    [b"12 (", comm, b") S 1 12 12 0 -1 4194560 900 0 0 0 1 2 0 0 20 0 1 0 5150 1000 200 18446744073709551615 1 1"]
        .concat()
}

#[test]
fn a_name_ends_at_the_last_parenthesis() {
    for comm in [&b"sshd"[..], b"a b", b"ev) R 1 (x", b")", b"", b"x\",pid=1,fd=3", b"a\nb", b"\xff\x1b["] {
        let read = stat(&stat_of(comm)).expect("readable");
        assert_eq!((read.comm.as_bytes(), read.ppid, read.start_ticks), (comm, 1, 5150));
    }
    assert_eq!(stat(b"12 (sshd) S 1"), None);
    assert_eq!(stat(b"12 )sshd( S 1"), None);
}

#[test]
fn the_effective_user_counts() {
    let read = ids(b"Uid:\t1000\t0\t0\t0\nGid:\t5\t6\t6\t6\nGroups:\t4 27 \n").expect("readable");
    assert_eq!((read.uid, read.groups), (0, vec![6, 4, 27]));
    assert_eq!(ids(b"Gid:\t5\t6\t6\t6\n"), None);
}

#[test]
fn the_directory_tells_the_effective_user_too() {
    assert_eq!(owner(b"33 34 4026\n"), Some(Owner { uid: 33, gid: 34, inode: 4026 }));
    assert_eq!(owner(b"33 34"), None);
    let at = |mode, gid| Permissions { mode, uid: 0, gid };
    let host = |path| HostFile { file: FileId("1:1".into(), 1), path };
    let user = |uid| Ids { uid, groups: vec![uid] };
    let staff = host(vec![at(0o755, 0), at(0o775, 50)]);
    assert!(wants_groups(&staff, &user(33)) && !wants_groups(&staff, &user(0)));
    assert!(!wants_groups(&host(vec![at(0o755, 50)]), &user(33)));
}

#[test]
fn only_the_link_count_tells_a_deleted_file() {
    let named = exe(b"254:0 77 1\n/tmp/x (deleted)").expect("readable");
    assert_eq!((named.path.as_bytes(), named.deleted), (&b"/tmp/x (deleted)"[..], false));
    let gone = exe(b"254:0 77 0\n/tmp/x (deleted)").expect("readable");
    assert_eq!((gone.path.as_bytes(), gone.deleted), (&b"/tmp/x"[..], true));
    assert_eq!(exe_state(&gone, None), ExeState::Deleted);
    let memory = exe(b"0:1 77 0\n/memfd:x (deleted)").expect("readable");
    assert_eq!(exe_state(&memory, None), ExeState::Memfd);
    assert_eq!(exe(b"254:0 77\n/tmp/x"), None);
}

#[test]
fn a_path_is_verified_by_device_and_inode() {
    let login = exe(b"254:0 77 1\n/usr/bin/login").expect("readable");
    let host = |answer: &[u8]| host_file(answer).expect("readable");
    assert_eq!(exe_state(&login, Some(&host(b"254:0 77 100755 0 0\n"))), ExeState::Ok);
    assert_eq!(exe_state(&login, Some(&host(b"254:0 78 100755 0 0\n"))), ExeState::Foreign);
    assert_eq!(exe_state(&login, Some(&host(b"254:1 77 100755 0 0\n"))), ExeState::Foreign);
    assert_eq!(exe_state(&login, None), ExeState::Foreign);
}

#[test]
fn a_file_lies_where_somebody_but_root_may_write() {
    let user = |uid, groups: &[u32]| Ids { uid, groups: groups.to_vec() };
    let file = |lines: &str| host_file(lines.as_bytes()).expect("readable");
    let system = file("8:1 5 100755 0 0\n8:1 4 40755 0 0\n8:1 2 40755 0 0\n");
    assert!(!is_writable(&system, &user(0, &[])) && !is_writable(&system, &user(33, &[33])));
    let home = file("8:1 5 100755 1000 1000\n8:1 4 40755 1000 1000\n8:1 2 40755 0 0\n");
    assert!(is_writable(&home, &user(1000, &[])) && is_writable(&home, &user(0, &[])));
    // Who has subordinate ids runs what is his as somebody else.
    assert!(is_writable(&home, &user(33, &[33])) && is_writable(&home, &user(100_001, &[])));
    let tmp = file("8:1 5 100755 0 0\n8:1 4 41777 0 0\n8:1 2 40755 0 0\n");
    assert!(is_writable(&tmp, &user(0, &[])) && is_writable(&tmp, &user(33, &[])));
    let staff = file("8:1 5 100755 0 0\n8:1 4 42775 0 50\n8:1 2 40755 0 0\n");
    assert!(!is_writable(&staff, &user(0, &[])));
    assert!(is_writable(&staff, &user(1000, &[50])) && !is_writable(&staff, &user(1000, &[51])));
}

#[test]
fn units_come_from_the_top_of_the_path() {
    let cases: [(&str, Option<&str>, Option<&str>, UnitState); 15] = [
        ("0::/system.slice/ssh.service\n", Some("ssh.service"), None, UnitState::Known),
        (
            "0::/system.slice/system-postfix.slice/postfix@-.service\n",
            Some("postfix@-.service"),
            None,
            UnitState::Known,
        ),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/ssh.service\n",
            Some("user@1000.service"),
            Some("ssh.service"),
            UnitState::Known,
        ),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", Some("session-3.scope"), None, UnitState::Known),
        ("0::/init.scope\n", Some("init.scope"), None, UnitState::Known),
        ("0::/\n", None, None, UnitState::None),
        ("0::/mine/ssh.service\n", None, None, UnitState::None),
        ("0::/system.slice/ssh.service/sub\n", Some("ssh.service"), None, UnitState::Known),
        ("0::/../../system.slice/ssh.service\n", None, None, UnitState::Unknown),
        ("9:name=systemd:/system.slice/cron.service\n0::/\n", Some("cron.service"), None, UnitState::Known),
        ("9:name=systemd:/\n0::/system.slice/cron.service\n", Some("cron.service"), None, UnitState::Known),
        ("9:name=systemd:/\n4:memory:/a.service\n", None, None, UnitState::None),
        ("4:memory:/a\n1:name=systemd:/system.slice/a b.service\n", Some("a b.service"), None, UnitState::Known),
        (
            "4:memory:/mine:name=systemd:/system.slice/ssh.service\n0::/user.slice/a.scope\n",
            Some("a.scope"),
            None,
            UnitState::Known,
        ),
        ("0::/system.slice/.service\n", None, None, UnitState::None),
    ];
    for (text, unit, user_unit, state) in cases {
        let read = cgroup(text.as_bytes()).expect(text);
        let name = |text: &Option<Text>| text.as_ref().map(Text::escaped);
        assert_eq!((name(&read.unit).as_deref(), name(&read.user_unit).as_deref()), (unit, user_unit), "{text}");
        assert_eq!(read.unit_state, state, "{text}");
    }
    assert_eq!(cgroup(b"4:memory:/a\n"), None);
}

#[test]
fn containers_come_from_the_path_and_their_units_are_not_the_hosts() {
    let id = "0123456789abcdef".repeat(4);
    let cases = [
        (format!("0::/system.slice/docker-{id}.scope\n"), Some("docker"), Some(format!("docker-{id}.scope"))),
        (format!("0::/docker/{id}/system.slice/ssh.service\n"), Some("docker"), None),
        ("0::/lxc.payload.web.service/system.slice/ssh.service\n".into(), Some("lxc"), None),
        ("1:name=systemd:/lxc/web/system.slice/ssh.service\n".into(), Some("lxc"), None),
        (format!("4:memory:/docker/{id}\n0::/\n"), Some("docker"), None),
        (format!("4:memory:/a\n0::/system.slice/ssh.service/docker/{id}\n"), None, Some("ssh.service".into())),
    ];
    for (text, runtime, unit) in cases {
        let read = cgroup(text.as_bytes()).expect(&text);
        assert_eq!(read.container.as_ref().map(|container| container.runtime), runtime, "{text}");
        assert_eq!(read.unit.as_ref().map(Text::escaped), unit, "{text}");
        let state = if runtime.is_some() { UnitState::Known } else { UnitState::None };
        assert_eq!(read.container_state, state, "{text}");
    }
    let outside = cgroup(format!("0::/../docker/{id}\n").as_bytes()).expect("a path");
    assert_eq!((outside.container, outside.container_state), (None, UnitState::Unknown));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        stat(&bytes);
        ids(&bytes);
        exe(&bytes);
        host_file(&bytes);
        cgroup(&bytes);
    }

    #[test]
    fn any_name_is_read_back(comm in proptest::collection::vec(any::<u8>(), 0..16)) {
        let read = stat(&stat_of(&comm)).expect("readable");
        prop_assert_eq!(read.comm.as_bytes(), &comm[..]);
    }

    #[test]
    fn every_cut_is_refused_or_right(cut in 0usize..100) {
        let whole = stat_of(b"a b) (c");
        if let Some(read) = stat(&whole[..cut.min(whole.len())]) {
            prop_assert_eq!(read.ppid, 1);
        }
    }
}

#[test]
fn a_script_is_told_where_it_is_plain() {
    let told = |cmdline: &str, comm: &str, exe: &str| {
        script(cmdline.as_bytes(), &comm.into(), &exe.into()).map(|script| script.escaped())
    };
    let python = "/usr/bin/python3.13";
    let app = Some("/srv/application-server.py".to_owned());
    assert_eq!(told("python3\0/srv/application-server.py\0-x\0", "python3", python), app);
    assert_eq!(told("/usr/bin/python3\0/srv/application-server.py\0", "python3", python), app);
    // Through `#!`: the name is the script's, at most 15 bytes of it.
    assert_eq!(told("/usr/bin/python3\0/srv/application-server.py\0", "application-ser", python), app);
    for (cmdline, comm) in [
        ("python3\0-m\0http.server\0", "python3"),
        ("python3\0app.py\0", "python3"),
        ("python3\0/srv/application-server.py\0", "nginx"),
        ("nginx: master process /srv/x\0\0", "python3"),
        ("python3", "python3"),
        ("", "python3"),
    ] {
        assert_eq!(told(cmdline, comm, python), None, "{cmdline:?} {comm}");
    }
    for (cmdline, kept) in [
        ("python3\0/srv/x.py\0--password=secret\0", "python3\0/srv/x.py\0"),
        ("python3\0-psecret\0/srv/x.py\0", ""),
        ("[celeryd] -active- (--broker=redis://:secret@db)\0\0\0", ""),
        ("[celeryd] -active- (--broker=redis://:secret@db)\0/srv/x.py\0", ""),
        ("python3", ""),
        ("", ""),
    ] {
        let mut read = cmdline.as_bytes().to_vec();
        keep_script(&mut read);
        assert_eq!(read, kept.as_bytes());
    }
    for (exe, is) in [(python, true), ("/bin/dash", true), ("/usr/bin/perl5.36.0", true), ("/usr/sbin/sshd", false)] {
        assert_eq!(is_interpreter(&exe.into()), is, "{exe}");
    }
    assert!(!is_interpreter(&"/usr/bin/3".into()) && !is_interpreter(&"".into()));
}
