//! What macOS tells of a process, and what of its executable can be believed.

use super::layout as at;
use crate::collect::bsd::bytes::Bytes;
use crate::collect::bsd::files::{FileId, HostFile};
use crate::collect::bsd::host::instant;
use crate::model::{ExeState, Text, Timestamp};

/// What `struct proc_bsdinfo` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The parent.
    pub ppid: u32,
    /// The effective user.
    pub uid: u32,
    /// The name: that of the program at its start, unless it gave itself another.
    pub name: Text,
    /// When it started, in microseconds since 1970, and the same for people.
    pub started: Option<(u64, Timestamp)>,
}

/// Reads it; `None` where it is not whole, or of another process.
pub fn facts(answer: &[u8], pid: u32) -> Option<Facts> {
    let bytes = Bytes(answer);
    bytes.part(0, at::BSDINFO)?;
    if bytes.u32(at::BSDINFO_PID)? != pid {
        return None;
    }
    let long = bytes.name(at::BSDINFO_NAME, at::BSDINFO_NAME_ROOM)?;
    let short = bytes.name(at::BSDINFO_COMM, at::BSDINFO_COMM_ROOM)?;
    Some(Facts {
        ppid: bytes.u32(at::BSDINFO_PPID)?,
        uid: bytes.u32(at::BSDINFO_UID)?,
        name: if long.is_empty() { short } else { long },
        started: instant(bytes.u64(at::BSDINFO_SECONDS)?, bytes.u64(at::BSDINFO_MICROSECONDS)?),
    })
}

/// A file that a process has mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// Which.
    pub file: FileId,
    /// No name leads to it any more.
    pub is_deleted: bool,
}

/// Reads the first files that a process has mapped.
pub fn mapped(answer: &[u8]) -> Vec<Mapped> {
    let file = |one: &[u8]| {
        let bytes = Bytes(one);
        let device = u64::from(bytes.u32(at::REGION_DEVICE)?);
        let file = FileId { device, inode: bytes.u64(at::REGION_INODE)? };
        Some(Mapped { file, is_deleted: bytes.u16(at::REGION_LINKS)? == 0 })
    };
    answer.chunks_exact(at::REGION_KEPT).filter_map(file).collect()
}

/// What is known of the file that a process executes.
///
/// The kernel names it from its own node for it. That alone does not say that the file under that name is still the same: so
/// the process must have that very file mapped. Any other file it could map too, but not one to the kernel's name of
/// which it was not started.
pub fn exe_state(mapped: &[Mapped], host: Option<&HostFile>) -> ExeState {
    match (host, mapped.first()) {
        (Some(host), _) if mapped.iter().any(|one| one.file == host.file) => ExeState::Ok,
        (_, None) => ExeState::Unreadable,
        // What comes first in the memory of a process is its program.
        (_, Some(first)) if first.is_deleted => ExeState::Deleted,
        _ => ExeState::Foreign,
    }
}
