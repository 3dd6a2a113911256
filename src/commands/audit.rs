//! `audit`: a host judged by its policy and by what is known of ports; for cron and monitoring.

use std::sync::Arc;

use super::{Outlet, Streams, approved, format, look, registry, say, screen, time};
use crate::audit::Outcome;
use crate::cli::{AuditArgs, AuditFormat};
use crate::collect::{Ask, OUT_OF_TIME};
use crate::error::{Error, Exit};
use crate::judge::judge_by;
use crate::policy::Policy;
use crate::query::{Choice, Query};
use crate::render::{self, View};
use crate::report::Report;
use crate::{rules, sys};

pub(super) fn run(args: &AuditArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let live = args.input.from.is_none() && args.input.root.is_none();
    let policy = approved::load(&args.files, live)?;
    hold(args, policy, streams)
}

/// Holds a host against a policy.
pub(super) fn hold(args: &AuditArgs, policy: Option<Arc<Policy>>, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let format = format(args.format, args.json, AuditFormat::Json)?.unwrap_or(AuditFormat::Table);
    let (registry, _) = registry::load()?;
    let packages = args.packages || policy.as_ref().is_some_and(|policy| policy.asks_for_packages());
    let everything = Query::parse(&[], Choice::default(), &|name| rules::by_name(name).is_some())?;
    let ask = Ask {
        transports: everything.transports(),
        ids: format == AuditFormat::Json,
        packages,
        time: time(args.input.timeout),
        ..Ask::default()
    };
    let snapshot = look(&args.input, &ask)?;
    let outlet = Outlet::open(&args.output)?;
    outlet.confine(&[], &args.output, streams);
    let mut report = judge_by(snapshot, &registry, policy, sys::run_id());
    let mut outcome = Outcome::of(&report);
    // What of a host was not seen in time may be anything.
    if report.gaps.iter().any(|gap| gap.why.contains(OUT_OF_TIME)) {
        outcome.unmet.push(format!("{OUT_OF_TIME}: --timeout gives it more"));
        if outcome.exit != Exit::Critical {
            outcome.exit = Exit::Unknown;
        }
    }
    report.exit = outcome.exit;
    write(args, format, &report, &outcome, packages, outlet, streams)?;
    // Where this is a unit, its findings are entries of the journal too, with fields to ask for.
    if args.input.from.is_none() && sys::journal::is_ours() {
        sys::journal::send(report.findings.iter().map(|finding| render::journal_entry(&report, finding)))?;
    }
    for unmet in &outcome.unmet {
        // The table says it too, and is not read where the output goes to a file.
        if format != AuditFormat::Table || args.output.quiet {
            say(streams.err, &format!("could not tell: {unmet}"), "");
        }
    }
    Ok(report.exit)
}

fn write(
    args: &AuditArgs,
    format: AuditFormat,
    report: &Report,
    outcome: &Outcome,
    packages: bool,
    outlet: Outlet,
    streams: &mut Streams<'_>,
) -> Result<(), Error> {
    let view = View {
        stable: args.stable,
        verbose: args.output.verbose,
        quiet: args.output.quiet,
        packages,
        ..View::default()
    };
    let screen = screen::of(&args.output);
    outlet.deliver(streams, |out| match format {
        AuditFormat::Table if args.output.quiet => Ok(()),
        AuditFormat::Table => render::audit(report, outcome, &view, &screen, out),
        AuditFormat::Json => render::json(report, &view, out),
    })
}
