//! `explain`: what a word means, what holds it here, and why `bind(2)` would fail on it.

use std::net::SocketAddr;

use super::{Outlet, Streams, format, look, registry, say, screen, time};
use crate::cli::{ExplainArgs, TextFormat};
use crate::collect::Ask;
use crate::error::{Error, Exit};
use crate::explain::{Explanation, PortUse, Sources, explain};
use crate::judge::judge;
use crate::model::{Snapshot, Transport};
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
    let looked = match explanation.ports.is_empty() {
        true => None,
        false => match look(&args.input, &ask(args)) {
            Ok(snapshot) => Some(snapshot),
            Err(error @ Error::Platform { .. }) => {
                say(streams.err, &error.to_string(), error.hint());
                None
            }
            Err(error) => return Err(error),
        },
    };
    let outlet = Outlet::open(&args.output)?;
    if let Some(snapshot) = looked {
        outlet.confine(&[], &args.output, streams);
        explanation = here(args, &registry, snapshot)?;
    }
    if args.output.verbose == 0 && format == TextFormat::Table {
        explanation.ports.iter_mut().for_each(|port| port.historical.clear());
    }
    let screen = screen::of(&args.output);
    outlet.deliver(streams, |out| match format {
        TextFormat::Table => render::explain(&explanation, &screen, out),
        TextFormat::Json => render::explain_json(&explanation, out),
    })?;
    Ok(Exit::Ok)
}

/// What of a host speaks of a port.
fn ask(args: &ExplainArgs) -> Ask {
    Ask {
        transports: Transport::ALL.into_iter().filter(|transport| transport.has_registered_ports()).collect(),
        bound: true,
        time_wait: true,
        cmdline: false,
        ids: false,
        packages: args.packages,
        addresses: false,
        netns: args.netns.clone(),
        time: time(args.input.timeout),
    }
}

/// The explanation with what is seen on the host.
fn here(args: &ExplainArgs, registry: &Registry, snapshot: Snapshot) -> Result<Explanation, Error> {
    let others: Vec<PortUse> = snapshot.lingering.iter().copied().map(waiting).collect();
    let report = judge(snapshot, registry, sys::run_id());
    let rule = rules::by_name(&args.what).map(|rule| &rule.info);
    let unseen = ask(args).transports.iter().find_map(|transport| query::unread(&report, *transport));
    let sources = Sources { registry, report: Some(&report), others: &others, unseen: unseen.as_deref() };
    explain(&args.what, rule, &sources)
}

fn waiting(address: SocketAddr) -> PortUse {
    let (ip, port) = (address.ip(), address.port());
    PortUse { transport: Transport::Tcp, ip, port, time_wait: true, dual_stack: false }
}
