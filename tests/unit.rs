//! The program under the filter on system calls that its unit sets: it still sees whose sockets are, and can give up its
//! rights afterwards.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and reads files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output};

use seccompiler::{BpfMap, apply_filter, compile_from_json};
use serde_json::{Value, json};
use support::world::{Need, absent, command, hold, installed, world};

/// Carries a filter to the process that enters it.
const FILTER: &str = "EARMARK_TEST_FILTER";

/// Carries the arguments of the program, in JSON, to the process that becomes it.
const ARGUMENTS: &str = "EARMARK_TEST_ARGUMENTS";

const UNIT: &str = include_str!("../packaging/systemd/earmark-audit.service");

/// The values of a setting of the unit, in order.
fn settings(name: &'static str) -> impl Iterator<Item = &'static str> {
    UNIT.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix('='))
}

/// The groups of system calls as systemd knows them, by name with the `@`.
fn groups() -> BTreeMap<String, Vec<String>> {
    let output = Command::new("systemd-analyze").arg("syscall-filter").output().expect("systemd-analyze runs");
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut group = None;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        match line.trim() {
            _ if line.starts_with('@') => group = Some(line.trim().to_owned()),
            "" => group = None,
            comment if comment.starts_with('#') => {}
            word => groups.entry(group.clone().unwrap_or_default()).or_default().push(word.to_owned()),
        }
    }
    groups
}

/// The calls that the unit's `SystemCallFilter=` lets through, and those besides that are named in it one by one.
fn allowed() -> (BTreeSet<String>, BTreeSet<String>) {
    fn expand(word: &str, groups: &BTreeMap<String, Vec<String>>, into: &mut BTreeSet<String>) {
        match groups.get(word) {
            Some(members) => members.iter().for_each(|member| expand(member, groups, into)),
            None => {
                assert!(!word.starts_with('@'), "systemd knows no group {word}");
                into.insert(word.to_owned());
            }
        }
    }
    let groups = groups();
    // What every list of allowed calls has.
    let (mut all, mut named) = (BTreeSet::new(), BTreeSet::new());
    expand("@default", &groups, &mut all);
    for (at, line) in settings("SystemCallFilter").enumerate() {
        let taken = line.strip_prefix('~');
        assert!(at > 0 || taken.is_none(), "the first line says that what follows is allowed");
        let mut these = BTreeSet::new();
        line.trim_start_matches('~').split_whitespace().for_each(|word| expand(word, &groups, &mut these));
        match taken {
            Some(_) => all.retain(|call| !these.contains(call)),
            None if line.contains('@') => all.extend(these),
            None => named.extend(these),
        }
    }
    (all, named)
}

/// A filter as systemd would make it of `SystemCallFilter=` and `RestrictAddressFamilies=`: the rest is EPERM.
fn filter(calls: &BTreeSet<String>) -> String {
    const EPERM: i32 = 1;
    let families = settings("RestrictAddressFamilies").flat_map(str::split_whitespace).map(|family| match family {
        "AF_UNIX" => libc::AF_UNIX,
        "AF_NETLINK" => libc::AF_NETLINK,
        other => panic!("the test does not know {other}"),
    });
    let compiles = |rules: &Value| {
        let filter =
            json!({ "it": { "mismatch_action": { "errno": EPERM }, "match_action": "allow", "filter": rules } });
        let text = filter.to_string();
        compile(&text).is_ok().then_some(text)
    };
    // Calls of other machines, and newer ones than the library's, are none that could be let through.
    let plain = calls.iter().filter(|call| *call != "socket").map(|call| json!({ "syscall": call }));
    let mut rules: Vec<Value> = plain.filter(|rule| compiles(&json!([rule])).is_some()).collect();
    rules.extend(families.map(
        |family| json!({ "syscall": "socket", "args": [{ "index": 0, "type": "dword", "op": "eq", "val": family }] }),
    ));
    compiles(&Value::Array(rules)).expect("a filter")
}

fn compile(filter: &str) -> Result<BpfMap, seccompiler::Error> {
    let machine = std::env::consts::ARCH.try_into().expect("a machine that has filters");
    compile_from_json(filter.as_bytes(), machine)
}

/// Where this test was started to become the program under a filter, becomes it.
fn become_the_program() {
    let (Ok(filter), Ok(arguments)) = (std::env::var(FILTER), std::env::var(ARGUMENTS)) else { return };
    let compiled: HashMap<_, _> = compile(&filter).expect("a filter");
    let arguments: Vec<String> = serde_json::from_str(&arguments).expect("arguments");
    apply_filter(&compiled["it"]).expect("the kernel takes it");
    let error = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).exec();
    panic!("cannot become the program: {error}");
}

/// Runs the program as the unit does: as a user of its own, with its capabilities and no new ones, under a filter.
fn as_the_unit(test: &str, filter: &str, arguments: &[&str]) -> Output {
    let capabilities: Vec<&str> = settings("AmbientCapabilities").flat_map(str::split_whitespace).collect();
    assert_eq!(capabilities, settings("CapabilityBoundingSet").flat_map(str::split_whitespace).collect::<Vec<_>>());
    let set: Vec<String> = capabilities.iter().map(|name| name.replacen("CAP_", "+", 1).to_ascii_lowercase()).collect();
    let set = format!("-all,{}", set.join(","));
    Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"])
        .args(["--inh-caps", &set, "--ambient-caps", &set, "--bounding-set", &set])
        .arg(std::env::current_exe().expect("our own path"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(FILTER, filter)
        .env(ARGUMENTS, json!(arguments).to_string())
        .output()
        .expect("setpriv runs")
}

/// The document that the program printed, after what the harness of the test did.
fn document(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let start = text.find('{').unwrap_or_else(|| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(&text[start..]).expect("JSON")
}

#[test]
fn it_sees_owners_and_gives_up_its_rights_under_the_filter_of_its_unit() {
    const TEST: &str = "it_sees_owners_and_gives_up_its_rights_under_the_filter_of_its_unit";
    become_the_program();
    if !installed("systemd-analyze") {
        return absent("systemd-analyze");
    }
    world(TEST, Need::Root, || {
        let holder = hold(&["tcp/0.0.0.0:7001"]);
        let (groups, named) = allowed();
        // What an entry of the journal takes, one that no datagram holds among them.
        for call in ["sendto", "sendmsg", "memfd_create", "fcntl"] {
            assert!(groups.contains(call), "{call}");
        }
        let whole = filter(&groups.union(&named).cloned().collect());

        let report = document(&as_the_unit(TEST, &whole, &["--json"]));
        assert_eq!(report["vantage"]["caps"], json!(["cap_dac_read_search", "cap_sys_ptrace"]));
        assert_eq!(report["vantage"]["uid"], 65_534);
        let listeners = report["listeners"].as_array().expect("listeners");
        let ours = listeners.iter().find(|listener| listener["endpoint"] == "tcp/0.0.0.0:7001").expect("the listener");
        assert_eq!((&ours["owner_status"], &ours["owners"][0]["pid"]), (&json!("known"), &json!(holder.pid())));

        let audit = as_the_unit(TEST, &whole, &["audit", "--json"]);
        assert!(audit.status.code().is_some_and(|code| code < 3), "{}", String::from_utf8_lossy(&audit.stderr));
        assert_eq!(document(&audit)["summary"]["unattributed"], 0);

        let diagnosis = document(&as_the_unit(TEST, &whole, &["doctor", "--json"]));
        let sandbox = &diagnosis["sandbox"];
        assert_eq!(sandbox["capabilities"], "dropped", "{sandbox}");
        assert!(["entered", "partly", "absent", "off"].contains(&sandbox["landlock"].as_str().expect("a word")));
        let outside = document(&command(&["doctor", "--json"]).output().expect("the program"));
        assert_eq!(sandbox["landlock"], outside["sandbox"]["landlock"], "the filter is in no way");

        // Without those that the unit names one by one it could not give up anything: they are needed, and the filter bites.
        let refused = document(&as_the_unit(TEST, &filter(&groups), &["doctor", "--json"]));
        assert_eq!(refused["sandbox"]["capabilities"], "refused", "{}", refused["sandbox"]);
        assert_ne!(refused["sandbox"]["landlock"], "entered", "{}", refused["sandbox"]);
    });
}
