//! The unit, its timer and the examples of drop-ins as a package installs them, started by a real systemd with its journal.
//!
//! That systemd is process 1 of namespaces of its own, on a copy of `/usr` and `/etc` that lies in memory: nothing that is
//! installed, enabled or written there is seen outside or stays.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use support::host::{Held, Host, host};
use support::world::{Need, absent, hold_program, install, installed, world};

const SERVICE: &str = "earmark-audit.service";

/// Runs `body` on a host with the service installed and the journal running.
fn with_host(test: &str, body: impl FnOnce(&Host)) {
    world(test, Need::Root, || {
        install();
        let before = outside();
        if let Some(host) = host(test) {
            body(&host);
        }
        assert_eq!(outside(), before, "nothing was written but to the copies");
    });
}

/// When each place was changed that an installation writes to.
fn outside() -> Vec<Option<std::time::SystemTime>> {
    let places =
        ["/etc/passwd", "/etc/group", "/etc/systemd/system", "/usr/bin/earmark", "/usr/lib/sysusers.d", "/etc/earmark"];
    places.iter().map(|place| std::fs::metadata(place).and_then(|file| file.modified()).ok()).collect()
}

/// Holds sockets on that host.
fn hold(host: &Host, words: &[&str]) -> Held {
    host.hold(host.command(hold_program().to_str().expect("UTF-8")).args(words))
}

/// Tells how the service ended, which systemd forgets of a unit that nothing is wrong with.
const TELLS: &str = "[Service]\nExecStopPost=+/bin/sh -c 'echo $$SERVICE_RESULT $$EXIT_STATUS >/run/ended'\n";

/// Starts the service, and returns how it ended: whether systemd calls it a success, what it says, and the exit code.
fn audit(host: &Host) -> (bool, String, String) {
    drop_in(host, "00-tells.conf", TELLS);
    let output = host.run(&["systemctl", "start", SERVICE]);
    let ended = std::fs::read_to_string(host.path("/run/ended")).expect("it ended");
    let (result, code) = ended.trim().split_once(' ').expect("two words");
    (output.status.success(), result.to_owned(), code.to_owned())
}

fn ended(success: bool, result: &str, code: &str) -> (bool, String, String) {
    (success, result.to_owned(), code.to_owned())
}

/// The entries of the journal that the program made, what was printed and what has fields of its own.
fn entries(host: &Host, more: &[&str]) -> Vec<Value> {
    assert!(host.run(&["journalctl", "--sync"]).status.success());
    let output = host.run(&[&["journalctl", "--quiet", "-o", "json", "-t", "earmark"], more].concat());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// The state that the service keeps.
fn state(host: &Host) -> String {
    std::fs::read_to_string(host.path("/var/lib/earmark/state.json")).expect("a state")
}

fn policy(host: &Host, text: &str) {
    let path = host.path("/etc/earmark/policy.d/10-host.toml");
    std::fs::write(path, format!("schema = 1\n{text}")).expect("a policy");
}

/// Installs a drop-in of the service.
fn drop_in(host: &Host, name: &str, text: &str) {
    let folder = host.path(&format!("/etc/systemd/system/{SERVICE}.d"));
    std::fs::create_dir_all(&folder).expect("a directory");
    std::fs::write(folder.join(name), text).expect("a drop-in");
    assert!(host.run(&["systemctl", "daemon-reload"]).status.success());
}

/// An example of the package.
fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/examples").join(name);
    std::fs::read_to_string(path).expect(name)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_service_remembers_as_its_user_and_tells_what_is_new_once() {
    with_host("the_service_remembers_as_its_user_and_tells_what_is_new_once", |host| {
        let _held = hold(host, &["tcp/127.0.0.1:7001"]);
        let exe = hold_program();
        // Only proved owners match: that this ends with 0 takes both capabilities.
        let expect = format!("port = [7001, 7002]\nexe = {:?}\nuser = \"root\"\n", exe.to_str().expect("UTF-8"));
        policy(host, &format!("[settings]\ndefault = \"deny\"\nloopback = \"enforce\"\n[[expect]]\n{expect}"));
        assert_eq!(audit(host), ended(true, "success", "0"), "{}", host.log());
        let user = host.run(&["id", "-u", "earmark"]);
        let user: u32 = String::from_utf8_lossy(&user.stdout).trim().parse().expect("the package made a user");
        let place = std::fs::metadata(host.path("/var/lib/earmark")).expect("its directory");
        let file = std::fs::metadata(host.path("/var/lib/earmark/state.json")).expect("its state");
        assert_eq!((place.uid(), place.mode() & 0o777, file.uid(), file.mode() & 0o777), (user, 0o750, user, 0o600));
        assert!(state(host).contains("tcp/127.0.0.1:7001"), "{}", state(host));
        let first = entries(host, &[]);
        assert_eq!(first[0]["MESSAGE"], "first audit: 1 listener remembered", "{first:?}");
        assert_eq!(first[0]["_UID"], user.to_string());

        assert_eq!(audit(host), ended(true, "success", "0"));
        assert_eq!(entries(host, &[]).len(), first.len(), "nothing is new, and nothing is said");
        let _more = hold(host, &["tcp/127.0.0.1:7002"]);
        assert_eq!(audit(host), ended(true, "success", "0"));
        let news = entries(host, &[]).split_off(first.len());
        assert!(news.iter().any(|entry| entry["MESSAGE"].as_str().is_some_and(|text| text.contains("127.0.0.1:7002"))));

        // Its rights, and that it gives them up, as it says itself from within.
        let doctor =
            "[Service]\nExecStart=\nExecStart=/usr/bin/earmark doctor --json\nStandardOutput=file:/run/doctor\n";
        drop_in(host, "doctor.conf", doctor);
        assert_eq!(audit(host), ended(true, "success", "0"), "{}", host.log());
        let told = std::fs::read_to_string(host.path("/run/doctor")).expect("it was told");
        let told: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(told["vantage"]["uid"], user);
        assert_eq!(told["vantage"]["caps"], json!(["cap_dac_read_search", "cap_sys_ptrace"]));
        assert_eq!(told["sandbox"]["capabilities"], "dropped", "{}", told["sandbox"]);
        assert_ne!(told["sandbox"]["landlock"], "refused", "{}", told["sandbox"]);
        host.say_what_is_not_enforced();
    });
}

#[test]
fn the_timer_waits_for_its_hour() {
    with_host("the_timer_waits_for_its_hour", |host| {
        // As the package does it.
        let enabled = host.run(&["systemctl", "enable", "--now", "earmark-audit.timer"]);
        assert!(enabled.status.success(), "{}", said(&enabled));
        assert_eq!(host.shows("earmark-audit.timer", "ActiveState"), "active");
        assert_eq!(host.shows("earmark-audit.timer", "Unit"), SERVICE);
        assert!(host.path("/etc/systemd/system/timers.target.wants/earmark-audit.timer").symlink_metadata().is_ok());
        let next = host.shows("earmark-audit.timer", "NextElapseUSecRealtime");
        let next = said(&host.run(&["date", "-d", &next, "+%s"]));
        let next: i64 = next.trim().parse().expect("it has a next time");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
        let left = next - i64::try_from(now).expect("a time");
        assert!((-60..=75 * 60).contains(&left), "within the hour and a quarter: {left} s");
        // And what it starts there.
        assert!(!host.path("/var/lib/earmark/state.json").exists());
        drop_in_of_timer(host, "[Timer]\nOnCalendar=\nRandomizedDelaySec=0\nAccuracySec=1us\nOnCalendar=*:*:0/1\n");
        host.soon("the timer starts the service", || host.path("/var/lib/earmark/state.json").exists().then_some(()));
    });
}

fn drop_in_of_timer(host: &Host, text: &str) {
    let folder = host.path("/etc/systemd/system/earmark-audit.timer.d");
    std::fs::create_dir_all(&folder).expect("a directory");
    std::fs::write(folder.join("soon.conf"), text).expect("a drop-in");
    assert!(host.run(&["systemctl", "daemon-reload"]).status.success());
    assert!(host.run(&["systemctl", "restart", "earmark-audit.timer"]).status.success());
}

#[test]
fn findings_are_a_success_and_not_knowing_is_a_failure() {
    with_host("findings_are_a_success_and_not_knowing_is_a_failure", |host| {
        let _held = hold(host, &["tcp/127.0.0.1:7001"]);
        policy(host, "[[expect]]\nport = 7999\nexe = \"/usr/sbin/sshd\"\nrequired = true\n");
        assert_eq!(audit(host), ended(true, "success", "1"), "{}", host.log());
        let missing = entries(host, &["EARMARK_RULE=missing"]);
        assert_eq!((missing.len(), &missing[0]["PRIORITY"]), (1, &json!("4")), "{missing:?}");

        let forbid = "[[forbid]]\nport = 7001\nreason = \"CHG-2\"\n[severity]\nforbidden = \"critical\"\n";
        policy(host, forbid);
        assert_eq!(audit(host), ended(true, "success", "2"), "{}", host.log());
        let forbidden = entries(host, &["EARMARK_RULE=forbidden"]);
        let entry = forbidden.first().expect("an entry with fields");
        assert_eq!(entry["EARMARK_ENDPOINT"], "tcp/127.0.0.1:7001");
        assert_eq!((&entry["EARMARK_STATUS"], &entry["PRIORITY"]), (&json!("new"), &json!("2")), "{entry}");
        assert_eq!(entry["_SYSTEMD_UNIT"], SERVICE);
        assert!(entries(host, &["-p", "crit"]).len() == 1, "as the manual asks for it");

        // The drop-ins of the manual.
        let [alarm, too] = documented();
        std::fs::write(
            host.path("/etc/systemd/system/alarm@.service"),
            "[Service]\nType=oneshot\nExecStart=/bin/touch /run/alarm-%i\n",
        )
        .expect("a unit");
        drop_in(host, "alarm.conf", &alarm);
        let rung = host.path("/run/alarm-earmark-audit");
        assert_eq!(audit(host), ended(true, "success", "2"));
        assert!(!rung.exists(), "findings ring no bell");
        policy(host, "[[expect]]\nprot = 22\n");
        assert_eq!(audit(host), ended(false, "exit-code", "3"), "{}", host.log());
        host.soon("the alarm", || rung.exists().then_some(()));
        let broken = entries(host, &[]);
        let last = broken
            .iter()
            .any(|entry| entry["MESSAGE"].as_str().is_some_and(|text| text.contains("10-host.toml: line 3")));
        assert!(last, "{broken:?}");

        std::fs::remove_file(&rung).expect("it is there");
        drop_in(host, "findings.conf", &too);
        policy(host, forbid);
        assert_eq!(audit(host), ended(false, "exit-code", "2"));
        host.soon("the alarm for findings", || rung.exists().then_some(()));
        policy(host, "");
        assert_eq!(audit(host), ended(true, "success", "0"), "{}", host.log());
    });
}

/// The drop-ins that `docs/running.md` shows, in their order.
fn documented() -> [String; 2] {
    let text = include_str!("../docs/running.md");
    let blocks = text.split("```ini\n").skip(1).filter_map(|block| block.split_once("```"));
    let all: Vec<String> = blocks.map(|(block, _)| block.to_owned()).collect();
    all.try_into().expect("two of them")
}

#[test]
fn with_the_drop_in_other_namespaces_are_entered() {
    with_host("with_the_drop_in_other_namespaces_are_entered", |host| {
        let program = hold_program();
        let program = program.to_str().expect("UTF-8");
        for words in [&["ip", "netns", "add", "blue"][..], &["ip", "netns", "add", "green"]] {
            assert!(host.run(words).status.success(), "{words:?}");
        }
        // In the one a process lives; the other has sockets and nobody.
        let inside = |ns: &str, words: &[&str]| {
            let mut command = host.command("ip");
            host.hold(command.args(["netns", "exec", ns, program, "--loopback"]).args(words))
        };
        let _lives = inside("blue", &["tcp/127.0.0.1:7101"]);
        let _away = inside("green", &["--by", "away", "tcp/127.0.0.1:7102"]);
        let (success, result, code) = audit(host);
        assert_eq!((success, result.as_str(), code.as_str()), (false, "exit-code", "3"), "{}", host.log());
        assert!(host.log().contains("the network namespace green"), "{}", host.log());
        assert!(!state_or_none(host).contains("7102"));

        drop_in(host, "namespaces.conf", &example("namespaces.conf"));
        let (success, _, code) = audit(host);
        assert_eq!((success, code.as_str()), (true, "0"), "{}", host.log());
        let known = state(host);
        assert!(known.contains("tcp/127.0.0.1:7101") && known.contains("tcp/127.0.0.1:7102"), "{known}");
        let security = host.run(&["systemd-analyze", "--man=no", "verify", &format!("/lib/systemd/system/{SERVICE}")]);
        assert!(security.status.success(), "{}", said(&security));
    });
}

fn state_or_none(host: &Host) -> String {
    std::fs::read_to_string(host.path("/var/lib/earmark/state.json")).unwrap_or_default()
}

#[test]
fn with_the_drop_in_metrics_are_written_for_all_to_read() {
    with_host("with_the_drop_in_metrics_are_written_for_all_to_read", |host| {
        let _held = hold(host, &["tcp/127.0.0.1:7001"]);
        let place = "/var/lib/prometheus/node-exporter";
        std::fs::create_dir_all(host.path(place)).expect("the exporter's directory");
        let example = example("prometheus.conf");
        let commands: Vec<&str> = example.split('`').skip(1).step_by(2).collect();
        assert_eq!(commands.len(), 2, "what it asks for");
        for words in commands {
            let mut words: Vec<&str> = words.split(' ').collect();
            if words[0] == "setfacl" && !installed("setfacl") {
                absent("setfacl");
                words = vec!["chown", "earmark", place];
            }
            let done = host.run(&words);
            assert!(done.status.success(), "{words:?}: {}", said(&done));
        }
        drop_in(host, "prometheus.conf", &example);
        // Findings of the audit keep nobody from the metrics.
        policy(host, "[[forbid]]\nport = 7001\n");
        let (success, result, _) = audit(host);
        assert_eq!((success, result.as_str()), (true, "success"), "{}", host.log());
        let file = format!("{place}/earmark.prom");
        let written = std::fs::metadata(host.path(&file)).expect("metrics");
        assert_eq!(written.mode() & 0o777, 0o644);
        let read = host.run(&["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat", &file]);
        let metrics = said(&read);
        assert!(read.status.success(), "{metrics}");
        assert!(metrics.contains("earmark_listeners{transport=\"tcp\",exposure=\"loopback\"} 1\n"), "{metrics}");
        assert!(state(host).contains("tcp/127.0.0.1:7001"), "and the audit itself was made");
        let names = std::fs::read_dir(host.path(place)).expect("a directory").count();
        assert_eq!(names, 1, "nothing else is left there");
        assert_eq!(entries(host, &["EARMARK_RULE=forbidden"]).len(), 1, "the audit alone tells the journal");

        // Where the audit cannot tell, that is what the metrics say, and not how it was the last time.
        assert!(host.run(&["ip", "netns", "add", "green"]).status.success());
        let mut away = host.command("ip");
        let _away = host.hold(away.args([
            "netns",
            "exec",
            "green",
            "/srv/hold",
            "--loopback",
            "--by",
            "away",
            "tcp/127.0.0.1:7002",
        ]));
        let (success, _, code) = audit(host);
        assert_eq!((success, code.as_str()), (false, "3"), "{}", host.log());
        let again = std::fs::metadata(host.path(&file)).expect("metrics");
        assert_ne!(again.ino(), written.ino(), "{}", host.log());
        assert_eq!((again.mode() & 0o777, again.uid()), (0o644, written.uid()));
        let metrics = std::fs::read_to_string(host.path(&file)).expect("metrics");
        assert!(metrics.contains("earmark_exit_code 3\n"), "{metrics}");
    });
}
