//! The network namespaces that the kernel lists itself: listns(2), Linux 6.19. It knows those too that nobody lives in and
//! that are mounted where we cannot see it.

use std::os::fd::{FromRawFd as _, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;

/// The number of listns(2) on every architecture, include/uapi/asm-generic/unistd.h.
const SYS_LISTNS: i64 = 470;

/// What it wants, `struct ns_id_req` in include/uapi/linux/nsfs.h.
#[repr(C)]
struct Request {
    size: u32,
    _spare: u32,
    after: u64,
    kind: u32,
    _spare2: u32,
    user_namespace: u64,
}

/// `struct file_handle` of open_by_handle_at(2), with what a namespace has in it, `struct nsfs_file_handle`.
#[repr(C)]
struct Handle {
    bytes: u32,
    kind: i32,
    namespace: u64,
    /// The kind of namespace and its inode: both or none.
    unset: [u32; 2],
}

/// `FILEID_NSFS`, include/linux/exportfs.h, and `FD_NSFS_ROOT`, include/uapi/linux/fcntl.h.
const FILEID_NSFS: i32 = 0xf1;
const FD_NSFS_ROOT: i32 = -10003;

/// The ids of all network namespaces that we may know of. `ENOSYS` before Linux 6.19.
pub fn network_namespaces() -> Result<Vec<u64>, Errno> {
    const AT_ONCE: usize = 1024;
    let mut ids: Vec<u64> = Vec::new();
    let mut room = [0u64; AT_ONCE];
    loop {
        let request = Request {
            size: size_of::<Request>() as u32,
            _spare: 0,
            after: ids.last().copied().unwrap_or(0),
            kind: libc::CLONE_NEWNET.cast_unsigned(),
            _spare2: 0,
            user_namespace: 0,
        };
        #[expect(unsafe_code, reason = "no library of ours has listns(2)")]
        // SAFETY: the kernel reads as many bytes of the request as that says, and writes at most as many ids as there is
        // room for; both live for the call.
        let found = unsafe { libc::syscall(SYS_LISTNS, &raw const request, room.as_mut_ptr(), AT_ONCE, 0) };
        let found = usize::try_from(found).map_err(|_| last_error())?;
        ids.extend(&room[..found.min(AT_ONCE)]);
        if found < AT_ONCE {
            return Ok(ids);
        }
    }
}

/// Opens the namespace with an id.
pub fn open(id: u64) -> Result<OwnedFd, Errno> {
    let mut handle = Handle { bytes: 16, kind: FILEID_NSFS, namespace: id, unset: [0; 2] };
    let flags = (OFlags::RDONLY | OFlags::CLOEXEC).bits();
    #[expect(unsafe_code, reason = "no library of ours has open_by_handle_at(2)")]
    // SAFETY: the handle is as long as its first field says behind the two, and lives for the call.
    let opened = unsafe { libc::syscall(libc::SYS_open_by_handle_at, FD_NSFS_ROOT, &raw mut handle, flags) };
    let opened = i32::try_from(opened).ok().filter(|descriptor| *descriptor >= 0).ok_or_else(last_error)?;
    #[expect(unsafe_code, reason = "the system call hands out a descriptor as a number")]
    // SAFETY: the kernel has just opened it for us, and nobody else knows of it.
    let opened = unsafe { OwnedFd::from_raw_fd(opened) };
    Ok(opened)
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_namespace_that_is_listed_can_be_opened_or_is_gone() {
        match network_namespaces() {
            Err(errno) => assert!(matches!(errno, Errno::NOSYS | Errno::PERM), "{errno}"),
            Ok(ids) => {
                assert!(!ids.is_empty(), "our own is one");
                assert!(ids.iter().any(|id| open(*id).is_ok()));
            }
        }
    }
}
