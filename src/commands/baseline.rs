//! `baseline`: from what is here to what may be here.

use super::{Streams, deliver, look, registry, say, time};
use crate::baseline::entries;
use crate::cli::{BaselineRecordArgs, BaselineVerb};
use crate::collect::{Ask, OUT_OF_TIME};
use crate::error::{Error, Exit};
use crate::judge::judge;
use crate::model::{TableStatus, Text};
use crate::{render, sys};

pub(super) fn run(verb: &BaselineVerb, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    match verb {
        BaselineVerb::Record(args) => record(args, streams),
    }
}

/// Writes what is here as expectations. It touches no state, and no policy.
fn record(args: &BaselineRecordArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let (registry, _) = registry::load()?;
    // The paths of cgroups tell which unit a socket is held for.
    let ask = Ask { ids: true, time: time(args.input.timeout), ..Ask::default() };
    let report = judge(look(&args.input, &ask)?, &registry, sys::run_id());
    let hostname = report.host.hostname.as_ref().map_or_else(|| "this host".to_owned(), Text::escaped);
    let mut gaps: Vec<String> =
        report.gaps.iter().map(|gap| format!("{} ({}): {}", gap.what, gap.why, gap.consequence)).collect();
    gaps.sort();
    gaps.dedup();
    deliver(&args.output, streams, |out| render::baseline(&entries(&report), &hostname, &gaps, out))?;
    let in_time = !report.gaps.iter().any(|gap| gap.why.contains(OUT_OF_TIME));
    if !in_time || report.tables.iter().all(|table| table.status == TableStatus::Unreadable) {
        say(streams.err, "could not tell what listens here", "run it as root, or give it more time with --timeout");
        return Ok(Exit::Unknown);
    }
    if !report.is_complete() && !args.output.quiet {
        let hint = "record it as root, and look through it before you put it to use";
        say(streams.err, "not everything could be seen: what is missing here is not approved", hint);
    }
    Ok(Exit::Ok)
}
