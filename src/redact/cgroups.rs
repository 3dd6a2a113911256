//! The paths of cgroups: units, containers and pods stay what they are, under other names.

use super::known;
use super::names::{Names, Word};
use super::paths::number;
use crate::collect::Rename as _;

/// The kinds of units that have cgroups, systemd.unit(5).
const UNITS: [&[u8]; 6] = [b".slice", b".service", b".scope", b".socket", b".mount", b".swap"];

/// As many digits as end a name that changes from one start to the next.
const TRANSIENT: usize = 8;

/// The path of a cgroup.
pub fn path(names: &mut Names<'_>, path: &[u8]) -> Vec<u8> {
    let (path, mark): (_, &[u8]) = match path.strip_suffix(b" (deleted)") {
        Some(path) => (path, b" (deleted)"),
        None => (path, b""),
    };
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        // The other way in which LXC names its containers: the same name has to become the same.
        let is_container =
            matches!(&parts[..], [root, lxc] if root.is_empty() && matches!(&lxc[..], b"lxc" | b"lxc.payload"));
        parts.push(match is_container && !matches!(part, b"" | b"." | b"..") {
            true => container(names, part),
            false => component(names, part),
        });
    }
    [&parts.join(&b'/'), mark].concat()
}

fn component(names: &mut Names<'_>, part: &[u8]) -> Vec<u8> {
    if matches!(part, b"" | b"." | b"..") {
        return part.to_vec();
    }
    for prefix in [&b"lxc.payload."[..], b"lxc.monitor."] {
        if let Some(name) = part.strip_prefix(prefix) {
            return [prefix, &container(names, name)[..]].concat();
        }
    }
    let kind = UNITS.into_iter().find(|kind| part.ends_with(kind)).unwrap_or_default();
    let stem = &part[..part.len() - kind.len()];
    [&self::stem(names, stem, !kind.is_empty())[..], kind].concat()
}

/// A container that people named; one that has a number stays one that has.
fn container(names: &mut Names<'_>, name: &[u8]) -> Vec<u8> {
    if is_hexadecimal(name) { names.hexadecimal(name).into_bytes() } else { names.give(Word::Container, name) }
}

/// What stands before the kind of a unit, or a cgroup that is none.
fn stem(names: &mut Names<'_>, stem: &[u8], is_unit: bool) -> Vec<u8> {
    let word = if is_unit { Word::Unit } else { Word::Group };
    if stem.is_empty() || known::is_cgroup(stem) {
        return stem.to_vec();
    }
    if is_hexadecimal(stem) {
        return names.hexadecimal(stem).into_bytes();
    }
    if let Some(pod) = pod(names, stem) {
        return pod;
    }
    if let Some(at) = stem.iter().position(|byte| *byte == b'@') {
        let (template, instance) = (&stem[..at], &stem[at + 1..]);
        return [&self::stem(names, template, is_unit)[..], b"@", &self::instance(names, template, instance)].concat();
    }
    if let Some(at) = stem.iter().rposition(|byte| *byte == b'-') {
        let (head, tail) = (&stem[..at], &stem[at + 1..]);
        let tail = match head {
            b"user" => number(tail).map(|uid| names.id(uid).to_string().into_bytes()),
            // The number of a session says nothing.
            b"session" if tail.len() <= 6 && tail.iter().all(|b| b.is_ascii_digit() || *b == b'c') => {
                Some(tail.to_vec())
            }
            // What changes with each start stands behind the last dash.
            b"session" | b"run" => Some(names.give(Word::Instance, tail).into_iter().filter(|b| *b != b'-').collect()),
            _ if is_hexadecimal(tail) => Some(names.hexadecimal(tail).into_bytes()),
            _ => None,
        };
        if let Some(tail) = tail {
            return [&self::stem(names, head, is_unit)[..], b"-", &tail].concat();
        }
        if let Some(name) = stem.strip_prefix(b"machine-") {
            return [b"machine-", &names.give(Word::Container, name)[..]].concat();
        }
    }
    names.program(word, stem)
}

/// What stands behind the `@` of a unit.
fn instance(names: &mut Names<'_>, template: &[u8], instance: &[u8]) -> Vec<u8> {
    match (template, number(instance)) {
        (b"user" | b"user-runtime-dir", Some(uid)) => names.id(uid).to_string().into_bytes(),
        _ if instance == b"-" => instance.to_vec(),
        _ => names.give(Word::Instance, instance),
    }
}

/// True for as many hexadecimal digits as nobody writes by hand.
fn is_hexadecimal(name: &[u8]) -> bool {
    name.len() >= TRANSIENT && name.iter().all(u8::is_ascii_hexdigit)
}

/// `podUID`, or `kubepods-burstable-podUID`, where `_` may stand for `-`.
fn pod(names: &mut Names<'_>, stem: &[u8]) -> Option<Vec<u8>> {
    let mark = stem.windows(4).rposition(|window| window == b"-pod").filter(|_| stem.starts_with(b"kube"));
    let (head, uid) = match mark {
        Some(at) if known::is_cgroup(&stem[..at]) => (&stem[..at + 1], &stem[at + 4..]),
        Some(at) => (&b"kubepods-"[..], &stem[at + 4..]),
        None => (&[][..], stem.strip_prefix(b"pod")?),
    };
    if uid.len() < 32 || !uid.iter().all(|byte| byte.is_ascii_hexdigit() || b"-_".contains(byte)) {
        return None;
    }
    let dash = if uid.contains(&b'_') { '_' } else { '-' };
    Some([head, b"pod", names.uuid(uid, dash).as_bytes()].concat())
}
