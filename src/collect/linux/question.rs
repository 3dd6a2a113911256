//! What we may ask a Linux kernel, and the name of each question in a capture.

use std::fmt;

/// One question. With another host's root, what is "ours" is that of its first process, and `/proc` is its own. The
/// [`fmt::Display`] is its name in a capture; the answer is always bytes or an error number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// Milliseconds since 1970, nanoseconds since boot, clock ticks a second, page size; decimal, split by spaces.
    Clock,
    /// A line each: `uid`, `caps` (hexadecimal), `pid_ns` (whose processes are seen), `user_ns` (inodes), `hidepid` (the
    /// mount option).
    Vantage,
    /// A line each: `hostname`, `kernel`; what follows the space is escaped.
    Host,
    /// A line each: `boot_id`, `host_id`; what follows the space is escaped.
    Identity,
    /// A line each: `ephemeral LOW HIGH`, `unprivileged PORT`.
    Ports,
    /// Inode of our network namespace, then inodes of `net/tcp` of this process and of process 1; decimal.
    NetNs,
    /// The ways into the other network namespaces, a line each: `process INODE PID`, `mount INODE PATH` (escaped);
    /// `listed INODE ID` of those that only the kernel's own list has, listns(2);
    /// `unnamed FILE PID` where only the inode of a process's `net/tcp` could be had; `closed COUNT` processes told nothing.
    Namespaces,
    /// A question about what belongs to a network namespace, asked within that one.
    In(Ns, Box<Question>),
    /// `RTM_GETLINK` dump, rtnetlink(7).
    Links,
    /// `RTM_GETADDR` dump of both families, rtnetlink(7).
    Addresses,
    /// The number by which a namespace, `None` for our own, goes in the one that is asked; -1 where it has none there.
    NsId(Option<Ns>),
    /// The ports of WireGuard devices, which stand by their indexes: `DEVICE PORT` a line.
    Wireguard(Vec<u32>),
    /// L2TP tunnels over UDP: `l2tp PORT ADDRESS` a line.
    L2tp,
    /// The ports of foo-over-UDP: `fou PORT ADDRESS` or `gue PORT ADDRESS` a line.
    Fou,
    /// `/proc/fs/nfsd/portlist`.
    NfsPorts,
    /// The BPF programs of the kind `sk_lookup` that are attached to network namespaces, bpf(2): `LINK PROGRAM NETNS TAG UID
    /// NAME` a line, the name escaped; without the last three where the program itself could not be asked.
    SkLookup,
    /// `/proc/net/protocols`.
    Protocols,
    /// A `SOCK_DIAG_BY_FAMILY` dump of one table, sock_diag(7).
    Diag(Table),
    /// Inodes of the TCP sockets that have a peer, a line each.
    Connected,
    /// The file of one table below `/proc/net`.
    ProcNet(Table),
    /// The process ids, a line each.
    Pids,
    /// The sockets that a process holds: `FD INODE` a line; `FD net INODE` for a network namespace, `FD ring` for an
    /// io_uring; `! ERRNO COUNT` for descriptors that could not be read.
    Sockets(u32),
    /// The threads of a process whose table of descriptors is not the first thread's, one of each table, a line each.
    Threads(u32),
    /// As `Sockets`, of a thread of a process.
    ThreadSockets(u32, u32),
    /// As `Exe`, of a thread of a process.
    ThreadExe(u32, u32),
    /// What is registered with an io_uring of a process, `/proc/PID/fdinfo/FD`: the lines that name sockets.
    Ring(u32, u32),
    /// Which of these sockets of a process have descriptors in messages: `FD COUNT` a line, from `/proc/PID/fdinfo`.
    InFlight(u32, Vec<u32>),
    /// The inode of the network namespace that a process lives in.
    LivesIn(u32),
    /// Where one descriptor of a process leads to, as readlink(2) has it.
    Link(u32, u32),
    /// The vsock addresses behind descriptors of a process that led to these inodes: `FD CID PORT TYPE LISTENING` a line, and
    /// `FD gone` for one that leads elsewhere by now.
    Vsock(u32, Vec<(u32, u64)>),
    /// `/proc/PID/stat`.
    Stat(u32),
    /// Effective user and group of a process, and the inode of its directory below `/proc`: what statx(2) tells of it.
    Owner(u32),
    /// The lines `Uid:`, `Gid:` and `Groups:` of `/proc/PID/status`.
    Ids(u32),
    /// `/proc/PID/cgroup`.
    Cgroup(u32),
    /// `MAJOR:MINOR INODE LINKS` of the file that a process executes, a newline, then the path of the magic link.
    Exe(u32),
    /// `/proc/PID/cmdline`.
    Cmdline(u32),
    /// The name that a process was started under and the path that is its first argument, a NUL byte behind each.
    Script(u32),
    /// What the host's root has at a path: `MAJOR:MINOR INODE MODE UID GID` a line, the file first, then each directory
    /// up to the root; the mode is octal.
    HostFile(Vec<u8>),
    /// The name of a user in `/etc/passwd`.
    User(u32),
    /// The packages that own these files: `owned PACKAGE PATH`, `none PATH`, `unknown PATH` a line, all escaped, and `why
    /// REASON`.
    Packages(Vec<Vec<u8>>),
    /// The paths of the cgroups (version 2) with these ids: `ID PATH` a line, the path escaped.
    CgroupPaths(Vec<u64>),
    /// The processes of a cgroup (version 2): a pid a line, 0 for those of other pid namespaces, and `below` where it has
    /// cgroups of its own.
    CgroupProcs(Vec<u8>),
}

/// A network namespace other than our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ns {
    /// By its inode in the nsfs.
    Inode(u64),
    /// By the inode of `net/tcp` below a process of it, where its own may not be read.
    File(u64),
}

impl Ns {
    /// Its inode in the nsfs.
    pub fn inode(self) -> Option<u64> {
        match self {
            Self::Inode(inode) => Some(inode),
            Self::File(_) => None,
        }
    }
}

impl fmt::Display for Ns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inode(inode) => write!(f, "{inode}"),
            Self::File(inode) => write!(f, "file:{inode}"),
        }
    }
}

/// One table of sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// TCP over IPv4, listening.
    Tcp,
    /// TCP over IPv6, listening.
    Tcp6,
    /// TCP over IPv4, bound and not listening (Linux 6.8).
    TcpBound,
    /// TCP over IPv6, bound and not listening (Linux 6.8).
    Tcp6Bound,
    /// TCP over IPv4, in TIME-WAIT.
    TcpTimeWait,
    /// TCP over IPv6, in TIME-WAIT.
    Tcp6TimeWait,
    /// MPTCP over IPv4, listening.
    Mptcp,
    /// MPTCP over IPv6, listening.
    Mptcp6,
    /// UDP over IPv4, without a peer.
    Udp,
    /// UDP over IPv6, without a peer.
    Udp6,
    /// UDP over IPv4, with a peer.
    UdpConnected,
    /// UDP over IPv6, with a peer.
    Udp6Connected,
    /// UDP-Lite over IPv4, without a peer.
    UdpLite,
    /// UDP-Lite over IPv6, without a peer.
    UdpLite6,
    /// SCTP over IPv4, listening.
    Sctp,
    /// SCTP over IPv6, listening.
    Sctp6,
    /// DCCP over IPv4, listening.
    Dccp,
    /// DCCP over IPv6, listening.
    Dccp6,
    /// Raw IPv4.
    Raw,
    /// Raw IPv6.
    Raw6,
    /// Packet sockets.
    Packet,
    /// Vsock, listening or a bound datagram socket.
    Vsock,
    /// Unix, listening or a datagram socket without a peer.
    Unix,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 23] = [
        Self::Tcp,
        Self::Tcp6,
        Self::TcpBound,
        Self::Tcp6Bound,
        Self::TcpTimeWait,
        Self::Tcp6TimeWait,
        Self::Mptcp,
        Self::Mptcp6,
        Self::Udp,
        Self::Udp6,
        Self::UdpConnected,
        Self::Udp6Connected,
        Self::UdpLite,
        Self::UdpLite6,
        Self::Sctp,
        Self::Sctp6,
        Self::Dccp,
        Self::Dccp6,
        Self::Raw,
        Self::Raw6,
        Self::Packet,
        Self::Vsock,
        Self::Unix,
    ];

    /// The name in coverage and captures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tcp6 => "tcp6",
            Self::TcpBound => "tcp-bound",
            Self::Tcp6Bound => "tcp6-bound",
            Self::TcpTimeWait => "tcp-time-wait",
            Self::Tcp6TimeWait => "tcp6-time-wait",
            Self::Mptcp => "mptcp",
            Self::Mptcp6 => "mptcp6",
            Self::Udp => "udp",
            Self::Udp6 => "udp6",
            Self::UdpConnected => "udp-connected",
            Self::Udp6Connected => "udp6-connected",
            Self::UdpLite => "udplite",
            Self::UdpLite6 => "udplite6",
            Self::Sctp => "sctp",
            Self::Sctp6 => "sctp6",
            Self::Dccp => "dccp",
            Self::Dccp6 => "dccp6",
            Self::Raw => "raw",
            Self::Raw6 => "raw6",
            Self::Packet => "packet",
            Self::Vsock => "vsock",
            Self::Unix => "unix",
        }
    }
}

impl Table {
    /// The table of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock => f.write_str("clock"),
            Self::Vantage => f.write_str("vantage"),
            Self::Host => f.write_str("host"),
            Self::Identity => f.write_str("ids"),
            Self::Ports => f.write_str("ports"),
            Self::NetNs => f.write_str("netns"),
            Self::Namespaces => f.write_str("namespaces"),
            Self::In(ns, question) => write!(f, "{question} @{ns}"),
            Self::Links => f.write_str("links"),
            Self::Addresses => f.write_str("addresses"),
            Self::NsId(Some(ns)) => write!(f, "nsid {ns}"),
            Self::NsId(None) => f.write_str("nsid own"),
            // The devices follow from the answer to `links`.
            Self::Wireguard(_) => f.write_str("wireguard"),
            Self::L2tp => f.write_str("l2tp"),
            Self::Fou => f.write_str("fou"),
            Self::NfsPorts => f.write_str("nfs-ports"),
            Self::SkLookup => f.write_str("sk-lookup"),
            Self::Protocols => f.write_str("protocols"),
            Self::Diag(table) => write!(f, "diag {}", table.name()),
            Self::Connected => f.write_str("connected"),
            Self::ProcNet(table) => write!(f, "proc {}", table.name()),
            Self::Pids => f.write_str("pids"),
            Self::Sockets(pid) => write!(f, "sockets {pid}"),
            Self::Threads(pid) => write!(f, "threads {pid}"),
            Self::ThreadSockets(pid, thread) => write!(f, "sockets {pid} {thread}"),
            Self::ThreadExe(pid, thread) => write!(f, "exe {pid} {thread}"),
            Self::Ring(pid, fd) => write!(f, "ring {pid} {fd}"),
            // The descriptors follow from the answer to `sockets`.
            Self::InFlight(pid, _) => write!(f, "in-flight {pid}"),
            Self::LivesIn(pid) => write!(f, "lives-in {pid}"),
            Self::Link(pid, fd) => write!(f, "link {pid} {fd}"),
            // The descriptors follow from the answer to `sockets`.
            Self::Vsock(pid, _) => write!(f, "vsock {pid}"),
            Self::Stat(pid) => write!(f, "stat {pid}"),
            Self::Owner(pid) => write!(f, "owner {pid}"),
            Self::Ids(pid) => write!(f, "ids {pid}"),
            Self::Cgroup(pid) => write!(f, "cgroup {pid}"),
            Self::Exe(pid) => write!(f, "exe {pid}"),
            Self::Cmdline(pid) => write!(f, "cmdline {pid}"),
            Self::Script(pid) => write!(f, "script {pid}"),
            Self::HostFile(path) => write!(f, "file {}", crate::model::Text::from(path.as_slice()).escaped()),
            Self::User(uid) => write!(f, "user {uid}"),
            // The paths follow from the executables.
            Self::Packages(_) => f.write_str("packages"),
            // The ids follow from the tables.
            Self::CgroupPaths(_) => f.write_str("cgroup-paths"),
            Self::CgroupProcs(path) => {
                write!(f, "cgroup-procs {}", crate::model::Text::from(path.as_slice()).escaped())
            }
        }
    }
}
