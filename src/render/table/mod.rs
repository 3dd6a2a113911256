//! The table: what a tired administrator sees at three in the morning.
//!
//! It alone folds, and says how much: an IPv4 and an IPv6 half, workers, passing UDP sockets. Below the rows stand what
//! they come to, what could not be seen, and each finding as a sentence.

mod columns;
mod findings;
mod fold;
mod layout;
mod summary;

use std::io::{self, BufWriter, Write};

pub(super) use layout::aligned;

use super::words::{HEADER, paint, severity_style};
use super::{Screen, View, order};
use crate::report::Report;

/// Writes the listeners as rows that fit the screen, and below them the summary and the findings.
pub fn table(report: &Report, view: &View, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let listeners = order::listeners(report, view);
    // Inode and cookie are those of one socket; and what is folded away would be told nowhere without the summary.
    let whole = view.extended || view.quiet;
    let folded = if whole { fold::unfolded(report, &listeners) } else { fold::folded(report, &listeners) };
    let remarks = if folded.rows.is_empty() {
        summary::aside(screen, &folded)
    } else {
        rows(report, view, screen, &folded, &mut out)?
    };
    if !view.quiet {
        let mut blocks = vec![remarks, summary::lines(report, view, screen, &folded)];
        if report.listeners.is_empty() {
            blocks[1][0] = "no listener found".to_owned();
        }
        blocks.push(findings::lines(report, view, screen, &listeners, &folded.rows));
        let mut first = folded.rows.is_empty();
        for (at, block) in blocks.iter().enumerate() {
            // Remarks belong to the rows right above them.
            if !block.is_empty() && !first && at > 0 {
                writeln!(out)?;
            }
            first &= block.is_empty();
            for line in block {
                writeln!(out, "{line}")?;
            }
        }
    }
    out.flush()
}

/// Writes the rows; gives what is to be said of them.
fn rows(
    report: &Report,
    view: &View,
    screen: &Screen,
    folded: &fold::Folded<'_>,
    out: &mut dyn Write,
) -> io::Result<Vec<String>> {
    let fitted = layout::fit(columns::columns(report, view, &folded.rows), screen.width);
    let right: Vec<bool> = fitted.columns.iter().map(|column| column.right).collect();
    let headers: Vec<String> = fitted.columns.iter().map(|column| column.header.to_owned()).collect();
    let mut cells: Vec<_> = fitted.columns.into_iter().map(|column| column.cells.into_iter()).collect();
    let mut lines = vec![headers];
    lines.extend(folded.rows.iter().map(|_| cells.iter_mut().map(|cells| cells.next().unwrap_or_default()).collect()));
    for (at, line) in aligned(lines, &right).enumerate() {
        match at.checked_sub(1).map(|row| folded.rows[row].listeners[0].severity) {
            None if !view.header => {}
            None => writeln!(out, "{}", paint(&line, HEADER, screen.color))?,
            Some(None) => writeln!(out, "{line}")?,
            Some(Some(severity)) => writeln!(out, "{}", paint(&line, severity_style(severity), screen.color))?,
        }
    }
    let mut remarks = summary::aside(screen, folded);
    remarks.extend(summary::legend(screen, folded));
    let gone: Vec<&str> = fitted.left_out.into_iter().filter(|header| *header != columns::PROTO).collect();
    if !gone.is_empty() {
        remarks.extend(summary::remark(&format!("no room for {}", gone.join(", ")), screen));
    }
    Ok(remarks)
}
