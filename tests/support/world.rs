//! Namespaces of its own for a live test: the test binary runs itself anew within them.

#![expect(clippy::disallowed_methods, reason = "a live test runs programs")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use super::sockets;

/// Who a test has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Root, or a user who may make user namespaces.
    Namespaces,
    /// Root: other users, mounts over the host's files.
    Root,
}

/// Runs `body` as process 1 of new network, pid, mount and UTS namespaces, with loopback up. Where that cannot be had, one
/// line says so. `test` is the full name of the test that calls this.
pub fn world(test: &str, need: Need, body: impl FnOnce()) {
    const WORLD: &str = "EARMARK_TEST_WORLD";
    if std::env::var(WORLD).as_deref() == Ok(test) {
        sockets::loopback_up().expect("loopback comes up");
        sockets::set_hostname("host").expect("a name of its own");
        return body();
    }
    let is_root = rustix::process::geteuid().is_root();
    let unshare = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "--pid", "--mount", "--uts", "--fork", "--kill-child", "--mount-proc"]);
        if !is_root {
            unshare.arg("--map-root-user");
        }
        unshare
    };
    let able = unshare().arg("true").output().is_ok_and(|output| output.status.success());
    if !able || (need == Need::Root && !is_root) {
        // Past libtest, which keeps what a passing test prints.
        let wants = if need == Need::Root { "root" } else { "root or user namespaces" };
        let _ = writeln!(std::io::stderr(), "{test}: NOT RUN, it needs {wants}");
        return;
    }
    let own = std::env::current_exe().expect("our own path");
    let output = unshare()
        .arg(own)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(WORLD, test)
        .stdin(Stdio::null())
        .output()
        .expect("unshare runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "within its namespaces:\n{text}");
    for line in text.lines().filter(|line| line.contains("NOT RUN") || line.starts_with("figures: ")) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// A process that holds sockets until it is dropped.
pub struct Holder {
    child: Child,
    _stdin: ChildStdin,
}

impl Holder {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the program that holds sockets is as if it were installed, in a world that asks for it.
const INSTALLED: &str = "/srv/hold";

/// Puts the program that holds sockets where root alone may write, wherever this was built: a program in a scratch
/// directory is a finding. Only in a world, whose mounts end with it.
pub fn install() {
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "mode=755", "none", "/srv"]).status();
    assert!(mounted.expect("mount").success());
    std::fs::copy(built(), INSTALLED).expect("a copy");
}

/// The program that holds sockets: beside the binaries of this build, or installed.
pub fn hold_program() -> PathBuf {
    let installed = PathBuf::from(INSTALLED);
    if installed.exists() { installed } else { built() }
}

fn built() -> PathBuf {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_earmark"));
    binary.with_file_name("examples").join("hold")
}

/// Starts a program that prints `ready` once its sockets stand, as `examples/hold.rs` does.
pub fn start(command: &mut Command) -> Holder {
    use std::io::BufRead as _;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the holder starts");
    let stdin = child.stdin.take().expect("piped");
    let stdout = child.stdout.take().expect("piped");
    let mut line = String::new();
    std::io::BufReader::new(stdout).read_line(&mut line).expect("it speaks");
    assert!(line.starts_with("ready"), "the holder said {line:?}");
    Holder { child, _stdin: stdin }
}

/// Holds sockets.
pub fn hold(words: &[&str]) -> Holder {
    start(Command::new(hold_program()).args(words))
}

/// Runs the program under test, with an environment that changes nothing.
pub fn earmark(arguments: &[&str]) -> Output {
    command(arguments).output().expect("earmark runs")
}

/// The program under test, with an environment that changes nothing.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earmark"));
    command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
    command
}

/// The report as JSON.
pub fn report(arguments: &[&str]) -> serde_json::Value {
    let output = earmark(&[&["--json"], arguments].concat());
    assert!(output.status.code().is_some_and(|code| code < 3), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// With `UPDATE_CAPTURES=1` writes what this world is into `tests/captures`, as root or as another user sees it.
pub fn record(name: &str, user: Option<u32>) {
    use std::os::unix::process::CommandExt as _;
    let mut command = command(&["capture"]);
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    record_with(name, |_| command.output().expect("earmark runs"));
}

/// The same of what a run elsewhere writes, which is given the path of the program.
pub fn record_with(name: &str, run: impl FnOnce(&str) -> Output) {
    if std::env::var_os("UPDATE_CAPTURES").is_none() {
        return;
    }
    let output = run(env!("CARGO_BIN_EXE_earmark"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    std::fs::write(place.join(name).with_extension("capture"), &output.stdout).expect("written");
}

/// Says in one line that a part of a test did not run.
pub fn absent(program: &str) {
    let _ = writeln!(std::io::stderr(), "NOT RUN with {program}: it is not installed");
}

/// True where a program is installed.
pub fn installed(program: &str) -> bool {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|place| PathBuf::from(place).join(program).exists())
}
