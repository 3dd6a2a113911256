//! A process that holds a socket.

use super::{Text, Timestamp};

/// What is known of the file that a process executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExeState {
    /// The file behind the magic link has the device and inode of that path in the host's root: verified. On macOS and
    /// FreeBSD the kernel names the file, and tells its device and inode by another way.
    Ok,
    /// No name leads to the file any more (link count 0).
    Deleted,
    /// The file never had a name: `memfd_create(2)`.
    Memfd,
    /// The host's root has another file at that path, or none: a mount namespace of its own, or a replaced name.
    Foreign,
    /// The link may not be read from here.
    Unreadable,
}

impl ExeState {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Deleted => "deleted",
            Self::Memfd => "memfd",
            Self::Foreign => "foreign",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Whether a process belongs to a unit of the service manager, or to a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitState {
    /// Its cgroup was read and lies in none.
    None,
    /// Its cgroup lies in one.
    Known,
    /// Its cgroup could not be read, or its path does not lead up to the root.
    Unknown,
}

impl UnitState {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Known => "known",
            Self::Unknown => "unknown",
        }
    }
}

/// What the path of a cgroup tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cgroup {
    /// The path, as systemd made it.
    pub path: Text,
    /// The first unit below the slices.
    pub unit: Option<Text>,
    /// The unit of the user's own manager within.
    pub user_unit: Option<Text>,
    /// Whether there is a unit.
    pub unit_state: UnitState,
    /// The container that the path leads through.
    pub container: Option<Container>,
    /// Whether there is a container.
    pub container_state: UnitState,
}

/// A container, as its runtime's cgroup names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Container {
    /// The runtime: `docker`, `containerd`, `cri-o`, `podman`, `kubernetes` (a pod's, by an unknown runtime), `lxc`, `nspawn`.
    pub runtime: &'static str,
    /// Its id (64 hexadecimal digits) or name.
    pub id: Text,
    /// The uid of its pod.
    pub pod: Option<Text>,
}

/// How many digits of a container's id its runtime's own commands show.
const SHORT_ID: usize = 12;

fn is_number(id: &[u8]) -> bool {
    id.len() == 64 && id.iter().all(u8::is_ascii_hexdigit)
}

impl Container {
    /// The id of a container as its runtime's own commands show it (12 digits), or its name.
    pub fn short(id: &Text) -> Text {
        if Self::is_number(id) { Text::from(&id.as_bytes()[..SHORT_ID]) } else { id.clone() }
    }

    /// Its own id, so.
    pub fn short_id(&self) -> Text {
        Self::short(&self.id)
    }

    /// `RUNTIME:ID`, escaped, with the whole id.
    pub fn name(&self) -> String {
        format!("{}:{}", self.runtime, self.id.escaped())
    }

    /// The same for eyes: `docker:0123456789ab`.
    pub fn short_name(&self) -> String {
        format!("{}:{}", self.runtime, self.short_id().escaped())
    }

    /// What of it stays the same from one start to the next: its runtime, and its name where people gave it one.
    pub fn stable_name(&self) -> String {
        Self::stable(&self.name()).to_owned()
    }

    /// The same of a name as [`Self::name`] writes it.
    pub fn stable(name: &str) -> &str {
        match name.split_once(':') {
            Some((runtime, id)) if is_number(id.as_bytes()) => runtime,
            _ => name,
        }
    }

    /// The same for eyes: `docker:0123456789ab`.
    pub fn short_of(name: &str) -> &str {
        match name.split_once(':') {
            Some((runtime, id)) if is_number(id.as_bytes()) => &name[..runtime.len() + 1 + SHORT_ID],
            _ => name,
        }
    }

    /// True for a number that a runtime made up at the start of a container; else it is a name that people gave it.
    pub fn is_number(id: &Text) -> bool {
        is_number(id.as_bytes())
    }
}

/// Whether a package of the host owns the executable of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PackageState {
    /// Nobody asked.
    #[default]
    NotLookedUp,
    /// A package owns it.
    Owned,
    /// No package owns it.
    None,
    /// It is not the file that the host has under its name, and so no package of the host can own it.
    Foreign,
    /// The databases, or the executable, could not be read.
    Unknown,
}

impl PackageState {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotLookedUp => "not_looked_up",
            Self::Owned => "owned",
            Self::None => "none",
            Self::Foreign => "foreign",
            Self::Unknown => "unknown",
        }
    }
}

/// What is known of the owner of a socket: the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerStatus {
    /// At least one process holds it, and is named.
    Known,
    /// Nobody was seen to hold it, and the kernel tells that it is its own.
    Kernel,
    /// Nobody was seen to hold it, and some process has descriptors in messages that it has not yet received.
    InFlight,
    /// Nobody was seen to hold it, and some processes could not be looked into for lack of permission.
    Denied,
    /// Nobody was seen to hold it, and processes outside our pid namespace cannot be seen.
    OtherPidNamespace,
    /// The socket was gone before its holder was found.
    Vanished,
    /// Every process was looked into, and none holds it.
    None,
    /// Nobody was seen to hold it, and the view was incomplete in another way.
    Unknown,
}

impl OwnerStatus {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Kernel => "kernel",
            Self::InFlight => "in_flight",
            Self::Denied => "denied",
            Self::OtherPidNamespace => "other_pid_namespace",
            Self::Vanished => "vanished",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}

/// One process and what could be learned of it. Its identity is (boot id, pid, start ticks).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id in the pid namespace of this run.
    pub pid: u32,
    /// The id of its parent; 0 for none.
    pub ppid: Option<u32>,
    /// Clock ticks from boot to its start, `/proc/PID/stat` field 22; on other systems than Linux microseconds since 1970.
    pub start_ticks: Option<u64>,
    /// When it started.
    pub started: Option<Timestamp>,
    /// The name it gave itself, at most 15 bytes: a claim, never evidence.
    pub comm: Option<Text>,
    /// The path of its executable as the magic link gives it, without the kernel's mark of deletion.
    pub exe: Option<Text>,
    /// What is known of that file.
    pub exe_state: ExeState,
    /// Somebody other than root may write the file or a directory above it, or its own user may; `None` where the file
    /// is not verified.
    pub exe_writable: Option<bool>,
    /// The executable was deleted, and the host has another file at its path, on the same device and root's alone to write;
    /// `None` where it was not deleted.
    pub exe_replaced: Option<bool>,
    /// Its effective user.
    pub uid: Option<u32>,
    /// The name of that user in `/etc/passwd`; on Windows `DOMAIN\name`.
    pub user: Option<Text>,
    /// The path of its cgroup.
    pub cgroup: Option<Text>,
    /// The first unit of the cgroup path below the slices; on Windows the service that it runs.
    pub unit: Option<Text>,
    /// The unit within that unit: what a user's own manager runs.
    pub user_unit: Option<Text>,
    /// Whether it belongs to a unit.
    pub unit_state: UnitState,
    /// The container that its cgroup lies in.
    pub container: Option<Container>,
    /// Whether it belongs to a container.
    pub container_state: UnitState,
    /// The package that owns its executable, without version and architecture.
    pub package: Option<Text>,
    /// Whether a package does.
    pub package_state: PackageState,
    /// The script that it runs, where it is an interpreter and that is certain enough to be told; never evidence.
    pub script: Option<Text>,
    /// Its arguments joined by spaces; only where they were asked for.
    pub cmdline: Option<Text>,
    /// It changed while it was looked at.
    pub raced: bool,
}

impl Process {
    /// The name of its unit, escaped, without what changes from one start to the next: its instances have the same.
    pub fn unit_family(&self) -> Option<String> {
        self.unit.as_ref().map(|unit| stable_unit(&unit.escaped()))
    }

    /// True where its number is all that could be learned of it.
    pub fn is_hidden(&self) -> bool {
        self.exe.is_none() && self.exe_state == ExeState::Unreadable && self.uid.is_none() && self.user.is_none()
    }

    /// The verified executable: the only name of a process that is evidence.
    pub fn verified_exe(&self) -> Option<&Text> {
        match self.exe_state {
            ExeState::Ok => self.exe.as_ref(),
            _ => None,
        }
    }

    /// The verified executable where nobody but root may have put it there: the only one that confirms or contradicts.
    pub fn trusted_exe(&self) -> Option<&Text> {
        self.verified_exe().filter(|_| self.exe_writable == Some(false))
    }
}

/// A unit's name, escaped, without what changes from one start to the next: the instance, and the number of a session or
/// run.
pub fn stable_unit(unit: &str) -> String {
    // A service of Windows has no kind; what it runs for each user has a number at the end.
    let Some((stem, kind)) = unit.rsplit_once('.') else {
        let number = |tail: &str| (4..=8).contains(&tail.len()) && tail.bytes().all(|b| b.is_ascii_hexdigit());
        let of_user = unit.rsplit_once('_').filter(|(_, tail)| number(tail));
        return of_user.map_or_else(|| unit.to_owned(), |(head, _)| format!("{head}_"));
    };
    let stem = match stem.split_once('@') {
        Some((template, _)) => format!("{template}@"),
        None => {
            let transient = stem.rsplit_once('-').filter(|(head, tail)| {
                matches!(*head, "session" | "run") || (tail.len() >= 8 && tail.bytes().all(|b| b.is_ascii_hexdigit()))
            });
            transient.map_or_else(|| stem.to_owned(), |(head, _)| format!("{head}-"))
        }
    };
    format!("{stem}.{kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_lose_what_changes_with_each_start() {
        assert_eq!(stable_unit("ssh.service"), "ssh.service");
        assert_eq!(stable_unit("postfix@-.service"), "postfix@.service");
        assert_eq!(stable_unit("session-12.scope"), "session-.scope");
        assert_eq!(stable_unit("docker-0123456789abcdef.scope"), "docker-.scope");
        assert_eq!(stable_unit("prometheus-node-exporter.service"), "prometheus-node-exporter.service");
        assert_eq!(stable_unit("CDPUserSvc_3a1b2"), "CDPUserSvc_");
        assert_eq!(stable_unit("TermService"), "TermService");
    }

    #[test]
    fn a_containers_number_is_new_with_each_start_and_its_name_is_not() {
        let named = |id: &str| Container { runtime: "docker", id: id.into(), pod: None };
        let numbered = named(&"0123456789abcdef".repeat(4));
        assert_eq!((numbered.stable_name(), numbered.short_name()), ("docker".into(), "docker:0123456789ab".into()));
        assert_eq!(
            (named("we b").stable_name(), named("we b").short_name()),
            ("docker:we b".into(), "docker:we b".into())
        );
    }
}
