//! `doctor`: what a run can and cannot see here, and what would mend it.

use super::{Streams, deliver, format, look, registry, screen, time};
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
    let snapshot = look(&args.input, &ask)?;
    let directory = registry::OVERLAYS.to_owned();
    // A file that makes no sense keeps other verbs from running, and is told here.
    let (registry, overlays) = match registry::load() {
        Ok((registry, files)) => (registry, Overlays { directory, files, problem: None }),
        Err(error) => (Registry::builtin(), Overlays { directory, files: 0, problem: Some(error.to_string()) }),
    };
    let report = judge(snapshot, &registry, sys::run_id());
    let diagnosis = Diagnosis::new(&report, overlays);
    let screen = screen::of(&args.output);
    deliver(&args.output, streams, |out| match format {
        TextFormat::Table => render::doctor(&diagnosis, &screen, out),
        TextFormat::Json => render::doctor_json(&diagnosis, out),
    })?;
    Ok(Exit::Ok)
}
