//! What an entry matches: keys are ANDed, the values of one key ORed.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::glob::Glob;
use super::index::WIDE;
use super::stance::Difference;
use crate::model::{Container, NetNs, Process, Scope, Socket, Text, Transport, UnitState};

/// What an entry matches. An empty list matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    /// Transports.
    pub transports: Vec<Transport>,
    /// Ports, from and to, both included.
    pub ports: Vec<(u16, u16)>,
    /// Addresses that a socket is bound to.
    pub addresses: Vec<Address>,
    /// Verified executables.
    pub exes: Vec<Glob>,
    /// Names of users.
    pub users: Vec<String>,
    /// Users by number.
    pub uids: Vec<u32>,
    /// Units: the first of the cgroup path below its slices.
    pub units: Vec<Glob>,
    /// What a user's own manager runs.
    pub user_units: Vec<Glob>,
    /// Containers: `docker:web`, `web`, or an id.
    pub containers: Vec<Glob>,
    /// Packages that own the executable.
    pub packages: Vec<Glob>,
    /// Network namespaces: a name, or `host`, `container`, `other`.
    pub netns: Vec<Glob>,
    /// Devices that a socket is bound to.
    pub interfaces: Vec<Glob>,
}

/// An address that a socket may be bound to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// Every one.
    Any,
    /// The wildcard of either family.
    Wildcard,
    /// 127.0.0.0/8 and ::1.
    Loopback,
    /// RFC 1918, RFC 6598 and unique local IPv6.
    Private,
    /// One address, or those of a network.
    Net(IpNet),
    /// Those that a device bears in the namespace of the socket, or any where the socket is bound to the device.
    Of(String),
}

/// A socket and what is proved of its owners, as a policy looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The socket.
    pub socket: &'a Socket,
    /// The device that it is bound to; empty for none.
    pub interface: &'a Text,
    /// Its namespace.
    pub netns: &'a NetNs,
    /// The processes that were proved to hold it.
    pub owners: &'a [&'a Process],
    /// The unit that a service manager among them holds it for.
    pub socket_unit: Option<&'a Text>,
    /// Nobody else can hold it: its owners are known, or it is known to have none.
    pub is_attributed: bool,
}

impl Candidate<'_> {
    /// Its port, where it has one of 16 bits.
    pub(super) fn port(&self) -> Option<u16> {
        self.socket.port().and_then(|port| u16::try_from(port).ok())
    }

    /// True where any of its owners is in a container.
    pub(super) fn is_contained(&self) -> bool {
        self.owners.iter().any(|process| process.container_state == UnitState::Known)
            || self.netns.kind == crate::model::NetNsKind::Container
    }
}

fn any<T>(all: &[T], fits: impl FnMut(&T) -> bool) -> bool {
    all.is_empty() || all.iter().any(fits)
}

impl Selector {
    /// True where it says something about who holds a socket.
    pub fn names_an_owner(&self) -> bool {
        let Self { exes, users, uids, units, user_units, containers, packages, .. } = self;
        !(exes.is_empty()
            && users.is_empty()
            && uids.is_empty()
            && units.is_empty()
            && user_units.is_empty()
            && containers.is_empty()
            && packages.is_empty())
    }

    /// True where it names the port of a socket: by itself, or among a few. A wide range takes whatever port comes, and names
    /// none.
    pub fn names_port_of(&self, candidate: &Candidate<'_>) -> bool {
        let few = |(first, last): &&(u16, u16)| usize::from(last - first) < WIDE;
        let Some(port) = candidate.port() else { return !self.ports.is_empty() };
        self.ports.iter().filter(few).any(|(first, last)| (*first..=*last).contains(&port))
    }

    /// True where it is about a container, or about a namespace that is not the host's.
    pub(super) fn is_about_containers(&self) -> bool {
        !self.containers.is_empty() || !self.netns.is_empty()
    }

    /// True for a socket of its transports and ports, in its namespaces.
    pub(super) fn is_at(&self, candidate: &Candidate<'_>) -> bool {
        let netns = candidate.netns;
        let in_it = |glob: &Glob| {
            glob.fits(netns.kind.name().as_bytes())
                || netns.name.as_ref().is_some_and(|name| glob.fits(name.as_bytes()))
                || netns.inode.is_some_and(|inode| glob.as_str() == inode.to_string())
        };
        any(&self.transports, |transport| *transport == candidate.socket.transport)
            && (self.ports.is_empty()
                || candidate
                    .port()
                    .is_some_and(|port| self.ports.iter().any(|(first, last)| (*first..=*last).contains(&port))))
            && any(&self.netns, in_it)
    }

    /// True where it names a device by its addresses.
    pub(super) fn asks_for_addresses(&self) -> bool {
        self.addresses.iter().any(|address| matches!(address, Address::Of(_)))
    }

    /// True where it matches in full.
    pub fn matches(&self, candidate: &Candidate<'_>) -> bool {
        self.fits(candidate) == Fit::Yes
    }

    /// Whether it matches.
    pub fn fits(&self, candidate: &Candidate<'_>) -> Fit {
        match self.is_at(candidate) && self.differences(candidate).is_empty() {
            true if self.is_open(candidate) => Fit::Unknown,
            yes => Fit::from(yes),
        }
    }

    /// Whether it says that a socket may be bound to the address that it is bound to.
    fn has_address(&self, candidate: &Candidate<'_>) -> Fit {
        let each = self.addresses.iter().map(|address| address.holds(candidate));
        each.max().unwrap_or(Fit::Yes)
    }

    /// True where the addresses of devices decide whether a socket is bound as it says, and they are not known.
    pub(super) fn is_open(&self, candidate: &Candidate<'_>) -> bool {
        self.has_address(candidate) == Fit::Unknown
    }

    /// What of a socket at its place is not as it says, as far as that is known.
    pub(super) fn differences(&self, candidate: &Candidate<'_>) -> Vec<Difference> {
        let mut differences = Vec::new();
        if self.has_address(candidate) == Fit::No {
            differences.push(Difference::Address);
        }
        if !any(&self.interfaces, |glob| glob.fits(candidate.interface.as_bytes())) {
            differences.push(Difference::Interface);
        }
        if self.names_an_owner() && !candidate.owners.iter().any(|process| self.is_owner(process, candidate)) {
            let owners = candidate.owners;
            let none = |fits: &dyn Fn(&Process) -> bool| !owners.iter().any(|process| fits(process));
            let each: [(Difference, bool); 6] = [
                (Difference::Executable, none(&|process| self.has_exe(process))),
                (Difference::User, none(&|process| self.has_user(process))),
                (Difference::Unit, none(&|process| self.has_unit(process, candidate))),
                (Difference::UserUnit, none(&|process| self.has_user_unit(process))),
                (Difference::Container, none(&|process| self.has_container(process))),
                (Difference::Package, none(&|process| self.has_package(process))),
            ];
            let found = differences.len();
            differences.extend(each.into_iter().filter(|(_, differs)| *differs).map(|(difference, _)| difference));
            // Each key fits some owner, and no owner fits all.
            if differences.len() == found {
                differences.push(Difference::Owner);
            }
        }
        differences
    }

    fn is_owner(&self, process: &Process, candidate: &Candidate<'_>) -> bool {
        self.has_exe(process)
            && self.has_user(process)
            && self.has_unit(process, candidate)
            && self.has_user_unit(process)
            && self.has_container(process)
            && self.has_package(process)
    }

    /// A verified executable, or one that was replaced under a process that runs on.
    fn has_exe(&self, process: &Process) -> bool {
        let exe = process.verified_exe().or(process.exe.as_ref().filter(|_| process.exe_replaced == Some(true)));
        any(&self.exes, |glob| exe.is_some_and(|exe| glob.fits_path(exe)))
    }

    fn has_user(&self, process: &Process) -> bool {
        let name = process.user.as_ref().map(Text::as_bytes);
        // `DOMAIN\name`: Windows does not tell names apart by case.
        let same = |name: &[u8], user: &String| match name.contains(&b'\\') {
            true => name.eq_ignore_ascii_case(user.as_bytes()),
            false => name == user.as_bytes(),
        };
        let is = |user: &String| name.is_some_and(|name| same(name, user)) || process.uid == Some(0) && user == "root";
        let by_number = |uid: &u32| process.uid == Some(*uid);
        self.users.is_empty() && self.uids.is_empty() || self.users.iter().any(is) || self.uids.iter().any(by_number)
    }

    fn has_unit(&self, process: &Process, candidate: &Candidate<'_>) -> bool {
        let is = |unit: Option<&Text>, glob: &Glob| unit.is_some_and(|unit| glob.fits(unit.as_bytes()));
        any(&self.units, |glob| is(process.unit.as_ref(), glob) || is(candidate.socket_unit, glob))
    }

    fn has_user_unit(&self, process: &Process) -> bool {
        any(&self.user_units, |glob| process.user_unit.as_ref().is_some_and(|unit| glob.fits(unit.as_bytes())))
    }

    fn has_container(&self, process: &Process) -> bool {
        let fits = |glob: &Glob, container: &Container| {
            let (id, name) = (container.id.as_bytes(), format!("{}:", container.runtime).into_bytes());
            let short = container.short_id();
            [id.to_vec(), short.as_bytes().to_vec(), [&name, id].concat(), [&name, short.as_bytes()].concat()]
                .iter()
                .any(|name| glob.fits(name))
        };
        any(&self.containers, |glob| process.container.as_ref().is_some_and(|container| fits(glob, container)))
    }

    fn has_package(&self, process: &Process) -> bool {
        any(&self.packages, |glob| process.package.as_ref().is_some_and(|package| glob.fits(package.as_bytes())))
    }
}

impl Address {
    fn holds(&self, candidate: &Candidate<'_>) -> Fit {
        let ip = candidate.socket.ip().map(|ip| ip.to_canonical());
        Fit::from(match self {
            Self::Any => true,
            Self::Wildcard => candidate.socket.scope() == Scope::Wildcard,
            Self::Loopback => matches!(candidate.socket.scope(), Scope::Loopback | Scope::Local),
            Self::Private => candidate.socket.scope() == Scope::Private,
            Self::Net(net) => ip.is_some_and(|ip| is_in(net, ip)),
            Self::Of(device) => return is_of(device.as_bytes(), candidate, ip),
        })
    }
}

/// Whether a socket is bound to a device, or to one of its addresses. A wildcard is of no device: it takes what comes in by
/// any. A link-local address of IPv6 is one of the device that it is bound with, since several may bear the same.
fn is_of(device: &[u8], candidate: &Candidate<'_>, ip: Option<IpAddr>) -> Fit {
    let Candidate { socket, interface, netns, .. } = candidate;
    // It is bound to a device, and which one that is was not told: `interface` is a stand-in then.
    let is_nameless = socket.device != 0 && netns.interface(socket.device).is_none();
    if !is_nameless && interface.as_bytes() == device {
        return Fit::Yes;
    }
    let zoned = socket.device != 0 && matches!(ip, Some(IpAddr::V6(ip)) if ip.is_unicast_link_local());
    let of_its_own = ip.filter(|ip| !ip.is_unspecified() && !ip.is_multicast() && !zoned);
    let bears = of_its_own.map_or(Fit::No, |ip| netns.bears(device, ip).map_or(Fit::Unknown, Fit::from));
    if is_nameless { bears.max(Fit::Unknown) } else { bears }
}

/// Whether something is as an entry says. The order makes "any of" the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It is not.
    No,
    /// What would decide it could not be read.
    Unknown,
    /// It is.
    Yes,
}

impl From<bool> for Fit {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// A network with a wildcard address in it does not hold the wildcard: that takes what is sent anywhere.
fn is_in(net: &IpNet, ip: IpAddr) -> bool {
    net.contains(&ip) && (!ip.is_unspecified() || net.prefix_len() == net.max_prefix_len())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Wildcard => f.write_str("wildcard"),
            Self::Loopback => f.write_str("loopback"),
            Self::Private => f.write_str("private"),
            Self::Net(net) if net.prefix_len() == net.max_prefix_len() => write!(f, "{}", net.addr()),
            Self::Net(net) => write!(f, "{net}"),
            Self::Of(device) => write!(f, "if:{device}"),
        }
    }
}

impl fmt::Display for Selector {
    /// What it selects, as a person would say it: `tcp/22 exe=/usr/sbin/sshd user=root`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |items: Vec<String>| items.join(",");
        let transports = list(self.transports.iter().map(|transport| transport.name().to_owned()).collect());
        let range = |(first, last): &(u16, u16)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        };
        let ports = list(self.ports.iter().map(range).collect());
        let mut words = vec![match (transports.is_empty(), ports.is_empty()) {
            (true, true) => "any port".to_owned(),
            (true, false) => format!("port {ports}"),
            (false, true) => transports,
            (false, false) => format!("{transports}/{ports}"),
        }];
        let globs = |globs: &[Glob]| list(globs.iter().map(|glob| glob.as_str().to_owned()).collect());
        for (key, value) in [
            ("address", list(self.addresses.iter().map(Address::to_string).collect())),
            ("exe", globs(&self.exes)),
            ("user", self.users.join(",")),
            ("uid", list(self.uids.iter().map(u32::to_string).collect())),
            ("unit", globs(&self.units)),
            ("user_unit", globs(&self.user_units)),
            ("container", globs(&self.containers)),
            ("package", globs(&self.packages)),
            ("netns", globs(&self.netns)),
            ("interface", globs(&self.interfaces)),
        ] {
            if !value.is_empty() {
                words.push(format!("{key}={value}"));
            }
        }
        f.write_str(&words.join(" "))
    }
}
