//! A file system of FUSE with a few files in its root, whose daemon answers for as long as a test likes and then never
//! again.

#![expect(unsafe_code, reason = "libc alone has mount(2)")]

use std::ffi::CString;
use std::fs::File;
use std::io::{Error, Read as _, Result, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// `enum fuse_opcode`, include/uapi/linux/fuse.h.
const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const OPEN: u32 = 14;
const READ: u32 = 15;
const RELEASE: u32 = 18;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const INTERRUPT: u32 = 36;
const BATCH_FORGET: u32 = 42;

const ENOENT: i32 = 2;
const ENOSYS: i32 = 38;
const IN_HEADER: usize = 40;
/// The number of the root; those of the files follow.
const ROOT: u64 = 1;

/// The mounted file system. It is taken away when this is dropped, and then nobody waits any more.
pub struct Fuse {
    place: PathBuf,
    silent: Arc<AtomicBool>,
    connection: Option<Arc<File>>,
}

/// The files and what is in them.
type Files = Vec<(&'static str, Vec<u8>)>;

impl Fuse {
    /// Mounts these files at a directory, and answers.
    pub fn mount(place: &Path, files: Files) -> Result<Self> {
        let device = File::options().read(true).write(true).open("/dev/fuse")?;
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0,allow_other", device.as_raw_fd());
        let [target, options] = [place.to_string_lossy().into_owned(), options].map(CString::new);
        let (target, options) = (target?, options?);
        // SAFETY: mount(2) reads strings that end with a NUL byte.
        let mounted =
            unsafe { libc::mount(c"test".as_ptr(), target.as_ptr(), c"fuse".as_ptr(), 0, options.as_ptr().cast()) };
        if mounted != 0 {
            return Err(Error::last_os_error());
        }
        let connection = Arc::new(device);
        let silent = Arc::new(AtomicBool::new(false));
        let daemon = (connection.clone(), silent.clone());
        std::thread::spawn(move || serve(&daemon.0, &daemon.1, &files));
        Ok(Self { place: place.to_owned(), silent, connection: Some(connection) })
    }

    /// From now on nobody gets an answer.
    pub fn fall_silent(&self) {
        self.silent.store(true, Ordering::SeqCst);
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        if let Ok(target) = CString::new(self.place.to_string_lossy().into_owned()) {
            // SAFETY: umount2(2) reads a string that ends with a NUL byte. MNT_FORCE ends what still waits.
            unsafe { libc::umount2(target.as_ptr(), libc::MNT_FORCE | libc::MNT_DETACH) };
        }
        self.connection.take();
    }
}

fn serve(mut connection: &File, silent: &AtomicBool, files: &Files) {
    let mut request = vec![0u8; 1 << 20];
    // The end of the mount is an error here.
    while let Ok(length) = connection.read(&mut request) {
        if silent.load(Ordering::SeqCst) {
            continue;
        }
        let unique = number(&request, 8);
        let answer = match answer(&request[..length], files) {
            None => continue,
            Some(Ok(body)) => (0, body),
            Some(Err(errno)) => (-errno, Vec::new()),
        };
        let length = 16 + answer.1.len() as u32;
        let head = [&length.to_ne_bytes()[..], &answer.0.to_ne_bytes(), &unique.to_ne_bytes()].concat();
        let _ = connection.write_all(&[head, answer.1].concat());
    }
}

/// What a request gets; `None` for one that wants no answer.
fn answer(request: &[u8], files: &Files) -> Option<std::result::Result<Vec<u8>, i32>> {
    let (node, body) = (number(request, 16), request.get(IN_HEADER..)?);
    let file = |node: u64| files.get(usize::try_from(node.checked_sub(ROOT + 1)?).ok()?);
    Some(match number(request, 4) as u32 {
        FORGET | BATCH_FORGET | INTERRUPT => return None,
        INIT => {
            let numbers = [7u32, 31, 128 * 1024, 0, 0, 128 * 1024, 1, 0, 0];
            Ok([numbers.map(u32::to_ne_bytes).concat(), vec![0; 28]].concat())
        }
        LOOKUP => {
            let name = body.split(|byte| *byte == 0).next().unwrap_or_default();
            let at = files.iter().position(|(known, _)| known.as_bytes() == name);
            // What was told is believed for no time at all.
            let entry = |at: usize| {
                let node = at as u64 + ROOT + 1;
                [&node.to_ne_bytes()[..], &[0; 32], &attributes(node, Some(&files[at].1))].concat()
            };
            at.map(entry).ok_or(ENOENT)
        }
        GETATTR => Ok([&[0; 16][..], &attributes(node, file(node).map(|(_, content)| content))].concat()),
        OPEN => Ok(vec![0; 16]),
        READ => {
            let (_, content) = file(node)?;
            let (from, size) = (number(body, 8) as usize, number(body, 16) as u32 as usize);
            let from = from.min(content.len());
            Ok(content[from..content.len().min(from + size)].to_vec())
        }
        FLUSH | RELEASE => Ok(Vec::new()),
        _ => Err(ENOSYS),
    })
}

/// `struct fuse_attr` of a file, or of the root.
fn attributes(node: u64, content: Option<&Vec<u8>>) -> Vec<u8> {
    let size = content.map_or(0, Vec::len) as u64;
    let mode = if content.is_some() { 0o100_755u32 } else { 0o040_755 };
    let long = [node, size, size.div_ceil(512), 0, 0, 0].map(u64::to_ne_bytes).concat();
    let short = [0, 0, 0, mode, 1, 0, 0, 0, 4096, 0].map(u32::to_ne_bytes).concat();
    [long, short].concat()
}

fn number(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes)
}
