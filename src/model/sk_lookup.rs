//! A BPF program that chooses which socket answers.

use super::Text;

/// A program of the kind `sk_lookup`, attached to a network namespace: it hands packets for any TCP or UDP port to any
/// socket, so a port may answer that no socket is bound to. Which ports it takes, it keeps to itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SkLookup {
    /// Index into [`Snapshot::namespaces`](super::Snapshot::namespaces).
    pub netns: usize,
    /// The id of the link that attaches it.
    pub link: u32,
    /// The id of the program.
    pub program: u32,
    /// What whoever loaded it called it; empty where it has no name.
    pub name: Text,
    /// The hash of its instructions, 16 hexadecimal digits; `None` where the program itself could not be asked.
    pub tag: Option<String>,
    /// Who loaded it; `None` as for the tag.
    pub uid: Option<u32>,
}
