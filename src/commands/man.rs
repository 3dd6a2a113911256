//! `man`: the manual page, from the same definitions as the command line.

use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_mangen::Man;

use super::{Streams, deliver};
use crate::cli::{Cli, ManArgs};
use crate::error::{Error, Exit};

pub(super) fn run(args: &ManArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    deliver(&args.output, streams, page)?;
    Ok(Exit::Ok)
}

/// One page for all verbs.
fn page(out: &mut dyn Write) -> io::Result<()> {
    let man = Man::new(Cli::command());
    man.render(out)
}
