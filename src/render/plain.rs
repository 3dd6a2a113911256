//! One listener a line, tab between the cells: for `awk -F'\t'`.

use std::io::{self, BufWriter, Write};

use super::fields::{Row, fields};
use super::words::printable;
use super::{View, order};
use crate::report::Report;

/// Writes every listener as a line of cells with a tab between them. Neither tab nor newline occurs in a cell.
pub fn plain(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let fields = fields(view, false);
    if view.header {
        writeln!(out, "{}", fields.iter().map(|field| field.name).collect::<Vec<_>>().join("\t"))?;
    }
    for index in order::listeners(report, view) {
        let row = Row { report, view, listener: &report.listeners[index] };
        for (at, field) in fields.iter().enumerate() {
            if at > 0 {
                out.write_all(b"\t")?;
            }
            out.write_all(printable(&(field.cell)(&row)).as_bytes())?;
        }
        out.write_all(b"\n")?;
    }
    out.flush()
}
