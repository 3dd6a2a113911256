//! `diff`: what changed between two reports or captures, or between one and this host now.

use std::path::Path;

use super::{Streams, deliver, format, registry, say, screen, time};
use crate::cli::{DiffArgs, TextFormat};
use crate::collect::{self, Ask, CAPTURE_MAGIC, OUT_OF_TIME};
use crate::diff::{Diff, diff, transports};
use crate::error::{Error, Exit};
use crate::judge::judge;
use crate::model::{Snapshot, Text};
use crate::picture::{self, Picture, REPORT_BEGINNING};
use crate::registry::Registry;
use crate::render::{self, View};
use crate::sys;

/// How what can be compared begins.
const BEGINNINGS: &[&str] = &[CAPTURE_MAGIC, REPORT_BEGINNING];

/// One of the two, before it is a picture.
enum Source<'a> {
    /// A report that was stored.
    Report(Box<Picture>),
    /// A capture, and its file.
    Capture(Vec<u8>, &'a Path),
    /// This host, or one that a directory has the root of.
    Host(Option<&'a Path>),
}

pub(super) fn run(args: &DiffArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let format = format(args.format, args.json, TextFormat::Json)?.unwrap_or(TextFormat::Table);
    let new = args.new.as_deref().or(args.input.from.as_deref());
    if new.is_some_and(|new| new == args.old && new.as_os_str() == "-") {
        return Err(Error::Usage {
            problem: "standard input cannot be both OLD and NEW".to_owned(),
            hint: "name a file for one of them".to_owned(),
        });
    }
    let (registry, _) = registry::load()?;
    let old = open(&args.old, args)?;
    let new = match new {
        Some(path) => open(path, args)?,
        None => Source::Host(args.input.root.as_deref()),
    };
    // What a stored report did not ask for is not asked of the other either.
    let mut ask = Ask { ids: true, time: time(args.input.timeout), ..Ask::default() };
    if let (Source::Report(picture), _) | (_, Source::Report(picture)) = (&old, &new) {
        let asked = transports(picture);
        if !asked.is_empty() {
            ask.transports = asked;
        }
    }
    let (old, new) = (picture_of(old, &ask, &registry)?, picture_of(new, &ask, &registry)?);
    same_question(&old, &new)?;
    let diff = diff(&old, &new);
    let view = View { stable: args.stable, verbose: args.output.verbose, quiet: args.output.quiet, ..View::default() };
    let screen = screen::of(&args.output);
    deliver(&args.output, streams, |out| match format {
        TextFormat::Table => render::diff(&diff, &view, &screen, out),
        TextFormat::Json => render::diff_json(&diff, &view, out),
    })?;
    remark(&diff, args.output.quiet, streams);
    Ok(diff.exit())
}

/// Refuses two pictures of which one shows less than was seen, and the other not less in the same way: what a query left
/// out is neither new nor gone.
fn same_question(old: &Picture, new: &Picture) -> Result<(), Error> {
    let (of_old, of_new) = (old.narrowed_by(), new.narrowed_by());
    if of_old == of_new {
        return Ok(());
    }
    let told = |name: &str, words: &[String]| match words {
        [] => format!("{name} shows everything"),
        words => format!("{name} shows what `{}` left", words.join(" ")),
    };
    Err(Error::Usage {
        problem: format!("not comparable: {}, and {}", told("OLD", &of_old), told("NEW", &of_new)),
        hint: "make both with the same words, or with none: `earmark --json`".to_owned(),
    })
}

/// What the reader has to know before he believes a word of it.
fn remark(diff: &Diff<'_>, quiet: bool, streams: &mut Streams<'_>) {
    if !diff.comparable {
        let hint = "compare pictures that asked for the same sockets, with `earmark --json` or `earmark capture`";
        say(streams.err, "not comparable: there is no table of sockets that both could read", hint);
    } else if diff.exit() == Exit::Unknown {
        let hint = "take both pictures with the same rights; --json lists each listener, under not_compared";
        say(streams.err, "could not tell: nothing differs, and one could not see all that the other saw", hint);
    }
    if quiet {
        return;
    }
    for (name, picture) in [("OLD", diff.old), ("NEW", diff.new)] {
        if !picture.could_tell {
            say(streams.err, &format!("{name} was made by a run that could not tell everything"), "make it again");
        }
    }
    if diff.same_host == Some(false) {
        let name = |picture: &Picture| {
            picture.host.hostname.as_ref().map_or_else(|| "a host without a name".to_owned(), Text::escaped)
        };
        let message = format!("these are different hosts: OLD is of {}, NEW of {}", name(diff.old), name(diff.new));
        say(streams.err, &message, "they are compared as they are; restarts are not told");
    }
}

/// Reads a file, and sees what it is by its beginning.
fn open<'a>(path: &'a Path, args: &DiffArgs) -> Result<Source<'a>, Error> {
    let content = sys::input::read(path, BEGINNINGS, time(args.input.timeout))?;
    if content.starts_with(REPORT_BEGINNING.as_bytes()) {
        return picture::read(&content, path).map(|picture| Source::Report(Box::new(picture)));
    }
    // A capture of another version is told as such where captures are read.
    if content.starts_with(b"earmark-capture/") {
        return Ok(Source::Capture(content, path));
    }
    Err(Error::Content {
        path: path.to_owned(),
        problem: "it begins neither as a report nor as a capture".to_owned(),
        hint: "make a report with `earmark --json`, or a capture with `earmark capture`",
    })
}

fn picture_of(source: Source<'_>, ask: &Ask, registry: &Registry) -> Result<Picture, Error> {
    let snapshot: Snapshot = match source {
        Source::Report(picture) => return Ok(*picture),
        Source::Capture(content, path) => collect::replay(&content, path, ask)?,
        Source::Host(root) => collect::snapshot(root, ask)?,
    };
    let report = judge(snapshot, registry, sys::run_id());
    // What of a host was not seen in time may be anything.
    let in_time = !report.gaps.iter().any(|gap| gap.why.contains(OUT_OF_TIME));
    let picture = Picture::from(&report);
    Ok(Picture { could_tell: in_time && picture.could_tell, ..picture })
}
