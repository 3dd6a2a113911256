//! What of a Linux kernel's answers is written down, and what is said of them at the head of a capture.

use super::netlink;
use super::question::Question;
use super::{addresses, devices, sock_diag};
use crate::collect::capture::Capture;

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

/// An answer without the netlink attributes that are not ours to keep, such as hardware addresses.
pub fn kept(question: &Question, answer: &[u8]) -> Vec<u8> {
    let whole = |_: u16, value: &[u8]| Some(value.to_vec());
    let (kind, attributes) = match question {
        Question::In(_, question) => return kept(question, answer),
        Question::Diag(table) => (sock_diag::SOCK_DIAG_BY_FAMILY, sock_diag::recorded(*table)),
        Question::Links => {
            return netlink::keep_attributes(answer, devices::LINKS.1, devices::LINK_RECORDED, devices::link_recorded);
        }
        Question::Addresses => return addresses::rewritten(answer, |ip| ip),
        _ => return answer.to_vec(),
    };
    netlink::keep_attributes(answer, kind, attributes, whole)
}
