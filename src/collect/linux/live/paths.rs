//! Paths that another process may have chosen: who walks them may be kept waiting, or led astray.

use std::collections::{HashSet, VecDeque};
use std::io::Write as _;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, ResolveFlags, StatxFlags};
use rustix::io::Errno;

use crate::collect::linux::mounts::are_local;
use crate::model::Text;

/// What our root has at a path that another process may have chosen, and the directories above.
///
/// The path of a running program holds no symbolic link, so none is followed. What is not in the cache of names is
/// looked up only where every file system on the way is one of this host: a lookup on FUSE or NFS could wait for ever.
pub fn host_file(path: &[u8], answer: &mut Vec<u8>) -> Result<(), Errno> {
    let open = |path: &[u8], resolve| open_path(CWD, path, resolve);
    file_and_above(path, open, || is_local(path), answer)
}

/// The same of a root that `open` opens paths of; `is_local` tells of the file systems on the way there.
pub fn file_and_above(
    path: &[u8],
    open: impl Fn(&[u8], ResolveFlags) -> Result<OwnedFd, Errno>,
    is_local: impl Fn() -> bool,
    answer: &mut Vec<u8>,
) -> Result<(), Errno> {
    let mut at = path;
    let mut checked = false;
    loop {
        let file = unless_remote(|resolve| open(at, resolve), &is_local, &mut checked)?;
        let mask = StatxFlags::INO | StatxFlags::MODE | StatxFlags::UID | StatxFlags::GID;
        let file = rustix::fs::statx(&file, "", AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC, mask)?;
        let (major, minor, inode) = (file.stx_dev_major, file.stx_dev_minor, file.stx_ino);
        let _ = writeln!(answer, "{major}:{minor} {inode} {:o} {} {}", file.stx_mode, file.stx_uid, file.stx_gid);
        match at.iter().rposition(|byte| *byte == b'/') {
            _ if at == b"/" => return Ok(()),
            Some(0) => at = b"/",
            Some(slash) => at = &at[..slash],
            None => return Err(Errno::INVAL),
        }
    }
}

/// Opens a path without links, where no other host and no process has to be waited for; `EAGAIN` where one would be.
pub fn open_unless_remote(path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    unless_remote(|resolve| open_as(CWD, path, flags, resolve), || is_local(path), &mut false)
}

/// Opens what is in the cache of names, and the rest where it `is_local`; `checked` keeps that this was seen.
fn unless_remote(
    open: impl Fn(ResolveFlags) -> Result<OwnedFd, Errno>,
    is_local: impl Fn() -> bool,
    checked: &mut bool,
) -> Result<OwnedFd, Errno> {
    match open(ResolveFlags::NO_SYMLINKS | ResolveFlags::CACHED) {
        Err(Errno::AGAIN) => {
            if !*checked && !is_local() {
                return Err(Errno::AGAIN);
            }
            *checked = true;
            open(ResolveFlags::NO_SYMLINKS)
        }
        found => found,
    }
}

/// Opens a path without opening what is there.
pub fn open_path(directory: BorrowedFd<'_>, path: &[u8], resolve: ResolveFlags) -> Result<OwnedFd, Errno> {
    open_as(directory, path, OFlags::PATH, resolve)
}

fn open_as(directory: BorrowedFd<'_>, path: &[u8], flags: OFlags, resolve: ResolveFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    match rustix::fs::openat2(directory, path, flags, Mode::empty(), resolve) {
        // Before Linux 5.6 there is no openat2, before 5.12 no RESOLVE_CACHED: ask for leave to go the long way.
        Err(Errno::NOSYS) if resolve.contains(ResolveFlags::CACHED) => Err(Errno::AGAIN),
        Err(Errno::INVAL) if resolve.contains(ResolveFlags::CACHED) => Err(Errno::AGAIN),
        // A root of its own is opened with openat2 or not at all.
        Err(Errno::NOSYS) if !resolve.contains(ResolveFlags::IN_ROOT) => rustix::fs::open(path, flags, Mode::empty()),
        found => found,
    }
}

/// True where every mount on the way to a path is of a kind that answers from this host.
fn is_local(path: &[u8]) -> bool {
    std::fs::read("/proc/self/mountinfo").is_ok_and(|mounts| are_local(&mounts, path))
}

/// Where cgroups of version 2 are mounted: hybrid hosts have them beside the others.
fn cgroup_root() -> Option<&'static Path> {
    let roots = [Path::new("/sys/fs/cgroup/unified"), Path::new("/sys/fs/cgroup")];
    roots.into_iter().find(|root| root.join("cgroup.controllers").exists())
}

/// The processes of a cgroup, and whether it has others below it.
pub fn cgroup_procs(path: &[u8], answer: &mut Vec<u8>) -> Result<(), Errno> {
    cgroup_procs_below(cgroup_root().ok_or(Errno::NOENT)?, path, answer)
}

/// The same, where version 2 is mounted.
pub fn cgroup_procs_below(root: &Path, path: &[u8], answer: &mut Vec<u8>) -> Result<(), Errno> {
    use std::os::unix::ffi::OsStrExt as _;
    let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let below = path.strip_prefix("/").map_err(|_| Errno::INVAL)?;
    let directory = root.join(below);
    answer.extend(std::fs::read(directory.join("cgroup.procs")).map_err(errno)?);
    let mut entries = std::fs::read_dir(directory).map_err(errno)?.flatten();
    if entries.any(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        answer.extend_from_slice(b"below\n");
    }
    Ok(())
}

/// The paths of cgroups (version 2): the id of one is the inode of its directory, which the listing of the directory above
/// tells. One walk for all of them, the upper ones first: units of the system lie close to the root.
pub fn cgroup_paths(ids: &[u64], answer: &mut Vec<u8>) {
    if let Some(root) = cgroup_root() {
        cgroup_paths_below(root, ids, answer);
    }
}

/// The same, where version 2 is mounted.
pub fn cgroup_paths_below(root: &Path, ids: &[u64], answer: &mut Vec<u8>) {
    use std::os::unix::ffi::OsStrExt as _;
    let mut wanted: HashSet<u64> = ids.iter().copied().collect();
    let mut found = |inode: u64, path: &[u8], wanted: &mut HashSet<u64>| {
        if wanted.remove(&inode) {
            let _ = writeln!(answer, "{inode} {}", Text::from(if path.is_empty() { b"/" } else { path }).escaped());
        }
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if let Ok(top) = rustix::fs::statx(CWD, root, AtFlags::empty(), StatxFlags::INO) {
        found(top.stx_ino, b"", &mut wanted);
    }
    let mut left: VecDeque<Vec<u8>> = [Vec::new()].into();
    // More than any host has; a user may make cgroups below his own.
    let mut looks = 100_000u32;
    let mut room = Vec::with_capacity(32 * 1024);
    while let Some(path) = left.pop_front() {
        let place = [root.as_os_str().as_bytes(), &path].concat();
        let Ok(directory) = rustix::fs::open(&place[..], flags, Mode::empty()) else { continue };
        let mut entries = RawDir::new(&directory, room.spare_capacity_mut());
        while let Some(Ok(entry)) = entries.next() {
            let name = entry.file_name().to_bytes();
            if entry.file_type() != FileType::Directory || name == b"." || name == b".." {
                continue;
            }
            looks = looks.saturating_sub(1);
            if wanted.is_empty() || looks == 0 {
                return;
            }
            let below = [&path[..], b"/", name].concat();
            found(entry.ino(), &below, &mut wanted);
            left.push_back(below);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_root_answers_for_our_own_executable() {
        let own = std::fs::read_link("/proc/self/exe").expect("our own link");
        let mut answer = Vec::new();
        use std::os::unix::ffi::OsStrExt as _;
        host_file(own.as_os_str().as_bytes(), &mut answer).expect("our own file");
        let lines = answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
        assert_eq!(lines, own.components().count());
        assert_eq!(host_file(b"/no/such/file", &mut Vec::new()), Err(Errno::NOENT));
        assert_eq!(host_file(b"relative", &mut Vec::new()), Err(Errno::NOENT));
    }
}
