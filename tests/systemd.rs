//! A real systemd as process 1 of a pid namespace: which unit each listener has, and for which socket unit a service manager
//! holds it.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::ss;
use support::world::{Need, absent, command, hold_program, record_with, world};

const MANAGER: &str = "/lib/systemd/systemd";
const CGROUP: &str = "/sys/fs/cgroup/earmark-systemd";
/// Whose own manager runs: nobody's.
const USER: &str = "65534";

/// Units by the manager that they are for, their name, what they say of themselves, and what of their kind. `HOLD` and a port
/// stand for a program that listens there, MANAGE for a manager.
const UNITS: [(&str, &str, &str, &str); 16] = [
    ("system", "lab.target", "Wants=waiting.socket demo.service each.socket more.target", ""),
    ("system", "more.target", "Wants=plain.service inst@one.service user@65534.service", ""),
    ("system", "waiting.socket", "", "ListenStream=127.0.0.1:7201\nListenStream=[::1]:7201"),
    ("system", "waiting.service", "", "ExecStart=sleep infinity"),
    ("system", "demo.socket", "", "ListenStream=127.0.0.1:7202\nListenDatagram=127.0.0.1:7202"),
    ("system", "demo.service", "Requires=demo.socket\nAfter=demo.socket", "ExecStart=sleep infinity"),
    ("system", "each.socket", "", "ListenStream=127.0.0.1:7203\nAccept=yes"),
    ("system", "each@.service", "", "StandardInput=socket\nExecStart=sh -c 'echo $$$$; exec sleep infinity'"),
    ("system", "plain.service", "", "HOLD 7204\nSlice=lab-deep.slice"),
    ("system", "inst@.service", "", "HOLD 7205"),
    ("system", "user@.service", "", "Type=notify\nUser=%i\nGroup=%i\nDelegate=yes\nSlice=user-%i.slice\nMANAGE"),
    ("user", "lab.target", "Wants=own.service own.socket idle.socket", ""),
    ("user", "own.service", "", "HOLD 7206"),
    ("user", "own.socket", "", "ListenStream=127.0.0.1:7207"),
    ("user", "idle.socket", "", "ListenStream=127.0.0.1:7208"),
    ("user", "idle.service", "", "ExecStart=sleep infinity"),
];

/// The manager is process 1 of a pid namespace, and the root of its cgroups is one of ours.
const SETUP: &str = r#"
set -e
umount /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
# It sets what it thinks fit for a whole host.
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount --bind /dev/null /dev/console
mount --bind "$UNITS" /mnt
mount -t tmpfs -o mode=755 none /run
mkdir -p /run/systemd /run/user/65534/systemd
cp -r /mnt/system /run/systemd/system
cp -r /mnt/user /run/user/65534/systemd/user
chown -R 65534:65534 /run/user/65534
cp "$HOLD" /run/hold
mkfifo -m 666 /run/stays
export container=lab
exec /lib/systemd/systemd --system --unit=lab.target --log-target=null --show-status=no
"#;

/// The manager and all that it started: gone with their cgroups when the test ends.
struct Manager {
    unshare: Child,
    pid: String,
}

impl Manager {
    fn start(units: &Path) -> Self {
        let line =
            "echo $$ >\"$0/cgroup.procs\" && exec unshare --cgroup --pid --mount --fork --mount-proc sh -c \"$1\"";
        let mut unshare = Command::new("sh");
        unshare.args(["-c", line, CGROUP, SETUP]).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let unshare =
            unshare.env("UNITS", units).env("HOLD", hold_program()).stdin(Stdio::null()).spawn().expect("a shell");
        let children = format!("/proc/{0}/task/{0}/children", unshare.id());
        let pid = soon("a first process", || {
            let children = std::fs::read_to_string(&children).ok()?;
            children.split_ascii_whitespace().next().map(str::to_owned)
        });
        let manager = Self { unshare, pid };
        manager.wait_for("lab.target");
        manager.wait_for("user@65534.service");
        manager
    }

    fn wait_for(&self, unit: &str) {
        soon(unit, || self.inside(&["systemctl", "is-active", "--quiet", unit]).status.success().then_some(()));
    }

    /// Runs a program in the manager's namespaces.
    fn inside(&self, words: &[&str]) -> Output {
        let mut enter = Command::new("nsenter");
        enter.args(["--target", &self.pid, "--pid", "--mount", "--cgroup", "--"]).args(words);
        enter.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        enter.output().expect("nsenter runs")
    }

    fn report(&self, before: &[&str]) -> Value {
        let program = command(&[]).get_program().to_string_lossy().into_owned();
        let output = self.inside(&[before, &[&program, "--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// What the manager itself says of a unit.
    fn shows(&self, unit: &str, property: &str) -> String {
        let output = self.inside(&["systemctl", "show", "--value", "--property", property, unit]);
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }

    /// Asks the manager which process a unit has, and where a socket unit listens.
    fn agrees(&self, listener: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for owner in listener["owners"].as_array().expect("a list") {
            let (unit, socket_unit) = (text(&owner["unit"]), text(&owner["socket_unit"]));
            if unit.ends_with(".service") && owner["user_unit"].is_null() {
                assert_eq!(self.shows(&unit, "MainPID"), owner["pid"].to_string(), "{unit}");
            }
            if !socket_unit.is_empty() {
                let listens = text(&listener["endpoint"]).split_once('/').expect("a transport").1.to_owned();
                let said = self.shows(&socket_unit, "Listen");
                assert!(said.contains(&listens), "{socket_unit}: {said}");
            }
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let first = self.pid.parse().ok().and_then(rustix::process::Pid::from_raw);
        if let Some(first) = first {
            let _ = rustix::process::kill_process(first, rustix::process::Signal::KILL);
        }
        let _ = self.unshare.wait();
        let _ = Command::new("find").args([CGROUP, "-depth", "-type", "d", "-delete"]).status();
    }
}

/// Waits for what comes soon.
fn soon<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        // An emulated machine takes its time.
        assert!(began.elapsed() < Duration::from_secs(60), "{what} does not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn write_units(folder: &Path) {
    for (manager, name, about, own) in UNITS {
        let kind = name.rsplit('.').next().expect("a kind");
        let section = if own.is_empty() { String::new() } else { format!("[{}]\n", capital(kind)) };
        let own = own.lines().map(|line| match line.split_once(' ') {
            Some(("HOLD", port)) => {
                format!("ExecStart=sh -c 'exec /run/hold tcp/127.0.0.1:{port} 0<>/run/stays'\n")
            }
            _ if line == "MANAGE" => format!(
                "Environment=XDG_RUNTIME_DIR=/run/user/%i\n\
                 ExecStart={MANAGER} --user --unit=lab.target --log-target=null\n"
            ),
            _ => format!("{line}\n"),
        });
        let text = format!("[Unit]\nDefaultDependencies=no\n{about}\n{section}{}", own.collect::<String>());
        let place = folder.join(manager);
        std::fs::create_dir_all(&place).expect("a directory");
        std::fs::write(place.join(name), text).expect("written");
    }
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

/// What is told of each listener at a port: its unit, that within a user's manager, and the same of each owner, with its
/// role and the socket unit that it holds it for.
fn told(report: &Value) -> BTreeMap<String, Value> {
    let row = |listener: &Value| {
        let owners = listener["owners"].as_array().expect("a list").iter().map(|owner| {
            let exe = owner["exe"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
            json!([exe, owner["role"], owner["unit"], owner["user_unit"], owner["socket_unit"]])
        });
        let text = json!([listener["unit"], listener["user_unit"], owners.collect::<Vec<_>>()]);
        (listener["endpoint"].as_str().expect("an endpoint").to_owned(), text)
    };
    report["listeners"].as_array().expect("a list").iter().map(row).collect()
}

#[test]
fn a_listener_is_of_the_unit_that_systemd_says() {
    world("a_listener_is_of_the_unit_that_systemd_says", Need::Root, || {
        if !Path::new(MANAGER).exists() {
            return absent("systemd");
        }
        let folder = tempfile::tempdir().expect("a directory");
        write_units(folder.path());
        // Where they are mounted there already, that is an error and no harm.
        let _ = Command::new("mount").args(["-t", "cgroup2", "none", "/sys/fs/cgroup"]).output();
        assert!(Path::new("/sys/fs/cgroup/cgroup.procs").exists(), "cgroups of version 2");
        std::fs::create_dir_all(CGROUP).expect("a cgroup");
        let manager = Manager::start(folder.path());
        record_with("units", |earmark| manager.inside(&[earmark, "capture"]));
        let report = manager.report(&[]);
        let activator = |unit: &str| json!(["systemd", "activator", "init.scope", null, unit]);
        let server = |exe: &str, unit: &str| json!([exe, "server", unit, null, null]);
        let of_user = |exe: &str, role: &str, unit: &str| json!([exe, role, "user@65534.service", unit, null]);
        // A user's manager may load no packet filter, and opens sockets in its own cgroup.
        let manages = of_user("systemd", "activator", "init.scope");
        let mut want = BTreeMap::from([
            ("tcp/127.0.0.1:7201", json!(["waiting.socket", null, [activator("waiting.socket")]])),
            ("tcp/[::1]:7201", json!(["waiting.socket", null, [activator("waiting.socket")]])),
            (
                "tcp/127.0.0.1:7202",
                json!(["demo.service", null, [server("sleep", "demo.service"), activator("demo.socket")]]),
            ),
            (
                "udp/127.0.0.1:7202",
                json!(["demo.service", null, [server("sleep", "demo.service"), activator("demo.socket")]]),
            ),
            ("tcp/127.0.0.1:7203", json!(["each.socket", null, [activator("each.socket")]])),
            ("tcp/127.0.0.1:7204", json!(["plain.service", null, [server("hold", "plain.service")]])),
            ("tcp/127.0.0.1:7205", json!(["inst@one.service", null, [server("hold", "inst@one.service")]])),
            (
                "tcp/127.0.0.1:7206",
                json!(["user@65534.service", "own.service", [of_user("hold", "server", "own.service")]]),
            ),
            (
                "tcp/127.0.0.1:7207",
                json!(["user@65534.service", "own.service", [of_user("hold", "server", "own.service"), manages]]),
            ),
            ("tcp/127.0.0.1:7208", json!(["user@65534.service", "init.scope", [manages]])),
        ]);
        assert_eq!(told(&report), named(&want));
        let listeners = report["listeners"].as_array().expect("a list");
        assert!(listeners.iter().all(|listener| listener["unit_state"] == "known"), "{report:#}");
        assert_eq!((&report["findings"], &report["coverage"]["gaps"]), (&json!([]), &json!([])));
        listeners.iter().for_each(|listener| manager.agrees(listener));
        let ss = manager.inside(&["ss", "-H", "-tulpn"]);
        assert_eq!(ss::rows(&report), ss::parsed(&String::from_utf8_lossy(&ss.stdout)));

        // Who may not look into processes has the cgroup that a socket was created in.
        let closed = manager.report(&["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"]);
        let units = told(&closed).into_iter().map(|(endpoint, told)| (endpoint, told[0].clone()));
        let mut of_sockets: BTreeMap<String, Value> =
            told(&report).into_iter().map(|(endpoint, told)| (endpoint, told[0].clone())).collect();
        for endpoint in ["tcp/127.0.0.1:7202", "udp/127.0.0.1:7202"] {
            of_sockets.insert(endpoint.to_owned(), "demo.socket".into());
        }
        assert_eq!(units.collect::<BTreeMap<_, _>>(), of_sockets);

        // Who connects starts the one service, and one of its own of the other.
        let waits = TcpStream::connect("127.0.0.1:7201").expect("the manager listens");
        let mut each = TcpStream::connect("127.0.0.1:7203").expect("the manager listens");
        let mut pid = [0u8; 16];
        let read = each.read(&mut pid).expect("the service of this connection speaks");
        let pid: u64 = std::str::from_utf8(&pid[..read]).ok().and_then(|pid| pid.trim().parse().ok()).expect("its pid");
        manager.wait_for("waiting.service");
        for endpoint in ["tcp/127.0.0.1:7201", "tcp/[::1]:7201"] {
            let both = [server("sleep", "waiting.service"), activator("waiting.socket")];
            want.insert(endpoint, json!(["waiting.service", null, both]));
        }
        let report = manager.report(&[]);
        assert_eq!(told(&report), named(&want));
        let listeners = report["listeners"].as_array().expect("a list");
        listeners.iter().for_each(|listener| manager.agrees(listener));
        let owners = listeners.iter().flat_map(|listener| listener["owners"].as_array().expect("a list"));
        assert!(owners.map(|owner| &owner["pid"]).all(|owner| *owner != pid), "a connection is no listener");
        drop((waits, each));
    });
}

fn named(want: &BTreeMap<&str, Value>) -> BTreeMap<String, Value> {
    want.iter().map(|(endpoint, told)| ((*endpoint).to_owned(), told.clone())).collect()
}
