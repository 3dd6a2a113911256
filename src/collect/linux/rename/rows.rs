//! The dumps of netlink. A message that makes no sense becomes an empty one, which makes none either.

use std::net::IpAddr;

use super::{Kind, Rename};
use crate::collect::linux::netlink::{attribute, each_attribute, each_message, end_message, message, u32_at};
use crate::collect::linux::question::Table;
use crate::collect::linux::{devices, sock_diag, tunnels};

/// The same dump with other rows.
fn dump(answer: &[u8], kind: u16, mut row: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(answer.len());
    let (end, bad) = each_message(answer, kind, |body| {
        let row = row(body);
        out.extend(row.iter().flat_map(|row| message(kind, row)));
        row.is_some()
    });
    (0..bad).for_each(|_| out.extend(message(kind, &[])));
    out.extend(end_message(end));
    out
}

/// The same attributes with what `change` makes of each, those apart of which it makes nothing.
fn attributes(bytes: &[u8], mut change: impl FnMut(u16, &[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let whole = each_attribute(bytes, |kind, value| {
        out.extend(change(kind, value).iter().flat_map(|value| attribute(kind, value)));
    });
    if !whole {
        // One whose length makes no sense.
        out.extend_from_slice(&[3, 0, 0, 0]);
    }
    out
}

/// At most the first bytes of a value that is a number, or several.
fn first(value: &[u8], bytes: usize) -> Option<Vec<u8>> {
    Some(value[..value.len().min(bytes)].to_vec())
}

fn id(value: &[u8], names: &mut dyn Rename) -> Option<Vec<u8>> {
    Some(names.id(u32_at(value, 0)?).to_ne_bytes().to_vec())
}

/// The rows of a table of sockets.
pub fn diag(table: Table, answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    dump(answer, sock_diag::SOCK_DIAG_BY_FAMILY, |row| match table {
        Table::Unix => unix(row, names),
        Table::Packet => packet(row, names),
        Table::Vsock => first(row.get(..32)?, 32),
        _ => inet(row, names),
    })
}

/// `struct inet_diag_msg`, with both addresses at 8 and 24 and the user at 64.
fn inet(row: &[u8], names: &mut dyn Rename) -> Option<Vec<u8>> {
    let (head, rest) = row.split_at_checked(sock_diag::INET_MESSAGE)?;
    let mut out = head.to_vec();
    for at in [8, 24] {
        let address = address(head[0], &head[at..at + 16], names);
        out[at..at + 16].copy_from_slice(&address);
    }
    out[64..68].copy_from_slice(&id(&head[64..68], names)?);
    out.extend(attributes(rest, |kind, value| match kind {
        sock_diag::INET_DIAG_SKMEMINFO => first(value, 36),
        sock_diag::INET_DIAG_SKV6ONLY => first(value, 1),
        sock_diag::INET_DIAG_CGROUP_ID => first(value, 8),
        sock_diag::INET_DIAG_LOCALS => Some(value.chunks(128).flat_map(|storage| local(storage, names)).collect()),
        _ => None,
    }));
    Some(out)
}

/// An address of 16 bytes, of which IPv4 takes the first four; zeroes for what is of another family.
fn address(family: u8, bytes: &[u8], names: &mut dyn Rename) -> [u8; 16] {
    let mut out = [0; 16];
    match (family, sock_diag::address(family, bytes)) {
        (sock_diag::AF_INET, Some(ip)) => {
            if let IpAddr::V4(ip) = names.ip(ip) {
                out[..4].copy_from_slice(&ip.octets());
            }
        }
        (_, Some(ip)) => {
            if let IpAddr::V6(ip) = names.ip(ip) {
                out = ip.octets();
            }
        }
        (_, None) => {}
    }
    out
}

/// One `struct sockaddr_storage` of an SCTP endpoint.
fn local(storage: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    let mut out = vec![0; storage.len()];
    let Some(ip) = sock_diag::storage_address(storage) else { return out };
    out[..2].copy_from_slice(&storage[..2]);
    match names.ip(ip) {
        IpAddr::V4(ip) => out[4..8].copy_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out[8..24].copy_from_slice(&ip.octets()),
    }
    out
}

/// `struct packet_diag_msg`.
fn packet(row: &[u8], names: &mut dyn Rename) -> Option<Vec<u8>> {
    let (head, rest) = row.split_at_checked(16)?;
    let rest = attributes(rest, |kind, value| match kind {
        sock_diag::PACKET_DIAG_INFO => first(value, 4),
        sock_diag::PACKET_DIAG_UID => id(value, names),
        _ => None,
    });
    Some([head, &rest].concat())
}

/// `struct unix_diag_msg`.
fn unix(row: &[u8], names: &mut dyn Rename) -> Option<Vec<u8>> {
    let (head, rest) = row.split_at_checked(16)?;
    let rest = attributes(rest, |kind, value| match kind {
        sock_diag::UNIX_DIAG_NAME => match value {
            [] => Some(Vec::new()),
            [0, ..] => Some(names.name(Kind::Socket, value)),
            _ => Some([&names.name(Kind::Socket, sock_diag::unix_path(value).as_bytes())[..], &[0]].concat()),
        },
        sock_diag::UNIX_DIAG_RQLEN => first(value, 8),
        sock_diag::UNIX_DIAG_UID => id(value, names),
        _ => None,
    });
    Some([head, &rest].concat())
}

/// The devices.
pub fn links(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    dump(answer, devices::LINKS.1, |row| {
        let (head, rest) = row.split_at_checked(devices::LINK_RECORDED.0)?;
        let rest = attributes(rest, |kind, value| match kind {
            devices::IFLA_IFNAME => {
                let (name, end) = value.strip_suffix(&[0]).map_or((value, &[][..]), |name| (name, &[0]));
                let name = if name.is_empty() { Vec::new() } else { names.name(Kind::Device, name) };
                Some([&name[..], end].concat())
            }
            devices::IFLA_LINK_NETNSID => first(value, 4),
            tunnels::IFLA_LINKINFO => tunnels::readdressed(value, |ip| names.ip(ip)),
            _ => None,
        });
        Some([head, &rest].concat())
    })
}
