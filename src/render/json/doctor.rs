//! The document `earmark.doctor/1`.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::super::View;
use super::super::sandbox::rights_left;
use super::super::words::{printable, time};
use super::Context;
use super::report::{Coverage, Host, Tool, Vantage};
use super::wire::WireNetNs;
use crate::doctor::{self, Diagnosis};
use crate::model::{self, Capabilities, Landlock};

/// What a run can and cannot see of a host, and what would mend it. Every key stands in every object; null means not
/// known. Lists of values may grow: take an unknown one as unknown.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "earmark.doctor/1")]
pub(super) struct DoctorV1 {
    #[schemars(extend("const" = "earmark.doctor/1"))]
    schema: &'static str,
    /// When the host was looked at.
    taken_at: String,
    /// Nothing is missing.
    complete: bool,
    tool: Tool,
    overlays: Overlays,
    host: Host,
    vantage: Vantage,
    /// The capabilities that matter.
    capabilities: Vec<Capability>,
    namespaces: Vec<Namespace>,
    coverage: Coverage,
    /// How many listeners there are.
    listeners: usize,
    /// And of each state of their owner.
    owners: Vec<Owners>,
    /// What this run gave up after it had looked; null where it looked at a capture.
    sandbox: Option<Sandbox>,
}

/// What this run gave up after it had looked.
#[derive(Serialize, JsonSchema)]
struct Sandbox {
    /// dropped | kept | refused | unsupported
    capabilities: &'static str,
    /// Those that were kept, since the directory of the output belongs to another user.
    kept: Vec<&'static str>,
    /// entered | partly | absent | off | refused | unsupported
    landlock: &'static str,
    /// The version of the interface of Landlock that was used; null where none was.
    landlock_abi: Option<u32>,
    /// Threads that had not ended and kept all rights.
    other_threads: Option<u64>,
    /// What could not be given up, for eyes.
    left: Vec<String>,
}

impl Sandbox {
    fn new(sandbox: &model::Sandbox) -> Self {
        let (capabilities, kept) = match &sandbox.capabilities {
            Capabilities::Dropped => ("dropped", Vec::new()),
            Capabilities::Kept(kept) => ("kept", kept.clone()),
            Capabilities::Refused(_) => ("refused", Vec::new()),
            Capabilities::Unsupported => ("unsupported", Vec::new()),
        };
        let (landlock, landlock_abi) = match &sandbox.landlock {
            Landlock::Entered { abi } => ("entered", Some(*abi)),
            Landlock::Partly { abi } => ("partly", Some(*abi)),
            Landlock::Absent => ("absent", None),
            Landlock::Off => ("off", None),
            Landlock::Refused(_) => ("refused", None),
            Landlock::Unsupported => ("unsupported", None),
        };
        let left = rights_left(sandbox).iter().map(|left| printable(left).into_owned()).collect();
        Self { capabilities, kept, landlock, landlock_abi, other_threads: sandbox.other_threads, left }
    }
}

/// Files of the administrator that say what ports are.
#[derive(Serialize, JsonSchema)]
struct Overlays {
    directory: String,
    /// How many files were read.
    files: usize,
    /// Why none of them counts; null where they do.
    problem: Option<String>,
}

/// A capability and what it opens.
#[derive(Serialize, JsonSchema)]
struct Capability {
    /// cap_sys_ptrace, …
    name: &'static str,
    /// This run has it.
    held: Option<bool>,
    /// What it opens.
    opens: &'static str,
}

/// A network namespace and how its tables were read.
#[derive(Serialize, JsonSchema)]
struct Namespace {
    netns: WireNetNs,
    /// How many tables were read whole.
    read: usize,
    /// How many exist and were not.
    unread: usize,
}

/// Listeners by the state of their owner.
#[derive(Serialize, JsonSchema)]
struct Owners {
    /// known | kernel | in_flight | denied | other_pid_namespace | vanished | none | unknown
    owner_status: &'static str,
    listeners: usize,
}

/// Writes what a run can and cannot see as one JSON document, `earmark.doctor/1`.
pub fn doctor_json(diagnosis: &Diagnosis<'_>, out: &mut dyn Write) -> io::Result<()> {
    let report = diagnosis.report;
    let context = Context { report, view: &View::default() };
    let namespace = |one: &doctor::NamespaceRead<'_>| Namespace {
        netns: WireNetNs::new(&context, one.netns),
        read: one.read,
        unread: one.unread,
    };
    let capability = |one: &doctor::Capability| Capability { name: one.name, held: one.held, opens: one.opens };
    let words = |text: &str| printable(text).into_owned();
    let document = DoctorV1 {
        schema: "earmark.doctor/1",
        taken_at: time(report.taken_at),
        complete: diagnosis.is_complete(),
        tool: Tool::new(report),
        overlays: Overlays {
            directory: words(&diagnosis.overlays.directory),
            files: diagnosis.overlays.files,
            problem: diagnosis.overlays.problem.as_deref().map(words),
        },
        host: Host::new(report),
        vantage: Vantage::new(report),
        capabilities: diagnosis.capabilities.iter().map(capability).collect(),
        namespaces: diagnosis.namespaces.iter().map(namespace).collect(),
        coverage: Coverage::new(&context),
        listeners: report.listeners.len(),
        owners: diagnosis
            .owners
            .iter()
            .map(|(status, listeners)| Owners { owner_status: status.name(), listeners: *listeners })
            .collect(),
        sandbox: diagnosis.sandbox.as_ref().map(Sandbox::new),
    };
    super::document(&document, out)
}
