//! Small types that several documents share.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::words::printable;
use super::{Context, safe};
use crate::model::{KernelOwner, NetNs};
use crate::report::{self, Counterpart};

/// An object whose keys are fixed by the issue that fills it; null until then.
pub(super) type Later = Map<String, Value>;

/// A network namespace.
#[derive(Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WireNetNs {
    /// Its inode in the nsfs.
    inode: Option<u64>,
    /// What people call it.
    name: Option<String>,
    /// host (the initial one) | container | other
    kind: &'static str,
}

impl WireNetNs {
    pub(super) fn new(context: &Context<'_>, netns: &NetNs) -> Self {
        Self {
            inode: netns.inode.and_then(safe).and_then(|inode| context.volatile(inode)),
            name: netns.name.as_ref().map(crate::model::Text::escaped),
            kind: netns.kind.name(),
        }
    }
}

/// The part of the kernel that serves a socket.
#[derive(Serialize, JsonSchema)]
pub(super) struct WireKernelOwner {
    /// vxlan | geneve | bareudp | amt | gtp | wireguard | l2tp | fou | gue | nfsd
    kind: &'static str,
    /// Its device; null where it has none.
    device: Option<String>,
}

impl WireKernelOwner {
    pub(super) fn new(owner: &KernelOwner) -> Self {
        Self { kind: owner.kind, device: owner.device.as_ref().map(crate::model::Text::escaped) }
    }
}

/// The secure counterpart of a service: a service of its own, or words.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum WireCounterpart {
    /// A service of its own.
    Service {
        /// Its transport.
        transport: &'static str,
        /// Its port.
        port: u16,
        /// Its name.
        name: String,
        /// It is listening here too.
        listening: bool,
    },
    /// Something that is no port.
    Text {
        /// In words.
        text: String,
    },
}

impl WireCounterpart {
    pub(super) fn all(counterparts: &[Counterpart]) -> Vec<Self> {
        let wire = |counterpart: &Counterpart| match *counterpart {
            Counterpart::Service { transport, port, name, listening } => {
                Self::Service { transport: transport.name(), port, name: printable(name).into_owned(), listening }
            }
            Counterpart::Text(text) => Self::Text { text: printable(text).into_owned() },
        };
        counterparts.iter().map(wire).collect()
    }
}

/// Another use of a port.
#[derive(Serialize, JsonSchema)]
pub(super) struct Alternative {
    /// Its name.
    name: String,
    /// iana | defacto | vendor | user
    source: &'static str,
}

impl Alternative {
    pub(super) fn all(alternatives: &[(&'static str, report::EntrySource)]) -> Vec<Self> {
        let wire = |(name, source): &(&str, report::EntrySource)| Self {
            name: printable(name).into_owned(),
            source: source.name(),
        };
        alternatives.iter().map(wire).collect()
    }
}

/// Something that speaks for a finding.
#[derive(Serialize, JsonSchema)]
pub(super) struct WireEvidence {
    /// registry | owner | address | executable | coverage | …
    kind: &'static str,
    /// What was seen.
    text: String,
}

impl WireEvidence {
    pub(super) fn all(evidence: &[crate::finding::Evidence]) -> Vec<Self> {
        evidence.iter().map(|e| Self { kind: e.kind, text: printable(&e.text).into_owned() }).collect()
    }
}
