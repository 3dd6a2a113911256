//! The columns that `plain` and `csv` share: a name and how its cell is made. An empty cell means not known.

use super::words::{hex, kernel_label, process_name, rule_names, time, user_name};
use super::{View, order};
use crate::model::{Container, Process, Text};
use crate::report::{Counterpart, Listener, Report};

/// One listener and what it takes to speak of it.
pub(super) struct Row<'a> {
    pub(super) report: &'a Report,
    pub(super) view: &'a View,
    pub(super) listener: &'a Listener,
}

/// One column.
pub(super) struct Field {
    /// The name in the header; it never changes.
    pub(super) name: &'static str,
    /// Its cell, escaped.
    pub(super) cell: fn(&Row<'_>) -> String,
}

impl<'a> Row<'a> {
    fn owner(&self) -> Option<&'a Process> {
        self.report.first_owner(self.listener)
    }

    /// Empty in a stable view.
    fn volatile(&self, value: impl FnOnce(&Self) -> String) -> String {
        if self.view.stable { String::new() } else { value(self) }
    }
}

fn text(text: Option<&Text>) -> String {
    text.map(Text::escaped).unwrap_or_default()
}

fn number(number: Option<impl ToString>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

const fn field(name: &'static str, cell: fn(&Row<'_>) -> String) -> Field {
    Field { name, cell }
}

/// What every listener is about; the columns of `plain`.
pub(super) const BASE: &[Field] = &[
    field("transport", |row| row.listener.socket.transport.name().to_owned()),
    field("address", |row| row.listener.address()),
    field("port", |row| row.listener.port_text()),
    field("state", |row| row.listener.socket.state.name().to_owned()),
    field("service", |row| row.listener.service.as_ref().map_or("", |service| service.name).to_owned()),
    field("claim", |row| row.listener.service.as_ref().map_or("", |service| service.claim.name()).to_owned()),
    field("process", |row| {
        let kernel = || row.listener.kernel_owner().map(kernel_label);
        row.owner().and_then(process_name).or_else(kernel).unwrap_or_default()
    }),
    field("pids", |row| {
        row.volatile(|row| {
            let owners = order::owners(row.report, row.view, row.listener);
            let pids = owners.iter().map(|owner| row.report.process(owner).pid.to_string());
            pids.collect::<Vec<_>>().join(",")
        })
    }),
    field("owner_count", |row| row.listener.owner_count.to_string()),
    field("owner_status", |row| row.listener.owner_status.name().to_owned()),
    field("user", |row| row.owner().and_then(user_name).unwrap_or_default()),
    field("unit", |row| text(row.report.unit(row.listener).0)),
    field("user_unit", |row| text(row.report.user_unit(row.listener))),
    field("exposure", |row| row.listener.exposure.name().to_owned()),
    field("severity", |row| row.listener.severity.map_or("", |severity| severity.name()).to_owned()),
    field("findings", |row| rule_names(row.report, row.listener).join(",")),
    field("dual_stack", |row| number(row.listener.socket.dual_stack())),
    field("interface", |row| row.listener.interface.escaped()),
    field("exe", |row| text(row.owner().and_then(|process| process.exe.as_ref()))),
    field("container", |row| row.report.container(row.listener).0.map(Container::name).unwrap_or_default()),
];

/// What `csv` adds, since nobody has to read it on a screen.
pub(super) const MORE: &[Field] = &[
    field("endpoint", |row| row.listener.endpoint.clone()),
    field("id", |row| row.volatile(|row| hex(row.listener.id))),
    field("group", |row| row.volatile(|row| hex(row.listener.group))),
    field("mptcp", |row| row.listener.socket.mptcp.to_string()),
    field("family", |row| {
        row.listener.socket.ip().map_or("", |ip| if ip.is_ipv4() { "ipv4" } else { "ipv6" }).to_owned()
    }),
    field("scope", |row| row.listener.scope.name().to_owned()),
    field("ephemeral", |row| row.listener.ephemeral.to_string()),
    field("title", |row| row.listener.service.as_ref().map_or("", |service| service.title).to_owned()),
    field("source", |row| row.listener.service.as_ref().map_or("", |service| service.source.name()).to_owned()),
    field("iana_name", |row| row.listener.service.as_ref().and_then(|s| s.iana_name).unwrap_or_default().to_owned()),
    field("management", |row| number(row.listener.service.as_ref().and_then(|service| service.management))),
    field("security", |row| row.listener.service.as_ref().and_then(|s| s.security).unwrap_or_default().to_owned()),
    field("secure_counterpart", |row| {
        let counterparts = row.listener.service.iter().flat_map(|service| &service.secure_counterpart);
        let names = counterparts.map(|counterpart| match counterpart {
            Counterpart::Service { transport, port, name, .. } => format!("{}/{port} {name}", transport.name()),
            Counterpart::Text(text) => (*text).to_owned(),
        });
        names.collect::<Vec<_>>().join("; ")
    }),
    field("comm", |row| text(row.owner().and_then(|process| process.comm.as_ref()))),
    field("exe_state", |row| row.owner().map_or("", |process| process.exe_state.name()).to_owned()),
    field("unit_state", |row| row.report.unit(row.listener).1.name().to_owned()),
    field("container_state", |row| row.report.container(row.listener).1.name().to_owned()),
    field("pod", |row| text(row.report.container(row.listener).0.and_then(|container| container.pod.as_ref()))),
    field("messages", |row| {
        let findings = row.listener.findings.iter().map(|index| row.report.findings[*index].message.as_str());
        findings.collect::<Vec<_>>().join("; ")
    }),
    field("fingerprint", |row| row.report.fingerprint(row.listener).digest()),
];

/// What `-e` adds to both.
pub(super) const EXTENDED: &[Field] = &[
    field("inode", |row| row.volatile(|row| row.listener.socket.inode.to_string())),
    field("cookie", |row| row.volatile(|row| row.listener.socket.cookie.map(hex).unwrap_or_default())),
    field("uid", |row| number(row.listener.socket.uid)),
    field("cgroup", |row| row.report.cgroup(row.listener).unwrap_or_default()),
    field("netns", |row| {
        let netns = row.report.netns(row.listener);
        netns.name.as_ref().map_or_else(|| netns.kind.name().to_owned(), Text::escaped)
    }),
    field("netns_inode", |row| row.volatile(|row| number(row.report.netns(row.listener).inode))),
    field("queued", |row| row.volatile(|row| number(row.listener.socket.backlog.map(|backlog| backlog.queued)))),
    field("backlog", |row| row.volatile(|row| number(row.listener.socket.backlog.map(|backlog| backlog.limit)))),
    field("recv_queue", |row| row.volatile(|row| number(row.listener.socket.recv_queue))),
    field("drops", |row| row.volatile(|row| number(row.listener.socket.drops))),
    field("started", |row| {
        row.volatile(|row| row.owner().and_then(|process| process.started).map(time).unwrap_or_default())
    }),
];

/// The command line, where it was asked for.
pub(super) const CMDLINE: &[Field] =
    &[field("cmdline", |row| text(row.owner().and_then(|process| process.cmdline.as_ref())))];

/// The package, where it was looked up.
const PACKAGE: &[Field] = &[
    field("package", |row| text(row.owner().and_then(|process| process.package.as_ref()))),
    field("package_state", |row| row.owner().map_or("", |process| process.package_state.name()).to_owned()),
];

/// The columns of `plain` for a view; those of `csv` with `more`.
pub(super) fn fields(view: &View, more: bool) -> Vec<&'static Field> {
    let mut fields: Vec<&Field> = BASE.iter().collect();
    if more {
        fields.extend(MORE);
    }
    if view.extended {
        fields.extend(EXTENDED);
    }
    if view.packages {
        fields.extend(PACKAGE);
    }
    if view.cmdline {
        fields.extend(CMDLINE);
    }
    fields
}
