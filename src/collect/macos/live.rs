//! The macOS that this program runs on. Thin: it fetches bytes, and the readers beside it understand them.
//!
//! The calls of `<libproc.h>` return how many bytes they wrote, and 0 where they failed: nothing is read beyond that.

#![expect(unsafe_code, reason = "libproc(3) has no safe form")]

use std::collections::BTreeSet;
use std::ffi::{c_int, c_void};
use std::io::Write as _;
use std::path::Path;

use super::layout::{self as at, numbers};
use super::question::Question;
use super::{sockets, transcript};
use crate::collect::Ask;
use crate::collect::bsd::bytes::Bytes;
use crate::collect::bsd::errno::{EINVAL, ENOMEM};
use crate::collect::bsd::fetch::fetch;
use crate::collect::bsd::live::{self as alike, Deadline};
use crate::collect::bsd::transcript::heading;
use crate::collect::capture::Capture;
use crate::collect::seam::{Kernel, Recorder, Refusal};
use crate::error::Error;
use crate::model::Snapshot;

/// So many mapped files of a process are told, and so many of its regions looked at for them.
const MAPPED: usize = 3;
const REGIONS: usize = 24;

#[expect(unsafe_code, reason = "the library has it, and the crate libc does not tell of it")]
unsafe extern "C" {
    fn proc_pidfileportinfo(pid: c_int, port: u32, flavor: c_int, buffer: *mut c_void, size: c_int) -> c_int;
}

/// Looks at this host.
pub fn look(root: Option<&Path>, ask: &Ask) -> Result<Snapshot, Error> {
    alike::no_root(root)?;
    Ok(super::snapshot(&Live { deadline: Deadline::new(ask.time) }, ask))
}

/// Looks so, and returns the transcript of the answers.
pub fn record(root: Option<&Path>, ask: &Ask) -> Result<Capture, Error> {
    alike::no_root(root)?;
    let live = Live { deadline: Deadline::new(ask.time) };
    let recorder = Recorder::new("macos", &live, transcript::kept);
    super::snapshot(&recorder, &ask.everything());
    let mut capture = recorder.finish();
    capture.heading = heading(&capture);
    Ok(capture)
}

/// The running system.
struct Live {
    deadline: Deadline,
}

impl Kernel<Question> for Live {
    fn ask(&self, question: &Question, answer: &mut Vec<u8>) -> Result<(), Refusal> {
        self.deadline.check()?;
        let asked = match question {
            Question::Clock => alike::clock(answer),
            Question::Vantage => alike::vantage(answer),
            Question::HostId => machine_id().map(|id| alike::host_id(&id, answer)),
            Question::Links => alike::links(answer),
            Question::Sysctl(name) => alike::sysctl(name).map(|bytes| *answer = bytes),
            Question::Pids => pids(answer),
            Question::Process(pid) => process(*pid, answer),
            Question::Sockets(pid) => all_sockets(*pid, answer),
            Question::Exe(pid) => exe(*pid, answer),
            Question::Mapped(pid) => mapped(*pid, answer),
            Question::HostFile(path) => alike::host_file(path, answer),
            Question::User(uid) => alike::user(*uid, answer),
        };
        asked.map_err(Refusal::Errno)
    }
}

/// How many bytes a call wrote; 0 is a failure, whose number the library left in `errno`.
fn written(returned: c_int) -> Result<usize, i32> {
    match usize::try_from(returned) {
        Ok(length) if length > 0 => Ok(length),
        _ => Err(alike::last_errno()),
    }
}

/// The number of a process as the library takes it.
fn id(pid: u32) -> Result<c_int, i32> {
    c_int::try_from(pid).map_err(|_| EINVAL)
}

/// A call that fills a buffer, with as much room as it says.
fn filled(buffer: &mut [u8], call: impl FnOnce(*mut c_void, c_int) -> c_int) -> Result<usize, i32> {
    let size = c_int::try_from(buffer.len()).map_err(|_| ENOMEM)?;
    let length = written(call(buffer.as_mut_ptr().cast(), size))?;
    if length <= buffer.len() { Ok(length) } else { Err(EINVAL) }
}

fn machine_id() -> Result<[u8; 16], i32> {
    let mut id = [0u8; 16];
    let wait = libc::timespec { tv_sec: 1, tv_nsec: 0 };
    // SAFETY: the call writes the 16 bytes of a uuid_t, for which there is room, and reads the time.
    let done = unsafe { libc::gethostuuid(id.as_mut_ptr(), &raw const wait) };
    if done == 0 { Ok(id) } else { Err(alike::last_errno()) }
}

fn pids(answer: &mut Vec<u8>) -> Result<(), i32> {
    let list = |buffer: *mut c_void, size: c_int| {
        // SAFETY: `buffer` is null, or has room for `size` bytes, which the call does not exceed.
        unsafe { libc::proc_listpids(numbers::ALL_PIDS, 0, buffer, size) }
    };
    let bytes = fetch(|room| match room {
        None => written(list(std::ptr::null_mut(), 0)),
        Some(room) => {
            let length = filled(room, list)?;
            // A list that fills its room may go on.
            if length < room.len() { Ok(length) } else { Err(ENOMEM) }
        }
    })?;
    let pids = bytes.chunks_exact(4).filter_map(|pid| Bytes(pid).i32(0));
    // Process 0 is the kernel, which has no descriptors.
    let pids: BTreeSet<i32> = pids.filter(|pid| *pid > 0).collect();
    pids.into_iter().for_each(|pid| {
        let _ = writeln!(answer, "{pid}");
    });
    Ok(())
}

/// What a process tells of itself in one flavor.
fn about(pid: u32, flavor: i32, argument: u64, buffer: &mut [u8]) -> Result<usize, i32> {
    let pid = id(pid)?;
    // SAFETY: `buffer` has room for `size` bytes, which the call does not exceed.
    filled(buffer, |buffer, size| unsafe { libc::proc_pidinfo(pid, flavor, argument, buffer, size) })
}

fn process(pid: u32, answer: &mut Vec<u8>) -> Result<(), i32> {
    let mut facts = [0u8; at::BSDINFO];
    let length = about(pid, numbers::PROCESS, 0, &mut facts)?;
    answer.extend_from_slice(&facts[..length]);
    Ok(())
}

/// The descriptors or file ports of a process that are sockets. A process without file ports has an empty list, which the
/// library returns as it does a failure: then nothing is in `errno`.
fn listed(pid: u32, flavor: i32) -> Result<Vec<u32>, i32> {
    let number = id(pid)?;
    let empty = |errno: i32| if errno == 0 { Ok(0) } else { Err(errno) };
    let list = fetch(|room| {
        clear_errno();
        match room {
            // SAFETY: without room the call only counts.
            None => written(unsafe { libc::proc_pidinfo(number, flavor, 0, std::ptr::null_mut(), 0) }).or_else(empty),
            Some(room) => {
                let length = about(pid, flavor, 0, room).or_else(empty)?;
                if length + numbers::LISTED <= room.len() { Ok(length) } else { Err(ENOMEM) }
            }
        }
    })?;
    Ok(sockets::listed(&list).collect())
}

fn clear_errno() {
    // SAFETY: the place of the calling thread's own error number.
    unsafe { *libc::__error() = 0 };
}

fn all_sockets(pid: u32, answer: &mut Vec<u8>) -> Result<(), i32> {
    let number = id(pid)?;
    let mut push = |of: u32, kind: u32, told: Result<usize, i32>, socket: &[u8]| {
        let (errno, length) = told.map_or_else(|errno| (errno.cast_unsigned(), 0), |length| (0, length));
        for word in [of, kind, errno, length as u32] {
            answer.extend_from_slice(&word.to_le_bytes());
        }
        answer.extend_from_slice(&socket[..length]);
    };
    for fd in listed(pid, numbers::LIST_FDS)? {
        let mut socket = [0u8; at::SOCKET];
        let told = filled(&mut socket, |buffer, size| {
            // SAFETY: `buffer` has room for `size` bytes, which the call does not exceed.
            unsafe { libc::proc_pidfdinfo(number, fd.cast_signed(), numbers::FD_SOCKET, buffer, size) }
        });
        push(fd, 0, told, &socket);
    }
    let ports = listed(pid, numbers::LIST_FILEPORTS).unwrap_or_else(|errno| {
        push(0, 1, Err(errno), &[]);
        Vec::new()
    });
    for port in ports {
        let mut socket = [0u8; at::SOCKET];
        let told = filled(&mut socket, |buffer, size| {
            // SAFETY: `buffer` has room for `size` bytes, which the call does not exceed.
            unsafe { proc_pidfileportinfo(number, port, numbers::FILEPORT_SOCKET, buffer, size) }
        });
        push(port, 1, told, &socket);
    }
    Ok(())
}

fn exe(pid: u32, answer: &mut Vec<u8>) -> Result<(), i32> {
    let number = id(pid)?;
    let mut path = [0u8; numbers::PATH_ROOM];
    // The size is without a sign here.
    // SAFETY: `buffer` has room for `size` bytes, which the call does not exceed.
    let length = filled(&mut path, |buffer, size| unsafe { libc::proc_pidpath(number, buffer, size.cast_unsigned()) })?;
    answer.extend_from_slice(&path[..length]);
    Ok(())
}

/// The first regions of a process's memory that are files, its program before all.
fn mapped(pid: u32, answer: &mut Vec<u8>) -> Result<(), i32> {
    let (mut address, mut found) = (0u64, 0);
    for step in 0..REGIONS {
        let mut region = [0u8; at::REGION];
        match about(pid, numbers::REGION, address, &mut region) {
            Ok(length) if length < at::REGION => return Err(EINVAL),
            Ok(_) => {}
            // Behind the last region there is none.
            Err(_) if step > 0 => return Ok(()),
            Err(errno) => return Err(errno),
        }
        let bytes = Bytes(&region);
        if bytes.u64(at::REGION_INODE).is_some_and(|inode| inode != 0) {
            answer.extend_from_slice(&region[..at::REGION_KEPT]);
            found += 1;
        }
        let next =
            bytes.u64(at::REGION_ADDRESS).zip(bytes.u64(at::REGION_SIZE)).and_then(|(at, size)| at.checked_add(size));
        match next {
            Some(next) if next > address && found < MAPPED => address = next,
            _ => return Ok(()),
        }
    }
    Ok(())
}
