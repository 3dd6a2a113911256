//! The seam: a kernel answers questions in bytes. The live one and a capture both do.

use std::fmt;

use super::question::Question;

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The kernel's error number, as on Linux whatever system this runs on.
    Errno(i32),
    /// The capture was made by a run that did not ask this: never the same as an empty answer.
    NotRecorded,
    /// The time that the run may take was over.
    Deadline,
}

impl Refusal {
    /// `EPERM`.
    pub const EPERM: Self = Self::Errno(1);
    /// `ENOENT`.
    pub const ENOENT: Self = Self::Errno(2);
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

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::EPERM => f.write_str("EPERM (not permitted)"),
            Self::ENOENT => f.write_str("ENOENT (no such table, module or file)"),
            Self::ESRCH => f.write_str("ESRCH (no such process)"),
            Self::EAGAIN => f.write_str("EAGAIN (it could not be had without waiting)"),
            Self::EACCES => f.write_str("EACCES (permission denied)"),
            Self::EINVAL => f.write_str("EINVAL (invalid request)"),
            Self::ENOSYS => f.write_str("ENOSYS (this kernel does not know the question)"),
            Self::EMSGSIZE => f.write_str("EMSGSIZE (answer too large)"),
            Self::EPROTONOSUPPORT => f.write_str("EPROTONOSUPPORT (protocol not supported)"),
            Self::EAFNOSUPPORT => f.write_str("EAFNOSUPPORT (address family not supported)"),
            Self::Errno(number) => write!(f, "error number {number}"),
            Self::NotRecorded => f.write_str("not-recorded (the capture has no answer to this)"),
            Self::Deadline => f.write_str(crate::collect::OUT_OF_TIME),
        }
    }
}

/// Something that answers as a Linux kernel does.
pub trait Kernel: Sync {
    /// Appends the answer to `answer`, which the caller hands in empty so that its room is used again. After a refusal
    /// it may hold the beginning of an answer, to be used only where a part is better than nothing.
    fn ask(&self, question: &Question, answer: &mut Vec<u8>) -> Result<(), Refusal>;

    /// The answer in room of its own.
    fn get(&self, question: &Question) -> Result<Vec<u8>, Refusal> {
        let mut answer = Vec::new();
        self.ask(question, &mut answer).map(|()| answer)
    }
}
