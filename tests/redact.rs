//! What is said of a redacted capture is what is said of the first one, and no name is left in it.

#![expect(clippy::disallowed_methods, reason = "a test reads captures and runs programs")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use earmark::collect::{self, Ask};
use earmark::judge::{self, judge};
use earmark::model::{Local, Scope, Snapshot, Text, Transport};
use earmark::redact::redact;
use earmark::registry::Registry;
use earmark::report::Report;
use earmark::rules;

#[cfg(target_os = "linux")]
#[path = "redact/lab.rs"]
mod lab;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "each live test uses a part of what they share")]
mod support;

/// The captures of the repository, with names that tell more than theirs.
fn captures() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let paths = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let telling = [
        ("| hostname host\n", "| hostname quercus.example.net\n"),
        ("# host: hostname host,", "# host: hostname quercus.example.net,"),
        ("| www-data\\\n", "| wilhelmina\\\n"),
        ("| nobody\\\n", "| theodora\\\n"),
    ];
    let capture = |path: PathBuf| {
        let mut text = std::fs::read_to_string(&path).expect("a capture");
        telling.iter().for_each(|(from, to)| text = text.replace(from, to));
        (path, text)
    };
    let mut captures: Vec<_> = paths.chain([telling_capture()]).map(capture).collect();
    captures.sort();
    assert!(captures.len() >= 7, "{}", captures.len());
    captures
}

/// A host with a name of every kind.
fn telling_capture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/redact/telling.capture")
}

fn everything() -> Ask {
    let transports = Transport::ALL.to_vec();
    Ask {
        transports,
        bound: true,
        time_wait: true,
        cmdline: true,
        ids: true,
        packages: true,
        addresses: true,
        ..Ask::default()
    }
}

fn look(capture: &str) -> Snapshot {
    collect::replay(capture.as_bytes(), Path::new("a.capture"), &everything()).expect("a capture")
}

/// What must be the same of each listener, and of the coverage.
fn judgement(report: &Report) -> Vec<String> {
    let row = |listener: &earmark::report::Listener| {
        let rules: Vec<_> = listener
            .findings
            .iter()
            .map(|at| (report.findings[*at].rule.name, report.findings[*at].severity))
            .collect();
        let service = listener.service.as_ref().map(|service| (&service.name, service.claim));
        let owners: Vec<_> = listener
            .owners
            .iter()
            .map(|owner| {
                let process = &report.processes[owner.process];
                let container =
                    process.container.as_ref().map(|container| (container.runtime, container.pod.is_some()));
                let states = (process.exe_state, process.exe_writable, process.unit_state, process.package_state);
                (process.pid, process.uid == Some(0), states, container, owner.role, owner.via)
            })
            .collect();
        let socket = &listener.socket;
        format!(
            "{:?} {:?} {:?} {:?} {} {:?} {:?} {:?} {service:?} {:?} {rules:?} {owners:?}",
            socket.transport,
            socket.port(),
            socket.inode,
            (listener.scope, listener.exposure, listener.ephemeral),
            listener.owner_count,
            listener.owner_status,
            socket.kernel_owner.as_ref().map(|owner| owner.kind),
            socket.state,
            listener.severity,
        )
    };
    let mut rows: Vec<String> = report.listeners.iter().map(row).collect();
    rows.sort();
    let mut coverage: Vec<String> = report
        .tables
        .iter()
        .map(|table| format!("{} {:?} {:?} {:?}", table.table, table.status, table.source, table.error))
        .collect();
    coverage.sort();
    rows.extend(coverage);
    rows.push(format!("{} gaps, {:?}", report.gaps.len(), report.counts));
    rows
}

/// What every part of a path may be that is no name of this host.
const EVERYWHERE: [&str; 43] = [
    "",
    "Applications",
    "Cellar",
    "Contents",
    "CoreServices",
    "Library",
    "MacOS",
    "System",
    "Users",
    "homebrew",
    "jails",
    "private",
    "usr",
    "bin",
    "sbin",
    "lib",
    "libexec",
    "local",
    "opt",
    "srv",
    "tmp",
    "run",
    "var",
    "home",
    "root",
    "user",
    "dev",
    "docker",
    "netns",
    "system.slice",
    "user.slice",
    "app.slice",
    "machine.slice",
    "init.scope",
    "session-c4.scope",
    // Nobody's.
    "user-65534.slice",
    "kubepods.slice",
    "kubepods-burstable.slice",
    // Those of Windows.
    "C:",
    "Windows",
    "System32",
    "Program Files",
    "Downloads",
];

/// The names in a snapshot that may not be left.
fn names(snapshot: &Snapshot, registry: &Registry) -> BTreeSet<Text> {
    let known = |name: &[u8]| {
        let service = || std::str::from_utf8(name).is_ok_and(|name| registry.knows_service(name));
        // A port, or the version of a program.
        let number = name.len() <= 5 && name.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        number || registry.knows_program(name) || judge::knows_role(name) || rules::know_program(name) || service()
    };
    let mut names: BTreeSet<Text> = BTreeSet::new();
    names.extend(snapshot.host.hostname.clone());
    names.extend(snapshot.host.boot_id.clone());
    names.extend(snapshot.host.id.as_deref().map(Text::from));
    let mut parts = |path: &[u8]| {
        let is_windows = Text::from(path).is_windows_path();
        for part in path.split(|byte| matches!(byte, b'/' | 0) || is_windows && *byte == b'\\') {
            let stem = [&b".service"[..], b".sock"].iter().find_map(|end| part.strip_suffix(*end)).unwrap_or(part);
            let stem = stem.split(|byte| *byte == b'@').next().unwrap_or(stem);
            if !known(stem) && !EVERYWHERE.iter().any(|word| [part, stem].contains(&word.as_bytes())) {
                names.insert(Text::from(stem));
            }
        }
    };
    for process in &snapshot.processes {
        let texts = [&process.exe, &process.comm, &process.package, &process.cgroup];
        texts.into_iter().flatten().for_each(|text| parts(text.as_bytes()));
    }
    for socket in &snapshot.sockets {
        if let Local::Unix { path, .. } = &socket.local {
            parts(path.as_bytes());
        }
    }
    snapshot.namespaces.iter().filter_map(|namespace| namespace.name.as_ref()).for_each(|name| {
        if !name.as_bytes().starts_with(b"pid ") {
            parts(name.as_bytes());
        }
    });
    let people = snapshot.processes.iter().filter_map(|process| process.user.clone());
    // Whom every Windows has stays.
    let people = people.filter(|name| !name.as_bytes().starts_with(b"NT AUTHORITY\\"));
    names.extend(people.filter(|name| name.as_bytes() != b"root" && !known(name.as_bytes())));
    for container in snapshot.processes.iter().filter_map(|process| process.container.clone()) {
        names.insert(container.id);
        names.extend(container.pod);
    }
    names
}

/// Public addresses, which may be those of one host alone.
fn public(snapshot: &Snapshot) -> BTreeSet<std::net::IpAddr> {
    let ips = snapshot.sockets.iter().filter_map(earmark::model::Socket::ip);
    ips.filter(|ip| Scope::of_ip(*ip) == Scope::Public).collect()
}

/// The bytes that a capture writes in hexadecimal.
fn binary(capture: &str) -> Vec<u8> {
    let digits: String = capture.lines().filter_map(|line| line.strip_prefix("~ ")).collect();
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}

/// True where a name stands as a word of its own: `chronyd` may be known where `chrony` is not.
fn has_word(text: &[u8], name: &[u8]) -> bool {
    let goes_on = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
    let mut places = text.windows(name.len()).enumerate().filter(|(_, window)| *window == name).map(|(at, _)| at);
    places.any(|at| !goes_on(at.checked_sub(1).and_then(|at| text.get(at))) && !goes_on(text.get(at + name.len())))
}

/// Holds a redacted capture to the one that it was made of.
fn holds(what: &str, plain: &str, redacted: &str) {
    let registry = Registry::builtin();
    let (before, after) = (look(plain), look(redacted));
    let (names, ips, binary) = (names(&before, &registry), public(&before), binary(redacted));
    assert_eq!(ips.intersection(&public(&after)).count(), 0, "{what}");
    let (before, after) = (judge(before, &registry, "run".to_owned()), judge(after, &registry, "run".to_owned()));
    assert_eq!(judgement(&before), judgement(&after), "{what}");
    for name in names {
        assert!(!has_word(redacted.as_bytes(), name.escaped().as_bytes()), "{what}: {name:?} is left in\n{redacted}");
        let short = name.as_bytes().len() < 4;
        assert!(short || !has_word(&binary, name.as_bytes()), "{what}: {name:?} is left in a row");
    }
    for ip in ips {
        assert!(!redacted.contains(&ip.to_string()), "{what}: {ip} is left");
    }
    assert!(redacted.lines().nth(1).is_some_and(|line| line.starts_with("# redacted: ")), "{what}");
}

#[test]
fn every_capture_is_judged_as_before_and_holds_no_name() {
    for (path, plain) in captures() {
        let redacted = redact(plain.as_bytes(), &path, &Registry::builtin()).expect("a capture");
        holds(&path.to_string_lossy(), &plain, &redacted);
        let again = redact(plain.as_bytes(), &path, &Registry::builtin()).expect("a capture");
        assert_eq!(redacted, again, "the same capture gives the same bytes");
        let twice = redact(redacted.as_bytes(), &path, &Registry::builtin()).expect("a capture");
        holds(&format!("{} twice", path.display()), &plain, &twice);
    }
}

#[test]
fn a_name_of_every_kind_is_replaced() {
    let path = telling_capture();
    let plain = std::fs::read(&path).expect("a capture");
    let redacted = redact(&plain, &path, &Registry::builtin()).expect("a capture");
    for name in
        ["acme", "wilhelmina", "paris", "tokyo", "ledger", "c0ffee", "hunter2", "4711", "implant", "blue", "by hand"]
    {
        let left = redacted.to_lowercase().lines().find(|line| line.contains(name)).map(str::to_owned);
        assert_eq!(left, None, "{name}");
    }
    insta::assert_snapshot!(redacted);
}

/// The numbers of a linear congruential generator: the same in every run.
fn numbers() -> impl FnMut(usize) -> usize {
    let mut state = 0x7265_6461u64;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    }
}

/// Whatever stands where it should not: nothing of it is left.
#[test]
fn a_word_in_any_place_is_replaced_or_left_out() {
    const WORD: &str = "zQuercusz";
    let mut number = numbers();
    let registry = Registry::builtin();
    for (path, plain) in captures() {
        let lines: Vec<&str> = plain.lines().collect();
        let (mut redacted_ones, rounds) = (0, 100);
        for _ in 0..rounds {
            let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            for _ in 0..3 {
                let at = 1 + number(lines.len() - 1);
                let line = &mut changed[at];
                // What stands there in numbers alone makes it no capture.
                if !["| ", "? ", "# "].iter().any(|mark| line.starts_with(mark)) {
                    continue;
                }
                let places: Vec<usize> = (2..=line.len()).filter(|at| line.is_char_boundary(*at)).collect();
                let place = places[number(places.len())];
                match number(3) {
                    0 => line.insert_str(place, WORD),
                    1 => line.replace_range(place.., WORD),
                    _ => *line = format!("{}{WORD} {WORD}", &line[..2]),
                }
            }
            let Ok(redacted) = redact(changed.join("\n").as_bytes(), &path, &registry) else { continue };
            assert!(!redacted.contains(WORD), "{path:?}: {redacted}");
            redacted_ones += 1;
        }
        assert!(redacted_ones > rounds / 3, "{path:?}: {redacted_ones}");
    }
}

#[test]
fn every_change_is_refused_or_redacted() {
    let mut number = numbers();
    let registry = Registry::builtin();
    for (path, plain) in captures() {
        let whole = plain.into_bytes();
        for round in 0..60 {
            let mut capture = whole.clone();
            for _ in 0..=number(8) {
                let at = number(whole.len());
                capture[at] = if round % 2 == 0 { number(256) as u8 } else { b"0 \n|~!=?:/\\\t9@-."[number(16)] };
            }
            capture.truncate(if round % 5 == 0 { number(whole.len()) } else { whole.len() });
            if let Ok(redacted) = redact(&capture, &path, &registry) {
                look(&redacted);
            }
        }
    }
}
