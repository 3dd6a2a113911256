//! The form of a state on disk: JSON, `earmark.state/1`. It is read strictly, since whatever it says decides what is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{LONGEST, MOST_ENTRIES, SeenFinding, SeenLack, SeenListener, Sight, State};
use crate::finding::Severity;
use crate::model::{NetNsKind, Timestamp, Transport};

/// The name of the form.
const SCHEMA: &str = "earmark.state/1";

/// No state is larger, in bytes: [`MOST_ENTRIES`] of both kinds, with their longest texts, are smaller.
pub const LARGEST: usize = 1 << 27;

/// Why bytes are no state. It says where and never what stands there: the file may be somebody else's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is too large.
    #[error("it is larger than {} MiB", LARGEST >> 20)]
    TooLarge,
    /// It ends early or is no JSON.
    #[error("line {line}, column {column}: it is no JSON, or ends there")]
    Syntax {
        /// From 1.
        line: usize,
        /// In bytes, from 1.
        column: usize,
    },
    /// It is JSON of another form.
    #[error("line {line}, column {column}: a state has no such key there, or another type")]
    Form {
        /// From 1.
        line: usize,
        /// In bytes, from 1.
        column: usize,
    },
    /// It has the form of another version.
    #[error("schema: it is not `{SCHEMA}`")]
    Schema,
    /// A value is out of its range.
    #[error("{0}: no state has such a value")]
    Value(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    schema: String,
    epoch: String,
    host: Option<String>,
    version: String,
    taken_at: String,
    sight: SightForm,
    // Earlier versions have none.
    #[serde(default)]
    lacks: Vec<LackForm>,
    left_out: u64,
    listeners: Vec<ListenerForm>,
    findings: Vec<FindingForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SightForm {
    uid: Option<u32>,
    caps: Option<Vec<String>>,
    pid_ns: Option<String>,
    user_ns: Option<String>,
    hidepid: Option<String>,
    complete: bool,
    owners: bool,
    namespaces: bool,
    tables: Vec<TableForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableForm {
    netns: String,
    transport: String,
    whole: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LackForm {
    what: String,
    missing: bool,
    told: bool,
    last_told: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListenerForm {
    fingerprint: String,
    endpoint: String,
    transport: String,
    netns: String,
    exe: Option<String>,
    attributed: bool,
    passing: bool,
    first_seen: String,
    last_seen: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FindingForm {
    fingerprint: String,
    rule: String,
    severity: String,
    endpoint: Option<String>,
    listener: Option<String>,
    first_seen: String,
    last_told: String,
}

impl State {
    /// The state as one line of JSON.
    pub fn encode(&self) -> Vec<u8> {
        // Maps of strings, numbers and strings of ours: nothing that JSON could refuse.
        let mut out = serde_json::to_vec(&Form::of(self)).unwrap_or_default();
        out.push(b'\n');
        out
    }

    /// Reads a state. Bytes that [`Self::encode`] did not write are an error, but for white space.
    pub fn decode(bytes: &[u8]) -> Result<Self, Problem> {
        if bytes.len() > LARGEST {
            return Err(Problem::TooLarge);
        }
        // Of another version it may have other keys, which would be said to be wrong.
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let head: Head = serde_json::from_slice(bytes).map_err(problem)?;
        if head.schema != SCHEMA {
            return Err(Problem::Schema);
        }
        serde_json::from_slice::<Form>(bytes).map_err(problem)?.state()
    }
}

/// What serde says, without what it quotes.
fn problem(error: serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Data => Problem::Form { line, column },
        _ => Problem::Syntax { line, column },
    }
}

impl Form {
    fn of(state: &State) -> Self {
        let sight = &state.sight;
        let table = |(&(netns, transport), &whole): (&(NetNsKind, Transport), &bool)| TableForm {
            netns: netns.name().to_owned(),
            transport: transport.name().to_owned(),
            whole,
        };
        Self {
            schema: SCHEMA.to_owned(),
            epoch: state.epoch.clone(),
            host: state.host.clone(),
            version: state.version.clone(),
            taken_at: state.taken_at.to_string(),
            sight: SightForm {
                uid: sight.uid,
                caps: sight.caps.clone(),
                pid_ns: sight.pid_ns.clone(),
                user_ns: sight.user_ns.clone(),
                hidepid: sight.hidepid.clone(),
                complete: sight.complete,
                owners: sight.owners,
                namespaces: sight.namespaces,
                tables: sight.tables.iter().map(table).collect(),
            },
            lacks: state.lacks.iter().map(|(what, lack)| LackForm::of(what, lack)).collect(),
            left_out: state.left_out,
            listeners: state.listeners.iter().map(|(key, listener)| ListenerForm::of(key, listener)).collect(),
            findings: state.findings.iter().map(|(key, finding)| FindingForm::of(key, finding)).collect(),
        }
    }

    fn state(self) -> Result<State, Problem> {
        if self.listeners.len() > MOST_ENTRIES || self.findings.len() > MOST_ENTRIES {
            return Err(Problem::TooLarge);
        }
        let listeners = self.listeners.into_iter().enumerate();
        let listeners = listeners.map(|(at, form)| form.listener(&|key| format!("listeners[{at}].{key}")));
        let findings = self.findings.into_iter().enumerate();
        let findings = findings.map(|(at, form)| form.finding(&|key| format!("findings[{at}].{key}")));
        Ok(State {
            epoch: check(self.epoch, |epoch| is_hex(epoch, 32), || "epoch".to_owned())?,
            host: self.host.map(|host| check(host, |host| is_hex(host, 32), || "host".to_owned())).transpose()?,
            version: check(self.version, is_short, || "version".to_owned())?,
            taken_at: time(&self.taken_at, || "taken_at".to_owned())?,
            sight: self.sight.sight()?,
            lacks: lacks(self.lacks)?,
            left_out: self.left_out,
            listeners: once(listeners, "listeners")?,
            findings: once(findings, "findings")?,
        })
    }
}

impl SightForm {
    fn sight(self) -> Result<Sight, Problem> {
        let word = |text: Option<String>, key: &str| {
            text.map(|text| check(text, is_word, || format!("sight.{key}"))).transpose()
        };
        let caps = self.caps.map(|caps| {
            let caps = caps.into_iter().enumerate();
            caps.map(|(at, cap)| check(cap, is_word, || format!("sight.caps[{at}]"))).collect()
        });
        let mut tables = BTreeMap::new();
        for (at, table) in self.tables.into_iter().enumerate() {
            let wrong = || Problem::Value(format!("sight.tables[{at}]"));
            let netns = netns(&table.netns).ok_or_else(wrong)?;
            let transport = Transport::from_name(&table.transport).ok_or_else(wrong)?;
            if tables.insert((netns, transport), table.whole).is_some() {
                return Err(wrong());
            }
        }
        Ok(Sight {
            uid: self.uid,
            caps: caps.transpose()?,
            pid_ns: word(self.pid_ns, "pid_ns")?,
            user_ns: word(self.user_ns, "user_ns")?,
            hidepid: word(self.hidepid, "hidepid")?,
            complete: self.complete,
            owners: self.owners,
            namespaces: self.namespaces,
            tables,
        })
    }
}

/// No run lacks more things than these: each has a name of ours.
const MOST_LACKS: usize = 1024;

fn lacks(forms: Vec<LackForm>) -> Result<BTreeMap<String, SeenLack>, Problem> {
    if forms.len() > MOST_LACKS {
        return Err(Problem::TooLarge);
    }
    let mut all = BTreeMap::new();
    for (at, LackForm { what, missing, told, last_told }) in forms.into_iter().enumerate() {
        let what = check(what, is_short, || format!("lacks[{at}].what"))?;
        let last_told = time(&last_told, || format!("lacks[{at}].last_told"))?;
        if all.insert(what, SeenLack { missing, told, last_told }).is_some() {
            return Err(Problem::Value(format!("lacks[{at}].what")));
        }
    }
    Ok(all)
}

impl LackForm {
    fn of(what: &str, lack: &SeenLack) -> Self {
        let SeenLack { missing, told, last_told } = *lack;
        Self { what: what.to_owned(), missing, told, last_told: last_told.to_string() }
    }
}

impl ListenerForm {
    fn of(fingerprint: &str, listener: &SeenListener) -> Self {
        Self {
            fingerprint: fingerprint.to_owned(),
            endpoint: listener.endpoint.clone(),
            transport: listener.transport.name().to_owned(),
            netns: listener.netns.name().to_owned(),
            exe: listener.exe.clone(),
            attributed: listener.attributed,
            passing: listener.passing,
            first_seen: listener.first_seen.to_string(),
            last_seen: listener.last_seen.to_string(),
        }
    }

    fn listener(self, key: &dyn Fn(&str) -> String) -> Result<(String, SeenListener), Problem> {
        let wrong = |name: &str| Problem::Value(key(name));
        let listener = SeenListener {
            endpoint: check(self.endpoint, is_short, || key("endpoint"))?,
            transport: Transport::from_name(&self.transport).ok_or_else(|| wrong("transport"))?,
            netns: netns(&self.netns).ok_or_else(|| wrong("netns"))?,
            exe: self.exe.map(|exe| check(exe, is_short, || key("exe"))).transpose()?,
            attributed: self.attributed,
            passing: self.passing,
            first_seen: time(&self.first_seen, || key("first_seen"))?,
            last_seen: time(&self.last_seen, || key("last_seen"))?,
        };
        Ok((check(self.fingerprint, is_fingerprint, || key("fingerprint"))?, listener))
    }
}

impl FindingForm {
    fn of(fingerprint: &str, finding: &SeenFinding) -> Self {
        Self {
            fingerprint: fingerprint.to_owned(),
            rule: finding.rule.clone(),
            severity: finding.severity.name().to_owned(),
            endpoint: finding.endpoint.clone(),
            listener: finding.listener.clone(),
            first_seen: finding.first_seen.to_string(),
            last_told: finding.last_told.to_string(),
        }
    }

    fn finding(self, key: &dyn Fn(&str) -> String) -> Result<(String, SeenFinding), Problem> {
        let finding = SeenFinding {
            rule: check(self.rule, is_word, || key("rule"))?,
            severity: Severity::from_name(&self.severity).ok_or_else(|| Problem::Value(key("severity")))?,
            endpoint: self.endpoint.map(|endpoint| check(endpoint, is_short, || key("endpoint"))).transpose()?,
            listener: self.listener.map(|text| check(text, is_fingerprint, || key("listener"))).transpose()?,
            first_seen: time(&self.first_seen, || key("first_seen"))?,
            last_told: time(&self.last_told, || key("last_told"))?,
        };
        Ok((check(self.fingerprint, is_fingerprint, || key("fingerprint"))?, finding))
    }
}

/// Entries by fingerprint, each once.
fn once<V>(
    entries: impl Iterator<Item = Result<(String, V), Problem>>,
    list: &str,
) -> Result<BTreeMap<String, V>, Problem> {
    let mut all = BTreeMap::new();
    for (at, entry) in entries.enumerate() {
        let (fingerprint, entry) = entry?;
        if all.insert(fingerprint, entry).is_some() {
            return Err(Problem::Value(format!("{list}[{at}].fingerprint")));
        }
    }
    Ok(all)
}

fn check(text: String, is_valid: impl Fn(&str) -> bool, key: impl Fn() -> String) -> Result<String, Problem> {
    if is_valid(&text) { Ok(text) } else { Err(Problem::Value(key())) }
}

fn time(text: &str, key: impl Fn() -> String) -> Result<Timestamp, Problem> {
    Timestamp::parse(text).ok_or_else(|| Problem::Value(key()))
}

fn netns(name: &str) -> Option<NetNsKind> {
    [NetNsKind::Host, NetNsKind::Container, NetNsKind::Other].into_iter().find(|kind| kind.name() == name)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("v1:").is_some_and(|digits| is_hex(digits, 32))
}

/// Text that was escaped: no control character is left in it.
fn is_short(text: &str) -> bool {
    text.len() <= LONGEST && !text.chars().any(char::is_control)
}

/// The name of a rule, a capability, a kind.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}
