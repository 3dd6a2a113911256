//! The answers about one process.

use super::{Kind, Rename, UNREAD, id_or_unread, number, number_or_unread};
use crate::collect::linux::{deep, proc_pid};

/// Where a descriptor leads to: that it is this socket is all that is asked.
pub fn link(answer: &[u8]) -> Vec<u8> {
    let inode = |link: &str| number(link.strip_prefix("socket:[")?.strip_suffix(']')?);
    match std::str::from_utf8(answer).ok().and_then(inode) {
        Some(inode) => format!("socket:[{inode}]").into_bytes(),
        None => UNREAD.into(),
    }
}

/// The sockets that are registered with an io_uring.
pub fn ring(answer: &[u8]) -> Vec<u8> {
    let mut out = String::new();
    for line in answer.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()) {
        let inode = line.split_once("socket:[").and_then(|(_, inode)| number(inode.strip_suffix(']')?));
        if let Some(inode) = inode {
            out += &format!("    0: socket:[{inode}]\n");
        } else if let Some(protocol) = deep::unnamed(line.as_bytes()) {
            out += &format!("    0: {protocol}\n");
        }
    }
    out.into_bytes()
}

/// The fields up to the start of the process, as far as they are numbers: what follows are addresses in its memory.
pub fn stat(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    const FIELDS: usize = 20;
    let Some(stat) = proc_pid::stat(answer) else { return Vec::new() };
    let end = answer.iter().rposition(|byte| *byte == b')').unwrap_or_default();
    let rest = std::str::from_utf8(&answer[end + 1..]).unwrap_or_default();
    let field = |(at, field): (usize, &str)| match field {
        // The state of the process.
        _ if at == 0 && field.len() == 1 && field.bytes().all(|byte| byte.is_ascii_alphabetic()) => field.to_owned(),
        _ => number_or_unread(field),
    };
    let fields: Vec<String> = rest.split_ascii_whitespace().take(FIELDS).enumerate().map(field).collect();
    let pid: Vec<u8> = answer.iter().copied().take_while(u8::is_ascii_digit).collect();
    let comm = match stat.comm.is_empty() {
        true => Vec::new(),
        false => names.name(Kind::Program, stat.comm.as_bytes()),
    };
    [&pid[..], b" (", &comm, b") ", fields.join(" ").as_bytes(), b"\n"].concat()
}

/// The name that a process was started under, and the path that is its first argument.
pub fn script(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    let mut kept = answer.to_vec();
    proc_pid::keep_script(&mut kept);
    let mut out = Vec::new();
    for argument in kept.split_inclusive(|byte| *byte == 0) {
        let (text, end) = argument.strip_suffix(&[0]).map_or((argument, &b""[..]), |text| (text, &b"\0"[..]));
        let kind = if text.contains(&b'/') { Kind::Executable } else { Kind::Program };
        if !text.is_empty() {
            out.extend(names.name(kind, text));
        }
        out.extend_from_slice(end);
    }
    out
}

/// User, group and inode of the directory of a process.
pub fn owner(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    match proc_pid::owner(answer) {
        Some(owner) => format!("{} {} {}\n", names.id(owner.uid), names.id(owner.gid), owner.inode).into_bytes(),
        None => Vec::new(),
    }
}

/// The lines `Uid:`, `Gid:` and `Groups:`.
pub fn ids(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    let mut out = String::new();
    for line in std::str::from_utf8(answer).unwrap_or_default().lines() {
        let Some(name) = ["Uid:", "Gid:", "Groups:"].into_iter().find(|name| line.starts_with(name)) else { continue };
        out += name;
        for id in line[name.len()..].split_ascii_whitespace() {
            out.push('\t');
            out += &id_or_unread(id, names);
        }
        out.push('\n');
    }
    out.into_bytes()
}

/// `HIERARCHY:CONTROLLERS:PATH` a line.
pub fn cgroup(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    let line = |line: &[u8]| {
        let fields = line.splitn(3, |byte| *byte == b':').enumerate();
        let fields = fields.map(|(at, field)| match at {
            0 => std::str::from_utf8(field).map_or(UNREAD.into(), number_or_unread).into_bytes(),
            1 => controllers(field, names),
            _ if field.is_empty() => Vec::new(),
            _ => names.name(Kind::Cgroup, field),
        });
        fields.collect::<Vec<_>>().join(&b':')
    };
    let lines = answer.split(|byte| *byte == b'\n').map(line).map(|line| if line == b"?" { Vec::new() } else { line });
    lines.collect::<Vec<_>>().join(&b'\n')
}

/// The controllers of the kernel, cgroups(7), and the hierarchy of systemd; others are hierarchies that people named.
fn controllers(field: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    const KNOWN: [&str; 18] = [
        "",
        "blkio",
        "cpu",
        "cpuacct",
        "cpuset",
        "debug",
        "devices",
        "dmem",
        "freezer",
        "hugetlb",
        "io",
        "memory",
        "misc",
        "name=systemd",
        "net_cls",
        "net_prio",
        "perf_event",
        "pids",
    ];
    let controller = |one: &[u8]| match KNOWN.iter().any(|known| known.as_bytes() == one) || one == b"rdma" {
        true => one.to_vec(),
        false => names.name(Kind::Other, one),
    };
    field.split(|byte| *byte == b',').map(controller).collect::<Vec<_>>().join(&b',')
}

/// The identity of a file, then its path.
pub fn exe(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    let Some(exe) = proc_pid::exe(answer) else { return Vec::new() };
    let end = answer.iter().position(|byte| *byte == b'\n').unwrap_or_default();
    let words: Vec<&str> = std::str::from_utf8(&answer[..end]).unwrap_or_default().split(' ').collect();
    let [device, inode, links, ..] = words[..] else { return Vec::new() };
    let (device, inode, links) = (device_number(device, names), number_or_unread(inode), number_or_unread(links));
    let path = names.name(Kind::Executable, exe.path.as_bytes());
    // The kernel marks a file without a name.
    let mark: &[u8] = if exe.deleted && answer.ends_with(b" (deleted)") { b" (deleted)" } else { b"" };
    [format!("{device} {inode} {links}\n").as_bytes(), &path, mark].concat()
}

/// `MAJOR:MINOR`, which is compared as it stands.
fn device_number(device: &str, names: &mut dyn Rename) -> String {
    let known = device.split_once(':').filter(|(major, minor)| number(major).is_some() && number(minor).is_some());
    match known {
        Some(_) => device.to_owned(),
        None if device.is_empty() => String::new(),
        None => String::from_utf8_lossy(&names.name(Kind::Other, device.as_bytes())).into_owned(),
    }
}

/// A command line is its user's text, and nothing of it stays.
pub fn cmdline(answer: &[u8]) -> Vec<u8> {
    if answer.is_empty() { Vec::new() } else { b"(redacted)\0".to_vec() }
}

/// `MAJOR:MINOR INODE MODE UID GID` a line.
pub fn host_file(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    let mut out = String::new();
    for line in std::str::from_utf8(answer).unwrap_or_default().lines() {
        let words = line.split(' ').take(5).enumerate().map(|(at, word)| match at {
            0 => device_number(word, names),
            2 => u32::from_str_radix(word, 8).map_or(UNREAD.to_owned(), |mode| format!("{mode:o}")),
            3 | 4 => id_or_unread(word, names),
            _ => number_or_unread(word),
        });
        out += &words.collect::<Vec<_>>().join(" ");
        out.push('\n');
    }
    out.into_bytes()
}
