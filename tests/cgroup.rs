//! The cgroup that a socket was created in, as who may not look into its process sees it.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::world::{Need, command, hold_program, start, world};

const CGROUPS: &str = "/sys/fs/cgroup";

/// A cgroup that is gone when the test ends.
struct Made(String);

impl Made {
    fn new(path: &str) -> Option<Self> {
        let made = Self(format!("{CGROUPS}{path}"));
        std::fs::create_dir_all(&made.0).ok().map(|()| made)
    }

    /// Starts a holder of sockets within it.
    fn hold(&self, words: &str) -> support::world::Holder {
        let line = format!("echo $$ > {}/cgroup.procs && exec {} {words}", self.0, hold_program().display());
        start(Command::new("sh").args(["-c", &line]))
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for directory in Path::new(&self.0).ancestors().take_while(|directory| *directory != Path::new(CGROUPS)) {
            // What others have in it keeps it.
            if std::fs::remove_dir(directory).is_err() {
                break;
            }
        }
    }
}

fn as_nobody(arguments: &[&str]) -> (Option<i32>, String) {
    let binary = command(&[]).get_program().to_owned();
    let output = Command::new(binary).args(arguments).env_clear().uid(65534).gid(65534).output().expect("it runs");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn a_closed_process_is_told_by_its_cgroup() {
    world("a_closed_process_is_told_by_its_cgroup", Need::Root, || {
        let mounted = Command::new("mount").args(["-t", "cgroup2", "none", CGROUPS]).status().expect("mount runs");
        let id = "5e1f".repeat(16);
        let made = [
            Made::new("/system.slice/earmark-alone.service"),
            Made::new("/system.slice/earmark-two.service"),
            Made::new(&format!("/system.slice/docker-{id}.scope")),
        ];
        let [Some(alone), Some(two), Some(docker)] = &made else {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "NOT RUN: no cgroups of version 2 can be made here ({mounted})");
            return;
        };
        // In this order, so that the processes end before their cgroups are removed.
        let alone = alone.hold("tcp/127.0.0.1:7101");
        let (one, other) = (two.hold("tcp/127.0.0.1:7102"), two.hold("tcp/127.0.0.1:7103"));
        let contained = docker.hold("udp/127.0.0.1:7104");
        let (code, json) = as_nobody(&["--json"]);
        assert_eq!(code, Some(0));
        let report: Value = serde_json::from_str(&json).expect("JSON");
        let told = |port: u16| {
            let rows = report["listeners"].as_array().expect("a list");
            let row = rows.iter().find(|row| row["port"] == port).expect("every listener has a row");
            assert_eq!(row["owner_status"], "denied");
            let owners = row["owners"].as_array().expect("a list");
            let owners = owners.iter().map(|owner| {
                assert_eq!(
                    (&owner["via"], &owner["certainty"], &owner["fd"]),
                    (&"cgroup".into(), &"probable".into(), &Value::Null)
                );
                owner["pid"].as_u64().expect("a pid")
            });
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            (text("unit"), text("unit_state"), text("container"), owners.collect::<Vec<_>>())
        };
        let known = "known".to_owned();
        let unit = |name: &str| format!("earmark-{name}.service");
        assert_eq!(told(7101), (unit("alone"), known.clone(), String::new(), vec![u64::from(alone.pid())]));
        assert_eq!(told(7102), (unit("two"), known.clone(), String::new(), vec![]));
        assert_eq!(told(7103), (unit("two"), known.clone(), String::new(), vec![]));
        let scope = format!("docker-{id}.scope");
        assert_eq!(told(7104), (scope, known, format!("docker:{id}"), vec![u64::from(contained.pid())]));
        let (_, table) = as_nobody(&[]);
        let row = |port: &str| table.lines().find(|line| line.contains(port)).expect("a row").to_owned();
        assert!(row("7101").contains(&format!("(probably hold {})", alone.pid())), "{table}");
        assert!(row("7102").contains("(not permitted)") && row("7102").contains("earmark-two"), "{table}");
        assert!(row("7104").contains("docker:5e1f5e1f5e1f"), "{table}");
        assert_eq!(as_nobody(&["unit:earmark-two"]).0, Some(0));
        assert_eq!(as_nobody(&["container:5e1f5e1f5e1f"]).0, Some(0));
        // What the cgroup says is no proof that another unit has nothing to do with it.
        assert_eq!(as_nobody(&["unit:nginx"]).0, Some(3));
        drop((alone, one, other, contained));
    });
}

#[test]
fn a_service_manager_holds_a_socket_for_a_socket_unit() {
    world("a_service_manager_holds_a_socket_for_a_socket_unit", Need::Root, || {
        let mounted = Command::new("mount").args(["-t", "cgroup2", "none", CGROUPS]).status().expect("mount runs");
        let Some(unit) = Made::new("/system.slice/earmark-a.socket") else {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "NOT RUN: no cgroups of version 2 can be made here ({mounted})");
            return;
        };
        // The manager opens the socket within the unit's cgroup and keeps it outside.
        let place = Command::new("mount").args(["-t", "tmpfs", "-o", "mode=755", "none", "/mnt"]).status();
        assert!(place.is_ok_and(|place| place.success()), "a place where only root may write");
        let systemd = Path::new("/mnt/systemd");
        std::fs::copy(hold_program(), systemd).expect("a copy");
        let line = format!("echo $$ > {}/cgroup.procs && exec {} tcp/127.0.0.1:7111", unit.0, systemd.display());
        let holder = start(Command::new("sh").args(["-c", &line]));
        std::fs::write(format!("{CGROUPS}/cgroup.procs"), holder.pid().to_string()).expect("moved");
        let told = || {
            let report = support::world::report(&["7111"]);
            let row = report["listeners"][0].clone();
            let owners = row["owners"].as_array().expect("a list").clone();
            let owners = owners.iter().map(|owner| (owner["role"].clone(), owner["socket_unit"].clone()));
            (row["unit"].clone(), owners.collect::<Vec<_>>())
        };
        let (activator, socket) = (Value::from("activator"), Value::from("earmark-a.socket"));
        assert_eq!(told(), (socket.clone(), vec![(activator, socket)]));
        let table = support::world::earmark(&[]).stdout;
        assert!(String::from_utf8_lossy(&table).contains("earmark-a.socket"), "{}", String::from_utf8_lossy(&table));
        assert_eq!(support::world::earmark(&["unit:earmark-a.socket"]).status.code(), Some(0));
        drop(holder);
    });
}
