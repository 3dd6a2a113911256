//! The structures that sysctl(3) answers with. Each says how long it is, and one of another length is not read.

use super::layout as at;
use crate::collect::bsd::bytes::{Bytes, records};
use crate::collect::bsd::files::{FileId, HostFile};
use crate::collect::bsd::host::instant;
use crate::collect::bsd::inet::{Block, Meaning};
use crate::collect::bsd::rows::Reading;
use crate::model::{ExeState, Text, Timestamp, Transport};

/// Why a table is not read.
pub const FORM: &str = "its structures have other sizes than those of the releases that are known";

/// The rows of a table between its two counts of changes, each at its block, and whether these counts are the same.
pub fn rows(transport: Transport, answer: &[u8]) -> Result<(Vec<&[u8]>, bool), &'static str> {
    let count = |one: &[u8]| (one.len() == at::GENERATION).then(|| Bytes(one).u64(at::GENERATION_COUNT)).flatten();
    let (records, rest) = records(answer, true);
    if !rest.is_empty() {
        return Err(FORM);
    }
    let first = records.first().and_then(|one| count(one)).ok_or(FORM)?;
    let length = if transport == Transport::Tcp { at::TCP } else { at::BLOCK };
    match records[1..].split_last() {
        // A table without rows has no second count.
        None => Ok((Vec::new(), true)),
        Some((_, rows)) if rows.iter().any(|row| row.len() != length || block_at(transport, row).is_none()) => {
            Err(FORM)
        }
        Some((last, rows)) => Ok((rows.to_vec(), count(last).ok_or(FORM)? == first)),
    }
}

/// Where in a row its block is, where that and its socket have the lengths that are known.
fn block_at(transport: Transport, row: &[u8]) -> Option<usize> {
    let from = if transport == Transport::Tcp { at::TCP_BLOCK } else { 0 };
    let length = Bytes(row).u64(from + at::BLOCK_SOCKET_LENGTH)?;
    // A block whose socket is gone has none.
    (length == at::SOCKET as u64 || length == 0).then_some(from)
}

/// Reads a table of TCP, UDP or raw sockets.
pub fn table(transport: Transport, answer: &[u8]) -> Result<Reading, &'static str> {
    let (rows, is_still) = rows(transport, answer)?;
    let mut reading = Reading { is_still, ..Reading::default() };
    for row in rows {
        match block(transport, row).map(|(handle, block)| (handle, block.meaning())) {
            Some((handle, meaning)) if meaning != Meaning::Bad => reading.rows.push((handle, meaning)),
            _ => reading.bad += 1,
        }
    }
    Ok(reading)
}

/// A block and the handle of its socket.
pub fn block(transport: Transport, row: &[u8]) -> Option<(u64, Block)> {
    let (from, bytes) = (block_at(transport, row)?, Bytes(row));
    let handle = bytes.u64(from + at::BLOCK_HANDLE)?;
    let block = Block {
        transport,
        state: if transport == Transport::Tcp { bytes.u32(at::TCP_STATE)? } else { 0 },
        port: bytes.port(from + at::BLOCK_PORT)?,
        has_peer: bytes.port(from + at::BLOCK_PEER_PORT)? != 0,
        versions: bytes.u8(from + at::BLOCK_VERSIONS)?,
        protocol: bytes.u8(from + at::BLOCK_PROTOCOL)?,
        address: bytes.array(from + at::BLOCK_ADDRESS)?,
        backlog: (bytes.u32(from + at::BLOCK_QUEUE)?, bytes.u32(from + at::BLOCK_LIMIT)?),
        queued: bytes.u32(from + at::BLOCK_RECEIVED)?,
        uid: bytes.u32(from + at::BLOCK_UID).filter(|_| handle != 0),
        // The handle is an address in the kernel, and nobody's business.
        cookie: bytes.u64(from + at::BLOCK_COUNT)?,
    };
    Some((handle, block))
}

/// The descriptors of sockets among the open files of all processes: process, descriptor and handle.
pub fn files(answer: &[u8]) -> Result<Vec<(u32, u32, u64)>, &'static str> {
    let (records, rest) = records(answer, true);
    if !rest.is_empty() || records.iter().any(|one| one.len() != at::FILE) {
        return Err(FORM);
    }
    let file = |one: &[u8]| {
        let bytes = Bytes(one);
        let told = (bytes.u32(at::FILE_PID)?, bytes.u32(at::FILE_FD)?, bytes.u64(at::FILE_DATA)?);
        (bytes.u16(at::FILE_TYPE)? == at::IS_SOCKET).then_some(told)
    };
    Ok(records.into_iter().filter_map(file).collect())
}

/// What `struct kinfo_proc` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The parent.
    pub ppid: u32,
    /// The effective user.
    pub uid: u32,
    /// The groups; `None` where it is in more than there is room for.
    pub groups: Option<Vec<u32>>,
    /// The name, which the process may change.
    pub name: Text,
    /// When it started, in microseconds since 1970, and the same for people.
    pub started: Option<(u64, Timestamp)>,
    /// The number of its jail, 0 for none.
    pub jail: u32,
}

/// Reads it; `None` where it has another length, or is another process's.
pub fn facts(answer: &[u8], pid: u32) -> Option<Facts> {
    let bytes = Bytes(answer);
    if bytes.u32(0)? as usize != at::PROCESS || answer.len() != at::PROCESS || bytes.u32(at::PROCESS_PID)? != pid {
        return None;
    }
    let count = usize::from(bytes.u16(at::PROCESS_GROUPS)?);
    let groups = (0..count).map(|nth| bytes.u32(at::PROCESS_GROUP + nth * 4));
    Some(Facts {
        ppid: bytes.u32(at::PROCESS_PPID)?,
        uid: bytes.u32(at::PROCESS_UID)?,
        // A full list may be cut.
        groups: if count < at::PROCESS_MOST_GROUPS { groups.collect() } else { None },
        name: bytes.name(at::PROCESS_NAME, at::PROCESS_NAME_ROOM)?,
        started: instant(bytes.u64(at::PROCESS_SECONDS)?, bytes.u64(at::PROCESS_MICROSECONDS)?),
        jail: bytes.u32(at::PROCESS_JAIL)?,
    })
}

/// Of the descriptors of a process the record of the program text, without its path.
pub fn keep_text(answer: &[u8]) -> Option<&[u8]> {
    let (records, _) = records(answer, false);
    let is_text = |one: &&[u8]| Bytes(one).i32(at::TEXT_FD) == Some(at::TEXT);
    records.into_iter().find(is_text).map(|one| &one[..one.len().min(at::TEXT_KEPT)])
}

/// What is known of the file that a process executes: the kernel tells its device and inode from its own node for it, and
/// the host's root must have the same under the kernel's name for it.
pub fn exe_state(text: &[u8], host: Option<&HostFile>) -> ExeState {
    let bytes = Bytes(text);
    let file = || {
        let is_valid = bytes.u16(at::TEXT_STATUS)? & at::TEXT_VALID != 0;
        let file = FileId { device: bytes.u64(at::TEXT_DEVICE)?, inode: bytes.u64(at::TEXT_INODE)? };
        Some((file, bytes.u64(at::TEXT_LINKS)?)).filter(|_| is_valid)
    };
    match file() {
        None => ExeState::Unreadable,
        Some((_, 0)) => ExeState::Deleted,
        Some((file, _)) if host.is_some_and(|host| host.file == file) => ExeState::Ok,
        Some(_) => ExeState::Foreign,
    }
}
