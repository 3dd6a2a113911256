//! How an audit ends: the thresholds of its policy, and whether enough was seen to call anything clean.

use crate::error::Exit;
use crate::model::{ADDRESSES, Gap, OwnerStatus, TableStatus, Transport};
use crate::policy::{Coverage, Settings};
use crate::report::{Listener, Report};

/// How an audit ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// 2 before 3 before 1 before 0: what is critical is so whatever else was not seen.
    pub exit: Exit,
    /// What the policy requires to be seen and was not, each in a sentence.
    pub unmet: Vec<Unmet>,
    /// Where the policy says nothing of its own, its settings are the default ones.
    pub settings: Settings,
}

/// Something that the policy requires to be seen and was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// What is required, by its name in policies.
    pub coverage: &'static str,
    /// Why it was not, in words that stay the same from run to run for as long as the reason does.
    pub cause: String,
    /// The same for eyes, in a sentence.
    pub told: String,
}

impl Outcome {
    /// How the audit that made a report ends.
    pub fn of(report: &Report) -> Self {
        let settings = report.policy.as_ref().map(|policy| policy.settings.clone()).unwrap_or_default();
        let live = report.findings.iter().filter(|finding| finding.is_live());
        let worst = live.map(|finding| finding.severity).max();
        let unmet = |coverage: &Coverage| {
            let (cause, told) = unmet(report, *coverage)?;
            Some(Unmet { coverage: coverage.name(), cause, told })
        };
        let required = settings.require_coverage.iter().filter_map(unmet);
        let unmet: Vec<Unmet> = required.chain(undecided(report)).collect();
        let exit = match worst {
            Some(worst) if worst >= settings.critical_at => Exit::Critical,
            _ if !unmet.is_empty() => Exit::Unknown,
            Some(worst) if worst >= settings.warn_at => Exit::Warning,
            _ => Exit::Ok,
        };
        Self { exit, unmet, settings }
    }
}

/// Listeners of which the policy wants to know at which device they are, where that could not be read. It is required by
/// whoever wrote `if:`.
fn undecided(report: &Report) -> Option<Unmet> {
    let mut undecided = report.listeners.iter().filter(|listener| listener.wants_addresses);
    let (first, more) = (undecided.next()?, undecided.count());
    let who = match more {
        0 => first.endpoint.clone(),
        more => format!("{} and {more} more", first.endpoint),
    };
    let gap = report.gaps.iter().find(|gap| gap.what.starts_with(ADDRESSES));
    let (why, remedy) = match gap {
        Some(gap) => (gap.why.as_str(), gap.remedy.as_str()),
        // A stored report has none, and not every system is asked.
        None => ("nothing tells the addresses of devices here", "write the address itself into the policy"),
    };
    Some(Unmet {
        coverage: "addresses",
        cause: why.to_owned(),
        told: format!(
            "at which network device {who} listens, which the policy asks with if:, is not known: {why}; {remedy}"
        ),
    })
}

/// What of a required coverage is missing: the cause, and a sentence.
fn unmet(report: &Report, coverage: Coverage) -> Option<(String, String)> {
    match coverage {
        Coverage::Transport(transport) => unread(report, transport),
        Coverage::Namespaces => {
            let gap = report.gaps.iter().find(|gap| Gap::hides_namespaces(&gap.what))?;
            Some((NAMESPACE.to_owned(), format!("{} could not be seen: {}; {}", gap.what, gap.why, gap.remedy)))
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
            let told = || format!("the owners of {count} {listeners} of {all} are not known: {remedy}");
            (count > 0).then(|| ("owners".to_owned(), told()))
        }
    }
}

fn unread(report: &Report, transport: Transport) -> Option<(String, String)> {
    let is_of = |table: &str| Transport::of_table(table) == Some(transport);
    // A kernel without the protocol is told as such; of what has no table at all nobody asked.
    if !report.tables.iter().any(|table| is_of(table.table) && !table.table.starts_with("mptcp")) {
        let name = transport.name();
        return Some((
            "no table".to_owned(),
            format!("no table of {name} was asked for: an audit looks at all but unix"),
        ));
    }
    let unread = |status| matches!(status, TableStatus::Unreadable | TableStatus::Unstable);
    // The table of MPTCP marks rows that stand in that of TCP.
    let table = report
        .tables
        .iter()
        .find(|table| unread(table.status) && is_of(table.table) && !table.table.starts_with("mptcp"));
    if let Some(table) = table {
        let why = table.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        let cause = format!("{} {}", table.table, table.status.name());
        return Some((cause, format!("the table {} could not be read whole{why}", table.table)));
    }
    let hides = |gap: &&Gap| Gap::hides_namespaces(&gap.what) || Gap::table(&gap.what).is_some_and(is_of);
    let gap = report.gaps.iter().find(hides)?;
    // Rows that were not understood are another number each time.
    let table = Gap::table(&gap.what).map(|table| format!("rows of {table}"));
    let told = format!("{} of {} could not be seen: {}; {}", gap.what, transport.name(), gap.why, gap.remedy);
    Some((table.unwrap_or_else(|| NAMESPACE.to_owned()), told))
}

/// The cause of what is missing with a namespace: there may be others with each run, under names that people chose.
const NAMESPACE: &str = "a namespace";
