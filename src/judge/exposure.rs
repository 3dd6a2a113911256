//! How far away a sender may be: the class of the address, narrowed by where its packets can come in.

use crate::model::{Interface, NetNs, Scope, Socket, Text, Transport};

/// The name of the device that a socket is bound to; `if5` for one that could not be looked up, empty for none.
pub(super) fn interface(socket: &Socket, netns: &NetNs) -> Text {
    match (socket.device, netns.interface(socket.device)) {
        (0, _) => Text::default(),
        (_, Some(interface)) => interface.name.clone(),
        (index, None) => Text::from(format!("if{index}").as_str()),
    }
}

/// The class of the bound address, narrowed by the bound device and by the devices of the namespace.
///
/// It narrows only by what cannot be otherwise: private addresses do not make a wildcard private, because clouds and
/// home routers translate public addresses to them, and the namespace does not know.
pub(super) fn exposure(socket: &Socket, netns: &NetNs) -> Scope {
    let scope = socket.scope();
    // Between a virtual machine and its host no device of the namespace stands.
    let beside_devices = matches!(socket.transport, Transport::Vsock | Transport::Unix);
    let Some(interfaces) = netns.interfaces.as_ref().filter(|_| !beside_devices) else { return scope };
    let bound = (socket.device != 0).then(|| netns.interface(socket.device));
    match bound {
        Some(Some(device)) if device.loopback => return Scope::Loopback,
        // The device came or went while the host was looked at.
        Some(None) => return scope,
        _ => {}
    }
    if scope != Scope::Wildcard {
        return scope;
    }
    // A socket that is bound to a device which is down is judged as if it were up: it soon may be.
    let outward = |interface: &Interface| match bound {
        Some(_) => interface.index == socket.device,
        None => interface.up && !interface.loopback,
    };
    // A device that is up is enough, whatever addresses it has: more may come, and a local route or a transparent proxy
    // makes a host take addresses that no device bears.
    if interfaces.iter().any(outward) { scope } else { Scope::Loopback }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Local, NetNsKind, State};

    fn device(index: u32, name: &str, up: bool) -> Interface {
        Interface { index, name: Text::from(name), up, loopback: name == "lo", made_in: None, tunnel: None }
    }

    fn netns(interfaces: Option<Vec<Interface>>) -> NetNs {
        NetNs { inode: Some(1), name: None, kind: NetNsKind::Host, interfaces, addresses: None }
    }

    fn socket(transport: Transport, ip: &str, device: u32, v6only: Option<bool>) -> Socket {
        let ip = ip.parse().expect(ip);
        let local = match transport {
            Transport::Raw => Local::Raw { ip, protocol: 1 },
            Transport::Packet => Local::Packet { protocol: 3, cooked: false },
            Transport::Vsock => Local::Vsock { cid: u32::MAX, port: 1, dgram: false },
            _ => Local::Inet { ip, port: 1 },
        };
        Socket {
            transport,
            mptcp: false,
            state: State::Listen,
            local,
            device,
            v6only,
            uid: None,
            inode: 1,
            cookie: None,
            cgroup: None,
            backlog: None,
            recv_queue: None,
            drops: None,
            netns: 0,
            raced: false,
            kernel_owner: None,
        }
    }

    #[test]
    fn a_wildcard_is_narrowed_by_what_cannot_be_otherwise() {
        use Scope::{Loopback, Multicast, Private, Public, Wildcard};
        use Transport::{Packet, Raw, Tcp, Udp, Vsock};
        let lo = || device(1, "lo", true);
        let with = |more: Vec<Interface>| netns(Some([vec![lo()], more].concat()));
        let server = with(vec![device(2, "eth0", true)]);
        let alone = with(vec![]);
        let down = with(vec![device(2, "eth0", false)]);
        let bare = with(vec![device(2, "eth0", true)]);
        let anycast = with(vec![device(2, "eth0", true), device(3, "lo", true)]);
        let unknown = netns(None);
        let cases = [
            (Tcp, "0.0.0.0", 0, None, &server, Wildcard),
            (Tcp, "::", 0, Some(false), &server, Wildcard),
            (Tcp, "::", 0, Some(true), &server, Wildcard),
            (Tcp, "::", 0, None, &server, Wildcard),
            (Tcp, "::ffff:0.0.0.0", 0, Some(false), &server, Wildcard),
            (Tcp, "0.0.0.0", 0, None, &alone, Loopback),
            (Udp, "0.0.0.0", 0, None, &alone, Loopback),
            (Raw, "0.0.0.0", 0, None, &alone, Loopback),
            (Packet, "0.0.0.0", 0, None, &alone, Loopback),
            (Vsock, "0.0.0.0", 0, None, &alone, Wildcard),
            (Tcp, "0.0.0.0", 0, None, &down, Loopback),
            (Tcp, "0.0.0.0", 2, None, &down, Wildcard),
            (Tcp, "0.0.0.0", 0, None, &bare, Wildcard),
            (Tcp, "::", 0, Some(false), &bare, Wildcard),
            (Tcp, "::ffff:0.0.0.0", 0, Some(false), &bare, Wildcard),
            (Udp, "0.0.0.0", 0, None, &bare, Wildcard),
            (Udp, "::", 0, Some(true), &bare, Wildcard),
            (Tcp, "0.0.0.0", 0, None, &anycast, Wildcard),
            (Tcp, "0.0.0.0", 1, None, &server, Loopback),
            (Udp, "224.0.0.251", 1, None, &server, Loopback),
            (Packet, "0.0.0.0", 1, None, &server, Loopback),
            (Packet, "0.0.0.0", 2, None, &server, Wildcard),
            (Tcp, "0.0.0.0", 7, None, &alone, Wildcard),
            (Tcp, "10.0.0.5", 0, None, &alone, Private),
            (Tcp, "127.0.0.1", 0, None, &server, Loopback),
            (Udp, "224.0.0.251", 0, None, &server, Multicast),
            (Tcp, "198.51.100.7", 0, None, &server, Public),
            (Tcp, "0.0.0.0", 0, None, &unknown, Wildcard),
        ];
        for (transport, ip, device, v6only, netns, want) in cases {
            let got = exposure(&socket(transport, ip, device, v6only), netns);
            assert_eq!(got, want, "{transport:?} {ip} device {device} v6only {v6only:?} in {:?}", netns.interfaces);
        }
    }

    #[test]
    fn a_device_without_a_name_is_told_by_its_index() {
        let netns = netns(Some(vec![device(2, "eth0", true)]));
        let name = |device| interface(&socket(Transport::Tcp, "::", device, None), &netns).escaped();
        assert_eq!([name(0), name(2), name(5)], ["", "eth0", "if5"]);
    }
}
