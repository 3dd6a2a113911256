//! What we may ask macOS, and the name of each question in a capture.

use std::fmt;

use crate::model::Text;

/// One question. The [`fmt::Display`] is its name in a capture; the answer is always bytes or an error number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// Milliseconds since 1970, decimal.
    Clock,
    /// `uid NUMBER`: the effective user.
    Vantage,
    /// An id made from that of the machine, gethostuuid(3): 32 hexadecimal digits.
    HostId,
    /// `INDEX FLAGS NAME` of each network device, getifaddrs(3).
    Links,
    /// What sysctl(3) answers to a name.
    Sysctl(&'static str),
    /// The process ids, a line each, proc_listpids(3).
    Pids,
    /// `struct proc_bsdinfo`, `PROC_PIDTBSDINFO`.
    Process(u32),
    /// Every socket behind a descriptor or a file port of a process: its number, 0 for a descriptor and 1 for a file port, an
    /// error number or 0, and a length, of 32 bits each, then so many bytes of a `struct socket_fdinfo`.
    Sockets(u32),
    /// The path of the file that a process executes, proc_pidpath(3).
    Exe(u32),
    /// The first files that a process has mapped: of each a `struct proc_regionwithpathinfo` without its path.
    Mapped(u32),
    /// `DEVICE INODE MODE UID GID` a line, the file first, then each directory up to the root; the mode is octal.
    HostFile(Vec<u8>),
    /// The name of a user in `/etc/passwd`.
    User(u32),
}

/// The names that sysctl(3) is asked for.
pub mod names {
    pub const HOSTNAME: &str = "kern.hostname";
    pub const RELEASE: &str = "kern.osrelease";
    pub const BOOT: &str = "kern.bootsessionuuid";
    pub const LOWEST: &str = "net.inet.ip.portrange.first";
    pub const HIGHEST: &str = "net.inet.ip.portrange.last";
    pub const TCP: &str = "net.inet.tcp.pcblist64";
    pub const UDP: &str = "net.inet.udp.pcblist64";
    pub const RAW: &str = "net.inet.raw.pcblist64";

    /// Every one.
    pub const ALL: [&str; 8] = [HOSTNAME, RELEASE, BOOT, LOWEST, HIGHEST, TCP, UDP, RAW];
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock => f.write_str("clock"),
            Self::Vantage => f.write_str("vantage"),
            Self::HostId => f.write_str("host-id"),
            Self::Links => f.write_str("links"),
            Self::Sysctl(name) => write!(f, "sysctl {name}"),
            Self::Pids => f.write_str("pids"),
            Self::Process(pid) => write!(f, "process {pid}"),
            Self::Sockets(pid) => write!(f, "sockets {pid}"),
            Self::Exe(pid) => write!(f, "exe {pid}"),
            Self::Mapped(pid) => write!(f, "mapped {pid}"),
            Self::HostFile(path) => write!(f, "file {}", Text::from(path.as_slice()).escaped()),
            Self::User(uid) => write!(f, "user {uid}"),
        }
    }
}

impl Question {
    /// The question of that name; `None` for one that is not known.
    pub fn from_name(name: &str) -> Option<Self> {
        let (word, rest) = name.split_once(' ').unwrap_or((name, ""));
        let number = || rest.parse::<u32>().ok().filter(|number| number.to_string() == rest);
        Some(match (word, rest) {
            ("clock", "") => Self::Clock,
            ("vantage", "") => Self::Vantage,
            ("host-id", "") => Self::HostId,
            ("links", "") => Self::Links,
            ("sysctl", _) => Self::Sysctl(names::ALL.into_iter().find(|known| *known == rest)?),
            ("pids", "") => Self::Pids,
            ("process", _) => Self::Process(number()?),
            ("sockets", _) => Self::Sockets(number()?),
            ("exe", _) => Self::Exe(number()?),
            ("mapped", _) => Self::Mapped(number()?),
            ("file", _) => Self::HostFile(Text::unescape(rest)?.as_bytes().to_vec()),
            ("user", _) => Self::User(number()?),
            _ => return None,
        })
    }
}
