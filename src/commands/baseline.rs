//! `baseline`: from what is here to what may be here.

use std::path::{Path, PathBuf};

use super::{Streams, approved, audit, deliver, look, registry, say, time};
use crate::baseline;
use crate::cli::{
    AuditArgs, BaselineAcceptArgs, BaselineDiffArgs, BaselinePruneArgs, BaselineRecordArgs, BaselineVerb, InputArgs,
    PolicyFiles,
};
use crate::collect::Ask;
use crate::error::{Error, Exit};
use crate::finding::{About, Theme};
use crate::judge::judge_by;
use crate::query::{Choice, Query};
use crate::report::{Listener, Report};
use crate::{rules, sys};

/// What people accept on this host, one after the other.
fn local_file() -> PathBuf {
    approved::host().join("90-local.toml")
}

/// What a new file begins with.
const HEAD: &str = "# What was accepted on this host with `earmark baseline accept`.\nschema = 1\n";

pub(super) fn run(verb: &BaselineVerb, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    match verb {
        BaselineVerb::Record(args) => record(args, streams),
        BaselineVerb::Diff(args) => diff(args, streams),
        BaselineVerb::Accept(args) => accept(args, streams),
        BaselineVerb::Prune(args) => prune(args, streams),
    }
}

/// This host, or another, held against its policy.
fn held(input: &InputArgs, policy: Option<std::sync::Arc<crate::policy::Policy>>) -> Result<Report, Error> {
    let (registry, _) = registry::load()?;
    let everything = Query::parse(&[], Choice::default(), &|name| rules::by_name(name).is_some())?;
    let packages = policy.as_ref().is_some_and(|policy| policy.asks_for_packages());
    let ask = Ask {
        transports: everything.transports(),
        // A socket unit is told by its cgroup.
        ids: true,
        packages,
        addresses: policy.as_ref().is_some_and(|policy| policy.asks_for_addresses()),
        time: time(input.timeout),
        ..Ask::default()
    };
    Ok(judge_by(look(input, &ask)?, &registry, policy, sys::run_id()))
}

fn record(args: &BaselineRecordArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let report = held(&args.input, None)?;
    let text = baseline::record(&report);
    deliver(&args.output, streams, |out| out.write_all(text.as_bytes()))?;
    if !report.is_complete() && !args.output.quiet {
        say(
            streams.err,
            "not everything could be seen: what is missing here may be there",
            "`earmark doctor` says why",
        );
    }
    Ok(Exit::Ok)
}

fn diff(args: &BaselineDiffArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let live = args.input.from.is_none() && args.input.root.is_none();
    let policy = approved::strict(&args.files, live)?.ok_or_else(no_policy)?;
    let as_audit = AuditArgs {
        files: args.files.clone(),
        cron: false,
        format: args.format,
        json: args.json,
        stable: args.stable,
        packages: policy.asks_for_packages(),
        input: args.input.clone(),
        output: args.output.clone(),
    };
    audit::differ(&as_audit, policy, streams)
}

fn accept(args: &BaselineAcceptArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    super::own_choice("baseline accept")?;
    let files = PolicyFiles::default();
    let policy = approved::load(&files, true)?;
    let report = held(&InputArgs::default(), policy)?;
    let listeners: Vec<&Listener> =
        report.listeners.iter().filter(|listener| listener.endpoint == args.endpoint).collect();
    if listeners.is_empty() {
        return Err(Error::Usage {
            problem: format!("nothing listens at `{}` that can be seen from here", args.endpoint),
            hint: "write it as `earmark --format plain` and `earmark --json` do: tcp/0.0.0.0:9001, udp/[::1]:323"
                .to_owned(),
        });
    }
    // It is written as it stands.
    if let Some(day) = args.expires.as_ref().filter(|day| !day.bytes().all(|b| b.is_ascii_digit() || b == b'-')) {
        return Err(Error::Usage {
            problem: format!("`{day}` is no value of --expires"),
            hint: "write a day such as 2027-01-31".to_owned(),
        });
    }
    let entries = match &args.expires {
        Some(day) => baseline::suppress(&report, &listeners, &args.reason, day),
        None => {
            let doubts: Vec<String> =
                listeners.iter().flat_map(|listener| baseline::doubts_about(&report, listener)).collect();
            for doubt in &doubts {
                say(streams.err, &format!("remains: {doubt}"), "--expires DAY suppresses it until then");
            }
            let new = listeners.iter().filter(|listener| listener.expectation.is_none()).copied();
            baseline::approve(&report, &new.collect::<Vec<_>>(), &args.reason)
        }
    };
    if entries.is_empty() {
        let what = if args.expires.is_some() { "has no finding to suppress" } else { "is expected already" };
        say(streams.err, &format!("{} {what}: nothing was written", args.endpoint), "");
        return Ok(Exit::Ok);
    }
    let path = &local_file();
    let mut text = local(path)?;
    for entry in &entries {
        text += &format!("\n# {}\n{entry}\n", args.endpoint);
    }
    // What is written is read by every audit from now on.
    approved::check(path, text.clone())?;
    sys::output::write(path, text.as_bytes(), sys::output::FOR_ALL)?;
    for entry in &entries {
        writeln!(streams.out, "{entry}\n").map_err(Error::Output)?;
    }
    streams.out.flush().map_err(Error::Output)?;
    say(streams.err, &format!("added to {}", path.display()), "");
    Ok(Exit::Ok)
}

/// What stands in the file of this host; the beginning of one where there is none.
fn local(path: &Path) -> Result<String, Error> {
    match sys::input::read_small(path, sys::privilege::judges_with_power()) {
        Ok(text) => Ok(text),
        Err(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(HEAD.to_owned()),
        Err(error) => Err(error),
    }
}

fn prune(args: &BaselinePruneArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    super::own_choice("baseline prune")?;
    let path = &local_file();
    let policy = approved::strict(&PolicyFiles::default(), true)?.ok_or_else(no_policy)?;
    let report = held(&InputArgs::default(), Some(policy.clone()))?;
    // `missing` is told only where nothing that could match was hidden.
    let missing: Vec<usize> = report
        .findings
        .iter()
        .filter(|finding| finding.rule.name == "missing")
        .filter_map(|finding| match finding.about {
            About::Expectation(at) => Some(at),
            _ => None,
        })
        .collect();
    let of_file = |at: &usize| {
        let origin = policy.expects[*at].origin;
        policy.files.get(origin.file).is_some_and(|file| Path::new(file) == path)
    };
    let gone: Vec<usize> = missing.iter().copied().filter(of_file).collect();
    for at in missing.iter().filter(|at| !of_file(at)) {
        let expect = &policy.expects[*at];
        say(streams.err, &format!("{} matches nothing and stays", expect.name()), &policy.place(expect.origin));
    }
    let seen = expectations_seen(&report);
    if !seen.is_empty() {
        say(streams.err, &format!("could not tell of {} more: not everything could be seen", seen.len()), "");
    }
    if !gone.is_empty() && !args.dry_run {
        // The nth expectation of the file is the nth table of that name in it.
        let first = policy
            .expects
            .iter()
            .position(|expect| policy.files.get(expect.origin.file).is_some_and(|file| Path::new(file) == path));
        let places: Vec<usize> = gone.iter().map(|at| at - first.unwrap_or(0)).collect();
        let text = baseline::without(&local(path)?, &places);
        // Whatever the file looks like, nothing but these may be gone from it.
        let of_it = |at: &usize| of_file(at) && !gone.contains(at);
        let kept: Vec<_> = (0..policy.expects.len()).filter(of_it).map(|at| &policy.expects[at].selector).collect();
        if !approved::check(path, text.clone())?.expects.iter().map(|expect| &expect.selector).eq(kept) {
            return Err(Error::Content {
                path: path.to_owned(),
                problem: "its entries cannot be told apart by lines, and nothing was removed".to_owned(),
                hint: "write each [[expect]] on a line of its own, or remove by hand what matches nothing",
            });
        }
        sys::output::write(path, text.as_bytes(), sys::output::FOR_ALL)?;
    }
    for at in &gone {
        let expect = &policy.expects[*at];
        let done = if args.dry_run { "would remove" } else { "removed" };
        writeln!(streams.out, "{done} {} ({})", expect.name(), policy.place(expect.origin)).map_err(Error::Output)?;
    }
    streams.out.flush().map_err(Error::Output)?;
    Ok(if seen.is_empty() { Exit::Ok } else { Exit::Unknown })
}

/// Expectations that matched nothing while something was hidden that they could match.
fn expectations_seen(report: &Report) -> Vec<usize> {
    let Some(policy) = &report.policy else { return Vec::new() };
    let told = |at: usize| {
        report.findings.iter().any(|finding| {
            finding.about == About::Expectation(at)
                && finding.rule.theme == Theme::Policy
                && finding.rule.name == "missing"
        })
    };
    let matched = |at: usize| report.listeners.iter().any(|listener| listener.expectation == Some(at));
    (0..policy.expects.len()).filter(|at| !matched(*at) && !told(*at)).collect()
}

fn no_policy() -> Error {
    Error::Usage {
        problem: "there is no policy".to_owned(),
        hint: format!("`earmark baseline record` prints one for {}", approved::host().display()),
    }
}
