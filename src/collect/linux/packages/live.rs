//! The files of a running or mounted root, opened so that no link leads out of it.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, RawDir, ResolveFlags};
use rustix::io::Errno;

use super::{Files, LARGEST_FILE, MOST_NAMES, ReadAt};
use crate::collect::linux::mounts::Away;

/// How often a walk is tried again that a rename disturbed.
const TRIES: u32 = 16;

/// How often a walk follows a link, as often as the kernel does.
const LINKS: u32 = 40;

/// A directory that is taken as the root.
#[derive(Debug)]
pub struct Root {
    directory: OwnedFd,
    /// What is mounted there. `None` is this system's own root: links cannot leave it, whatever the kernel has, and a host
    /// whose own root does not answer is none.
    walkable: Option<Walkable>,
}

/// How a root is mounted for us.
#[derive(Clone, Debug)]
pub struct View {
    /// Our mounts, as `mountinfo` has them.
    pub mounts: Vec<u8>,
    /// Where the root is for us: empty for `/`.
    pub place: Vec<u8>,
}

/// Where a root may be walked without waiting for another host or a process.
#[derive(Debug)]
struct Walkable {
    /// `None` where our mounts are not known: then nothing that is mounted below the root is walked into.
    away: Option<Away>,
    place: Vec<u8>,
}

impl Walkable {
    /// Where a path of the root is for us.
    fn place_of(&self, path: &[u8]) -> Vec<u8> {
        match path {
            b"/" if !self.place.is_empty() => self.place.clone(),
            path => [&self.place, path].concat(),
        }
    }
}

impl Root {
    /// Opens a directory as root, `/` for this system.
    #[expect(clippy::disallowed_methods, reason = "the mounts of a live host")]
    pub fn new(path: &Path) -> io::Result<Self> {
        let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(CWD, path, directory, Mode::empty())?;
        if path == Path::new("/") {
            return Ok(Self { directory, walkable: None });
        }
        let place = std::fs::canonicalize(path)?.into_os_string().into_encoded_bytes();
        Ok(Self::of(directory, View { mounts: std::fs::read("/proc/self/mountinfo")?, place }))
    }

    /// A directory that is open already, as the root of another host.
    pub fn of(directory: OwnedFd, view: View) -> Self {
        let away = (!view.mounts.is_empty()).then(|| Away::of(&view.mounts));
        Self { directory, walkable: Some(Walkable { away, place: view.place }) }
    }

    /// The directory.
    pub fn directory(&self) -> &OwnedFd {
        &self.directory
    }

    /// Opens what is at a path, as seen from the root. No link leads out of it, none of `/proc` is followed, and of another
    /// host's root nothing is walked that could keep us waiting: `EAGAIN`.
    pub fn walk(&self, path: impl AsRef<[u8]>, flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = path.as_ref();
        let Some(walkable) = &self.walkable else { return self.walk_own(path, flags) };
        let follow = !flags.contains(OFlags::NOFOLLOW);
        let is_odd = |part: &[u8]| matches!(part, b"" | b"." | b"..");
        if path == b"/" || !path.split(|byte| *byte == b'/').skip(1).any(is_odd) {
            match self.step(walkable, path, flags) {
                Err(Errno::LOOP) => {}
                walked => return walked,
            }
        }
        self.step(walkable, &self.without_links(walkable, path, follow)?, flags)
    }

    fn walk_own(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC;
        for _ in 0..TRIES {
            let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
            match rustix::fs::openat2(&self.directory, path, flags, Mode::empty(), within) {
                // A rename somewhere, while a `..` was walked.
                Err(Errno::AGAIN) => {}
                // Before Linux 5.6, and under filters of system calls that do not know openat2.
                Err(Errno::NOSYS | Errno::PERM) => return rustix::fs::openat(CWD, path, flags, Mode::empty()),
                walked => return walked,
            }
        }
        Err(Errno::AGAIN)
    }

    /// Opens a path of another host's root that has no link in it.
    fn step(&self, walkable: &Walkable, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut within = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
        match &walkable.away {
            Some(away) if away.is_off(&walkable.place_of(path)) => {}
            Some(_) => return Err(Errno::AGAIN),
            None => within |= ResolveFlags::NO_XDEV,
        }
        rustix::fs::openat2(&self.directory, path, flags | OFlags::CLOEXEC, Mode::empty(), within)
    }

    /// A path with the links in it followed, one part after the other: where a link leads is known before it is gone there.
    /// Without `follow` the last part stays what it is.
    fn without_links(&self, walkable: &Walkable, path: &[u8], follow: bool) -> Result<Vec<u8>, Errno> {
        let parts = |path: &[u8]| path.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (mut left, mut here) = (parts(path), Vec::new());
        let mut links = LINKS;
        while let Some(part) = left.pop() {
            match &part[..] {
                b"" | b"." => continue,
                // Above the root there is nothing.
                b".." => {
                    here.truncate(here.iter().rposition(|byte| *byte == b'/').unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let next = [&here, &b"/"[..], &part].concat();
            if left.is_empty() && !follow {
                return Ok(next);
            }
            let there = self.step(walkable, &next, OFlags::PATH | OFlags::NOFOLLOW)?;
            let kind = FileType::from_raw_mode(rustix::fs::fstat(&there)?.st_mode);
            if kind != FileType::Symlink {
                here = next;
                continue;
            }
            links = links.checked_sub(1).ok_or(Errno::LOOP)?;
            let target = rustix::fs::readlinkat(&there, "", Vec::with_capacity(256))?.into_bytes();
            if target.starts_with(b"/") {
                here.clear();
            }
            left.extend(parts(&target));
        }
        Ok(if here.is_empty() { b"/".to_vec() } else { here })
    }

    /// A regular file and its size. Opening a pipe does not wait for who writes to it.
    fn file(&self, path: &str) -> io::Result<(OwnedFd, u64)> {
        let read = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = if self.walkable.is_none() {
            self.walk(path, read)?
        } else {
            // To open a device may be to use it: first see what is there, then open that very file.
            let there = self.walk(path, OFlags::PATH)?;
            size(&there)?;
            let that = format!("/proc/self/fd/{}", there.as_raw_fd());
            match rustix::fs::openat(CWD, that, read | OFlags::CLOEXEC, Mode::empty()) {
                // What is mounted at our own `/proc` does not know us: the next best is what stands there now.
                Err(Errno::NOENT) => self.walk(path, read)?,
                opened => opened?,
            }
        };
        let size = size(&file)?;
        Ok((file, size))
    }
}

/// The size of a regular file.
fn size(file: &OwnedFd) -> io::Result<u64> {
    let stat = rustix::fs::fstat(file)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(stat.st_size.cast_unsigned()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "no regular file")),
    }
}

impl Files for Root {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let (file, size) = self.file(path)?;
        if size > LARGEST_FILE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut text = Vec::with_capacity(size as usize + 1);
        while text.len() as u64 <= LARGEST_FILE {
            // The room left over tells the end in the call that fills the rest.
            text.reserve(1);
            let room = text.capacity() - text.len();
            match rustix::io::read(&file, rustix::buffer::spare_capacity(&mut text)) {
                Ok(0) => return Ok(text),
                Ok(count) if count < room && text.len() as u64 == size => return Ok(text),
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Err(io::ErrorKind::FileTooLarge.into())
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let directory = self.walk(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut room = [MaybeUninit::uninit(); 32 * 1024];
        let mut entries = RawDir::new(&directory, &mut room);
        let mut names = Vec::new();
        while let Some(entry) = entries.next() {
            let entry = entry?;
            // No package manager makes a name that is not UTF-8.
            if let Ok(name) = entry.file_name().to_str()
                && !matches!(name, "." | "..")
            {
                if names.len() == MOST_NAMES {
                    return Err(io::ErrorKind::FileTooLarge.into());
                }
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    fn link(&self, path: &str) -> io::Result<Vec<u8>> {
        let link = self.walk(path, OFlags::PATH | OFlags::NOFOLLOW)?;
        // With an empty path, of a descriptor that is no link, the error is ENOENT and not EINVAL.
        Ok(rustix::fs::readlinkat(&link, "", Vec::with_capacity(256))?.into_bytes())
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn ReadAt>> {
        Ok(Box::new(Open(self.file(path)?.0)))
    }
}

/// An open file.
#[derive(Debug)]
struct Open(OwnedFd);

impl ReadAt for Open {
    fn state(&self) -> io::Result<(u64, i128)> {
        let stat = rustix::fs::fstat(&self.0)?;
        let changed = i128::from(stat.st_mtime) * 1_000_000_000 + stat.st_mtime_nsec as i128;
        Ok((stat.st_size.cast_unsigned(), changed))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match rustix::io::pread(&self.0, &mut buffer[filled..], offset.saturating_add(filled as u64)) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}
