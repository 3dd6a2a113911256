//! A host with a systemd and a journal of its own, on which the service is installed as a package installs it.

#![expect(clippy::disallowed_methods, reason = "a live test runs programs")]

use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::world::absent;

const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// What has to be there.
const PROGRAMS: [&str; 5] = [
    "/lib/systemd/systemd",
    "/lib/systemd/systemd-journald",
    "/usr/bin/journalctl",
    "/usr/bin/systemd-sysusers",
    "/usr/bin/nsenter",
];

/// Everything is mounted in a namespace that ends with process 1. `/usr` and `/etc` are copies in memory, `/dev` has the
/// devices of a container, and of the units that systemd brings only those are there that the service stands on: what
/// sets up a machine would set up this one.
const SETUP: &str = r#"
set -e
mount --make-rprivate /
umount /sys/fs/cgroup
mount --bind /sys /sys
mount -o remount,bind,ro /sys
mount -t cgroup2 none /sys/fs/cgroup
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t tmpfs -o mode=755 none /mnt
for place in usr etc; do
    mkdir -p "/mnt/$place/upper" "/mnt/$place/work"
    mount -t overlay -o "lowerdir=/$place,upperdir=/mnt/$place/upper,workdir=/mnt/$place/work" none "/$place"
done
units=/usr/lib/systemd/system
mkdir /mnt/units /mnt/dev
for unit in basic sysinit timers sockets paths slices shutdown umount time-set time-sync; do
    cp -L "$units/$unit.target" /mnt/units
done
cp -L "$units/systemd-journald.service" "$units/systemd-journald.socket" /mnt/units
mount -t tmpfs -o mode=755 none "$units"
cp /mnt/units/* "$units"
for place in /usr/lib/systemd/system-generators /usr/lib/systemd/system-environment-generators /etc/systemd/system; do
    mount -t tmpfs -o mode=755 none "$place"
done

# What the package has, where it has it.
install -m 755 "$PROGRAM" /usr/bin/earmark
install -m 644 "$PACKAGING"/systemd/earmark-audit.* "$units"
install -m 644 "$PACKAGING/earmark.sysusers" /usr/lib/sysusers.d/earmark.conf
install -D -m 644 "$PACKAGING/policy.toml" /etc/earmark/policy.d/00-default.toml

mount -t tmpfs -o mode=755 none /mnt/dev
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx /mnt/dev
mkdir /mnt/dev/pts /mnt/dev/shm
ln -s /proc/self/fd /mnt/dev/fd
ln -s null /mnt/dev/console
mount --move /mnt/dev /dev
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=755 none /var
mount -t tmpfs -o mode=1777 none /tmp
mkdir -p /var/lib /var/log /var/cache
mkdir -m 1777 /var/tmp
echo 0123456789abcdef0123456789abcdef >/etc/machine-id
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nForwardToSyslog=no\nForwardToWall=no\n' >/etc/systemd/journald.conf
# The scripts of the package do these.
systemd-sysusers earmark.conf >/dev/null 2>&1
install -d -m 750 /var/lib/earmark
export container=lab
unset PROGRAM PACKAGING
exec /lib/systemd/systemd --system --unit=basic.target --log-target=journal --show-status=no
"#;

/// The host: gone with all that it started when the test ends.
pub struct Host {
    unshare: Child,
    pid: String,
    cgroup: PathBuf,
}

/// Starts it. `test` is the name of the test that wants it. Where something is missing that it takes, one line says so.
pub fn host(test: &str) -> Option<Host> {
    if let Some(missing) = PROGRAMS.iter().find(|program| !Path::new(program).exists()) {
        absent(missing);
        return None;
    }
    // Where they are mounted there already, that is an error and no harm.
    let _ = Command::new("mount").args(["-t", "cgroup2", "none", "/sys/fs/cgroup"]).output();
    let overlay = "mount -t tmpfs none /mnt && mkdir /mnt/a /mnt/b && \
                   mount -t overlay -o lowerdir=/etc,upperdir=/mnt/a,workdir=/mnt/b none /media && umount /media /mnt";
    let able = Command::new("sh").args(["-c", overlay]).output().is_ok_and(|output| output.status.success());
    if !able || !Path::new("/sys/fs/cgroup/cgroup.procs").exists() {
        let _ = writeln!(std::io::stderr(), "{test}: NOT RUN, it needs overlayfs and cgroups of version 2");
        return None;
    }
    // Tests run at once, and cgroups know no namespaces but by their root.
    let cgroup = Path::new("/sys/fs/cgroup").join(format!("earmark-{test}"));
    std::fs::create_dir_all(&cgroup).expect("a cgroup");
    let line = "echo $$ >\"$0/cgroup.procs\" && exec unshare --cgroup --pid --mount --fork --mount-proc sh -c \"$1\"";
    let mut unshare = Command::new("sh");
    unshare.args(["-c", line]).arg(&cgroup).arg(SETUP).env_clear().env("PATH", PATH);
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let unshare = unshare.env("PROGRAM", env!("CARGO_BIN_EXE_earmark")).env("PACKAGING", packaging);
    let unshare = unshare.stdin(Stdio::null()).spawn().expect("a shell");
    let children = format!("/proc/{0}/task/{0}/children", unshare.id());
    let first = || std::fs::read_to_string(&children).ok()?.split_ascii_whitespace().next().map(str::to_owned);
    let pid = soon("a first process", first);
    let host = Host { unshare, pid, cgroup };
    for unit in ["basic.target", "systemd-journald.service"] {
        let active = || host.run(&["systemctl", "is-active", "--quiet", unit]).status.success().then_some(());
        if unit == "systemd-journald.service" {
            assert!(host.run(&["systemctl", "start", unit]).status.success(), "the journal");
        }
        host.soon(unit, active);
    }
    Some(host)
}

impl Host {
    /// A program on that host.
    pub fn command(&self, program: &str) -> Command {
        let mut enter = Command::new("nsenter");
        enter.args(["--target", &self.pid, "--pid", "--mount", "--cgroup", "--", program]);
        enter.env_clear().env("PATH", PATH);
        enter
    }

    /// Runs a program there.
    pub fn run(&self, words: &[&str]) -> Output {
        let (program, arguments) = words.split_first().expect("a program");
        self.command(program).args(arguments).stdin(Stdio::null()).output().expect("nsenter runs")
    }

    /// Starts a program there that prints `ready` once its sockets stand, and ends with its standard input.
    pub fn hold(&self, command: &mut Command) -> Held {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("nsenter runs");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().expect("piped"));
        let held = Held { stdin, child };
        let mut line = String::new();
        std::io::BufReader::new(stdout).read_line(&mut line).expect("it speaks");
        assert!(line.starts_with("ready"), "the holder said {line:?}");
        held
    }

    /// Where a path of that host is for us.
    pub fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.pid))
    }

    /// What systemd says of a unit.
    pub fn shows(&self, unit: &str, property: &str) -> String {
        let output = self.run(&["systemctl", "show", "--value", "--property", property, unit]);
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// All that the journal has, for whoever asks why something failed.
    pub fn log(&self) -> String {
        let _ = self.run(&["journalctl", "--sync"]);
        String::from_utf8_lossy(&self.run(&["journalctl", "--no-pager", "-o", "cat"]).stdout).into_owned()
    }

    /// Waits for what comes soon.
    pub fn soon<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        soon(what, look)
    }

    /// Says which limits of the unit no controller enforces here.
    pub fn say_what_is_not_enforced(&self) {
        let has = std::fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
        for (controller, limit) in [("memory", "MemoryMax="), ("pids", "TasksMax=")] {
            if !has.split_ascii_whitespace().any(|one| one == controller) {
                let _ = writeln!(
                    std::io::stderr(),
                    "{limit}: NOT RUN, this kernel has no controller `{controller}` in its cgroups of version 2"
                );
            }
        }
    }
}

/// A process of that host that holds sockets until it is dropped.
pub struct Held {
    stdin: Option<ChildStdin>,
    child: Child,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Killed, nsenter would leave it to us, and the host could not end before we had waited for it.
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let first = self.pid.parse().ok().and_then(rustix::process::Pid::from_raw);
        if let Some(first) = first {
            let _ = rustix::process::kill_process(first, rustix::process::Signal::KILL);
        }
        let _ = self.unshare.wait();
        // The last processes may still be leaving.
        for _ in 0..100 {
            let find = Command::new("find").arg(&self.cgroup).args(["-depth", "-type", "d", "-delete"]).output();
            if find.is_ok_and(|find| find.status.success()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

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
