//! What both systems are asked alike. Thin: it fetches bytes, and the readers beside it understand them.

#![expect(
    clippy::disallowed_methods,
    reason = "with the live parts of the two systems, the one place that talks to them"
)]

use std::ffi::{CStr, CString};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use hmac::{Hmac, KeyInit as _, Mac as _};

use super::errno::{EINVAL, ELOOP, ENOENT, ENOMEM};
use crate::collect::seam::Refusal;
use crate::error::Error;
use crate::model::Text;

/// The id of this program, from which a host's id is made.
const APPLICATION: [u8; 16] =
    [0x5b, 0x8f, 0x1c, 0x3e, 0x62, 0xd9, 0x4f, 0x0a, 0x9e, 0x27, 0xa4, 0x0d, 0x73, 0xc1, 0x96, 0x58];

/// When a run has to end.
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// So long from now.
    pub fn new(time: Option<Duration>) -> Self {
        Self(time.and_then(|time| Instant::now().checked_add(time)))
    }

    /// An error where it is over.
    pub fn check(&self) -> Result<(), Refusal> {
        match self.0 {
            Some(end) if Instant::now() >= end => Err(Refusal::Deadline),
            _ => Ok(()),
        }
    }
}

/// Refuses the root of another host, which only Linux shows in a directory.
pub fn no_root(root: Option<&Path>) -> Result<(), Error> {
    match root {
        None => Ok(()),
        Some(_) => Err(Error::Usage {
            problem: "--root looks at a host through its /proc, which this system does not have".into(),
            hint: "run it there, or record that host with `earmark capture` and judge it here with --from FILE".into(),
        }),
    }
}

/// The error number of the last call.
pub fn last_errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(EINVAL)
}

/// Asks sysctl(3) by name.
pub fn sysctl(name: &str) -> Result<Vec<u8>, i32> {
    let name = CString::new(name).map_err(|_| ENOENT)?;
    super::fetch::fetch(|answer| sysctl_into(&name, answer))
}

#[expect(unsafe_code, reason = "sysctlbyname(3) has no safe form")]
fn sysctl_into(name: &CStr, answer: Option<&mut [u8]>) -> Result<usize, i32> {
    let mut length = answer.as_ref().map_or(0, |answer| answer.len());
    let place = answer.map_or(std::ptr::null_mut(), |answer| answer.as_mut_ptr());
    // SAFETY: `name` ends with a NUL byte; `place` is null, or has room for `length` bytes, which the call does not exceed
    // and sets to what it wrote; nothing new is set.
    let done = unsafe { libc::sysctlbyname(name.as_ptr(), place.cast(), &raw mut length, std::ptr::null_mut(), 0) };
    if done == 0 { Ok(length) } else { Err(last_errno()) }
}

/// Milliseconds since 1970.
pub fn clock(answer: &mut Vec<u8>) -> Result<(), i32> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_err(|_| EINVAL)?;
    let _ = writeln!(answer, "{}", since.as_millis());
    Ok(())
}

/// The effective user.
pub fn vantage(answer: &mut Vec<u8>) -> Result<(), i32> {
    let _ = writeln!(answer, "uid {}", rustix::process::geteuid().as_raw());
    Ok(())
}

/// An id that is made for this program from one of the machine, so that neither tells of the other: 32 hexadecimal digits.
pub fn host_id(machine: &[u8], answer: &mut Vec<u8>) {
    let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(machine) else { return };
    mac.update(&APPLICATION);
    let mut id = [0u8; 16];
    id.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    id[6] = (id[6] & 0x0f) | 0x40;
    id[8] = (id[8] & 0x3f) | 0x80;
    for byte in id {
        let _ = write!(answer, "{byte:02x}");
    }
    answer.push(b'\n');
}

/// `INDEX FLAGS NAME` of each network device, getifaddrs(3).
#[expect(unsafe_code, reason = "getifaddrs(3) has no safe form")]
pub fn links(answer: &mut Vec<u8>) -> Result<(), i32> {
    let mut first: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: the call sets `first` to a list of its own where it succeeds.
    if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
        return Err(last_errno());
    }
    let mut at = first;
    while !at.is_null() {
        // SAFETY: `at` is an entry of the list, which is not freed yet.
        let entry = unsafe { &*at };
        at = entry.ifa_next;
        if entry.ifa_addr.is_null() || entry.ifa_name.is_null() {
            continue;
        }
        // SAFETY: an address has at least the room of `sockaddr`, in which its family stands.
        let family = i32::from(unsafe { (*entry.ifa_addr).sa_family });
        if family != libc::AF_LINK {
            continue;
        }
        // SAFETY: an address of this family is a `sockaddr_dl`, which may be less aligned than that; its index lies in the
        // first eight bytes, which each has.
        let index = unsafe { (&raw const (*entry.ifa_addr.cast::<libc::sockaddr_dl>()).sdl_index).read_unaligned() };
        // SAFETY: the name ends with a NUL byte and lives as long as the list.
        let name = unsafe { CStr::from_ptr(entry.ifa_name) };
        let _ = writeln!(answer, "{index} {:x} {}", entry.ifa_flags, Text::from(name.to_bytes()).escaped());
    }
    // SAFETY: the list is the one from above, and nothing of it is used any more.
    unsafe { libc::freeifaddrs(first) };
    Ok(())
}

/// `DEVICE INODE MODE UID GID` of a file and of each directory above it. The path is the kernel's own and has no symbolic
/// links; it is followed only over file systems of this host, since another may not answer.
pub fn host_file(path: &[u8], answer: &mut Vec<u8>) -> Result<(), i32> {
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    if !path.is_absolute() || path.components().any(|part| part == std::path::Component::ParentDir) {
        return Err(EINVAL);
    }
    let remote = remote_mounts()?;
    let mut above: Vec<&Path> = path.ancestors().collect();
    above.reverse();
    let mut lines = Vec::new();
    for place in above {
        if remote.iter().any(|mount| mount == place.as_os_str().as_bytes()) {
            return Err(EINVAL);
        }
        let file = rustix::fs::lstat(place).map_err(|errno| errno.raw_os_error())?;
        if rustix::fs::FileType::from_raw_mode(file.st_mode) == rustix::fs::FileType::Symlink {
            return Err(ELOOP);
        }
        // A device number is 32 bits with a sign on one of the two, and 64 without one on the other.
        let device = file.st_dev as u64 & DEVICE_MASK;
        lines.push(format!("{device} {} {:o} {} {}\n", file.st_ino, file.st_mode, file.st_uid, file.st_gid));
    }
    lines.iter().rev().for_each(|line| answer.extend_from_slice(line.as_bytes()));
    Ok(())
}

const DEVICE_MASK: u64 = if cfg!(target_os = "macos") { u32::MAX as u64 } else { u64::MAX };

/// Where file systems of other hosts are mounted, by the kernel's own list, which waits for none of them.
#[expect(unsafe_code, reason = "getfsstat(2) has no safe form")]
fn remote_mounts() -> Result<Vec<Vec<u8>>, i32> {
    // SAFETY: without room the call only counts.
    let count = unsafe { libc::getfsstat(std::ptr::null_mut(), 0, libc::MNT_NOWAIT) };
    let count = usize::try_from(count).map_err(|_| last_errno())? + 16;
    let mut mounts: Vec<libc::statfs> = Vec::with_capacity(count);
    let room = (count * size_of::<libc::statfs>()).try_into().map_err(|_| ENOMEM)?;
    // SAFETY: there is room for `count` entries, of which the call fills as many as it returns.
    let filled = unsafe { libc::getfsstat(mounts.as_mut_ptr(), room, libc::MNT_NOWAIT) };
    let filled = usize::try_from(filled).map_err(|_| last_errno())?;
    // SAFETY: so many are filled, and no more than there is room for.
    unsafe { mounts.set_len(filled.min(count)) };
    let is_local = |mount: &libc::statfs| {
        cfg_select! {
            target_os = "macos" => { mount.f_flags & libc::MNT_LOCAL.cast_unsigned() != 0 }
            _ => { mount.f_flags & libc::MNT_LOCAL != 0 }
        }
    };
    let remote = mounts.iter().filter(|mount| !is_local(mount));
    let name = |mount: &libc::statfs| -> Vec<u8> {
        mount.f_mntonname.iter().map(|byte| *byte as u8).take_while(|byte| *byte != 0).collect()
    };
    Ok(remote.map(name).collect())
}

/// The name of a user in `/etc/passwd`, of which the first line of a uid counts. The library's own way would ask services,
/// and over the network too.
pub fn user(uid: u32, answer: &mut Vec<u8>) -> Result<(), i32> {
    let passwd = std::fs::read("/etc/passwd").map_err(|error| error.raw_os_error().unwrap_or(ENOENT))?;
    let name = passwd.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, _, of) = (fields.next()?, fields.next()?, fields.next()?);
        (std::str::from_utf8(of).ok()?.parse() == Ok(uid)).then_some(name)
    });
    answer.extend_from_slice(name.ok_or(ENOENT)?);
    Ok(())
}
