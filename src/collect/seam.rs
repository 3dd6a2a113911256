//! The seam: a kernel answers questions in bytes. The live one and a capture both do, on every platform.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use super::capture::{Answer, Capture};

/// What [`Refusal::NotRecorded`] says.
pub const NOT_RECORDED: &str = "not-recorded (the capture has no answer to this)";

/// Why a question has no answer. What a number means, the platform knows that it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The kernel's error number, as on the platform of the capture whatever system this runs on.
    Errno(i32),
    /// The capture was made by a run that did not ask this: never the same as an empty answer.
    NotRecorded,
    /// The time that the run may take was over.
    Deadline,
}

/// Something that answers as the kernel of a platform does, whose questions are `Q`. The [`Display`] of a question is its
/// name in a capture; the answer is always bytes or an error number.
pub trait Kernel<Q>: Sync {
    /// Appends the answer to `answer`, which the caller hands in empty so that its room is used again. After a refusal
    /// it may hold the beginning of an answer, to be used only where a part is better than nothing.
    fn ask(&self, question: &Q, answer: &mut Vec<u8>) -> Result<(), Refusal>;

    /// The answer in room of its own.
    fn get(&self, question: &Q) -> Result<Vec<u8>, Refusal> {
        let mut answer = Vec::new();
        self.ask(question, &mut answer).map(|()| answer)
    }
}

/// Hands questions on, and writes down the answers.
pub struct Recorder<'a, Q> {
    kernel: &'a dyn Kernel<Q>,
    kept: fn(&Q, &[u8]) -> Vec<u8>,
    capture: Mutex<Capture>,
}

impl<'a, Q> Recorder<'a, Q> {
    /// Records what this kernel of a platform answers; `kept` returns an answer without what is not ours to keep.
    pub fn new(platform: &str, kernel: &'a dyn Kernel<Q>, kept: fn(&Q, &[u8]) -> Vec<u8>) -> Self {
        let capture = Capture { platform: platform.to_owned(), ..Capture::default() };
        Self { kernel, kept, capture: Mutex::new(capture) }
    }

    /// What was recorded.
    pub fn finish(self) -> Capture {
        self.capture.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Q: Display> Kernel<Q> for Recorder<'_, Q> {
    fn ask(&self, question: &Q, answer: &mut Vec<u8>) -> Result<(), Refusal> {
        let asked = self.kernel.ask(question, answer);
        let kept: Answer = match asked {
            Ok(()) => Ok((self.kept)(question, answer).into()),
            Err(Refusal::Errno(errno)) => Err(errno),
            // Not an answer of the kernel.
            Err(Refusal::NotRecorded | Refusal::Deadline) => return asked,
        };
        let mut capture = self.capture.lock().unwrap_or_else(PoisonError::into_inner);
        capture.answers.entry(question.to_string()).or_default().push(kept);
        asked
    }
}

/// Answers from a capture.
pub struct Replay<'a> {
    capture: &'a Capture,
    asked: Mutex<HashMap<String, usize>>,
}

impl<'a> Replay<'a> {
    /// Answers from this capture.
    pub fn new(capture: &'a Capture) -> Self {
        Self { capture, asked: Mutex::default() }
    }
}

impl<Q: Display> Kernel<Q> for Replay<'_> {
    fn ask(&self, question: &Q, answer: &mut Vec<u8>) -> Result<(), Refusal> {
        let name = question.to_string();
        let answers = self.capture.answers.get(&name).ok_or(Refusal::NotRecorded)?;
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let time = asked.entry(name).or_default();
        // Asked more often than it was: the last answer stays true.
        let recorded = answers.get(*time).or(answers.last()).ok_or(Refusal::NotRecorded)?;
        *time += 1;
        match recorded {
            Ok(bytes) => {
                answer.extend_from_slice(bytes);
                Ok(())
            }
            Err(errno) => Err(Refusal::Errno(*errno)),
        }
    }
}
