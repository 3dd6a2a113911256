//! Captures that are put together, of hosts that nobody has: `ASSEMBLE=1 cargo test --lib assembled` writes them anew.

#![expect(clippy::disallowed_methods, reason = "a test reads and writes captures of the repository")]

use std::path::Path;

use crate::collect::capture::Capture;

/// What stands at the head of such a capture.
const MADE: &str = "assembled from the layouts of the vendor's headers by a test: no such host exists";

/// Adds the answer to a question.
pub fn tell(capture: &mut Capture, question: &impl ToString, answer: impl Into<Vec<u8>>) {
    capture.answers.insert(question.to_string(), vec![Ok(answer.into().into())]);
}

/// Adds the refusal of a question.
pub fn refuse(capture: &mut Capture, question: &impl ToString, errno: i32) {
    capture.answers.insert(question.to_string(), vec![Err(errno)]);
}

/// `DEVICE INODE MODE UID GID` of a file, and of each directory above it, which belong to `uid` below `home`.
pub fn file_lines(path: &str, inode: u64, uid: u32, home: &str) -> String {
    let mut lines = String::new();
    for (at, place) in Path::new(path).ancestors().enumerate() {
        let place = place.to_str().expect("UTF-8");
        let owner = if place.starts_with(home) { uid } else { 0 };
        let (inode, mode) = if at == 0 { (inode, "100755") } else { (900_000 + place.len() as u64, "40755") };
        lines += &format!("16777232 {inode} {mode} {owner} 0\n");
    }
    lines
}

/// Holds a capture of the repository to what is put together.
pub fn assert_is_kept(name: &str, mut capture: Capture, heading: Vec<String>) {
    capture.heading = [vec![MADE.to_owned()], heading].concat();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/captures/{name}.capture"));
    if std::env::var_os("ASSEMBLE").is_some() {
        std::fs::write(&path, capture.to_text()).expect("a capture");
    }
    let kept = std::fs::read_to_string(&path).expect("a capture");
    assert!(kept == capture.to_text(), "{name} is another: `ASSEMBLE=1 cargo test --lib assembled` writes it anew");
}
