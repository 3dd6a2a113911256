//! The error numbers of Win32, and what they say.

use crate::collect::OUT_OF_TIME;
use crate::collect::seam::{NOT_RECORDED, Refusal};
use crate::model::Gap;

/// `ERROR_ACCESS_DENIED`.
pub const ACCESS_DENIED: Refusal = Refusal::Errno(5);
/// `ERROR_INVALID_PARAMETER`, which `OpenProcess` answers for a process that is not there.
pub const INVALID_PARAMETER: Refusal = Refusal::Errno(87);
/// `ERROR_FILE_NOT_FOUND`.
pub const FILE_NOT_FOUND: Refusal = Refusal::Errno(2);
/// `ERROR_PATH_NOT_FOUND`.
pub const PATH_NOT_FOUND: Refusal = Refusal::Errno(3);
/// `ERROR_NOT_SUPPORTED`.
pub const NOT_SUPPORTED: Refusal = Refusal::Errno(50);

/// What mends what only an administrator may see.
pub const ELEVATE: &str = "run it from an elevated prompt (Run as administrator)";

/// What a refusal says, with the name of its number.
pub fn words(refusal: Refusal) -> String {
    let known = match refusal {
        ACCESS_DENIED => "ERROR_ACCESS_DENIED (access is denied)",
        INVALID_PARAMETER => "ERROR_INVALID_PARAMETER (there is no such thing)",
        FILE_NOT_FOUND => "ERROR_FILE_NOT_FOUND (there is no such file)",
        PATH_NOT_FOUND => "ERROR_PATH_NOT_FOUND (there is no such directory)",
        NOT_SUPPORTED => "ERROR_NOT_SUPPORTED (this system does not know the question)",
        Refusal::Errno(number) => return format!("Windows error {number}"),
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
        ACCESS_DENIED => ELEVATE,
        _ => "look the number up with `net helpmsg`, and tell the developers",
    };
    Gap { what: what.into(), why: words(refusal), consequence: consequence.into(), remedy: remedy.into() }
}
