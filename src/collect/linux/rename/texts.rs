//! The answers that are lines of words of ours.

use std::net::IpAddr;

use super::{Kind, Rename, UNREAD, id_or_unread, number, number_or_unread, words};
use crate::model::Text;

/// Numbers, and words of the format.
pub fn numbers(answer: &[u8], known: &[&str]) -> Vec<u8> {
    let word = |word: &str| match known.iter().find(|known| **known == word) {
        Some(known) => (*known).to_owned(),
        None => number_or_unread(word),
    };
    words(answer, word)
}

/// The lines of an answer that is read only where all of it is UTF-8.
fn lines(answer: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    std::str::from_utf8(answer).unwrap_or_default().lines().filter_map(|line| line.split_once(' '))
}

/// A name in its escaped form.
fn escaped(kind: Kind, escaped: &str, names: &mut dyn Rename) -> Option<String> {
    let name = Text::unescape(escaped)?;
    Some(match name.is_empty() {
        true => String::new(),
        false => Text::new(names.name(kind, name.as_bytes())).escaped(),
    })
}

fn join(lines: impl Iterator<Item = String>) -> Vec<u8> {
    lines.map(|line| line + "\n").collect::<String>().into_bytes()
}

/// From where a run looked.
pub fn vantage(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    const HIDEPID: [&str; 8] = ["off", "noaccess", "invisible", "ptraceable", "0", "1", "2", "4"];
    join(lines(answer).filter_map(|(name, value)| {
        let value = match name {
            "uid" => id_or_unread(value, names),
            "caps" => u64::from_str_radix(value, 16).map_or(UNREAD.to_owned(), |caps| format!("{caps:x}")),
            "pid_ns" | "user_ns" => number_or_unread(value),
            "hidepid" if HIDEPID.contains(&value) => value.to_owned(),
            "hidepid" => UNREAD.to_owned(),
            _ => return None,
        };
        Some(format!("{name} {value}"))
    }))
}

/// What the host is called, its kernel, and the ids of the host and its boot: there is one of each, so any will do.
pub fn host(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    join(lines(answer).filter_map(|(name, value)| {
        Some(match name {
            "hostname" => format!("{name} {}", escaped(Kind::Host, value, names)?),
            "kernel" => format!("{name} {}", escaped(Kind::Release, value, names)?),
            "boot_id" => "boot_id 00000000-0000-0000-0000-000000000000".to_owned(),
            "host_id" => format!("host_id {}", "0".repeat(32)),
            _ => return None,
        })
    }))
}

/// The ways into the other network namespaces.
pub fn namespaces(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    join(lines(answer).filter_map(|(kind, rest)| {
        if kind == "closed" {
            return Some(format!("closed {}", number_or_unread(rest)));
        }
        let (inode, way) = rest.split_once(' ')?;
        let inode = number(inode)?;
        match kind {
            "mount" => Some(format!("mount {inode} {}", escaped(Kind::Namespace, way, names)?)),
            "process" | "unnamed" | "listed" => Some(format!("{kind} {inode} {}", number(way)?)),
            _ => None,
        }
    }))
}

/// Sockets of which a part of the kernel tells: `KIND PORT ADDRESS`.
pub fn told(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    join(lines(answer).filter_map(|(kind, rest)| {
        let mut rest = rest.split(' ');
        let (port, ip) = (number(rest.next()?)?, rest.next()?.parse::<IpAddr>().ok()?);
        matches!(kind, "l2tp" | "fou" | "gue").then(|| format!("{kind} {port} {}", names.ip(ip)))
    }))
}

/// The packages that own files.
pub fn packages(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    join(lines(answer).filter_map(|(state, rest)| match state {
        "owned" => {
            let (package, path) = rest.split_once(' ')?;
            let package = escaped(Kind::Package, package, names)?.replace(' ', "\\u{20}");
            Some(format!("owned {package} {}", escaped(Kind::Executable, path, names)?))
        }
        "none" | "unknown" => Some(format!("{state} {}", escaped(Kind::Executable, rest, names)?)),
        "why" => Some(format!("why {}", reason(rest, names)?)),
        _ => None,
    }))
}

/// A reason names files of databases, some of which are called as packages are: it stays where it is one of those that
/// name none.
fn reason(why: &str, names: &mut dyn Rename) -> Option<String> {
    let manager = |why: &str| {
        why.split_once(": ").is_some_and(|(manager, rest)| {
            matches!(manager, "dpkg" | "rpm" | "apk" | "pacman") && rest == "its database has no package"
        })
    };
    match why {
        "no package database of dpkg, rpm, apk or pacman is here" => Some(why.to_owned()),
        _ if manager(why) => Some(why.to_owned()),
        _ => Some(format!("a reason that was redacted ({})", escaped(Kind::Other, why, names)?)),
    }
}

/// The BPF programs that answer on ports: `LINK PROGRAM NETNS TAG UID NAME`. The tag is a hash of what the program does.
pub fn sk_lookup(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    join(std::str::from_utf8(answer).unwrap_or_default().lines().filter_map(|line| {
        let mut words = line.splitn(6, ' ');
        let mut told = [number(words.next()?)?, number(words.next()?)?, number(words.next()?)?].join(" ");
        if let Some(tag) = words.next() {
            let is_tag = tag.len() == 16 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
            told += &format!(" {}", if is_tag { tag } else { UNREAD });
        }
        if let Some(uid) = words.next() {
            told += &format!(" {}", id_or_unread(uid, names));
        }
        if let Some(name) = words.next() {
            let name = escaped(Kind::Program, name, names);
            told += &format!(" {}", name.unwrap_or_default());
        }
        Some(told)
    }))
}

/// The paths of cgroups.
pub fn cgroup_paths(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    join(
        lines(answer).filter_map(|(id, path)| Some(format!("{} {}", number(id)?, escaped(Kind::Cgroup, path, names)?))),
    )
}
