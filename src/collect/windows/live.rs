//! The Windows that this program runs on. Thin: it fetches bytes and text, and `rows`, `processes`, `services` and
//! `vantage` read them.
//!
//! Nothing here may wait on another host: names are asked of this host's own authorities alone, and a path is followed
//! only where it lies on a fixed disk and leads nowhere else.

mod files;
mod handle;
mod host;
mod links;
mod processes;
mod services;
mod tables;
mod users;

use std::os::windows::ffi::OsStringExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::question::Question;
use super::transcript;
use crate::collect::Ask;
use crate::collect::capture::Capture;
use crate::collect::seam::{Kernel, Recorder, Refusal};
use crate::error::Error;
use crate::model::{Snapshot, Text};

/// Looks at this host.
pub fn look(root: Option<&Path>, ask: &Ask) -> Result<Snapshot, Error> {
    let live = Live::new(root, ask.time)?;
    Ok(super::snapshot(&live, ask))
}

/// Looks so, and returns the transcript of the answers.
pub fn record(root: Option<&Path>, ask: &Ask) -> Result<Capture, Error> {
    let live = Live::new(root, ask.time)?;
    let recorder = Recorder::new("windows", &live, transcript::kept);
    super::snapshot(&recorder, &ask.everything());
    let mut capture = recorder.finish();
    capture.heading = transcript::heading(&capture);
    Ok(capture)
}

/// The running Windows.
struct Live {
    deadline: Option<Instant>,
}

impl Live {
    #[expect(clippy::disallowed_methods, reason = "a run has a deadline")]
    fn new(root: Option<&Path>, time: Option<Duration>) -> Result<Self, Error> {
        if root.is_some() {
            return Err(Error::Usage {
                problem: "--root looks at a Linux host from within a container of it".to_owned(),
                hint: "leave --root out: earmark looks at this host".to_owned(),
            });
        }
        users::enable_debug();
        Ok(Self { deadline: time.and_then(|time| Instant::now().checked_add(time)) })
    }
}

impl Kernel<Question> for Live {
    #[expect(clippy::disallowed_methods, reason = "a run has a deadline")]
    fn ask(&self, question: &Question, answer: &mut Vec<u8>) -> Result<(), Refusal> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Refusal::Deadline);
        }
        match question {
            Question::Clock => host::clock(answer),
            Question::Vantage => users::vantage(answer),
            Question::Host => host::host(answer),
            Question::Identity => host::identity(answer),
            Question::Links => links::links(answer),
            Question::Table(table) => tables::table(*table, answer),
            Question::Processes => processes::list(answer),
            Question::Image(pid) => processes::image(*pid, answer),
            Question::User(pid) => users::of_process(*pid, answer),
            Question::Cmdline(pid) => processes::cmdline(*pid, answer),
            Question::File(path) => files::file(path, answer),
            Question::Services => services::list(answer),
            Question::Module(pid, tag) => services::module(*pid, *tag, answer),
        }
        .map_err(|number| Refusal::Errno(number.cast_signed()))
    }
}

/// The bytes of a name in UTF-16: UTF-8, but for halves of surrogate pairs (WTF-8).
fn bytes(name: &[u16]) -> Vec<u8> {
    std::ffi::OsString::from_wide(name).into_encoded_bytes()
}

/// The same, as it stands in a line.
fn escaped(name: &[u16]) -> String {
    Text::new(bytes(name)).escaped()
}

/// A name in UTF-16 with the zero behind it.
fn wide(name: &str) -> Vec<u16> {
    name.encode_utf16().chain([0]).collect()
}

/// What of a buffer stands before the first zero.
fn until_zero(buffer: &[u16]) -> &[u16] {
    let end = buffer.iter().position(|unit| *unit == 0).unwrap_or(buffer.len());
    &buffer[..end]
}
