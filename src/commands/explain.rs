//! `explain`: what a word means, what holds it here, and why `bind(2)` would fail on it.

use std::net::SocketAddr;

use super::{Streams, deliver, format, look, registry, say, screen, time};
use crate::cli::{ExplainArgs, TextFormat};
use crate::collect::Ask;
use crate::error::{Error, Exit};
use crate::explain::{Explanation, PortUse, Sources, explain};
use crate::judge::judge;
use crate::model::Transport;
use crate::query;
use crate::registry::Registry;
use crate::{render, rules, sys};

pub(super) fn run(args: &ExplainArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let format = format(args.format, args.json, TextFormat::Json)?.unwrap_or(TextFormat::Table);
    let (registry, _) = registry::load()?;
    let rule = rules::by_name(&args.what).map(|rule| &rule.info);
    let sources = Sources { registry: &registry, report: None, others: &[], unseen: None };
    let mut explanation = explain(&args.what, rule, &sources)?;
    // A rule says the same on every host.
    if !explanation.ports.is_empty() {
        match here(args, &registry) {
            Ok(explained) => explanation = explained,
            Err(error @ Error::Platform { .. }) => say(streams.err, &error.to_string(), error.hint()),
            Err(error) => return Err(error),
        }
    }
    if args.output.verbose == 0 && format == TextFormat::Table {
        explanation.ports.iter_mut().for_each(|port| port.historical.clear());
    }
    let screen = screen::of(&args.output);
    deliver(&args.output, streams, |out| match format {
        TextFormat::Table => render::explain(&explanation, &screen, out),
        TextFormat::Json => render::explain_json(&explanation, out),
    })?;
    Ok(Exit::Ok)
}

/// The explanation with what is seen on the host.
fn here(args: &ExplainArgs, registry: &Registry) -> Result<Explanation, Error> {
    let ask = Ask {
        transports: Transport::ALL.into_iter().filter(|transport| transport.has_registered_ports()).collect(),
        bound: true,
        time_wait: true,
        cmdline: false,
        ids: false,
        packages: args.packages,
        netns: args.netns.clone(),
        time: time(args.input.timeout),
    };
    let snapshot = look(&args.input, &ask)?;
    let others: Vec<PortUse> = snapshot.lingering.iter().copied().map(waiting).collect();
    let report = judge(snapshot, registry, sys::run_id());
    let rule = rules::by_name(&args.what).map(|rule| &rule.info);
    let unseen = ask.transports.iter().find_map(|transport| query::unread(&report, *transport));
    let sources = Sources { registry, report: Some(&report), others: &others, unseen: unseen.as_deref() };
    explain(&args.what, rule, &sources)
}

fn waiting(address: SocketAddr) -> PortUse {
    let (ip, port) = (address.ip(), address.port());
    PortUse { transport: Transport::Tcp, ip, port, time_wait: true, dual_stack: false }
}
