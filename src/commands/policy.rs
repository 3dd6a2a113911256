//! `policy`: what is wrong with the policy, what it says, and what it would say of a host that was recorded.

use super::{Streams, approved, audit, deliver, format, say, screen};
use crate::cli::{AuditArgs, InputArgs, PolicyFiles, PolicyShowArgs, PolicyTestArgs, PolicyVerb, TextFormat};
use crate::error::{Error, Exit};
use crate::render;
use crate::sys;

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
    audit::hold(&audit, Some(policy), streams)
}

fn none() -> Error {
    Error::Usage {
        problem: "there is no policy".to_owned(),
        hint: format!("put files that end in .toml into {}, or name one with --policy", approved::host().display()),
    }
}
