//! The rule catalogue for eyes.

use std::io::{self, BufWriter, Write};

use super::Screen;
use super::table::aligned;
use super::words::{HEADER, paint, wrap};
use crate::finding::RuleInfo;

/// Writes one line for each rule.
pub fn rules(rules: &[&RuleInfo], screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut rows = vec![["RULE", "THEME", "FINDS"].map(str::to_owned).to_vec()];
    rows.extend(rules.iter().map(|rule| [rule.name, rule.theme.name(), rule.summary].map(str::to_owned).to_vec()));
    for (at, line) in aligned(rows, &[]).enumerate() {
        writeln!(out, "{}", if at == 0 { paint(&line, HEADER, screen.color) } else { line })?;
    }
    out.flush()
}

/// Writes everything about one rule.
pub fn rule(rule: &RuleInfo, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let width = screen.width.map(usize::from);
    let name = paint(rule.name, HEADER, screen.color);
    writeln!(out, "{name} ({})\n", rule.theme.name())?;
    for line in wrap(rule.summary, width) {
        writeln!(out, "{line}")?;
    }
    // Markdown has its own line breaks.
    writeln!(out, "\n{}\n", rule.explanation.trim())?;
    for line in wrap(&format!("Instead: {}", rule.remedy), width) {
        writeln!(out, "{line}")?;
    }
    for (title, items) in [("Fires on", rule.fires_on), ("Quiet on", rule.quiet_on), ("Evidence for", rule.controls)] {
        if items.is_empty() {
            continue;
        }
        writeln!(out, "\n{}", paint(title, HEADER, screen.color))?;
        for item in items {
            let mut lines = wrap(item, width.map(|width| width.saturating_sub(2))).into_iter();
            writeln!(out, "- {}", lines.next().unwrap_or_default())?;
            for line in lines {
                writeln!(out, "  {line}")?;
            }
        }
    }
    out.flush()
}
