//! Sockets that are easily taken for something else: transparent ones, groups, files that are gone, odd unix names.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::world::{Holder, Need, hold, hold_program, report, start, world};

/// The listeners at an endpoint.
fn all_at<'a>(report: &'a Value, endpoint: &str) -> Vec<&'a Value> {
    let listeners = report["listeners"].as_array().expect("listeners").iter();
    listeners.filter(|listener| listener["endpoint"] == endpoint).collect()
}

/// The one listener at an endpoint: in our namespace, held by that process by a descriptor of its own and by nobody else.
fn held_at<'a>(report: &'a Value, endpoint: &str, (transport, address): (&str, &str), holder: &Holder) -> &'a Value {
    let [listener] = all_at(report, endpoint)[..] else { panic!("{endpoint} once in {report:#}") };
    assert_eq!(listener["transport"], transport, "{endpoint}");
    let place = if transport == "unix" { "path" } else { "address" };
    assert_eq!(listener[place], address, "{endpoint}");
    let own = std::fs::metadata("/proc/self/ns/net").expect("our namespace").ino();
    assert_eq!((&listener["netns"]["inode"], &listener["netns"]["name"]), (&own.into(), &Value::Null), "{endpoint}");
    let status = (&listener["owner_status"], &listener["owner_count"], &listener["kernel_owner"]);
    assert_eq!(status, (&"known".into(), &1.into(), &Value::Null), "{endpoint}");
    let owner = &listener["owners"][0];
    assert_eq!((&owner["pid"], &owner["via"]), (&holder.pid().into(), &"fd".into()), "{endpoint}");
    assert_eq!((&owner["certainty"], &owner["role"]), (&"proved".into(), &"server".into()), "{endpoint}");
    listener
}

/// The rules that fired on a listener, the less specific ones too.
fn rules(report: &Value, listener: &Value) -> Vec<String> {
    let about = |finding: &&Value| finding["listeners"][0] == listener["id"];
    let findings = report["findings"].as_array().expect("findings").iter().filter(about);
    let names = |finding: &Value| {
        let also = finding["also"].as_array().expect("names").iter();
        std::iter::once(&finding["rule"]).chain(also).filter_map(|rule| rule.as_str().map(str::to_owned)).collect()
    };
    findings.flat_map(names as fn(&Value) -> Vec<String>).collect()
}

#[test]
fn a_transparent_socket_has_an_address_that_is_not_on_the_host() {
    world("a_transparent_socket_has_an_address_that_is_not_on_the_host", Need::Namespaces, || {
        let words = ["tcp/203.0.113.9:7026", "udp/203.0.113.9:7026", "tcp/[2001:db8::9]:7026"];
        let transparent = words.map(|word| format!("{word};transparent"));
        let holder = hold(&transparent.each_ref().map(String::as_str));
        let report = report(&[]);
        for (endpoint, transport, address) in
            [(words[0], "tcp", "203.0.113.9"), (words[1], "udp", "203.0.113.9"), (words[2], "tcp", "2001:db8::9")]
        {
            let listener = held_at(&report, endpoint, (transport, address), &holder);
            // Packets are led here by a rule of the firewall, from wherever: that nothing but loopback is up says nothing.
            assert_eq!((&listener["scope"], &listener["exposure"]), (&"public".into(), &"public".into()), "{endpoint}");
        }
    });
}

#[test]
fn who_joins_a_group_shares_its_address_in_peace() {
    world("who_joins_a_group_shares_its_address_in_peace", Need::Namespaces, || {
        let shared = "udp/224.0.0.251:5353;reuseport";
        let (one, other) = (hold(&[shared]), hold(&[shared]));
        let alone = hold(&["udp/[ff05::2]:5354", "udp/224.0.0.252:5355;device=lo"]);
        let report = report(&[]);
        let group = all_at(&report, "udp/224.0.0.251:5353");
        let mut pids: Vec<u64> = group.iter().filter_map(|listener| listener["owners"][0]["pid"].as_u64()).collect();
        pids.sort_unstable();
        let mut want = [one.pid(), other.pid()].map(u64::from);
        want.sort_unstable();
        assert_eq!(pids, want, "{group:?}");
        assert_eq!(group[0]["group"], group[1]["group"]);
        for listener in &group {
            assert_eq!((&listener["scope"], &listener["exposure"]), (&"multicast".into(), &"multicast".into()));
            assert_eq!((&listener["state"], &listener["kernel_owner"]), (&"unconnected".into(), &Value::Null));
            assert!(!rules(&report, listener).contains(&"reuseport-mixed-owners".to_owned()), "one program, twice");
        }
        let six = held_at(&report, "udp/[ff05::2]:5354", ("udp", "ff05::2"), &alone);
        assert_eq!((&six["scope"], &six["exposure"]), (&"multicast".into(), &"multicast".into()));
        let narrow = held_at(&report, "udp/224.0.0.252%lo:5355", ("udp", "224.0.0.252"), &alone);
        assert_eq!((&narrow["scope"], &narrow["exposure"]), (&"multicast".into(), &"loopback".into()));
    });
}

#[test]
fn a_file_is_deleted_where_no_name_leads_to_it() {
    world("a_file_is_deleted_where_no_name_leads_to_it", Need::Namespaces, || {
        let folder = tempfile::tempdir().expect("a directory");
        let place = |name: &str| folder.path().join(name);
        let begin = |name: &str, word: &str| {
            std::fs::copy(hold_program(), place(name)).expect("copied");
            start(Command::new(place(name)).arg(word))
        };
        let gone = begin("gone", "tcp/127.0.0.1:7029");
        let replaced = begin("replaced", "tcp/127.0.0.1:7030");
        // A name that looks like what the kernel writes behind that of a file that is gone.
        let posing = begin("posing (deleted)", "tcp/127.0.0.1:7031");
        let moved = begin("moved", "tcp/127.0.0.1:7032");
        std::fs::remove_file(place("gone")).expect("removed");
        std::fs::copy(hold_program(), place("new")).expect("copied");
        std::fs::rename(place("new"), place("replaced")).expect("replaced");
        std::fs::rename(place("moved"), place("elsewhere")).expect("moved");
        let report = report(&[]);
        for (port, holder, name, state) in [
            (7029, &gone, "gone", "deleted"),
            (7030, &replaced, "replaced", "deleted"),
            (7031, &posing, "posing (deleted)", "ok"),
            (7032, &moved, "elsewhere", "ok"),
        ] {
            let endpoint = format!("tcp/127.0.0.1:{port}");
            let listener = held_at(&report, &endpoint, ("tcp", "127.0.0.1"), holder);
            let owner = &listener["owners"][0];
            let path = owner["exe"].as_str().map(Path::new).expect("a path");
            assert_eq!((path.file_name(), &owner["exe_state"]), (Some(name.as_ref()), &state.into()), "{owner}");
            let fired = rules(&report, listener).contains(&"deleted-executable".to_owned());
            assert_eq!(fired, state == "deleted", "{endpoint}: {:?}", rules(&report, listener));
        }
    });
}

#[test]
fn unix_sockets_are_whole_under_any_name() {
    world("unix_sockets_are_whole_under_any_name", Need::Namespaces, || {
        let folder = tempfile::tempdir().expect("a directory");
        let place = |name: &str| folder.path().join(name).into_os_string().into_string().expect("UTF-8");
        let (lines, gone) = (place("two\nlines @x"), place("gone"));
        let words = [
            format!("unix/stream:{lines}"),
            format!("unix/dgram:{gone}"),
            "unix/seqpacket:@abstract\nname".to_owned(),
            "unix/stream:@".to_owned(),
        ];
        let holder = hold(&words.each_ref().map(String::as_str));
        std::fs::remove_file(&gone).expect("removed");
        let report = report(&["-x"]);
        let escaped = lines.replace('\n', "\\u{a}");
        for (kind, path) in
            [("stream", escaped.as_str()), ("dgram", &gone), ("seqpacket", "@abstract\\u{a}name"), ("stream", "@")]
        {
            let listener = held_at(&report, &format!("unix/{kind}:{path}"), ("unix", path), &holder);
            assert_eq!((&listener["socket_type"], &listener["scope"]), (&kind.into(), &"local".into()), "{path}");
        }
        assert_eq!(report["listeners"].as_array().map(Vec::len), Some(words.len()), "{report:#}");
    });
}
