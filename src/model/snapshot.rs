//! What is, and what could not be seen.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{Cgroup, NetNs, Process, SkLookup, Socket, Text, Timestamp};

/// The host that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Host {
    /// An id made for this program from the machine id, as `sd_id128_get_machine_app_specific(3)` makes one: 32 hex.
    pub id: Option<String>,
    /// The name of the host.
    pub hostname: Option<Text>,
    /// The id of this boot: `/proc/sys/kernel/random/boot_id`, `kern.bootsessionuuid` of macOS, `kern.boot_id` of FreeBSD.
    pub boot_id: Option<Text>,
    /// The operating system: `linux`, `macos`, `windows`, …
    pub platform: &'static str,
    /// The release of the kernel.
    pub kernel: Option<Text>,
    /// The lowest and the highest port that the kernel hands out by itself, both inclusive.
    pub ephemeral_ports: Option<(u16, u16)>,
    /// The lowest port that needs no privilege to bind.
    pub unprivileged_port: Option<u16>,
}

impl Host {
    /// True where rights are capabilities, capabilities(7), and namespaces and `/proc` decide what is seen.
    pub fn has_capabilities(&self) -> bool {
        self.platform == "linux"
    }

    /// True where sockets have inodes.
    pub fn has_inodes(&self) -> bool {
        self.platform != "windows"
    }

    /// What shows the owners of sockets to whoever lacks it.
    pub fn shows_owners(&self) -> &'static str {
        match self.platform {
            "linux" => "cap_sys_ptrace and cap_dac_read_search, or root",
            "windows" => "an elevated prompt (Run as administrator)",
            _ => "root",
        }
    }
}

/// How `/proc` hides other users' processes, proc(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidepid {
    /// Everybody sees every process.
    Off,
    /// Other users' processes are seen, their files are not.
    NoAccess,
    /// Other users' processes are not seen.
    Invisible,
    /// Only processes that the caller may trace are seen.
    Ptraceable,
}

impl Hidepid {
    /// The name as the mount option has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::NoAccess => "noaccess",
            Self::Invisible => "invisible",
            Self::Ptraceable => "ptraceable",
        }
    }
}

/// Whether a namespace of this run is the first of the host or one within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceKind {
    /// The first namespace of the host.
    Initial,
    /// One within it.
    Nested,
}

impl NamespaceKind {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Nested => "nested",
        }
    }
}

/// From where a run looked: what decides how much it could see.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Vantage {
    /// The effective user.
    pub uid: Option<u32>,
    /// The effective capabilities by name (`cap_sys_ptrace`), in the order of their numbers; on Windows the privileges that
    /// are enabled (`SeDebugPrivilege`), by name.
    pub caps: Option<Vec<&'static str>>,
    /// The pid namespace whose processes are seen.
    pub pid_ns: Option<NamespaceKind>,
    /// The user namespace.
    pub user_ns: Option<NamespaceKind>,
    /// What `/proc` hides.
    pub hidepid: Option<Hidepid>,
    /// The name of the user, where a system has no number for one.
    pub user: Option<Text>,
    /// On Windows: the run has the rights that its user has as an administrator.
    pub elevated: Option<bool>,
}

/// How a table was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableStatus {
    /// Whole.
    Read,
    /// This kernel has no such protocol: nothing is missing.
    Absent,
    /// It exists and could not be read.
    Unreadable,
    /// It was read, and changed faster than it could be read.
    Unstable,
}

impl TableStatus {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Absent => "absent",
            Self::Unreadable => "unreadable",
            Self::Unstable => "unstable",
        }
    }
}

/// Where the rows of a table came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// `NETLINK_SOCK_DIAG`, sock_diag(7).
    SockDiag,
    /// A file below `/proc/net`, proc(5).
    Proc,
    /// The descriptors of processes.
    Fd,
    /// A table of sysctl(3), on macOS and FreeBSD.
    Sysctl,
    /// The tables of the IP Helper API of Windows, which name the process of each socket.
    IpHelper,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 5] = [Self::SockDiag, Self::Proc, Self::Fd, Self::Sysctl, Self::IpHelper];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SockDiag => "sock_diag",
            Self::Proc => "proc",
            Self::Fd => "fd",
            Self::Sysctl => "sysctl",
            Self::IpHelper => "iphlpapi",
        }
    }
}

/// One table of sockets in one namespace, and how it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRead {
    /// The name of the table: `tcp`, `tcp6`, `udp`, …, as below `/proc/net`.
    pub table: &'static str,
    /// Index into [`Snapshot::namespaces`].
    pub netns: usize,
    /// How it was read.
    pub status: TableStatus,
    /// Where its rows came from; `None` where there are none.
    pub source: Option<Source>,
    /// Fields of a listener that this source does not tell.
    pub lacks: &'static [&'static str],
    /// What went wrong, in words.
    pub error: Option<String>,
}

/// Something that could not be seen: what, why, what follows, and what would mend it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gap {
    /// What could not be seen.
    pub what: String,
    /// Why not.
    pub why: String,
    /// What the answer lacks for it.
    pub consequence: String,
    /// What would mend it.
    pub remedy: String,
}

impl Gap {
    /// True where [`Gap::what`] is whole network namespaces: then any socket may be missing.
    pub fn hides_namespaces(what: &str) -> bool {
        what.starts_with("the network namespace") || what == "other network namespaces"
    }

    /// The table whose rows [`Gap::what`] is, and what follows its name.
    pub fn table(what: &str) -> Option<&str> {
        what.split_once(" of the table ").map(|(_, table)| table)
    }
}

/// How the descriptors of processes could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ProcessCounts {
    /// Processes that were listed.
    pub seen: u64,
    /// Those whose descriptors the kernel refused, where this run lacks a capability.
    pub no_permission: u64,
    /// Those whose descriptors it refused although this run has every capability that should do, or is root's.
    pub denied_despite_caps: u64,
    /// Those that ended while they were looked at.
    pub vanished: u64,
    /// Descriptors that were listed and could not be read, of processes that could.
    pub hidden_descriptors: u64,
    /// Some processes may not have been listed at all, or could not be looked into before the run ended.
    pub hidden_possible: bool,
}

/// The way by which a process holds a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    /// A descriptor of the process.
    Fd,
    /// A descriptor of a thread that has a table of its own, or whose first thread has ended.
    Thread,
    /// A file that is registered with an io_uring of the process, io_uring_register(2).
    IoUring,
    /// A descriptor in a message that the process has not yet received, `SCM_RIGHTS` in unix(7); on macOS a file port, which
    /// the process can make a descriptor of.
    InFlight,
    /// A descriptor of the process, which lives in another network namespace than the socket.
    ForeignNetns,
    /// No descriptor: by the cgroup that the socket was created in.
    Cgroup,
    /// No descriptor: the table of sockets names the process.
    Table,
}

impl Via {
    /// Every way.
    pub const ALL: [Self; 7] =
        [Self::Fd, Self::Thread, Self::IoUring, Self::InFlight, Self::ForeignNetns, Self::Cgroup, Self::Table];

    /// True where a number of a descriptor leads to the socket.
    pub const fn has_descriptor(self) -> bool {
        !matches!(self, Self::Cgroup | Self::Table)
    }

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fd => "fd",
            Self::Thread => "thread",
            Self::IoUring => "io_uring",
            Self::InFlight => "in_flight",
            Self::ForeignNetns => "foreign_netns",
            Self::Cgroup => "cgroup",
            Self::Table => "table",
        }
    }
}

/// How sure it is that a process holds a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// Its own descriptor was seen, or the table of sockets names it.
    Proved,
    /// It is the only process of the cgroup that the socket was created in, and could not be looked into.
    Probable,
    /// It is one of those that may: evidence against nobody.
    Candidate,
}

impl Certainty {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Probable => "probable",
            Self::Candidate => "candidate",
        }
    }
}

/// One process holds one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// Index into [`Snapshot::sockets`].
    pub socket: u32,
    /// Index into [`Snapshot::processes`].
    pub process: u32,
    /// The lowest descriptor of the process that leads to the socket; of an io_uring or a unix socket in between, that one.
    /// 0 and without meaning for [`Via::Cgroup`] and [`Via::Table`].
    pub fd: u32,
    /// The way by which it does.
    pub via: Via,
    /// How sure that is.
    pub certainty: Certainty,
}

impl Holder {
    /// A holder whose own descriptor was seen.
    pub fn proved(socket: u32, process: u32, fd: u32) -> Self {
        Self { socket, process, fd, via: Via::Fd, certainty: Certainty::Proved }
    }
}

/// Everything that one run saw of one host, and the gaps. Collection never fails: it returns this.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// When the run began.
    pub taken_at: Timestamp,
    /// The host.
    pub host: Host,
    /// From where it was looked at.
    pub vantage: Vantage,
    /// The network namespaces that were read.
    pub namespaces: Vec<NetNs>,
    /// The namespace that was asked for is none of these, and so nothing of them was kept.
    pub netns_unmatched: bool,
    /// The sockets, in no promised order.
    pub sockets: Vec<Socket>,
    /// The processes that hold any of them, by pid.
    pub processes: Vec<Process>,
    /// Who holds what, sorted by socket, then by process; one entry for a process and a socket.
    pub holders: Vec<Holder>,
    /// How each table was read.
    pub tables: Vec<TableRead>,
    /// How the processes could be read.
    pub counts: ProcessCounts,
    /// The BPF programs that choose which socket answers, in their order.
    pub sk_lookups: Vec<SkLookup>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// What hardly any run may see and few hosts have: told to who asks what could be seen, and no reason to call a run
    /// incomplete.
    pub usual_gaps: Vec<Gap>,
    /// The cgroups (version 2) that sockets were created in, by id, where they were asked for or stand in for owners.
    pub cgroups: BTreeMap<u64, Cgroup>,
    /// Addresses that connections in TIME-WAIT keep from being bound, where they were asked for.
    pub lingering: Vec<SocketAddr>,
}

impl Snapshot {
    /// The holders of a socket.
    pub fn holders_of(&self, socket: usize) -> &[Holder] {
        let start = self.holders.partition_point(|holder| (holder.socket as usize) < socket);
        let end = self.holders.partition_point(|holder| (holder.socket as usize) <= socket);
        &self.holders[start..end]
    }
}
