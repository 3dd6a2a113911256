//! The order of output, which depends on content alone.

use std::cmp::Ordering;

use crate::model::{Local, NetNs, Snapshot, Socket, Text};

/// Puts the namespaces in order, the host's first, and points what is in them to where they went. Inodes of
/// namespaces are numbers of this boot, so they decide last.
pub(super) fn sort_namespaces(snapshot: &mut Snapshot) {
    let namespaces = std::mem::take(&mut snapshot.namespaces);
    let mut order: Vec<usize> = (0..namespaces.len()).collect();
    let key = |at: usize| -> (_, bool, Option<&Text>, Option<u64>) {
        let NetNs { kind, name, inode, .. } = &namespaces[at];
        (*kind, name.is_none(), name.as_ref(), *inode)
    };
    order.sort_by(|a, b| key(*a).cmp(&key(*b)));
    let mut place = vec![0; order.len()];
    for (to, from) in order.iter().enumerate() {
        place[*from] = to;
    }
    for socket in &mut snapshot.sockets {
        socket.netns = place[socket.netns];
    }
    for table in &mut snapshot.tables {
        table.netns = place[table.netns];
    }
    for lookup in &mut snapshot.sk_lookups {
        lookup.netns = place[lookup.netns];
    }
    snapshot.sk_lookups.sort();
    // Stable: within a namespace the collector's own order of tables stays.
    snapshot.tables.sort_by_key(|table| table.netns);
    let mut namespaces: Vec<_> = namespaces.into_iter().map(Some).collect();
    snapshot.namespaces = order.into_iter().filter_map(|from| namespaces[from].take()).collect();
}

/// The order of two listeners: by namespace, transport, port, family, address and device, and then by all else that
/// may tell them apart; the numbers that the kernel made up decide last.
pub(super) fn listeners(one: (&Socket, &Text), other: (&Socket, &Text)) -> Ordering {
    let ((a, a_interface), (b, b_interface)) = (one, other);
    let seat = |socket: &Socket| (socket.netns, socket.transport, number(socket), socket.ip());
    let nature = |s: &Socket| (s.state, s.mptcp, s.v6only, s.uid, s.cgroup);
    let made_up =
        |s: &Socket| (s.inode, s.cookie, s.recv_queue, s.drops, s.backlog.map(|b| (b.queued, b.limit)), s.raced);
    seat(a)
        .cmp(&seat(b))
        .then_with(|| a_interface.cmp(b_interface))
        .then_with(|| a.local.cmp(&b.local))
        .then_with(|| nature(a).cmp(&nature(b)))
        .then_with(|| made_up(a).cmp(&made_up(b)))
}

/// The port, or the number that stands for one.
fn number(socket: &Socket) -> Option<u32> {
    match socket.local {
        Local::Raw { protocol, .. } => Some(protocol.into()),
        Local::Packet { protocol, .. } => Some(protocol.into()),
        _ => socket.port(),
    }
}
