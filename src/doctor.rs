//! What a run can and cannot see of a host, and what would mend it: plain data for renderers.

use crate::model::{NetNs, OwnerStatus, Sandbox, TableStatus};
use crate::report::Report;

/// What a run can and cannot see.
#[derive(Clone, Debug)]
pub struct Diagnosis<'a> {
    /// What was seen: host, vantage, tables, counts and gaps.
    pub report: &'a Report,
    /// The capabilities that matter; none where the host's system has no such thing.
    pub capabilities: Vec<Capability>,
    /// The network namespaces.
    pub namespaces: Vec<NamespaceRead<'a>>,
    /// How many listeners there are of each state of their owner, in the order of the states.
    pub owners: Vec<(OwnerStatus, usize)>,
    /// What the administrator adds to the registry.
    pub overlays: Overlays,
    /// What this run gave up after it looked; `None` where it looked at a capture.
    pub sandbox: Option<Sandbox>,
}

/// A capability, and what it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Its name: `cap_sys_ptrace`.
    pub name: &'static str,
    /// This run has it; `None` where that is not known.
    pub held: Option<bool>,
    /// What it opens.
    pub opens: &'static str,
}

/// A network namespace, and how its tables were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceRead<'a> {
    /// The namespace.
    pub netns: &'a NetNs,
    /// How many of its tables were read whole.
    pub read: usize,
    /// How many exist and were not.
    pub unread: usize,
}

/// Files of an administrator that say what ports are.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Overlays {
    /// Where they lie.
    pub directory: String,
    /// How many files were read.
    pub files: usize,
    /// Why none of them counts.
    pub problem: Option<String>,
}

/// The capabilities that open what others hide, with what each is for.
const CAPABILITIES: [(&str, &str); 3] = [
    ("cap_sys_ptrace", "look through other users' descriptors"),
    ("cap_dac_read_search", "list other users' descriptors"),
    ("cap_sys_admin", "enter other network namespaces, list BPF programs"),
];

/// The same on Windows.
const PRIVILEGES: [(&str, &str); 1] = [("SeDebugPrivilege", "look into the processes of others")];

impl<'a> Diagnosis<'a> {
    /// Reads a report for what it could not say.
    pub fn new(report: &'a Report, overlays: Overlays, sandbox: Option<Sandbox>) -> Self {
        let held = |name: &str| {
            let caps = report.vantage.caps.as_ref()?;
            // The one opens the same and more.
            Some(caps.contains(&name) || (name == "cap_dac_read_search" && caps.contains(&"cap_dac_override")))
        };
        let capability = |(name, opens)| Capability { name, held: held(name), opens };
        let mut owners: Vec<(OwnerStatus, usize)> = Vec::new();
        for listener in &report.listeners {
            match owners.iter_mut().find(|(status, _)| *status == listener.owner_status) {
                Some((_, count)) => *count += 1,
                None => owners.push((listener.owner_status, 1)),
            }
        }
        owners.sort_unstable();
        Self {
            report,
            capabilities: match report.host.platform {
                "linux" => CAPABILITIES.into_iter().map(capability).collect(),
                "windows" => PRIVILEGES.into_iter().map(capability).collect(),
                _ => Vec::new(),
            },
            namespaces: report
                .namespaces
                .iter()
                .enumerate()
                .map(|(at, netns)| of_namespace(report, at, netns))
                .collect(),
            owners,
            overlays,
            sandbox,
        }
    }

    /// True where nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.report.is_complete()
    }
}

fn of_namespace<'a>(report: &Report, at: usize, netns: &'a NetNs) -> NamespaceRead<'a> {
    let count = |wanted: &[TableStatus]| {
        report.tables.iter().filter(|table| table.netns == at && wanted.contains(&table.status)).count()
    };
    NamespaceRead {
        netns,
        read: count(&[TableStatus::Read]),
        unread: count(&[TableStatus::Unreadable, TableStatus::Unstable]),
    }
}
