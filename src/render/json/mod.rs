//! `earmark.<verb>/1`: frozen types of their own, so that internal ones change freely.
//!
//! The types here are what other people's programs read. Additions keep `/1`; a removed or retyped key is `/2`. Every
//! key stands in every row, and null means not known. Enums are plain strings, since they may grow.

mod doctor;
mod explain;
mod finding;
mod lines;
mod listener;
mod policy;
mod report;
mod rules;
mod schema;
mod wire;

use std::io::{self, BufWriter, Write};

use serde::Serialize;

pub use doctor::doctor_json;
pub use explain::explain_json;
pub use policy::policy_json;
pub use rules::rules_json;
pub use schema::schema;

use super::{View, order};
use crate::report::Report;

/// Writes the report as one JSON document, `earmark.report/1`, a listener and a finding on a line each. Listeners are
/// written as they are converted: the document is never whole in memory.
pub fn json(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let listeners = order::listeners(report, view);
    let findings = order::findings(report, view, &listeners);
    document(&report::ReportV1::new(&Context { report, view }, &listeners, &findings), out)
}

/// Writes one document.
fn document(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, lines::Lines::default()))?;
    out.flush()
}

/// A listener's row as a stable view writes it: what breaks ties of order there.
pub(super) fn stable_row(report: &Report, view: &View, index: usize) -> String {
    let row = listener::Listener::new(&Context { report, view }, &report.listeners[index]);
    serde_json::to_string(&row).unwrap_or_default()
}

/// What a conversion needs to know.
#[derive(Clone, Copy)]
struct Context<'a> {
    report: &'a Report,
    view: &'a View,
}

impl Context<'_> {
    /// Null in a stable view.
    fn volatile<T>(&self, value: T) -> Option<T> {
        (!self.view.stable).then_some(value)
    }
}

/// An integer that every reader can hold: those that keep numbers as IEEE 754 doubles are exact below 2^53.
fn safe(number: u64) -> Option<u64> {
    (number < 1 << 53).then_some(number)
}
