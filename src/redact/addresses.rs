//! Other addresses of the same class, which share prefixes as the first ones do.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which address stands for which.
#[derive(Debug, Default)]
pub struct Addresses {
    seen: BTreeSet<IpAddr>,
    given: HashMap<IpAddr, IpAddr>,
    /// The first bits of public addresses and of groups, and what stands for them.
    tops: BTreeMap<(Class, u16), u16>,
}

/// Classes of addresses whose first bits differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Public4,
    Group4,
    Public6,
}

/// First octets of networks for documentation (RFC 5737), those reserved for ever, then the others in which no address
/// is of another class.
fn public4(at: usize) -> u8 {
    let others = || (1..=223).filter(|octet| !matches!(octet, 10 | 100 | 127 | 169 | 172 | 192 | 198 | 203));
    [198, 203].into_iter().chain(240..=254).chain(others()).nth(at).unwrap_or(223)
}

/// The prefixes for documentation (RFC 3849, RFC 9637), then some that nobody is given.
fn public6(at: usize) -> u16 {
    match at {
        0 => 0x2001,
        1 => 0x3fff,
        _ => 0x4000 + at.min(0x1fff) as u16,
    }
}

impl Addresses {
    /// The address that stands for this one: the lowest of its class, where it was not seen before all were given theirs.
    pub fn map(&mut self, ip: IpAddr) -> IpAddr {
        match ip {
            // An IPv4 address in the form of IPv6 stands for the same host.
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => match self.map(IpAddr::V4(v4)) {
                    IpAddr::V4(v4) => IpAddr::V6(v4.to_ipv6_mapped()),
                    v6 => v6,
                },
                None => self.of_class(ip),
            },
            IpAddr::V4(_) => self.of_class(ip),
        }
    }

    fn of_class(&mut self, ip: IpAddr) -> IpAddr {
        if let Some(given) = self.given.get(&ip) {
            return *given;
        }
        match self.class(ip) {
            None => ip,
            Some((_, lowest)) => {
                self.seen.insert(ip);
                lowest
            }
        }
    }

    /// Gives every address that was seen its own. Of those that share a prefix and differ in the next bit, the lower ones
    /// keep that bit of the lowest address of the class, and the others get its opposite: so two addresses part where
    /// they parted before.
    pub fn settle(&mut self) {
        self.tops.clear();
        // The bits at which an address parts from those below it.
        let mut parting: Vec<u32> = Vec::new();
        let mut before: Option<IpAddr> = None;
        for ip in std::mem::take(&mut self.seen) {
            let Some((fixed, lowest)) = self.class(ip) else { continue };
            match before.filter(|before| before.is_ipv4() == ip.is_ipv4()) {
                None => parting.clear(),
                Some(before) => {
                    let parts = (aligned(before) ^ aligned(ip)).leading_zeros();
                    while parting.pop_if(|bit| *bit > parts).is_some() {}
                    // What comes before is the class itself.
                    parting.extend((parts >= fixed).then_some(parts));
                }
            }
            let flipped = parting.iter().fold(aligned(lowest), |mapped, bit| mapped ^ (1 << (127 - bit)));
            self.given.insert(ip, if ip.is_ipv4() { v4(flipped).into() } else { Ipv6Addr::from(flipped).into() });
            before = Some(ip);
        }
    }

    /// The length of the prefix that makes the class of an address, and the lowest address that is given in it; `None` for
    /// an address that stays.
    fn class(&mut self, ip: IpAddr) -> Option<(u32, IpAddr)> {
        match ip {
            IpAddr::V4(ip) => self.class4(ip).map(|(fixed, lowest)| (fixed, lowest.into())),
            IpAddr::V6(ip) => self.class6(ip).map(|(fixed, lowest)| (fixed, lowest.into())),
        }
    }

    fn class4(&mut self, ip: Ipv4Addr) -> Option<(u32, [u8; 4])> {
        Some(match ip.octets() {
            _ if ip.is_unspecified() || ip.is_loopback() || ip.is_broadcast() => return None,
            // Groups of the local network, RFC 5771: their numbers are assigned.
            [224, 0, 0, _] => return None,
            [10, ..] => (8, [10, 0, 0, 1]),
            [100, second, ..] if second & 0xc0 == 64 => (10, [100, 64, 0, 1]),
            [169, 254, ..] => (16, [169, 254, 0, 1]),
            [172, second, ..] if second & 0xf0 == 16 => (12, [172, 16, 0, 1]),
            [192, 168, ..] => (16, [192, 168, 0, 1]),
            [first @ 224..=239, ..] => (8, [self.top(Class::Group4, first.into()) as u8, 0, 0, 1]),
            [first, ..] => match self.top(Class::Public4, first.into()) as u8 {
                198 => (8, [198, 51, 100, 1]),
                203 => (8, [203, 0, 113, 1]),
                top => (8, [top, 0, 0, 1]),
            },
        })
    }

    fn class6(&mut self, ip: Ipv6Addr) -> Option<(u32, [u16; 8])> {
        Some(match ip.segments() {
            _ if ip.is_unspecified() || ip.is_loopback() => return None,
            // Groups whose numbers are assigned, RFC 4291.
            [0xff00..=0xff0f, 0, 0, 0, 0, 0, 0, _] => return None,
            [group @ 0xff00..=0xffff, ..] => (16, [group, 0xdb8, 0, 0, 0, 0, 0, 1]),
            [0xfe80..=0xfebf, ..] => (10, [0xfe80, 0, 0, 0, 0, 0, 0, 1]),
            [0xfc00..=0xfdff, ..] => (7, [0xfd00, 0, 0, 0, 0, 0, 0, 1]),
            [first, ..] => match self.top(Class::Public6, first) {
                top @ 0x2001 => (16, [top, 0xdb8, 0, 0, 0, 0, 0, 1]),
                top => (16, [top, 0, 0, 0, 0, 0, 0, 1]),
            },
        })
    }

    /// What stands for the first bits of an address.
    fn top(&mut self, class: Class, top: u16) -> u16 {
        if let Some(known) = self.tops.get(&(class, top)) {
            return *known;
        }
        let next = self.tops.range((class, 0)..=(class, u16::MAX)).count();
        let new = match class {
            Class::Public4 => public4(next).into(),
            // 224 has the groups that stay.
            Class::Group4 => 239 - next.min(14) as u16,
            Class::Public6 => public6(next),
        };
        self.tops.insert((class, top), new);
        new
    }
}

/// The bits of an address, the first ones first.
fn aligned(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)) << 96,
        IpAddr::V6(ip) => u128::from(ip),
    }
}

fn v4(aligned: u128) -> Ipv4Addr {
    Ipv4Addr::from((aligned >> 96) as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Scope;

    fn told(ips: &[&str]) -> Vec<String> {
        let mut addresses = Addresses::default();
        for ip in ips {
            addresses.map(ip.parse().expect(ip));
        }
        addresses.settle();
        ips.iter().map(|ip| addresses.map(ip.parse().expect(ip)).to_string()).collect()
    }

    #[test]
    fn what_every_host_has_stays() {
        let same =
            ["0.0.0.0", "127.0.0.53", "255.255.255.255", "224.0.0.251", "::", "::1", "ff02::fb", "::ffff:127.0.0.1"];
        assert_eq!(told(&same), same);
    }

    #[test]
    fn others_are_of_the_same_class_and_share_prefixes() {
        let ips = ["93.184.216.34", "93.184.216.35", "93.184.217.1", "8.8.8.8", "10.1.2.3", "10.1.2.4", "10.1.3.3"];
        let told_v4 = told(&ips);
        assert_eq!(told_v4[3], "198.51.100.1", "the lowest");
        assert_eq!(told_v4[0], "203.0.113.1");
        assert_eq!(told_v4[1], "203.0.113.0");
        assert_eq!(told_v4[2], "203.0.112.1");
        assert_eq!(told_v4[4..], ["10.0.0.1", "10.0.0.5", "10.0.1.1"]);
        let told_v6 = told(&["2a01:4f8::17", "fe80::a00:27ff:fe4e:66a1", "fd12:3456::1", "::ffff:10.9.9.9"]);
        assert_eq!(told_v6, ["2001:db8::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1"]);
    }

    fn shared(one: IpAddr, other: IpAddr) -> u32 {
        match (one, other) {
            (IpAddr::V4(one), IpAddr::V4(other)) => (u32::from(one) ^ u32::from(other)).leading_zeros(),
            (IpAddr::V6(one), IpAddr::V6(other)) => (u128::from(one) ^ u128::from(other)).leading_zeros(),
            _ => 0,
        }
    }

    /// Addresses of every class, many of them neighbours.
    fn address() -> impl Strategy<Value = IpAddr> {
        let near = |base: &'static str| {
            any::<u16>().prop_map(move |low| match base.parse().expect(base) {
                IpAddr::V4(ip) => IpAddr::V4((u32::from(ip) ^ u32::from(low & 0x1ff)).into()),
                IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) ^ u128::from(low)).into()),
            })
        };
        prop_oneof![
            any::<u32>().prop_map(|ip| IpAddr::V4(ip.into())),
            any::<u128>().prop_map(|ip| IpAddr::V6(ip.into())),
            near("10.1.0.0"),
            near("172.31.4.0"),
            near("100.100.0.0"),
            near("93.184.216.0"),
            near("fe80::1"),
            near("2a01:4f8::"),
            near("::ffff:93.184.216.1"),
            near("239.255.255.0"),
        ]
    }

    proptest! {
        #[test]
        fn class_and_shared_prefix_stay(ips in proptest::collection::vec(address(), 1..20)) {
            let mut addresses = Addresses::default();
            for ip in &ips {
                addresses.map(*ip);
            }
            addresses.settle();
            let new: Vec<IpAddr> = ips.iter().map(|ip| addresses.map(*ip)).collect();
            for (ip, new_ip) in ips.iter().zip(&new) {
                prop_assert_eq!(Scope::of_ip(*ip), Scope::of_ip(*new_ip), "{} {}", ip, new_ip);
                prop_assert_eq!(addresses.map(*ip), *new_ip);
                for (other, new_other) in ips.iter().zip(&new) {
                    prop_assert_eq!(ip == other, new_ip == new_other);
                    let least = if ip.is_ipv4() { 8 } else { 16 };
                    if shared(*ip, *other) >= least && Scope::of_ip(*ip) == Scope::of_ip(*other) {
                        prop_assert_eq!(shared(*ip, *other), shared(*new_ip, *new_other), "{} {}", ip, other);
                    }
                }
            }
        }
    }
}
