//! `policy`: what is wrong with the policy, what it says, and what it would say of a host that was recorded.

use super::audit::Source;
use super::{Streams, approved, audit, deliver, format, say, screen};
use crate::cli::{AuditArgs, InputArgs, PolicyFiles, PolicyShowArgs, PolicyTestArgs, PolicyVerb, TextFormat};
use crate::collect::CAPTURE_MAGIC;
use crate::error::{Error, Exit};
use crate::model::PackageState;
use crate::picture::{self, REPORT_BEGINNING};
use crate::{render, rules, sys};

pub(super) fn run(verb: &PolicyVerb, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    match verb {
        PolicyVerb::Check(args) => show(args, true, streams),
        PolicyVerb::Show(args) => show(args, false, streams),
        PolicyVerb::Test(args) => test(args, streams),
    }
}

fn show(args: &PolicyShowArgs, check: bool, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let format = format(args.format, args.json, TextFormat::Json)?.unwrap_or(TextFormat::Table);
    let policy = approved::load(&args.files, false)?.ok_or_else(none)?;
    let lints = policy.lints(sys::now());
    // Whoever writes a policy may keep it anywhere; what an audit of this host would say to that is worth a word.
    let refused = approved::load(&args.files, true).err().filter(|_| check);
    let screen = screen::of(&args.output);
    deliver(&args.output, streams, |out| match format {
        TextFormat::Json => render::policy_json(&policy, &lints, out),
        TextFormat::Table if check => render::policy_lints(&policy, &lints, &screen, out),
        TextFormat::Table => render::policy(&policy, &screen, out),
    })?;
    if let Some(error) = &refused {
        say(streams.err, &format!("an audit of this host would refuse it: {error}"), error.hint());
    }
    Ok(if check && (!lints.is_empty() || refused.is_some()) { Exit::Warning } else { Exit::Ok })
}

fn test(args: &PolicyTestArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let policy = match &args.policy {
        Some(path) => approved::alone(path)?,
        None => approved::load(&PolicyFiles::default(), false)?.ok_or_else(none)?,
    };
    let source = open(args, policy.asks_for_packages(), streams)?;
    let audit = AuditArgs {
        files: PolicyFiles::default(),
        cron: false,
        format: args.format,
        json: args.json,
        stable: args.stable,
        packages: false,
        input: InputArgs { from: Some(args.file.clone()), ..InputArgs::default() },
        output: args.output.clone(),
    };
    audit::hold(&audit, Some(policy), source, streams)
}

/// Reads what a host looked like, and sees what it is by its beginning.
fn open(args: &PolicyTestArgs, packages: bool, streams: &mut Streams<'_>) -> Result<Source, Error> {
    super::own_choice("policy test")?;
    let path = &args.file;
    let content = sys::input::read(path, &[CAPTURE_MAGIC, REPORT_BEGINNING], super::time(None))?;
    if !content.starts_with(REPORT_BEGINNING.as_bytes()) {
        return Ok(Source::Capture(content, path.clone()));
    }
    let refused = |problem: String, hint| Error::Content { path: path.clone(), problem, hint };
    let restored = picture::restore(&content, path, &|name| rules::by_name(name).map(|rule| &rule.info))?;
    let report = restored.report;
    if let Some(words) = &report.query {
        let problem =
            format!("it shows what `{}` left, and what else is there may be required or forbidden", words.join(" "));
        return Err(refused(problem, "make it without words and flags that choose: `earmark --json`"));
    }
    if packages && report.processes.iter().any(|process| process.package_state == PackageState::NotLookedUp) {
        let problem = "the policy asks for packages, which it does not tell".to_owned();
        return Err(refused(problem, "make it with `earmark --json --packages`"));
    }
    if !args.output.quiet {
        let then = if restored.was_held { "; it was held against a policy then, whose severities stay" } else { "" };
        let message = format!("{} is a report: what the policy says of it is judged anew{then}", path.display());
        say(
            streams.err,
            &message,
            "all other findings are as the report tells them; a capture is judged anew altogether",
        );
    }
    Ok(Source::Report(Box::new(report)))
}

fn none() -> Error {
    Error::Usage {
        problem: "there is no policy".to_owned(),
        hint: format!("put files that end in .toml into {}, or name one with --policy", approved::host().display()),
    }
}
