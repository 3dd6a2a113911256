//! A listener, its owners and its service, as `earmark.report/1` has them.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::order;
use super::super::words::{hex, printable, rule_names, time};
use super::policy::Expectation;
use super::wire::{Alternative, Later, WireCounterpart, WireKernelOwner, WireNetNs};
use super::{Context, safe};
use crate::model::{Container, Local, Text};
use crate::report;

/// One listener.
#[derive(Serialize, JsonSchema)]
pub(super) struct Listener {
    /// 16 hexadecimal digits, unique in one report.
    id: Option<String>,
    /// 16 hexadecimal digits, shared by the rows of one address, port and device.
    group: Option<String>,
    /// For eyes and queries, not unique: tcp/0.0.0.0:3221
    endpoint: String,
    /// tcp | udp | udplite | sctp | dccp | raw | packet | unix | vsock
    transport: &'static str,
    /// It speaks MPTCP (RFC 8684) as well.
    mptcp: bool,
    /// ipv4 | ipv6; null where it has no internet address.
    family: Option<&'static str>,
    /// The bound address; null where it has none.
    address: Option<String>,
    /// The bound port; null where it has none.
    port: Option<u32>,
    /// stream | dgram | seqpacket | raw | dccp
    socket_type: Option<&'static str>,
    /// The IP protocol of a raw socket, the ethertype of a packet socket (3 for all).
    protocol: Option<u16>,
    /// The path of a unix socket; @ stands for the NUL byte of an abstract name.
    path: Option<String>,
    /// An IPv6 wildcard that takes IPv4 too.
    dual_stack: Option<bool>,
    /// listen | unconnected | bound | connected | published
    state: &'static str,
    /// The device it is bound to; empty when unbound.
    interface: String,
    /// The class of the bound address: loopback | link-local | private | public | wildcard | multicast | local
    scope: &'static str,
    /// The scope narrowed by the device and the addresses of the namespace: what severity uses.
    exposure: &'static str,
    netns: WireNetNs,
    /// The user that created it.
    uid: Option<u32>,
    /// The inode of its descriptor.
    inode: Option<u64>,
    /// The kernel's identity of the socket, 16 hexadecimal digits.
    cookie: Option<String>,
    /// The path of the cgroup (version 2) it was created in; `id:NUMBER` where the path is not known.
    cgroup: Option<String>,
    backlog: Option<Backlog>,
    /// Bytes that wait to be received, of a socket that does not listen.
    recv_queue: Option<u32>,
    /// Packets dropped since it was opened; of a listener, connections.
    drops: Option<u32>,
    /// The kernel chose the port, and nothing names it.
    ephemeral: bool,
    /// It, or an owner, changed while it was looked at.
    raced: bool,
    /// known | kernel | in_flight | denied | other_pid_namespace | vanished | none | unknown: the first that applies;
    /// none is a complete view and nobody.
    owner_status: &'static str,
    /// How many processes hold it.
    owner_count: usize,
    /// At most 64 of them, each distinct executable, user, unit and container among them; the first speaks for it.
    owners: Vec<Owner>,
    /// There are more than `owners` lists.
    owners_truncated: bool,
    /// What in the kernel serves it; null unless `owner_status` is kernel.
    kernel_owner: Option<WireKernelOwner>,
    /// The unit of the first owner; where no owner could be seen, of the cgroup that the socket was created in.
    unit: Option<String>,
    /// What a user's own manager runs within it.
    user_unit: Option<String>,
    /// The container, likewise: RUNTIME:ID
    container: Option<String>,
    /// none | known | unknown
    unit_state: Option<&'static str>,
    /// none | known | unknown
    container_state: Option<&'static str>,
    /// What its port claims to be.
    service: Option<Service>,
    /// [ { family, address, interface, verdict: open | filtered | unknown, from, evidence } ]
    reach: Option<Vec<Later>>,
    /// The policy entry it matched.
    expectation: Option<Expectation>,
    /// new | known; null where no state was consulted, or the last run could not have seen it.
    seen: Option<&'static str>,
    /// The rules that fired.
    findings: Vec<&'static str>,
    /// The worst of them: critical | high | medium | low | info
    severity: Option<&'static str>,
    /// v1: and 32 hexadecimal digits: what makes two sightings the same thing.
    fingerprint: String,
    /// What the fingerprint was made of, for eyes.
    fingerprint_text: String,
}

/// A queue of connections to accept.
#[derive(Serialize, JsonSchema)]
struct Backlog {
    /// Connections that wait.
    queued: u32,
    /// How many may.
    limit: u32,
}

/// A process that holds a listener. What it is comes from the executable; comm and cmdline are its own words.
#[derive(Serialize, JsonSchema)]
struct Owner {
    pid: Option<u32>,
    ppid: Option<u32>,
    /// When it started, RFC 3339.
    started: Option<String>,
    /// Clock ticks from boot to its start.
    start_ticks: Option<u64>,
    /// The name it gave itself.
    comm: Option<String>,
    /// The path of its executable; evidence only where `exe_state` is ok.
    exe: Option<String>,
    /// ok | deleted | memfd | foreign | unreadable
    exe_state: &'static str,
    /// It was deleted, and the host has another file of root's at its path; null where it was not deleted, or that is not
    /// known.
    exe_replaced: Option<bool>,
    uid: Option<u32>,
    user: Option<String>,
    unit: Option<String>,
    user_unit: Option<String>,
    /// The socket unit that it holds it for; where no service of that has it too, none of it runs.
    socket_unit: Option<String>,
    /// RUNTIME:ID, by the cgroup: docker | containerd | cri-o | podman | kubernetes | lxc | nspawn, then the whole id (64
    /// hexadecimal digits) or the name.
    container: Option<String>,
    /// The uid of the pod that the container is of.
    pod: Option<String>,
    /// The package that owns the executable, without version; looked up only with --packages.
    package: Option<String>,
    /// owned | none | foreign (it is not the host's file of that name) | not_looked_up | unknown
    package_state: Option<&'static str>,
    /// The script that it runs, by its own arguments, where it is an interpreter and a file of that path is there.
    script: Option<String>,
    /// Its arguments, only where they were asked for.
    cmdline: Option<String>,
    /// The lowest descriptor by which it holds it.
    fd: Option<u32>,
    /// fd | thread | io_uring | in_flight | foreign_netns | cgroup
    via: &'static str,
    /// proved | probable | candidate
    certainty: &'static str,
    /// server | activator | proxy
    role: &'static str,
}

/// What a port claims to be, and what the owner says to that.
#[derive(Serialize, JsonSchema)]
struct Service {
    name: String,
    /// What it is, in words.
    title: String,
    /// iana | defacto | vendor | user
    source: &'static str,
    /// What IANA lists at this port, where that differs.
    iana_name: Option<String>,
    /// confirmed | contradicted | open
    claim: &'static str,
    /// It administers something.
    management: Option<bool>,
    /// How it protects what it says: cleartext, tls, …
    security: Option<String>,
    /// What to use instead.
    secure_counterpart: Vec<WireCounterpart>,
    /// Other uses of the port.
    alternatives: Vec<Alternative>,
}

fn escaped(text: Option<&Text>) -> Option<String> {
    text.map(Text::escaped)
}

impl Listener {
    pub(super) fn new(context: &Context<'_>, listener: &report::Listener) -> Self {
        let report = context.report;
        let socket = &listener.socket;
        let (unit, unit_state) = report.unit(listener);
        let (container, container_state) = report.container(listener);
        let fingerprint = report.fingerprint(listener);
        let address = match &socket.local {
            Local::Inet { .. } | Local::Raw { .. } | Local::Vsock { .. } => Some(listener.address()),
            Local::Packet { .. } | Local::Unix { .. } => None,
        };
        let protocol = match socket.local {
            Local::Raw { protocol, .. } => Some(u16::from(protocol)),
            Local::Packet { protocol, .. } => Some(protocol),
            _ => None,
        };
        let path = match &socket.local {
            Local::Unix { path, .. } => Some(report::unix_name(path)),
            _ => None,
        };
        let backlog = socket.backlog.map(|backlog| Backlog { queued: backlog.queued, limit: backlog.limit });
        Self {
            id: context.volatile(hex(listener.id)),
            group: context.volatile(hex(listener.group)),
            endpoint: printable(&listener.endpoint).into_owned(),
            transport: socket.transport.name(),
            mptcp: socket.mptcp,
            family: socket.ip().map(|ip| if ip.is_ipv4() { "ipv4" } else { "ipv6" }),
            address,
            port: socket.port(),
            socket_type: socket.type_name(),
            protocol,
            path,
            dual_stack: socket.dual_stack(),
            state: socket.state.name(),
            interface: listener.interface.escaped(),
            scope: listener.scope.name(),
            exposure: listener.exposure.name(),
            netns: WireNetNs::new(context, report.netns(listener)),
            uid: socket.uid,
            inode: safe(socket.inode).filter(|_| report.host.has_inodes()).and_then(|inode| context.volatile(inode)),
            cookie: socket.cookie.and_then(|cookie| context.volatile(hex(cookie))),
            cgroup: report.cgroup(listener).and_then(|cgroup| match cgroup.starts_with("id:") {
                true => context.volatile(cgroup),
                false => Some(cgroup),
            }),
            backlog: backlog.and_then(|backlog| context.volatile(backlog)),
            recv_queue: socket.recv_queue.and_then(|bytes| context.volatile(bytes)),
            drops: socket.drops.and_then(|drops| context.volatile(drops)),
            ephemeral: listener.ephemeral,
            raced: socket.raced || listener.owners.iter().any(|owner| report.process(owner).raced),
            owner_status: listener.owner_status.name(),
            owner_count: listener.owner_count,
            owners: order::owners(report, context.view, listener)
                .into_iter()
                .map(|o| Owner::new(context, listener, o))
                .collect(),
            owners_truncated: listener.owner_count > listener.owners.len(),
            kernel_owner: listener.kernel_owner().map(WireKernelOwner::new),
            unit: escaped(unit),
            user_unit: escaped(report.user_unit(listener)),
            container: container.map(Container::name),
            unit_state: Some(unit_state.name()),
            container_state: Some(container_state.name()),
            service: listener.service.as_ref().map(Service::new),
            reach: None,
            expectation: listener.expectation.and_then(|at| {
                let policy = report.policy.as_ref()?;
                policy.expects.get(at).map(|expect| Expectation::new(policy, expect))
            }),
            seen: listener.seen.map(report::Seen::name),
            findings: rule_names(report, listener),
            severity: listener.severity.map(|severity| severity.name()),
            fingerprint: fingerprint.digest(),
            fingerprint_text: printable(&fingerprint.text()).into_owned(),
        }
    }
}

impl Owner {
    fn new(context: &Context<'_>, listener: &report::Listener, owner: &report::Owner) -> Self {
        let process = context.report.process(owner);
        Self {
            pid: context.volatile(process.pid),
            ppid: process.ppid.and_then(|pid| context.volatile(pid)),
            started: process.started.and_then(|started| context.volatile(time(started))),
            start_ticks: process.start_ticks.and_then(safe).and_then(|ticks| context.volatile(ticks)),
            comm: escaped(process.comm.as_ref()),
            exe: escaped(process.exe.as_ref()),
            exe_state: process.exe_state.name(),
            exe_replaced: process.exe_replaced,
            uid: process.uid,
            user: escaped(process.user.as_ref()),
            unit: escaped(process.unit.as_ref()),
            user_unit: escaped(process.user_unit.as_ref()),
            socket_unit: escaped(context.report.socket_unit(listener, owner)),
            container: process.container.as_ref().map(Container::name),
            pod: escaped(process.container.as_ref().and_then(|container| container.pod.as_ref())),
            package: escaped(process.package.as_ref()),
            package_state: Some(process.package_state.name()),
            script: escaped(process.script.as_ref()),
            cmdline: escaped(process.cmdline.as_ref().filter(|_| context.view.cmdline)),
            fd: context.volatile(owner.fd).filter(|_| owner.via.has_descriptor()),
            via: owner.via.name(),
            certainty: owner.certainty.name(),
            role: owner.role.name(),
        }
    }
}

impl Service {
    fn new(service: &report::Service) -> Self {
        let words = |text: &str| printable(text).into_owned();
        Self {
            name: words(service.name),
            title: words(service.title),
            source: service.source.name(),
            iana_name: service.iana_name.map(words),
            claim: service.claim.name(),
            management: service.management,
            security: service.security.map(words),
            secure_counterpart: WireCounterpart::all(&service.secure_counterpart),
            alternatives: Alternative::all(&service.alternatives),
        }
    }
}
