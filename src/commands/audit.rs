//! `audit`: a host judged by its policy and by what is known of ports; for cron and monitoring.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::memory::Memory;
use super::{Outlet, Streams, approved, deliver, format, look, registry, say, screen, time};
use crate::audit::{Outcome, Unmet};
use crate::cli::{AuditArgs, AuditFormat};
use crate::collect::{self, Ask, OUT_OF_TIME};
use crate::error::{Error, Exit};
use crate::finding::{RuleInfo, Status};
use crate::judge::{self, judge_by};
use crate::model::Snapshot;
use crate::policy::Policy;
use crate::query::{Choice, Query};
use crate::render::{self, View};
use crate::report::Report;
use crate::state::{News, Remind};
use crate::{rules, sys};

/// Seconds after which Nagios, by default, takes a plugin for hung.
const NAGIOS_TIMEOUT: u64 = 10;

/// What is judged.
pub(super) enum Source {
    /// What the command line names: this host, another root, a capture.
    Input,
    /// A capture that was read already.
    Capture(Vec<u8>, PathBuf),
    /// A report of an earlier run.
    Report(Box<Report>),
}

/// A host, judged.
struct Held {
    report: Report,
    /// How it ends.
    outcome: Outcome,
    /// Packages were looked up.
    packages: bool,
    /// Where the answer goes.
    outlet: Outlet,
    start: Instant,
}

pub(super) fn run(args: &AuditArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let held = approved::load(&args.files, is_live(args)).and_then(|policy| hold(args, policy, Source::Input, streams));
    match held {
        // Nagios reads stdout alone.
        Err(error) if args.format == Some(AuditFormat::Nagios) && !matches!(error, Error::Output(_)) => {
            deliver(&args.output, streams, |out| render::nagios_failure(&error.to_string(), out))?;
            Ok(Exit::Unknown)
        }
        held => held,
    }
}

fn is_live(args: &AuditArgs) -> bool {
    args.input.from.is_none() && args.input.root.is_none()
}

/// Holds a host against a policy.
pub(super) fn hold(
    args: &AuditArgs,
    policy: Option<Arc<Policy>>,
    source: Source,
    streams: &mut Streams<'_>,
) -> Result<Exit, Error> {
    let format = chosen(args)?;
    if args.cron {
        check_cron(format, is_live(args))?;
    }
    let mut memory = if args.cron { Memory::locked()? } else { Memory::none() };
    let besides: Vec<&Path> = memory.place().into_iter().collect();
    let mut held = held(args, format, policy, source, &besides, streams)?;
    let report = &mut held.report;
    if args.cron {
        memory.recall(&report.host, streams.err)?;
    } else if is_live(args) {
        memory = Memory::glimpse(&report.host, streams.err);
    }
    let settings = &held.outcome.settings;
    let remind = Remind { after: settings.remind_after, from: settings.warn_at };
    let news = memory.compare(report, &held.outcome.unmet, &remind);
    let silent = news.as_ref().is_some_and(|news| args.cron && !news.is_worth_telling());
    let exit = report.exit;
    if silent {
        if let Some(news) = &news {
            memory.commit(report, news, false)?;
        }
        return Ok(exit);
    }
    let told = finish(args, format, held, news.as_ref().filter(|_| args.cron), streams)?;
    if let Some(news) = &news {
        memory.commit(&told, news, true)?;
    }
    Ok(exit)
}

/// Says where a host differs from a policy that wants everything to be as it says, and nothing else. What is wrong with
/// the host besides is none of it.
pub(super) fn differ(args: &AuditArgs, policy: Arc<Policy>, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let format = chosen(args)?;
    let mut held = held(args, format, Some(policy), Source::Input, &[], streams)?;
    held.report.keep_findings(|finding| {
        matches!(finding.rule.name, "unexpected" | "policy-mismatch" | "missing" | "forbidden")
    });
    let differs = held.report.findings.iter().any(|finding| finding.is_live());
    held.outcome.exit = match (differs, held.outcome.unmet.is_empty()) {
        (true, _) => Exit::Warning,
        (false, false) => Exit::Unknown,
        (false, true) => Exit::Ok,
    };
    held.report.exit = held.outcome.exit;
    finish(args, format, held, None, streams).map(|report| report.exit)
}

/// What was looked at, before it is judged.
enum Looked {
    Snapshot(Box<Snapshot>),
    Report(Box<Report>),
}

fn chosen(args: &AuditArgs) -> Result<AuditFormat, Error> {
    Ok(format(args.format, args.json, AuditFormat::Json)?.unwrap_or(AuditFormat::Table))
}

/// Looks at a host, gives up what is no longer needed for that, and judges it. Files can still be written in the
/// directories `besides`.
#[expect(clippy::disallowed_methods, reason = "how long it took is one of the metrics")]
fn held(
    args: &AuditArgs,
    format: AuditFormat,
    policy: Option<Arc<Policy>>,
    source: Source,
    besides: &[&Path],
    streams: &mut Streams<'_>,
) -> Result<Held, Error> {
    let start = Instant::now();
    let (registry, _) = registry::load()?;
    let packages = args.packages || policy.as_ref().is_some_and(|policy| policy.asks_for_packages());
    let everything = Query::parse(&[], Choice::default(), &|name| rules::by_name(name).is_some())?;
    let hurried = Some(NAGIOS_TIMEOUT).filter(|_| format == AuditFormat::Nagios);
    let ask = Ask {
        transports: everything.transports(),
        // A socket unit is told by its cgroup.
        ids: policy.is_some() || format == AuditFormat::Json,
        packages,
        addresses: policy.as_ref().is_some_and(|policy| policy.asks_for_addresses()),
        time: time(args.input.timeout.or(hurried)),
        ..Ask::default()
    };
    let looked = match source {
        Source::Input => Looked::Snapshot(Box::new(look(&args.input, &ask)?)),
        Source::Capture(content, path) => Looked::Snapshot(Box::new(collect::replay(&content, &path, &ask)?)),
        Source::Report(report) => Looked::Report(report),
    };
    // node_exporter runs as a user of its own.
    let mode = if format == AuditFormat::Prom { sys::output::FOR_ALL } else { sys::output::FOR_GROUP };
    let outlet = Outlet::open_as(mode, &args.output)?;
    outlet.confine(besides, &args.output, streams);
    let mut report = match looked {
        Looked::Snapshot(snapshot) => judge_by(*snapshot, &registry, policy, sys::run_id()),
        Looked::Report(report) => judge::hold(*report, &registry, policy, sys::run_id()),
    };
    let mut outcome = Outcome::of(&report);
    // What of a host was not seen in time may be anything.
    if report.gaps.iter().any(|gap| gap.why.contains(OUT_OF_TIME)) {
        let told = format!("{OUT_OF_TIME}: --timeout gives it more");
        outcome.unmet.push(Unmet { coverage: "time", cause: "the deadline".to_owned(), told });
        if outcome.exit != Exit::Critical {
            outcome.exit = Exit::Unknown;
        }
    }
    report.exit = outcome.exit;
    Ok(Held { report, outcome, packages, outlet, start })
}

/// Tells it, to whom it may concern.
fn finish(
    args: &AuditArgs,
    format: AuditFormat,
    held: Held,
    news: Option<&News>,
    streams: &mut Streams<'_>,
) -> Result<Report, Error> {
    let Held { report, outcome, packages, outlet, start } = held;
    let answer = Answer { report: &report, outcome: &outcome, packages, took: start.elapsed() };
    write(args, format, &answer, news, outlet, streams).map_err(|error| undelivered(args, error))?;
    // Where this is a unit, its findings are entries of the journal too, with fields to ask for. What cron has told
    // already is there, and who writes metrics besides would tell it all again each time.
    if is_live(args) && format != AuditFormat::Prom && sys::journal::is_ours() {
        let known = |status| args.cron && status == Some(Status::Known);
        let told = report.findings.iter().filter(|finding| !known(finding.status));
        sys::journal::send(told.map(|finding| render::journal_entry(&report, finding)))?;
    }
    for unmet in &outcome.unmet {
        // The table and the line for Nagios say it too, and are not read where the output goes to a file.
        if !matches!(format, AuditFormat::Table | AuditFormat::Nagios) || args.output.quiet {
            say(streams.err, &format!("could not tell: {}", unmet.told), "");
        }
    }
    Ok(report)
}

/// Refuses what has no news of its own.
fn check_cron(format: AuditFormat, live: bool) -> Result<(), Error> {
    let refused = |problem: &str, hint: &str| Err(Error::Usage { problem: problem.to_owned(), hint: hint.to_owned() });
    match format {
        _ if !live => refused(
            "--cron tells what is new on this host, and neither --from nor --root looks at it",
            "leave --cron out: a capture or another root is judged without a state",
        ),
        AuditFormat::Nagios | AuditFormat::Prom => refused(
            "--cron is silent where nothing is new, and monitoring wants an answer each time",
            "leave --cron out: what is new is said by the state of the last `audit --cron` of this user",
        ),
        AuditFormat::Table | AuditFormat::Json => Ok(()),
    }
}

/// Of a run by cron nobody may have read anything: that is no success, whoever closed the pipe.
fn undelivered(args: &AuditArgs, error: Error) -> Error {
    match error {
        Error::Output(source) if args.cron => Error::Output(io::Error::other(format!(
            "{source}; nothing was remembered, and the next audit tells it again"
        ))),
        error => error,
    }
}

/// What an audit has to say.
struct Answer<'a> {
    report: &'a Report,
    outcome: &'a Outcome,
    packages: bool,
    took: Duration,
}

fn write(
    args: &AuditArgs,
    format: AuditFormat,
    answer: &Answer<'_>,
    news: Option<&News>,
    outlet: Outlet,
    streams: &mut Streams<'_>,
) -> Result<(), Error> {
    let Answer { report, outcome, packages, took } = *answer;
    let view = View {
        stable: args.stable,
        verbose: args.output.verbose,
        quiet: args.output.quiet,
        packages,
        ..View::default()
    };
    let screen = screen::of(&args.output);
    outlet.deliver(streams, |out| match format {
        AuditFormat::Table if args.output.quiet && news.is_none() => Ok(()),
        AuditFormat::Table => {
            if let Some(news) = news {
                render::news(report, news, &screen, out)?;
            }
            if args.output.quiet { Ok(()) } else { render::audit(report, outcome, &view, &screen, out) }
        }
        AuditFormat::Json => render::json(report, &view, out),
        AuditFormat::Nagios => render::nagios(report, outcome.unmet.first().map(|unmet| unmet.told.as_str()), out),
        AuditFormat::Prom => {
            let rules: Vec<&RuleInfo> = rules::all().iter().map(|rule| &rule.info).collect();
            render::prom(report, &rules, Some(took), &view, out)
        }
    })
}
