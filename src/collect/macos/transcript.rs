//! What of macOS's answers is written down, and what is said of them at the head of a capture.

use std::net::IpAddr;

use super::question::{Question, names};
use super::rename::{Asked, rewritten};
use crate::collect::bsd::host;
use crate::collect::capture::Capture;
use crate::collect::rename::{Kind, Rename};
use crate::model::Text;

/// Gives each name itself.
struct Same;

impl Rename for Same {
    fn name(&mut self, _: Kind, name: &[u8]) -> Vec<u8> {
        name.to_vec()
    }

    fn ip(&mut self, ip: IpAddr) -> IpAddr {
        ip
    }

    fn id(&mut self, id: u32) -> u32 {
        id
    }
}

/// What host a capture is of, and from where it was looked at.
pub fn heading(capture: &Capture) -> Vec<String> {
    let first = |question: Question| {
        let answers = capture.answers.get(&question.to_string())?;
        answers.first()?.as_ref().ok().cloned()
    };
    let text = |name| first(Question::Sysctl(name)).and_then(|answer| host::text(&answer));
    let mut heading = Vec::new();
    for (what, name) in [("hostname", names::HOSTNAME), ("kernel", names::RELEASE)] {
        heading.extend(text(name).as_ref().map(Text::escaped).map(|text| format!("{what}: {text}")));
    }
    for question in [Question::Vantage, Question::Clock] {
        let name = question.to_string();
        let line = first(question).map(|answer| Text::from(answer.trim_ascii()).escaped());
        heading.extend(line.map(|line| format!("{name}: {line}")));
    }
    heading
}

/// An answer with nothing in it but what is read: of sockets and connections no peer, and no connections at all.
pub fn kept(question: &Question, answer: &[u8]) -> Vec<u8> {
    match question {
        Question::Sysctl(names::TCP | names::UDP | names::RAW)
        | Question::Sockets(_)
        | Question::Process(_)
        | Question::Mapped(_) => rewritten(&Asked::of(question), answer, &mut Same, None),
        _ => answer.to_vec(),
    }
}
