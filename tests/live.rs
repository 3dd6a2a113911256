//! The running kernel: sockets that a test opens itself, and what the program says of them.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use earmark::model::Text;
use serde_json::Value;
use support::world::{Need, command, earmark, hold, hold_program, installed, record, report, start, world};
use support::{sockets, ss};

fn listeners(report: &Value) -> &Vec<Value> {
    report["listeners"].as_array().expect("listeners")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("null")
}

/// The listener at an endpoint.
fn at<'a>(report: &'a Value, endpoint: &str) -> &'a Value {
    let here: Vec<_> = listeners(report).iter().filter(|listener| text(&listener["endpoint"]) == endpoint).collect();
    assert_eq!(here.len(), 1, "{endpoint} among {:?}", endpoints(report));
    here[0]
}

fn endpoints(report: &Value) -> Vec<&str> {
    listeners(report).iter().map(|listener| text(&listener["endpoint"])).collect()
}

fn pids(listener: &Value) -> BTreeSet<u64> {
    listener["owners"].as_array().expect("owners").iter().filter_map(|owner| owner["pid"].as_u64()).collect()
}

#[test]
fn every_kind_of_socket_is_found_with_its_facts() {
    world("every_kind_of_socket_is_found_with_its_facts", Need::Namespaces, || {
        let words = [
            "tcp/0.0.0.0:7001",
            "tcp/[::]:7002",
            "tcp/[::]:7003;v6only",
            "tcp/[::ffff:127.0.0.1]:7004",
            "tcp/127.0.0.1:7005;bound",
            "udp/127.0.0.1:7006",
            "udp/127.0.0.1:7007;peer=127.0.0.1:9",
            "tcp/127.0.0.1:7024;backlog=1",
            "tcp/0.0.0.0:7025;device=lo",
            "unix/stream:@earmark test",
        ];
        let mut held: Vec<_> = words.iter().map(|word| (*word, sockets::open(word).expect(word))).collect();
        // What this kernel or this user may not have is not looked for; raw and packet sockets need CAP_NET_RAW.
        for word in ["udplite/127.0.0.1:7023", "mptcp/127.0.0.1:7022", "vsock/7028", "raw/0.0.0.0:1", "packet/0x0800"] {
            held.extend(sockets::open(word).map(|socket| (word, socket)));
        }
        let has = |word: &str| held.iter().any(|(held, _)| *held == word);
        let own = u64::from(std::process::id());

        let report = report(&["-t", "-u", "-w", "-0", "-x"]);
        let mut want = vec![
            "tcp/0.0.0.0:7001",
            "tcp/[::]:7002",
            "tcp/[::]:7003",
            "tcp/[::ffff:127.0.0.1]:7004",
            "udp/127.0.0.1:7006",
            "tcp/127.0.0.1:7024",
            "tcp/0.0.0.0%lo:7025",
            "unix/stream:@earmark test",
        ];
        for (word, endpoint) in [
            ("udplite/127.0.0.1:7023", "udplite/127.0.0.1:7023"),
            ("mptcp/127.0.0.1:7022", "tcp/127.0.0.1:7022"),
            ("raw/0.0.0.0:1", "raw/0.0.0.0:proto=1"),
            ("packet/0x0800", "packet/any:0x0800"),
        ] {
            want.extend(has(word).then_some(endpoint));
        }
        let seen: BTreeSet<&str> = endpoints(&report).into_iter().collect();
        assert_eq!(seen, want.iter().copied().collect());
        for endpoint in want {
            let listener = at(&report, endpoint);
            assert_eq!(pids(listener), [own].into(), "{endpoint}");
            assert_eq!((text(&listener["owner_status"]), listener["owner_count"].as_u64()), ("known", Some(1)));
            let owner = &listener["owners"][0];
            assert_eq!((text(&owner["via"]), text(&owner["certainty"])), ("fd", "proved"));
            let fd = owner["fd"].as_u64().expect("a descriptor");
            let link = std::fs::read_link(format!("/proc/self/fd/{fd}")).expect("our own descriptor");
            assert_eq!(link.to_string_lossy(), format!("socket:[{}]", listener["inode"]), "{endpoint}");
        }
        let dual = |endpoint: &str| at(&report, endpoint)["dual_stack"].clone();
        assert_eq!(dual("tcp/[::]:7002"), true);
        assert_eq!(dual("tcp/[::]:7003"), false);
        assert_eq!(dual("tcp/0.0.0.0:7001"), false);
        assert_eq!(at(&report, "tcp/[::ffff:127.0.0.1]:7004")["scope"], "loopback");
        assert_eq!(at(&report, "tcp/127.0.0.1:7024")["backlog"]["limit"], 1);
        assert_eq!(at(&report, "tcp/0.0.0.0%lo:7025")["interface"], "lo");
        // Only lo is up in this namespace: a wildcard reaches no further.
        assert_eq!(at(&report, "tcp/0.0.0.0:7001")["exposure"], "loopback");
        assert_eq!(at(&report, "tcp/0.0.0.0:7001")["scope"], "wildcard");
        if has("mptcp/127.0.0.1:7022") {
            assert_eq!(at(&report, "tcp/127.0.0.1:7022")["mptcp"], true);
        }

        let all = support::world::report(&["-a", "-t", "-u"]);
        let gaps = all["coverage"]["gaps"].to_string();
        if gaps.contains("6.8") {
            // An older kernel does not tell of bound sockets, and that is said.
            assert!(!endpoints(&all).contains(&"tcp/127.0.0.1:7005"));
        } else {
            assert_eq!(at(&all, "tcp/127.0.0.1:7005")["state"], "bound");
        }
        assert_eq!(at(&all, "udp/127.0.0.1:7007")["state"], "connected");

        if has("vsock/7028") {
            // Vsock has no network namespaces: what others hold shows too, without its holder.
            let everything = support::world::report(&[]);
            assert_eq!(pids(at(&everything, "vsock/any:7028")), [own].into());
        }
    });
}

#[test]
fn every_holder_of_a_shared_socket_is_kept() {
    world("every_holder_of_a_shared_socket_is_kept", Need::Namespaces, || {
        let holder = hold(&["--workers", "3", "tcp/127.0.0.1:7021", "udp/[::1]:7021"]);
        let report = report(&[]);
        for endpoint in ["tcp/127.0.0.1:7021", "udp/[::1]:7021"] {
            let listener = at(&report, endpoint);
            assert_eq!(listener["owner_count"], 4, "{endpoint}");
            assert_eq!(pids(listener).len(), 4, "{endpoint}");
            assert_eq!(listener["owners"][0]["pid"], holder.pid(), "the ancestor comes first");
        }
    });
}

#[test]
fn endpoints_and_pids_are_those_of_ss() {
    world("endpoints_and_pids_are_those_of_ss", Need::Namespaces, || {
        if !installed("ss") {
            return;
        }
        let _one =
            hold(&["--workers", "2", "tcp/0.0.0.0:22", "tcp/[::]:80", "udp/0.0.0.0:68;device=lo", "udp/[::1]:53"]);
        let _two =
            hold(&["tcp/127.0.0.1:5432", "tcp/[::1]:5432", "tcp/0.0.0.0:8080;reuseport", "tcp/0.0.0.0:8080;reuseport"]);
        let report = report(&[]);
        assert_eq!(ss::rows(&report), ss::listeners());
        assert!(ss::rows(&report).len() >= 7);
    });
}

/// Names that have broken other tools.
const HOSTILE: [&[u8]; 10] = [
    b"\x1b[2K\x1b[1A",
    b"x\",pid=1,fd=3)",
    b"a\nLISTEN 0",
    b"a b) (c",
    b"\xc2\x9b31mred",
    b"\xe2\x80\xaegpj",
    b"\x1b]0;pwn\x07",
    b"\xff\xfe",
    b"=cmd|'x'!A",
    b"\ttab\\u{1b}",
];

#[test]
fn hostile_names_are_whole_in_json_and_harmless_everywhere() {
    use std::os::unix::ffi::OsStrExt as _;
    world("hostile_names_are_whole_in_json_and_harmless_everywhere", Need::Namespaces, || {
        let folder = tempfile::tempdir().expect("a folder");
        let mut holders = Vec::new();
        for (at, name) in HOSTILE.iter().enumerate() {
            // The name of the process and of its file.
            let file: Vec<u8> = name.iter().map(|byte| if *byte == b'/' { b'_' } else { *byte }).collect();
            let path = folder.path().join(std::ffi::OsStr::from_bytes(&file));
            std::fs::copy(hold_program(), &path).expect("a copy");
            let port = format!("tcp/127.0.0.1:{}", 7100 + at);
            let name = std::ffi::OsStr::from_bytes(name);
            holders.push(start(Command::new(&path).arg("--name").arg(name).arg(port)));
        }
        record("hostile-names", None);
        let report = report(&[]);
        for (at_, name) in HOSTILE.iter().enumerate() {
            let owner = &at(&report, &format!("tcp/127.0.0.1:{}", 7100 + at_))["owners"][0];
            assert_eq!(owner["pid"], holders[at_].pid());
            let comm = Text::unescape(text(&owner["comm"])).expect("escaped");
            assert_eq!(comm.as_bytes(), *name);
            let exe = Text::unescape(text(&owner["exe"])).expect("escaped");
            assert_eq!(exe.base_name(), *name);
        }
        for format in
            [&["--color", "always", "-e", "-v"][..], &["--format", "plain", "-e"], &["--format", "csv"], &["--json"]]
        {
            let output = earmark(format);
            assert_eq!(output.status.code(), Some(0), "{format:?}");
            let printed = String::from_utf8(output.stdout).expect("UTF-8");
            // Colours of our own are all that may stand there.
            let bare = strip_colours(&printed);
            let tabs = format.contains(&"plain");
            let bad = bare
                .chars()
                .find(|c| (c.is_control() && *c != '\n' && !(tabs && *c == '\t')) || "\u{202e}\u{9b}".contains(*c));
            assert_eq!(bad, None, "{format:?}: {bare}");
            let lines = bare.lines().filter(|line| line.contains("127.0.0.1") && line.contains("710")).count();
            assert!(format == ["--json"] || lines >= HOSTILE.len(), "{format:?}: {bare}");
        }
    });
}

/// Without `ESC [ … m`.
fn strip_colours(text: &str) -> String {
    let mut bare = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        bare.push_str(before);
        let (sequence, tail) = after.split_once('m').expect("a colour ends");
        assert!(sequence.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'), "{sequence:?}");
        rest = tail;
    }
    bare + rest
}

#[test]
fn nobody_sees_the_same_endpoints_and_is_told_why_not_their_owners() {
    world("nobody_sees_the_same_endpoints_and_is_told_why_not_their_owners", Need::Root, || {
        let _holder = hold(&["tcp/0.0.0.0:22", "tcp/[::1]:6379", "udp/127.0.0.1:323"]);
        let full = report(&[]);
        assert_eq!(full["coverage"]["complete"], true, "{}", full["coverage"]);
        let nobody = |arguments: &[&str]| {
            let binary = command(&[]).get_program().to_owned();
            let mut command = Command::new(binary);
            command.args(arguments).env_clear().uid(65534).gid(65534);
            command.output().expect("earmark runs as nobody")
        };
        let output = nobody(&["--json"]);
        assert_eq!(output.status.code(), Some(0));
        let seen: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(endpoints(&seen), endpoints(&full));
        for listener in listeners(&seen) {
            assert_eq!((text(&listener["owner_status"]), listener["owner_count"].as_u64()), ("denied", Some(0)));
        }
        assert_eq!(seen["coverage"]["complete"], false);
        let gap = seen["coverage"]["gaps"][0].to_string();
        assert!(gap.contains("cap_sys_ptrace") && gap.contains("cap_dac_read_search"), "{gap}");
        let code = |arguments: &[&str]| nobody(arguments).status.code();
        assert_eq!(code(&["22"]), Some(0));
        assert_eq!(code(&["tcp/23"]), Some(1), "the tables were read: nobody is there");
        assert_eq!(code(&["exe:/usr/sbin/sshd"]), Some(3), "whose it is cannot be told from here");
        let tables = seen["coverage"]["tables"].as_array().expect("a list");
        // Where only descriptors lead to vsock sockets, those of others are not seen.
        if let Some(vsock) = tables.iter().find(|table| table["table"] == "vsock" && table["source"] == "fd") {
            assert_eq!(vsock["status"], "unreadable");
            assert_eq!(code(&["vsock/7028"]), Some(3));
        }
        let table = String::from_utf8(nobody(&[]).stdout).expect("UTF-8");
        assert!(table.contains("cap_sys_ptrace"), "{table}");
    });
}

#[test]
fn exit_codes_of_a_list_are_those_of_the_contract() {
    world("exit_codes_of_a_list_are_those_of_the_contract", Need::Namespaces, || {
        let code = |arguments: &[&str]| earmark(arguments).status.code();
        assert_eq!(code(&[]), Some(0), "nothing listens, and that is an answer");
        let _holder = hold(&["tcp/127.0.0.1:3220"]);
        for arguments in [
            &["3220"][..],
            &[":3220"],
            &["xnm-ssl"],
            &["tcp/3220"],
            &["sport", "=", ":3220"],
            &["sport = :3220"],
            &["-i", ":3220"],
            &["-iTCP:3220", "-sTCP:LISTEN", "-P", "-n"],
            &["-tulpn", "3220"],
            &["-antop"],
            &["-ano"],
            &["3000-3999"],
            &["127.0.0.1"],
            &["127.0.0.0/8"],
            &["hold"],
            &["scope:loopback"],
        ] {
            assert_eq!(code(arguments), Some(0), "{arguments:?}");
        }
        for arguments in
            [&["3221"][..], &["udp/3220"], &["-u", "3220"], &["nginx"], &["severity:>=high"], &["10.0.0.0/8"]]
        {
            assert_eq!(code(arguments), Some(1), "{arguments:?}");
        }
        for arguments in
            [&["--no-such-flag"][..], &["-r"], &["--format", "prom"], &["70000"], &["-K"], &["severity:>=dire"]]
        {
            assert_eq!(code(arguments), Some(3), "{arguments:?}");
        }
        for arguments in [&["--help"][..], &["--version"]] {
            assert_eq!(code(arguments), Some(0), "{arguments:?}");
        }
    });
}

#[test]
fn a_file_is_what_the_hosts_root_has_at_its_path() {
    world("a_file_is_what_the_hosts_root_has_at_its_path", Need::Root, || {
        let folder = tempfile::tempdir().expect("a folder");
        let script = "mount --bind \"$0\" /usr/bin/login && exec /usr/bin/login tcp/127.0.0.1:7201";
        let _masked = start(Command::new("unshare").args(["--mount", "sh", "-c", script]).arg(hold_program()));

        let copy = |name: &str| {
            let path = folder.path().join(name);
            std::fs::copy(hold_program(), &path).expect("a copy");
            path
        };
        let named = copy("x (deleted)");
        let _named = start(Command::new(&named).arg("tcp/127.0.0.1:7202"));
        let gone = copy("gone");
        let _gone = start(Command::new(&gone).arg("tcp/127.0.0.1:7203"));
        std::fs::remove_file(&gone).expect("removed");
        let replaced = copy("replaced");
        let _replaced = start(Command::new(&replaced).arg("tcp/127.0.0.1:7204"));
        std::fs::remove_file(&replaced).expect("removed");
        copy("replaced");

        let report = report(&[]);
        let owner = |port: u32| &at(&report, &format!("tcp/127.0.0.1:{port}"))["owners"][0];
        assert_eq!((text(&owner(7201)["exe"]), text(&owner(7201)["exe_state"])), ("/usr/bin/login", "foreign"));
        assert!(text(&owner(7202)["exe"]).ends_with("/x (deleted)"));
        assert_eq!(owner(7202)["exe_state"], "ok");
        assert!(text(&owner(7203)["exe"]).ends_with("/gone"));
        assert_eq!((&owner(7203)["exe_state"], &owner(7204)["exe_state"]), (&"deleted".into(), &"deleted".into()));
    });
}

#[test]
fn a_masked_executable_confirms_nothing() {
    world("a_masked_executable_confirms_nothing", Need::Root, || {
        // The program shows as a path that the registry knows as an owner of ssh only where it is verified.
        let sshd = "mount -t tmpfs none /usr/sbin && cp \"$0\" /usr/sbin/sshd && exec /usr/sbin/sshd tcp/127.0.0.1:22";
        let _masked = start(Command::new("unshare").args(["--mount", "sh", "-c", sshd]).arg(hold_program()));
        let report = report(&[]);
        let listener = at(&report, "tcp/127.0.0.1:22");
        assert_eq!(listener["owners"][0]["exe"], "/usr/sbin/sshd");
        assert_eq!(listener["owners"][0]["exe_state"], "foreign");
        assert_eq!((&listener["service"]["name"], &listener["service"]["claim"]), (&"ssh".into(), &"open".into()));
    });
}

#[test]
fn a_users_own_unit_is_not_the_systems() {
    world("a_users_own_unit_is_not_the_systems", Need::Root, || {
        let roots = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup"];
        let root = roots.into_iter().find(|root| std::path::Path::new(root).join("cgroup.procs").exists());
        let Some(root) = root.filter(|_| !std::path::Path::new("/run/systemd/system").exists()) else { return };
        let path = "user.slice/user-1000.slice/user@1000.service/app.slice/ssh.service";
        let cgroup = std::path::Path::new(root).join(path);
        if std::fs::create_dir_all(&cgroup).is_err() {
            return;
        }
        let holder = hold(&["tcp/127.0.0.1:7301"]);
        let moved = std::fs::write(cgroup.join("cgroup.procs"), holder.pid().to_string());
        let report = report(&[]);
        drop(holder);
        for depth in 0..path.split('/').count() {
            let place = cgroup.ancestors().nth(depth).expect("a directory above");
            let _ = std::fs::remove_dir(place);
        }
        if moved.is_ok() {
            let listener = at(&report, "tcp/127.0.0.1:7301");
            assert_eq!(listener["unit"], "user@1000.service");
            assert_eq!(listener["user_unit"], "ssh.service");
        }
    });
}

#[test]
fn a_capture_replays_to_the_same_report() {
    world("a_capture_replays_to_the_same_report", Need::Namespaces, || {
        let _holder = hold(&["--workers", "1", "tcp/0.0.0.0:22", "udp/[::]:5353", "tcp/127.0.0.1:3221"]);
        let capture = earmark(&["capture"]);
        assert_eq!(capture.status.code(), Some(0), "{}", String::from_utf8_lossy(&capture.stderr));
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &capture.stdout).expect("written");
        let from = file.path().to_string_lossy().into_owned();
        // Ids, counts and descriptors of the processes that record and list differ: the rest is the same to the byte.
        let live = earmark(&["--json", "--stable"]);
        let replayed = earmark(&["--json", "--stable", "--from", &from]);
        let lines = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(lines(&replayed), lines(&live));
        assert!(lines(&live).contains("xnm-clear-text"));
        for arguments in [&["-a"][..], &["-x"], &["22"], &["--format", "plain"], &["explain", "3221"]] {
            let output = earmark(&[arguments, &["--from", &from]].concat());
            assert_eq!(output.status.code(), Some(0), "{arguments:?} {}", String::from_utf8_lossy(&output.stderr));
        }
    });
}
