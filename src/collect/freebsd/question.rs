//! What we may ask FreeBSD, and the name of each question in a capture. Nearly all of it is sysctl(3).

use std::fmt;

use crate::model::Text;

/// One question. The [`fmt::Display`] is its name in a capture; the answer is always bytes or an error number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// Milliseconds since 1970, decimal.
    Clock,
    /// `uid NUMBER`: the effective user.
    Vantage,
    /// An id made from `kern.hostuuid`: 32 hexadecimal digits.
    HostId,
    /// `INDEX FLAGS NAME` of each network device, getifaddrs(3).
    Links,
    /// What sysctl(3) answers to a name.
    Sysctl(&'static str),
    /// `struct kinfo_proc`, `kern.proc.pid`.
    Process(u32),
    /// The path of the file that a process executes, `kern.proc.pathname`.
    Exe(u32),
    /// That file itself: of `kern.proc.filedesc` the `struct kinfo_file` of the program text, without its path.
    Text(u32),
    /// The arguments of a process, each with a NUL byte behind it, `kern.proc.args`.
    Arguments(u32),
    /// `DEVICE INODE MODE UID GID` a line, the file first, then each directory up to the root; the mode is octal.
    HostFile(Vec<u8>),
    /// The name of a user in `/etc/passwd`.
    User(u32),
}

/// The names that sysctl(3) is asked for.
pub mod names {
    pub const HOSTNAME: &str = "kern.hostname";
    pub const RELEASE: &str = "kern.osrelease";
    pub const BOOT: &str = "kern.boot_id";
    pub const LOWEST: &str = "net.inet.ip.portrange.first";
    pub const HIGHEST: &str = "net.inet.ip.portrange.last";
    pub const RESERVED: &str = "net.inet.ip.portrange.reservedhigh";
    pub const TCP: &str = "net.inet.tcp.pcblist";
    pub const UDP: &str = "net.inet.udp.pcblist";
    pub const RAW: &str = "net.inet.raw.pcblist";
    pub const FILES: &str = "kern.file";
    pub const SCTP: &str = "net.inet.sctp.sendspace";
    pub const SEES_USERS: &str = "security.bsd.see_other_uids";
    pub const SEES_GROUPS: &str = "security.bsd.see_other_gids";
    pub const JAILED: &str = "security.jail.jailed";
    pub const JAILS: &str = "security.jail.children.cur";

    /// Every one.
    pub const ALL: [&str; 15] = [
        HOSTNAME,
        RELEASE,
        BOOT,
        LOWEST,
        HIGHEST,
        RESERVED,
        TCP,
        UDP,
        RAW,
        FILES,
        SCTP,
        SEES_USERS,
        SEES_GROUPS,
        JAILED,
        JAILS,
    ];
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock => f.write_str("clock"),
            Self::Vantage => f.write_str("vantage"),
            Self::HostId => f.write_str("host-id"),
            Self::Links => f.write_str("links"),
            Self::Sysctl(name) => write!(f, "sysctl {name}"),
            Self::Process(pid) => write!(f, "process {pid}"),
            Self::Exe(pid) => write!(f, "exe {pid}"),
            Self::Text(pid) => write!(f, "text {pid}"),
            Self::Arguments(pid) => write!(f, "arguments {pid}"),
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
            ("process", _) => Self::Process(number()?),
            ("exe", _) => Self::Exe(number()?),
            ("text", _) => Self::Text(number()?),
            ("arguments", _) => Self::Arguments(number()?),
            ("file", _) => Self::HostFile(Text::unescape(rest)?.as_bytes().to_vec()),
            ("user", _) => Self::User(number()?),
            _ => return None,
        })
    }
}
