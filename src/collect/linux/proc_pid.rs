//! What `/proc/PID` tells of a process, proc(5): pure readers of its files.

use super::container;
use crate::model::{Cgroup, ExeState, Text, UnitState};

/// What `/proc/PID/stat` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The name, as `/proc/PID/comm` has it.
    pub comm: Text,
    /// The parent.
    pub ppid: u32,
    /// Clock ticks from boot to its start.
    pub start_ticks: u64,
}

/// Reads `/proc/PID/stat`. The name stands in parentheses and may hold any byte, so it ends at the LAST parenthesis:
/// what follows are numbers and one letter.
pub fn stat(text: &[u8]) -> Option<Stat> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let comm = Text::from(text.get(open + 1..close)?);
    let rest = std::str::from_utf8(&text[close + 1..]).ok()?;
    // The state is field 3, the parent field 4, the start field 22.
    let mut fields = rest.split_ascii_whitespace();
    let ppid = fields.nth(1)?.parse().ok()?;
    let start_ticks = fields.nth(17)?.parse().ok()?;
    Some(Stat { comm, ppid, start_ticks })
}

/// The effective user and the groups, from the lines `Uid:`, `Gid:` and `Groups:` of `/proc/PID/status`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Ids {
    /// The effective user.
    pub uid: u32,
    /// The effective group and the supplementary ones.
    pub groups: Vec<u32>,
}

/// Reads those lines.
pub fn ids(text: &[u8]) -> Option<Ids> {
    let text = std::str::from_utf8(text).ok()?;
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    // Real, effective, saved, file system.
    let effective = |line: &str| line.split_ascii_whitespace().nth(1)?.parse().ok();
    let uid = line("Uid:").and_then(effective)?;
    let mut groups: Vec<u32> = line("Gid:").and_then(effective).into_iter().collect();
    groups.extend(line("Groups:").unwrap_or_default().split_ascii_whitespace().filter_map(|id| id.parse::<u32>().ok()));
    Some(Ids { uid, groups })
}

/// What the directory `/proc/PID` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
    /// The inode of the directory: another process under the same id has another.
    pub inode: u64,
}

/// Reads an answer to `Question::Owner`.
pub fn owner(text: &[u8]) -> Option<Owner> {
    let mut words = std::str::from_utf8(text).ok()?.split_ascii_whitespace();
    let (uid, gid) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Owner { uid, gid, inode: words.next()?.parse().ok()? })
}

/// The identity of a file: device and inode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileId(Box<str>, u64);

/// What the magic link `/proc/PID/exe` leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exe {
    /// The path as the link gives it, without the kernel's mark of deletion.
    pub path: Text,
    /// The file behind it.
    pub file: FileId,
    /// No name leads to the file any more.
    pub deleted: bool,
}

/// Reads an answer to `Question::Exe`. The kernel appends ` (deleted)` to the path of a file without a name, but a name
/// may end so too: the link count decides.
pub fn exe(answer: &[u8]) -> Option<Exe> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let mut words = std::str::from_utf8(&answer[..end]).ok()?.split(' ');
    let file = FileId(words.next()?.into(), words.next()?.parse().ok()?);
    let deleted = words.next()?.parse::<u64>().ok()? == 0;
    let path = &answer[end + 1..];
    let path = if deleted { path.strip_suffix(b" (deleted)").unwrap_or(path) } else { path };
    Some(Exe { path: Text::from(path), file, deleted })
}

/// A file of the host's root and the directories above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFile {
    /// The file itself.
    pub file: FileId,
    /// Mode, user and group of the file and of each directory above it.
    pub path: Vec<Permissions>,
}

impl HostFile {
    /// True for a file that has content: no directory, device, pipe or socket.
    pub fn is_regular(&self) -> bool {
        self.path.first().is_some_and(|file| file.mode & 0o170_000 == 0o100_000)
    }
}

/// Mode, user and group of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions {
    mode: u32,
    uid: u32,
    gid: u32,
}

/// Reads an answer to `Question::HostFile`.
pub fn host_file(answer: &[u8]) -> Option<HostFile> {
    let mut file = None;
    let mut path = Vec::new();
    for line in std::str::from_utf8(answer).ok()?.lines() {
        let mut words = line.split(' ');
        let id = FileId(words.next()?.into(), words.next()?.parse().ok()?);
        file.get_or_insert(id);
        path.push(Permissions {
            mode: u32::from_str_radix(words.next()?, 8).ok()?,
            uid: words.next()?.parse().ok()?,
            gid: words.next()?.parse().ok()?,
        });
    }
    Some(HostFile { file: file?, path })
}

/// Programs that run a script named in their arguments, without the version behind their names.
const INTERPRETERS: [&[u8]; 13] = [
    b"python", b"pypy", b"perl", b"ruby", b"php", b"node", b"nodejs", b"lua", b"tclsh", b"bash", b"dash", b"sh", b"ksh",
];

/// True for the path of an interpreter.
pub fn is_interpreter(exe: &Text) -> bool {
    let name = exe.base_name();
    let versionless = name.iter().rposition(|byte| !byte.is_ascii_digit() && *byte != b'.').map_or(0, |last| last + 1);
    INTERPRETERS.contains(&&name[..versionless])
}

/// Of `/proc/PID/cmdline` the name that a program was started under and, where it is a path, the first argument: nothing
/// else may stand in a capture, since arguments may hold secrets.
pub fn keep_script(cmdline: &mut Vec<u8>) {
    let mut arguments = cmdline.split_inclusive(|byte| *byte == 0);
    let name = arguments.next().unwrap_or_default();
    let script = arguments.next().filter(|argument| argument.starts_with(b"/")).map_or(0, <[u8]>::len);
    // Without a script the name says nothing; and one with spaces may be a title with every argument in it.
    let is_title = name.iter().any(u8::is_ascii_whitespace);
    cmdline.truncate(if script == 0 || is_title { 0 } else { name.len() + script });
}

/// The script in what is kept of `/proc/PID/cmdline` of an interpreter. A process may write there what it likes, so it counts only where it
/// is plain: the first argument, no option, an absolute path; and where the name of the process is still the one that
/// the kernel gave it when it was executed, that of the script (through `#!`, execve(2)) or of the interpreter.
pub fn script(cmdline: &[u8], comm: &Text, exe: &Text) -> Option<Text> {
    let path = cmdline.split(|byte| *byte == 0).nth(1).filter(|path| path.starts_with(b"/"))?;
    let script = Text::from(path);
    let is_given = |name: &[u8]| comm.as_bytes() == &name[..name.len().min(15)];
    let started_as = cmdline.split(|byte| *byte == 0).next().map(Text::from);
    let given =
        [Some(&script), Some(exe), started_as.as_ref()].into_iter().flatten().any(|name| is_given(name.base_name()));
    given.then_some(script)
}

/// Whether a file lies where somebody other than root may write: then its name says nothing about what it is. Whose
/// place it is does not matter, since one person may run programs as several users (subuid(5)). A group counts where the
/// process is in it: Debian lets the group staff write below /usr/local, which is root's choice.
pub fn is_writable(file: &HostFile, user: &Ids) -> bool {
    let in_group = |at: &Permissions| user.uid != 0 && at.mode & 0o020 != 0 && user.groups.contains(&at.gid);
    file.path.iter().any(|at| at.mode & 0o002 != 0 || at.uid != 0 || in_group(at))
}

/// True where more groups than the effective one may decide whether a user may write.
pub fn wants_groups(file: &HostFile, user: &Ids) -> bool {
    user.uid != 0 && file.path.iter().any(|at| at.mode & 0o020 != 0)
}

/// The state of an executable, by what the host's root has at its path.
pub fn exe_state(exe: &Exe, host: Option<&HostFile>) -> ExeState {
    match host {
        _ if exe.deleted && exe.path.as_bytes().starts_with(b"/memfd:") => ExeState::Memfd,
        _ if exe.deleted => ExeState::Deleted,
        Some(host) if host.file == exe.file => ExeState::Ok,
        _ => ExeState::Foreign,
    }
}

/// True where the host has another file in the place of a deleted one, which root alone may have put there. On another
/// device it stands in another mount namespace, and says nothing about the one that was deleted.
pub fn replaces(host: &HostFile, deleted: &Exe) -> bool {
    let root = Ids { uid: 0, groups: Vec::new() };
    host.file.0 == deleted.file.0 && host.is_regular() && !is_writable(host, &root)
}

/// Reads `/proc/PID/cgroup`, cgroups(7): the hierarchy of version 2, or that of systemd in version 1.
///
/// Only the components that the system's manager made count: a user may make what he likes below his own. So the unit is
/// the first component from the root that is no slice, and what lies deeper is the user's, or the container's: a unit
/// below a container's cgroup is of the manager within.
pub fn cgroup(text: &[u8]) -> Option<Cgroup> {
    let mut unified = None;
    let mut named = None;
    let mut others = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        // `HIERARCHY:CONTROLLERS:PATH`; only the path may hold another colon.
        let mut fields = line.splitn(3, |byte| *byte == b':').skip(1);
        match (fields.next(), fields.next()) {
            (Some(b""), path) => unified = path,
            (Some(b"name=systemd"), path) => named = path,
            (_, path) => others.extend(path),
        }
    }
    // With both, systemd of a hybrid host keeps its units in its own hierarchy.
    let path = named.or(unified)?;
    let unknown = path.split(|byte| *byte == b'/').any(|part| part == b"..");
    let mut parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).peekable();
    while parts.next_if(|part| part.ends_with(b".slice")).is_some() {}
    // In version 1 a runtime without systemd has cgroups in the hierarchies of the controllers alone.
    let mut paths = std::iter::once(path).chain(others).filter(|_| !unknown);
    let container = paths.find_map(container::container);
    let named_by_lxc = |part: &&[u8]| part.starts_with(b"lxc.payload.") && container.is_some();
    let unit = parts.next().filter(|part| is_unit(part) && !named_by_lxc(part)).filter(|_| !unknown);
    let user_unit = match unit {
        // What a user's own manager runs lies below its own unit, below slices of its own.
        Some(unit) if unit.starts_with(b"user@") => {
            while parts.next_if(|part| part.ends_with(b".slice")).is_some() {}
            parts.next().filter(|part| is_unit(part))
        }
        _ => None,
    };
    let state = |is_there: bool| match is_there {
        _ if unknown => UnitState::Unknown,
        true => UnitState::Known,
        false => UnitState::None,
    };
    Some(Cgroup {
        path: Text::from(path),
        unit: unit.map(Text::from),
        user_unit: user_unit.map(Text::from),
        unit_state: state(unit.is_some()),
        container_state: state(container.is_some()),
        container,
    })
}

/// True for the name of a unit that has processes, systemd.unit(5).
fn is_unit(part: &[u8]) -> bool {
    [&b".service"[..], b".scope", b".socket", b".mount", b".swap"]
        .iter()
        .any(|kind| part.len() > kind.len() && part.ends_with(kind))
}

#[cfg(test)]
#[path = "proc_pid_tests.rs"]
mod tests;
