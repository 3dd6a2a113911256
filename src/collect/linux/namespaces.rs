//! The network namespaces of a host: of processes, bound to a path, held by a descriptor.

use std::collections::BTreeMap;

use super::kernel::{Kernel, Refusal};
use super::question::{Ns, Question};
use crate::model::Text;

/// A way into a namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// A file that it is mounted on, as `ip netns add` and container runtimes do.
    Mount(Text),
    /// A process that lives in it: the lowest pid.
    Process(u32),
    /// A descriptor of a process that lives elsewhere.
    Descriptor(u32, u32),
    /// The kernel's own list: its id in it.
    Listed(u64),
}

/// The ways into each namespace, the surest first: a mount outlives a process, a process its descriptors.
pub type Ways = BTreeMap<Ns, Vec<Way>>;

/// The namespaces besides our own, and how many processes told nothing of theirs.
pub fn find(kernel: &dyn Kernel<Question>, own: Option<u64>) -> Result<(Ways, u64), Refusal> {
    let answer = kernel.get(&Question::Namespaces)?;
    let (mut ways, closed) = decode(&answer);
    if let Some(own) = own {
        ways.remove(&Ns::Inode(own));
    }
    Ok((ways, closed))
}

/// Reads an answer to `Question::Namespaces`.
pub fn decode(answer: &[u8]) -> (Ways, u64) {
    let mut ways = Ways::new();
    let mut closed = 0;
    for line in std::str::from_utf8(answer).unwrap_or_default().lines() {
        let Some((kind, rest)) = line.split_once(' ') else { continue };
        if kind == "closed" {
            closed = rest.parse().unwrap_or(0);
            continue;
        }
        let Some((inode, rest)) = rest.split_once(' ') else { continue };
        let Ok(inode) = inode.parse() else { continue };
        let (ns, way) = match kind {
            "mount" => (Ns::Inode(inode), Text::unescape(rest).map(Way::Mount)),
            "process" => (Ns::Inode(inode), rest.parse().ok().map(Way::Process)),
            "listed" => (Ns::Inode(inode), rest.parse().ok().map(Way::Listed)),
            "unnamed" => (Ns::File(inode), rest.parse().ok().map(Way::Process)),
            _ => continue,
        };
        if let Some(way) = way {
            ways.entry(ns).or_default().push(way);
        }
    }
    ways.values_mut().for_each(|ways| ways.sort());
    (ways, closed)
}

/// The name that people gave a namespace: the last component of the path that it is mounted on.
pub fn name(ways: &[Way]) -> Option<Text> {
    ways.iter().find_map(|way| match way {
        Way::Mount(path) => Some(Text::from(path.base_name())),
        Way::Process(_) | Way::Descriptor(..) | Way::Listed(_) => None,
    })
}

/// Asks within a namespace what belongs to one.
pub struct Within<'a> {
    /// The kernel.
    pub kernel: &'a dyn Kernel<Question>,
    /// The namespace; `None` for our own.
    pub ns: Option<Ns>,
}

impl Kernel<Question> for Within<'_> {
    fn ask(&self, question: &Question, answer: &mut Vec<u8>) -> Result<(), Refusal> {
        let belongs = matches!(
            question,
            Question::Links
                | Question::Addresses
                | Question::NsId(_)
                | Question::Protocols
                | Question::Diag(_)
                | Question::ProcNet(_)
                | Question::Wireguard(_)
                | Question::L2tp
                | Question::Fou
        );
        match self.ns {
            Some(ns) if belongs => self.kernel.ask(&Question::In(ns, Box::new(question.clone())), answer),
            _ => self.kernel.ask(question, answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_way_is_kept_and_the_surest_comes_first() {
        let answer = b"process 4026532001 812\nmount 4026532001 /run/netns/blue\\u{a}\nunnamed 77 9\nclosed 3\nmount x /y\nnonsense\n";
        let (ways, closed) = decode(answer);
        assert_eq!(closed, 3);
        assert_eq!(ways.len(), 2);
        let blue = &ways[&Ns::Inode(4026532001)];
        assert_eq!(blue[..], [Way::Mount(Text::from("/run/netns/blue\n")), Way::Process(812)]);
        assert_eq!(name(blue), Some(Text::from("blue\n")));
        assert_eq!(ways[&Ns::File(77)], [Way::Process(9)]);
        assert_eq!(name(&ways[&Ns::File(77)]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode(&bytes);
        }
    }
}
