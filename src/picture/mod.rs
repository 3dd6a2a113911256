//! A picture: what a report tells of a host, whether it stands in memory or in a file that another run wrote.
//!
//! A [`Report`](crate::report::Report) points at processes and rules of this run; a file of `earmark.report/1` is bytes
//! from elsewhere, perhaps from another version. Both yield a [`Picture`], so whoever compares pictures, or holds one
//! against a policy, need not know which of the two it was. `None` is not known, as everywhere; what a newer version
//! may name and this one does not know, an enum's new value, is `None` as well.

mod of_report;
mod restore;
#[cfg(test)]
mod restore_tests;
mod stored;
#[cfg(test)]
mod tests;
mod wire;

use serde::Deserialize;

use crate::model::{
    Certainty, Container, ExeState, NetNsKind, OwnerStatus, PackageState, Scope, Severity, State, TableStatus, Text,
    Transport, UnitState,
};
use crate::report::Role;

pub use restore::{Restored, restore};
pub use stored::read;

/// How a stored report begins: it is a JSON object. What it is one of, its key `schema` says.
pub const REPORT_BEGINNING: &str = "{";

/// What one report tells of one host.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Picture {
    /// When the host was looked at, RFC 3339; `None` in a report that was made with `--stable`.
    pub taken_at: Option<String>,
    /// The run could tell what it was asked; otherwise anything may be missing.
    pub could_tell: bool,
    /// The flags and words that left out what was seen besides; `None` where nothing did, and in a report that does not
    /// tell.
    pub query: Option<Vec<Text>>,
    /// The host.
    pub host: Host,
    /// From where it was looked at.
    pub vantage: Vantage,
    /// How its tables and processes could be read.
    pub coverage: Coverage,
    /// The listeners, in the order of the report.
    pub listeners: Vec<Listener>,
}

/// The host of a picture.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
pub struct Host {
    /// Its id, made from the machine id for this program.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub id: Option<Text>,
    /// Its name.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub hostname: Option<Text>,
    /// The id of its boot.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub boot_id: Option<Text>,
}

/// From where a host was looked at: what decides how much could be seen.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
pub struct Vantage {
    /// The effective user.
    #[serde(deserialize_with = "stored::present")]
    pub uid: Option<u32>,
    /// The effective capabilities: `cap_sys_ptrace`.
    #[serde(deserialize_with = "stored::texts_or_null")]
    pub caps: Option<Vec<Text>>,
    /// `initial` or `nested`.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub pid_ns: Option<Text>,
    /// `initial` or `nested`.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub user_ns: Option<Text>,
    /// What `/proc` hides: `off`, `noaccess`, `invisible`, `ptraceable`.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub hidepid: Option<Text>,
}

/// What could be seen of a host.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Coverage {
    /// How the tables of sockets were read. Those that were read well stand together; each other one by itself.
    pub tables: Vec<Table>,
    /// Some processes could not be looked into, or may be hidden altogether.
    pub processes_hidden: bool,
    /// What could not be seen, in words of the run: `the network namespace blue`, …
    pub gaps: Vec<String>,
    /// The network namespaces that were looked at; `None` where the report does not list them.
    pub namespaces: Option<Vec<Place>>,
}

/// One table of sockets, as [`crate::model::TableRead`] has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Table {
    /// Its name: `tcp`, `tcp6`, `udp`, …
    #[serde(deserialize_with = "stored::text")]
    pub table: Text,
    /// How it was read.
    #[serde(deserialize_with = "stored::known")]
    pub status: Option<TableStatus>,
    /// In how many namespaces.
    pub namespaces: usize,
    /// In which namespace; `None` for all those where it was read well.
    #[serde(deserialize_with = "stored::present")]
    pub netns: Option<Place>,
    /// Fields of a listener that its source does not tell.
    #[serde(deserialize_with = "stored::texts")]
    pub lacks: Vec<Text>,
}

/// A network namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
pub struct Place {
    /// What it is to the host.
    #[serde(deserialize_with = "stored::known")]
    pub kind: Option<NetNsKind>,
    /// What people call it; a container's is its id.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub name: Option<Text>,
    /// Its inode in the nsfs, in this boot.
    #[serde(deserialize_with = "stored::present")]
    pub inode: Option<u64>,
}

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Listener {
    /// For eyes, escaped: `tcp/0.0.0.0:3221`.
    pub endpoint: String,
    /// The transport.
    #[serde(deserialize_with = "stored::known")]
    pub transport: Option<Transport>,
    /// The bound address: an internet address, a context id of vsock.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub address: Option<Text>,
    /// The bound port.
    #[serde(deserialize_with = "stored::present")]
    pub port: Option<u32>,
    /// `stream`, `dgram`, …
    #[serde(deserialize_with = "stored::text_or_null")]
    pub socket_type: Option<Text>,
    /// The IP protocol of a raw socket, the ethertype of a packet socket.
    #[serde(deserialize_with = "stored::present")]
    pub protocol: Option<u32>,
    /// The path of a unix socket, as reports write it.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub path: Option<Text>,
    /// An IPv6 wildcard that takes IPv4 too.
    #[serde(deserialize_with = "stored::present")]
    pub dual_stack: Option<bool>,
    /// What it waits for; `None` for a state of a later version.
    #[serde(deserialize_with = "stored::known")]
    pub state: Option<State>,
    /// The device it is bound to; empty for none.
    #[serde(deserialize_with = "stored::text")]
    pub interface: Text,
    /// The class of the bound address.
    #[serde(deserialize_with = "stored::known")]
    pub scope: Option<Scope>,
    /// That class, narrowed by the device and the namespace.
    #[serde(deserialize_with = "stored::known")]
    pub exposure: Option<Scope>,
    /// Its namespace.
    pub netns: Place,
    /// The user that created it.
    #[serde(deserialize_with = "stored::present")]
    pub uid: Option<u32>,
    /// The kernel chose the port, and nothing names it.
    pub ephemeral: bool,
    /// It, or an owner, changed while it was looked at.
    pub raced: bool,
    /// What is known of its owner; `None` for a status of a later version.
    #[serde(deserialize_with = "stored::known")]
    pub owner_status: Option<OwnerStatus>,
    /// Those who hold it; the first speaks for it.
    pub owners: Vec<Owner>,
    /// Whether its first owner belongs to a unit.
    #[serde(deserialize_with = "stored::known")]
    pub unit_state: Option<UnitState>,
    /// Whether its first owner belongs to a container.
    #[serde(deserialize_with = "stored::known")]
    pub container_state: Option<UnitState>,
    /// What in the kernel serves it.
    #[serde(deserialize_with = "stored::present")]
    pub kernel_owner: Option<KernelOwner>,
    /// The rules that fired on it.
    #[serde(deserialize_with = "stored::texts")]
    pub findings: Vec<Text>,
    /// The worst of their findings.
    #[serde(deserialize_with = "stored::known")]
    pub severity: Option<Severity>,
    /// What makes two sightings the same thing, as the run that made the report saw it.
    #[serde(deserialize_with = "stored::text")]
    pub fingerprint: Text,
}

/// The part of the kernel that serves a listener.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct KernelOwner {
    /// What it is: `vxlan`, `wireguard`, …
    #[serde(deserialize_with = "stored::text")]
    pub kind: Text,
    /// Its device.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub device: Option<Text>,
}

/// A process that holds a listener.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Owner {
    /// Its process id in the namespace that was looked from; `None` in a report that was made with `--stable`.
    #[serde(deserialize_with = "stored::present")]
    pub pid: Option<u32>,
    /// Clock ticks from boot to its start.
    #[serde(deserialize_with = "stored::present")]
    pub start_ticks: Option<u64>,
    /// The name it gave itself.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub comm: Option<Text>,
    /// The path of its executable.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub exe: Option<Text>,
    /// What is known of that file; `None` for a state of a later version.
    #[serde(deserialize_with = "stored::known")]
    pub exe_state: Option<ExeState>,
    /// Its effective user.
    #[serde(deserialize_with = "stored::present")]
    pub uid: Option<u32>,
    /// The name of that user.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub user: Option<Text>,
    /// The unit it runs in.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub unit: Option<Text>,
    /// What a user's own manager runs within that unit.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub user_unit: Option<Text>,
    /// Its container: `RUNTIME:ID`.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub container: Option<Text>,
    /// The package that owns its executable.
    #[serde(deserialize_with = "stored::text_or_null")]
    pub package: Option<Text>,
    /// Whether one does.
    #[serde(deserialize_with = "stored::known")]
    pub package_state: Option<PackageState>,
    /// How sure it is that it holds the listener.
    #[serde(deserialize_with = "stored::known")]
    pub certainty: Option<Certainty>,
    /// What it does with it.
    #[serde(deserialize_with = "stored::known")]
    pub role: Option<Role>,
}

impl Picture {
    /// The words by which it shows less than was seen. A flag that chooses a transport is none: what tables were asked for
    /// stands in the coverage.
    pub fn narrowed_by(&self) -> Vec<String> {
        const TRANSPORTS: [&str; 6] = ["-t", "-u", "-S", "-w", "-0", "-x"];
        let words = self.query.iter().flatten().map(Text::escaped);
        words.filter(|word| !TRANSPORTS.contains(&word.as_str())).collect()
    }
}

impl Owner {
    /// Its unit without what changes from one start to the next.
    pub fn unit_family(&self) -> Option<String> {
        self.unit.as_ref().map(|unit| crate::model::stable_unit(&unit.escaped()))
    }

    /// What of its container stays the same from one start to the next.
    pub fn stable_container(&self) -> Option<String> {
        self.container.as_ref().map(|name| Container::stable(&name.escaped()).to_owned())
    }

    /// The path of its executable where a file of the host is known to stand behind it, or to have stood there until
    /// it was replaced.
    pub fn hosts_exe(&self) -> Option<&Text> {
        self.exe.as_ref().filter(|_| matches!(self.exe_state, Some(ExeState::Ok | ExeState::Deleted)))
    }
}

impl Listener {
    /// The owner that speaks for it, of those that were seen to hold it: the first that does not hold it for somebody
    /// else, or the first of all.
    pub fn speaker(&self) -> Option<&Owner> {
        let proved = || self.owners.iter().filter(|owner| owner.certainty == Some(Certainty::Proved));
        proved().find(|owner| owner.role != Some(Role::Activator)).or(proved().next())
    }
}
