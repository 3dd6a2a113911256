//! Comma-separated values, RFC 4180, for a spreadsheet.

use std::borrow::Cow;
use std::io::{self, Write};

use super::fields::{Row, fields};
use super::words::printable;
use super::{View, order};
use crate::report::Report;

/// Writes every listener as a record. A cell that a spreadsheet would calculate begins with `'`.
pub fn csv(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    let fields = fields(view, true);
    if view.header {
        out.write_record(fields.iter().map(|field| field.name))?;
    }
    for index in order::listeners(report, view) {
        let row = Row { report, view, listener: &report.listeners[index] };
        for field in &fields {
            out.write_field(guard(&printable(&(field.cell)(&row))).as_bytes())?;
        }
        out.write_record(None::<&[u8]>)?;
    }
    out.flush()
}

/// A name that somebody chose must stay a name: `=HYPERLINK(…)` in a spreadsheet is a program.
fn guard(cell: &str) -> Cow<'_, str> {
    // The wide forms count as operators where Japanese is spoken.
    const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    if cell.starts_with(FORMULA) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::guard;

    #[test]
    fn formulas_are_kept_from_being_calculated() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\u{ff1d}1"] {
            assert_eq!(guard(cell), format!("'{cell}"));
        }
        assert_eq!(guard("sshd=1"), "sshd=1");
        assert_eq!(guard(""), "");
    }
}
