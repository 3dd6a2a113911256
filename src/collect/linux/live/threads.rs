//! What holds a socket without a descriptor of the process: asked for only while nobody else is seen to hold it.

use std::io::Write as _;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags};
use rustix::io::Errno;

use super::{each_number, read_at};
use crate::collect::linux::deep::tells_of_socket;

/// The threads of a process whose table of descriptors is not the first thread's, one of each table. Where ids of
/// processes are not ours, tables cannot be compared, and every thread is told.
pub fn threads(proc: &OwnedFd, pid: u32, same_pids: bool, answer: &mut Vec<u8>) -> Result<(), Errno> {
    let path = format!("{pid}/task");
    // Two links and one for each thread.
    let tasks = rustix::fs::statx(proc, &path, AtFlags::empty(), StatxFlags::NLINK)?;
    if tasks.stx_nlink <= 3 {
        return Ok(());
    }
    let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let tasks = rustix::fs::openat(proc, &path, directory, Mode::empty())?;
    let mut tables = vec![pid];
    each_number(&tasks, |thread| {
        if thread != pid && tables.iter().all(|known| !(same_pids && shares_descriptors(*known, thread))) {
            tables.push(thread);
            let _ = writeln!(answer, "{thread}");
        }
    })
}

/// True where two tasks have one table of descriptors, kcmp(2). What cannot be told counts as two.
fn shares_descriptors(one: u32, other: u32) -> bool {
    const KCMP_FILES: i32 = 2;
    #[expect(unsafe_code, reason = "no library of ours has kcmp(2)")]
    // SAFETY: kcmp(2) takes numbers alone.
    let order = unsafe { libc::syscall(libc::SYS_kcmp, one, other, KCMP_FILES, 0, 0) };
    order == 0
}

/// The lines of an io_uring's file that name sockets.
pub fn ring(proc: &OwnedFd, pid: u32, fd: u32, answer: &mut Vec<u8>) -> Result<(), Errno> {
    let mut info = Vec::new();
    read_at(proc, &format!("{pid}/fdinfo/{fd}"), &mut info)?;
    let lines = info.split_inclusive(|byte| *byte == b'\n');
    for line in lines.filter(|line| tells_of_socket(line)) {
        answer.extend_from_slice(line);
    }
    Ok(())
}

/// Which sockets of a process have descriptors in messages that wait to be received.
pub fn in_flight(proc: &OwnedFd, pid: u32, descriptors: &[u32], answer: &mut Vec<u8>) -> Result<(), Errno> {
    let mut info = Vec::new();
    for fd in descriptors {
        info.clear();
        if read_at(proc, &format!("{pid}/fdinfo/{fd}"), &mut info).is_err() {
            continue;
        }
        let count = info.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"scm_fds:"));
        if let Some(count) = count.map(<[u8]>::trim_ascii).filter(|count| *count != b"0") {
            let _ = writeln!(answer, "{fd} {}", String::from_utf8_lossy(count));
        }
    }
    Ok(())
}
