//! What keeps a careless reader waiting: pipes where namespaces are looked for, and a file system whose daemon is silent.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::fuse::Fuse;
use support::world::{Need, absent, command, hold, hold_program, start, world};

/// Far more than a run takes, on an emulated machine too, and less than what a run is given.
const SOON: Duration = Duration::from_secs(20);

/// Runs the program under test, which has to end soon by itself.
fn soon(arguments: &[&str]) -> Output {
    let child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("earmark runs");
    let pid = rustix::process::Pid::from_child(&child);
    let (send, receive) = channel();
    std::thread::spawn(move || send.send(child.wait_with_output()));
    let output = receive.recv_timeout(SOON).unwrap_or_else(|_| {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        panic!("{arguments:?} waits");
    });
    output.expect("it ended")
}

fn report(arguments: &[&str]) -> Value {
    let output = soon(&[&["--json", "--timeout", "60"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn at<'a>(report: &'a Value, endpoint: &str) -> &'a Value {
    let mut listeners = report["listeners"].as_array().expect("listeners").iter();
    listeners.find(|listener| listener["endpoint"] == endpoint).unwrap_or_else(|| panic!("no {endpoint} in {report:#}"))
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().expect(program);
    assert!(status.success(), "{program} {arguments:?}");
}

#[test]
fn what_is_no_namespace_is_not_waited_for() {
    world("what_is_no_namespace_is_not_waited_for", Need::Root, || {
        run("mount", &["-t", "tmpfs", "none", "/run"]);
        for folder in ["/run/netns", "/run/docker/netns"] {
            std::fs::create_dir_all(format!("{folder}/directory")).expect("a directory");
            run("mkfifo", &[&format!("{folder}/pipe")]);
            std::fs::write(format!("{folder}/file"), "net:[4026531840]\n").expect("a file");
            std::os::unix::fs::symlink("/no/such/file", format!("{folder}/dangling")).expect("a link");
        }
        run("ip", &["netns", "add", "blue"]);
        run("ip", &["netns", "add", "red"]);
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", "blue"]).arg(hold_program()).args(["--loopback", "tcp/127.0.0.1:7060"]);
        let blue = start(&mut inside);
        // The list of mounts has a namespace there still, and who opens the path gets a pipe.
        run("mount", &["--bind", "/run/docker/netns/pipe", "/run/netns/red"]);
        let own = hold(&["tcp/127.0.0.1:7061"]);
        let report = report(&[]);
        let there = at(&report, "tcp/127.0.0.1:7060");
        assert_eq!((&there["netns"]["name"], &there["owners"][0]["pid"]), (&"blue".into(), &blue.pid().into()));
        assert_eq!(at(&report, "tcp/127.0.0.1:7061")["owners"][0]["pid"], own.pid());
        assert_eq!(report["listeners"].as_array().map(Vec::len), Some(2));
        let gaps = report["coverage"]["gaps"].to_string();
        assert!(gaps.contains("the network namespace red"), "what could not be entered is told: {gaps}");
        assert!(
            !["pipe", "file", "dangling", "directory"].iter().any(|name| gaps.contains(&format!("namespace {name}")))
        );
    });
}

#[test]
fn a_silent_file_system_is_not_waited_for() {
    world("a_silent_file_system_is_not_waited_for", Need::Root, || {
        let folder = tempfile::tempdir().expect("a directory");
        let place = folder.path().join("fuse");
        std::fs::create_dir(&place).expect("a directory");
        let program = std::fs::read(hold_program()).expect("a program");
        let fuse = match Fuse::mount(&place, vec![("program", program), ("ns", Vec::new())]) {
            Ok(fuse) => fuse,
            Err(error) => {
                assert!(matches!(error.raw_os_error(), Some(1 | 2 | 6 | 19)), "{error}");
                return absent("FUSE");
            }
        };
        let away = start(Command::new(place.join("program")).arg("tcp/127.0.0.1:7050"));
        // A namespace that nothing but a mount on that file system leads to.
        let bind = "mount --bind /proc/self/ns/net \"$0\"";
        let status = Command::new("unshare").args(["--net", "sh", "-c", bind]).arg(place.join("ns")).status();
        assert!(status.expect("unshare runs").success());
        let plain = hold(&["tcp/127.0.0.1:7051", "udp/127.0.0.1:7051"]);
        fuse.fall_silent();
        let (send, receive) = channel();
        let file = place.join("program");
        std::thread::spawn(move || send.send(std::fs::metadata(file).is_ok()));
        assert!(receive.recv_timeout(Duration::from_millis(200)).is_err(), "whoever asks there waits");

        let began = Instant::now();
        let report = report(&[]);
        let took = began.elapsed();
        let there = at(&report, "tcp/127.0.0.1:7050");
        let owner = &there["owners"][0];
        assert_eq!((&there["owner_status"], &owner["pid"]), (&"known".into(), &away.pid().into()));
        assert!(owner["exe"].as_str().is_some_and(|exe| exe.ends_with("/fuse/program")), "{owner}");
        assert_eq!(owner["exe_state"], "unreadable", "what the host's root has there nobody tells");
        for endpoint in ["tcp/127.0.0.1:7051", "udp/127.0.0.1:7051"] {
            let owner = &at(&report, endpoint)["owners"][0];
            assert_eq!((&owner["pid"], &owner["exe_state"]), (&plain.pid().into(), &"ok".into()));
        }
        let gaps = report["coverage"]["gaps"].to_string();
        assert!(gaps.contains("the network namespace ns"), "{gaps}");
        for arguments in [&["--packages"][..], &["--cmdline", "-x"], &["doctor"], &["capture"], &["explain", "7050"]] {
            assert!(soon(arguments).status.success(), "{arguments:?}");
        }
        assert!(took < SOON, "{took:?}");
        drop(fuse);
    });
}

#[test]
fn a_silent_file_system_below_another_root_is_not_waited_for() {
    world("a_silent_file_system_below_another_root_is_not_waited_for", Need::Root, || {
        run("mount", &["-t", "tmpfs", "none", "/run"]);
        // The host's own root stands below it, so nothing here is ever taken away.
        run("mount", &["-t", "tmpfs", "-o", "mode=755", "none", "/mnt"]);
        let root = Path::new("/mnt/root");
        std::fs::create_dir(root).expect("a directory");
        let held = hold(&["tcp/127.0.0.1:7053"]);
        run("ip", &["netns", "add", "blue"]);
        run("mount", &["--rbind", "/", "/mnt/root"]);
        let arguments = ["--root", "/mnt/root", "--packages"];
        let told = |report: &Value| {
            let owner = at(report, "tcp/127.0.0.1:7053")["owners"][0].clone();
            assert_eq!(owner["pid"], held.pid());
            (owner["user"].clone(), owner["package_state"].clone())
        };
        assert_eq!(told(&report(&arguments)), ("root".into(), "none".into()));

        // All that is read there but what the kernel makes.
        let places = ["etc", "var/lib/dpkg", "run/netns", "sys/fs/cgroup"];
        let files = ["passwd", "hostname", "machine-id", "status", "info", "blue", "unified"];
        let mut silent = Vec::new();
        for place in places.map(|place| root.join(place)).into_iter().filter(|place| place.exists()) {
            let files = files.map(|name| (name, b"root:x:0:0::/:/bin/sh\n".to_vec())).to_vec();
            match Fuse::mount(&place, files) {
                Ok(fuse) => silent.push(fuse),
                Err(error) => {
                    assert!(matches!(error.raw_os_error(), Some(1 | 2 | 6 | 19)), "{error}");
                    return absent("FUSE");
                }
            }
        }
        assert!(silent.len() >= 3, "{}", silent.len());
        silent.iter().for_each(Fuse::fall_silent);
        assert_eq!(told(&report(&arguments)), (Value::Null, "unknown".into()));
        for verb in [&["doctor"][..], &["capture"], &["explain", "7053"]] {
            let output = soon(&[verb, &arguments[..2]].concat());
            assert!(output.status.success(), "{verb:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        drop(silent);
    });
}
