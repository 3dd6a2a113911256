//! Vsock sockets behind descriptors, where the kernel has no vsock_diag.

use std::io::Write as _;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::AddressFamily;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::{Live, rooted};

impl Live {
    /// `FD CID PORT TYPE LISTENING` of each vsock socket among descriptors with the inodes that they led to, and `FD gone`
    /// of each that leads elsewhere by now.
    pub(super) fn vsock(&self, pid: u32, descriptors: &[(u32, u64)], answer: &mut Vec<u8>) -> Result<(), Errno> {
        let process = Pid::from_raw(pid.cast_signed()).ok_or(Errno::SRCH)?;
        let (proc, same_pids) = match &self.rooted {
            Some(rooted) => (rooted::place(&self.proc)?, rooted.same_pids),
            None => ("/proc".to_owned(), true),
        };
        let mut handle = None;
        for &(fd, inode) in descriptors {
            // What was asked has to be what was meant, and a file that stands there by now is not asked, since FUSE could keep
            // us waiting: the link tells it just before. To open it as a path would be sure, but pin it: whoever looks at us
            // would take us for a holder.
            if !leads_to(&self.proc, pid, fd, inode)? {
                let _ = writeln!(answer, "{fd} gone");
                continue;
            }
            let mut name = [0u8; 16];
            match rustix::fs::getxattr(format!("{proc}/{pid}/fd/{fd}"), "system.sockprotoname", &mut name[..]) {
                Ok(length) if name[..length].trim_ascii_end().starts_with(b"AF_VSOCK") => {}
                _ => continue,
            }
            if !same_pids {
                // That number is another process here.
                return Err(Errno::PERM);
            }
            let handle = match &handle {
                Some(handle) => handle,
                None => handle.insert(pidfd_open(process, PidfdFlags::empty())?) as &_,
            };
            let copied = match pidfd_getfd(handle, fd.cast_signed(), PidfdGetfdFlags::empty()) {
                Err(Errno::BADF) => None,
                copied => Some(copied?),
            };
            match copied.filter(|copied| rustix::fs::fstat(copied).is_ok_and(|file| file.st_ino == inode)) {
                None => {
                    let _ = writeln!(answer, "{fd} gone");
                }
                Some(socket) => {
                    let (cid, port) = address(&socket)?;
                    let kind = rustix::net::sockopt::socket_type(&socket)?.as_raw();
                    let listening = u8::from(rustix::net::sockopt::socket_acceptconn(&socket)?);
                    let _ = writeln!(answer, "{fd} {cid} {port} {kind} {listening}");
                }
            }
        }
        Ok(())
    }
}

/// True where a descriptor leads to the socket with that inode.
fn leads_to(proc: &OwnedFd, pid: u32, fd: u32, inode: u64) -> Result<bool, Errno> {
    let mut link = [std::mem::MaybeUninit::uninit(); 64];
    match rustix::fs::readlinkat_raw(proc, format!("{pid}/fd/{fd}"), &mut link[..]) {
        Ok((target, _)) => Ok(target == format!("socket:[{inode}]").as_bytes()),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// The vsock address that a socket is bound to, vsock(7): family, reserved, port, cid.
fn address(socket: &OwnedFd) -> Result<(u32, u32), Errno> {
    let address = rustix::net::getsockname(socket)?;
    if address.address_family() != AddressFamily::VSOCK || address.addr_len() < 12 {
        return Err(Errno::AFNOSUPPORT);
    }
    let bytes = address.as_ptr().cast::<[u8; 12]>();
    #[expect(unsafe_code, reason = "rustix hands out the bytes of an address family it does not know by pointer alone")]
    // SAFETY: the pointer leads to the storage within `address`, which lives here and holds at least 12 bytes.
    let bytes = unsafe { *bytes };
    let number = |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    Ok((number(8), number(4)))
}
