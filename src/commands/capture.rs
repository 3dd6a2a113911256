//! `capture`: the transcript of what the kernel answered.

use std::path::Path;

use super::{Outlet, Streams, time};
use crate::cli::CaptureArgs;
use crate::collect::{self, Ask};
use crate::error::{Error, Exit};
use crate::redact::redact;
use crate::registry::Registry;

pub(super) fn run(args: &CaptureArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let ask = Ask { cmdline: args.cmdline, time: time(args.timeout), ..Ask::default() };
    let mut capture = collect::record(args.root.as_deref(), &ask)?;
    let outlet = Outlet::open(&args.output)?;
    outlet.confine(&[], &args.output, streams);
    if args.redact {
        // It is refused only where it is no capture, and then it has no file that could be named.
        capture = redact(capture.as_bytes(), Path::new("-"), &Registry::builtin())?;
    }
    outlet.deliver(streams, |out| out.write_all(capture.as_bytes()))?;
    Ok(Exit::Ok)
}
