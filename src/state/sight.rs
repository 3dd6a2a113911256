//! From where a run looked and how much it could see: what decides whether two runs may be compared.

use std::collections::BTreeMap;

use crate::model::{Gap, Hidepid, NamespaceKind, NetNsKind, TableStatus, Transport};
use crate::report::Report;

/// From where a run looked, and how much it could see.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Sight {
    /// The effective user.
    pub uid: Option<u32>,
    /// The effective capabilities by name.
    pub caps: Option<Vec<String>>,
    /// The kind of the pid namespace, by name.
    pub pid_ns: Option<String>,
    /// The kind of the user namespace, by name.
    pub user_ns: Option<String>,
    /// What `/proc` hid, by name.
    pub hidepid: Option<String>,
    /// Nothing was missing.
    pub complete: bool,
    /// Every process could be looked into.
    pub owners: bool,
    /// Every network namespace could be found.
    pub namespaces: bool,
    /// For each kind of namespace and each transport whose tables were read: true where all of them were read whole.
    pub tables: BTreeMap<(NetNsKind, Transport), bool>,
}

impl Sight {
    /// That of a report.
    pub fn of(report: &Report) -> Self {
        let mut tables = BTreeMap::new();
        for table in &report.tables {
            let (Some(transport), Some(netns)) = (Transport::of_table(table.table), report.namespaces.get(table.netns))
            else {
                continue;
            };
            let whole = matches!(table.status, TableStatus::Read | TableStatus::Absent);
            *tables.entry((netns.kind, transport)).or_insert(true) &= whole;
        }
        let (vantage, counts) = (&report.vantage, &report.counts);
        Self {
            uid: vantage.uid,
            caps: vantage.caps.as_ref().map(|caps| caps.iter().map(|cap| (*cap).to_owned()).collect()),
            pid_ns: vantage.pid_ns.map(NamespaceKind::name).map(str::to_owned),
            user_ns: vantage.user_ns.map(NamespaceKind::name).map(str::to_owned),
            hidepid: vantage.hidepid.map(Hidepid::name).map(str::to_owned),
            complete: report.is_complete(),
            owners: counts.no_permission + counts.denied_despite_caps + counts.hidden_descriptors == 0
                && !counts.hidden_possible,
            namespaces: !report.gaps.iter().any(|gap| Gap::hides_namespaces(&gap.what)),
            tables,
        }
    }

    /// True where a run with this sight would have seen a listener of this transport in such a namespace.
    pub fn covers(&self, netns: NetNsKind, transport: Transport) -> bool {
        let whole = |kind| self.tables.get(&(kind, transport)).copied();
        // Where no such namespace was found there was none, if they could be found at all.
        let nowhere = || self.namespaces && self.tables.keys().any(|(_, read)| *read == transport);
        whole(netns).unwrap_or_else(nowhere)
    }

    /// In what this run looks from elsewhere than the last, in words; empty where it does not.
    pub fn changes_since(&self, last: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        if let (Some(was), Some(is)) = (last.uid, self.uid)
            && was != is
        {
            changes.push(format!("it is user {is}'s, and the last was user {was}'s"));
        }
        if let (Some(was), Some(is)) = (&last.caps, &self.caps) {
            let missing = |of: &[String], from: &[String]| {
                let names: Vec<&str> = of.iter().filter(|cap| !from.contains(cap)).map(String::as_str).collect();
                names.join(", ")
            };
            let (more, fewer) = (missing(is, was), missing(was, is));
            for (what, caps) in [("has", more), ("lacks", fewer)] {
                if !caps.is_empty() {
                    changes.push(format!("it {what} {caps}"));
                }
            }
        }
        for (what, was, is) in [("pid", &last.pid_ns, &self.pid_ns), ("user", &last.user_ns, &self.user_ns)] {
            if let (Some(was), Some(is)) = (was, is)
                && was != is
            {
                changes.push(format!("its {what} namespace is {is}, and the last one's was {was}"));
            }
        }
        changes
    }
}
