//! The order of output.

use std::cmp::Ordering;

use super::View;
use super::json::stable_row;
use crate::finding::About;
use crate::model::{Local, NetNs};
use crate::report::{Listener, Owner, Report, Role};

/// Indexes of the listeners in the order of output.
///
/// A report has an order already, but it may rest on what `--stable` leaves out. So a stable view is sorted by what it
/// shows: first by place, then, among sockets of one place, by the whole row as it is written.
pub(super) fn listeners(report: &Report, view: &View) -> Vec<usize> {
    let mut order: Vec<usize> = (0..report.listeners.len()).collect();
    if !view.stable {
        return order;
    }
    let place = |a: &usize, b: &usize| by_place(report, &report.listeners[*a], &report.listeners[*b]);
    order.sort_by(place);
    let mut rest = order.as_mut_slice();
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|other| place(first, other) == Ordering::Equal).count();
        let (group, after) = rest.split_at_mut(same);
        if same > 1 {
            group.sort_by_cached_key(|index| stable_row(report, view, *index));
        }
        rest = after;
    }
    order
}

/// Indexes of the findings in the order of output: the gravest first.
pub(super) fn findings(report: &Report, view: &View, listeners: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..report.findings.len()).collect();
    if view.stable {
        let mut position = vec![0; listeners.len()];
        for (at, &listener) in listeners.iter().enumerate() {
            position[listener] = at;
        }
        // Namespaces are in an order that rests on what they are called.
        let place = |about: About| match about {
            About::Listener(listener) => About::Listener(position[listener]),
            About::Namespace(_) | About::Expectation(_) | About::Suppression(_) => about,
        };
        order.sort_by(|a, b| {
            let (a, b) = (&report.findings[*a], &report.findings[*b]);
            let severity = b.severity.cmp(&a.severity).then_with(|| a.rule.name.cmp(b.rule.name));
            severity.then_with(|| place(a.about).cmp(&place(b.about))).then_with(|| a.message.cmp(&b.message))
        });
    }
    order
}

/// The owners of a listener in the order of output. The first speaks for the listener and stays; in a stable view the
/// others, whose order rests on pids and times, follow by what is shown of them, activators last.
pub(super) fn owners<'a>(report: &Report, view: &View, listener: &'a Listener) -> Vec<&'a Owner> {
    let mut owners: Vec<&Owner> = listener.owners.iter().collect();
    if let (true, Some((_, others))) = (view.stable, owners.split_first_mut()) {
        others.sort_by_cached_key(|owner| {
            let process = report.process(owner);
            let who = (process.exe.clone(), process.comm.clone(), process.uid, process.cgroup.clone());
            let what = (process.exe_state, process.cmdline.clone(), owner.role);
            (owner.role == Role::Activator, who, what)
        });
    }
    owners
}

/// As the report is ordered, as far as that rests on what a stable view shows.
fn by_place(report: &Report, a: &Listener, b: &Listener) -> Ordering {
    let netns = |listener| {
        let NetNs { kind, name, .. } = report.netns(listener);
        (kind, name.is_none(), name)
    };
    let seat = |listener: &Listener| {
        let number = match listener.socket.local {
            Local::Raw { protocol, .. } => Some(protocol.into()),
            Local::Packet { protocol, .. } => Some(protocol.into()),
            _ => listener.socket.port(),
        };
        (listener.socket.transport, number, listener.socket.ip())
    };
    let nature = |listener: &Listener| {
        let socket = &listener.socket;
        (socket.state, socket.mptcp, socket.v6only, socket.uid)
    };
    netns(a)
        .cmp(&netns(b))
        .then_with(|| seat(a).cmp(&seat(b)))
        .then_with(|| a.interface.cmp(&b.interface))
        .then_with(|| a.socket.local.cmp(&b.socket.local))
        .then_with(|| nature(a).cmp(&nature(b)))
}
