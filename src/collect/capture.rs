//! A transcript of a system's answers: at once the test fixture, the bug report and the offline mode.
//!
//! A text file. Its first line names the format and the platform, lines that begin with `#` are for eyes. Each question
//! is a line `? QUESTION`, or `?2 QUESTION` and so on where it was asked again, since a second answer may differ. The
//! answer follows: `| TEXT` for each line of a text (escaped as everywhere, `\` at its end where the text has no newline there),
//! `~ HEX` for other bytes, `! NUMBER` for an error number, `= N` where it is that of the Nth time, or nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::model::Text;

/// The first word of a capture.
pub const MAGIC: &str = "earmark-capture/1";

/// Bytes of an answer on one line.
const HEX_LINE: usize = 64;

/// An answer: bytes, or the error number that refused it. Shared, so that a capture takes no more room than its text:
/// a line may stand for as large an answer as it likes.
pub type Answer = Result<Arc<Vec<u8>>, i32>;

/// Every question that was asked, and its answers in the order in which they came.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Capture {
    /// The operating system that answered.
    pub platform: String,
    /// For eyes: what the system is and from where it was looked at.
    pub heading: Vec<String>,
    /// The answers to each question.
    pub answers: BTreeMap<String, Vec<Answer>>,
}

/// What is wrong with a capture, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, without the line's content.
    pub problem: &'static str,
}

impl Capture {
    /// The capture as text; questions in their order.
    pub fn to_text(&self) -> String {
        let mut text = format!("{MAGIC} {}\n", self.platform);
        for line in &self.heading {
            let _ = writeln!(text, "# {line}");
        }
        for (question, answers) in &self.answers {
            for (time, answer) in answers.iter().enumerate() {
                let _ = match time {
                    0 => writeln!(text, "? {question}"),
                    _ => writeln!(text, "?{} {question}", time + 1),
                };
                match (answers[..time].iter().position(|earlier| earlier == answer), answer) {
                    (Some(earlier), _) => {
                        let _ = writeln!(text, "= {}", earlier + 1);
                    }
                    (None, Ok(bytes)) if is_text(bytes) => write_text(&mut text, bytes),
                    (None, Ok(bytes)) => write_hex(&mut text, bytes),
                    (None, Err(errno)) => {
                        let _ = writeln!(text, "! {errno}");
                    }
                }
            }
        }
        text
    }

    /// Reads a capture.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            Malformed { line, problem: "it is not UTF-8" }
        })?;
        let mut lines = text.split('\n').enumerate().map(|(at, line)| (at + 1, line));
        let first = lines.next().and_then(|(_, line)| line.strip_prefix(MAGIC)?.strip_prefix(' '));
        let foreign = match text.starts_with("earmark-capture/") {
            true => "it is a capture in a format that this version does not know",
            false => "it does not begin as a capture does",
        };
        let platform = first.ok_or(Malformed { line: 1, problem: foreign })?.to_owned();
        let mut capture = Self { platform, ..Self::default() };
        let mut current: Option<&mut Vec<Answer>> = None;
        for (line, content) in lines {
            let malformed = |problem| Malformed { line, problem };
            let (mark, rest) = match content.split_once(' ') {
                Some(split) => split,
                None if content.is_empty() => continue,
                None => return Err(malformed("it is neither a question nor an answer")),
            };
            match mark {
                "#" => capture.heading.push(rest.to_owned()),
                _ if mark.starts_with('?') => {
                    let answers = capture.answers.entry(rest.to_owned()).or_default();
                    let time = if mark == "?" { Some(1) } else { mark[1..].parse().ok() };
                    if time != Some(answers.len() + 1) {
                        return Err(malformed("this question is not counted from where it was asked before"));
                    }
                    answers.push(Ok(Arc::default()));
                    current = Some(answers);
                }
                _ => {
                    let answers = current.take().ok_or(malformed("an answer stands without a question"))?;
                    let Some((last, earlier)) = answers.split_last_mut() else { continue };
                    match (mark, last) {
                        ("|", Ok(bytes)) => {
                            read_text(rest, Arc::make_mut(bytes)).ok_or(malformed("a text is not escaped"))?;
                            current = Some(answers);
                        }
                        ("~", Ok(bytes)) => {
                            read_hex(rest, Arc::make_mut(bytes)).ok_or(malformed("bytes are not hexadecimal"))?;
                            current = Some(answers);
                        }
                        // These two are whole in one line, and nothing may follow.
                        ("!", last) => *last = Err(rest.parse().map_err(|_| malformed("an error is no number"))?),
                        ("=", last) => {
                            let of = rest.parse::<usize>().ok().and_then(|of| earlier.get(of.checked_sub(1)?));
                            *last = of.cloned().ok_or(malformed("there is no such earlier answer"))?;
                        }
                        _ => return Err(malformed("it is neither a question nor an answer")),
                    }
                }
            }
        }
        Ok(capture)
    }
}

/// True where most people could read it: no NUL bytes but those between arguments.
fn is_text(bytes: &[u8]) -> bool {
    let control = bytes.iter().filter(|byte| **byte < b' ' && !matches!(byte, b'\n' | b'\t')).count();
    control * 8 <= bytes.len()
}

fn write_text(text: &mut String, bytes: &[u8]) {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (line, end) = match line.strip_suffix(b"\n") {
            Some(line) => (line, ""),
            None => (line, "\\"),
        };
        let _ = writeln!(text, "| {}{end}", Text::from(line).escaped());
    }
}

fn read_text(line: &str, bytes: &mut Vec<u8>) -> Option<()> {
    // An escaped backslash comes in pairs: an odd number of them at the end is the mark of a missing newline.
    let slashes = line.len() - line.trim_end_matches('\\').len();
    let (line, newline) = match slashes % 2 {
        1 => (&line[..line.len() - 1], false),
        _ => (line, true),
    };
    bytes.extend_from_slice(Text::unescape(line)?.as_bytes());
    if newline {
        bytes.push(b'\n');
    }
    Some(())
}

fn write_hex(text: &mut String, bytes: &[u8]) {
    for line in bytes.chunks(HEX_LINE) {
        text.push_str("~ ");
        line.iter().for_each(|byte| {
            let _ = write!(text, "{byte:02x}");
        });
        text.push('\n');
    }
}

fn read_hex(line: &str, bytes: &mut Vec<u8>) -> Option<()> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    if !line.len().is_multiple_of(2) {
        return None;
    }
    for pair in line.as_bytes().chunks(2) {
        bytes.push(digit(pair[0])? << 4 | digit(pair[1])?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn capture_of(answers: Vec<(&str, Vec<Answer>)>) -> Capture {
        let answers = answers.into_iter().map(|(question, answers)| (question.to_owned(), answers)).collect();
        Capture { platform: "linux".into(), heading: vec!["kernel 6.18".into()], answers }
    }

    fn answer(bytes: &[u8]) -> Answer {
        Ok(Arc::new(bytes.to_vec()))
    }

    #[test]
    fn it_is_a_text_that_people_can_read() {
        let capture = capture_of(vec![
            ("stat 12", vec![answer(b"12 (a b\x1b) S 1\n"), answer(b"12 (c\\"), answer(b"12 (a b\x1b) S 1\n")]),
            ("exe 12", vec![Err(13)]),
            ("pids", vec![answer(b"")]),
            ("diag tcp", vec![answer(&[0, 1, 255])]),
        ]);
        let text = capture.to_text();
        assert_eq!(
            text,
            "earmark-capture/1 linux\n# kernel 6.18\n? diag tcp\n~ 0001ff\n? exe 12\n! 13\n? pids\n? stat 12\n\
             | 12 (a b\\u{1b}) S 1\n?2 stat 12\n| 12 (c\\\\\\\n?3 stat 12\n= 1\n"
        );
        assert_eq!(Capture::parse(text.as_bytes()), Ok(capture));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let cases: [(&[u8], usize, &str); 10] = [
            (b"", 1, "it does not begin as a capture does"),
            (b"root:x:0:0\n", 1, "it does not begin as a capture does"),
            (b"earmark-capture/1 linux\n| a\n", 2, "an answer stands without a question"),
            (b"earmark-capture/1 linux\n? a\n! 1\n| a\n", 4, "an answer stands without a question"),
            (b"earmark-capture/1 linux\n? a\n| a\n?2 a\n= 1\n| a\n", 6, "an answer stands without a question"),
            (b"earmark-capture/1 linux\n? a\n~ 0g\n", 3, "bytes are not hexadecimal"),
            (b"earmark-capture/1 linux\n? a\n| \\q\n", 3, "a text is not escaped"),
            (b"earmark-capture/1 linux\n? a\n? a\n", 3, "this question is not counted from where it was asked before"),
            (b"earmark-capture/1 linux\n? a\n= 1\n", 3, "there is no such earlier answer"),
            (b"earmark-capture/1 linux\n? a\n| \xff\n", 3, "it is not UTF-8"),
        ];
        for (bytes, line, problem) in cases {
            assert_eq!(Capture::parse(bytes), Err(Malformed { line, problem }));
        }
    }

    #[test]
    fn a_short_line_cannot_stand_for_much_room() {
        // 1 MB, said a thousand times in 9 kB.
        let mut text = format!("earmark-capture/1 linux\n? a\n| {}\n", "a".repeat(1 << 20));
        (2..1000).for_each(|time| text += &format!("?{time} a\n= {}\n", time - 1));
        let capture = Capture::parse(text.as_bytes()).expect("a capture");
        let answers: Vec<_> = capture.answers["a"].iter().flatten().collect();
        assert!(answers.iter().all(|answer| Arc::ptr_eq(answer, answers[0])));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            first in proptest::collection::vec(any::<u8>(), 0..200),
            second in proptest::collection::vec(any::<u8>(), 0..20),
            errno in 1i32..200,
        ) {
            let answers = vec![answer(&first), answer(&second), Err(errno), answer(&first), Err(errno)];
            let capture = capture_of(vec![("file /a \\u{a} #b", answers), ("x #3", vec![Err(errno)])]);
            prop_assert_eq!(Capture::parse(capture.to_text().as_bytes()), Ok(capture));
        }

        #[test]
        fn any_bytes_are_parsed_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Capture::parse(&bytes);
            let _ = Capture::parse(&[b"earmark-capture/1 linux\n? a\n", &bytes[..]].concat());
        }
    }
}
