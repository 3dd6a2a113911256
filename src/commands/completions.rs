//! `completions`: what a shell needs to complete a command line.

use clap::CommandFactory as _;

use super::{Streams, deliver};
use crate::cli::{Cli, CompletionsArgs};
use crate::error::{Error, Exit};

pub(super) fn run(args: &CompletionsArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    // The generator panics where it cannot write, so it writes where it can.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "earmark", &mut script);
    deliver(&args.output, streams, |out| out.write_all(&script))?;
    Ok(Exit::Ok)
}
