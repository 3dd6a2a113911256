//! The devices of a namespace, rtnetlink(7).

use super::netlink::{End, attribute, each_attribute, each_message, u32_at};
use super::tunnels::{self, IFLA_LINKINFO};
use crate::model::{Interface, Text};

/// `RTM_GETLINK`, and the kind of its rows.
pub const LINKS: (u16, u16) = (18, 16);

pub(super) const IFLA_IFNAME: u16 = 3;
pub(super) const IFLA_LINK_NETNSID: u16 = 37;
const IFLA_EXT_MASK: u16 = 29;
const RTEXT_FILTER_SKIP_STATS: u32 = 8;
const IFF_UP: u32 = 1;
const IFF_LOOPBACK: u32 = 8;

/// `RTM_GETNSID`, and the kind of its answer, `RTM_NEWNSID`.
pub const GETNSID: u16 = 90;
const NEWNSID: u16 = 88;
const NETNSA_NSID: u16 = 1;
const NETNSA_FD: u16 = 3;

/// The body of the request for the number by which a namespace goes, include/uapi/linux/net_namespace.h.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "a live kernel is asked"))]
pub fn nsid_request(descriptor: i32) -> Vec<u8> {
    [vec![0; 4], attribute(NETNSA_FD, &descriptor.to_ne_bytes())].concat()
}

/// That number in an answer.
#[cfg_attr(not(any(target_os = "linux", test)), expect(dead_code, reason = "the answer of a live kernel"))]
pub fn nsid(answer: &[u8]) -> Option<i32> {
    let mut number = None;
    each_message(answer, NEWNSID, |row| {
        let attributes = row.get(4..).unwrap_or_default();
        each_attribute(attributes, |kind, value| {
            if kind == NETNSA_NSID {
                number = u32_at(value, 0).map(u32::cast_signed);
            }
        })
    });
    number
}

/// The length of a link row's fixed part (`struct ifinfomsg`), and the attributes that a capture may keep.
pub const LINK_RECORDED: (usize, &[u16]) = (16, &[IFLA_IFNAME, IFLA_LINKINFO, IFLA_LINK_NETNSID]);

/// What of an attribute of a link a capture may keep.
pub fn link_recorded(kind: u16, value: &[u8]) -> Option<Vec<u8>> {
    if kind == IFLA_LINKINFO { tunnels::recorded(value) } else { Some(value.to_vec()) }
}

/// The body of the request for links: without their statistics, which are most of an answer.
pub fn links_request() -> Vec<u8> {
    [vec![0; 16], attribute(IFLA_EXT_MASK, &RTEXT_FILTER_SKIP_STATS.to_ne_bytes())].concat()
}

/// The devices of a dump; `None` where it did not come whole.
pub fn decode(links: &[u8]) -> Option<Vec<Interface>> {
    let mut interfaces = Vec::new();
    let (end, bad) = each_message(links, LINKS.1, |row| {
        let (Some(index), Some(flags), Some(attributes)) = (u32_at(row, 4), u32_at(row, 8), row.get(16..)) else {
            return false;
        };
        let (mut name, mut tunnel, mut made_in) = (Text::default(), None, None);
        let whole = each_attribute(attributes, |kind, value| match kind {
            IFLA_IFNAME => name = Text::from(value.strip_suffix(&[0]).unwrap_or(value)),
            IFLA_LINKINFO => tunnel = tunnels::tunnel(value),
            // It was made in another namespace, where its socket stays.
            IFLA_LINK_NETNSID => made_in = Some(u32_at(value, 0).map_or(-1, u32::cast_signed)),
            _ => {}
        });
        let (up, loopback) = (flags & IFF_UP != 0, flags & IFF_LOOPBACK != 0);
        interfaces.push(Interface { index, name, up, loopback, made_in, tunnel });
        whole
    });
    ((end, bad) == (End::Done, 0)).then_some(interfaces)
}

#[cfg(test)]
mod tests {
    use super::super::netlink::assemble::{done, message};
    use super::*;
    use proptest::prelude::*;

    fn link(index: u32, flags: u32, name: &[u8]) -> Vec<u8> {
        let head = [&[0; 4][..], &index.to_ne_bytes(), &flags.to_ne_bytes(), &[0; 4]].concat();
        message(LINKS.1, &[head, attribute(IFLA_IFNAME, name)].concat())
    }

    #[test]
    fn devices_come_with_their_state() {
        let links = [link(1, 9, b"lo\0"), link(2, 1, b"eth0\0"), link(3, 0, b"tun0\0"), done(0)].concat();
        let interfaces = decode(&links).expect("it is whole");
        let told: Vec<_> = interfaces.iter().map(|one| (one.name.as_bytes(), one.up, one.loopback)).collect();
        assert_eq!(told, [(&b"lo"[..], true, true), (b"eth0", true, false), (b"tun0", false, false)]);
    }

    #[test]
    fn a_tunnel_that_was_moved_here_has_its_socket_elsewhere() {
        let data = attribute(2, &attribute(15, &4789u16.to_be_bytes()));
        let info = attribute(IFLA_LINKINFO, &[attribute(1, b"vxlan\0"), data].concat());
        let port = |more: &[u8]| {
            let head = [&[0; 4][..], &[7, 0, 0, 0, 1, 0, 0, 0], &[0; 4]].concat();
            let row = [&head, &attribute(IFLA_IFNAME, b"vx0\0"), &info, more].concat();
            let interfaces = decode(&[message(LINKS.1, &row), done(0)].concat()).expect("it is whole");
            (interfaces[0].made_in, interfaces[0].tunnel.as_ref().map(|tunnel| (tunnel.kind, tunnel.port)))
        };
        let vxlan = Some(("vxlan", Some(4789)));
        assert_eq!(port(&[]), (None, vxlan));
        assert_eq!(port(&attribute(IFLA_LINK_NETNSID, &(-1i32).to_ne_bytes())), (Some(-1), vxlan));
        assert_eq!(port(&attribute(IFLA_LINK_NETNSID, &5i32.to_ne_bytes())), (Some(5), vxlan));
        assert_eq!(port(&attribute(IFLA_LINK_NETNSID, &[5])), (Some(-1), vxlan));
    }

    #[test]
    fn the_number_of_a_namespace_is_read() {
        let answer =
            |number: i32| message(NEWNSID, &[vec![0; 4], attribute(NETNSA_NSID, &number.to_ne_bytes())].concat());
        assert_eq!((nsid(&answer(3)), nsid(&answer(-1)), nsid(&message(NEWNSID, &[0; 4]))), (Some(3), Some(-1), None));
    }

    #[test]
    fn half_a_list_is_no_list() {
        let links = [link(1, 9, b"lo\0"), done(0)].concat();
        assert_eq!(decode(&links[..links.len() - 4]), None);
        assert_eq!(decode(&[]), None);
        assert!(decode(&links).is_some());
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            decode(&bytes);
            decode(&[message(LINKS.1, &bytes), done(0)].concat());
        }
    }
}
