//! The tables of sockets.

#![expect(unsafe_code, reason = "the IP Helper API fills a buffer of ours")]

use std::mem::{offset_of, size_of};

use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA, NO_ERROR};
use windows_sys::Win32::NetworkManagement::IpHelper::*;
use windows_sys::Win32::Networking::WinSock::{AF_INET, AF_INET6};

use crate::collect::windows::question::Table;
use crate::collect::windows::rows::Layout;

/// Asserts that a layout is how the system declares it.
macro_rules! is_declared {
    ($table:ident, $whole:ident, $row:ident, $address:ident, $scope:expr, $port:ident, $state:expr, $pid:ident, $made:expr) => {
        const _: () = {
            let layout: Layout = Table::$table.layout();
            assert!(layout.first == offset_of!($whole, table));
            assert!(layout.size == size_of::<$row>());
            assert!(layout.address == offset_of!($row, $address));
            assert!(layout.port == offset_of!($row, $port));
            assert!(layout.pid == offset_of!($row, $pid));
            let scope: Option<usize> = $scope;
            assert!(matches!((layout.scope, scope), (None, None) | (Some(16), Some(16))));
            let state: Option<usize> = $state;
            assert!(match (layout.state, state) {
                (Some(one), Some(other)) => one == other,
                (None, None) => true,
                _ => false,
            });
            let made: Option<(usize, usize)> = $made;
            assert!(match (layout.made, made) {
                (Some(one), Some(other)) => one.0 == other.0 && one.1 == other.1,
                (None, None) => true,
                _ => false,
            });
        };
    };
}

/// Where a row says when it was made, and by which module.
macro_rules! made {
    ($row:ident) => {
        Some((offset_of!($row, liCreateTimestamp), offset_of!($row, OwningModuleInfo)))
    };
}

is_declared!(
    Tcp,
    MIB_TCPTABLE_OWNER_MODULE,
    MIB_TCPROW_OWNER_MODULE,
    dwLocalAddr,
    None,
    dwLocalPort,
    Some(offset_of!(MIB_TCPROW_OWNER_MODULE, dwState)),
    dwOwningPid,
    made!(MIB_TCPROW_OWNER_MODULE)
);
is_declared!(
    Tcp6,
    MIB_TCP6TABLE_OWNER_MODULE,
    MIB_TCP6ROW_OWNER_MODULE,
    ucLocalAddr,
    Some(offset_of!(MIB_TCP6ROW_OWNER_MODULE, dwLocalScopeId)),
    dwLocalPort,
    Some(offset_of!(MIB_TCP6ROW_OWNER_MODULE, dwState)),
    dwOwningPid,
    made!(MIB_TCP6ROW_OWNER_MODULE)
);
is_declared!(
    Udp,
    MIB_UDPTABLE_OWNER_MODULE,
    MIB_UDPROW_OWNER_MODULE,
    dwLocalAddr,
    None,
    dwLocalPort,
    None,
    dwOwningPid,
    made!(MIB_UDPROW_OWNER_MODULE)
);
is_declared!(
    Udp6,
    MIB_UDP6TABLE_OWNER_MODULE,
    MIB_UDP6ROW_OWNER_MODULE,
    ucLocalAddr,
    Some(offset_of!(MIB_UDP6ROW_OWNER_MODULE, dwLocalScopeId)),
    dwLocalPort,
    None,
    dwOwningPid,
    made!(MIB_UDP6ROW_OWNER_MODULE)
);
is_declared!(
    TcpAll,
    MIB_TCPTABLE_OWNER_PID,
    MIB_TCPROW_OWNER_PID,
    dwLocalAddr,
    None,
    dwLocalPort,
    Some(offset_of!(MIB_TCPROW_OWNER_PID, dwState)),
    dwOwningPid,
    None
);
is_declared!(
    Tcp6All,
    MIB_TCP6TABLE_OWNER_PID,
    MIB_TCP6ROW_OWNER_PID,
    ucLocalAddr,
    Some(offset_of!(MIB_TCP6ROW_OWNER_PID, dwLocalScopeId)),
    dwLocalPort,
    Some(offset_of!(MIB_TCP6ROW_OWNER_PID, dwState)),
    dwOwningPid,
    None
);

/// How often a table may outgrow the room that it was just said to need.
const TRIES: usize = 16;

/// Appends a table.
pub(super) fn table(table: Table, answer: &mut Vec<u8>) -> Result<(), u32> {
    let family = u32::from(if table.layout().ipv6 { AF_INET6 } else { AF_INET });
    // Of 8 bytes each, since the rows have fields of that size.
    let mut room: Vec<u64> = vec![0; 1024];
    for _ in 0..TRIES {
        let mut size = u32::try_from(room.len() * 8).unwrap_or(u32::MAX);
        let buffer = room.as_mut_ptr().cast();
        let mut tcp = |class| {
            let size = &raw mut size;
            // SAFETY: the buffer has `size` bytes, aligned to 8, and no more of it is written.
            unsafe { GetExtendedTcpTable(buffer, size, 0, family, class, 0) }
        };
        let result = match table {
            Table::Tcp | Table::Tcp6 => tcp(TCP_TABLE_OWNER_MODULE_LISTENER),
            Table::TcpAll | Table::Tcp6All => tcp(TCP_TABLE_OWNER_PID_ALL),
            Table::Udp | Table::Udp6 => {
                // SAFETY: as above.
                unsafe { GetExtendedUdpTable(buffer, &raw mut size, 0, family, UDP_TABLE_OWNER_MODULE, 0) }
            }
        };
        match result {
            NO_ERROR => {
                let layout = table.layout();
                let rows = (room[0] & 0xffff_ffff) as usize;
                // What lies behind the last row is room that was not needed.
                let used = rows.saturating_mul(layout.size).saturating_add(layout.first).min(room.len() * 8);
                answer.extend(room.iter().flat_map(|eight| eight.to_le_bytes()).take(used));
                return Ok(());
            }
            ERROR_INSUFFICIENT_BUFFER => {
                // More than it takes now: by the next call there may be more rows.
                room = vec![0; (size as usize / 8).max(room.len()) + 512];
            }
            error => return Err(error),
        }
    }
    Err(ERROR_MORE_DATA)
}
