//! The error numbers that macOS and FreeBSD share, intro(2), and what they say.

use crate::collect::OUT_OF_TIME;
use crate::collect::seam::{NOT_RECORDED, Refusal};
use crate::model::Gap;

/// Not permitted.
pub const EPERM: i32 = 1;
/// No such file, or no such name of a sysctl.
pub const ENOENT: i32 = 2;
/// No such process.
pub const ESRCH: i32 = 3;
/// The descriptor is closed.
pub const EBADF: i32 = 9;
/// An answer was larger than the room for it.
pub const ENOMEM: i32 = 12;
/// Permission denied.
pub const EACCES: i32 = 13;
/// Not a directory.
pub const ENOTDIR: i32 = 20;
/// The question makes no sense to this kernel.
pub const EINVAL: i32 = 22;
/// The descriptor leads to something else by now.
pub const ENOTSOCK: i32 = 38;
/// The path has a symbolic link where none may be.
pub const ELOOP: i32 = 62;

/// True where what was asked about was gone.
pub fn is_gone(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::Errno(ESRCH | ENOENT | EBADF | ENOTSOCK))
}

/// True where the kernel or a policy of the system said no.
pub fn is_denied(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::Errno(EPERM | EACCES))
}

/// What a refusal says, with the name of its number.
pub fn words(refusal: Refusal) -> String {
    let known = match refusal {
        Refusal::Errno(EPERM) => "EPERM (not permitted)",
        Refusal::Errno(ENOENT) => "ENOENT (not known here)",
        Refusal::Errno(ESRCH) => "ESRCH (no such process)",
        Refusal::Errno(EBADF) => "EBADF (closed meanwhile)",
        Refusal::Errno(ENOMEM) => "ENOMEM (answer larger than its room)",
        Refusal::Errno(EACCES) => "EACCES (permission denied)",
        Refusal::Errno(EINVAL) => "EINVAL (this kernel does not know the question)",
        Refusal::Errno(number) => return format!("error number {number}"),
        Refusal::NotRecorded => NOT_RECORDED,
        Refusal::Deadline => OUT_OF_TIME,
    };
    known.to_owned()
}

/// The gap that a question without an answer leaves.
pub fn gap(what: &str, refusal: Refusal, consequence: &str) -> Gap {
    let remedy = match refusal {
        Refusal::Deadline => "give it more time with --timeout",
        Refusal::NotRecorded => "record the host again with this version",
        _ if is_denied(refusal) => "run it as root, with sudo",
        _ => "record the host with `earmark capture` and report it",
    };
    Gap { what: what.into(), why: words(refusal), consequence: consequence.into(), remedy: remedy.into() }
}
