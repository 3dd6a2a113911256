//! A host that is seen from a container, which has the host's root mounted: what is told there is what the host tells.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::world::{Holder, Need, hold, hold_program, report, start, world};

fn run(program: &str, arguments: &[&str]) {
    assert!(Command::new(program).args(arguments).status().expect(program).success(), "{program} {arguments:?}");
}

/// A host with listeners of several kinds, and a container on it.
struct Lab {
    /// Where the container has the host's root.
    root: PathBuf,
    /// A process of the container, in the ids of the host.
    inner: u32,
    _held: Vec<Holder>,
    _place: tempfile::TempDir,
}

/// What listens in the container.
const INNER: &str = "tcp/127.0.0.1:7099";

impl Lab {
    fn new() -> Self {
        run("mount", &["-t", "tmpfs", "none", "/run"]);
        let place = tempfile::tempdir().expect("a directory");
        let path = |name: &str| place.path().join(name);
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        std::fs::create_dir(path("root")).expect("made");
        // Who reads this file reads the container's.
        std::fs::write(path("passwd"), "intruder:x:0:0::/:/bin/sh\n").expect("written");
        let [copy, gone] = ["copy", "gone"].map(path);
        for to in [&copy, &gone] {
            std::fs::copy(hold_program(), to).expect("copied");
        }

        let mut held = vec![hold(&["tcp/0.0.0.0:7001", "udp/[::1]:7002", "raw/0.0.0.0:1", "unix/stream:@lab"])];
        held.push(start(Command::new("setpriv").args(["--reuid=1", "--clear-groups"]).arg(&copy).arg("tcp/[::]:7003")));
        held.push(start(Command::new(&gone).arg("tcp/127.0.0.1:7004")));
        std::fs::remove_file(&gone).expect("removed");
        let over = "mount --bind \"$0\" \"$1\"; exec \"$1\" tcp/127.0.0.1:7005";
        let mut foreign = Command::new("unshare");
        foreign.args(["--mount", "sh", "-c", over]).arg(&copy).arg(hold_program());
        held.push(start(&mut foreign));
        let named = |name: &str, words: &[&str]| {
            run("ip", &["netns", "add", name]);
            start(Command::new("ip").args(["netns", "exec", name]).arg(hold_program()).args(words))
        };
        held.push(named("blue", &["--loopback", "tcp/0.0.0.0:7001"]));

        let script = "mount --rbind / \"$0\" && mount --bind \"$1\" /etc/passwd && mount -t proc proc /proc \
                      && hostname container && exec \"$2\" --loopback tcp/127.0.0.1:7099";
        let mut container = Command::new("unshare");
        container.args([
            "--mount",
            "--net",
            "--pid",
            "--uts",
            "--cgroup",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            script,
        ]);
        held.push(start(container.arg(path("root")).arg(path("passwd")).arg(hold_program())));
        // After the container started, so that it has no mount of this one; nobody lives there.
        held.push(named("green", &["--loopback", "--by", "away", "tcp/127.0.0.1:7006"]));
        let seen = report(&[]);
        let inner = at(&seen, INNER)["owners"][0]["pid"].as_u64().expect("its process") as u32;
        let root = PathBuf::from(text(&path("root")));
        Self { root, inner, _held: held, _place: place }
    }

    /// Runs earmark in the container, after `before`.
    fn run(&self, before: &[&str], arguments: &[&str]) -> Output {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.inner.to_string(), "-m", "-n", "-p", "-u", "-C"]).args(before);
        command.arg(env!("CARGO_BIN_EXE_earmark")).args(arguments).env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().expect("it runs")
    }

    fn report(&self, before: &[&str], arguments: &[&str]) -> Value {
        let root = self.root.to_str().expect("UTF-8");
        let output = self.run(before, &[&["--json", "--root", root], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

fn listeners(report: &Value) -> &Vec<Value> {
    report["listeners"].as_array().expect("listeners")
}

fn at<'a>(report: &'a Value, endpoint: &str) -> &'a Value {
    let mut here = listeners(report).iter();
    here.find(|one| one["endpoint"] == endpoint).unwrap_or_else(|| panic!("no {endpoint} in {report:#}"))
}

/// The rows without the times, which hang on when it was looked.
fn rows(report: &Value) -> Vec<Value> {
    let mut rows = listeners(report).clone();
    for owner in rows.iter_mut().flat_map(|row| row["owners"].as_array_mut().expect("owners")) {
        owner["started"] = Value::Null;
    }
    rows
}

/// Namespace, endpoint and pids of each row.
fn places(report: &Value) -> Vec<String> {
    let pids = |row: &Value| {
        let owners = row["owners"].as_array().expect("owners").iter();
        owners.map(|owner| format!(" {} {} {}", owner["pid"], owner["user"], owner["exe_state"])).collect::<String>()
    };
    let row = |row: &Value| format!("{} {}{}", row["netns"]["name"], row["endpoint"], pids(row));
    listeners(report).iter().map(row).collect()
}

#[test]
fn a_container_tells_of_the_host_what_the_host_tells() {
    world("a_container_tells_of_the_host_what_the_host_tells", Need::Root, || {
        let lab = Lab::new();
        let all = ["-t", "-u", "-w", "-x", "-a", "--packages"];
        let outside = report(&all);
        let inside = lab.report(&[], &all);
        assert_eq!(rows(&inside), rows(&outside), "{:#?}\n{:#?}", places(&inside), places(&outside));
        for part in ["host", "vantage"] {
            assert_eq!(inside[part], outside[part], "{part}");
        }
        for part in ["complete", "tables", "gaps"] {
            assert_eq!(inside["coverage"][part], outside["coverage"][part], "{part}");
        }
        let state = |endpoint: &str| at(&inside, endpoint)["owners"][0]["exe_state"].clone();
        let ports = [("tcp/[::]:7003", "ok"), ("tcp/127.0.0.1:7004", "deleted"), ("tcp/127.0.0.1:7005", "foreign")];
        for (endpoint, want) in ports {
            assert_eq!(state(endpoint), want, "{endpoint}");
        }
        assert_eq!(at(&inside, "tcp/[::]:7003")["owners"][0]["user"], "daemon");
        let inner = &at(&inside, INNER)["netns"];
        assert!(inner["name"].as_str().is_some_and(|name| name.starts_with("pid ")), "not the host's own: {inner}");
        assert_eq!(at(&inside, "tcp/127.0.0.1:7006")["netns"]["name"], "green");
        assert_eq!(inside["host"]["hostname"], "host");
        let own: Value = serde_json::from_slice(&lab.run(&[], &["--json"]).stdout).expect("JSON");
        assert_eq!(own["host"]["hostname"], "container");
        let own = listeners(&own).iter().filter(|row| row["netns"]["name"].is_null());
        assert_eq!(own.map(|row| &row["endpoint"]).collect::<Vec<_>>(), [INNER], "the container has one of its own");

        let root = lab.root.to_str().expect("UTF-8");
        let capture = lab.run(&[], &["capture", "--root", root]).stdout;
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), capture).expect("written");
        let replayed = report(&[&all[..5], &["--from", file.path().to_str().expect("UTF-8")]].concat());
        assert_eq!(places(&replayed), places(&inside));
        for (verb, want) in [(&["doctor"][..], "tables"), (&["explain", "tcp/7003"], "tcp/[::]:7003")] {
            let output = lab.run(&[], &[verb, &["--root", root]].concat());
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && said.contains(want), "{verb:?}: {said}");
        }
    });
}

#[test]
fn where_the_namespace_may_not_be_entered_its_tables_are_read() {
    world("where_the_namespace_may_not_be_entered_its_tables_are_read", Need::Root, || {
        let lab = Lab::new();
        let outside = report(&[]);
        let inside = lab.report(&["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all"], &[]);
        let mut want = places(&outside);
        // Only a mount leads to this one, and to enter it is what was refused.
        want.retain(|row| !row.starts_with("\"green\""));
        assert_eq!(places(&inside), want);
        let coverage = &inside["coverage"];
        assert_eq!(coverage["complete"], false);
        let tables = coverage["tables"].as_array().expect("tables");
        let tcp = tables.iter().find(|table| table["table"] == "tcp" && table["status"] == "read").expect("the table");
        assert_eq!(tcp["source"], "proc", "{tcp}");
        assert!(tcp["lacks"].as_array().is_some_and(|lacks| !lacks.is_empty()), "{tcp}");
        assert!(tables.iter().all(|table| table["source"] != "sock_diag"), "{tables:#?}");
        // Vsock knows no network namespaces, and where nobody can be asked the descriptors tell.
        let vsock = tables.iter().find(|table| table["table"] == "vsock").expect("the table");
        assert!(vsock["source"] == "fd" || vsock["status"] == "absent", "{vsock}");
        assert!(coverage["gaps"].to_string().contains("green"), "{}", coverage["gaps"]);
        let bound = lab.report(&["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all"], &["-t", "-a"]);
        let gaps = bound["coverage"]["gaps"].as_array().expect("gaps").iter();
        let mut gaps = gaps.filter(|gap| gap["what"] == "the table tcp-bound");
        assert!(gaps.all(|gap| gap["remedy"].to_string().contains("cap_sys_admin")), "{}", bound["coverage"]["gaps"]);
        assert_eq!(inside["host"]["hostname"], static_name(), "that of a name that may not be asked for");

        // Another user sees no more of it, and still nothing of where he is himself.
        let inside = lab.report(&["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], &["-t"]);
        let mut endpoints: Vec<_> = listeners(&inside).iter().map(|row| row["endpoint"].clone()).collect();
        endpoints.dedup();
        let here: Vec<_> = listeners(&outside).iter().filter(|row| row["transport"] == "tcp").collect();
        let here: Vec<_> = here.iter().filter(|row| row["netns"]["name"] != "green").collect();
        assert_eq!(listeners(&inside).len(), here.len(), "{:#?}", places(&inside));
        let own = listeners(&inside).iter().filter(|row| row["netns"]["name"].is_null());
        let own: Vec<_> = own.map(|row| row["endpoint"].as_str().expect("an endpoint")).collect();
        assert!(own.contains(&"tcp/0.0.0.0:7001") && !own.contains(&INNER), "{own:?}");

        // This pid namespace has a /proc of its own, so nobody else's changes with it. Where its first process is not to
        // be seen, neither is what that would lead to.
        run("mount", &["-o", "remount,hidepid=invisible", "/proc"]);
        let root = lab.root.to_str().expect("UTF-8");
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        let hidden = lab.run(&nobody, &["--json", "-t", "--root", root]);
        let hidden: Value = serde_json::from_slice(&hidden.stdout).expect("JSON");
        assert_eq!(hidden["vantage"]["hidepid"], "invisible");
        assert!(listeners(&hidden).iter().all(|row| !row["netns"]["name"].is_null()), "{:#?}", places(&hidden));
        let tables = hidden["coverage"]["tables"].as_array().expect("tables").iter();
        assert!(tables.clone().any(|table| table["table"] == "tcp" && table["status"] == "unreadable"));
    });
}

/// What the host calls itself when it boots.
fn static_name() -> Value {
    let text = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let name = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    name.map_or(Value::Null, |name| name.into())
}

#[test]
fn a_root_with_proc_alone_says_nothing_of_files() {
    world("a_root_with_proc_alone_says_nothing_of_files", Need::Root, || {
        let _held = hold(&["tcp/0.0.0.0:7001"]);
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().to_str().expect("UTF-8");
        run("mount", &["-t", "tmpfs", "none", path]);
        let proc = place.path().join("proc");
        std::fs::create_dir(&proc).expect("made");
        run("mount", &["--bind", "/proc", proc.to_str().expect("UTF-8")]);
        // A link that would lead to a file of ours.
        std::fs::create_dir(place.path().join("etc")).expect("made");
        let ours = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(ours.path(), "intruder:x:0:0::/:/bin/sh\n").expect("written");
        std::os::unix::fs::symlink(ours.path(), place.path().join("etc/passwd")).expect("a link");
        let seen = report(&["--root", path]);
        let owner = &at(&seen, "tcp/0.0.0.0:7001")["owners"][0];
        assert_eq!((&owner["exe_state"], &owner["user"]), (&"unreadable".into(), &Value::Null), "{owner}");
        assert!(owner["exe"].as_str().is_some_and(|exe| exe.ends_with("/hold")), "{owner}");
        run("umount", &["-l", path]);
    });
}

#[test]
fn ids_of_processes_are_those_of_the_host() {
    world("ids_of_processes_are_those_of_the_host", Need::Root, || {
        let mut host = Command::new("unshare");
        host.args(["--pid", "--net", "--mount", "--uts", "--fork", "--kill-child", "--mount-proc"]).arg(hold_program());
        let _host = start(host.args(["--loopback", "--by", "thread", "tcp/127.0.0.1:7030"]));
        let outside = report(&[]);
        let first = at(&outside, "tcp/127.0.0.1:7030")["owners"][0]["pid"].to_string();
        // Its processes are none of ours by their ids, and we are none of its.
        let mut within = Command::new("nsenter");
        within.args(["-t", &first, "-m", env!("CARGO_BIN_EXE_earmark"), "--json", "--root", "/"]);
        let output = within.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let seen: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let row = at(&seen, "tcp/127.0.0.1:7030");
        assert_eq!(row["netns"]["name"], Value::Null, "it is where the first process lives");
        let owner = &row["owners"][0];
        assert_eq!((&owner["pid"], &owner["via"]), (&1.into(), &"thread".into()), "{owner}");
        assert_eq!(owner["user"], "root", "{owner}");
    });
}
