//! The files below `/proc/net`: each row in the words of its format, so that what is no row stays none.

use std::net::IpAddr;

use super::{Kind, Rename, UNREAD, id_or_unread, number_or_unread, words};
use crate::collect::linux::proc_net;
use crate::collect::linux::question::Table;

/// Protocols of the kernel that some host may have sockets of.
const PROTOCOLS: [&str; 50] = [
    "protocol",
    "TCP",
    "TCPv6",
    "MPTCP",
    "MPTCPv6",
    "UDP",
    "UDPv6",
    "UDP-Lite",
    "UDPLITEv6",
    "SCTP",
    "SCTPv6",
    "DCCP",
    "DCCPv6",
    "RAW",
    "RAWv6",
    "PACKET",
    "AF_VSOCK",
    "NETLINK",
    "UNIX",
    "UNIX-STREAM",
    "PING",
    "PINGv6",
    "XDP",
    "SMC",
    "SMC6",
    "KCM",
    "KEY",
    "L2TP/IP",
    "L2TPv6",
    "PPPOE",
    "PPPOL2TP",
    "PPTP",
    "TIPC",
    "RDS",
    "RXRPC",
    "X25",
    "AX25",
    "CAN_RAW",
    "CAN_BCM",
    "CAN_ISOTP",
    "CAN_J1939",
    "ALG",
    "HCI",
    "L2CAP",
    "RFCOMM",
    "SCO",
    "BNEP",
    "QIPCRTR",
    "PHONET",
    "MCTP",
];

/// `/proc/net/protocols`: the name of each protocol, its size and how many sockets it has.
pub fn protocols(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    let mut out = Vec::new();
    for line in answer.split(|byte| *byte == b'\n') {
        let mut row = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let Some(name) = row.next() else { continue };
        match std::str::from_utf8(name).ok().filter(|name| PROTOCOLS.contains(name)) {
            Some(name) => out.extend_from_slice(name.as_bytes()),
            None => out.extend(names.name(Kind::Other, name)),
        }
        for number in row.take(2) {
            let number = std::str::from_utf8(number).unwrap_or_default();
            let heading = matches!(number, "size" | "sockets");
            out.push(b' ');
            out.extend(if heading { number.to_owned() } else { number_or_unread(number) }.into_bytes());
        }
        out.push(b'\n');
    }
    out
}

/// The file of a table.
pub fn table(table: Table, answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    let mut rows = answer.split(|byte| *byte == b'\n');
    if rows.next().is_none_or(|heading| heading.is_empty() && answer.is_empty()) {
        return Vec::new();
    }
    // Whatever the heading says, nobody reads it.
    let mut out = b"heading\n".to_vec();
    let rows = rows.filter(|row| !row.is_empty());
    match table {
        Table::Unix => unix(rows, &mut out, names),
        _ => rows.for_each(|row| {
            out.extend(of_table(table, row, names));
            out.push(b'\n');
        }),
    }
    out
}

/// One row of a table whose columns are words.
fn of_table(table: Table, row: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    let mut at = 0;
    words(row, |word| {
        at += 1;
        match (table, at - 1) {
            (Table::Packet, 7) | (Table::Sctp | Table::Sctp6, 6) => id_or_unread(word, names),
            (Table::Packet, _) => hexadecimal(word),
            (Table::Sctp | Table::Sctp6, 0..8) => hexadecimal(word),
            (Table::Sctp | Table::Sctp6, _) => match word.parse::<IpAddr>() {
                Ok(ip) => names.ip(ip).to_string(),
                Err(_) => UNREAD.to_owned(),
            },
            (_, 1 | 2) => endpoint(word, names).unwrap_or_else(|| UNREAD.to_owned()),
            (_, 7) => id_or_unread(word, names),
            _ => hexadecimal(word),
        }
    })
}

/// Numbers of either base, with colons between or behind them: the reader may look at one of them alone.
fn hexadecimal(word: &str) -> String {
    const LONGEST: usize = 20;
    let known = |part: &str| part.len() <= LONGEST && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts = word.split(':').map(|part| if known(part) { part } else { UNREAD });
    parts.collect::<Vec<_>>().join(":")
}

/// `ADDRESS:PORT`, both hexadecimal.
fn endpoint(word: &str, names: &mut dyn Rename) -> Option<String> {
    let (address, port) = word.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let address = match names.ip(proc_net::address_of(address)?) {
        IpAddr::V4(ip) => word_of(ip.octets()),
        IpAddr::V6(ip) => ip.octets().chunks(4).filter_map(|word| Some(word_of(word.try_into().ok()?))).collect(),
    };
    Some(format!("{address}:{port:04X}"))
}

/// A word of 32 bits in the byte order of the host.
fn word_of(octets: [u8; 4]) -> String {
    format!("{:08X}", u32::from_ne_bytes(octets))
}

/// The rows of unix sockets, whose paths may go on in lines that are no rows.
fn unix<'a>(rows: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>, names: &mut dyn Rename) {
    // The fields of each row, and its path.
    let mut told: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut path_goes_on = None;
    for row in rows {
        match proc_net::unix_row(row) {
            Some(socket) => {
                let (fields, path) = unix_fields(row);
                // The path of a socket that cannot receive is nobody's matter.
                let path = if socket.is_some() { path.to_vec() } else { Vec::new() };
                path_goes_on = socket.map(|socket| (told.len(), socket));
                told.push((fields, path));
            }
            None => {
                let added = path_goes_on.as_mut().and_then(|(at, socket)| {
                    proc_net::add_to_path(socket, row)?;
                    Some(*at)
                });
                match added.and_then(|at| told.get_mut(at)) {
                    Some((_, path)) => {
                        path.push(b'\n');
                        path.extend_from_slice(row);
                    }
                    // Here no path is before it that it could go on with.
                    None => out.extend_from_slice(format!("{UNREAD}\n").as_bytes()),
                }
            }
        }
    }
    for (fields, path) in told {
        out.extend(fields);
        if let Some(name) = path.strip_prefix(b"@") {
            let name = names.name(Kind::Socket, &[&[0], name].concat());
            out.extend_from_slice(b" @");
            out.extend_from_slice(name.get(1..).unwrap_or_default());
        } else if !path.is_empty() {
            out.push(b' ');
            out.extend(names.name(Kind::Socket, &path));
        }
        out.push(b'\n');
    }
}

/// The seven fields of a row that was read, and what follows them.
fn unix_fields(row: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut rest = row;
    // The first one is where the socket lies in the kernel's memory, which nobody reads.
    let mut fields = vec!["0:".to_owned()];
    for at in 0..7 {
        rest = rest.trim_ascii_start();
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        if at > 0 {
            fields.push(hexadecimal(std::str::from_utf8(&rest[..end]).unwrap_or_default()));
        }
        rest = &rest[end..];
    }
    (fields.join(" ").into_bytes(), rest.strip_prefix(b" ").unwrap_or_default())
}
