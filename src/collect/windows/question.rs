//! What we may ask Windows, and the name of each question in a capture.

use std::fmt;

/// One question. The [`fmt::Display`] is its name in a capture; the answer is always bytes or an error number of Win32.
/// Names in answers are WTF-8, which is UTF-8 for all but a half of a surrogate pair; those that stand in lines are escaped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// The time as a `FILETIME`: 100 ns since 1601, decimal.
    Clock,
    /// A line each: `elevated 0|1`, `user SID NAME`, `privilege NAME` (enabled), `container TYPE`.
    Vantage,
    /// A line each: `hostname`, `kernel`; what follows the space is escaped.
    Host,
    /// A line: `host_id` and 32 hexadecimal digits.
    Identity,
    /// The network devices, a line each: `INDEX4 INDEX6 up|down loopback|other NAME`; an index of 0 is none.
    Links,
    /// A table of sockets as the IP Helper API hands it out.
    Table(Table),
    /// Every process, a line each: `PID PPID START NAME`, the start as a `FILETIME`.
    Processes,
    /// The path of the executable of a process, `QueryFullProcessImageNameW`.
    Image(u32),
    /// The user of a process: `SID`, or `SID NAME` where this host itself knows the name, `DOMAIN\name`.
    User(u32),
    /// The command line of a process.
    Cmdline(u32),
    /// What lies at a path: `changed FILETIME`, then the security descriptors of the file and of each directory up to the
    /// root, `file SDDL` and `directory SDDL` a line; `reparse` where one of them leads elsewhere; `elsewhere` where the path is none
    /// of a disk of this host.
    File(Vec<u8>),
    /// The services that run: `PID NAME` a line.
    Services,
    /// The name of the service that a socket of a process belongs to, by the process and the number that its row bears.
    Module(u32, u64),
}

/// A table of the IP Helper API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// `TCP_TABLE_OWNER_MODULE_LISTENER` of IPv4.
    Tcp,
    /// The same of IPv6.
    Tcp6,
    /// `UDP_TABLE_OWNER_MODULE` of IPv4.
    Udp,
    /// The same of IPv6.
    Udp6,
    /// `TCP_TABLE_OWNER_PID_ALL` of IPv4, of which the rows in TIME-WAIT count.
    TcpAll,
    /// The same of IPv6.
    Tcp6All,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 6] = [Self::Tcp, Self::Tcp6, Self::Udp, Self::Udp6, Self::TcpAll, Self::Tcp6All];

    /// The name in reports and captures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tcp6 => "tcp6",
            Self::Udp => "udp",
            Self::Udp6 => "udp6",
            Self::TcpAll => "tcp-time-wait",
            Self::Tcp6All => "tcp6-time-wait",
        }
    }

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
            Self::Identity => f.write_str("identity"),
            Self::Links => f.write_str("links"),
            Self::Table(table) => write!(f, "table {}", table.name()),
            Self::Processes => f.write_str("processes"),
            Self::Image(pid) => write!(f, "image {pid}"),
            Self::User(pid) => write!(f, "user {pid}"),
            Self::Cmdline(pid) => write!(f, "cmdline {pid}"),
            Self::File(path) => write!(f, "file {}", crate::model::Text::from(path.as_slice()).escaped()),
            Self::Services => f.write_str("services"),
            Self::Module(pid, tag) => write!(f, "module {pid} {tag}"),
        }
    }
}
