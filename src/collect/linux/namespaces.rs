//! The network namespaces of a host: of processes, bound to a path, held by a descriptor.

use std::collections::BTreeMap;

use super::kernel::Kernel;
use super::question::Question;
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
}

/// A namespace that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The ways into it, the surest first: a mount outlives a process, a process its descriptors.
    pub ways: Vec<Way>,
}

/// The namespaces besides our own, by inode, and how many processes would not say theirs.
pub fn find(kernel: &dyn Kernel) -> (BTreeMap<u64, Found>, u64) {
    let answer = kernel.get(&Question::Namespaces).unwrap_or_default();
    decode(&answer)
}

/// Reads an answer to `Question::Namespaces`.
fn decode(answer: &[u8]) -> (BTreeMap<u64, Found>, u64) {
    let mut found: BTreeMap<u64, Found> = BTreeMap::new();
    let mut closed = 0;
    for line in std::str::from_utf8(answer).unwrap_or_default().lines() {
        let Some((kind, rest)) = line.split_once(' ') else { continue };
        if kind == "closed" {
            closed = rest.parse().unwrap_or(0);
            continue;
        }
        let Some((inode, rest)) = rest.split_once(' ') else { continue };
        let Ok(inode) = inode.parse() else { continue };
        let way = match kind {
            "mount" => Text::unescape(rest).map(Way::Mount),
            "process" => rest.parse().ok().map(Way::Process),
            "descriptor" => rest
                .split_once(' ')
                .and_then(|(pid, fd)| Some(Way::Descriptor(pid.parse().ok()?, fd.parse().ok()?))),
            _ => None,
        };
        if let Some(way) = way {
            found.entry(inode).or_insert_with(|| Found { ways: Vec::new() }).ways.push(way);
        }
    }
    found.values_mut().for_each(|found| found.ways.sort());
    (found, closed)
}

/// The name that people gave a namespace: the last component of the path that it is mounted on.
pub fn name(found: &Found) -> Option<Text> {
    found.ways.iter().find_map(|way| match way {
        Way::Mount(path) => Some(Text::from(path.base_name())),
        Way::Process(_) | Way::Descriptor(..) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_way_is_kept_and_the_surest_comes_first() {
        let answer = b"process 4026532001 812\nmount 4026532001 /run/netns/blue\\u{a}\ndescriptor 4026532002 9 4\nclosed 3\nmount x /y\nnonsense\n";
        let (found, closed) = decode(answer);
        assert_eq!(closed, 3);
        assert_eq!(found.len(), 2);
        let blue = &found[&4026532001];
        assert_eq!(blue.ways, [Way::Mount(Text::from("/run/netns/blue\n")), Way::Process(812)]);
        assert_eq!(name(blue), Some(Text::from("blue\n")));
        assert_eq!(found[&4026532002].ways, [Way::Descriptor(9, 4)]);
        assert_eq!(name(&found[&4026532002]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode(&bytes);
        }
    }
}
