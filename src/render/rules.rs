//! The rule catalogue for eyes.

use std::io::{self, BufWriter, Write};

use super::Screen;
use super::table::aligned;
use super::words::{HEADER, paint, wrap};
use crate::finding::RuleInfo;

/// Fewer columns hold no sentence.
const NARROWEST: usize = 20;

/// Writes one line for each rule, or as many as its summary takes on a narrow screen.
pub fn rules(rules: &[&RuleInfo], screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut rows = vec![["RULE", "THEME", "FINDS"].map(str::to_owned).to_vec()];
    let widest = |of: fn(&RuleInfo) -> usize| rules.iter().map(|rule| of(rule)).max().unwrap_or_default();
    // Two gaps of two columns; what is too narrow for sentences is left to the terminal.
    let before = widest(|rule| rule.name.len()) + widest(|rule| rule.theme.name().len().max("THEME".len())) + 4;
    let left = screen.width.and_then(|width| usize::from(width).checked_sub(before)).filter(|left| *left >= NARROWEST);
    for rule in rules {
        for (at, line) in wrap(rule.summary, left).into_iter().enumerate() {
            let head = if at == 0 { [rule.name, rule.theme.name()] } else { ["", ""] };
            rows.push(vec![head[0].to_owned(), head[1].to_owned(), line]);
        }
    }
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
    paragraph(rule.summary, width, &mut out)?;
    writeln!(out)?;
    markdown(rule.explanation, width, &mut out)?;
    paragraph(&format!("Instead: {}", rule.remedy), width, &mut out)?;
    for (title, items) in [("Fires on", rule.fires_on), ("Quiet on", rule.quiet_on), ("Evidence for", rule.controls)] {
        if items.is_empty() {
            continue;
        }
        writeln!(out, "\n{}", paint(title, HEADER, screen.color))?;
        for item in items {
            paragraph(&format!("- {item}"), width, &mut out)?;
        }
    }
    out.flush()
}

/// Breaks the lines of Markdown anew for the screen, with a blank line at the end: paragraphs and items of lists; what
/// is indented stays as it is.
fn markdown(text: &str, width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    let mut block = String::new();
    for line in text.trim().lines().chain([""]) {
        let literal = line.starts_with("    ");
        if (line.is_empty() || literal || line.starts_with("- ")) && !block.is_empty() {
            paragraph(&std::mem::take(&mut block), width, out)?;
        }
        if literal {
            writeln!(out, "{line}")?;
        } else if !line.is_empty() {
            block.push_str(line);
            block.push(' ');
        } else {
            writeln!(out)?;
        }
    }
    Ok(())
}

/// Writes a paragraph in as many lines as it takes; the further lines of an item stand below its text.
fn paragraph(text: &str, width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    let hang = if text.starts_with("- ") { 2 } else { 0 };
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (at, line) in wrap(&words, width.map(|width| width.saturating_sub(hang))).iter().enumerate() {
        writeln!(out, "{:indent$}{line}", "", indent = if at == 0 { 0 } else { hang })?;
    }
    Ok(())
}
