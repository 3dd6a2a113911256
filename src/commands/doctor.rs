//! `doctor`: what a run can and cannot see here, and what would mend it.

use super::{Outlet, Streams, format, look, registry, screen, time};
use crate::cli::{DoctorArgs, TextFormat};
use crate::collect::Ask;
use crate::doctor::{Diagnosis, Overlays};
use crate::error::{Error, Exit};
use crate::judge::judge;
use crate::model::Transport;
use crate::registry::Registry;
use crate::{render, sys};

pub(super) fn run(args: &DoctorArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let format = format(args.format, args.json, TextFormat::Json)?.unwrap_or(TextFormat::Table);
    // Every table there is: what cannot be read is what somebody wants to know.
    let ask =
        Ask { transports: Transport::ALL.to_vec(), bound: true, time: time(args.input.timeout), ..Ask::default() };
    let directory = registry::overlays().display().to_string();
    // A file that makes no sense keeps other verbs from running, and is told here.
    let (registry, overlays) = match registry::load() {
        Ok((registry, files)) => (registry, Overlays { directory, files, problem: None }),
        Err(error) => (Registry::builtin(), Overlays { directory, files: 0, problem: Some(error.to_string()) }),
    };
    let snapshot = look(&args.input, &ask)?;
    let outlet = Outlet::open(&args.output)?;
    let sandbox = outlet.confine(&[], &args.output, streams);
    // What holds here says nothing of the host of a capture.
    let sandbox = Some(sandbox).filter(|_| args.input.from.is_none());
    let report = judge(snapshot, &registry, sys::run_id());
    let diagnosis = Diagnosis::new(&report, overlays, sandbox);
    let screen = screen::of(&args.output);
    outlet.deliver(streams, |out| match format {
        TextFormat::Table => render::doctor(&diagnosis, &screen, out),
        TextFormat::Json => render::doctor_json(&diagnosis, out),
    })?;
    Ok(Exit::Ok)
}
