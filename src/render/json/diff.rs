//! The document `earmark.diff/1`.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::super::View;
use super::super::words::printable;
use super::safe;
use crate::diff::{self, Diff, Kind, Unlike};
use crate::model::Text;
use crate::picture;

/// What differs between two pictures of a host. Every key stands in every object; null means not known. Lists of values
/// may grow: take an unknown one as unknown.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "earmark.diff/1")]
pub(super) struct DiffV1 {
    #[schemars(extend("const" = "earmark.diff/1"))]
    schema: &'static str,
    /// How the run ended: 0 the same, 1 different, 3 not comparable.
    exit: u8,
    old: Side,
    new: Side,
    /// Both are of one host.
    same_host: Option<bool>,
    /// Both are of one boot of it.
    same_boot: Option<bool>,
    /// There is a table of sockets that both could read.
    comparable: bool,
    /// How what could be seen differs.
    views: Vec<WireUnlike>,
    changes: Vec<WireChange>,
    /// What is not claimed, since one of the two could not see it.
    not_compared: Vec<WireNotCompared>,
    summary: Summary,
}

/// One of the two pictures.
#[derive(Serialize, JsonSchema)]
struct Side {
    /// When the host was looked at, RFC 3339.
    taken_at: Option<String>,
    /// HMAC-SHA256 of the machine id, made for this program.
    host_id: Option<String>,
    hostname: Option<String>,
    boot_id: Option<String>,
    /// The run that took it could tell what it was asked.
    could_tell: bool,
    /// Its listeners, those of `-a` too.
    listeners: usize,
}

/// Something that the two could not see alike.
#[derive(Serialize, JsonSchema)]
struct WireUnlike {
    /// user | capabilities | pid namespace | user namespace | hidepid | processes | the table tcp6 | …
    what: String,
    old: String,
    new: String,
}

/// One change.
#[derive(Serialize, JsonSchema)]
struct WireChange {
    /// new | owner_changed | widened | moved | narrowed | gone | replaced
    change: &'static str,
    /// False for replaced: a restart is no difference.
    difference: bool,
    /// As it was; null where it is new.
    old: Option<Listener>,
    /// As it is; null where it is gone.
    new: Option<Listener>,
}

/// A listener of which something is not claimed.
#[derive(Serialize, JsonSchema)]
struct WireNotCompared {
    /// presence (that it is new or gone) | owner
    what: &'static str,
    /// old | new: the picture that could not see it
    hidden_in: &'static str,
    why: String,
    /// As the other has it.
    listener: Listener,
}

/// A listener, as `earmark.report/1` has it, and the owner that speaks for it.
#[derive(Serialize, JsonSchema)]
struct Listener {
    endpoint: String,
    transport: Option<&'static str>,
    address: Option<String>,
    port: Option<u32>,
    interface: String,
    dual_stack: Option<bool>,
    scope: Option<&'static str>,
    exposure: Option<&'static str>,
    netns: NetNs,
    ephemeral: bool,
    /// known | kernel | in_flight | denied | other_pid_namespace | vanished | none | unknown
    owner_status: Option<&'static str>,
    /// Null where no process was seen to hold it.
    owner: Option<Owner>,
    /// The rules that fired on it.
    findings: Vec<String>,
    /// critical | high | medium | low | info
    severity: Option<&'static str>,
    fingerprint: String,
}

/// A network namespace.
#[derive(Serialize, JsonSchema)]
struct NetNs {
    inode: Option<u64>,
    name: Option<String>,
    /// host | container | other
    kind: Option<&'static str>,
}

/// A process that holds a listener.
#[derive(Serialize, JsonSchema)]
struct Owner {
    pid: Option<u32>,
    /// Clock ticks from boot to its start.
    start_ticks: Option<u64>,
    comm: Option<String>,
    exe: Option<String>,
    /// ok | deleted | memfd | foreign | unreadable
    exe_state: Option<&'static str>,
    uid: Option<u32>,
    user: Option<String>,
    unit: Option<String>,
    user_unit: Option<String>,
    /// RUNTIME:ID
    container: Option<String>,
}

/// How many of what. Listeners of one owner at one address count once.
#[derive(Serialize, JsonSchema)]
struct Summary {
    /// The same, restarted ones among them.
    same: usize,
    new: usize,
    owner_changed: usize,
    widened: usize,
    moved: usize,
    narrowed: usize,
    gone: usize,
    replaced: usize,
    /// Ephemeral UDP sockets of known owners that came or went: no difference.
    passing: usize,
    not_compared: usize,
}

/// Writes what differs as one JSON document, `earmark.diff/1`.
pub fn diff_json(diff: &Diff<'_>, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let side = |picture: &picture::Picture| Side {
        taken_at: picture.taken_at.as_deref().map(words).filter(|_| !view.stable),
        host_id: escaped(picture.host.id.as_ref()),
        hostname: escaped(picture.host.hostname.as_ref()),
        boot_id: escaped(picture.host.boot_id.as_ref()).filter(|_| !view.stable),
        could_tell: picture.could_tell,
        listeners: picture.listeners.len(),
    };
    let unlike = |one: &Unlike| WireUnlike { what: words(&one.what), old: words(&one.old), new: words(&one.new) };
    let change = |change: &diff::Change<'_>| WireChange {
        change: change.kind.name(),
        difference: change.kind.is_difference(),
        old: change.old.map(|listener| Listener::new(listener, view)),
        new: change.new.map(|listener| Listener::new(listener, view)),
    };
    let not_compared = |one: &diff::NotCompared<'_>| WireNotCompared {
        what: one.what.name(),
        hidden_in: if one.hidden_in_old { "old" } else { "new" },
        why: words(&one.why),
        listener: Listener::new(one.listener, view),
    };
    let document = DiffV1 {
        schema: "earmark.diff/1",
        exit: diff.exit() as u8,
        old: side(diff.old),
        new: side(diff.new),
        same_host: diff.same_host,
        same_boot: diff.same_boot,
        comparable: diff.comparable,
        views: diff.views.iter().map(unlike).collect(),
        changes: diff.changes.iter().map(change).collect(),
        not_compared: diff.not_compared.iter().map(not_compared).collect(),
        summary: Summary {
            same: diff.same,
            new: diff.count(Kind::New),
            owner_changed: diff.count(Kind::OwnerChanged),
            widened: diff.count(Kind::Widened),
            moved: diff.count(Kind::Moved),
            narrowed: diff.count(Kind::Narrowed),
            gone: diff.count(Kind::Gone),
            replaced: diff.count(Kind::Replaced),
            passing: diff.passing,
            not_compared: diff.not_compared.len(),
        },
    };
    super::document(&document, out)
}

fn words(text: &str) -> String {
    printable(text).into_owned()
}

fn escaped(text: Option<&Text>) -> Option<String> {
    text.map(Text::escaped)
}

impl Listener {
    fn new(listener: &picture::Listener, view: &View) -> Self {
        Self {
            endpoint: words(&listener.endpoint),
            transport: listener.transport.map(|transport| transport.name()),
            address: escaped(listener.address.as_ref()),
            port: listener.port,
            interface: listener.interface.escaped(),
            dual_stack: listener.dual_stack,
            scope: listener.scope.map(|scope| scope.name()),
            exposure: listener.exposure.map(|exposure| exposure.name()),
            netns: NetNs {
                inode: listener.netns.inode.and_then(safe).filter(|_| !view.stable),
                name: escaped(listener.netns.name.as_ref()),
                kind: listener.netns.kind.map(|kind| kind.name()),
            },
            ephemeral: listener.ephemeral,
            owner_status: listener.owner_status.map(|status| status.name()),
            owner: listener.speaker().map(|owner| Owner::new(owner, view)),
            findings: listener.findings.iter().map(Text::escaped).collect(),
            severity: listener.severity.map(|severity| severity.name()),
            fingerprint: listener.fingerprint.escaped(),
        }
    }
}

impl Owner {
    fn new(owner: &picture::Owner, view: &View) -> Self {
        Self {
            pid: owner.pid.filter(|_| !view.stable),
            start_ticks: owner.start_ticks.and_then(safe).filter(|_| !view.stable),
            comm: escaped(owner.comm.as_ref()),
            exe: escaped(owner.exe.as_ref()),
            exe_state: owner.exe_state.map(|state| state.name()),
            uid: owner.uid,
            user: escaped(owner.user.as_ref()),
            unit: escaped(owner.unit.as_ref()),
            user_unit: escaped(owner.user_unit.as_ref()),
            container: escaped(owner.container.as_ref()),
        }
    }
}
