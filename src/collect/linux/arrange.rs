//! From all rows that were read to the sockets of a snapshot: joined, split, dropped and put in order.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::model::{Local, Snapshot, Socket, State, Transport};

/// Sockets in TIME-WAIT receive nothing: they only keep their address from being bound.
pub fn split_lingering(snapshot: &mut Snapshot) {
    let waits = |socket: &Socket| socket.state == State::Bound && socket.inode == 0;
    let address = |socket: &Socket| match socket.local {
        Local::Inet { ip, port } if waits(socket) => Some(SocketAddr::new(ip, port)),
        _ => None,
    };
    let lingering: BTreeSet<SocketAddr> = snapshot.sockets.iter().filter_map(address).collect();
    snapshot.lingering = lingering.into_iter().collect();
    keep_sockets(snapshot, |socket| !waits(socket));
}

/// An MPTCP listener shows as TCP too, with the same inode: one row, marked.
pub fn join_mptcp(snapshot: &mut Snapshot) {
    let mptcp = snapshot.sockets.iter().filter(|socket| socket.mptcp && socket.inode != 0);
    let inodes: BTreeSet<u64> = mptcp.map(|socket| socket.inode).collect();
    if inodes.is_empty() {
        return;
    }
    let mut joined = BTreeSet::new();
    for socket in snapshot.sockets.iter_mut().filter(|socket| !socket.mptcp && socket.transport == Transport::Tcp) {
        if inodes.contains(&socket.inode) && socket.state == State::Listen {
            joined.insert(socket.inode);
        }
    }
    keep_sockets(snapshot, |socket| !(socket.mptcp && joined.contains(&socket.inode)));
    for socket in &mut snapshot.sockets {
        socket.mptcp |= joined.contains(&socket.inode);
    }
}

/// Leaves the sockets and tables of these namespaces. Where none of them stays, their list does: it names those there are.
pub fn keep_namespaces(snapshot: &mut Snapshot, kept: &[bool]) {
    if kept.iter().all(|kept| *kept) {
        return;
    }
    keep_sockets(snapshot, |socket| kept[socket.netns]);
    snapshot.tables.retain(|table| kept[table.netns]);
    if !kept.contains(&true) {
        return;
    }
    let mut next = 0;
    let moved: Vec<usize> = kept
        .iter()
        .map(|kept| {
            next += usize::from(*kept);
            next.saturating_sub(1)
        })
        .collect();
    let mut at = 0;
    snapshot.namespaces.retain(|_| {
        at += 1;
        kept[at - 1]
    });
    snapshot.sockets.iter_mut().for_each(|socket| socket.netns = moved[socket.netns]);
    snapshot.tables.iter_mut().for_each(|table| table.netns = moved[table.netns]);
}

/// Drops the sockets that are not kept, with their holders.
pub fn keep_sockets(snapshot: &mut Snapshot, keep: impl Fn(&Socket) -> bool) {
    let mut moved = Vec::with_capacity(snapshot.sockets.len());
    let mut next = 0;
    for socket in &snapshot.sockets {
        let kept = keep(socket);
        moved.push(kept.then_some(next));
        next += u32::from(kept);
    }
    snapshot.sockets.retain(|socket| keep(socket));
    snapshot.holders.retain_mut(|holder| match moved[holder.socket as usize] {
        Some(socket) => {
            holder.socket = socket;
            true
        }
        None => false,
    });
}

/// Sorts processes by pid and holders by socket, drops processes that hold nothing, and one holder for a process and
/// socket stays.
pub fn order(snapshot: &mut Snapshot) {
    let mut holds = vec![false; snapshot.processes.len()];
    snapshot.holders.iter().for_each(|holder| holds[holder.process as usize] = true);
    let mut kept: Vec<usize> = (0..holds.len()).filter(|at| holds[*at]).collect();
    kept.sort_by_key(|at| (snapshot.processes[*at].pid, snapshot.processes[*at].start_ticks));
    let mut moved = vec![0u32; holds.len()];
    kept.iter().enumerate().for_each(|(to, from)| moved[*from] = to as u32);
    let mut processes: Vec<Option<_>> = std::mem::take(&mut snapshot.processes).into_iter().map(Some).collect();
    snapshot.processes = kept.iter().filter_map(|at| processes[*at].take()).collect();
    snapshot.holders.iter_mut().for_each(|holder| holder.process = moved[holder.process as usize]);
    snapshot.holders.sort_unstable();
    snapshot.holders.dedup_by_key(|holder| (holder.socket, holder.process));
}
