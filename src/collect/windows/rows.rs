//! The rows of the IP Helper API, read byte by byte from wherever they lie in a buffer.
//!
//! A table is a count of 32 bits and then as many rows. All numbers are little-endian, as on every processor that Windows
//! runs on, and ports are in network order in the lower half of a field whose upper half is not defined.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::question::Table;

/// Where the fields of a table's rows lie; `live` asserts that it is how the system declares them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where the first row begins.
    pub first: usize,
    /// The size of a row.
    pub size: usize,
    /// The local address, of 4 or 16 bytes.
    pub address: usize,
    /// It is of 16 bytes.
    pub ipv6: bool,
    /// The scope of an IPv6 address.
    pub scope: Option<usize>,
    /// The local port.
    pub port: usize,
    /// The state of a TCP socket.
    pub state: Option<usize>,
    /// The process.
    pub pid: usize,
    /// When the socket was made, and what tells the module that made it.
    pub made: Option<(usize, usize)>,
}

/// `MIB_TCP_STATE_LISTEN` and `MIB_TCP_STATE_TIME_WAIT`.
const LISTEN: u32 = 2;
const TIME_WAIT: u32 = 11;

impl Table {
    /// How its rows are laid out.
    pub const fn layout(self) -> Layout {
        let (address, scope, ipv6) = (0, None, false);
        match self {
            // MIB_TCPROW_OWNER_MODULE
            Self::Tcp => Layout {
                first: 8,
                size: 160,
                address: 4,
                ipv6,
                scope,
                port: 8,
                state: Some(0),
                pid: 20,
                made: Some((24, 32)),
            },
            // MIB_TCP6ROW_OWNER_MODULE
            Self::Tcp6 => Layout {
                first: 8,
                size: 192,
                address,
                ipv6: true,
                scope: Some(16),
                port: 20,
                state: Some(48),
                pid: 52,
                made: Some((56, 64)),
            },
            // MIB_UDPROW_OWNER_MODULE
            Self::Udp => {
                Layout { first: 8, size: 160, address, ipv6, scope, port: 4, state: None, pid: 8, made: Some((16, 32)) }
            }
            // MIB_UDP6ROW_OWNER_MODULE
            Self::Udp6 => Layout {
                first: 8,
                size: 176,
                address,
                ipv6: true,
                scope: Some(16),
                port: 20,
                state: None,
                pid: 24,
                made: Some((32, 48)),
            },
            // MIB_TCPROW_OWNER_PID
            Self::TcpAll => {
                Layout { first: 4, size: 24, address: 4, ipv6, scope, port: 8, state: Some(0), pid: 20, made: None }
            }
            // MIB_TCP6ROW_OWNER_PID
            Self::Tcp6All => Layout {
                first: 4,
                size: 56,
                address,
                ipv6: true,
                scope: Some(16),
                port: 20,
                state: Some(48),
                pid: 52,
                made: None,
            },
        }
    }

    /// The state that its rows count in.
    const fn wanted(self) -> u32 {
        match self {
            Self::TcpAll | Self::Tcp6All => TIME_WAIT,
            Self::Tcp | Self::Tcp6 | Self::Udp | Self::Udp6 => LISTEN,
        }
    }
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// The local address.
    pub ip: IpAddr,
    /// The index of the device of a link-local address; 0 for any other, whatever the row says.
    pub device: u32,
    /// The local port.
    pub port: u16,
    /// The process; 0 for none.
    pub pid: u32,
    /// When the socket was made, a `FILETIME`; 0 where that is not told.
    pub made: u64,
    /// The number by which the system knows the service that made it; 0 for none.
    pub tag: u64,
}

/// What a table says.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Rows {
    /// The rows of the state that the table is asked for.
    pub rows: Vec<Row>,
    /// Rows that are announced and not there, or make no sense.
    pub bad: u64,
}

fn word(row: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(row.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn long(row: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(row.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// Reads a table; `None` where not even the count is there.
pub fn decode(table: Table, bytes: &[u8]) -> Option<Rows> {
    let layout = table.layout();
    let announced = word(bytes, 0)?;
    let mut read = Rows::default();
    let body = bytes.get(layout.first..).unwrap_or_default();
    let there = body.chunks_exact(layout.size).take(announced as usize);
    read.bad = u64::from(announced) - there.len() as u64;
    for row in there {
        match decode_row(&layout, table.wanted(), row) {
            Some(Some(row)) => read.rows.push(row),
            Some(None) => {}
            None => read.bad += 1,
        }
    }
    Some(read)
}

/// One row; `None` where it makes no sense, and `Some(None)` where it is of another state.
fn decode_row(layout: &Layout, wanted: u32, row: &[u8]) -> Option<Option<Row>> {
    if let Some(state) = layout.state
        && word(row, state)? != wanted
    {
        return Some(None);
    }
    let address = row.get(layout.address..)?;
    let ip = match layout.ipv6 {
        true => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(address.get(..16)?).ok()?)),
        false => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(address.get(..4)?).ok()?)),
    };
    let port = u16::from_be_bytes(row.get(layout.port..layout.port + 2)?.try_into().ok()?);
    if port == 0 {
        return None;
    }
    // Of other addresses the scope is whatever lay there.
    let is_link_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    let device = match layout.scope.filter(|_| is_link_local) {
        Some(at) => word(row, at)?,
        None => 0,
    };
    let (made, tag) = match layout.made {
        Some((made, tag)) => (long(row, made)?, long(row, tag)?),
        None => (0, 0),
    };
    Some(Some(Row { ip, device, port, pid: word(row, layout.pid)?, made, tag }))
}

/// A table with other rows in the place of its own: `change` gets each row that is there, and says whether it stays.
pub fn rewritten(table: Table, bytes: &[u8], mut change: impl FnMut(&Layout, &mut [u8]) -> bool) -> Vec<u8> {
    let layout = table.layout();
    let Some(announced) = word(bytes, 0) else { return Vec::new() };
    let body = bytes.get(layout.first..).unwrap_or_default();
    let mut out = vec![0; layout.first];
    let mut kept = 0u32;
    let mut there = 0u32;
    for row in body.chunks_exact(layout.size).take(announced as usize) {
        there += 1;
        let mut row = row.to_vec();
        if change(&layout, &mut row) {
            out.extend(row);
            kept += 1;
        }
    }
    // What was announced and not there stays so.
    out[..4].copy_from_slice(&(kept.saturating_add(announced - there)).to_le_bytes());
    out
}

/// What of a table is written down: of connections only those in TIME-WAIT, and of no row who is at the other end.
pub fn kept(table: Table, bytes: &[u8]) -> Vec<u8> {
    rewritten(table, bytes, |layout, row| {
        let is_wanted = layout.state.is_none_or(|at| word(row, at) == Some(table.wanted()));
        if let Some(state) = layout.state {
            // The other end: between the local port and the process, or what follows it.
            let remote = layout.port + 4..if layout.ipv6 { state } else { layout.pid };
            if let Some(remote) = row.get_mut(remote) {
                remote.fill(0);
            }
        }
        is_wanted
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A row as the system lays it out, with something in every place that is not defined.
    pub fn bytes_of(table: Table, row: &Row) -> Vec<u8> {
        let layout = table.layout();
        let mut bytes = vec![0u8; layout.size];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        match row.ip {
            IpAddr::V4(ip) => put(layout.address, &ip.octets()),
            IpAddr::V6(ip) => put(layout.address, &ip.octets()),
        }
        put(layout.port, &[&row.port.to_be_bytes()[..], &[0xad, 0xde]].concat());
        put(layout.pid, &row.pid.to_le_bytes());
        if let Some(at) = layout.scope {
            put(at, &if row.device == 0 { 4096u32 } else { row.device }.to_le_bytes());
        }
        if let Some(at) = layout.state {
            put(at, &table.wanted().to_le_bytes());
        }
        if let Some((made, tag)) = layout.made {
            put(made, &row.made.to_le_bytes());
            put(tag, &row.tag.to_le_bytes());
        }
        bytes
    }

    /// A table of these rows.
    pub fn table_of(table: Table, rows: &[Row]) -> Vec<u8> {
        let mut bytes = vec![0xff; table.layout().first];
        bytes[..4].copy_from_slice(&(rows.len() as u32).to_le_bytes());
        rows.iter().for_each(|row| bytes.extend(bytes_of(table, row)));
        bytes
    }

    fn row(ip: &str, device: u32, port: u16) -> Row {
        Row { ip: ip.parse().expect(ip), device, port, pid: 1234, made: 0, tag: 0 }
    }

    #[test]
    fn rows_are_read_where_the_system_puts_them() {
        let made = |row| Row { made: 133_000_000_000_000_000, tag: 86, ..row };
        for (table, rows) in [
            (Table::Tcp, vec![made(row("0.0.0.0", 0, 135)), made(row("192.0.2.7", 0, 139))]),
            (Table::Tcp6, vec![made(row("::", 0, 445)), made(row("fe80::1", 12, 49664))]),
            (Table::Udp, vec![made(row("127.0.0.1", 0, 1900))]),
            (Table::Udp6, vec![made(row("::1", 0, 1900)), made(row("fe80::1", 7, 546))]),
            (Table::TcpAll, vec![row("192.0.2.7", 0, 50_000)]),
            (Table::Tcp6All, vec![row("2001:db8::1", 0, 50_000)]),
        ] {
            assert_eq!(decode(table, &table_of(table, &rows)), Some(Rows { rows, bad: 0 }), "{table:?}");
        }
    }

    #[test]
    fn rows_as_wine_lays_them_out_are_read() {
        // `tcp/0.0.0.0:8080` of process 32, then one of the host that Wine runs on, which it knows no process of.
        let mut bytes = vec![2, 0, 0, 0, 0, 0, 0, 0];
        for (port, pid) in [([0x1f, 0x90], 32u8), ([0x00, 0x16], 0)] {
            bytes.extend([2, 0, 0, 0, 0, 0, 0, 0, port[0], port[1], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, pid, 0, 0, 0]);
            bytes.extend([0; 136]);
        }
        let read = decode(Table::Tcp, &bytes).expect("a table");
        let ports: Vec<(u16, u32)> = read.rows.iter().map(|row| (row.port, row.pid)).collect();
        assert_eq!((ports, read.bad), (vec![(8080, 32), (22, 0)], 0));
    }

    #[test]
    fn what_is_not_there_is_counted_and_not_read() {
        let rows = [row("0.0.0.0", 0, 135), row("0.0.0.0", 0, 445)];
        let whole = table_of(Table::Tcp, &rows);
        for (cut, rows, bad) in [(whole.len() - 1, 1, 1), (8, 0, 2), (4, 0, 2)] {
            let read = decode(Table::Tcp, &whole[..cut]).expect("a count");
            assert_eq!((read.rows.len(), read.bad), (rows, bad), "{cut}");
        }
        assert_eq!(decode(Table::Tcp, &whole[..3]), None);
        let mut many = whole.clone();
        many[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        let read = decode(Table::Tcp, &many).expect("a count");
        assert_eq!((read.rows.len(), read.bad), (2, u64::from(u32::MAX) - 2));
        let nowhere = decode(Table::Udp, &table_of(Table::Udp, &[row("0.0.0.0", 0, 0)])).expect("a count");
        assert_eq!((nowhere.rows.len(), nowhere.bad), (0, 1));
    }

    #[test]
    fn nobody_at_the_other_end_is_written_down() {
        let layout = Table::TcpAll.layout();
        let mut bytes = table_of(Table::TcpAll, &[row("192.0.2.7", 0, 50_000), row("192.0.2.7", 0, 50_001)]);
        // Somebody at the other end of the first, and the second is established.
        bytes[layout.first + 12..layout.first + 16].copy_from_slice(&[198, 51, 100, 9]);
        bytes[layout.first + layout.size] = 5;
        let kept = kept(Table::TcpAll, &bytes);
        assert_eq!(decode(Table::TcpAll, &kept).expect("a table").rows, [row("192.0.2.7", 0, 50_000)]);
        assert!(!kept.windows(4).any(|four| four == [198, 51, 100, 9]));
        let six = table_of(Table::Tcp6All, &[row("2001:db8::1", 0, 5)]);
        let read = decode(Table::Tcp6All, &super::kept(Table::Tcp6All, &six)).expect("a table");
        assert_eq!(read.rows, [row("2001:db8::1", 0, 5)]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_table_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..700), count in 0u8..6) {
            let mut bytes = bytes;
            for table in Table::ALL {
                let _ = decode(table, &bytes);
                let _ = kept(table, &bytes);
                if bytes.len() >= 4 {
                    bytes[..4].copy_from_slice(&[count, 0, 0, 0]);
                    let read = decode(table, &bytes).expect("a count");
                    prop_assert!(read.rows.len() as u64 + read.bad <= u64::from(count));
                }
            }
        }
    }
}
