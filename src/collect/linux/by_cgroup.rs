//! Sockets by the cgroup that they were created in, which the kernel tells everybody.
//!
//! It is evidence of where a socket comes from and no proof of who holds it: a process may have passed it on, or have
//! moved. So it gives a unit and a container where no holder could be seen, and a process only as probable.

use std::collections::{BTreeMap, BTreeSet};

use super::holders::{Pass, number};
use super::question::Question;
use super::{name_users, proc_pid, vantage};
use crate::model::{Certainty, Cgroup, Holder, Process, Snapshot, Text, UnitState, Via};

/// Names the cgroups of all sockets, where they are to be shown, or of those whose holders may be hidden or hold them for
/// a socket unit; and where a cgroup of hidden holders has a single process, names that as the probable owner.
pub fn attribute(pass: &Pass<'_>, show: bool, snapshot: &mut Snapshot) {
    let hidden = hidden(snapshot);
    let of = |at: usize| snapshot.sockets[at].cgroup;
    let ids: BTreeSet<u64> = match show {
        true => snapshot.sockets.iter().filter_map(|socket| socket.cgroup).collect(),
        false => hidden.iter().copied().chain(activated(snapshot)).filter_map(of).collect(),
    };
    if ids.is_empty() {
        return;
    }
    let answer = pass.kernel.get(&Question::CgroupPaths(ids.into_iter().collect())).unwrap_or_default();
    let lines = std::str::from_utf8(&answer).unwrap_or_default().lines().filter_map(|line| line.split_once(' '));
    let named = lines.filter_map(|(id, path)| Some((id.parse().ok()?, Text::unescape(path)?)));
    snapshot.cgroups = named.filter_map(|(id, path)| Some((id, cgroup(&path)?))).collect();
    let mut of_cgroup: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for at in hidden {
        if let Some(id) = snapshot.sockets[at].cgroup {
            of_cgroup.entry(id).or_default().push(at as u32);
        }
    }
    let before = snapshot.processes.len();
    for (id, sockets) in of_cgroup {
        let only = snapshot.cgroups.get(&id).and_then(|cgroup| only_process(pass, cgroup));
        let Some(pid) = only.filter(|pid| is_closed(pass, *pid)) else { continue };
        let known = snapshot.processes.iter().position(|process| process.pid == pid);
        let index = known.unwrap_or(snapshot.processes.len()) as u32;
        if known.is_none() {
            // Whether it holds the socket cannot be seen, so there is nothing to look at again.
            let Ok((process, _)) = pass.identify(pid, None, || true) else { continue };
            snapshot.processes.push(process);
        }
        let probable =
            |socket| Holder { via: Via::Cgroup, certainty: Certainty::Probable, ..Holder::proved(socket, index, 0) };
        snapshot.holders.extend(sockets.into_iter().map(probable));
    }
    if snapshot.processes.len() > before {
        name_users(pass.kernel, snapshot);
    }
}

/// The sockets that nobody is seen to hold, where somebody may.
fn hidden(snapshot: &Snapshot) -> Vec<usize> {
    if vantage::sees_every_holder(snapshot) {
        return Vec::new();
    }
    let mut held = vec![false; snapshot.sockets.len()];
    snapshot.holders.iter().for_each(|holder| held[holder.socket as usize] = true);
    let sockets = snapshot.sockets.iter().enumerate();
    let hidden = sockets.filter(|(at, socket)| !held[*at] && !socket.raced && socket.kernel_owner.is_none());
    hidden.map(|(at, _)| at).collect()
}

/// The sockets that a service manager holds. It opens one within the cgroup of the socket unit that it is for, so that
/// packet filters of the unit apply (`socket_address_listen_in_cgroup` in systemd's src/core/socket.c).
fn activated(snapshot: &Snapshot) -> impl Iterator<Item = usize> + use<'_> {
    let is_manager =
        |process: &Process| process.pid == 1 || process.exe.as_ref().is_some_and(|exe| exe.base_name() == b"systemd");
    let held = snapshot.holders.iter().filter(move |holder| is_manager(&snapshot.processes[holder.process as usize]));
    held.map(|holder| holder.socket as usize)
}

/// What the path of a cgroup tells: as that of a process in it. That it tells of no unit proves nothing of who holds the
/// socket: on hosts with cgroups of version 1 every socket comes from the root.
fn cgroup(path: &Text) -> Option<Cgroup> {
    let cgroup = proc_pid::cgroup(&[b"0::", path.as_bytes()].concat())?;
    let known = |state| if state == UnitState::None { UnitState::Unknown } else { state };
    let (unit_state, container_state) = (known(cgroup.unit_state), known(cgroup.container_state));
    Some(Cgroup { unit_state, container_state, ..cgroup })
}

/// The process of a cgroup that has one, and no cgroups below it where others may be. The root has whatever was never put
/// anywhere.
fn only_process(pass: &Pass<'_>, cgroup: &Cgroup) -> Option<u32> {
    if cgroup.path.as_bytes() == b"/" {
        return None;
    }
    let answer = pass.kernel.get(&Question::CgroupProcs(cgroup.path.as_bytes().to_vec())).ok()?;
    let mut lines = answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let pid = lines.next().and_then(number)?;
    (pid != 0 && lines.next().is_none()).then_some(pid)
}

/// True for a process whose descriptors could not be seen: of any other it was seen that it does not hold the socket.
fn is_closed(pass: &Pass<'_>, pid: u32) -> bool {
    match pass.kernel.get(&Question::Sockets(pid)) {
        Ok(answer) => pass.read_sockets(&answer).hidden.is_some(),
        Err(refusal) => refusal.is_denied(),
    }
}

#[cfg(test)]
#[path = "by_cgroup_tests.rs"]
mod tests;
