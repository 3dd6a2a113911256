//! The error numbers of Linux, and what they say.

use crate::collect::OUT_OF_TIME;
use crate::collect::seam::NOT_RECORDED;
pub use crate::collect::seam::{Kernel, Refusal};

impl Refusal {
    /// `EPERM`.
    pub const EPERM: Self = Self::Errno(1);
    /// `ENOENT`.
    pub const ENOENT: Self = Self::Errno(2);
    /// `EINTR`.
    pub const EINTR: Self = Self::Errno(4);
    /// `ESRCH`.
    pub const ESRCH: Self = Self::Errno(3);
    /// `EAGAIN`: somebody would have to be waited for.
    pub const EAGAIN: Self = Self::Errno(11);
    /// `EACCES`.
    pub const EACCES: Self = Self::Errno(13);
    /// `EINVAL`.
    pub const EINVAL: Self = Self::Errno(22);
    /// `ENOSYS`.
    pub const ENOSYS: Self = Self::Errno(38);
    /// `EBADMSG`: an answer made no sense.
    pub const EBADMSG: Self = Self::Errno(74);
    /// `EMSGSIZE`: an answer was larger than the room for it.
    pub const EMSGSIZE: Self = Self::Errno(90);
    /// `EPROTONOSUPPORT`.
    pub const EPROTONOSUPPORT: Self = Self::Errno(93);
    /// `EAFNOSUPPORT`.
    pub const EAFNOSUPPORT: Self = Self::Errno(97);

    /// True where the process or file was gone.
    pub fn is_gone(self) -> bool {
        matches!(self, Self::ENOENT | Self::ESRCH)
    }

    /// True where the kernel or a security module said no.
    pub fn is_denied(self) -> bool {
        matches!(self, Self::EPERM | Self::EACCES)
    }
}

/// What a refusal says, with the name of its number.
pub fn words(refusal: Refusal) -> String {
    let known = match refusal {
        Refusal::EPERM => "EPERM (not permitted)",
        Refusal::ENOENT => "ENOENT (no such table, module or file)",
        Refusal::ESRCH => "ESRCH (no such process)",
        Refusal::EINTR => "EINTR (it changed each time while it was read)",
        Refusal::EAGAIN => "EAGAIN (it could not be had without waiting)",
        Refusal::EACCES => "EACCES (permission denied)",
        Refusal::EINVAL => "EINVAL (invalid request)",
        Refusal::ENOSYS => "ENOSYS (this kernel does not know the question)",
        Refusal::EBADMSG => "EBADMSG (the answer made no sense)",
        Refusal::EMSGSIZE => "EMSGSIZE (answer too large)",
        Refusal::EPROTONOSUPPORT => "EPROTONOSUPPORT (protocol not supported)",
        Refusal::EAFNOSUPPORT => "EAFNOSUPPORT (address family not supported)",
        Refusal::Errno(number) => return format!("error number {number}"),
        Refusal::NotRecorded => NOT_RECORDED,
        Refusal::Deadline => OUT_OF_TIME,
    };
    known.to_owned()
}
