//! The IPv4 sockets at the port of an IPv6 wildcard.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use super::owners::{self, Ranking};
use crate::model::{Local, Snapshot, Socket, Transport};
use crate::rules::{self, Beside};

/// What the two have in common: namespace, transport, port and device.
type Place = (usize, Transport, u16, u32);

/// The IPv4 sockets beside each IPv6 wildcard that serves.
pub(super) struct Besides<'a>(HashMap<Place, Vec<Beside<'a>>>);

fn place(socket: &Socket) -> Option<(Place, IpAddr)> {
    let Local::Inet { ip, port } = socket.local else { return None };
    rules::serves(socket).then_some(((socket.netns, socket.transport, port, socket.device), ip))
}

fn is_wildcard(ip: IpAddr) -> bool {
    ip == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}

impl<'a> Besides<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, ranking: &Ranking) -> Self {
        let places = snapshot.sockets.iter().filter_map(place).filter(|(_, ip)| is_wildcard(*ip));
        let mut all: HashMap<Place, Vec<Beside<'a>>> = places.map(|(place, _)| (place, Vec::new())).collect();
        if all.is_empty() {
            return Self(all);
        }
        for (index, socket) in snapshot.sockets.iter().enumerate() {
            let Some((place, ip)) = place(socket) else { continue };
            let address = ip.to_canonical();
            if !address.is_ipv4() {
                continue;
            }
            if let Some(beside) = all.get_mut(&place) {
                let holders = snapshot.holders_of(index);
                let server = owners::is_proved(holders).then(|| ranking.first_server(holders)).flatten();
                beside.push(Beside { address, process: server.map(|at| &snapshot.processes[at]) });
            }
        }
        // The order of a snapshot is that of its tables; what is told depends on content alone.
        for beside in all.values_mut() {
            beside.sort_by_key(|one| (one.address, one.process.map(|process| (process.exe.as_ref(), process.pid))));
        }
        Self(all)
    }

    /// Those beside a socket; none beside what is no IPv6 wildcard.
    pub(super) fn of(&self, socket: &Socket) -> &[Beside<'a>] {
        let place = place(socket).filter(|(_, ip)| is_wildcard(*ip));
        place.and_then(|(place, _)| self.0.get(&place)).map_or(&[], Vec::as_slice)
    }
}
