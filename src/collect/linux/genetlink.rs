//! Generic netlink, genetlink in netlink(7): what parts of the kernel tell of their own sockets. Their answers hold more
//! than is wanted, keys among it, so they are turned into lines at once, and only the lines go any further.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::netlink::{attribute, each_attribute, each_message, u16_at};

/// The family that tells of the families, `GENL_ID_CTRL`.
pub const CONTROL: u16 = 16;

/// The length of `struct genlmsghdr`.
const HEAD: usize = 4;

const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;

const WG_CMD_GET_DEVICE: u8 = 0;
const WGDEVICE_A_IFINDEX: u16 = 1;
const WGDEVICE_A_LISTEN_PORT: u16 = 6;

const L2TP_CMD_TUNNEL_GET: u8 = 4;
const L2TP_ATTR_ENCAP_TYPE: u16 = 2;
const L2TP_ENCAPTYPE_UDP: u16 = 0;
const L2TP_ATTR_IP_SADDR: u16 = 24;
const L2TP_ATTR_UDP_SPORT: u16 = 26;
const L2TP_ATTR_IP6_SADDR: u16 = 31;

const FOU_CMD_GET: u8 = 3;
const FOU_ATTR_PORT: u16 = 1;
const FOU_ATTR_AF: u16 = 2;
const FOU_ATTR_TYPE: u16 = 4;
const FOU_ATTR_LOCAL_V4: u16 = 6;
const FOU_ATTR_LOCAL_V6: u16 = 7;
const FOU_ENCAP_GUE: u8 = 2;
const AF_INET6: u8 = 10;

/// A socket of which a part of the kernel tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// `l2tp`, `fou` or `gue`.
    pub kind: &'static str,
    /// Its port.
    pub port: u16,
    /// Its address; unspecified for every address of that family.
    pub ip: IpAddr,
}

fn body(command: u8, attributes: &[u8]) -> Vec<u8> {
    [&[command, 1, 0, 0], attributes].concat()
}

/// The body of the request for the families. A dump: to ask for one by its name would load its module.
pub fn families_request() -> Vec<u8> {
    body(CTRL_CMD_GETFAMILY, &[])
}

/// The body of the request for a WireGuard device.
pub fn wireguard_request(index: u32) -> Vec<u8> {
    body(WG_CMD_GET_DEVICE, &attribute(WGDEVICE_A_IFINDEX, &index.to_ne_bytes()))
}

/// The body of the request for L2TP tunnels.
pub fn l2tp_request() -> Vec<u8> {
    body(L2TP_CMD_TUNNEL_GET, &[])
}

/// The body of the request for the ports of foo-over-UDP.
pub fn fou_request() -> Vec<u8> {
    body(FOU_CMD_GET, &[])
}

fn each_row(dump: &[u8], family: u16, mut row: impl FnMut(&[u8]) -> bool) {
    each_message(dump, family, |message| message.get(HEAD..).is_some_and(&mut row));
}

/// The number of a family, in a dump of the families or in a part of one.
pub fn family(dump: &[u8], wanted: &str) -> Option<u16> {
    let mut found = None;
    each_row(dump, CONTROL, |row| {
        let (mut id, mut name) = (None, &[][..]);
        let whole = each_attribute(row, |kind, value| match kind {
            CTRL_ATTR_FAMILY_ID => id = u16_at(value, 0),
            CTRL_ATTR_FAMILY_NAME => name = value.strip_suffix(&[0]).unwrap_or(value),
            _ => {}
        });
        if name == wanted.as_bytes() {
            found = found.or(id);
        }
        whole
    });
    found
}

/// The port of a WireGuard device, in its dump or in a part of it: all that is taken from there.
pub fn wireguard_port(dump: &[u8], family: u16) -> Option<u16> {
    let mut port = None;
    each_row(dump, family, |row| {
        each_attribute(row, |kind, value| {
            if kind == WGDEVICE_A_LISTEN_PORT {
                port = port.or(u16_at(value, 0).filter(|port| *port != 0));
            }
        })
    });
    port
}

/// A line `l2tp PORT ADDRESS` for each tunnel over UDP.
pub fn l2tp(dump: &[u8], family: u16, lines: &mut String) {
    each_row(dump, family, |row| {
        let (mut udp, mut port, mut address) = (false, None, None);
        let whole = each_attribute(row, |kind, value| match kind {
            L2TP_ATTR_ENCAP_TYPE => udp = u16_at(value, 0) == Some(L2TP_ENCAPTYPE_UDP),
            L2TP_ATTR_UDP_SPORT => port = u16_at(value, 0),
            L2TP_ATTR_IP_SADDR | L2TP_ATTR_IP6_SADDR => address = ip(value),
            _ => {}
        });
        if let (true, Some(port), Some(address)) = (udp, port, address) {
            let _ = writeln!(lines, "l2tp {port} {address}");
        }
        whole
    });
}

/// A line `fou PORT ADDRESS` or `gue PORT ADDRESS` for each port.
pub fn fou(dump: &[u8], family: u16, lines: &mut String) {
    each_row(dump, family, |row| {
        let (mut kind_name, mut port, mut any, mut local) = ("fou", None, IpAddr::from([0; 4]), None);
        let whole = each_attribute(row, |kind, value| match kind {
            FOU_ATTR_PORT => port = port_of(value),
            FOU_ATTR_AF if value.first() == Some(&AF_INET6) => any = IpAddr::from([0u8; 16]),
            FOU_ATTR_TYPE if value.first() == Some(&FOU_ENCAP_GUE) => kind_name = "gue",
            FOU_ATTR_LOCAL_V4 | FOU_ATTR_LOCAL_V6 => local = ip(value),
            _ => {}
        });
        if let Some(port) = port {
            let _ = writeln!(lines, "{kind_name} {port} {}", local.unwrap_or(any));
        }
        whole
    });
}

/// Reads lines of [`l2tp`] and [`fou`].
pub fn told(lines: &[u8]) -> Vec<Told> {
    let line = |line: &str| {
        let mut words = line.split(' ');
        let (kind, port, ip) = (words.next()?, words.next()?, words.next()?);
        let kind = ["l2tp", "fou", "gue"].into_iter().find(|known| *known == kind)?;
        Some(Told { kind, port: port.parse().ok()?, ip: ip.parse().ok()? })
    };
    std::str::from_utf8(lines).unwrap_or_default().lines().filter_map(line).collect()
}

/// Reads lines `DEVICE PORT`: the index of a WireGuard device and the port of its socket.
pub fn wireguard_ports(lines: &[u8]) -> Vec<(u32, u16)> {
    let line = |line: &str| {
        let (device, port) = line.split_once(' ')?;
        Some((device.parse().ok()?, port.parse().ok()?))
    };
    std::str::from_utf8(lines).unwrap_or_default().lines().filter_map(line).collect()
}

/// A port in network order.
pub fn port_of(value: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(value.get(..2)?.try_into().ok()?))
}

/// An address of either family.
pub fn ip(value: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(value).map(IpAddr::from).or_else(|_| <[u8; 16]>::try_from(value).map(IpAddr::from)).ok()
}

#[cfg(test)]
mod tests {
    use super::super::netlink::assemble::{done, message};
    use super::*;
    use proptest::prelude::*;

    fn row(family: u16, attributes: &[Vec<u8>]) -> Vec<u8> {
        message(family, &[&[1, 1, 0, 0], &attributes.concat()[..]].concat())
    }

    #[test]
    fn a_family_is_found_by_its_name() {
        let named = |id: u16, name: &[u8]| {
            row(CONTROL, &[attribute(CTRL_ATTR_FAMILY_ID, &id.to_ne_bytes()), attribute(CTRL_ATTR_FAMILY_NAME, name)])
        };
        let dump = [named(16, b"nlctrl\0"), named(31, b"wireguard\0"), named(32, b"l2tp\0"), done(0)].concat();
        assert_eq!(family(&dump, "wireguard"), Some(31));
        assert_eq!(family(&dump, "l2tp"), Some(32));
        assert_eq!(family(&dump, "fou"), None);
        assert_eq!(family(&[], "fou"), None);
    }

    #[test]
    fn only_the_port_of_a_wireguard_device_is_taken() {
        let secret = attribute(3, &[0xaa; 32]);
        let port = attribute(WGDEVICE_A_LISTEN_PORT, &51820u16.to_ne_bytes());
        let dump = [row(31, &[secret.clone(), port]), row(31, &[secret]), done(0)].concat();
        assert_eq!(wireguard_port(&dump, 31), Some(51820));
        assert_eq!(wireguard_port(&dump, 30), None);
        assert_eq!(wireguard_ports(b"7 51820\nx 1\n8\n9 70000\n"), [(7, 51820)]);
    }

    #[test]
    fn tunnels_over_udp_become_lines() {
        let tunnel = |encapsulation: u16, kind: u16, address: &[u8]| {
            row(
                32,
                &[
                    attribute(L2TP_ATTR_ENCAP_TYPE, &encapsulation.to_ne_bytes()),
                    attribute(L2TP_ATTR_UDP_SPORT, &1701u16.to_ne_bytes()),
                    attribute(kind, address),
                ],
            )
        };
        let dump = [
            tunnel(0, L2TP_ATTR_IP_SADDR, &[10, 0, 0, 1]),
            tunnel(1, L2TP_ATTR_IP_SADDR, &[10, 0, 0, 2]),
            tunnel(0, L2TP_ATTR_IP6_SADDR, &[0; 16]),
            done(0),
        ];
        let mut lines = String::new();
        l2tp(&dump.concat(), 32, &mut lines);
        assert_eq!(lines, "l2tp 1701 10.0.0.1\nl2tp 1701 ::\n");
        let port = attribute(FOU_ATTR_PORT, &5555u16.to_be_bytes());
        let dump = [
            row(33, &[port.clone(), attribute(FOU_ATTR_AF, &[2]), attribute(FOU_ATTR_TYPE, &[1])]),
            row(33, &[port.clone(), attribute(FOU_ATTR_AF, &[10]), attribute(FOU_ATTR_TYPE, &[2])]),
            row(33, &[port, attribute(FOU_ATTR_LOCAL_V4, &[10, 0, 0, 1])]),
            row(33, &[attribute(FOU_ATTR_AF, &[2])]),
            done(0),
        ];
        lines.clear();
        fou(&dump.concat(), 33, &mut lines);
        assert_eq!(lines, "fou 5555 0.0.0.0\ngue 5555 ::\nfou 5555 10.0.0.1\n");
        let seen: Vec<_> = told(lines.as_bytes()).into_iter().map(|told| (told.kind, told.port)).collect();
        assert_eq!(seen, [("fou", 5555), ("gue", 5555), ("fou", 5555)]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut lines = String::new();
            for dump in [&bytes[..], &[message(32, &bytes), done(0)].concat(), &[message(CONTROL, &bytes), done(0)].concat()] {
                family(dump, "l2tp");
                wireguard_port(dump, 32);
                l2tp(dump, 32, &mut lines);
                fou(dump, 32, &mut lines);
            }
            // What is written can be read again.
            assert_eq!(told(lines.as_bytes()).len(), lines.lines().count());
            told(&bytes);
            wireguard_ports(&bytes);
        }

        #[test]
        fn a_line_is_read_back(port: u16, address: [u8; 16], v4: bool) {
            let address = if v4 { &address[..4] } else { &address[..] };
            let kind = if v4 { L2TP_ATTR_IP_SADDR } else { L2TP_ATTR_IP6_SADDR };
            let tunnel = row(32, &[
                attribute(L2TP_ATTR_ENCAP_TYPE, &[0; 2]),
                attribute(L2TP_ATTR_UDP_SPORT, &port.to_ne_bytes()),
                attribute(kind, address),
            ]);
            let mut lines = String::new();
            l2tp(&[tunnel, done(0)].concat(), 32, &mut lines);
            prop_assert_eq!(told(lines.as_bytes()), [Told { kind: "l2tp", port, ip: ip(address).unwrap() }]);
        }
    }
}
