//! One listener, compared with one word.

use std::net::IpAddr;

use super::{Answer, Bound, Place, Port, What};
use crate::model::{Container, ExeState, OwnerStatus, Process, Scope, Transport, UnitState};
use crate::query::namespace::is_called;
use crate::query::pattern::Pattern;
use crate::registry::Verdict;
use crate::report::{Listener, Report};

/// A listener and the report it stands in.
pub(super) struct Subject<'a> {
    pub(super) report: &'a Report,
    pub(super) listener: &'a Listener,
}

impl Subject<'_> {
    /// Whether the listener is what a word stands for.
    pub(super) fn answers(&self, what: &What) -> Answer {
        let listener = self.listener;
        match what {
            What::Place(place) => holds(place, listener, is_bound_to),
            What::Address(bound) => is_bound_to(bound, listener).into(),
            What::Name(pattern) if self.has_service(pattern) || is_kernel(listener, pattern) => Answer::Yes,
            What::Name(pattern) | What::Unit(pattern) if self.comes_from_unit(pattern) => Answer::Yes,
            What::Name(pattern) | What::Container(pattern) if self.comes_from_container(pattern) => Answer::Yes,
            What::Name(pattern) => self.owned(|process| {
                let path = pattern.text().starts_with('/');
                let exe = process.exe.as_ref().is_some_and(|exe| match path {
                    true => pattern.fits_text(exe),
                    false => pattern.fits_text(&exe.base_name().into()),
                });
                let comm = process.comm.as_ref().is_some_and(|comm| pattern.fits_comm(comm));
                let script = process.script.as_ref().is_some_and(|script| match path {
                    true => pattern.fits_text(script),
                    false => pattern.fits_text(&script.base_name().into()),
                });
                let user = process.user.as_ref().is_some_and(|user| pattern.fits_text(user));
                let found =
                    exe || comm || script || user || has_unit(process, pattern) || is_in_container(process, pattern);
                let known = process.exe_state != ExeState::Unreadable
                    && process.comm.is_some()
                    && process.unit_state != UnitState::Unknown
                    && process.uid.is_some();
                or_unknown(found, known)
            }),
            What::Pid(pid) => self.owned(|process| (process.pid == *pid).into()),
            What::User(pattern) => self.owned(|process| match &process.user {
                Some(user) => pattern.fits_text(user).into(),
                // A user without a name has none that could fit.
                None => or_unknown(false, process.uid.is_some()),
            }),
            What::Uid(uid) if listener.socket.uid == Some(*uid) => Answer::Yes,
            What::Uid(uid) => self.owned(|process| or_unknown(process.uid == Some(*uid), process.uid.is_some())),
            What::Unit(pattern) => {
                self.owned(|process| or_unknown(has_unit(process, pattern), process.unit_state != UnitState::Unknown))
            }
            What::Exe(pattern) => self.owned(|process| match &process.exe {
                Some(exe) if pattern.text().contains('/') => pattern.fits_text(exe).into(),
                Some(exe) => pattern.fits_text(&exe.base_name().into()).into(),
                None => or_unknown(false, process.exe_state != ExeState::Unreadable),
            }),
            What::Container(pattern) => self.owned(|process| {
                or_unknown(is_in_container(process, pattern), process.container_state != UnitState::Unknown)
            }),
            What::NetNs(pattern) => is_called(self.report.netns(listener), pattern).into(),
            What::Service(pattern) => self.has_service(pattern).into(),
            What::Rule(name) => {
                let findings = listener.findings.iter().filter_map(|at| self.report.findings.get(*at));
                self.judged(findings.into_iter().any(|f| f.rule.name == name || f.also.contains(&name.as_str())))
            }
            What::Scope(scope) => (listener.scope == *scope).into(),
            What::Severity(range) => self.judged(listener.severity.is_some_and(|severity| range.contains(&severity))),
        }
    }

    /// True where it is held for that socket unit; or nobody is seen to hold it, and the cgroup that it was created in is of
    /// that unit.
    fn comes_from_unit(&self, pattern: &Pattern) -> bool {
        let origin = self.report.origin(self.listener);
        let of_origin = origin.into_iter().flat_map(|origin| [&origin.unit, &origin.user_unit]).flatten();
        let owners = self.listener.owners.iter();
        let sockets = owners.filter_map(|owner| self.report.socket_unit(self.listener, owner));
        of_origin.chain(sockets).any(|unit| pattern.fits_unit(unit))
    }

    /// Likewise of that container.
    fn comes_from_container(&self, pattern: &Pattern) -> bool {
        let origin = self.report.origin(self.listener);
        origin.and_then(|origin| origin.container.as_ref()).is_some_and(|container| is_container(container, pattern))
    }

    /// The names of a port: what it claims to be, what IANA calls it, and its other uses, unless the owner confirms
    /// which one it is.
    fn has_service(&self, pattern: &Pattern) -> bool {
        has_service(self.listener, pattern)
    }

    /// What is found wrong rests on who holds it: where that is not known, "no" is not certain.
    fn judged(&self, found: bool) -> Answer {
        or_unknown(
            found,
            matches!(self.listener.owner_status, OwnerStatus::Known | OwnerStatus::Kernel | OwnerStatus::None),
        )
    }

    /// Asks each owner. Where not all of them are known, "no" is not certain.
    fn owned(&self, ask: impl Fn(&Process) -> Answer) -> Answer {
        let listener = self.listener;
        let answers = listener.owners.iter().map(|owner| ask(self.report.process(owner)));
        let any = answers.max().unwrap_or(Answer::No);
        let known = match listener.owner_status {
            OwnerStatus::Known => listener.owner_count <= listener.owners.len(),
            OwnerStatus::Kernel | OwnerStatus::None => true,
            _ => false,
        };
        if any == Answer::No && !known { Answer::Unknown } else { any }
    }
}

fn or_unknown(found: bool, known: bool) -> Answer {
    if known || found { found.into() } else { Answer::Unknown }
}

fn has_unit(process: &Process, pattern: &Pattern) -> bool {
    [&process.unit, &process.user_unit].into_iter().flatten().any(|unit| pattern.fits_unit(unit))
}

/// Whether a process is in a container of that id (the first 12 digits do) or name, with its runtime before it or
/// without, or of that pod.
fn is_in_container(process: &Process, pattern: &Pattern) -> bool {
    process.container.as_ref().is_some_and(|container| is_container(container, pattern))
}

fn is_container(container: &Container, pattern: &Pattern) -> bool {
    pattern.fits_text(&container.id)
        || pattern.fits_text(&container.short_id())
        || pattern.fits(&container.name())
        || pattern.fits(&container.short_name())
        || container.pod.as_ref().is_some_and(|pod| pattern.fits_text(pod))
}

fn is_kernel(listener: &Listener, pattern: &Pattern) -> bool {
    listener.kernel_owner().is_some_and(|owner| {
        pattern.fits(owner.kind) || owner.device.as_ref().is_some_and(|device| pattern.fits_text(device))
    })
}

fn has_service(listener: &Listener, pattern: &Pattern) -> bool {
    let Some(service) = &listener.service else { return false };
    pattern.fits(service.name)
        || service.iana_name.is_some_and(|name| pattern.fits(name))
        || (service.claim != Verdict::Confirmed && service.alternatives.iter().any(|(name, _)| pattern.fits(name)))
}

/// Whether a listener holds a place, where `at` compares addresses.
fn holds(place: &Place, listener: &Listener, at: fn(&Bound, &Listener) -> bool) -> Answer {
    let socket = &listener.socket;
    let transport = place.transports.is_empty() || place.transports.contains(&socket.transport);
    let address = place.address.as_ref().is_none_or(|bound| at(bound, listener));
    let port = match &place.port {
        Port::Any => true,
        Port::Numbers(ranges) => socket.port().is_some_and(|port| ranges.iter().any(|range| range.contains(&port))),
        Port::Of(service) => has_service(listener, service),
        Port::Endpoint(endpoint) => listener.endpoint == *endpoint,
    };
    (transport && (!place.mptcp || socket.mptcp) && address && port).into()
}

/// Whether a listener receives at a place although it is bound to another address.
pub(super) fn covers(place: &Place, listener: &Listener) -> Answer {
    holds(place, listener, |bound, listener| {
        let Bound::Net(net, _) = bound else { return false };
        let family = match (net.addr(), listener.socket.ip()) {
            (IpAddr::V4(_), Some(IpAddr::V4(_))) | (IpAddr::V6(_), Some(IpAddr::V6(_))) => true,
            (IpAddr::V4(_), Some(IpAddr::V6(_))) => listener.socket.dual_stack() != Some(false),
            _ => false,
        };
        family && listener.scope == Scope::Wildcard && listener.interface.is_empty()
    })
}

/// Whether a listener is bound to an address.
fn is_bound_to(bound: &Bound, listener: &Listener) -> bool {
    match bound {
        Bound::Wildcard => listener.scope == Scope::Wildcard && listener.socket.transport != Transport::Packet,
        Bound::Net(net, device) => {
            let ip = listener.socket.ip().map(|ip| ip.to_canonical());
            let on_device = device.as_ref().is_none_or(|device| listener.interface.escaped() == *device);
            ip.is_some_and(|ip| net.contains(&ip)) && on_device
        }
    }
}
