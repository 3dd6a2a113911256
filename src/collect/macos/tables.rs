//! The tables of sysctl(3), which tell of every socket to everybody, though not of who holds it.

use super::layout::tables as at;
use super::sockets::backlog;
use crate::collect::bsd::bytes::{Bytes, records};
use crate::collect::bsd::inet::{Block, Meaning};
use crate::collect::bsd::rows::Reading;
use crate::model::Transport;

/// Why a table is not read.
pub const FORM: &str = "its structures have other sizes than those that are known";

/// Where in a row the block lies, and the row's own length before it; `None` where they have another form.
pub fn block_at(transport: Transport, row: &[u8]) -> Option<usize> {
    let bytes = Bytes(row);
    let at = if transport == Transport::Tcp { at::TCP_BLOCK } else { 0 };
    // The block of TCP has no length of its own, and lies before the state.
    let fits = match transport {
        Transport::Tcp => row.len() >= at::TCP_STATE + 4,
        _ => row.len() == at::BLOCK && bytes.u64(0) == Some(at::BLOCK as u64),
    };
    let length = bytes.u32(at + at::BLOCK_SOCKET)?;
    // A block whose socket is gone has none.
    (fits && (length == at::SOCKET as u32 || length == 0)).then_some(at)
}

/// The rows of a table between its two counts of changes, and whether these are the same.
pub fn rows(answer: &[u8]) -> Result<(Vec<&[u8]>, bool), &'static str> {
    let count = |one: &[u8]| (one.len() == at::GENERATION).then(|| Bytes(one).u64(at::GENERATION_COUNT)).flatten();
    let (records, rest) = records(answer, false);
    let first = records.first().and_then(|one| count(one)).ok_or(FORM)?;
    match records[1..].split_last() {
        // A table without rows has no second count.
        None if rest.is_empty() => Ok((Vec::new(), true)),
        Some((last, rows)) if rest.is_empty() => Ok((rows.to_vec(), count(last).ok_or(FORM)? == first)),
        _ => Err(FORM),
    }
}

/// Reads a table of TCP, UDP or raw sockets.
pub fn read(transport: Transport, answer: &[u8]) -> Result<Reading, &'static str> {
    let (rows, is_still) = rows(answer)?;
    let mut reading = Reading { is_still, ..Reading::default() };
    for row in rows {
        let at = block_at(transport, row).ok_or(FORM)?;
        match block(transport, Bytes(row), at) {
            Some((handle, block)) => match block.meaning() {
                Meaning::Bad => reading.bad += 1,
                meaning => reading.rows.push((handle, meaning)),
            },
            None => reading.bad += 1,
        }
    }
    Ok(reading)
}

/// A block and the handle of its socket.
pub fn block(transport: Transport, row: Bytes<'_>, from: usize) -> Option<(u64, Block)> {
    let socket = from + at::BLOCK_SOCKET;
    let handle = row.u64(socket + at::SOCKET_HANDLE)?;
    let queue = [at::SOCKET_QUEUE, at::SOCKET_INCOMPLETE, at::SOCKET_LIMIT].map(|at| socket + at);
    let block = Block {
        transport,
        state: if transport == Transport::Tcp { row.u32(at::TCP_STATE)? } else { 0 },
        port: row.port(from + at::BLOCK_PORT)?,
        has_peer: row.port(from + at::BLOCK_PEER_PORT)? != 0,
        versions: row.u8(from + at::BLOCK_VERSIONS)?,
        protocol: row.u8(from + at::BLOCK_PROTOCOL)?,
        address: row.array(from + at::BLOCK_ADDRESS)?,
        backlog: backlog(row, queue)?,
        queued: row.u32(socket + at::SOCKET_RECEIVED)?,
        uid: row.u32(socket + at::SOCKET_UID).filter(|_| handle != 0),
        cookie: if handle == 0 { row.u64(from + at::BLOCK_COUNT)? } else { handle },
    };
    Some((handle, block))
}
