//! The table: what a tired administrator sees at three in the morning.
//!
//! It alone folds, and says how much: an IPv4 and an IPv6 half, workers, passing UDP sockets. Below the rows stand what
//! they come to, what could not be seen, and each finding as a sentence.

mod audit;
mod columns;
mod findings;
mod fold;
mod layout;
mod summary;

use std::io::{self, BufWriter, Write};

pub use audit::audit;
pub(super) use layout::aligned;

use super::words::{HEADER, paint, severity_style};
use super::{Screen, View, order};
use crate::report::Report;

/// Writes the listeners as rows that fit the screen, and below them the summary and the findings.
pub fn table(report: &Report, view: &View, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let listeners = order::listeners(report, view);
    // Inode and cookie are those of one socket.
    let folded =
        if view.extended { fold::unfolded(report, &listeners) } else { fold::folded(report, view, &listeners) };
    let remarks = if folded.rows.is_empty() { Vec::new() } else { rows(report, view, screen, &folded, &mut out)? };
    if !view.quiet {
        let mut below = summary::lines(report, view, screen, &folded);
        below.extend(remarks);
        let told = findings::lines(report, view, screen, &listeners, &folded.rows);
        let blocks = [summary::aside(screen, &folded), below, told];
        let mut empty = folded.rows.is_empty();
        for (at, block) in blocks.iter().enumerate().filter(|(_, block)| !block.is_empty()) {
            // What has no row of its own stands right below those that have.
            if at > 0 && !empty {
                writeln!(out)?;
            }
            empty = false;
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
    let fitted = layout::fit(columns::columns(report, view, screen, &folded.rows), screen.width);
    let right: Vec<bool> = fitted.columns.iter().map(|column| column.right).collect();
    let headers: Vec<String> = fitted.columns.iter().map(|column| column.header.to_owned()).collect();
    let mut cells: Vec<_> = fitted.columns.into_iter().map(|column| column.cells.into_iter()).collect();
    let mut lines = vec![headers];
    lines.extend(
        folded
            .rows
            .iter()
            .map(|_| cells.iter_mut().map(|cells| cells.next().unwrap_or_default().into_text()).collect()),
    );
    for (at, line) in aligned(lines, &right).enumerate() {
        match at.checked_sub(1).map(|row| folded.rows[row].lead().severity) {
            None if !view.header => {}
            None => writeln!(out, "{}", paint(&line, HEADER, screen.color))?,
            Some(None) => writeln!(out, "{line}")?,
            Some(Some(severity)) => writeln!(out, "{}", paint(&line, severity_style(severity), screen.color))?,
        }
    }
    let mut remarks = summary::legend(screen, folded);
    let gone: Vec<&str> = fitted.left_out.into_iter().filter(|header| *header != columns::PROTO).collect();
    if !gone.is_empty() {
        remarks.extend(summary::remark(&format!("no room for {}", gone.join(", ")), screen));
    }
    Ok(remarks)
}
