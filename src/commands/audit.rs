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
    let held = held(args, format, policy, streams)?;
    let outcome = Outcome::of(&held.report);
    finish(args, format, held, outcome, streams)
}

/// Looks at a host, gives up what is no longer needed for that, and judges it.
fn held(
    args: &AuditArgs,
    format: AuditFormat,
    policy: Option<Arc<Policy>>,
    streams: &mut Streams<'_>,
) -> Result<Held, Error> {
    let (registry, _) = registry::load()?;
    let packages = args.packages || policy.as_ref().is_some_and(|policy| policy.asks_for_packages());
    let everything = Query::parse(&[], Choice::default(), &|name| rules::by_name(name).is_some())?;
    let ask = Ask {
        transports: everything.transports(),
        // A socket unit is told by its cgroup.
        ids: policy.is_some() || format == AuditFormat::Json,
        packages,
        time: time(args.input.timeout),
        ..Ask::default()
    };
    let snapshot = look(&args.input, &ask)?;
    let outlet = Outlet::open(&args.output)?;
    outlet.confine(&[], &args.output, streams);
    Ok(Held { report: judge_by(snapshot, &registry, policy, sys::run_id()), packages, outlet })
}

/// A host, judged.
struct Held {
    report: Report,
    /// Packages were looked up.
    packages: bool,
    /// Where the answer goes.
    outlet: Outlet,
}

fn finish(
    args: &AuditArgs,
    format: AuditFormat,
    held: Held,
    mut outcome: Outcome,
    streams: &mut Streams<'_>,
) -> Result<Exit, Error> {
    let Held { mut report, packages, outlet } = held;
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

/// Says where a host differs from a policy that wants everything to be as it says, and nothing else. What is wrong with
/// the host besides is none of it.
pub(super) fn differ(args: &AuditArgs, policy: Arc<Policy>, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let format = format(args.format, args.json, AuditFormat::Json)?.unwrap_or(AuditFormat::Table);
    let mut held = held(args, format, Some(policy), streams)?;
    let report = &mut held.report;
    report.keep_findings(|finding| {
        matches!(finding.rule.name, "unexpected" | "policy-mismatch" | "missing" | "forbidden")
    });
    let mut outcome = Outcome::of(report);
    let differs = report.findings.iter().any(|finding| finding.is_live());
    outcome.exit = match (differs, outcome.unmet.is_empty()) {
        (true, _) => Exit::Warning,
        (false, false) => Exit::Unknown,
        (false, true) => Exit::Ok,
    };
    finish(args, format, held, outcome, streams)
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
