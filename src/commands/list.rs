//! `list`: the listeners of a host, whose they are, what they should be, and what is wrong.

use super::{Outlet, Streams, format, look, registry, say, screen, time};
use crate::cli::{HabitArgs, ListArgs, ListFormat};
use crate::collect::{Ask, OUT_OF_TIME};
use crate::error::{Error, Exit};
use crate::judge::judge;
use crate::model::Transport;
use crate::query::{Choice, Match, Query};
use crate::registry::Registry;
use crate::render::{self, View};
use crate::report::Report;
use crate::{rules, sys};

pub(super) fn run(args: &ListArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let format = format(args.format, args.json, ListFormat::Json)?.unwrap_or(ListFormat::Table);
    let query = Query::parse(&args.query, choice(&args.habit), &|name| rules::by_name(name).is_some())?;
    let (registry, _) = registry::load()?;
    let ask = Ask {
        transports: query.transports(),
        bound: args.habit.all,
        time_wait: false,
        cmdline: args.cmdline,
        ids: args.habit.extended || format == ListFormat::Json,
        packages: args.packages,
        addresses: false,
        netns: args.habit.netns.clone(),
        time: time(args.input.timeout),
    };
    let snapshot = look(&args.input, &ask)?;
    let outlet = Outlet::open(&args.output)?;
    outlet.confine_in_haste(&args.output, streams);
    let mut report = judge(snapshot, &registry, sys::run_id());
    // What of a host was not seen in time may be anything.
    let in_time = !report.gaps.iter().any(|gap| gap.why.contains(OUT_OF_TIME));
    let outcome = query.apply(&mut report, &|word| is_known(&registry, word));
    if let Some(netns) = &args.habit.netns {
        report.query.get_or_insert_default().push(format!("-N {netns}"));
    }
    if !in_time {
        report.exit = Exit::Unknown;
    }
    write(args, format, &report, outlet, streams)?;
    if !args.output.quiet {
        for remark in &outcome.remarks {
            say(streams.err, remark, "");
        }
        // A row is a listener there, and so none has what is wrong with a namespace as a whole.
        if matches!(format, ListFormat::Plain | ListFormat::Csv) {
            for finding in report.findings.iter().filter(|finding| finding.listener().is_none()) {
                let (rule, severity) = (finding.rule.name, finding.severity.name());
                say(streams.err, &format!("in no row: {} [{severity}, {rule}]", finding.message), &finding.remedy);
            }
        }
    }
    if let Match::CannotTell(why) = &outcome.matched {
        say(streams.err, &format!("could not tell: {why}"), "");
    }
    if !in_time {
        say(streams.err, &format!("{OUT_OF_TIME}: what is known is shown"), "--timeout gives it more");
    }
    Ok(report.exit)
}

fn write(
    args: &ListArgs,
    format: ListFormat,
    report: &Report,
    outlet: Outlet,
    streams: &mut Streams<'_>,
) -> Result<(), Error> {
    let view = View {
        stable: args.stable,
        header: !args.habit.no_header,
        extended: args.habit.extended,
        verbose: args.output.verbose,
        quiet: args.output.quiet,
        cmdline: args.cmdline,
        packages: args.packages,
        passing: !args.query.is_empty(),
    };
    let screen = screen::of(&args.output);
    outlet.deliver(streams, |out| match format {
        ListFormat::Table => render::table(report, &view, &screen, out),
        ListFormat::Plain => render::plain(report, &view, out),
        ListFormat::Csv => render::csv(report, &view, out),
        ListFormat::Json => render::json(report, &view, out),
    })
}

/// What the flags choose.
fn choice(habit: &HabitArgs) -> Choice {
    let of = |flag: bool, transports: &'static [Transport]| if flag { transports } else { &[] };
    let transports = [
        of(habit.tcp, &[Transport::Tcp]),
        of(habit.udp, &[Transport::Udp, Transport::UdpLite]),
        of(habit.sctp, &[Transport::Sctp]),
        of(habit.raw, &[Transport::Raw]),
        of(habit.packet, &[Transport::Packet]),
        of(habit.unix, &[Transport::Unix]),
    ];
    Choice { transports: transports.concat(), ipv4: habit.ipv4, ipv6: habit.ipv6 }
}

/// True for the name of a service or of a program that serves one.
fn is_known(registry: &Registry, word: &str) -> bool {
    !registry.by_name(word).is_empty() || !registry.owned_by(word.as_bytes()).is_empty()
}
