//! What a rule may look at of a network namespace as a whole.

use super::Exposure;
use crate::model::{NetNs, Process, SkLookup, Text};

/// Everything that a rule may look at about one network namespace.
#[derive(Debug)]
pub struct Place<'a> {
    /// The namespace.
    pub netns: &'a NetNs,
    /// The BPF programs that choose which of its sockets answer.
    pub sk_lookups: &'a [&'a SkLookup],
    /// Who has how many of its listeners, the most first.
    pub crowds: &'a [Crowd],
    /// The processes of the host.
    pub processes: &'a [Process],
}

/// The listeners of one user in one namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crowd {
    /// How many they are.
    pub listeners: usize,
    /// The user that created them.
    pub uid: u32,
}

impl Place<'_> {
    /// The name of a user that some process runs as.
    pub fn user(&self, uid: u32) -> Option<&Text> {
        self.processes.iter().find(|process| process.uid == Some(uid) && process.user.is_some())?.user.as_ref()
    }

    /// How far away a sender may be: on this host, where no device but a loopback device is known to be up.
    pub fn reach(&self) -> Exposure {
        let outward = |interfaces: &Vec<crate::model::Interface>| interfaces.iter().any(|one| one.up && !one.loopback);
        if self.netns.interfaces.as_ref().is_none_or(outward) { Exposure::Public } else { Exposure::Loopback }
    }
}
