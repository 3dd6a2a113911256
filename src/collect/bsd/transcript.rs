//! What of the answers of both systems is written down, and what is said of them at the head of a capture.

use std::net::IpAddr;

use super::host;
use crate::collect::capture::Capture;
use crate::collect::rename::{Kind, Rename};
use crate::model::Text;

/// Gives each name itself: what is rewritten with it has nothing in it but what is read.
pub struct Same;

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

/// What host a capture is of, and from where it was looked at; both systems name these questions alike.
pub fn heading(capture: &Capture) -> Vec<String> {
    let first = |question: &str| capture.answers.get(question)?.first()?.as_ref().ok().cloned();
    let mut heading = Vec::new();
    for (what, question) in [("hostname", "sysctl kern.hostname"), ("kernel", "sysctl kern.osrelease")] {
        let text = first(question).and_then(|answer| host::text(&answer));
        heading.extend(text.map(|text| format!("{what}: {}", text.escaped())));
    }
    for question in ["vantage", "clock"] {
        let line = first(question).map(|answer| Text::from(answer.trim_ascii()).escaped());
        heading.extend(line.map(|line| format!("{question}: {line}")));
    }
    heading
}
