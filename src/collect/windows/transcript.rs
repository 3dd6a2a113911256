//! What of Windows' answers is written down, and what is said of them at the head of a capture.

use super::question::Question;
use super::rows;
use crate::collect::capture::Capture;

/// What host a capture is of, and from where it was looked at.
pub fn heading(capture: &Capture) -> Vec<String> {
    let mut heading = Vec::new();
    for question in [Question::Host, Question::Clock, Question::Vantage] {
        let name = question.to_string();
        if let Some(Ok(answer)) = capture.answers.get(&name).and_then(|answers| answers.first()) {
            let words = String::from_utf8_lossy(answer);
            let lines: Vec<&str> = words.lines().filter(|line| !line.starts_with("privilege ")).collect();
            heading.push(format!("{name}: {}", lines.join(", ")));
        }
    }
    heading
}

/// An answer without what is not ours to keep: who is at the other end of connections.
#[cfg_attr(not(any(target_os = "windows", test)), expect(dead_code, reason = "only a live host is written down"))]
pub fn kept(question: &Question, answer: &[u8]) -> Vec<u8> {
    match question {
        Question::Table(table) => rows::kept(*table, answer),
        _ => answer.to_vec(),
    }
}
