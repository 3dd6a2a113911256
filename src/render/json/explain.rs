//! The document `earmark.explain/1`.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::super::explain::bind_sentence;
use super::super::words::printable;
use super::rules::WireRule;
use super::wire::{WireCounterpart, WireEvidence, WireKernelOwner};
use crate::explain::{BindProblem, Explanation, Here, HereOwner, Overlap, PortExplanation, Use};
use crate::finding;
use crate::model::{Container, Text};

/// What one word means: a port, a service, a rule or an endpoint. Every key stands in every object; null means not
/// known. Lists of values may grow: take an unknown one as unknown.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "earmark.explain/1")]
pub(super) struct ExplainV1 {
    #[schemars(extend("const" = "earmark.explain/1"))]
    schema: &'static str,
    /// The word as it was asked.
    word: String,
    /// The rule of that name.
    rule: Option<WireRule>,
    /// The ports that the word stands for.
    ports: Vec<Port>,
    /// The host was looked at.
    looked: bool,
    /// What could not be seen of it; then a port without a holder is not known to be free.
    unseen: Option<String>,
}

/// One port, or a range of ports that belong together, of one transport.
#[derive(Serialize, JsonSchema)]
struct Port {
    /// tcp | udp | udplite | sctp | dccp | …
    transport: &'static str,
    first: u16,
    last: u16,
    /// system | registered | dynamic, of the first port
    class: &'static str,
    /// What IANA assigned it to; null where it is unassigned.
    iana_name: Option<String>,
    iana_title: Option<String>,
    /// The known uses, the most usual first.
    uses: Vec<WireUse>,
    /// How its usual owners are told apart.
    clash: Option<String>,
    /// What malware used it in the past: says nothing about what is here.
    historical: Vec<WireHistorical>,
    /// What holds it here now; null where the host was not looked at.
    here: Option<Vec<WireHere>>,
    /// The address that the word names; null for every address.
    address: Option<String>,
    /// Why bind(2) would fail; null where the host was not looked at, and for a range.
    bind: Option<Vec<WireBind>>,
}

/// One known use of a port.
#[derive(Serialize, JsonSchema)]
struct WireUse {
    name: String,
    title: String,
    /// iana | defacto | vendor | user
    source: &'static str,
    first: u16,
    last: u16,
    management: Option<bool>,
    /// management | control | data | …
    plane: Option<String>,
    /// cleartext | tls | …
    security: Option<String>,
    /// How it asks who is there, by default.
    auth_default: Option<String>,
    secure_counterpart: Vec<WireCounterpart>,
    successor: Option<String>,
    /// The programs that are known to serve it.
    processes: Vec<String>,
    /// From how far it should be reachable at most.
    recommended_exposure: Option<String>,
    risk: Option<String>,
    weakness: Option<String>,
    severity: Option<BySeverity>,
    /// What would make it harmless, and the test for that.
    condition: Option<String>,
    reference: Option<String>,
    /// high | medium | low
    confidence: String,
}

/// How grave a use is by from where it can be reached: critical | high | medium | low | info.
#[derive(Serialize, JsonSchema)]
struct BySeverity {
    public: &'static str,
    lan: &'static str,
    loopback: &'static str,
}

/// What malware used a port in the past.
#[derive(Serialize, JsonSchema)]
struct WireHistorical {
    association: String,
    era: Option<String>,
    /// high | medium | low
    confidence: String,
    evidence: Vec<String>,
    note: Option<String>,
}

/// One listener that holds the port.
#[derive(Serialize, JsonSchema)]
struct WireHere {
    endpoint: String,
    service: Option<String>,
    /// confirmed | contradicted | open
    claim: Option<&'static str>,
    /// As in earmark.report/1.
    owner_status: &'static str,
    /// What in the kernel serves it; null unless `owner_status` is kernel.
    kernel_owner: Option<WireKernelOwner>,
    owner_count: usize,
    owners: Vec<WireHereOwner>,
    findings: Vec<WireFinding>,
}

/// A process that holds the port.
#[derive(Serialize, JsonSchema)]
struct WireHereOwner {
    pid: u32,
    comm: Option<String>,
    exe: Option<String>,
    uid: Option<u32>,
    user: Option<String>,
    unit: Option<String>,
    /// RUNTIME:ID
    container: Option<String>,
    /// The package that owns the executable, without version; looked up only with --packages.
    package: Option<String>,
    /// owned | none | foreign | not_looked_up | unknown
    package_state: &'static str,
    /// server | activator | proxy
    role: &'static str,
}

/// What is wrong with a listener.
#[derive(Serialize, JsonSchema)]
struct WireFinding {
    rule: &'static str,
    /// critical | high | medium | low | info
    severity: &'static str,
    message: String,
    evidence: Vec<WireEvidence>,
    remedy: String,
    controls: &'static [&'static str],
    also: Vec<&'static str>,
}

/// Why bind(2) would fail.
#[derive(Serialize, JsonSchema)]
struct WireBind {
    /// held | bound_only | time_wait | privilege
    reason: &'static str,
    /// What is in the way.
    endpoint: Option<String>,
    /// same | wildcard | dual_stack
    overlap: Option<&'static str>,
    /// Own addresses with connections in TIME-WAIT.
    addresses: Option<usize>,
    /// The lowest port that needs no privilege.
    unprivileged_from: Option<u16>,
    /// The reason in words.
    message: String,
}

/// Writes an explanation as one JSON document, `earmark.explain/1`.
pub fn explain_json(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let Explanation { word, rule, ports, looked, unseen } = explanation;
    let document = ExplainV1 {
        schema: "earmark.explain/1",
        word: Text::from(word.as_str()).escaped(),
        rule: rule.map(WireRule::from),
        ports: ports.iter().map(|port| Port::new(port, *looked)).collect(),
        looked: *looked,
        unseen: unseen.as_deref().map(words),
    };
    super::document(&document, out)
}

fn words(text: &str) -> String {
    printable(text).into_owned()
}

fn known(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(words)
}

fn escaped(text: Option<&Text>) -> Option<String> {
    text.map(Text::escaped)
}

impl Port {
    fn new(port: &PortExplanation, looked: bool) -> Self {
        let past = |past: &crate::explain::Historical| WireHistorical {
            association: words(past.association),
            era: known(Some(past.era)),
            confidence: words(past.confidence),
            evidence: past.evidence.iter().map(|evidence| words(evidence)).collect(),
            note: known(Some(past.note)),
        };
        let single = port.ports.0 == port.ports.1;
        Self {
            transport: port.transport.name(),
            first: port.ports.0,
            last: port.ports.1,
            class: port.class.name(),
            iana_name: known(port.iana_name),
            iana_title: known(port.iana_title),
            uses: port.uses.iter().map(WireUse::new).collect(),
            clash: known(port.clash),
            historical: port.historical.iter().map(past).collect(),
            here: looked.then(|| port.here.iter().map(WireHere::new).collect()),
            address: port.address.map(|address| address.to_string()),
            bind: (looked && single).then(|| port.bind.iter().map(WireBind::new).collect()),
        }
    }
}

impl WireUse {
    fn new(known_use: &Use) -> Self {
        let severity = |[public, lan, loopback]: [crate::finding::Severity; 3]| BySeverity {
            public: public.name(),
            lan: lan.name(),
            loopback: loopback.name(),
        };
        Self {
            name: words(known_use.name),
            title: words(known_use.title),
            source: known_use.source.name(),
            first: known_use.ports.0,
            last: known_use.ports.1,
            management: known_use.management,
            plane: known(known_use.plane),
            security: known(known_use.security),
            auth_default: known(known_use.auth_default),
            secure_counterpart: WireCounterpart::all(&known_use.secure_counterpart),
            successor: known(known_use.successor),
            processes: known_use.processes.iter().map(|process| words(process)).collect(),
            recommended_exposure: known(known_use.recommended_exposure),
            risk: known(known_use.risk),
            weakness: known(known_use.weakness),
            severity: known_use.severity.map(severity),
            condition: known(known_use.condition),
            reference: known(known_use.reference),
            confidence: words(known_use.confidence),
        }
    }
}

impl WireHere {
    fn new(here: &Here) -> Self {
        Self {
            endpoint: words(&here.endpoint),
            service: known(here.service),
            claim: here.claim.map(|claim| claim.name()),
            owner_status: here.owner_status.name(),
            kernel_owner: here.kernel_owner.as_ref().map(WireKernelOwner::new),
            owner_count: here.owner_count,
            owners: here.owners.iter().map(WireHereOwner::new).collect(),
            findings: here.findings.iter().map(WireFinding::new).collect(),
        }
    }
}

impl WireHereOwner {
    fn new(owner: &HereOwner) -> Self {
        Self {
            pid: owner.pid,
            comm: escaped(owner.comm.as_ref()),
            exe: escaped(owner.exe.as_ref()),
            uid: owner.uid,
            user: escaped(owner.user.as_ref()),
            unit: escaped(owner.unit.as_ref()),
            container: owner.container.as_ref().map(Container::name),
            package: escaped(owner.package.as_ref()),
            package_state: owner.package_state.name(),
            role: owner.role.name(),
        }
    }
}

impl WireFinding {
    fn new(finding: &finding::Finding) -> Self {
        Self {
            rule: finding.rule.name,
            severity: finding.severity.name(),
            message: words(&finding.message),
            evidence: WireEvidence::all(&finding.evidence),
            remedy: words(&finding.remedy),
            controls: finding.rule.controls,
            also: finding.also.clone(),
        }
    }
}

impl WireBind {
    fn new(problem: &BindProblem) -> Self {
        let way = |endpoint: &str, overlap: &Overlap| {
            let overlap = match overlap {
                Overlap::Same => "same",
                Overlap::Wildcard => "wildcard",
                Overlap::DualStack => "dual_stack",
            };
            (Some(words(endpoint)), Some(overlap))
        };
        let (reason, (endpoint, overlap), addresses, unprivileged_from) = match problem {
            BindProblem::Held { endpoint, overlap } => ("held", way(endpoint, overlap), None, None),
            BindProblem::BoundOnly { endpoint, overlap } => ("bound_only", way(endpoint, overlap), None, None),
            BindProblem::TimeWait { addresses } => ("time_wait", (None, None), Some(*addresses), None),
            BindProblem::Privilege { unprivileged_from } => ("privilege", (None, None), None, Some(*unprivileged_from)),
        };
        Self { reason, endpoint, overlap, addresses, unprivileged_from, message: bind_sentence(problem) }
    }
}
