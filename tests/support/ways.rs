//! Ways to hold a socket without a plain descriptor of the process.

#![expect(unsafe_code, reason = "libc alone does these things")]

use std::io::{Error, Result};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

fn check(result: i64) -> Result<i64> {
    if result < 0 { Err(Error::last_os_error()) } else { Ok(result) }
}

/// Gives the calling thread a table of descriptors of its own.
pub fn own_table() -> Result<()> {
    // SAFETY: unshare(2) takes a number.
    check(unsafe { libc::unshare(libc::CLONE_FILES) }.into()).map(drop)
}

/// Moves the calling thread into a new network namespace; its sockets stay where they are.
pub fn other_namespace() -> Result<()> {
    // SAFETY: unshare(2) takes a number.
    check(unsafe { libc::unshare(libc::CLONE_NEWNET) }.into()).map(drop)
}

/// Ends the calling thread alone, without what a language's runtime does at its end.
pub fn end_thread() -> ! {
    // SAFETY: exit(2) ends this thread, whose stack nobody uses any more.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
    unreachable!("the thread has ended")
}

/// Registers a socket with a new io_uring, which keeps it open, and closes the descriptor.
pub fn register(socket: OwnedFd) -> Result<OwnedFd> {
    const IORING_REGISTER_FILES: u32 = 2;
    // `struct io_uring_params` has 120 bytes, and zeroes ask for nothing special.
    let mut parameters = [0u8; 120];
    // SAFETY: the kernel writes no more than the structure.
    let ring = check(unsafe { libc::syscall(libc::SYS_io_uring_setup, 4, parameters.as_mut_ptr()) })?;
    // SAFETY: the descriptor is new and ours.
    let ring = unsafe { OwnedFd::from_raw_fd(ring as i32) };
    let files = [socket.as_raw_fd()];
    // SAFETY: the kernel reads one number.
    let registered = unsafe {
        libc::syscall(libc::SYS_io_uring_register, ring.as_raw_fd(), IORING_REGISTER_FILES, files.as_ptr(), 1)
    };
    check(registered)?;
    Ok(ring)
}

/// Sends a socket to oneself in a message that is never received, and closes the descriptor.
pub fn send_away(socket: OwnedFd) -> Result<[OwnedFd; 2]> {
    let mut pair = [0i32; 2];
    // SAFETY: socketpair(2) writes two descriptors.
    check(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_DGRAM, 0, pair.as_mut_ptr()) }.into())?;
    // SAFETY: they are new and ours.
    let pair = pair.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    let mut byte = [7u8];
    let mut piece = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    let mut control = [0u64; 4];
    // SAFETY: all zeroes is a valid msghdr; its pointers lead to what lives across the call, and the control message
    // has room for one descriptor.
    let sent = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut piece;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(4) as _;
        let head = libc::CMSG_FIRSTHDR(&raw const message);
        (*head).cmsg_level = libc::SOL_SOCKET;
        (*head).cmsg_type = libc::SCM_RIGHTS;
        (*head).cmsg_len = libc::CMSG_LEN(4) as _;
        libc::CMSG_DATA(head).cast::<i32>().write_unaligned(socket.as_raw_fd());
        libc::sendmsg(pair[0].as_raw_fd(), &raw const message, 0)
    };
    check(sent as i64)?;
    Ok(pair)
}
