//! What the descriptors of a process lead to.

use std::ffi::CStr;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, RawDir, SeekFrom, StatxFlags};
use rustix::io::Errno;

use super::Live;

/// A table of fewer descriptors is listed by one call, which costs no more than to find its first free number.
const WORTH_TRYING: u64 = 32;

/// Room for one call's names of descriptors, and how many surely fit: an entry takes at most 32 bytes, getdents64(2).
const DIRECTORY: usize = 32 * 1024;
const ROOM_FOR_ENTRIES: u64 = 1000;

impl Live {
    /// `FD INODE` of each socket of a process. The link is `socket:[INODE]`, and both numbers are copied as they stand.
    ///
    /// To list a table costs a third of what it costs to read the links in it, and to try a number without a descriptor
    /// as much as to read one. Numbers are given out from 0 up, so where the kernel tells how many descriptors there are,
    /// they are tried from 0 to the first that is free, and the table is listed from there.
    pub(super) fn sockets(&self, pid: u32, task: &str, answer: &mut Vec<u8>) -> Result<(), Errno> {
        let path = format!("{task}/fd");
        let mut count = 0;
        if self.counts_descriptors {
            count = rustix::fs::statx(&self.proc, &path, AtFlags::empty(), StatxFlags::SIZE)?.stx_size;
            if count == 0 {
                return Ok(());
            }
        }
        let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let table = rustix::fs::openat(&self.proc, &path, directory, Mode::empty())?;
        let mut links = Links { live: self, pid, table: &table, answer, unread: None };
        let mut next = 0u64;
        while count >= WORTH_TRYING && next < count && links.unread.is_none() {
            let mut name = [0u8; 24];
            let _ = write!(&mut name[..], "{next}");
            let name = CStr::from_bytes_until_nul(&name).map_err(|_| Errno::INVAL)?;
            if !links.read(name) {
                break;
            }
            next += 1;
        }
        if next > 0 {
            // A descriptor stands at its number and two: before it are the names `.` and `..`, fs/proc/fd.c.
            rustix::fs::seek(&table, SeekFrom::Start(next + 2))?;
        }
        let mut names = Vec::with_capacity(DIRECTORY);
        let mut entries = RawDir::new(&table, names.spare_capacity_mut());
        let (mut listed, rest) = (0, count.saturating_sub(next));
        loop {
            // One call that had room for more has listed all: another would only say so.
            if listed > 0 && (rest..ROOM_FOR_ENTRIES).contains(&listed) && entries.is_buffer_empty() {
                break;
            }
            let Some(entry) = entries.next() else { break };
            let entry = entry?;
            let name = entry.file_name();
            if name.to_bytes().starts_with(b".") {
                continue;
            }
            listed += 1;
            links.read(name);
        }
        if let Some((errno, count)) = links.unread {
            let _ = writeln!(answer, "! {} {count}", errno.raw_os_error());
        }
        Ok(())
    }
}

/// The links of one table.
struct Links<'a> {
    live: &'a Live,
    pid: u32,
    table: &'a OwnedFd,
    answer: &'a mut Vec<u8>,
    /// Why the last could not be read, and how many could not.
    unread: Option<(Errno, u64)>,
}

impl Links<'_> {
    /// Reads one. False where there is no such descriptor, or not any more.
    fn read(&mut self, name: &CStr) -> bool {
        if let Some((Errno::ACCESS, count)) = self.unread
            && self.answer.is_empty()
        {
            // What the kernel refuses for one descriptor of a process it refuses for all.
            self.unread = Some((Errno::ACCESS, count + 1));
            return true;
        }
        let mut link = [MaybeUninit::uninit(); 64];
        let target = match rustix::fs::readlinkat_raw(self.table, name, &mut link[..]) {
            Ok((target, _)) => target,
            Err(Errno::NOENT) => return false,
            Err(errno) => {
                self.unread = Some((errno, self.unread.map_or(1, |(_, count)| count + 1)));
                return true;
            }
        };
        let inode = |prefix: &[u8]| target.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(b"]"));
        let mut tell = |what: &[&[u8]]| {
            self.answer.extend_from_slice(name.to_bytes());
            what.iter().for_each(|word| self.answer.extend_from_slice(word));
            self.answer.push(b'\n');
        };
        if let Some(inode) = inode(b"socket:[") {
            tell(&[b" ", inode]);
        } else if let Some(inode) = inode(b"net:[") {
            tell(&[b" net ", inode]);
            self.live.namespaces.know(self.pid, name.to_bytes(), inode);
        } else if target == b"anon_inode:[io_uring]" {
            tell(&[b" ring"]);
        }
        true
    }
}
