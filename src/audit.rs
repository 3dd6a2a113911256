//! How an audit ends: the thresholds of its policy, and whether enough was seen to call anything clean.

use crate::error::Exit;
use crate::model::{OwnerStatus, TableStatus, Transport};
use crate::policy::{Coverage, Settings};
use crate::report::{Listener, Report};

/// How an audit ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// 2 before 3 before 1 before 0: what is critical is so whatever else was not seen.
    pub exit: Exit,
    /// What the policy requires to be seen and was not, each in a sentence.
    pub unmet: Vec<String>,
    /// Where the policy says nothing of its own, its settings are the default ones.
    pub settings: Settings,
}

impl Outcome {
    /// How the audit that made a report ends.
    pub fn of(report: &Report) -> Self {
        let settings = report.policy.as_ref().map(|policy| policy.settings.clone()).unwrap_or_default();
        let live = report.findings.iter().filter(|finding| finding.is_live());
        let worst = live.map(|finding| finding.severity).max();
        let unmet: Vec<String> =
            settings.require_coverage.iter().filter_map(|coverage| unmet(report, *coverage)).collect();
        let exit = match worst {
            Some(worst) if worst >= settings.critical_at => Exit::Critical,
            _ if !unmet.is_empty() => Exit::Unknown,
            Some(worst) if worst >= settings.warn_at => Exit::Warning,
            _ => Exit::Ok,
        };
        Self { exit, unmet, settings }
    }
}

/// What of a required coverage is missing.
fn unmet(report: &Report, coverage: Coverage) -> Option<String> {
    match coverage {
        Coverage::Transport(transport) => unread(report, transport),
        Coverage::Namespaces => {
            let gap = report.gaps.iter().find(|gap| hides_a_namespace(&gap.what))?;
            Some(format!("{} could not be seen: {}; {}", gap.what, gap.why, gap.remedy))
        }
        Coverage::Owners => {
            // Nobody holds what the kernel keeps, and a complete view of nobody is an answer too.
            let hidden = |status| {
                use OwnerStatus::{Denied, InFlight, Kernel, Known, None, OtherPidNamespace, Unknown, Vanished};
                match status {
                    Denied | InFlight | OtherPidNamespace | Unknown => true,
                    Known | Kernel | None | Vanished => false,
                }
            };
            // Of an owner of which only the number is known, no entry can tell whether it is meant.
            let unknown = |listener: &Listener| listener.owners.iter().any(|o| report.processes[o.process].is_hidden());
            let is_hidden = |listener: &&Listener| hidden(listener.owner_status) || unknown(listener);
            let count = report.listeners.iter().filter(is_hidden).count();
            let (all, listeners) = (report.listeners.len(), if count == 1 { "listener" } else { "listeners" });
            let remedy = match report.counts.no_permission {
                0 => "earmark doctor says what would mend it".to_owned(),
                _ => format!("it takes {}", report.host.shows_owners()),
            };
            (count > 0).then(|| format!("the owners of {count} {listeners} of {all} are not known: {remedy}"))
        }
    }
}

fn unread(report: &Report, transport: Transport) -> Option<String> {
    let is_of = |table: &str| {
        let name = table.split('-').next().unwrap_or_default();
        let name = name.strip_suffix('6').unwrap_or(name);
        Transport::from_name(if name == "mptcp" { "tcp" } else { name }) == Some(transport)
    };
    let unread = |status| matches!(status, TableStatus::Unreadable | TableStatus::Unstable);
    // The table of MPTCP marks rows that stand in that of TCP.
    let table = report
        .tables
        .iter()
        .find(|table| unread(table.status) && is_of(table.table) && !table.table.starts_with("mptcp"));
    if let Some(table) = table {
        let why = table.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        return Some(format!("the table {} could not be read whole{why}", table.table));
    }
    let gap = report.gaps.iter().find(|gap| {
        hides_a_namespace(&gap.what) || gap.what.split_once(" of the table ").is_some_and(|(_, table)| is_of(table))
    })?;
    Some(format!("{} of {} could not be seen: {}; {}", gap.what, transport.name(), gap.why, gap.remedy))
}

fn hides_a_namespace(what: &str) -> bool {
    what.contains("namespace") && !what.contains("processes")
}
