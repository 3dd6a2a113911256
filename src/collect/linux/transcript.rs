//! A kernel that writes down its answers, and one that answers from what was written down.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::kernel::{Kernel, Refusal};
use super::netlink;
use super::question::Question;
use super::{devices, sock_diag};
use crate::collect::capture::{Answer, Capture};

/// Hands questions on, and keeps the answers.
pub struct Recorder<'a> {
    kernel: &'a dyn Kernel,
    capture: Mutex<Capture>,
}

impl<'a> Recorder<'a> {
    /// Records what this kernel answers.
    pub fn new(kernel: &'a dyn Kernel) -> Self {
        let capture = Capture { platform: "linux".into(), ..Capture::default() };
        Self { kernel, capture: Mutex::new(capture) }
    }

    /// What was recorded, with a heading that says what host it is and from where it was looked at.
    pub fn finish(self) -> Capture {
        let mut capture = self.capture.into_inner().unwrap_or_else(PoisonError::into_inner);
        capture.heading = heading(&capture);
        capture
    }
}

/// What host a capture is of, and from where it was looked at.
pub fn heading(capture: &Capture) -> Vec<String> {
    let mut heading = Vec::new();
    for question in [Question::Host, Question::Identity, Question::Clock, Question::Vantage, Question::NetNs] {
        let name = question.to_string();
        if let Some(Ok(answer)) = capture.answers.get(&name).and_then(|answers| answers.first()) {
            let words = String::from_utf8_lossy(answer);
            let line = words.lines().filter(|line| !line.starts_with("host_id")).collect::<Vec<_>>().join(", ");
            heading.push(format!("{name}: {line}"));
        }
    }
    heading
}

impl Kernel for Recorder<'_> {
    fn ask(&self, question: &Question, answer: &mut Vec<u8>) -> Result<(), Refusal> {
        let asked = self.kernel.ask(question, answer);
        let kept: Answer = match asked {
            Ok(()) => Ok(allowed(question, answer).into()),
            Err(Refusal::Errno(errno)) => Err(errno),
            // Not an answer of the kernel.
            Err(Refusal::NotRecorded | Refusal::Deadline) => return asked,
        };
        let mut capture = self.capture.lock().unwrap_or_else(PoisonError::into_inner);
        capture.answers.entry(question.to_string()).or_default().push(kept);
        asked
    }
}

/// An answer without the netlink attributes that are not ours to keep, such as hardware addresses.
fn allowed(question: &Question, answer: &[u8]) -> Vec<u8> {
    let whole = |_: u16, value: &[u8]| Some(value.to_vec());
    let (kind, kept) = match question {
        Question::In(_, question) => return allowed(question, answer),
        Question::Diag(table) => (sock_diag::SOCK_DIAG_BY_FAMILY, sock_diag::recorded(*table)),
        Question::Links => {
            return netlink::keep_attributes(answer, devices::LINKS.1, devices::LINK_RECORDED, devices::link_recorded);
        }
        _ => return answer.to_vec(),
    };
    netlink::keep_attributes(answer, kind, kept, whole)
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

impl Kernel for Replay<'_> {
    fn ask(&self, question: &Question, answer: &mut Vec<u8>) -> Result<(), Refusal> {
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
