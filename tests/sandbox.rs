//! What a run has given up by the time it prints: read from its process while it waits for somebody to take its output.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and reads files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::world::{command, report};

/// Runs the program until it has printed more than there is room for in a pipe of one page, and returns what the kernel says
/// of it then, with all that it printed.
fn printing(command: &mut Command) -> (BTreeMap<String, String>, Vec<u8>) {
    // However little there is to tell of a host, it is more than what is left.
    const FILLED: usize = 4000;
    let (mut pipe, mut end) = std::io::pipe().expect("a pipe");
    #[expect(unsafe_code, reason = "libc alone sets the size of a pipe")]
    // SAFETY: it takes two numbers.
    let size = unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, 4096) };
    assert!(size >= 4096, "a smaller pipe");
    end.write_all(&[0; FILLED]).expect("there is room");
    let mut child = command.stdout(end).stderr(Stdio::null()).spawn().expect("the program");
    // Our own end of the pipe goes with this.
    command.stdout(Stdio::null());
    let place = format!("/proc/{}", child.id());
    let began = Instant::now();
    let waits = |call: String| {
        let mut words = call.split(' ');
        words.next() == Some(libc::SYS_write.to_string().as_str()) && words.next() == Some("0x1")
    };
    while !std::fs::read_to_string(format!("{place}/syscall")).is_ok_and(waits) {
        assert!(began.elapsed() < Duration::from_secs(20), "it never waited for a reader");
        std::thread::sleep(Duration::from_millis(5));
    }
    let status = std::fs::read_to_string(format!("{place}/status")).expect("its status");
    let mut printed = Vec::new();
    pipe.read_to_end(&mut printed).expect("its output");
    child.wait().expect("its end");
    let printed = printed.split_off(FILLED);
    let line = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    (status.lines().filter_map(line).collect(), printed)
}

const NONE: &str = "0000000000000000";

#[test]
fn a_run_prints_without_any_capability() {
    for arguments in [&["--json"][..], &["audit", "--json"], &["doctor", "--json"], &["capture"]] {
        let (status, printed) = printing(&mut command(arguments));
        for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
            assert_eq!(status[set], NONE, "{set} of {arguments:?}");
        }
        assert_eq!((status["Threads"].as_str(), printed.is_empty()), ("1", false), "{arguments:?}");
    }
    let (status, _) = printing(&mut command(&["audit", "--json"]));
    assert_eq!(status["NoNewPrivs"], "1");
    // Only one that has a capability to do so can empty it.
    if report(&[])["vantage"]["uid"] == 0 {
        assert_eq!(status["CapBnd"], NONE);
    }
}

#[test]
fn a_diagnosis_tells_what_was_given_up() {
    let output = command(&["doctor", "--json"]).output().expect("the program");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let sandbox = &told["sandbox"];
    assert_eq!((&sandbox["capabilities"], &sandbox["other_threads"]), (&"dropped".into(), &0.into()), "{sandbox}");
    // What the kernel has is found out by asking it, as the program does.
    #[expect(unsafe_code, reason = "libc has no wrapper")]
    // SAFETY: the flag asks for a version, and neither pointer nor size is looked at.
    let abi = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0, 0, 1) };
    let landlock = sandbox["landlock"].as_str().expect("a word");
    match abi {
        6.. => assert_eq!(landlock, "entered"),
        1..6 => assert_eq!(landlock, "partly"),
        _ => assert!(["absent", "off"].contains(&landlock), "{landlock}"),
    }
}

#[test]
fn the_output_is_the_same_where_nothing_can_be_given_up() {
    // The rights are given up between collection and judgement: a replayed capture has the same bytes either way.
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/server.capture");
    let of = |command: &mut Command| command.output().expect("the program").stdout;
    let arguments = ["--json", "--stable", "--from", capture];
    let here = of(&mut command(&arguments));
    assert!(!here.is_empty());
    if report(&[])["vantage"]["uid"] == 0 {
        let program = command(&[]).get_program().to_owned();
        let lowered =
            of(Command::new("setpriv").args(["--bounding-set=-all", "--inh-caps=-all"]).arg(program).args(arguments));
        assert_eq!(String::from_utf8_lossy(&here), String::from_utf8_lossy(&lowered));
    }
}

#[test]
fn a_file_of_another_user_keeps_its_owner_and_mode() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown};
    if report(&[])["vantage"]["uid"] != 0 {
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let chown = |path: &Path| chown(path, Some(65_534), Some(65_534)).expect("chown");
    let set_mode = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("a mode");
    for theirs in [false, true] {
        let directory = place.path().join(if theirs { "theirs" } else { "ours" });
        std::fs::create_dir(&directory).expect("made");
        set_mode(&directory, 0o700);
        let file = directory.join("report");
        std::fs::write(&file, "old").expect("written");
        set_mode(&file, 0o604);
        chown(&file);
        if theirs {
            chown(&directory);
        }
        for verb in [&["--json"][..], &["doctor", "--json"], &["explain", "22", "--json"], &["capture"]] {
            std::fs::write(&file, "old").expect("written");
            let path = file.to_str().expect("a path");
            let output = command(&[verb, &["--output", path]].concat()).output().expect("the program");
            assert_eq!(output.status.code(), Some(0), "{verb:?}: {}", String::from_utf8_lossy(&output.stderr));
            let seen = std::fs::metadata(&file).expect("metadata");
            assert_eq!((seen.uid(), seen.gid(), seen.mode() & 0o7777), (65_534, 65_534, 0o604), "{verb:?}");
            assert!(seen.len() > 100 && std::fs::read_dir(&directory).expect("a list").count() == 1, "{verb:?}");
        }
    }
}
