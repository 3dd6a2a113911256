//! Tunnels over UDP among the devices, `IFLA_LINKINFO` in include/uapi/linux/if_link.h.

use std::net::IpAddr;

use super::genetlink::{ip, port_of};
use super::netlink::{attribute, each_attribute};
use crate::model::Tunnel;

/// The attribute of a link that says of what kind it is.
pub const IFLA_LINKINFO: u16 = 18;

const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;

const IFLA_VXLAN_LOCAL: u16 = 4;
const IFLA_VXLAN_PORT: u16 = 15;
const IFLA_VXLAN_GROUP6: u16 = 16;
const IFLA_VXLAN_LOCAL6: u16 = 17;
const IFLA_VXLAN_COLLECT_METADATA: u16 = 25;
const IFLA_GENEVE_PORT: u16 = 5;
const IFLA_GENEVE_COLLECT_METADATA: u16 = 6;
const IFLA_GENEVE_REMOTE6: u16 = 7;
const IFLA_BAREUDP_PORT: u16 = 1;
const IFLA_AMT_RELAY_PORT: u16 = 2;

/// GTP-U, 3GPP TS 29.281.
const GTP1U: u16 = 2152;

/// What a kind of device tells of its socket.
struct Kind {
    name: &'static str,
    /// The attribute of its port.
    port: Option<u16>,
    /// The attributes of which any says that it receives over IPv6, and not over IPv4 unless `both` stands there too.
    ipv6: &'static [u16],
    /// The flag that says that it receives over both.
    both: Option<u16>,
    /// The attributes of its own address.
    local: &'static [u16],
}

const KINDS: &[Kind] = &[
    Kind {
        name: "vxlan",
        port: Some(IFLA_VXLAN_PORT),
        ipv6: &[IFLA_VXLAN_GROUP6, IFLA_VXLAN_LOCAL6],
        both: Some(IFLA_VXLAN_COLLECT_METADATA),
        local: &[IFLA_VXLAN_LOCAL, IFLA_VXLAN_LOCAL6],
    },
    Kind {
        name: "geneve",
        port: Some(IFLA_GENEVE_PORT),
        ipv6: &[IFLA_GENEVE_REMOTE6],
        both: Some(IFLA_GENEVE_COLLECT_METADATA),
        ..OTHER
    },
    Kind { name: "bareudp", port: Some(IFLA_BAREUDP_PORT), ..OTHER },
    Kind { name: "amt", port: Some(IFLA_AMT_RELAY_PORT), ..OTHER },
    Kind { name: "gtp", ..OTHER },
    Kind { name: "wireguard", ..OTHER },
];

const OTHER: Kind = Kind { name: "", port: None, ipv6: &[], both: None, local: &[] };

impl Kind {
    /// The attributes that are read of it: all that a capture keeps.
    fn reads(&self, kind: u16) -> bool {
        let one = [self.port, self.both].into_iter().flatten();
        one.chain(self.ipv6.iter().chain(self.local).copied()).any(|read| read == kind)
    }
}

/// The kind and the data of a link, where the kind is one of ours.
fn parts(info: &[u8]) -> Option<(&'static Kind, &[u8])> {
    let (mut name, mut data) = (&[][..], &[][..]);
    each_attribute(info, |kind, value| match kind {
        IFLA_INFO_KIND => name = value.strip_suffix(&[0]).unwrap_or(value),
        IFLA_INFO_DATA => data = value,
        _ => {}
    });
    Some((KINDS.iter().find(|kind| kind.name.as_bytes() == name)?, data))
}

/// The tunnel that a value of [`IFLA_LINKINFO`] tells of.
pub fn tunnel(info: &[u8]) -> Option<Tunnel> {
    let (kind, data) = parts(info)?;
    let (mut port, mut local) = (None, None);
    let (mut ipv6, mut both) = (false, false);
    each_attribute(data, |this, value| {
        // A flag has no value, or one byte that says whether it is set.
        let set = value.first() != Some(&0);
        if kind.port == Some(this) {
            port = port_of(value).filter(|port| *port != 0);
        }
        ipv6 |= kind.ipv6.contains(&this);
        both |= kind.both == Some(this) && set;
        if kind.local.contains(&this) {
            local = ip(value).filter(|ip| !ip.is_unspecified());
        }
    });
    if kind.name == "gtp" {
        port = Some(GTP1U);
    }
    let both = both || matches!(kind.name, "bareudp" | "wireguard");
    Some(Tunnel { kind: kind.name, port, ipv4: both || !ipv6, ipv6: both || ipv6, local })
}

/// The same value with nothing in it but what [`tunnel`] reads; `None` where that is nothing.
pub fn recorded(info: &[u8]) -> Option<Vec<u8>> {
    let (kind, data) = parts(info)?;
    let mut kept = Vec::new();
    each_attribute(data, |this, value| {
        if kind.reads(this) {
            kept.extend_from_slice(&attribute(this, value));
        }
    });
    Some([attribute(IFLA_INFO_KIND, kind.name.as_bytes()), attribute(IFLA_INFO_DATA, &kept)].concat())
}

/// The same value with nothing in it but what [`tunnel`] reads, and with other addresses; `None` where that is nothing.
pub fn readdressed(info: &[u8], mut change: impl FnMut(IpAddr) -> IpAddr) -> Option<Vec<u8>> {
    let (kind, data) = parts(info)?;
    let mut kept = Vec::new();
    each_attribute(data, |this, value| {
        let value = match this {
            _ if kind.local.contains(&this) => match ip(value).map(&mut change) {
                Some(IpAddr::V4(ip)) => ip.octets().to_vec(),
                Some(IpAddr::V6(ip)) => ip.octets().to_vec(),
                None => Vec::new(),
            },
            _ if kind.port == Some(this) => value[..value.len().min(2)].to_vec(),
            _ if kind.both == Some(this) => value[..value.len().min(1)].to_vec(),
            // That it is there is all that is read.
            _ if kind.ipv6.contains(&this) => Vec::new(),
            _ => return,
        };
        kept.extend_from_slice(&attribute(this, &value));
    });
    Some([attribute(IFLA_INFO_KIND, kind.name.as_bytes()), attribute(IFLA_INFO_DATA, &kept)].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn info(kind: &[u8], data: &[(u16, &[u8])]) -> Vec<u8> {
        let data: Vec<u8> = data.iter().flat_map(|(kind, value)| attribute(*kind, value)).collect();
        [attribute(IFLA_INFO_KIND, kind), attribute(IFLA_INFO_DATA, &data)].concat()
    }

    fn told(kind: &str, data: &[(u16, &[u8])]) -> Option<(Option<u16>, bool, bool, Option<IpAddr>)> {
        let tunnel = tunnel(&info(kind.as_bytes(), data));
        tunnel.map(|tunnel| (tunnel.port, tunnel.ipv4, tunnel.ipv6, tunnel.local))
    }

    #[test]
    fn each_kind_tells_its_port() {
        let (port, ours) = (4789u16.to_be_bytes(), [10, 0, 0, 1]);
        assert_eq!(told("vxlan", &[(15, &port)]), Some((Some(4789), true, false, None)));
        assert_eq!(told("vxlan", &[(15, &port), (16, &[0xfd; 16])]), Some((Some(4789), false, true, None)));
        assert_eq!(told("vxlan", &[(15, &port), (25, &[1])]), Some((Some(4789), true, true, None)));
        assert_eq!(told("vxlan", &[(15, &port), (25, &[0])]), Some((Some(4789), true, false, None)));
        let local = Some((Some(4789), true, false, Some(ours.into())));
        assert_eq!(told("vxlan", &[(15, &port), (4, &ours)]), local);
        assert_eq!(told("vxlan\0", &[(15, &[0, 0])]), Some((None, true, false, None)));
        assert_eq!(told("geneve", &[(5, &port), (6, &[])]), Some((Some(4789), true, true, None)));
        assert_eq!(told("geneve", &[(5, &port), (7, &[0xfd; 16])]), Some((Some(4789), false, true, None)));
        assert_eq!(told("bareudp", &[(1, &port)]), Some((Some(4789), true, true, None)));
        assert_eq!(told("amt", &[(2, &port)]), Some((Some(4789), true, false, None)));
        assert_eq!(told("gtp", &[]), Some((Some(2152), true, false, None)));
        assert_eq!(told("wireguard", &[]), Some((None, true, true, None)));
        assert_eq!(told("bridge", &[(15, &port)]), None);
    }

    #[test]
    fn nothing_else_is_recorded() {
        let bond = info(b"bond", &[(25, &[2; 6])]);
        assert_eq!(recorded(&bond), None);
        let vxlan = info(b"vxlan\0", &[(15, &[0x12, 0xb5]), (3, &[9; 4]), (25, &[0])]);
        let kept = recorded(&vxlan).expect("it is ours");
        assert_eq!(kept, info(b"vxlan", &[(15, &[0x12, 0xb5]), (25, &[0])]));
    }

    proptest! {
        #[test]
        fn what_is_recorded_tells_the_same(
            kind in 0..KINDS.len(),
            data in proptest::collection::vec((0u16..34, proptest::collection::vec(any::<u8>(), 0..20)), 0..8),
        ) {
            let data: Vec<(u16, &[u8])> = data.iter().map(|(kind, value)| (*kind, value.as_slice())).collect();
            let info = info(KINDS[kind].name.as_bytes(), &data);
            let kept = recorded(&info).expect("it is ours");
            prop_assert_eq!(tunnel(&kept), tunnel(&info));
            prop_assert_eq!(recorded(&kept), Some(kept));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0..KINDS.len()) {
            tunnel(&bytes);
            recorded(&bytes);
            let info = [attribute(IFLA_INFO_KIND, KINDS[kind].name.as_bytes()), attribute(IFLA_INFO_DATA, &bytes)].concat();
            tunnel(&info);
            recorded(&info);
        }
    }
}
