//! Which listeners share a row of the table, where nothing is lost by it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::View;
use super::super::words::process_label;
use super::is_told;
use crate::finding::Severity;
use crate::model::{Container, ExeState, KernelOwner, OwnerStatus, Process, Scope, State, Text, Transport};
use crate::report::{Listener, Report, Verdict};

/// Listeners that are told in one row, at one address or at an IPv4 and an IPv6 one.
pub(super) struct Row<'a> {
    /// At least one.
    pub(super) listeners: Vec<&'a Listener>,
    /// Their addresses: one, or an IPv4 and an IPv6 one.
    pub(super) addresses: Vec<&'a Listener>,
    /// The processes that hold any of them, in the order of the first listener's.
    pub(super) holders: Vec<usize>,
    /// Holders that the report does not list.
    pub(super) unlisted: usize,
}

impl<'a> Row<'a> {
    /// The listener that speaks for all.
    pub(super) fn lead(&self) -> &'a Listener {
        self.listeners[0]
    }
}

/// The rows, and the sockets that are only counted.
pub(super) struct Folded<'a> {
    pub(super) rows: Vec<Row<'a>>,
    /// Ephemeral, unconnected UDP sockets of owners that are beyond doubt: how many, by process.
    pub(super) aside: BTreeMap<String, usize>,
}

/// Everything that listeners of one row have in common.
#[derive(PartialEq, Eq, Hash)]
struct Kind<'a> {
    netns: usize,
    transport: Transport,
    mptcp: bool,
    port: String,
    interface: &'a Text,
    state: State,
    exposure: Scope,
    ephemeral: bool,
    uid: Option<u32>,
    service: Option<(&'static str, Verdict)>,
    findings: Vec<(&'static str, Severity)>,
    owner_status: OwnerStatus,
    kernel_owner: Option<&'a KernelOwner>,
    /// The programs of its owners, as [`programs`] numbers them; sorted, each once.
    family: Vec<usize>,
    unit: Option<&'a Text>,
    socket_unit: Option<&'a Text>,
    container: Option<&'a Container>,
}

/// A number for each process, the same for workers of one program.
fn programs(report: &Report) -> Vec<usize> {
    let mut known = HashMap::new();
    let number = |process| {
        let next = known.len();
        *known.entry(program(process)).or_insert(next)
    };
    report.processes.iter().map(number).collect()
}

/// What workers of one program have in common.
type Program<'a> = (
    Option<&'a Text>,
    Option<&'a Text>,
    Option<&'a Text>,
    ExeState,
    Option<&'a Text>,
    Option<&'a Text>,
    Option<u32>,
    Option<&'a Container>,
);

fn program(process: &Process) -> Program<'_> {
    // A program without a readable executable is told apart by the name it gave itself.
    let comm = process.comm.as_ref().filter(|_| process.exe.is_none());
    let Process { exe, script, exe_state, unit, user_unit, uid, container, .. } = process;
    (exe.as_ref(), script.as_ref(), comm, *exe_state, unit.as_ref(), user_unit.as_ref(), *uid, container.as_ref())
}

fn kind<'a>(report: &'a Report, view: &View, listener: &'a Listener, programs: &[usize]) -> Kind<'a> {
    let mut family: Vec<usize> = listener.owners.iter().map(|owner| programs[owner.process]).collect();
    family.sort_unstable();
    family.dedup();
    let findings = listener.findings.iter().map(|index| &report.findings[*index]);
    // What is not told makes no row of its own.
    let findings = findings.filter(|finding| is_told(finding.severity, view));
    Kind {
        netns: listener.socket.netns,
        transport: listener.socket.transport,
        mptcp: listener.socket.mptcp,
        port: listener.port_text(),
        interface: &listener.interface,
        state: listener.socket.state,
        exposure: listener.exposure,
        ephemeral: listener.ephemeral,
        uid: listener.socket.uid,
        service: listener.service.as_ref().map(|service| (service.name, service.claim)),
        findings: findings.map(|finding| (finding.rule.name, finding.severity)).collect(),
        owner_status: listener.owner_status,
        kernel_owner: listener.kernel_owner(),
        family,
        unit: report.unit(listener).0,
        socket_unit: listener.owners.iter().find_map(|owner| report.socket_unit(listener, owner)),
        container: report.container(listener).0,
    }
}

/// One row for each listener.
pub(super) fn unfolded<'a>(report: &'a Report, order: &[usize]) -> Folded<'a> {
    let rows = order.iter().map(|index| row(vec![&report.listeners[*index]], 1)).collect();
    Folded { rows, aside: BTreeMap::new() }
}

/// As few rows as can be without losing anything.
pub(super) fn folded<'a>(report: &'a Report, view: &View, order: &[usize]) -> Folded<'a> {
    let mut aside: BTreeMap<String, usize> = BTreeMap::new();
    // Sockets of one kind at one address: several where programs share a port with SO_REUSEPORT.
    let mut stacks: Vec<Vec<&Listener>> = Vec::new();
    let mut at_address = HashMap::new();
    let programs = programs(report);
    let mut kinds: HashMap<Kind<'_>, Vec<usize>> = HashMap::new();
    for &index in order {
        let listener = &report.listeners[index];
        // A view of rows alone has no line in which to count them.
        if !view.quiet && !view.passing && report.is_passing(listener) {
            let name = report.first_owner(listener).map(process_label).unwrap_or_default();
            *aside.entry(name).or_default() += 1;
            continue;
        }
        let of_kind = kinds.entry(kind(report, view, listener, &programs)).or_default();
        let first = *of_kind.first().unwrap_or(&stacks.len());
        let stack =
            *at_address.entry((first, &listener.socket.local, listener.socket.dual_stack())).or_insert_with(|| {
                of_kind.push(stacks.len());
                stacks.push(Vec::new());
                stacks.len() - 1
            });
        stacks[stack].push(listener);
    }
    let mut halves = HashMap::new();
    for of_kind in kinds.values().filter(|of_kind| of_kind.len() > 1) {
        for (v4, v6) in pairs(&stacks, of_kind) {
            halves.insert(v4.min(v6), (v4, v6));
            halves.insert(v4.max(v6), (v4, v4));
        }
    }
    let mut rows = Vec::new();
    for at in 0..stacks.len() {
        match halves.get(&at) {
            None => rows.push(row(std::mem::take(&mut stacks[at]), 1)),
            Some((v4, v6)) if v4 != v6 => {
                let (mut listeners, mut others) = (std::mem::take(&mut stacks[*v4]), std::mem::take(&mut stacks[*v6]));
                // The two addresses stand in front: they are what the row is named after.
                listeners.insert(1, others.remove(0));
                listeners.extend(others);
                rows.push(row(listeners, 2));
            }
            Some(_) => {}
        }
    }
    Folded { rows, aside }
}

/// The stacks of one kind that are one service at IPv4 and IPv6: both wildcards, both loopback, or the only two.
fn pairs(stacks: &[Vec<&Listener>], of_kind: &[usize]) -> Vec<(usize, usize)> {
    let find = |v6: bool, well_known: &[&str]| {
        let mut found = of_kind.iter().copied().filter(|at| {
            let ip = stacks[*at].first().and_then(|first| first.socket.ip());
            ip.is_some_and(|ip| {
                ip.is_ipv6() == v6 && (well_known.is_empty() || well_known.contains(&ip.to_string().as_str()))
            })
        });
        let first = found.next();
        first.filter(|_| found.next().is_none())
    };
    let both = |v4: &[&str], v6: &[&str]| {
        find(false, v4).zip(find(true, v6)).filter(|(a, b)| are_one(&stacks[*a], &stacks[*b]))
    };
    let mut pairs: Vec<(usize, usize)> =
        [both(&["0.0.0.0"], &["::"]), both(&["127.0.0.1"], &["::1"])].into_iter().flatten().collect();
    if pairs.is_empty() {
        pairs.extend(both(&[], &[]));
    }
    pairs
}

/// The widest pair of addresses that still reads well in one cell: `192.168.100.100, fd00:1234::5`.
const WIDEST_PAIR: usize = 32;

fn are_one(v4: &[&Listener], v6: &[&Listener]) -> bool {
    let (Some(first), Some(second)) = (v4.first(), v6.first()) else { return false };
    first.scope == second.scope
        && v4.len() == v6.len()
        && first.address().len() + second.address().len() + 2 <= WIDEST_PAIR
        && v4.iter().zip(v6).all(|(a, b)| a.owner_count == b.owner_count)
        && holders(v4).collect::<BTreeSet<_>>() == holders(v6).collect()
}

fn holders<'a>(listeners: &'a [&Listener]) -> impl Iterator<Item = usize> + 'a {
    listeners.iter().flat_map(|listener| listener.owners.iter().map(|owner| owner.process))
}

fn row(listeners: Vec<&Listener>, addresses: usize) -> Row<'_> {
    let mut seen = BTreeSet::new();
    let holders = holders(&listeners).filter(|process| seen.insert(*process)).collect();
    let unlisted =
        listeners.iter().map(|l| l.owner_count - l.owners.len().min(l.owner_count)).max().unwrap_or_default();
    Row { addresses: listeners[..addresses].to_vec(), holders, unlisted, listeners }
}
