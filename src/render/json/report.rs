//! The document `earmark.report/1`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::super::words::{printable, time};
use super::finding::Finding;
use super::listener::Listener;
use super::policy::Policy;
use super::wire::WireNetNs;
use super::{Context, safe};
use crate::model::{Gap, TableRead, TableStatus, Text};
use crate::report::Report;

/// The listeners of a host, whose they are, what they should be, and what is wrong. Every key stands in every object;
/// null means not known. Times are RFC 3339 in UTC. Text from the system is escaped: \\ for \, \xNN for a byte that is
/// no UTF-8, \u{…} for a character that is not printable. Lists of values may grow: take an unknown one as unknown.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "earmark.report/1")]
pub(super) struct ReportV1<'a> {
    #[schemars(extend("const" = "earmark.report/1"))]
    schema: &'static str,
    /// 32 hexadecimal digits, new with each run.
    run_id: Option<&'a str>,
    /// When the host was looked at.
    taken_at: Option<String>,
    /// How the run ended: 0 answered and clean, 1 warning or no match, 2 critical, 3 could not tell.
    exit: u8,
    /// The flags and words that left out what was seen besides; null where nothing did, and all that was seen is here.
    query: Option<Vec<String>>,
    tool: Tool,
    host: Host,
    vantage: Vantage,
    coverage: Coverage,
    /// The policy that it was held against; null where it was held against none.
    policy: Option<Policy>,
    #[schemars(with = "Vec<Listener>")]
    listeners: Listeners<'a>,
    #[schemars(with = "Vec<Finding>")]
    findings: Findings<'a>,
    summary: Summary,
}

/// The program and what it knows.
#[derive(Serialize, JsonSchema)]
pub(super) struct Tool {
    name: &'static str,
    version: &'static str,
    registry: Registry,
}

/// What is known about ports.
#[derive(Serialize, JsonSchema)]
struct Registry {
    /// The date of IANA's registry within.
    iana_date: &'static str,
    /// Known uses and assigned names within.
    entries: usize,
    /// Entries from the user's own files.
    overlays: usize,
}

/// The host.
#[derive(Serialize, JsonSchema)]
pub(super) struct Host {
    /// HMAC-SHA256 of the machine id, made for this program.
    id: Option<String>,
    hostname: Option<String>,
    boot_id: Option<String>,
    /// linux | macos | windows | …
    platform: &'static str,
    /// The release of the kernel.
    kernel: Option<String>,
    /// The lowest and the highest port that the kernel hands out to whoever asks for none.
    ephemeral_ports: Option<[u16; 2]>,
}

/// From where the host was looked at.
#[derive(Serialize, JsonSchema)]
pub(super) struct Vantage {
    /// The effective user.
    uid: Option<u32>,
    /// The effective capabilities, `cap_sys_ptrace`.
    caps: Option<Vec<&'static str>>,
    /// initial | nested
    pid_ns: Option<&'static str>,
    /// initial | nested
    user_ns: Option<&'static str>,
    /// off | noaccess | invisible | ptraceable
    hidepid: Option<&'static str>,
}

/// What could be seen.
#[derive(Serialize, JsonSchema)]
pub(super) struct Coverage {
    /// Every table could be read and every process could be looked into.
    complete: bool,
    tables: Vec<Table>,
    processes: Processes,
    /// What could not be seen.
    gaps: Vec<WireGap>,
}

/// How a table of sockets was read: those that were read well stand together, each other one by itself.
#[derive(Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
struct Table {
    /// tcp, tcp6, udp, …
    table: &'static str,
    /// read | absent (this kernel has no such protocol: not a gap) | unreadable | unstable
    status: &'static str,
    /// sock_diag | proc | fd | sysctl
    source: Option<&'static str>,
    /// In how many namespaces.
    namespaces: usize,
    /// In which, where it stands by itself.
    netns: Option<WireNetNs>,
    /// Fields of a listener that this source does not tell.
    lacks: Vec<&'static str>,
    /// What went wrong.
    error: Option<String>,
}

/// How the descriptors of processes could be read.
#[derive(Serialize, JsonSchema)]
struct Processes {
    seen: Option<u64>,
    no_permission: Option<u64>,
    denied_despite_caps: Option<u64>,
    vanished: Option<u64>,
    hidden_descriptors: Option<u64>,
    /// possible, or null
    hidden_processes: Option<&'static str>,
}

/// Something that could not be seen.
#[derive(Serialize, JsonSchema)]
struct WireGap {
    what: String,
    why: String,
    /// What the answer lacks for it.
    consequence: String,
    /// What would mend it.
    remedy: String,
    /// Hardly any run may see it and few hosts have it: what else was seen is complete without.
    usual: bool,
}

/// How many of what.
#[derive(Serialize, JsonSchema)]
struct Summary {
    listeners: usize,
    findings: Counts,
    suppressed: usize,
    /// Listeners whose owner is not known.
    unattributed: usize,
}

/// Findings by severity.
#[derive(Serialize, JsonSchema)]
struct Counts {
    critical: usize,
    high: usize,
    medium: usize,
    low: usize,
    info: usize,
}

/// Listeners that become rows as they are written.
struct Listeners<'a> {
    context: Context<'a>,
    order: &'a [usize],
}

impl Serialize for Listeners<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let listeners = &self.context.report.listeners;
        serializer.collect_seq(self.order.iter().map(|index| Listener::new(&self.context, &listeners[*index])))
    }
}

/// Findings likewise.
struct Findings<'a> {
    context: Context<'a>,
    order: &'a [usize],
}

impl Serialize for Findings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let findings = &self.context.report.findings;
        serializer.collect_seq(self.order.iter().map(|index| Finding::new(&self.context, &findings[*index])))
    }
}

impl<'a> ReportV1<'a> {
    pub(super) fn new(context: &Context<'a>, listeners: &'a [usize], findings: &'a [usize]) -> Self {
        let report = context.report;
        let summary = report.summary();
        let [info, low, medium, high, critical] = summary.findings;
        Self {
            schema: "earmark.report/1",
            run_id: context.volatile(&report.run_id),
            taken_at: context.volatile(time(report.taken_at)),
            exit: report.exit as u8,
            query: report
                .query
                .as_ref()
                .map(|words| words.iter().map(|word| Text::from(word.as_str()).escaped()).collect()),
            tool: Tool::new(report),
            host: Host::new(report),
            vantage: Vantage::new(report),
            coverage: Coverage::new(context),
            policy: report.policy.as_deref().map(Policy::new),
            listeners: Listeners { context: *context, order: listeners },
            findings: Findings { context: *context, order: findings },
            summary: Summary {
                listeners: summary.listeners,
                findings: Counts { critical, high, medium, low, info },
                suppressed: summary.suppressed,
                unattributed: summary.unattributed,
            },
        }
    }
}

impl Tool {
    pub(super) fn new(report: &Report) -> Self {
        Self {
            name: "earmark",
            version: report.tool.version,
            registry: Registry {
                iana_date: report.tool.iana_date,
                entries: report.tool.entries,
                overlays: report.tool.overlays,
            },
        }
    }
}

impl Host {
    pub(super) fn new(report: &Report) -> Self {
        Self {
            id: report.host.id.as_deref().map(|id| printable(id).into_owned()),
            hostname: report.host.hostname.as_ref().map(Text::escaped),
            boot_id: report.host.boot_id.as_ref().map(Text::escaped),
            platform: report.host.platform,
            kernel: report.host.kernel.as_ref().map(Text::escaped),
            ephemeral_ports: report.host.ephemeral_ports.map(|(first, last)| [first, last]),
        }
    }
}

impl Vantage {
    pub(super) fn new(report: &Report) -> Self {
        Self {
            uid: report.vantage.uid,
            caps: report.vantage.caps.clone(),
            pid_ns: report.vantage.pid_ns.map(|kind| kind.name()),
            user_ns: report.vantage.user_ns.map(|kind| kind.name()),
            hidepid: report.vantage.hidepid.map(|hidepid| hidepid.name()),
        }
    }
}

impl Coverage {
    pub(super) fn new(context: &Context<'_>) -> Self {
        let report = context.report;
        let counts = &report.counts;
        let volatile = |number| safe(number).and_then(|number| context.volatile(number));
        let words = |text: &str| printable(text).into_owned();
        let gap = |gap: &Gap, usual| WireGap {
            what: words(&gap.what),
            why: words(&gap.why),
            consequence: words(&gap.consequence),
            remedy: words(&gap.remedy),
            usual,
        };
        Self {
            complete: report.is_complete(),
            tables: tables(context),
            processes: Processes {
                seen: volatile(counts.seen),
                no_permission: volatile(counts.no_permission),
                denied_despite_caps: volatile(counts.denied_despite_caps),
                vanished: volatile(counts.vanished),
                hidden_descriptors: volatile(counts.hidden_descriptors),
                hidden_processes: counts.hidden_possible.then_some("possible"),
            },
            gaps: {
                let gaps = report.gaps.iter().map(|one| gap(one, false));
                gaps.chain(report.usual_gaps.iter().map(|one| gap(one, true))).collect()
            },
        }
    }
}

/// On a host with 500 namespaces nobody reads 500 times that `tcp` was read.
fn tables(context: &Context<'_>) -> Vec<Table> {
    let mut good: BTreeMap<_, usize> = BTreeMap::new();
    let mut rows = Vec::new();
    for TableRead { table, netns, status, source, lacks, error } in &context.report.tables {
        let source = source.map(|source| source.name());
        match status {
            TableStatus::Read | TableStatus::Absent => {
                *good.entry((*table, *status, source, *lacks)).or_default() += 1;
            }
            TableStatus::Unreadable | TableStatus::Unstable => rows.push(Table {
                table,
                status: status.name(),
                source,
                namespaces: 1,
                netns: context.report.namespaces.get(*netns).map(|netns| WireNetNs::new(context, netns)),
                lacks: lacks.to_vec(),
                error: error.as_deref().map(|error| printable(error).into_owned()),
            }),
        }
    }
    rows.extend(good.into_iter().map(|((table, status, source, lacks), namespaces)| Table {
        table,
        status: status.name(),
        source,
        namespaces,
        netns: None,
        lacks: lacks.to_vec(),
        error: None,
    }));
    rows.sort();
    rows
}
