//! From a [`Report`](crate::report::Report) to bytes: a table for eyes, lines and CSV for scripts, JSON for fleets, a line
//! and metrics for monitoring.
//!
//! A renderer neither judges nor collects. Text from outside is escaped before it is encoded for its medium, the order
//! of output depends on content alone, and nothing is left out silently: the table alone folds, and says how much.

mod csv;
mod diff;
#[cfg(test)]
mod diff_tests;
mod doctor;
mod explain;
mod fields;
mod journal;
mod json;
mod nagios;
mod news;
mod order;
mod plain;
mod policy;
mod prom;
mod rules;
#[cfg(test)]
mod sample;
mod sandbox;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use csv::csv;
pub use diff::diff;
pub use doctor::doctor;
pub use explain::explain;
pub use journal::journal_entry;
pub use json::{diff_json, doctor_json, explain_json, json, policy_json, rules_json, schema};
pub use nagios::{nagios, nagios_failure};
pub use news::news;
pub use plain::plain;
pub use policy::{policy, policy_lints};
pub use prom::prom;
pub use rules::{rule, rules};
pub use sandbox::rights_left;
pub use table::{audit, table};

/// What of a report is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Leave out what changes from run to run, so that the same state gives the same bytes.
    pub stable: bool,
    /// Names above the columns.
    pub header: bool,
    /// More columns.
    pub extended: bool,
    /// 1 or more: in the table also findings of severity info, evidence, and every gap.
    pub verbose: u8,
    /// In the table nothing but rows.
    pub quiet: bool,
    /// Command lines, where they were collected.
    pub cmdline: bool,
    /// The packages of executables, where they were looked up.
    pub packages: bool,
    /// In the table a row for each ephemeral UDP socket too, since somebody looks for it.
    pub passing: bool,
}

impl Default for View {
    fn default() -> Self {
        Self {
            stable: false,
            header: true,
            extended: false,
            verbose: 0,
            quiet: false,
            cmdline: false,
            packages: false,
            passing: false,
        }
    }
}

/// Where the text for eyes goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Screen {
    /// How many columns there are; `None` where it is no terminal and there is no limit.
    pub width: Option<u16>,
    /// Colours may be used.
    pub color: bool,
}

/// The names of the schemas that [`schema`] knows.
pub const SCHEMAS: &[&str] = &["report", "explain", "rules", "doctor", "policy", "diff"];
