//! What one word means: a port, a service, a rule or an endpoint, what holds it here, and why `bind(2)` would fail on it.

mod bind;
mod build;
mod word;

use std::net::IpAddr;

use crate::finding::{Finding, RuleInfo};
use crate::model::{Container, KernelOwner, OwnerStatus, PackageState, Severity, Text, Transport};
use crate::registry::{EntrySource, Verdict};
use crate::report::{Counterpart, Role};

pub use crate::registry::Historical;

pub use build::{Sources, explain};

/// Everything a renderer may need to explain one word.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The word as it was asked.
    pub word: String,
    /// The rule of that name.
    pub rule: Option<&'static RuleInfo>,
    /// The ports that the word stands for, by transport and number; empty for a rule.
    pub ports: Vec<PortExplanation>,
    /// The host was looked at: where this is false, nothing is said about what holds a port here.
    pub looked: bool,
    /// What could not be seen of the host, in one sentence; then a port without a holder is not known to be free.
    pub unseen: Option<String>,
}

/// One port, or one range of ports that belong together, of one transport.
#[derive(Clone, Debug)]
pub struct PortExplanation {
    /// The transport.
    pub transport: Transport,
    /// The first and the last port; the same for a single one.
    pub ports: (u16, u16),
    /// The class of the first port.
    pub class: PortClass,
    /// What IANA assigned it to; `None` where it is unassigned.
    pub iana_name: Option<&'static str>,
    /// What that is, in IANA's words.
    pub iana_title: Option<&'static str>,
    /// The known uses, IANA's assignment among them, the most usual first.
    pub uses: Vec<Use>,
    /// How its usual owners are told apart, where several services use it.
    pub clash: Option<&'static str>,
    /// What malware used it in the past: of low confidence, never a finding, shown on request only.
    pub historical: Vec<Historical>,
    /// What holds it here now.
    pub here: Vec<Here>,
    /// The address that the word names; `None` stands for the wildcards of both families.
    pub address: Option<IpAddr>,
    /// Why `bind(2)` to that address would fail here; empty for a range of ports.
    pub bind: Vec<BindProblem>,
}

/// The class of a port by its number, RFC 6335.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortClass {
    /// 0-1023.
    System,
    /// 1024-49151.
    Registered,
    /// 49152-65535.
    Dynamic,
}

impl PortClass {
    /// The class of a port.
    pub const fn of(port: u16) -> Self {
        match port {
            0..=1023 => Self::System,
            1024..=49151 => Self::Registered,
            _ => Self::Dynamic,
        }
    }

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Registered => "registered",
            Self::Dynamic => "dynamic",
        }
    }
}

/// One known use of a port. What is not known is `None` or empty.
#[derive(Clone, Debug)]
pub struct Use {
    /// The name of the service.
    pub name: &'static str,
    /// What it is, in words.
    pub title: &'static str,
    /// Where this is known from.
    pub source: EntrySource,
    /// The first and the last port of the entry.
    pub ports: (u16, u16),
    /// It administers something.
    pub management: Option<bool>,
    /// The plane: `management`, `control`, `data`, …
    pub plane: Option<&'static str>,
    /// How it protects what it says: `cleartext`, `tls`, …
    pub security: Option<&'static str>,
    /// How it asks who is there, by default.
    pub auth_default: Option<&'static str>,
    /// The same service, protected.
    pub secure_counterpart: Vec<Counterpart>,
    /// What took its place.
    pub successor: Option<&'static str>,
    /// The programs that are known to serve it.
    pub processes: Vec<&'static str>,
    /// From how far it should be reachable at most.
    pub recommended_exposure: Option<&'static str>,
    /// What can go wrong, in one sentence.
    pub risk: Option<&'static str>,
    /// What is weak about it.
    pub weakness: Option<&'static str>,
    /// How grave that is where it can be reached from the public, from the local network, from the host alone.
    pub severity: Option<[Severity; 3]>,
    /// What would make it harmless, and the test for that.
    pub condition: Option<&'static str>,
    /// Where to read on.
    pub reference: Option<&'static str>,
    /// How sure the link between port and service is: `high`, `medium` or `low`.
    pub confidence: &'static str,
}

/// One listener that holds the port.
#[derive(Clone, Debug)]
pub struct Here {
    /// The endpoint as the report has it.
    pub endpoint: String,
    /// The service that its port claims to be.
    pub service: Option<&'static str>,
    /// What the owner says to that claim.
    pub claim: Option<Verdict>,
    /// What is known of the owner.
    pub owner_status: OwnerStatus,
    /// What in the kernel serves it, where no process holds it.
    pub kernel_owner: Option<KernelOwner>,
    /// How many processes hold it.
    pub owner_count: usize,
    /// Those that the report lists.
    pub owners: Vec<HereOwner>,
    /// What is wrong with it. [`Finding::about`] counts in the report that this was built from.
    pub findings: Vec<Finding>,
}

/// A process that holds the port.
#[derive(Clone, Debug)]
pub struct HereOwner {
    /// Its id.
    pub pid: u32,
    /// The name it gave itself.
    pub comm: Option<Text>,
    /// Its executable.
    pub exe: Option<Text>,
    /// The name of its user.
    pub user: Option<Text>,
    /// The number of its user.
    pub uid: Option<u32>,
    /// Its unit.
    pub unit: Option<Text>,
    /// Its container.
    pub container: Option<Container>,
    /// The package that owns its executable.
    pub package: Option<Text>,
    /// Whether a package does.
    pub package_state: PackageState,
    /// What it does with the socket.
    pub role: Role,
}

/// One reason for which `bind(2)` would fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindProblem {
    /// Another socket receives there.
    Held {
        /// The endpoint that is in the way.
        endpoint: String,
        /// How the two meet.
        overlap: Overlap,
    },
    /// A socket that does not listen keeps the port.
    BoundOnly {
        /// The endpoint that is in the way.
        endpoint: String,
        /// How the two meet.
        overlap: Overlap,
    },
    /// Closed connections of this port wait for stray segments; a program that sets `SO_REUSEADDR` is not held up.
    TimeWait {
        /// The own addresses of such connections, each counted once.
        addresses: usize,
    },
    /// The port needs `CAP_NET_BIND_SERVICE`.
    Privilege {
        /// The lowest port that does not.
        unprivileged_from: u16,
    },
}

/// How an address that is to be bound meets one that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// It is the same address.
    Same,
    /// One of the two is the wildcard of this family.
    Wildcard,
    /// An IPv6 wildcard that takes IPv4 too meets IPv4.
    DualStack,
}

/// A socket in the way of `bind(2)` that no report lists: bound without listening, or closed and waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortUse {
    /// The transport.
    pub transport: Transport,
    /// The address it is bound to.
    pub ip: IpAddr,
    /// The port it is bound to.
    pub port: u16,
    /// It waits in `TIME_WAIT`; false for one that is bound only.
    pub time_wait: bool,
    /// An IPv6 wildcard that takes IPv4 too.
    pub dual_stack: bool,
}

#[cfg(test)]
mod tests;
