//! Processes: who they are, when they started, what they execute, and whether that file is the one at its path.

use std::collections::{BTreeMap, BTreeSet};

use super::question::Question;
use super::refusal::{FILE_NOT_FOUND, INVALID_PARAMETER, PATH_NOT_FOUND};
use super::services::{self, Services};
use crate::collect::seam::{Kernel, Refusal};
use crate::model::{ExeState, PackageState, Process, Protected, Text, Timestamp, UnitState, others_may_change};

/// The process of the kernel itself, which has the same id on every Windows since XP.
pub const SYSTEM: u32 = 4;

/// From 1601 to 1970, in units of 100 ns.
const EPOCH: u64 = 116_444_736_000_000_000;

/// An instant of a `FILETIME`; `None` for 0, which stands for none, and for what lies before 1970.
pub fn instant(filetime: u64) -> Option<Timestamp> {
    i64::try_from(filetime.checked_sub(EPOCH)? / 10_000).ok().map(Timestamp)
}

/// Microseconds since 1970 of a `FILETIME`: small enough for every reader of JSON, which 100 ns since 1601 are not.
fn microseconds(filetime: u64) -> Option<u64> {
    Some(filetime.checked_sub(EPOCH)? / 10)
}

/// A process as the list of all has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its parent, which may have ended and left its number to another.
    pub ppid: u32,
    /// When it started, a `FILETIME`.
    pub start: u64,
    /// The name of its image: a file name, and no evidence.
    pub name: Text,
}

/// Every process by its id, and how many lines made no sense.
pub type List = (BTreeMap<u32, Listed>, u64);

/// Reads the list of all processes.
pub fn list(kernel: &dyn Kernel<Question>) -> Result<List, Refusal> {
    let answer = kernel.get(&Question::Processes)?;
    let (mut all, mut bad) = (BTreeMap::new(), 0);
    for line in answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match std::str::from_utf8(line).ok().and_then(listed) {
            Some((pid, process)) => {
                all.insert(pid, process);
            }
            None => bad += 1,
        }
    }
    Ok((all, bad))
}

fn listed(line: &str) -> Option<(u32, Listed)> {
    let mut words = line.splitn(4, ' ');
    let pid = words.next()?.parse().ok()?;
    let (ppid, start) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((pid, Listed { ppid, start, name: Text::unescape(words.next()?)? }))
}

/// What one look at processes found.
#[derive(Debug, Default)]
pub struct Seen {
    /// The processes that were asked for, with when they started as a `FILETIME`; a process that several services share
    /// stands here without one.
    pub processes: Vec<(u64, Process)>,
    /// Those that the list does not have.
    pub missing: BTreeSet<u32>,
    /// The process of the kernel was among those that were asked for, and is it.
    pub is_system: bool,
    /// How many processes there are.
    pub listed: u64,
    /// Lines of the list that made no sense.
    pub bad: u64,
    /// Processes that ended, or became others, while they were looked at.
    pub vanished: u64,
    /// Executables, users and command lines that were refused.
    pub refused: [u64; 3],
    /// Executables that are known by their path and could not be compared with what lies there.
    pub unverified: u64,
    /// Executables of which it is not known who may change them.
    pub unweighed: u64,
    /// Why there is no list of processes, or of services.
    pub no_list: Option<Refusal>,
    /// Why there is no list of services.
    pub no_services: Option<Refusal>,
    /// The services that run.
    pub services: Services,
}

/// Looks at these processes: the list before and after what is asked about each of them, so that nothing is told of a
/// process that is of another one with its number.
pub fn look_at(kernel: &dyn Kernel<Question>, pids: &BTreeSet<u32>, cmdline: bool) -> Seen {
    let mut seen = Seen::default();
    let before = match list(kernel) {
        Ok((list, bad)) => {
            (seen.listed, seen.bad) = (list.len() as u64, bad);
            list
        }
        Err(refusal) => {
            seen.no_list = Some(refusal);
            BTreeMap::new()
        }
    };
    let mut found = Vec::new();
    for pid in pids {
        match before.get(pid) {
            Some(listed) => found.push((listed.start, one(kernel, *pid, listed, cmdline, &mut seen))),
            None => {
                seen.missing.insert(*pid);
            }
        }
    }
    match services::list(kernel) {
        Ok(services) => seen.services = services,
        Err(refusal) => seen.no_services = Some(refusal),
    }
    let after = list(kernel).map(|(list, _)| list).unwrap_or_default();
    for (start, mut process) in found {
        if process.pid == SYSTEM && process.exe.is_none() && process.comm == Some("System".into()) {
            seen.is_system = true;
            continue;
        }
        if after.get(&process.pid).is_none_or(|listed| listed.start != start) {
            seen.vanished += 1;
            // What was told of it may be of the next one.
            let listed = Listed { ppid: process.ppid.unwrap_or_default(), start, name: Text::default() };
            process = Process { raced: true, comm: process.comm.clone(), ..bare(process.pid, &listed) };
        } else if seen.no_services.is_none() {
            let of_process = seen.services.of(process.pid);
            (process.unit, process.unit_state) = match of_process {
                [] => (None, UnitState::None),
                [one] => (Some(one.clone()), UnitState::Known),
                _ => (None, UnitState::Unknown),
            };
        }
        seen.processes.push((start, process));
    }
    seen
}

/// A process of which nothing is known but what the list says.
fn bare(pid: u32, listed: &Listed) -> Process {
    Process {
        pid,
        ppid: Some(listed.ppid),
        start_ticks: microseconds(listed.start),
        started: instant(listed.start),
        comm: Some(listed.name.clone()).filter(|name| !name.is_empty()),
        exe: None,
        exe_state: ExeState::Unreadable,
        exe_writable: None,
        exe_replaced: None,
        uid: None,
        user: None,
        cgroup: None,
        unit: None,
        user_unit: None,
        unit_state: UnitState::Unknown,
        container: None,
        container_state: UnitState::Unknown,
        package: None,
        package_state: PackageState::NotLookedUp,
        script: None,
        cmdline: None,
        raced: false,
    }
}

/// What can be learned of one process.
fn one(kernel: &dyn Kernel<Question>, pid: u32, listed: &Listed, cmdline: bool, seen: &mut Seen) -> Process {
    let mut process = bare(pid, listed);
    match kernel.get(&Question::Image(pid)) {
        Ok(path) if !path.is_empty() => {
            process.exe = Some(path.as_slice().into());
            let file = kernel.get(&Question::File(path)).map(|answer| file(&answer));
            process.exe_state = match &file {
                Ok(File { changed: Some(changed), .. }) if *changed <= listed.start => ExeState::Ok,
                Err(FILE_NOT_FOUND | PATH_NOT_FOUND) => ExeState::Foreign,
                _ => ExeState::Unreadable,
            };
            process.exe_writable = file.ok().and_then(|file| file.writable);
            seen.unverified += u64::from(process.exe_state == ExeState::Unreadable);
            seen.unweighed += u64::from(process.exe_state == ExeState::Ok && process.exe_writable.is_none());
        }
        Ok(_) => {}
        Err(refusal) => seen.refused[0] += u64::from(is_refused(pid, refusal)),
    }
    match kernel.get(&Question::User(pid)) {
        Ok(answer) => process.user = user(&answer),
        Err(refusal) => seen.refused[1] += u64::from(is_refused(pid, refusal)),
    }
    if cmdline {
        match kernel.get(&Question::Cmdline(pid)) {
            Ok(answer) => process.cmdline = Some(answer.as_slice().into()),
            Err(refusal) => seen.refused[2] += u64::from(is_refused(pid, refusal)),
        }
    }
    process
}

/// True where a refusal hides something: the process of the kernel executes no file, and one that has ended no longer does.
fn is_refused(pid: u32, refusal: Refusal) -> bool {
    pid != SYSTEM && refusal != INVALID_PARAMETER
}

/// The names of the users that every Windows has, in the language of its documentation and of policies: the system itself
/// says them in its own.
const WELL_KNOWN: [(&str, &str); 3] = [
    ("S-1-5-18", "NT AUTHORITY\\SYSTEM"),
    ("S-1-5-19", "NT AUTHORITY\\LOCAL SERVICE"),
    ("S-1-5-20", "NT AUTHORITY\\NETWORK SERVICE"),
];

/// The name of a user; the SID where there is none that this host itself knows.
pub fn user(answer: &[u8]) -> Option<Text> {
    let answer = std::str::from_utf8(answer).ok()?.trim_end_matches('\n');
    let (sid, name) = answer.split_once(' ').unwrap_or((answer, ""));
    if !sid.starts_with("S-1-") {
        return None;
    }
    if let Some((_, name)) = WELL_KNOWN.iter().find(|(known, _)| *known == sid) {
        return Some((*name).into());
    }
    match name {
        "" => Some(sid.into()),
        name => Text::unescape(name),
    }
}

/// What lies at the path of an executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct File {
    /// When it was last changed, put there or renamed, a `FILETIME`.
    changed: Option<u64>,
    /// Others than the system and its administrators may change it, or a directory above it.
    writable: Option<bool>,
}

fn file(answer: &[u8]) -> File {
    let mut file = File::default();
    let mut open = Some(false);
    let mut told = false;
    for line in std::str::from_utf8(answer).unwrap_or_default().lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let what = match word {
            "changed" => {
                file.changed = rest.parse().ok();
                continue;
            }
            "file" => Protected::File,
            "directory" if !told => Protected::Directory,
            "directory" => Protected::Above,
            // It leads elsewhere, or is on a file system of another host.
            _ => return File::default(),
        };
        told |= what == Protected::Directory;
        let of_part = others_may_change(rest, what);
        open = match (open, of_part) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (None, _) | (_, None) => None,
            _ => Some(false),
        };
    }
    file.writable = open.filter(|_| told);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(instant(133_497_288_000_000_000).expect("a time").to_string(), "2024-01-14T18:00:00.000Z");
        assert_eq!((instant(0), instant(EPOCH)), (None, Some(Timestamp(0))));
        assert!(microseconds(u64::MAX).is_some_and(|ticks| ticks > 0));
    }

    #[test]
    fn users_are_named_as_policies_name_them() {
        let named =
            |answer: &str| user(answer.as_bytes()).map(|user| String::from_utf8_lossy(user.as_bytes()).into_owned());
        assert_eq!(named("S-1-5-18 NT-AUTORIT\u{c4}T\\\\SYSTEM\n").as_deref(), Some("NT AUTHORITY\\SYSTEM"));
        assert_eq!(named("S-1-5-21-1-2-3-1001 CORP\\\\alice\n").as_deref(), Some("CORP\\alice"));
        assert_eq!(named("S-1-5-21-1-2-3-1001\n").as_deref(), Some("S-1-5-21-1-2-3-1001"));
        assert_eq!((named(""), named("alice"), named("S-1-5-21-1 \\q")), (None, None, None));
    }

    #[test]
    fn a_file_counts_where_all_of_its_path_is_told() {
        let closed = "O:BAG:SYD:(A;;FA;;;SY)(A;;0x1200a9;;;BU)";
        let open = "O:BAG:SYD:(A;;FA;;;SY)(A;;FA;;;BU)";
        let told = |lines: &[(&str, &str)]| {
            let lines: Vec<String> = lines.iter().map(|(word, rest)| format!("{word} {rest}\n")).collect();
            let File { changed, writable } = file(lines.concat().as_bytes());
            (changed, writable)
        };
        let changed = ("changed", "7");
        assert_eq!(
            told(&[changed, ("file", closed), ("directory", closed), ("directory", closed)]),
            (Some(7), Some(false))
        );
        assert_eq!(
            told(&[changed, ("file", closed), ("directory", closed), ("directory", open)]),
            (Some(7), Some(true))
        );
        assert_eq!(told(&[changed, ("file", closed)]), (Some(7), None));
        assert_eq!(told(&[changed, ("file", "what"), ("directory", closed)]), (Some(7), None));
        assert_eq!(told(&[changed, ("file", "what"), ("directory", open)]), (Some(7), Some(true)));
        assert_eq!(told(&[changed, ("file", closed), ("reparse", "")]), (None, None));
        assert_eq!(told(&[("elsewhere", "")]), (None, None));
    }
}
