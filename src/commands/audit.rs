//! `audit`: a host judged by its policy and by what is known of ports; for cron and monitoring.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::memory::Memory;
use super::{Streams, approved, deliver, deliver_as, format, look, registry, say, screen, time};
use crate::audit::Outcome;
use crate::cli::{AuditArgs, AuditFormat};
use crate::collect::{Ask, OUT_OF_TIME};
use crate::error::{Error, Exit};
use crate::finding::RuleInfo;
use crate::judge::judge_by;
use crate::policy::Policy;
use crate::query::{Choice, Query};
use crate::render::{self, View};
use crate::report::Report;
use crate::state::{News, Remind};
use crate::{rules, sys};

/// Seconds after which Nagios, by default, takes a plugin for hung.
const NAGIOS_TIMEOUT: u64 = 10;

pub(super) fn run(args: &AuditArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let live = args.input.from.is_none() && args.input.root.is_none();
    let held = approved::load(&args.files, live).and_then(|policy| hold(args, policy, streams));
    match held {
        // Nagios reads stdout alone.
        Err(error) if args.format == Some(AuditFormat::Nagios) && !matches!(error, Error::Output(_)) => {
            deliver(&args.output, streams, |out| render::nagios_failure(&error.to_string(), out))?;
            Ok(Exit::Unknown)
        }
        held => held,
    }
}

/// Holds a host against a policy.
#[expect(clippy::disallowed_methods, reason = "how long it took is one of the metrics")]
pub(super) fn hold(args: &AuditArgs, policy: Option<Arc<Policy>>, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let start = Instant::now();
    let format = format(args.format, args.json, AuditFormat::Json)?.unwrap_or(AuditFormat::Table);
    let live = args.input.from.is_none() && args.input.root.is_none();
    if args.cron {
        check_cron(format, live)?;
    }
    let mut memory = if args.cron { Memory::locked()? } else { Memory::none() };
    let (registry, _) = registry::load()?;
    let packages = args.packages || policy.as_ref().is_some_and(|policy| policy.asks_for_packages());
    let everything = Query::parse(&[], Choice::default(), &|name| rules::by_name(name).is_some())?;
    let limit =
        if format == AuditFormat::Nagios { args.input.timeout.or(Some(NAGIOS_TIMEOUT)) } else { args.input.timeout };
    let ask = Ask {
        transports: everything.transports(),
        ids: format == AuditFormat::Json,
        packages,
        time: time(limit),
        ..Ask::default()
    };
    let snapshot = look(&args.input, &ask)?;
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
    if args.cron {
        memory.recall(&report.host, streams.err)?;
    } else if live {
        memory = Memory::glimpse(&report.host, streams.err);
    }
    let remind = Remind { after: outcome.settings.remind_after, from: outcome.settings.warn_at };
    let news = memory.compare(&mut report, &remind);
    if let Some(news) = news.as_ref().filter(|news| args.cron && !news.is_worth_telling()) {
        memory.commit(&report, news, false)?;
        return Ok(report.exit);
    }
    let answer = Answer { report: &report, outcome: &outcome, packages, took: start.elapsed() };
    write(args, format, &answer, news.as_ref().filter(|_| args.cron), streams)
        .map_err(|error| undelivered(args, error))?;
    for unmet in &outcome.unmet {
        // The table and the line for Nagios say it too, and are not read where the output goes to a file.
        if !matches!(format, AuditFormat::Table | AuditFormat::Nagios) || args.output.quiet {
            say(streams.err, &format!("could not tell: {unmet}"), "");
        }
    }
    if let Some(news) = &news {
        memory.commit(&report, news, true)?;
    }
    Ok(report.exit)
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
    // node_exporter runs as a user of its own.
    let mode = if format == AuditFormat::Prom { sys::output::FOR_ALL } else { sys::output::FOR_GROUP };
    deliver_as(mode, &args.output, streams, |out| match format {
        AuditFormat::Table if args.output.quiet && news.is_none() => Ok(()),
        AuditFormat::Table => {
            if let Some(news) = news {
                render::news(report, news, &screen, out)?;
            }
            if args.output.quiet { Ok(()) } else { render::audit(report, outcome, &view, &screen, out) }
        }
        AuditFormat::Json => render::json(report, &view, out),
        AuditFormat::Nagios => render::nagios(report, outcome.unmet.first().map(String::as_str), out),
        AuditFormat::Prom => {
            let rules: Vec<&RuleInfo> = rules::all().iter().map(|rule| &rule.info).collect();
            render::prom(report, &rules, Some(took), &view, out)
        }
    })
}
