//! Real daemons of the distribution, each as it is set up by default: whose they are, what they are, and nothing to cry
//! about.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use support::ss;
use support::world::{Need, absent, installed, record, report, world};

/// A daemon, killed when the test ends.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn daemon(program: &str, arguments: &[&str]) -> Daemon {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Daemon(command.spawn().unwrap_or_else(|error| panic!("{program}: {error}")))
}

fn write(path: &Path, text: &str) -> String {
    std::fs::write(path, text).expect("written");
    path.to_string_lossy().into_owned()
}

/// The newest PostgreSQL that is installed.
fn postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions.flatten().map(|entry| entry.path().join("bin")).filter(|bin| bin.join("postgres").exists()).max()
}

/// Starts what is installed, and returns it with the endpoints and service of each.
fn start_all(folder: &Path) -> (Vec<Daemon>, BTreeMap<&'static str, &'static str>) {
    let mut daemons = Vec::new();
    let mut want = BTreeMap::new();
    if !installed("sshd") {
        absent("sshd");
    } else {
        std::fs::create_dir_all("/run/sshd").expect("the directory that sshd wants");
        let key = folder.join("key").to_string_lossy().into_owned();
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &key]));
        daemons.push(daemon("/usr/sbin/sshd", &["-D", "-f", "/dev/null", "-h", &key, "-o", "PidFile=none"]));
        want.extend([("tcp/0.0.0.0:22", "ssh"), ("tcp/[::]:22", "ssh")]);
    }
    if !installed("nginx") {
        absent("nginx");
    } else {
        let place = folder.to_string_lossy();
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let paths: String = paths.iter().map(|path| format!("{path}_temp_path {place}/{path};")).collect();
        let config = format!(
            "daemon off; worker_processes 2; pid {place}/nginx.pid; error_log /dev/null; events {{}}
             http {{ access_log off; {paths} server {{ listen 80; listen [::]:80; listen 443; }} }}"
        );
        daemons.push(daemon("nginx", &["-c", &write(&folder.join("nginx.conf"), &config)]));
        want.extend([("tcp/0.0.0.0:80", "http"), ("tcp/[::]:80", "http"), ("tcp/0.0.0.0:443", "https")]);
    }
    if !installed("redis-server") {
        absent("redis-server");
    } else {
        let place = folder.to_string_lossy();
        daemons.push(daemon("redis-server", &["--bind", "127.0.0.1", "::1", "--save", "", "--dir", &place]));
        want.extend([("tcp/127.0.0.1:6379", "redis"), ("tcp/[::1]:6379", "redis")]);
    }
    let bin = postgres();
    if bin.is_none() {
        absent("postgres");
    }
    if let Some(bin) = bin {
        let data = folder.join("postgres");
        let as_postgres = |program: &str| {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(bin.join(program));
            command
        };
        std::fs::create_dir(&data).expect("a folder");
        run(Command::new("chown").arg("postgres").arg(&data));
        run(as_postgres("initdb").arg("-D").arg(&data).args(["-A", "trust", "--no-sync"]));
        let mut server = as_postgres("postgres");
        server.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1", "-k"]).arg(&data);
        daemons.push(Daemon(server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("postgres starts")));
        want.insert("tcp/127.0.0.1:5432", "postgresql");
    }
    if !installed("chronyd") {
        absent("chronyd");
    } else {
        // It removes its pid file when it ends: nothing but a file of its own may stand there.
        let pid = folder.join("chronyd.pid");
        let config = write(&folder.join("chrony.conf"), &format!("port 0\npidfile {}\n", pid.display()));
        daemons.push(daemon("chronyd", &["-x", "-d", "-u", "root", "-f", &config]));
        want.extend([("udp/127.0.0.1:323", "chrony-cmd"), ("udp/[::1]:323", "chrony-cmd")]);
    }
    if !installed("unbound") {
        absent("unbound");
    } else {
        let place = folder.to_string_lossy();
        let config = format!(
            "server:\n interface: 127.0.0.1\n do-daemonize: no\n chroot: \"\"\n username: \"\"\n directory: \"{place}\"\n \
             pidfile: \"\"\n use-syslog: no\n"
        );
        daemons.push(daemon("unbound", &["-d", "-c", &write(&folder.join("unbound.conf"), &config)]));
        want.extend([("tcp/127.0.0.1:53", "domain"), ("udp/127.0.0.1:53", "domain")]);
    }
    (daemons, want)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("null")
}

#[test]
fn a_plain_server_is_seen_as_ss_sees_it_and_nothing_is_above_low() {
    world("a_plain_server_is_seen_as_ss_sees_it_and_nothing_is_above_low", Need::Root, || {
        run(Command::new("mount").args(["-t", "tmpfs", "none", "/run"]));
        // A device besides lo, so that a wildcard is one.
        let link = ["link", "add", "outer", "type", "veth", "peer", "name", "inner"];
        if Command::new("ip").args(link).output().is_ok_and(|output| output.status.success()) {
            run(Command::new("ip").args(["address", "add", "198.51.100.7/24", "dev", "outer"]));
            run(Command::new("ip").args(["link", "set", "outer", "up"]));
        }
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("open to all");
        let (_daemons, want) = start_all(folder.path());
        let missing = |report: &Value| {
            let listeners = report["listeners"].as_array().expect("listeners");
            let here = |endpoint: &str| listeners.iter().any(|listener| text(&listener["endpoint"]) == endpoint);
            want.keys().copied().filter(|endpoint| !here(endpoint)).collect::<Vec<_>>()
        };
        let mut seen = report(&[]);
        for _ in 0..100 {
            if missing(&seen).is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
            seen = report(&[]);
        }
        assert_eq!(missing(&seen), Vec::<&str>::new());
        // Workers that start or stop between the two looks would be no difference of the looks.
        let agrees = (0..20).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            let before = ss::rows(&report(&[]));
            before == ss::listeners() && before == ss::rows(&report(&[]))
        });
        assert!(agrees, "earmark {:#?}\nss {:#?}", ss::rows(&report(&[])), ss::listeners());

        record("plain-server", None);
        record("plain-server-as-nobody", Some(65534));
        let seen = report(&[]);
        for listener in seen["listeners"].as_array().expect("listeners") {
            let Some(service) = want.get(text(&listener["endpoint"])) else { continue };
            assert_eq!(text(&listener["service"]["name"]), *service, "{listener}");
            assert_eq!(text(&listener["service"]["claim"]), "confirmed", "{listener}");
        }
        for finding in seen["findings"].as_array().expect("findings") {
            assert!(matches!(text(&finding["severity"]), "low" | "info"), "{finding}");
        }
        assert_eq!(seen["coverage"]["complete"], true, "{}", seen["coverage"]["gaps"]);
    });
}
