//! What a picture leaves out of a report, and the names that a report takes for its own.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Place, stored};
use crate::finding::Severity;
use crate::model::{Text, Transport};
use crate::report::{Counterpart, EntrySource, Service, Verdict};

/// The keys of a report that a picture has no use for.
#[derive(Deserialize)]
pub(super) struct More {
    // Without it nobody can tell what was left out.
    #[serde(rename = "query", deserialize_with = "stored::present")]
    pub(super) _query: Option<IgnoredAny>,
    #[serde(deserialize_with = "stored::present")]
    pub(super) policy: Option<IgnoredAny>,
    pub(super) host: MoreHost,
    pub(super) coverage: MoreCoverage,
    pub(super) listeners: Vec<MoreListener>,
    pub(super) findings: Vec<WireFinding>,
}

#[derive(Deserialize)]
pub(super) struct MoreHost {
    pub(super) platform: String,
    #[serde(deserialize_with = "stored::text_or_null")]
    pub(super) kernel: Option<Text>,
    #[serde(deserialize_with = "stored::present")]
    pub(super) ephemeral_ports: Option<(u16, u16)>,
}

#[derive(Deserialize)]
pub(super) struct MoreCoverage {
    pub(super) tables: Vec<MoreTable>,
    pub(super) processes: Counts,
    pub(super) gaps: Vec<WireGap>,
}

#[derive(Deserialize)]
pub(super) struct MoreTable {
    pub(super) source: Option<String>,
    pub(super) error: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Counts {
    pub(super) seen: Option<u64>,
    pub(super) no_permission: Option<u64>,
    pub(super) denied_despite_caps: Option<u64>,
    pub(super) vanished: Option<u64>,
    pub(super) hidden_descriptors: Option<u64>,
    pub(super) hidden_processes: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireGap {
    pub(super) what: String,
    pub(super) why: String,
    pub(super) consequence: String,
    pub(super) remedy: String,
    pub(super) usual: bool,
}

#[derive(Deserialize)]
pub(super) struct WireFinding {
    pub(super) rule: String,
    #[serde(deserialize_with = "stored::known")]
    pub(super) severity: Option<Severity>,
    pub(super) subject: String,
    pub(super) listeners: Vec<Option<String>>,
    pub(super) netns: Option<Place>,
    pub(super) message: String,
    pub(super) evidence: Vec<WireEvidence>,
    pub(super) remedy: String,
    pub(super) also: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct WireEvidence {
    pub(super) kind: String,
    pub(super) text: String,
}

/// What a picture leaves out of a listener.
#[derive(Deserialize)]
pub(super) struct MoreListener {
    pub(super) id: Option<String>,
    pub(super) group: Option<String>,
    pub(super) mptcp: bool,
    pub(super) inode: Option<u64>,
    pub(super) cookie: Option<String>,
    #[serde(deserialize_with = "stored::text_or_null")]
    pub(super) cgroup: Option<Text>,
    pub(super) backlog: Option<Queue>,
    pub(super) recv_queue: Option<u32>,
    pub(super) drops: Option<u32>,
    pub(super) owner_count: usize,
    pub(super) owners: Vec<MoreOwner>,
    #[serde(deserialize_with = "stored::text_or_null")]
    pub(super) unit: Option<Text>,
    #[serde(deserialize_with = "stored::text_or_null")]
    pub(super) user_unit: Option<Text>,
    #[serde(deserialize_with = "stored::text_or_null")]
    pub(super) container: Option<Text>,
    pub(super) service: Option<WireService>,
}

#[derive(Deserialize)]
pub(super) struct Queue {
    pub(super) queued: u32,
    pub(super) limit: u32,
}

/// What a picture leaves out of an owner.
#[derive(Deserialize)]
pub(super) struct MoreOwner {
    pub(super) ppid: Option<u32>,
    pub(super) started: Option<String>,
    #[serde(deserialize_with = "stored::present")]
    pub(super) exe_replaced: Option<bool>,
    #[serde(deserialize_with = "stored::text_or_null")]
    pub(super) socket_unit: Option<Text>,
    #[serde(deserialize_with = "stored::text_or_null")]
    pub(super) pod: Option<Text>,
    #[serde(deserialize_with = "stored::text_or_null")]
    pub(super) script: Option<Text>,
    #[serde(deserialize_with = "stored::text_or_null")]
    pub(super) cmdline: Option<Text>,
    pub(super) fd: Option<u32>,
    pub(super) via: String,
}

/// What a port claims to be.
#[derive(Deserialize)]
pub(super) struct WireService {
    name: String,
    title: String,
    source: String,
    iana_name: Option<String>,
    claim: String,
    management: Option<bool>,
    security: Option<String>,
    secure_counterpart: Vec<WireCounterpart>,
    alternatives: Vec<WireAlternative>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireCounterpart {
    Service { transport: String, port: u16, name: String, listening: bool },
    Text { text: String },
}

#[derive(Deserialize)]
struct WireAlternative {
    name: String,
    source: String,
}

impl WireService {
    /// The service as it was told; on failure the key that is at fault.
    pub(super) fn service(self) -> Result<Service, &'static str> {
        let sources = [EntrySource::Iana, EntrySource::Defacto, EntrySource::Vendor, EntrySource::User];
        let source = |name: &str| sources.into_iter().find(|source| source.name() == name).ok_or("service.source");
        let verdicts = [Verdict::Confirmed, Verdict::Contradicted, Verdict::Open];
        let mut counterparts = Vec::new();
        for counterpart in self.secure_counterpart {
            counterparts.push(match counterpart {
                WireCounterpart::Service { transport, port, name, listening } => {
                    let transport = Transport::from_name(&transport).ok_or("service.secure_counterpart")?;
                    Counterpart::Service { transport, port, name: kept(&name), listening }
                }
                WireCounterpart::Text { text } => Counterpart::Text(kept(&text)),
            });
        }
        let alternatives = self.alternatives.iter().map(|one| Ok((kept(&one.name), source(&one.source)?)));
        Ok(Service {
            name: kept(&self.name),
            title: kept(&self.title),
            source: source(&self.source)?,
            iana_name: self.iana_name.as_deref().map(kept),
            claim: verdicts.into_iter().find(|one| one.name() == self.claim).ok_or("service.claim")?,
            management: self.management,
            security: self.security.as_deref().map(kept),
            secure_counterpart: counterparts,
            alternatives: alternatives.collect::<Result<_, &'static str>>()?,
        })
    }
}

/// A name such as earmark gives: a table, a capability, a kind. Names of ours are printed as they are, so nothing else
/// may pose as one.
pub(super) fn word(text: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    Some(text).filter(|text| (1..=64).contains(&text.len()) && text.bytes().all(plain))
}

/// Text for as long as the program runs, each once: a report points at names that a registry or this program has for good,
/// and a stored one brings its own. There are no more of them than the file is long, and the run ends with it.
pub(super) fn kept(text: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut all = KEPT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = all.get(text) {
        return known;
    }
    let new: &'static str = Box::leak(text.into());
    all.insert(new);
    new
}

/// Names of ours, and lists of them.
#[derive(Default)]
pub(super) struct Words {
    lists: BTreeSet<&'static [&'static str]>,
}

impl Words {
    /// The name; `None` where it can be none.
    pub(super) fn word(&self, text: &str) -> Option<&'static str> {
        word(text).map(kept)
    }

    /// The same of text that was escaped.
    pub(super) fn of(&self, text: &Text) -> Option<&'static str> {
        self.word(std::str::from_utf8(text.as_bytes()).ok()?)
    }

    /// A list of names, for as long as the program runs.
    pub(super) fn list(&mut self, names: Vec<&'static str>) -> &'static [&'static str] {
        if let Some(known) = self.lists.get(&names[..]) {
            return known;
        }
        let new: &'static [&'static str] = names.leak();
        self.lists.insert(new);
        new
    }
}
