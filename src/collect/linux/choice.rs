//! The one network namespace that a run looks at, where somebody chose one: by name, by inode, or by a process in it.

use super::kernel::Kernel;
use super::namespaces::Way;
use super::question::Question;
use crate::model::{NetNs, NetNsKind, Text};

/// How many digits of a container's id name it.
const SHORT_ID: usize = 12;

/// What was chosen.
pub struct Choice {
    word: String,
    /// The word as a process id, and the namespace that this process lives in.
    process: Option<(u32, Option<u64>)>,
}

impl Choice {
    /// Looks up what a word may mean.
    pub fn new(kernel: &dyn Kernel<Question>, word: &str) -> Self {
        let pid = word.parse::<u32>().ok().filter(|pid| *pid > 0);
        let lives_in = |pid| {
            let answer = kernel.get(&Question::LivesIn(pid)).ok()?;
            std::str::from_utf8(&answer).ok()?.trim().parse::<u64>().ok()
        };
        Self { word: word.to_owned(), process: pid.map(|pid| (pid, lives_in(pid))) }
    }

    /// How well a namespace fits: the least number best. A name counts before an inode, and that before a process.
    pub fn rank(&self, namespace: &NetNs, ways: &[Way]) -> Option<u8> {
        let Self { word, process } = self;
        let names = |name: &Text| {
            let name = name.escaped();
            let shortened = word.len() >= SHORT_ID && name.len() == 64 && name.starts_with(word);
            name == *word || shortened
        };
        // `/run/netns/blue`, as it is mounted.
        let mounted = ways.iter().any(|way| matches!(way, Way::Mount(path) if path.escaped() == *word));
        let is_host = namespace.kind == NetNsKind::Host && word == NetNsKind::Host.name();
        if namespace.name.as_ref().is_some_and(names) || mounted || is_host {
            return Some(0);
        }
        if namespace.inode.is_some_and(|inode| inode.to_string() == *word) {
            return Some(1);
        }
        let (pid, lives_in) = (*process)?;
        let is_way = ways.contains(&Way::Process(pid));
        (is_way || lives_in.is_some() && lives_in == namespace.inode).then_some(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::capture::Capture;
    use crate::collect::seam::Replay;

    #[test]
    fn a_namespace_is_named_by_its_name_its_inode_or_a_process() {
        let mut capture = Capture::default();
        let name = Question::LivesIn(70).to_string();
        capture.answers.insert(name, vec![Ok(b"4026532001\n".to_vec().into())]);
        let netns = |name: Option<&str>, inode, kind| NetNs {
            inode,
            name: name.map(Text::from),
            kind,
            interfaces: None,
            addresses: None,
        };
        let blue = netns(Some("blue"), Some(4_026_532_001), NetNsKind::Other);
        let ways = [Way::Mount("/run/netns/blue".into()), Way::Process(812)];
        let id = "1a2b3c4d5e6f".repeat(6)[..64].to_owned();
        let web = netns(Some(&id), None, NetNsKind::Container);
        let host = netns(None, Some(4_026_531_840), NetNsKind::Host);
        let cases = [
            ("blue", Some(0), None, None),
            ("/run/netns/blue", Some(0), None, None),
            ("4026532001", Some(1), None, None),
            ("812", Some(2), None, None),
            ("70", Some(2), None, None),
            ("1a2b3c4d5e6f", None, Some(0), None),
            ("1a2b3c", None, None, None),
            ("host", None, None, Some(0)),
            ("red", None, None, None),
            ("0", None, None, None),
        ];
        for (word, of_blue, of_web, of_host) in cases {
            let choice = Choice::new(&Replay::new(&capture), word);
            let got = (choice.rank(&blue, &ways), choice.rank(&web, &[]), choice.rank(&host, &[]));
            assert_eq!(got, (of_blue, of_web, of_host), "{word}");
        }
    }
}
