//! What of macOS's answers is written down.

use super::question::{Question, names};
use super::rename::{Asked, rewritten};
use crate::collect::bsd::transcript::Same;

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
