//! A host that is seen from a container: a directory holds what the host has at its root.
//!
//! All that belongs to that host is opened below the directory, and no link leads out of it. What the kernel tells by
//! where a thread lives (sockets, ports, names, paths of cgroups) is asked from where the host's first process lives, or
//! read below its directory in `proc`; where that is refused, it is not known. Ours never stands in for it.

use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::namespaces::{Namespaces, within_kind};
use super::{Live, host, owned, paths, read_at, threads};
use crate::collect::linux::mounts::{are_local, mount_point};
use crate::collect::linux::packages::{Files as _, Root, View};
use crate::collect::linux::question::{Ns, Question};
use crate::error::Error;
use crate::model::Text;

/// `PROC_SUPER_MAGIC` and `CGROUP2_SUPER_MAGIC`, `include/uapi/linux/magic.h`.
const PROC: u64 = 0x9fa0;
const CGROUP2: u64 = 0x6367_7270;
/// `PROC_CGROUP_INIT_INO`, `include/linux/proc_ns.h`.
const FIRST_CGROUP_NS: u64 = 0xefff_fffb;

const WANTS: &str =
    "--root takes a directory that has the root of a running host mounted, with what is mounted below it";

/// Another host, by its root.
pub struct Rooted {
    files: Arc<Root>,
    /// The network namespace of its first process, as far as that may be looked at.
    first: Option<Ns>,
    /// Ids of processes below its `proc` are ids for us too.
    pub(super) same_pids: bool,
    /// `/proc/PID/cgroup` tells paths as that host has them.
    knows_cgroups: AtomicBool,
    view: View,
}

impl Rooted {
    /// Opens the directory, once, and `proc` below it.
    pub fn open(path: &Path) -> Result<(Self, OwnedFd), Error> {
        let wrong = |path: PathBuf, problem: &str| Error::Content { path, problem: problem.to_owned(), hint: WANTS };
        let file = |path: PathBuf, errno: Errno| Error::File { action: "open", path, source: errno.into() };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::NOTDIR => wrong(path.to_owned(), "it is no directory"),
            errno => file(path.to_owned(), errno),
        })?;
        let below = path.join("proc");
        // What is mounted below is not known before. The directory itself is whose who runs us says.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let proc = rustix::fs::openat2(&root, "proc", flags, Mode::empty(), within).map_err(|errno| match errno {
            Errno::NOENT => wrong(path.to_owned(), "there is no proc in it"),
            Errno::NOTDIR | Errno::LOOP => wrong(below.clone(), "it is no directory of this root"),
            Errno::NOSYS | Errno::PERM => Error::Content {
                path: path.to_owned(),
                problem: "openat2(2), without which a link could lead out of it, is not to be had".to_owned(),
                hint: "use a kernel since Linux 5.6, and a filter of system calls that knows openat2",
            },
            errno => file(below.clone(), errno),
        })?;
        let kind = rustix::fs::fstatfs(&proc).map_err(|errno| file(below.clone(), errno))?;
        if kind.f_type as u64 != PROC {
            return Err(Error::Content {
                path: below,
                problem: "it is no procfs: the files of a copied proc are no running host".to_owned(),
                hint: "mount the host's /proc there; a host of which only a record is left is judged with --from FILE",
            });
        }
        let inode = |name| inode(&proc, name).ok();
        let first = inode("1/ns/net").map(Ns::Inode).or_else(|| inode("1/net/tcp").map(Ns::File));
        let same_pids = is_of_our_pids(&proc);
        let view = view(&root, &proc);
        let files = Arc::new(Root::of(root, view.clone()));
        let knows_cgroups = AtomicBool::new(false);
        Ok((Self { files, first, same_pids, knows_cgroups, view }, proc))
    }

    /// Its network namespaces.
    pub fn namespaces(&self) -> Namespaces {
        Namespaces::of(self.files.clone(), self.first)
    }

    /// A regular file of the host.
    pub fn file(&self, path: &str) -> io::Result<Vec<u8>> {
        self.files.read(path)
    }
}

/// How we have the host's root mounted.
fn view(root: &OwnedFd, proc: &OwnedFd) -> View {
    let link = format!("self/fd/{}", root.as_raw_fd());
    let link =
        of_ours(proc, |proc, prefix| rustix::fs::readlinkat(proc, format!("{prefix}{link}"), Vec::with_capacity(256)));
    let mounts = of_ours(proc, |proc, prefix| {
        let mut mounts = Vec::new();
        read_at(proc, &format!("{prefix}self/mountinfo"), &mut mounts).map(|()| mounts)
    });
    let mut place = link.map(std::ffi::CString::into_bytes).unwrap_or_default();
    // A path below `/` begins with one slash.
    place.pop_if(|last| *last == b'/');
    View { mounts: mounts.unwrap_or_default(), place }
}

/// Asks for what is ours: below the host's `proc`, where we are a process of that host, or else below our own.
pub fn of_ours<T>(proc: &OwnedFd, ask: impl Fn(&OwnedFd, &str) -> Result<T, Errno>) -> Result<T, Errno> {
    // An absolute path leaves the directory aside.
    ask(proc, "").or_else(|_| ask(proc, "/proc/"))
}

fn inode(proc: &OwnedFd, name: &str) -> Result<u64, Errno> {
    rustix::fs::statx(proc, name, AtFlags::empty(), StatxFlags::INO).map(|file| file.stx_ino)
}

/// The inode of a namespace of ours.
fn own(proc: &OwnedFd, name: &str) -> Result<u64, Errno> {
    of_ours(proc, |proc, prefix| inode(proc, &format!("{prefix}self/ns/{name}")))
}

/// True where a `proc` is of our own pid namespace: it tells our id there, and those within it, proc_pid_status(5).
fn is_of_our_pids(proc: &OwnedFd) -> bool {
    let mut status = Vec::new();
    let ids = |status: &[u8]| {
        let line = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"NSpid:"))?;
        Some(line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count())
    };
    // A kernel without pid namespaces tells nothing of them.
    read_at(proc, "self/status", &mut status).is_ok() && ids(&status).is_none_or(|ids| ids == 1)
}

/// A path to what is open already. What is mounted at our own `/proc` may not know us, and then there is none.
pub fn place(file: &OwnedFd) -> Result<String, Errno> {
    let place = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::statx(CWD, &place, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty()).map_err(|_| Errno::PERM)?;
    Ok(place)
}

/// Opens for reading what is open as a place already.
pub fn reopen(file: &OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    rustix::fs::openat(CWD, place(file)?, flags, Mode::empty())
}

impl Live {
    /// Does something on a thread that sees the cgroups of the host as that host does, and whose threads do.
    pub fn among_its_cgroups<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let Some(rooted) = &self.rooted else { return work() };
        let (ours, first) = (own(&self.proc, "cgroup"), inode(&self.proc, "1/ns/cgroup"));
        let knows = |knows| rooted.knows_cgroups.store(knows, Ordering::Relaxed);
        if ours == first && ours.is_ok() {
            knows(true);
            return work();
        }
        let namespace = self.first_process("ns/cgroup");
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let entered = namespace.and_then(|namespace| {
                    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::ControlGroup))
                });
                knows(entered.is_ok() || ours == Ok(FIRST_CGROUP_NS));
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Opens something of the host's first process.
    fn first_process(&self, name: &str) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        rustix::fs::openat(&self.proc, format!("1/{name}"), flags, Mode::empty())
    }

    /// Answers what would be another answer for our own host; `None` for any other question.
    pub(super) fn ask_rooted(
        &self,
        rooted: &Rooted,
        question: &Question,
        answer: &mut Vec<u8>,
    ) -> Option<Result<(), Errno>> {
        let inode = |name| inode(&self.proc, name).unwrap_or(0);
        Some(match question {
            Question::Vantage => self.vantage_onto(rooted, answer),
            Question::Host => {
                if let Some(name) = self.hostname_of(rooted) {
                    let _ = writeln!(answer, "hostname {}", Text::from(name.as_slice()).escaped());
                }
                let release = rustix::system::uname();
                let _ = writeln!(answer, "kernel {}", Text::from(release.release().to_bytes()).escaped());
                Ok(())
            }
            Question::Ports => rooted.first.ok_or(Errno::SRCH).and_then(|first| {
                // `/proc/sys/net` is that of the thread that reads it.
                let ports = self.namespaces.inside(&self.proc, first, || {
                    let mut ports = Vec::new();
                    self.ports(&mut ports);
                    Ok(ports)
                })?;
                answer.extend_from_slice(&ports);
                Ok(())
            }),
            Question::NetNs => {
                let file = inode("1/net/tcp");
                let _ = writeln!(answer, "{} {file} {file}", inode("1/ns/net"));
                Ok(())
            }
            Question::Namespaces => self.namespaces.find(&self.proc, "1", self.mounts(), answer),
            Question::Links
            | Question::Addresses
            | Question::NsId(_)
            | Question::Wireguard(_)
            | Question::L2tp
            | Question::Fou
            | Question::Protocols
            | Question::Diag(_)
            | Question::Connected
            | Question::ProcNet(_) => rooted
                .first
                .ok_or(Errno::SRCH)
                .and_then(|first| self.namespaces.ask((&self.proc, &self.families), first, question, answer)),
            Question::Threads(pid) => threads::threads(&self.proc, *pid, rooted.same_pids, answer),
            // From another cgroup namespace every path is another, and some look as if they were the host's.
            Question::Cgroup(_) if !rooted.knows_cgroups.load(Ordering::Relaxed) => Err(Errno::PERM),
            Question::HostFile(path) => self.file_of(rooted, path, answer),
            Question::Packages(paths) => owned::packages(Some(&rooted.files), paths, answer),
            Question::CgroupPaths(ids) => {
                // Where they are not to be seen, none has a name.
                let _ = below_cgroups(&rooted.files, |root| {
                    paths::cgroup_paths_below(root, ids, answer);
                    Ok(())
                });
                Ok(())
            }
            // They are told by the ids that they have for whoever reads.
            Question::CgroupProcs(_) if !rooted.same_pids => Err(Errno::PERM),
            Question::CgroupProcs(path) => {
                below_cgroups(&rooted.files, |root| paths::cgroup_procs_below(root, path, answer))
            }
            _ => return None,
        })
    }

    /// The vantage: who we are, and whose processes are seen.
    fn vantage_onto(&self, rooted: &Rooted, answer: &mut Vec<u8>) -> Result<(), Errno> {
        let caps = rustix::thread::capabilities(None)?.effective.bits();
        let own = |name| own(&self.proc, name).unwrap_or(0);
        // Of which namespace the processes are is told by the first of them, and by us where it is ours.
        let pids = inode(&self.proc, "1/ns/pid").unwrap_or_else(|_| if rooted.same_pids { own("pid") } else { 0 });
        let _ = writeln!(answer, "uid {}\ncaps {caps:x}", rustix::process::geteuid().as_raw());
        let _ = writeln!(answer, "pid_ns {pids}\nuser_ns {}", own("user"));
        let device = rustix::fs::statx(&self.proc, "", AtFlags::EMPTY_PATH, StatxFlags::INO)?;
        let device = format!("{}:{}", device.stx_dev_major, device.stx_dev_minor);
        // The option is one of the procfs, wherever that is mounted.
        let line = [&rooted.view.mounts, self.mounts()].into_iter().find_map(|mounts| {
            let mut lines = mounts.split(|byte| *byte == b'\n');
            lines.find(|line| line.split(|byte| *byte == b' ').nth(2) == Some(device.as_bytes()))
        });
        if let Some(line) = line {
            let _ = writeln!(answer, "hidepid {}", String::from_utf8_lossy(host::hidden_by(line).unwrap_or(b"off")));
        }
        Ok(())
    }

    /// The name of the host: of where its first process lives, or else what it calls itself when it boots.
    fn hostname_of(&self, rooted: &Rooted) -> Option<Vec<u8>> {
        let name = || Ok(rustix::system::uname().nodename().to_bytes().to_vec());
        let (ours, first) = (own(&self.proc, "uts"), inode(&self.proc, "1/ns/uts"));
        if ours.is_ok() && ours == first {
            return name().ok();
        }
        let lives_in = self.first_process("ns/uts");
        let there =
            lives_in.and_then(|lives_in| within_kind(&lives_in, LinkNameSpaceType::HostNameAndNISDomainName, name));
        there.ok().or_else(|| static_name(&rooted.file("/etc/hostname").ok()?))
    }

    /// What the root of the host has at a path. Where a file system of the host does not show below the directory that we
    /// were given, what is there instead says nothing.
    fn file_of(&self, rooted: &Rooted, path: &[u8], answer: &mut Vec<u8>) -> Result<(), Errno> {
        let view = &rooted.view;
        let here = [&view.place, path].concat();
        match (device(self.mounts(), path), device(&view.mounts, &here)) {
            (Some(one), Some(other)) if one == other => {}
            _ => return Err(Errno::XDEV),
        }
        let open = |path: &[u8], resolve| {
            paths::open_path(rooted.files.directory().as_fd(), path, resolve | ResolveFlags::IN_ROOT)
        };
        paths::file_and_above(path, open, || are_local(&view.mounts, &here), answer)
    }
}

/// The device of the file system that a path lies in, by the mounts there are.
fn device<'a>(mounts: &'a [u8], path: &[u8]) -> Option<&'a [u8]> {
    let on_the_way = mounts.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut words = line.split(|byte| *byte == b' ').skip(2);
        let device = words.next()?;
        let place = mount_point(words.nth(1)?);
        let below = path.strip_prefix(place.as_slice());
        let within = place == b"/" || below.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')));
        within.then_some((place.len(), device))
    });
    // Of several at one place the last is on top.
    on_the_way.max_by_key(|(length, _)| *length).map(|(_, device)| device)
}

/// What `/etc/hostname` says, hostname(5).
fn static_name(text: &[u8]) -> Option<Vec<u8>> {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.find(|line| !line.is_empty() && !line.starts_with(b"#")).map(<[u8]>::to_vec)
}

/// Does something where the host has cgroups of version 2 mounted.
fn below_cgroups<T>(files: &Root, work: impl FnOnce(&Path) -> Result<T, Errno>) -> Result<T, Errno> {
    let open = |path: &str| {
        let directory = files.walk(path, OFlags::PATH | OFlags::DIRECTORY)?;
        let kind = rustix::fs::fstatfs(&directory)?.f_type as u64;
        if kind == CGROUP2 { Ok(directory) } else { Err(Errno::NOENT) }
    };
    // Hybrid hosts have version 2 beside the others.
    let directory = open("/sys/fs/cgroup/unified").or_else(|_| open("/sys/fs/cgroup"))?;
    work(Path::new(&place(&directory)?))
}

#[cfg(test)]
#[path = "rooted_tests.rs"]
mod tests;
