//! `capture`: the transcript of what the kernel answered.

use super::{Streams, deliver, time};
use crate::cli::CaptureArgs;
use crate::collect::{self, Ask};
use crate::error::{Error, Exit};

pub(super) fn run(args: &CaptureArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let ask = Ask { cmdline: args.cmdline, time: time(args.timeout), ..Ask::default() };
    let capture = collect::record(args.root.as_deref(), &ask)?;
    deliver(&args.output, streams, |out| out.write_all(capture.as_bytes()))?;
    Ok(Exit::Ok)
}
