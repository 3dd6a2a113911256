//! From what is to what it means: the listeners of a snapshot, named, attributed, judged and in the order of output.

mod approval;
mod beside;
#[cfg(test)]
mod chance_tests;
mod endpoint;
#[cfg(test)]
mod examples;
mod exposure;
mod findings;
mod groups;
mod hold;
mod order;
mod owners;
#[cfg(test)]
pub(crate) mod sample;
mod service;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::Exit;
use crate::finding::Finding;
use crate::model::{OwnerStatus, Process, Snapshot, State, Text};
use crate::policy::Policy;
use crate::registry::{Registry, Verdict};
use crate::report::{Listener, Report, Tool};
use crate::rules::{self, Crowd, Draft, Place, Subject, serves};

pub use self::hold::hold;
pub use self::owners::knows_role;
use self::owners::{HolderSet, Ranking};

/// Judges a snapshot by what is known of ports. The same host gives the same report, in whatever order the snapshot
/// tells of it.
pub fn judge(snapshot: Snapshot, registry: &Registry, run_id: String) -> Report {
    judge_by(snapshot, registry, None, run_id)
}

/// Judges a snapshot by what is known of ports and by what the policy says, as of the instant at which it was taken.
pub fn judge_by(mut snapshot: Snapshot, registry: &Registry, policy: Option<Arc<Policy>>, run_id: String) -> Report {
    if !snapshot.holders.is_sorted() {
        snapshot.holders.sort_unstable();
    }
    order::sort_namespaces(&mut snapshot);
    let mut judge = approval::Judge::new(policy.clone(), snapshot.taken_at);
    let (listeners, mut findings, owning) = listeners(&snapshot, registry, &mut judge);
    findings.extend(of_namespaces(&snapshot, &mut judge));
    findings.extend(judge.of_policy(&snapshot.tables, &snapshot.gaps));
    let mut report = Report {
        run_id,
        taken_at: snapshot.taken_at,
        exit: Exit::Ok,
        query: None,
        tool: tool(registry),
        host: snapshot.host,
        vantage: snapshot.vantage,
        namespaces: snapshot.namespaces,
        tables: snapshot.tables,
        counts: snapshot.counts,
        sk_lookups: snapshot.sk_lookups,
        gaps: snapshot.gaps,
        usual_gaps: snapshot.usual_gaps,
        cgroups: snapshot.cgroups,
        processes: snapshot.processes,
        listeners,
        findings,
        policy,
    };
    keep_processes(&mut report, &owning);
    sort_findings(&mut report);
    report.gaps.sort();
    report.gaps.dedup();
    report
}

/// This program, with what it knows of ports.
fn tool(registry: &Registry) -> Tool {
    Tool {
        version: env!("CARGO_PKG_VERSION"),
        iana_date: registry.iana_date(),
        entries: registry.entries(),
        overlays: registry.overlays(),
    }
}

/// The listeners in the order of output, their findings, and which processes hold any.
fn listeners(
    snapshot: &Snapshot,
    registry: &Registry,
    judge: &mut approval::Judge,
) -> (Vec<Listener>, Vec<Finding>, Vec<bool>) {
    let ranking = Ranking::new(snapshot);
    let groups = groups::Groups::new(snapshot, &ranking);
    let besides = beside::Besides::new(snapshot, &ranking);
    let mut sets = Sets::default();
    let mut claims = service::Claims::new(registry);
    let serving = service::serving(&snapshot.sockets, snapshot.namespaces.len());
    let mut ids = HashSet::new();
    let mut owning = vec![false; snapshot.processes.len()];
    let (mut listeners, mut findings) = (Vec::with_capacity(snapshot.sockets.len()), Vec::new());
    for (index, interface) in in_order(snapshot) {
        let socket = &snapshot.sockets[index];
        let netns = &snapshot.namespaces[socket.netns];
        let serving = &serving[socket.netns];
        let holders = snapshot.holders_of(index);
        // A candidate is evidence for nothing.
        let proved = if owners::is_proved(holders) { holders } else { &[] };
        let owner_status = owners::status(socket, holders, snapshot);
        // Where the kernel tells that it is its own, no candidate is left.
        let holders = if owner_status == OwnerStatus::Kernel { &[] } else { holders };
        let owners = {
            let set = sets.of(holders, &ranking, &snapshot.processes, &mut owning);
            ranking.owners(&set.chosen, holders)
        };
        let set = sets.of(proved, &ranking, &snapshot.processes, &mut owning);
        let port = service::port(socket);
        let claim = port.and_then(|port| claims.of(port, set.evidence, &set.processes));
        let exposure = exposure::exposure(socket, netns);
        let kernel_chosen = port.is_some_and(|(_, port)| is_handed_out(snapshot, port));
        let candidate = approval::candidate(
            (&snapshot.namespaces, &snapshot.cgroups),
            socket,
            &interface,
            &set.processes,
            owner_status,
        );
        let by_chance = kernel_chosen && socket.state == State::Unconnected;
        let said = if serves(socket) { judge.say(&candidate, by_chance) } else { approval::Said::default() };
        let confirmed = claim.is_some_and(|claim| claim.verdict == Verdict::Confirmed);
        let port_by_chance = kernel_chosen && !confirmed && !said.names_it;
        let subject = Subject {
            socket,
            exposure,
            owner_status,
            owners: &set.processes,
            servers: &set.servers,
            sharers: groups.of(socket),
            beside: besides.of(socket),
            // Chance hands out the numbers of the registry like any other, and says nothing of what listens.
            claim: claim.filter(|_| !port_by_chance),
            kernel_chosen,
            range_known: snapshot.host.ephemeral_ports.is_some(),
            serving,
            approval: said.approval.as_ref(),
            registry,
        };
        let mut decide = |rule: &'static str, draft: &mut Draft| judge.decide(rule, draft, Some(&candidate));
        let found = findings::about(&subject, listeners.len(), &mut decide);
        listeners.push(Listener {
            endpoint: endpoint::endpoint(socket, &interface),
            id: unique(&mut ids, endpoint::id(socket, &interface, netns)),
            group: endpoint::group(socket, &interface, netns),
            scope: socket.scope(),
            exposure,
            ephemeral: kernel_chosen && claim.is_none() && !said.names_it,
            port_by_chance,
            owner_status,
            owner_count: holders.len(),
            owners,
            service: claim.zip(port).map(|(claim, port)| service::service(claim, port, registry, serving)),
            seen: None,
            findings: Vec::new(),
            severity: found.iter().filter(|finding| finding.is_live()).map(|finding| finding.severity).max(),
            expectation: said.expectation,
            wants_addresses: said.wants_addresses,
            interface,
            socket: socket.clone(),
        });
        findings.extend(found);
    }
    (listeners, findings, owning)
}

/// The findings about namespaces as a whole.
fn of_namespaces(snapshot: &Snapshot, judge: &mut approval::Judge) -> Vec<Finding> {
    let crowds = crowds(snapshot);
    let all = snapshot.namespaces.iter().enumerate();
    all.flat_map(|(at, netns)| {
        let sk_lookups: Vec<_> = snapshot.sk_lookups.iter().filter(|lookup| lookup.netns == at).collect();
        let place = Place { netns, sk_lookups: &sk_lookups, crowds: &crowds[at], processes: &snapshot.processes };
        let mut decide = |rule: &'static str, draft: &mut Draft| judge.decide(rule, draft, None);
        findings::about_namespace(&place, at, &mut decide)
    })
    .collect()
}

/// Who created how many of the sockets that serve in each namespace, the most first.
fn crowds(snapshot: &Snapshot) -> Vec<Vec<Crowd>> {
    let mut counts = vec![HashMap::new(); snapshot.namespaces.len()];
    for socket in snapshot.sockets.iter().filter(|socket| rules::serves(socket)) {
        if let Some(uid) = socket.uid {
            *counts[socket.netns].entry(uid).or_insert(0) += 1;
        }
    }
    let sorted = counts.into_iter().map(|counts| {
        let mut crowds: Vec<Crowd> = counts.into_iter().map(|(uid, listeners)| Crowd { listeners, uid }).collect();
        crowds.sort_unstable_by_key(|crowd| (Reverse(crowd.listeners), crowd.uid));
        crowds
    });
    sorted.collect()
}

/// The indexes of the sockets in the order of output, each with the name of its device.
fn in_order(snapshot: &Snapshot) -> Vec<(usize, Text)> {
    let named = |(index, socket): (usize, &crate::model::Socket)| {
        (index, exposure::interface(socket, &snapshot.namespaces[socket.netns]))
    };
    let mut order: Vec<(usize, Text)> = snapshot.sockets.iter().enumerate().map(named).collect();
    let socket = |index: usize| &snapshot.sockets[index];
    order.sort_by(|(a, a_device), (b, b_device)| order::listeners((socket(*a), a_device), (socket(*b), b_device)));
    order
}

/// True for a port that the kernel gives to who asks for none, ip_local_port_range in ip(7).
fn is_handed_out(snapshot: &Snapshot, port: u16) -> bool {
    snapshot.host.ephemeral_ports.is_some_and(|(first, last)| (first..=last).contains(&port))
}

/// An id that no other row of the report has. Listeners come in the order of output, so the same rows get the same.
fn unique(taken: &mut HashSet<u64>, id: u64) -> u64 {
    let more = (1..).map(|count| endpoint::another(id, count));
    let free = std::iter::once(id).chain(more).find(|id| taken.insert(*id));
    free.unwrap_or(id)
}

/// What sockets with the same holders share.
struct Shared<'a> {
    chosen: HolderSet,
    /// The chosen processes, in the order of output.
    processes: Vec<&'a Process>,
    /// Those of them that do not hold it for somebody else.
    servers: Vec<&'a Process>,
    /// Equal for sets of the same executables.
    evidence: usize,
}

/// The sets of holders that occur, each worked out once.
#[derive(Default)]
struct Sets<'a> {
    by_holders: HashMap<Vec<u32>, usize>,
    by_evidence: HashMap<Vec<Executable<'a>>, usize>,
    all: Vec<Shared<'a>>,
    /// The holders that are asked about, kept from one socket to the next so that no question allocates.
    asked: Vec<u32>,
}

type Executable<'a> = (Option<&'a Text>, bool, Option<bool>);

impl<'a> Sets<'a> {
    fn of(
        &mut self,
        holders: &[crate::model::Holder],
        ranking: &Ranking,
        processes: &'a [Process],
        owning: &mut [bool],
    ) -> &Shared<'a> {
        self.asked.clear();
        self.asked.extend(holders.iter().map(|holder| holder.process));
        let index = match self.by_holders.get(&self.asked) {
            Some(index) => *index,
            None => {
                for holder in holders {
                    owning[holder.process as usize] = true;
                }
                let chosen = ranking.choose(&self.asked);
                let owners: Vec<&Process> = chosen.processes.iter().map(|at| &processes[*at]).collect();
                let serves = |at: &&usize| ranking.is_server(**at);
                let servers = chosen.processes.iter().filter(serves).map(|at| &processes[*at]).collect();
                let mut executables: Vec<Executable<'a>> =
                    owners.iter().map(|p| (p.exe.as_ref(), p.verified_exe().is_some(), p.exe_writable)).collect();
                executables.dedup();
                let next = self.by_evidence.len();
                let evidence = *self.by_evidence.entry(executables).or_insert(next);
                self.all.push(Shared { chosen, processes: owners, servers, evidence });
                self.by_holders.insert(self.asked.clone(), self.all.len() - 1);
                self.all.len() - 1
            }
        };
        &self.all[index]
    }
}

/// Keeps the processes that hold a listener, by pid.
fn keep_processes(report: &mut Report, owning: &[bool]) {
    let mut order: Vec<usize> = (0..report.processes.len()).filter(|at| owning[*at]).collect();
    order.sort_by_key(|at| (report.processes[*at].pid, report.processes[*at].start_ticks, *at));
    let mut place = vec![0; report.processes.len()];
    for (to, from) in order.iter().enumerate() {
        place[*from] = to;
    }
    let mut processes: Vec<Option<Process>> = std::mem::take(&mut report.processes).into_iter().map(Some).collect();
    report.processes = order.into_iter().filter_map(|from| processes[from].take()).collect();
    for owner in report.listeners.iter_mut().flat_map(|listener| &mut listener.owners) {
        owner.process = place[owner.process];
    }
}

/// Puts the findings in order, the gravest first, and tells each listener where its own are.
fn sort_findings(report: &mut Report) {
    report.findings.sort_by_key(|finding| (Reverse(finding.severity), finding.about, finding.rule.name));
    for (index, finding) in report.findings.iter().enumerate() {
        if let Some(listener) = finding.listener() {
            report.listeners[listener].findings.push(index);
        }
    }
}
