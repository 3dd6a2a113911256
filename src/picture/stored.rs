//! The picture of a stored report: bytes of `earmark.report/1`, which somebody may have cut, edited or made up.
//!
//! What is not understood is an error that names line, column and key, and never repeats what stands there. Keys that
//! are not known are passed over, and of a list of values that may grow an unknown one is not known.

use std::borrow::Cow;
use std::path::Path;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{Coverage, Host, Listener, Picture, Table, Vantage};
use crate::error::{Error, Exit};
use crate::model::{
    Certainty, ExeState, NetNsKind, OwnerStatus, PackageState, Scope, Severity, State, TableStatus, Text, Transport,
    UnitState,
};
use crate::report::Role;

/// The schema that is read.
const SCHEMA: &str = "earmark.report/1";

/// What every schema of a report begins with.
const ANY_REPORT: &str = "earmark.report/";

/// What to do about a file that is no report.
const MAKE_ONE: &str = "make a report with `earmark --json`, and pass it on unchanged";

/// Why a text is refused: [`Text::escaped`] cannot have written it.
const NOT_ESCAPED: &str = "is not escaped as reports are";

/// What tells a report from other documents.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    schema: Option<Cow<'a, str>>,
}

/// The keys of a report that make a picture.
#[derive(Deserialize)]
struct Document {
    #[serde(deserialize_with = "present")]
    taken_at: Option<String>,
    exit: u8,
    // Reports of earlier builds do not tell.
    #[serde(default, deserialize_with = "texts_or_null")]
    query: Option<Vec<Text>>,
    host: Host,
    vantage: Vantage,
    coverage: WireCoverage,
    listeners: Vec<Listener>,
}

#[derive(Deserialize)]
struct WireCoverage {
    tables: Vec<Table>,
    processes: Processes,
    gaps: Vec<WireGap>,
}

/// Counts are null where the report was made with `--stable`.
#[derive(Deserialize)]
struct Processes {
    #[serde(deserialize_with = "present")]
    no_permission: Option<u64>,
    #[serde(deserialize_with = "present")]
    denied_despite_caps: Option<u64>,
    #[serde(deserialize_with = "present")]
    hidden_descriptors: Option<u64>,
    #[serde(deserialize_with = "present")]
    hidden_processes: Option<String>,
}

#[derive(Deserialize)]
struct WireGap {
    what: String,
}

/// Reads a stored report; `path` is the file it came from, for errors.
pub fn read(bytes: &[u8], path: &Path) -> Result<Picture, Error> {
    let refused = |problem: String, hint| Error::Content { path: path.to_owned(), problem, hint };
    let head: Head<'_> = parse(bytes).map_err(|problem| refused(problem, MAKE_ONE))?;
    match head.schema.as_deref() {
        Some(SCHEMA) => {}
        Some(other) if other.starts_with(ANY_REPORT) => {
            let problem = format!("the key `schema` names another version than {SCHEMA}, which is the one read here");
            return Err(refused(
                problem,
                "use the version of earmark that made it, or make a new report with this one",
            ));
        }
        Some(_) => return Err(refused(format!("the key `schema` does not name {SCHEMA}"), MAKE_ONE)),
        None => return Err(refused("it lacks the key `schema`, and so is no report".to_owned(), MAKE_ONE)),
    }
    let document: Document = parse(bytes).map_err(|problem| refused(problem, MAKE_ONE))?;
    let WireCoverage { tables, processes, gaps } = document.coverage;
    let counts = [processes.no_permission, processes.denied_despite_caps, processes.hidden_descriptors];
    Ok(Picture {
        taken_at: document.taken_at,
        could_tell: document.exit != Exit::Unknown as u8,
        query: document.query,
        host: document.host,
        vantage: document.vantage,
        coverage: Coverage {
            tables,
            processes_hidden: processes.hidden_processes.is_some() || counts.iter().flatten().any(|count| *count > 0),
            gaps: gaps.into_iter().map(|gap| gap.what).collect(),
            namespaces: None,
        },
        listeners: document.listeners,
    })
}

/// Reads one JSON document; where it is none, says where and what is wrong in words of ours alone.
pub(super) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let document = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        let place = format!("line {}, column {}", error.line(), error.column());
        match error.classify() {
            serde_json::error::Category::Data if path == "." => format!("{place}: {}", problem(&error)),
            // The path is made of keys that are ours: others are passed over as a whole.
            serde_json::error::Category::Data => format!("{place}: the key `{path}` {}", problem(&error)),
            serde_json::error::Category::Eof => format!("{place}: it ends before it is whole"),
            _ => format!("{place}: it is no JSON"),
        }
    })?;
    reader
        .end()
        .map_err(|error| format!("line {}, column {}: something follows the document", error.line(), error.column()))?;
    Ok(document)
}

/// What is wrong, without what stands there: serde's messages quote that first, and then say what they expected.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let named = |start: &str| Some(text.strip_prefix(start)?.split('`').next()?.to_owned());
    if let Some(key) = named("missing field `") {
        return format!("lacks the key `{key}`");
    }
    if let Some(key) = named("duplicate field `") {
        return format!("has the key `{key}` twice");
    }
    if text.starts_with(NOT_ESCAPED) {
        return NOT_ESCAPED.to_owned();
    }
    match text.rsplit_once(", expected ").map(|(_, rest)| rest.rsplit_once(" at line ").map_or(rest, |(kind, _)| kind))
    {
        Some(kind) => format!("has to be {kind}", kind = kind.strip_prefix("struct ").map_or(kind, |_| "an object")),
        None => "does not hold what it should".to_owned(),
    }
}

/// A value that may be null, and whose key has to be there.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    T::deserialize(from)
}

/// Text from a system, as it was before it was escaped.
struct Escaped(Text);

impl<'de> Deserialize<'de> for Escaped {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(from)?;
        Text::unescape(&text).map(Self).ok_or_else(|| D::Error::custom(NOT_ESCAPED))
    }
}

pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
    Escaped::deserialize(from).map(|text| text.0)
}

pub(super) fn text_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Text>, D::Error> {
    Ok(Option::<Escaped>::deserialize(from)?.map(|text| text.0))
}

pub(super) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Text>, D::Error> {
    Ok(Vec::<Escaped>::deserialize(from)?.into_iter().map(|text| text.0).collect())
}

pub(super) fn texts_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Text>>, D::Error> {
    Ok(Option::<Vec<Escaped>>::deserialize(from)?.map(|texts| texts.into_iter().map(|text| text.0).collect()))
}

/// A value of a list that may grow: `None` for null and for what this version does not know.
pub(super) fn known<'de, D: Deserializer<'de>, T: Named>(from: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Cow<'_, str>>::deserialize(from)?.and_then(|name| T::of_name(&name)))
}

/// What has a name in reports.
pub(super) trait Named: Copy {
    /// That of this name.
    fn of_name(name: &str) -> Option<Self>;
}

macro_rules! named {
    ($($kind:ident: $($one:ident)+;)+) => {
        $(impl Named for $kind {
            fn of_name(name: &str) -> Option<Self> {
                // Each stands here, or the compiler says which does not.
                const fn _all(one: $kind) {
                    match one { $($kind::$one => {})+ }
                }
                [$(Self::$one),+].into_iter().find(|one| one.name() == name)
            }
        })+
    };
}

named! {
    Transport: Tcp Udp UdpLite Sctp Dccp Raw Packet Vsock Unix;
    State: Listen Unconnected Bound Connected;
    Scope: Local Loopback LinkLocal Private Multicast Public Wildcard;
    NetNsKind: Host Container Other;
    TableStatus: Read Absent Unreadable Unstable;
    OwnerStatus: Known Kernel InFlight Denied OtherPidNamespace Vanished None Unknown;
    ExeState: Ok Deleted Memfd Foreign Unreadable;
    UnitState: None Known Unknown;
    PackageState: NotLookedUp Owned None Foreign Unknown;
    Certainty: Proved Probable Candidate;
    Role: Server Activator Proxy;
    Severity: Info Low Medium High Critical;
}
