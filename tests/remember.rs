//! `audit --cron`: what it remembers, what it tells, and what becomes of that when something fails.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use earmark::state::State;
use earmark::sys::store::{Place, Store};
use support::world::{Need, command, hold, hold_program, start, world};

/// A directory for states, and who audits with it.
struct Lab {
    place: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a directory");
        std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o700)).expect("a mode");
        Self { place }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(&[&["audit"], arguments].concat());
        command.env("STATE_DIRECTORY", self.place.path());
        command
    }

    fn audit(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().expect("earmark runs"))
    }

    fn state(&self) -> Option<State> {
        let bytes = std::fs::read(self.file("state.json")).ok()?;
        Some(State::decode(&bytes).expect("what lies there is a state"))
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.place.path()).expect("a list");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// One run, as whoever started it sees it.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Run {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn is_silent(&self) -> bool {
        self.out.is_empty() && self.err.is_empty()
    }
}

fn run(program: &str, arguments: &[&str]) {
    assert!(Command::new(program).args(arguments).status().expect(program).success(), "{program} {arguments:?}");
}

/// A program of another name that holds sockets.
fn copy(lab: &Lab, name: &str) -> PathBuf {
    let to = lab.file(name);
    std::fs::copy(hold_program(), &to).expect("copied");
    to
}

#[test]
fn cron_tells_changes_first_and_nothing_twice() {
    world("cron_tells_changes_first_and_nothing_twice", Need::Namespaces, || {
        let (lab, programs) = (Lab::new(), Lab::new());
        let (one, other) = (copy(&programs, "one"), copy(&programs, "other"));
        let _steady = start(Command::new(&one).arg("tcp/127.0.0.1:7001"));
        let address = start(Command::new(&one).arg("tcp/127.0.0.1:7002"));
        let owner = start(Command::new(&one).arg("tcp/127.0.0.1:7003"));
        let gone = start(Command::new(&one).arg("tcp/127.0.0.1:7004"));

        let first = lab.audit(&["--cron"]);
        assert!(first.out.starts_with("first audit: 4 listeners remembered\n\n"), "{first:?}");
        let epoch = lab.state().expect("a state").epoch;
        let second = lab.audit(&["--cron"]);
        assert!(second.is_silent() && second.code == first.code, "{second:?}");

        drop((address, owner, gone));
        let _address = start(Command::new(&one).arg("tcp/0.0.0.0:7002"));
        let _owner = start(Command::new(&other).arg("tcp/127.0.0.1:7003"));
        let _new = start(Command::new(&one).arg("tcp/127.0.0.1:7005"));
        let news = lab.audit(&["--cron"]);
        let told = news.out.split("\n\n").next().expect("a part");
        assert!(told.starts_with("changes since 2"), "{news:?}");
        let about: Vec<&str> = told.lines().filter(|line| !line.contains("finding")).skip(1).collect();
        let (one, other) = (one.display(), other.display());
        let listeners = [
            "  new listener: tcp/127.0.0.1:7005 one".to_owned(),
            "  another address, was tcp/127.0.0.1:7002: tcp/0.0.0.0:7002 one".to_owned(),
            format!("  another owner, was {one}: tcp/127.0.0.1:7003 other"),
            format!("  listener gone: tcp/127.0.0.1:7004 {one}"),
        ];
        assert_eq!(about, listeners, "{other}: {news:?}");
        let last = lab.audit(&["--cron"]);
        assert!(last.is_silent() && last.code == news.code, "{last:?}");
        assert_eq!(lab.state().expect("a state").epoch, epoch);
        assert_eq!(lab.names(), ["lock", "state.json"]);
    });
}

#[test]
fn a_hundred_restarts_are_no_news() {
    world("a_hundred_restarts_are_no_news", Need::Namespaces, || {
        let (lab, programs) = (Lab::new(), Lab::new());
        let service = copy(&programs, "service");
        // Port 0 is the kernel's choice, and the registry happens to know one of these: fs-qos, 41111.
        std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "41106 41117").expect("a range");
        let words = ["tcp/127.0.0.1:7001", "tcp/127.0.0.1:0", "udp/127.0.0.1:0"];
        let mut held = start(Command::new(&service).args(words));
        assert!(lab.audit(&["--cron"]).out.starts_with("first audit"));
        let mut named = 0;
        for again in 0..100 {
            drop(held);
            held = start(Command::new(&service).args(words));
            let run = lab.audit(&["--cron"]);
            assert!(run.is_silent(), "restart {again}: {run:?}");
            named += usize::from(lab.audit(&["--json"]).out.contains("fs-qos"));
        }
        assert!(named > 0, "the port with a name came up");
    });
}

#[test]
fn what_is_new_is_marked_by_others_and_committed_by_cron_alone() {
    world("what_is_new_is_marked_by_others_and_committed_by_cron_alone", Need::Namespaces, || {
        let lab = Lab::new();
        let seen = |run: Run| -> Vec<(String, String)> {
            let report: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
            let row = |row: &serde_json::Value| (row["endpoint"].to_string(), row["seen"].to_string());
            report["listeners"].as_array().expect("a list").iter().map(row).collect()
        };
        let pair = |endpoint: &str, seen: &str| (format!("{endpoint:?}"), seen.to_owned());
        let _held = hold(&["tcp/127.0.0.1:7001"]);
        assert_eq!(seen(lab.audit(&["--json"])), [pair("tcp/127.0.0.1:7001", "null")]);
        assert!(lab.names().is_empty(), "nobody asked for a memory");
        assert_eq!(seen(lab.audit(&["--json", "--cron"])), [pair("tcp/127.0.0.1:7001", "\"new\"")]);
        let _more = hold(&["tcp/127.0.0.1:7002"]);
        let before = std::fs::read(lab.file("state.json")).expect("a state");
        for _ in 0..2 {
            let both = [pair("tcp/127.0.0.1:7001", "\"known\""), pair("tcp/127.0.0.1:7002", "\"new\"")];
            assert_eq!(seen(lab.audit(&["--json"])), both);
        }
        let prom = lab.audit(&["--format", "prom"]);
        assert!(prom.out.contains("status=\"new\"") && prom.err.is_empty(), "{prom:?}");
        assert_eq!(std::fs::read(lab.file("state.json")).expect("a state"), before);
        // What is wrong with a state does not keep others from answering.
        std::fs::write(lab.file("state.json"), "secret").expect("written");
        let run = lab.audit(&["--json"]);
        assert!(run.err.contains("what is new is not known") && !run.err.contains("secret"), "{run:?}");
        assert_eq!(seen(run)[0], pair("tcp/127.0.0.1:7001", "null"));
    });
}

#[test]
fn coverage_that_the_policy_requires_is_told_again_for_as_long_as_it_is_missing() {
    world("coverage_that_the_policy_requires_is_told_again_for_as_long_as_it_is_missing", Need::Root, || {
        let lab = Lab::new();
        let held = hold(&["tcp/127.0.0.1:7001"]);
        // Whose the listeners of root are nobody else can see.
        std::os::unix::fs::chown(lab.place.path(), Some(65_534), Some(65_534)).expect("chown");
        let as_nobody = || Run::of(lab.command(&["--cron"]).uid(65_534).gid(65_534).output().expect("earmark runs"));
        let first = as_nobody();
        assert_eq!(first.code, Some(3), "{first:?}");
        assert!(first.out.contains("the owners of 1 listener of 1 are not known"), "{first:?}");
        let second = as_nobody();
        assert!(second.code == Some(3) && second.is_silent(), "told once, and not clean: {second:?}");
        let mut state = lab.state().expect("a state");
        for lack in state.lacks.values_mut() {
            lack.last_told.0 -= 8 * 24 * 60 * 60 * 1000;
        }
        std::fs::write(lab.file("state.json"), state.encode()).expect("written");
        let third = as_nobody();
        assert!(third.out.contains("required and still not seen: the owners of 1 listener of 1"), "{third:?}");
        assert!(as_nobody().is_silent());
        drop(held);
        let last = as_nobody();
        assert!(last.out.contains("required and seen again: owners"), "{last:?}");
        assert_eq!(last.code, Some(0), "{last:?}");
    });
}

#[test]
fn cron_refuses_what_has_no_news() {
    let lab = Lab::new();
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/server.capture");
    let cases: [&[&str]; 4] = [&["--from", capture], &["--root", "/"], &["--format", "nagios"], &["--format", "prom"]];
    for case in cases {
        let run = lab.audit(&[&["--cron"], case].concat());
        assert_eq!(run.code, Some(3), "{run:?}");
        assert!((run.out.clone() + &run.err).contains("--cron"), "{run:?}");
    }
    // Neither reads a state, not even one of another mind.
    std::fs::write(lab.file("state.json"), "no state").expect("written");
    let run = lab.audit(&["--from", capture, "--json"]);
    assert!(run.code.is_some_and(|code| code < 3) && run.err.is_empty(), "{run:?}");
    assert_eq!(lab.names(), ["state.json"]);
}

#[test]
fn what_nobody_read_is_told_again() {
    world("what_nobody_read_is_told_again", Need::Root, || {
        let lab = Lab::new();
        let _held = hold(&["tcp/127.0.0.1:7001"]);
        let undelivered = |run: Run| {
            assert_eq!(run.code, Some(3), "{run:?}");
            assert!(run.err.contains("the next audit tells it again"), "{run:?}");
            assert_eq!((lab.state(), lab.names()), (None, vec!["lock".to_owned()]));
        };
        // The mailer has died: the other end of the pipe is closed.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let child = lab.command(&["--cron"]).stdout(writer).stderr(Stdio::piped()).spawn().expect("earmark runs");
        undelivered(Run::of(child.wait_with_output().expect("it ended")));
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let child = lab.command(&["--cron"]).stdout(full).stderr(Stdio::piped()).spawn().expect("earmark runs");
        undelivered(Run::of(child.wait_with_output().expect("it ended")));
        assert!(lab.audit(&["--cron"]).out.starts_with("first audit"));
    });
}

#[test]
fn a_state_that_cannot_be_written_is_said_and_the_old_one_stays() {
    world("a_state_that_cannot_be_written_is_said_and_the_old_one_stays", Need::Root, || {
        let lab = Lab::new();
        let path = lab.place.path().to_str().expect("UTF-8");
        run("mount", &["-t", "tmpfs", "-o", "size=64k,mode=0700", "none", path]);
        let _held = hold(&["tcp/127.0.0.1:7001"]);
        assert!(lab.audit(&["--cron"]).out.starts_with("first audit"));
        let before = lab.state();

        std::fs::write(lab.file("filler"), vec![b'x'; 1 << 17]).expect_err("the disk is full");
        let _more = hold(&["tcp/127.0.0.1:7002"]);
        let full = lab.audit(&["--cron"]);
        assert_eq!(full.code, Some(3), "{full:?}");
        assert!(full.out.contains("new listener: tcp/127.0.0.1:7002"), "it is told: {full:?}");
        assert!(full.err.contains("cannot write") && full.err.contains("make room"), "{full:?}");
        assert_eq!((lab.state(), lab.names().len()), (before.clone(), 3), "{:?}", lab.names());
        std::fs::remove_file(lab.file("filler")).expect("removed");

        run("mount", &["-o", "remount,ro", path]);
        let read_only = lab.audit(&["--cron"]);
        assert_eq!((read_only.code, read_only.out.as_str()), (Some(3), ""), "{read_only:?}");
        assert!(read_only.err.contains("cannot lock"), "{read_only:?}");
        assert_eq!(lab.state(), before);
        // Who only reads has no need to write.
        assert!(lab.audit(&["--json"]).out.replace(' ', "").contains("\"seen\":\"new\""));
        run("mount", &["-o", "remount,rw", path]);
        assert!(lab.audit(&["--cron"]).out.contains("new listener: tcp/127.0.0.1:7002"), "and told again");
        assert!(lab.audit(&["--cron"]).is_silent());
    });
}

#[test]
fn a_state_that_makes_no_sense_is_set_aside_and_said_once() {
    world("a_state_that_makes_no_sense_is_set_aside_and_said_once", Need::Root, || {
        let lab = Lab::new();
        let _held = hold(&["tcp/127.0.0.1:7001"]);
        lab.audit(&["--cron"]);
        let first = lab.state().expect("a state");
        let whole = std::fs::read(lab.file("state.json")).expect("a state");
        let mut foreign = first.clone();
        foreign.host = Some("0".repeat(32));
        let foreign = foreign.encode();
        for (content, why) in [(&whole[..whole.len() / 2], "line 1, column"), (&foreign, "of another host")] {
            // A host without a machine id cannot tell.
            if why == "of another host" && first.host.is_none() {
                continue;
            }
            std::fs::write(lab.file("state.json"), content).expect("written");
            let said = lab.audit(&["--cron"]);
            assert!(said.err.contains(why) && said.err.contains("state.json.corrupt"), "{said:?}");
            assert!(said.out.starts_with("first audit"), "{said:?}");
            assert_eq!(std::fs::read(lab.file("state.json.corrupt")).expect("kept"), content);
            assert_ne!(lab.state().expect("a state").epoch, first.epoch);
            assert!(lab.audit(&["--cron"]).is_silent());
        }
        assert_eq!(lab.names(), ["lock", "state.json", "state.json.corrupt"]);

        // What somebody else may have put there is not read at all.
        let elsewhere = lab.file("elsewhere");
        std::fs::rename(lab.file("state.json"), &elsewhere).expect("moved");
        symlink(&elsewhere, lab.file("state.json")).expect("a link");
        let refused = lab.audit(&["--cron"]);
        assert_eq!((refused.code, refused.out.as_str()), (Some(3), ""), "{refused:?}");
        assert!(refused.err.contains("symbolic link"), "{refused:?}");
        std::fs::remove_file(lab.file("state.json")).expect("removed");
        std::fs::rename(&elsewhere, lab.file("state.json")).expect("moved");
        std::os::unix::fs::chown(lab.file("state.json"), Some(65_534), None).expect("chown");
        assert!(lab.audit(&["--cron"]).err.contains("another user"));
        std::os::unix::fs::chown(lab.file("state.json"), Some(0), None).expect("chown");
        std::fs::set_permissions(lab.place.path(), std::fs::Permissions::from_mode(0o777)).expect("a mode");
        assert!(lab.audit(&["--cron"]).err.contains("others may write"));
    });
}

#[test]
fn roots_state_lies_where_packages_expect_it_and_others_have_their_own() {
    world("roots_state_lies_where_packages_expect_it_and_others_have_their_own", Need::Root, || {
        run("mount", &["-t", "tmpfs", "none", "/var/lib"]);
        run("mount", &["-t", "tmpfs", "-o", "mode=0777", "none", "/mnt"]);
        let _held = hold(&["tcp/127.0.0.1:7001"]);
        let root = Run::of(command(&["audit", "--cron"]).output().expect("earmark runs"));
        assert!(root.out.starts_with("first audit"), "{root:?}");
        let made = std::fs::metadata("/var/lib/earmark").expect("made");
        assert_eq!((made.uid(), made.mode() & 0o777), (0, 0o700));
        let as_nobody = |home: &str| {
            let mut nobody = command(&["audit", "--cron"]);
            nobody.env("HOME", home).uid(65_534).gid(65_534);
            Run::of(nobody.output().expect("earmark runs"))
        };
        let nobody = as_nobody("/mnt/home");
        assert!(nobody.code == Some(3) && nobody.err.contains("cannot make"), "a home is not made: {nobody:?}");
        std::fs::create_dir("/mnt/home").expect("made");
        std::os::unix::fs::chown("/mnt/home", Some(65_534), Some(65_534)).expect("chown");
        let nobody = as_nobody("/mnt/home");
        assert!(nobody.out.starts_with("first audit"), "{nobody:?}");
        assert!(Path::new("/mnt/home/.local/state/earmark/state.json").exists());
        assert!(as_nobody("/mnt/home").is_silent());
    });
}

#[test]
fn of_two_audits_at_once_one_is_told() {
    world("of_two_audits_at_once_one_is_told", Need::Namespaces, || {
        let lab = Lab::new();
        let place = Place { path: lab.place.path().to_owned(), may_make: 0 };
        let mut other = Store::open(&place).expect("a store");
        other.lock().expect("free");
        let busy = lab.audit(&["--cron"]);
        assert_eq!((busy.code, busy.out.as_str()), (Some(3), ""), "{busy:?}");
        assert!(busy.err.contains("another audit runs"), "{busy:?}");
        assert!(lab.audit(&["--json"]).code.is_some_and(|code| code < 3), "who only reads needs no lock");
        drop(other);
        // Eight at once: whoever gets in answers, and what is left is whole.
        let runs: Vec<Child> = (0..8)
            .map(|_| lab.command(&["--cron"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs"))
            .collect();
        let runs: Vec<Run> = runs.into_iter().map(|run| Run::of(run.wait_with_output().expect("it ended"))).collect();
        let told = runs.iter().filter(|run| run.out.starts_with("first audit")).count();
        assert_eq!(told, 1, "one tells the news, the others have none: {runs:?}");
        assert!(runs.iter().all(|run| run.code != Some(3) || run.err.contains("another audit runs")), "{runs:?}");
        assert!(lab.state().is_some());
    });
}

/// Random enough for a moment to kill at.
fn moment(limit: u64) -> Duration {
    use std::hash::{BuildHasher as _, Hasher as _};
    Duration::from_micros(std::collections::hash_map::RandomState::new().build_hasher().finish() % limit)
}

#[test]
fn a_killed_audit_leaves_the_old_state_or_the_new_one_and_loses_no_news() {
    world("a_killed_audit_leaves_the_old_state_or_the_new_one_and_loses_no_news", Need::Namespaces, || {
        let lab = Lab::new();
        let _held = hold(&["tcp/127.0.0.1:7001"]);
        lab.audit(&["--cron"]);
        let begin = std::time::Instant::now();
        lab.audit(&["--cron"]);
        let usual = begin.elapsed().as_micros() as u64;
        let (mut ended, mut more) = (0, None);
        for round in 0..50u32 {
            let before = lab.state().expect("a state");
            // Each round has something to tell.
            drop(more.take());
            more = Some(hold(&[&format!("tcp/127.0.0.1:{}", 7100 + round)]));
            let child = lab.command(&["--cron"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
            let mut child = child.expect("earmark runs");
            std::thread::sleep(moment(usual * 5 / 4));
            child.kill().expect("killed");
            let told = child.wait_with_output().expect("it ended");
            ended += u32::from(told.status.success());
            let after = lab.state().expect("always one, and whole");
            let known = after.listeners.values().any(|one| one.endpoint == format!("tcp/127.0.0.1:{}", 7100 + round));
            match known {
                // What is remembered was told.
                true => assert!(String::from_utf8_lossy(&told.stdout).contains("changes since"), "round {round}"),
                false => assert_eq!(after, before, "round {round}"),
            }
            if !known {
                let again = lab.audit(&["--cron"]);
                let news = format!("tcp/127.0.0.1:{}", 7100 + round);
                assert!(again.out.contains(&news), "round {round}: {again:?}");
            }
            assert!(lab.names().iter().filter(|name| name.starts_with('.')).count() <= 1, "{:?}", lab.names());
        }
        let _ = writeln!(std::io::stderr(), "figures: of 50 audits killed at random moments {ended} had ended");
        lab.audit(&["--cron"]);
        assert_eq!(lab.names(), ["lock", "state.json"]);
    });
}

/// The process that is killed below: it exchanges one state for another as fast as it can.
#[test]
fn writer() {
    let Some(path) = std::env::var_os("EARMARK_TEST_WRITER") else { return };
    let place = Place { path: path.into(), may_make: 0 };
    let mut store = Store::open(&place).expect("a store");
    // The one before may still be ending.
    while store.lock().is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
    for number in 0u8.. {
        store.write(&vec![number; 100_000]).expect("written");
    }
}

#[test]
fn a_writer_killed_at_any_point_leaves_a_whole_file() {
    let lab = Lab::new();
    let place = Place { path: lab.place.path().to_owned(), may_make: 0 };
    Store::open(&place).expect("a store").write(&vec![0; 100_000]).expect("written");
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..50 {
        let mut writer = Command::new(std::env::current_exe().expect("our own path"))
            .args(["--exact", "writer", "--nocapture", "--test-threads=1"])
            .env("EARMARK_TEST_WRITER", lab.place.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(Duration::from_millis(5) + moment(25_000));
        writer.kill().expect("killed");
        writer.wait().expect("ended");
        let content = Store::open(&place).expect("a store").read(1 << 20).expect("read").expect("always one");
        assert!(content.len() == 100_000 && content.iter().all(|byte| *byte == content[0]), "round {round}");
        seen.insert(content[0]);
        assert!(lab.names().iter().filter(|name| name.starts_with(".state.json.")).count() <= 1, "{:?}", lab.names());
    }
    assert!(seen.len() > 3, "the writers wrote: {seen:?}");
    Store::open(&place).expect("a store").lock().expect("free");
    assert_eq!(lab.names(), ["lock", "state.json"]);
}
