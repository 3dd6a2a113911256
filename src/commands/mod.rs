//! One file for each verb: the only place that wires the stages together.

mod approved;
mod audit;
mod baseline;
mod capture;
mod completions;
mod diff;
mod doctor;
mod explain;
mod list;
mod man;
mod memory;
mod outlet;
mod policy;
mod registry;
mod rules;
mod schema;
mod screen;

use std::io::{self, Write};
use std::time::Duration;

use crate::cli::{InputArgs, OutputArgs, Verb};
use crate::collect::{self, Ask};
use crate::error::{Error, Exit};
use crate::model::{NetNs, NetNsKind, Snapshot};
use crate::sys;
use outlet::Outlet;

/// How long a run may take where nothing is said.
const TIMEOUT: u64 = 30;

/// Where data and remarks go.
pub struct Streams<'a> {
    /// Data.
    pub out: &'a mut dyn Write,
    /// Remarks and errors.
    pub err: &'a mut dyn Write,
}

/// Does what the command line asks for.
pub fn run(verb: &Verb, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    match verb {
        Verb::List(args) => list::run(args, streams),
        Verb::Explain(args) => explain::run(args, streams),
        Verb::Rules(args) => rules::run(args, streams),
        Verb::Audit(args) => audit::run(args, streams),
        Verb::Baseline(args) => baseline::run(&args.what, streams),
        Verb::Policy(args) => policy::run(&args.what, streams),
        Verb::Doctor(args) => doctor::run(args, streams),
        Verb::Diff(args) => diff::run(args, streams),
        Verb::Capture(args) => capture::run(args, streams),
        Verb::Schema(args) => schema::run(args, streams),
        Verb::Completions(args) => completions::run(args, streams),
        Verb::Man(args) => man::run(args, streams),
    }
}

/// The version, with the age and size of what is known: `earmark 0.1.0 (IANA registry 2026-09-17, 13,021 entries)`.
pub fn version() -> String {
    let registry = crate::registry::Registry::builtin();
    let entries = grouped(registry.entries());
    format!("earmark {} (IANA registry {}, {entries} entries)", env!("CARGO_PKG_VERSION"), registry.iana_date())
}

/// The help, with colours where they are wanted.
pub fn help(text: &clap::builder::StyledStr) -> String {
    match screen::of(&OutputArgs::default()).color {
        true => text.ansi().to_string(),
        false => text.to_string(),
    }
}

/// Says something on stderr, in a line of its own, with a hint in the next. Whatever words of the command line it
/// repeats, it cannot move the cursor.
pub fn say(err: &mut dyn Write, message: &str, hint: &str) {
    let mut text = format!("earmark: {}\n", harmless(message));
    if !hint.is_empty() {
        text += &format!("  hint: {}\n", harmless(hint));
    }
    // Where stderr is closed there is nobody to tell.
    let _ = err.write_all(text.as_bytes());
}

/// Escapes all that a terminal could take for more than text. A backslash stays: paths and names were escaped before.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' '..='~' => out.push(character),
            _ => out += &crate::model::Text::from(character.encode_utf8(&mut [0; 4]) as &str).escaped(),
        }
    }
    out
}

/// 13021 as `13,021`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Brings data to where the command line wants it.
fn deliver(
    args: &OutputArgs,
    streams: &mut Streams<'_>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    Outlet::open(args)?.deliver(streams, write)
}

/// Refuses a path of the user's where the program has rights that the user has not: what it read or wrote there would be
/// read or written with them.
fn own_choice(flag: &str) -> Result<(), Error> {
    if !sys::privilege::is_lent() {
        return Ok(());
    }
    Err(Error::Usage {
        problem: format!("{flag} is refused: the program's file gives it rights that the user who started it has not"),
        hint: "run it as root, or from a file without capabilities and set-user-id".to_owned(),
    })
}

/// Looks at this host, at one that a directory has the root of, or at what a capture tells of one.
fn look(input: &InputArgs, ask: &Ask) -> Result<Snapshot, Error> {
    for (flag, path) in [("--from", &input.from), ("--root", &input.root)] {
        if path.is_some() {
            own_choice(flag)?;
        }
    }
    let snapshot = match &input.from {
        Some(path) => collect::replay(&sys::input::read(path, &[collect::CAPTURE_MAGIC], ask.time)?, path, ask),
        None => collect::snapshot(input.root.as_deref(), ask),
    }?;
    match &ask.netns {
        Some(word) if snapshot.netns_unmatched => Err(no_namespace(word, &snapshot.namespaces)),
        _ => Ok(snapshot),
    }
}

/// The refusal of a namespace that is not there, with those that are.
fn no_namespace(word: &str, namespaces: &[NetNs]) -> Error {
    const MOST_NAMES: usize = 20;
    let name = |namespace: &NetNs| match (&namespace.name, namespace.inode) {
        (Some(name), _) => name.escaped(),
        (None, Some(inode)) if namespace.kind != NetNsKind::Host => inode.to_string(),
        (None, _) => namespace.kind.name().to_owned(),
    };
    let mut names: Vec<String> = namespaces.iter().map(name).collect();
    let own = names.drain(..names.len().min(1)).next();
    names.sort();
    names.dedup();
    let names: Vec<String> = own.into_iter().chain(names).collect();
    let more = names.len().saturating_sub(MOST_NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Error::Usage {
        problem: format!("no network namespace `{word}` can be seen from here"),
        hint: format!(
            "there are {}{more}; an inode, or the id of a process, names one too",
            names[..names.len().min(MOST_NAMES)].join(", ")
        ),
    }
}

fn time(seconds: Option<u64>) -> Option<Duration> {
    Some(Duration::from_secs(seconds.unwrap_or(TIMEOUT)))
}

/// `--json` and `--format` in one; `None` where neither stands.
fn format<F: Copy + PartialEq>(format: Option<F>, json: bool, is: F) -> Result<Option<F>, Error> {
    match format {
        Some(other) if json && other != is => Err(Error::Usage {
            problem: "--json and --format ask for different formats".to_owned(),
            hint: "leave one of them out".to_owned(),
        }),
        _ if json => Ok(Some(is)),
        _ => Ok(format),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let numbers = [0, 999, 1000, 13_021, 1_000_000].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "13,021", "1,000,000"]);
    }

    #[test]
    fn remarks_cannot_move_the_cursor() {
        let mut err = Vec::new();
        say(&mut err, "`\x1b[2K` is nowhere\n\u{202e}", "C:\\tmp");
        assert_eq!(String::from_utf8_lossy(&err), "earmark: `\\u{1b}[2K` is nowhere\\u{a}\\u{202e}\n  hint: C:\\tmp\n");
    }
}
