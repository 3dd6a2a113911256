//! Which entries may be about a socket: by transport and port, so that thousands of listeners are held against thousands
//! of expectations in the time of a few looks each.

use std::collections::HashMap;

use super::{Candidate, Policy, Selector};
use crate::model::Transport;

/// A range of more ports than this is kept apart, and looked at for each socket of its transport.
pub(super) const WIDE: usize = 64;

/// The entries of a policy by transport and port.
#[derive(Debug, Default)]
pub(super) struct Index {
    expects: ByPlace,
    forbids: ByPlace,
    /// Some entry names a device by its addresses.
    pub(super) asks_for_addresses: bool,
}

#[derive(Debug, Default)]
struct ByPlace {
    /// In the order of the policy.
    narrow: HashMap<(Transport, u16), Vec<usize>>,
    wide: HashMap<Transport, Vec<usize>>,
}

impl Index {
    pub(super) fn new(policy: &Policy) -> Self {
        Self {
            expects: ByPlace::new(policy.expects.iter().map(|one| &one.selector)),
            forbids: ByPlace::new(policy.forbids.iter().map(|one| &one.selector)),
            asks_for_addresses: policy.selectors().any(Selector::asks_for_addresses),
        }
    }

    /// The expectations that may be about a socket, in the order of the policy.
    pub(super) fn expects(&self, candidate: &Candidate<'_>) -> Vec<usize> {
        self.expects.of(candidate)
    }

    /// The prohibitions that may be about a socket, in the order of the policy.
    pub(super) fn forbids(&self, candidate: &Candidate<'_>) -> Vec<usize> {
        self.forbids.of(candidate)
    }
}

impl ByPlace {
    fn new<'a>(selectors: impl Iterator<Item = &'a Selector>) -> Self {
        let mut all = Self::default();
        for (at, selector) in selectors.enumerate() {
            let transports = if selector.transports.is_empty() { &Transport::ALL[..] } else { &selector.transports };
            let ports: usize = selector.ports.iter().map(|(first, last)| usize::from(last - first) + 1).sum();
            for transport in transports {
                if selector.ports.is_empty() || ports > WIDE {
                    push(all.wide.entry(*transport).or_default(), at);
                    continue;
                }
                for port in selector.ports.iter().flat_map(|(first, last)| *first..=*last) {
                    push(all.narrow.entry((*transport, port)).or_default(), at);
                }
            }
        }
        all
    }

    fn of(&self, candidate: &Candidate<'_>) -> Vec<usize> {
        let transport = candidate.socket.transport;
        let narrow = candidate.port().and_then(|port| self.narrow.get(&(transport, port)));
        let wide = self.wide.get(&transport);
        let mut all: Vec<usize> = narrow.into_iter().chain(wide).flatten().copied().collect();
        all.sort_unstable();
        all
    }
}

/// The same port may stand twice in one entry.
fn push(list: &mut Vec<usize>, at: usize) {
    if list.last() != Some(&at) {
        list.push(at);
    }
}
