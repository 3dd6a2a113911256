//! The FreeBSD that this program runs on. Thin: it fetches bytes, and the readers beside it understand them.

use std::path::Path;

use super::layout::numbers;
use super::question::Question;
use super::{decode, rename};
use crate::collect::Ask;
use crate::collect::bsd::errno::{EINVAL, ENOENT};
use crate::collect::bsd::fetch::fetch;
use crate::collect::bsd::live::{self as alike, Deadline};
use crate::collect::bsd::transcript;
use crate::collect::capture::Capture;
use crate::collect::seam::{Kernel, Recorder, Refusal};
use crate::error::Error;
use crate::model::Snapshot;

/// Looks at this host.
pub fn look(root: Option<&Path>, ask: &Ask) -> Result<Snapshot, Error> {
    alike::no_root(root)?;
    Ok(super::snapshot(&Live { deadline: Deadline::new(ask.time) }, ask))
}

/// Looks so, and returns the transcript of the answers.
pub fn record(root: Option<&Path>, ask: &Ask) -> Result<Capture, Error> {
    alike::no_root(root)?;
    let live = Live { deadline: Deadline::new(ask.time) };
    let recorder = Recorder::new("freebsd", &live, rename::kept);
    super::snapshot(&recorder, &ask.everything());
    let mut capture = recorder.finish();
    capture.heading = transcript::heading(&capture);
    Ok(capture)
}

/// The running system.
struct Live {
    deadline: Deadline,
}

impl Kernel<Question> for Live {
    fn ask(&self, question: &Question, answer: &mut Vec<u8>) -> Result<(), Refusal> {
        self.deadline.check()?;
        let asked = match question {
            Question::Clock => alike::clock(answer),
            Question::Vantage => alike::vantage(answer),
            Question::HostId => alike::sysctl("kern.hostuuid").map(|id| alike::host_id(&id, answer)),
            Question::Links => alike::links(answer),
            Question::Sysctl(name) => alike::sysctl(name).map(|bytes| *answer = bytes),
            Question::Process(pid) => of_process(numbers::BY_PID, *pid).map(|bytes| *answer = bytes),
            Question::Exe(pid) => of_process(numbers::PATH, *pid).map(|bytes| *answer = bytes),
            Question::Text(pid) => of_process(numbers::DESCRIPTORS, *pid).and_then(|bytes| {
                answer.extend_from_slice(decode::keep_text(&bytes).ok_or(ENOENT)?);
                Ok(())
            }),
            Question::Arguments(pid) => of_process(numbers::ARGUMENTS, *pid).map(|bytes| *answer = bytes),
            Question::HostFile(path) => alike::host_file(path, answer),
            Question::User(uid) => alike::user(*uid, answer),
        };
        asked.map_err(Refusal::Errno)
    }
}

/// What the kernel tells of a process under one number.
fn of_process(what: i32, pid: u32) -> Result<Vec<u8>, i32> {
    let pid = i32::try_from(pid).map_err(|_| EINVAL)?;
    sysctl_by_number(&[numbers::KERN, numbers::PROC, what, pid])
}

/// Asks sysctl(3) by numbers.
fn sysctl_by_number(name: &[i32]) -> Result<Vec<u8>, i32> {
    fetch(|answer| sysctl_number_into(name, answer))
}

#[expect(unsafe_code, reason = "sysctl(3) has no safe form")]
fn sysctl_number_into(name: &[i32], answer: Option<&mut [u8]>) -> Result<usize, i32> {
    let mut length = answer.as_ref().map_or(0, |answer| answer.len());
    let place = answer.map_or(std::ptr::null_mut(), |answer| answer.as_mut_ptr());
    let count = libc::c_uint::try_from(name.len()).map_err(|_| EINVAL)?;
    // SAFETY: `name` has `count` numbers, which the call reads; `place` is null, or
    // has room for `length` bytes, which the call does not exceed and sets to what it wrote; nothing new is set.
    let done = unsafe { libc::sysctl(name.as_ptr(), count, place.cast(), &raw mut length, std::ptr::null_mut(), 0) };
    if done == 0 { Ok(length) } else { Err(alike::last_errno()) }
}
