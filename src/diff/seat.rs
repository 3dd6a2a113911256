//! Where a listener sits, and the listeners that are one thing: workers of one owner at one seat.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::holder::Holder;
use super::view;
use crate::model::{Container, NetNsKind, State, Text, Transport};
use crate::picture::{Listener, Picture, Place};

/// A namespace by what stays the same from one boot to the next: the name of a container's is its id, new with each start.
pub(super) type Space<'a> = (Option<NetNsKind>, Option<&'a Text>);

/// What of a namespace stays the same.
pub(super) fn space(place: &Place) -> Space<'_> {
    (place.kind, place.name.as_ref().filter(|name| !Container::is_number(name)))
}

/// The port, where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Port {
    None,
    /// Another with each bind.
    Ephemeral,
    Number(u32),
}

/// What listens, wherever it is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Door<'a> {
    space: Space<'a>,
    transport: Option<Transport>,
    socket_type: Option<&'a Text>,
    pub(super) port: Port,
    protocol: Option<u32>,
    path: Option<&'a Text>,
    /// Of a transport that this version does not know, the endpoint as it is written.
    unknown: Option<&'a str>,
}

/// A door, and where it is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Seat<'a> {
    pub(super) door: Door<'a>,
    address: Option<&'a Text>,
    interface: Option<&'a Text>,
}

impl Seat<'_> {
    /// The seat of a port that the kernel chose.
    pub(super) fn by_chance(mut self) -> Self {
        self.door.port = Port::Ephemeral;
        self
    }
}

/// Listeners of one owner at one seat of one namespace: workers that share a port, or one socket.
#[derive(Clone, Debug)]
pub(super) struct Thing<'a> {
    pub(super) seat: Seat<'a>,
    /// The namespace itself, where both pictures tell namespaces of one kind and name apart.
    pub(super) inode: Option<u64>,
    pub(super) holder: Holder<'a>,
    /// At least one, in the order of the report.
    pub(super) listeners: Vec<&'a Listener>,
    /// The place of the first in the picture.
    pub(super) at: usize,
}

impl<'a> Thing<'a> {
    /// The listener that speaks for all.
    pub(super) fn lead(&self) -> &'a Listener {
        self.listeners[0]
    }

    /// The ports by their numbers, ephemeral ones too.
    pub(super) fn ports(&self) -> BTreeSet<u32> {
        self.listeners.iter().filter_map(|listener| listener.port).collect()
    }
}

/// How the seats of two pictures are told apart.
pub(super) struct Seats {
    /// Both pictures have the inodes of all namespaces.
    inodes: bool,
    /// Transports of which both pictures know the device that a socket is bound to.
    devices: HashSet<Transport>,
    /// Ports that one of the pictures calls by their number.
    numbered: HashSet<(Option<Transport>, u32)>,
}

impl Seats {
    pub(super) fn of(old: &Picture, new: &Picture) -> Self {
        let all = || old.listeners.iter().chain(&new.listeners);
        let told =
            |transport: &Transport| [old, new].iter().all(|picture| view::tells(picture, *transport, "interface"));
        Self {
            inodes: all().all(|listener| listener.netns.inode.is_some()),
            devices: Transport::ALL.into_iter().filter(told).collect(),
            numbered: all().filter(|l| !l.ephemeral).filter_map(|l| Some((l.transport, l.port?))).collect(),
        }
    }

    fn seat<'a>(&self, listener: &'a Listener) -> Seat<'a> {
        let port = match listener.port {
            None => Port::None,
            Some(port) if listener.ephemeral && !self.numbered.contains(&(listener.transport, port)) => Port::Ephemeral,
            Some(port) => Port::Number(port),
        };
        let unknown = listener.transport.is_none().then_some(listener.endpoint.as_str());
        let device_is_told = listener.transport.is_none_or(|transport| self.devices.contains(&transport));
        Seat {
            door: Door {
                space: space(&listener.netns),
                transport: listener.transport,
                socket_type: listener.socket_type.as_ref(),
                port,
                protocol: listener.protocol,
                path: listener.path.as_ref(),
                unknown,
            },
            address: listener.address.as_ref(),
            interface: Some(&listener.interface).filter(|_| device_is_told),
        }
    }

    /// The things of a picture, in its order. What only keeps a port, or speaks to one peer, is no listener.
    pub(super) fn things<'a>(&self, picture: &'a Picture) -> Vec<Thing<'a>> {
        let mut things: Vec<Thing<'a>> = Vec::new();
        let mut known = HashMap::new();
        for (at, listener) in picture.listeners.iter().enumerate() {
            if matches!(listener.state, Some(State::Bound | State::Connected)) {
                continue;
            }
            let inode = listener.netns.inode.filter(|_| self.inodes);
            let (seat, holder) = (self.seat(listener), Holder::of(listener));
            let place = *known.entry((seat, inode, holder.clone())).or_insert(things.len());
            match things.get_mut(place) {
                Some(thing) => thing.listeners.push(listener),
                None => things.push(Thing { seat, inode, holder, listeners: vec![listener], at }),
            }
        }
        things
    }
}
