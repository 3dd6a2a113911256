//! The addresses of the devices of a namespace, rtnetlink(7).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::kernel::{Kernel, Refusal};
use super::namespaces::Within;
use super::netlink::{End, attribute, each_attribute, each_message, end_message, message, u32_at};
use super::question::{Ns, Question};
use super::vantage;
use crate::model::{ADDRESSES, DeviceAddress, NetNs, NetNsKind, Snapshot, Socket};

/// `RTM_GETADDR`, and the kind of its rows.
pub const ROWS: (u16, u16) = (22, 20);

/// The length of `struct ifaddrmsg`: family, length of the prefix, flags, scope, index of the device.
const HEAD: usize = 8;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// The body of the request for the addresses of every family.
pub fn request() -> Vec<u8> {
    vec![0; HEAD]
}

/// Asks each namespace of a snapshot for them. `places` says what each is asked by.
pub fn read(kernel: &dyn Kernel<Question>, places: &[Option<Ns>], snapshot: &mut Snapshot) {
    for (at, ns) in places.iter().enumerate() {
        let answer = Within { kernel, ns: *ns }.get(&Question::Addresses);
        let namespace = &mut snapshot.namespaces[at];
        let why = match answer.map(|answer| decode(&answer)) {
            Ok(Some(addresses)) => {
                namespace.addresses = Some(addresses);
                continue;
            }
            Ok(None) => Refusal::EBADMSG,
            Err(refusal) => refusal,
        };
        // Where every socket is bound to a device or to all addresses, nobody needs them.
        let needs = |socket: &Socket| socket.netns == at && socket.ip().is_some_and(|ip| !ip.is_unspecified());
        if snapshot.sockets.iter().any(needs) {
            let consequence = "whether a listener is at a device that the policy names by if: is not known";
            snapshot.gaps.push(vantage::refusal_gap(&what(namespace), why, consequence));
        }
    }
}

/// The word "namespace" is for what hides sockets.
fn what(namespace: &NetNs) -> String {
    match (&namespace.name, namespace.inode) {
        _ if namespace.kind == NetNsKind::Host => ADDRESSES.to_owned(),
        (Some(name), _) => format!("{ADDRESSES} in {}", name.escaped()),
        (None, _) => ADDRESSES.to_owned(),
    }
}

/// The addresses of a dump, in their order; `None` where it did not come whole.
pub fn decode(dump: &[u8]) -> Option<Vec<DeviceAddress>> {
    let mut addresses = Vec::new();
    let ended = each_message(dump, ROWS.1, |row| match of_row(row) {
        Row::Address(address) => {
            addresses.push(address);
            true
        }
        Row::OtherFamily => true,
        Row::Bad => false,
    });
    addresses.sort_unstable();
    addresses.dedup();
    (ended == (End::Done, 0)).then_some(addresses)
}

/// The same dump with what `change` makes of each address, and nothing of a row but its device and its prefix.
pub fn rewritten(dump: &[u8], mut change: impl FnMut(IpAddr) -> IpAddr) -> Vec<u8> {
    let mut out = Vec::with_capacity(dump.len());
    let (end, bad) = each_message(dump, ROWS.1, |row| {
        let Row::Address(DeviceAddress { index, ip }) = of_row(row) else {
            return matches!(of_row(row), Row::OtherFamily);
        };
        let (family, local) = match change(ip) {
            IpAddr::V4(ip) => (AF_INET, ip.octets().to_vec()),
            IpAddr::V6(ip) => (AF_INET6, ip.octets().to_vec()),
        };
        let head = [&[family, row[1], 0, 0][..], &index.to_ne_bytes()].concat();
        out.extend(message(ROWS.1, &[head, attribute(IFA_LOCAL, &local)].concat()));
        true
    });
    // A row that makes no sense stays one.
    (0..bad).for_each(|_| out.extend(message(ROWS.1, &[])));
    out.extend(end_message(end));
    out
}

/// What a row tells.
enum Row {
    Address(DeviceAddress),
    /// Families besides the two of the internet have addresses too.
    OtherFamily,
    Bad,
}

fn of_row(row: &[u8]) -> Row {
    let (Some(head), Some(index)) = (row.get(..HEAD), u32_at(row, 4)) else { return Row::Bad };
    if !matches!(head[0], AF_INET | AF_INET6) {
        return Row::OtherFamily;
    }
    let (mut local, mut address) = (None, None);
    let whole = each_attribute(&row[HEAD..], |kind, value| match kind {
        IFA_LOCAL => local = Some(value),
        IFA_ADDRESS => address = Some(value),
        _ => {}
    });
    // Of a link with two ends `IFA_ADDRESS` is the other end, and `IFA_LOCAL` ours.
    let ip = local.or(address).and_then(|value| match head[0] {
        AF_INET => Some(IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(value).ok()?))),
        _ => Some(IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(value).ok()?))),
    });
    ip.filter(|_| whole).map_or(Row::Bad, |ip| Row::Address(DeviceAddress { index, ip }))
}

#[cfg(test)]
mod tests {
    use super::super::netlink::assemble::done;
    use super::*;
    use proptest::prelude::*;

    fn row(family: u8, index: u32, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let head = [&[family, 24, 0x80, 0][..], &index.to_ne_bytes()].concat();
        let attributes = attributes.iter().flat_map(|(kind, value)| attribute(*kind, value));
        message(ROWS.1, &head.into_iter().chain(attributes).collect::<Vec<_>>())
    }

    fn told(dump: &[u8]) -> Option<Vec<(u32, String)>> {
        Some(decode(dump)?.into_iter().map(|one| (one.index, one.ip.to_string())).collect())
    }

    #[test]
    fn the_own_address_counts_and_not_that_of_the_other_end() {
        let six = Ipv6Addr::from([0xfd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]).octets();
        let dump = [
            row(
                AF_INET,
                2,
                &[(IFA_ADDRESS, &[10, 0, 0, 1]), (IFA_LOCAL, &[10, 0, 0, 1]), (3, b"eth0\0"), (6, &[9; 16])],
            ),
            row(AF_INET, 3, &[(IFA_ADDRESS, &[10, 0, 0, 9]), (IFA_LOCAL, &[10, 0, 0, 8])]),
            row(AF_INET6, 2, &[(IFA_ADDRESS, &six)]),
            row(45, 2, &[(IFA_LOCAL, &[8])]),
            done(0),
        ]
        .concat();
        let want = [(2, "10.0.0.1".to_owned()), (2, "fd00:1::2".to_owned()), (3, "10.0.0.8".to_owned())];
        assert_eq!(told(&dump).expect("it is whole"), want);
        let kept = rewritten(&dump, |ip| ip);
        assert_eq!(told(&kept).expect("it is whole"), want);
        assert!(!kept.windows(4).any(|bytes| matches!(bytes, b"eth0" | [10, 0, 0, 9] | [9, 9, 9, 9])), "{kept:?}");
    }

    #[test]
    fn half_a_list_is_no_list() {
        let whole = [row(AF_INET, 2, &[(IFA_LOCAL, &[10, 0, 0, 1])]), done(0)].concat();
        assert_eq!(told(&whole).map(|all| all.len()), Some(1));
        assert_eq!(told(&whole[..whole.len() - 4]), None);
        assert_eq!(told(&[]), None);
        for bad in
            [row(AF_INET, 2, &[]), row(AF_INET, 2, &[(IFA_LOCAL, &[1; 16])]), row(AF_INET6, 2, &[(IFA_LOCAL, &[1])])]
        {
            let dump = [bad, whole.clone()].concat();
            assert_eq!(told(&dump), None);
            assert_eq!(told(&rewritten(&dump, |ip| ip)), None, "a row that makes no sense stays one");
        }
        assert_eq!(told(&done(0)), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for dump in [bytes.clone(), [message(ROWS.1, &bytes), done(0)].concat()] {
                let kept = rewritten(&dump, |ip| ip);
                prop_assert_eq!(decode(&kept), decode(&dump));
            }
        }

        #[test]
        fn every_address_comes_back(all in proptest::collection::vec((any::<u32>(), any::<[u8; 16]>(), any::<bool>()), 0..9)) {
            let rows = all.iter().flat_map(|(index, ip, short)| match short {
                true => row(AF_INET, *index, &[(IFA_LOCAL, &ip[..4])]),
                false => row(AF_INET6, *index, &[(IFA_ADDRESS, ip)]),
            });
            let dump = rows.chain(done(0)).collect::<Vec<_>>();
            let mut want: Vec<DeviceAddress> = all.iter().map(|(index, ip, short)| DeviceAddress {
                index: *index,
                ip: if *short { IpAddr::from([ip[0], ip[1], ip[2], ip[3]]) } else { IpAddr::from(*ip) },
            }).collect();
            want.sort();
            want.dedup();
            prop_assert_eq!(decode(&dump), Some(want.clone()));
            prop_assert_eq!(decode(&rewritten(&dump, |ip| ip)), Some(want));
        }
    }
}
