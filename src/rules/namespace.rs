//! What a rule may look at of a network namespace as a whole.

use super::Exposure;
use crate::model::{NetNs, SkLookup};

/// Everything that a rule may look at about one network namespace.
#[derive(Debug)]
pub struct Place<'a> {
    /// The namespace.
    pub netns: &'a NetNs,
    /// The BPF programs that choose which of its sockets answer.
    pub sk_lookups: &'a [&'a SkLookup],
}

impl Place<'_> {
    /// How far away a sender may be: on this host, where no device but a loopback device is known to be up.
    pub fn reach(&self) -> Exposure {
        let outward = |interfaces: &Vec<crate::model::Interface>| interfaces.iter().any(|one| one.up && !one.loopback);
        if self.netns.interfaces.as_ref().is_none_or(outward) { Exposure::Public } else { Exposure::Loopback }
    }
}
