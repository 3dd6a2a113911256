//! The kernel that this program runs on. Thin: it fetches bytes, and `proc_pid`, `proc_net`, `sock_diag` and `devices`
//! read them.
//!
//! Nothing here may wait on another process: magic links are looked through with `statx` and never opened for reading,
//! and a path of somebody's making is walked only where every file system on the way answers from this host.

#![expect(clippy::disallowed_methods, reason = "this is the one place that talks to Linux")]

mod bpf;
mod descriptors;
mod dump;
mod generic;
mod host;
mod listns;
mod namespaces;
mod owned;
mod paths;
mod rooted;
mod threads;
mod vsock;

use std::collections::HashMap;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, Mode, OFlags, RawDir, StatxFlags};
use rustix::io::Errno;
use rustix::net::netlink;

use super::kernel::{Kernel, Refusal};
use super::question::Question;
use super::{addresses, devices, proc_net, proc_pid, sock_diag, transcript};
use crate::collect::Ask;
use crate::collect::capture::Capture;
use crate::collect::seam::Recorder;
use crate::error::Error;
use crate::model::Snapshot;
use dump::{ROUTE, connected, dump_over, open_netlink, whole_dump};
use generic::Families;
use namespaces::Namespaces;
use paths::{cgroup_paths, cgroup_procs, host_file};
use rooted::Rooted;

/// The largest file below `/proc` that is read: a table of a million sockets.
const LARGEST_FILE: usize = 256 * 1024 * 1024;

/// Looks at this host, or at one that a directory has the root of.
pub fn look(root: Option<&Path>, ask: &Ask) -> Result<Snapshot, Error> {
    let live = Live::new(root, ask.time)?;
    Ok(live.among_its_cgroups(|| super::snapshot(&live, ask)))
}

/// Looks so, and returns the transcript of the answers.
pub fn record(root: Option<&Path>, ask: &Ask) -> Result<Capture, Error> {
    let live = Live::new(root, ask.time)?;
    let recorder = Recorder::new("linux", &live, transcript::kept);
    live.among_its_cgroups(|| {
        // What a plain run asks, then all that any run could: of which descriptors more is asked differs.
        super::snapshot(&recorder, ask);
        super::snapshot(&recorder, &ask.everything());
    });
    let mut capture = recorder.finish();
    capture.heading = transcript::heading(&capture);
    Ok(capture)
}

/// The running kernel.
pub struct Live {
    proc: OwnedFd,
    /// The host is another than the one that we are in.
    rooted: Option<Rooted>,
    deadline: Option<Instant>,
    /// `st_size` of `/proc/PID/fd` is the number of descriptors (Linux 6.2).
    counts_descriptors: bool,
    /// Sockets for dumps, by netlink protocol; opened with the first and used again.
    diag: Mutex<Option<OwnedFd>>,
    users: OnceLock<HashMap<u32, Vec<u8>>>,
    mounts: OnceLock<Vec<u8>>,
    namespaces: Namespaces,
    /// Some process kept a reader of its memory waiting.
    kept_waiting: AtomicBool,
    families: Families,
}

impl Live {
    /// Opens `/proc`, or what a host that is seen from a container has in its place.
    pub fn new(root: Option<&Path>, time: Option<Duration>) -> Result<Self, Error> {
        let (rooted, proc) = match root {
            Some(root) => Rooted::open(root).map(|(rooted, proc)| (Some(rooted), proc))?,
            None => (None, open_proc()?),
        };
        let size = |name: &str| rustix::fs::statx(&proc, name, AtFlags::empty(), StatxFlags::SIZE);
        // From another branch of pid namespaces we are no process of that host.
        let one = size("self/fd").or_else(|errno| if rooted.is_some() { size("1/fd") } else { Err(errno) });
        Ok(Self {
            counts_descriptors: one.is_ok_and(|one| one.stx_size > 0),
            deadline: time.and_then(|time| Instant::now().checked_add(time)),
            diag: Mutex::new(None),
            users: OnceLock::new(),
            mounts: OnceLock::new(),
            kept_waiting: AtomicBool::new(false),
            namespaces: rooted.as_ref().map_or_else(Namespaces::default, Rooted::namespaces),
            families: Families::default(),
            rooted,
            proc,
        })
    }

    /// Appends a file below `/proc`.
    fn read(&self, path: &str, answer: &mut Vec<u8>) -> Result<(), Errno> {
        read_at(&self.proc, path, answer)
    }

    /// One dump over a socket that is kept for the next.
    fn dump(&self, kind: u16, body: &[u8], answer: &mut Vec<u8>) -> Result<(), Errno> {
        let mut kept = self.diag.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let socket = match kept.take() {
            Some(socket) => socket,
            None => open_netlink(Some(netlink::SOCK_DIAG))?,
        };
        dump_over(&socket, kind, body, answer)?;
        // After an error the socket may still have the rest of that dump: it is not kept.
        *kept = Some(socket);
        Ok(())
    }

    fn owner(&self, pid: u32, answer: &mut Vec<u8>) -> Result<(), Errno> {
        let mask = StatxFlags::UID | StatxFlags::GID | StatxFlags::INO;
        let directory = rustix::fs::statx(&self.proc, pid.to_string(), AtFlags::empty(), mask)?;
        let _ = writeln!(answer, "{} {} {}", directory.stx_uid, directory.stx_gid, directory.stx_ino);
        Ok(())
    }

    /// The arguments of a process lie in its memory, and the kernel waits for whoever changes the map of that: a process
    /// whose file system does not answer may keep it for ever. So another thread reads them, and one that is kept waiting is
    /// left behind, once in a run.
    fn cmdline(&self, pid: u32, answer: &mut Vec<u8>) -> Result<(), Errno> {
        const PATIENCE: Duration = Duration::from_millis(250);
        if self.kept_waiting.load(Ordering::Relaxed) {
            return Err(Errno::TIMEDOUT);
        }
        let proc = rustix::io::fcntl_dupfd_cloexec(&self.proc, 0)?;
        let (tell, told) = std::sync::mpsc::channel();
        let read = move || {
            let mut text = Vec::new();
            let read = read_at(&proc, &format!("{pid}/cmdline"), &mut text).map(|()| text);
            // Nobody may be waiting any more.
            let _ = tell.send(read);
        };
        std::thread::Builder::new().spawn(read).map_err(|_| Errno::AGAIN)?;
        match told.recv_timeout(PATIENCE) {
            Ok(text) => text.map(|text| answer.extend_from_slice(&text)),
            Err(_) => {
                self.kept_waiting.store(true, Ordering::Relaxed);
                Err(Errno::TIMEDOUT)
            }
        }
    }

    fn exe(&self, task: &str, answer: &mut Vec<u8>) -> Result<(), Errno> {
        let link = format!("{task}/exe");
        // Through the magic link and without a question to a remote file system: FUSE or NFS could keep us waiting.
        let flags = AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
        let file = rustix::fs::statx(&self.proc, &link, flags, StatxFlags::INO | StatxFlags::NLINK)?;
        let _ = writeln!(answer, "{}:{} {} {}", file.stx_dev_major, file.stx_dev_minor, file.stx_ino, file.stx_nlink);
        let path = rustix::fs::readlinkat(&self.proc, &link, Vec::with_capacity(256))?;
        answer.extend_from_slice(path.as_bytes());
        Ok(())
    }

    fn user(&self, uid: u32, answer: &mut Vec<u8>) -> Result<(), Errno> {
        let users = self.users.get_or_init(|| {
            let passwd = match &self.rooted {
                Some(rooted) => rooted.file("/etc/passwd"),
                None => std::fs::read("/etc/passwd"),
            };
            let passwd = passwd.unwrap_or_default();
            let lines = passwd.split(|byte| *byte == b'\n').filter_map(|line| {
                let mut fields = line.split(|byte| *byte == b':');
                let (name, _, uid) = (fields.next()?, fields.next()?, fields.next()?);
                Some((std::str::from_utf8(uid).ok()?.parse().ok()?, name.to_vec()))
            });
            // The first line of a uid counts, as for getpwuid(3).
            let mut users = HashMap::new();
            for (uid, name) in lines {
                users.entry(uid).or_insert(name);
            }
            users
        });
        answer.extend_from_slice(users.get(&uid).ok_or(Errno::NOENT)?);
        Ok(())
    }

    /// Our mounts, or those of the first process of another host, read once: the kernel makes the list with effort. Empty
    /// where it cannot be read.
    fn mounts(&self) -> &[u8] {
        self.mounts.get_or_init(|| {
            let mut mounts = Vec::new();
            let read = self.read(if self.rooted.is_some() { "1/mountinfo" } else { "self/mountinfo" }, &mut mounts);
            if read.is_ok() { mounts } else { Vec::new() }
        })
    }

    fn netns(&self, answer: &mut Vec<u8>) -> Result<(), Errno> {
        let inode = |name: &str| rustix::fs::statx(&self.proc, name, AtFlags::empty(), StatxFlags::INO);
        let own = inode("self/ns/net")?.stx_ino;
        // The inode of a file below /proc/PID/net differs by namespace, and anybody may see it.
        let [ours, first] = ["self/net/tcp", "1/net/tcp"].map(|name| inode(name).map_or(0, |file| file.stx_ino));
        let _ = writeln!(answer, "{own} {ours} {first}");
        Ok(())
    }
}

impl Kernel<Question> for Live {
    fn ask(&self, question: &Question, answer: &mut Vec<u8>) -> Result<(), Refusal> {
        if self.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            return Err(Refusal::Deadline);
        }
        if let Some(rooted) = &self.rooted
            && let Some(answered) = self.ask_rooted(rooted, question, answer)
        {
            return answered.map_err(|errno| Refusal::Errno(errno.raw_os_error()));
        }
        let answered = match question {
            Question::Clock => {
                host::clock(answer);
                Ok(())
            }
            Question::Vantage => self.vantage(answer),
            Question::Host => {
                self.host(answer);
                Ok(())
            }
            Question::Identity => {
                self.identity(answer);
                Ok(())
            }
            Question::Ports => {
                self.ports(answer);
                Ok(())
            }
            Question::NetNs => self.netns(answer),
            Question::Namespaces => self.namespaces.find(&self.proc, "self", self.mounts(), answer),
            Question::In(ns, question) => self.namespaces.ask((&self.proc, &self.families), *ns, question, answer),
            Question::Links => open_netlink(ROUTE)
                .and_then(|socket| dump_over(&socket, devices::LINKS.0, &devices::links_request(), answer)),
            Question::Addresses => open_netlink(ROUTE).and_then(|socket| {
                whole_dump(answer, |answer| dump_over(&socket, addresses::ROWS.0, &addresses::request(), answer))
            }),
            Question::NsId(ns) => {
                open_netlink(ROUTE).and_then(|socket| self.namespaces.number_of(&self.proc, *ns, &socket, answer))
            }
            Question::Wireguard(_) | Question::L2tp | Question::Fou => self
                .families
                .number(question)
                .and_then(|family| generic::ask(&open_netlink(Some(netlink::GENERIC))?, family, question, answer)),
            Question::NfsPorts => self.read("fs/nfsd/portlist", answer),
            Question::SkLookup => bpf::sk_lookups(answer),
            Question::Protocols => self.read("self/net/protocols", answer),
            Question::Diag(table) => self.dump(sock_diag::SOCK_DIAG_BY_FAMILY, &sock_diag::request(*table), answer),
            Question::Connected => open_netlink(Some(netlink::SOCK_DIAG)).and_then(|socket| connected(&socket, answer)),
            Question::ProcNet(table) => match proc_net::file(*table) {
                Some(file) => self.read(&format!("self/net/{file}"), answer),
                None => Err(Errno::NOENT),
            },
            Question::Pids => each_pid(&self.proc, |pid| {
                let _ = writeln!(answer, "{pid}");
            }),
            Question::Sockets(pid) => self.sockets(*pid, &pid.to_string(), answer),
            Question::Threads(pid) => threads::threads(&self.proc, *pid, true, answer),
            Question::ThreadSockets(pid, thread) => self.sockets(*pid, &format!("{pid}/task/{thread}"), answer),
            Question::ThreadExe(pid, thread) => self.exe(&format!("{pid}/task/{thread}"), answer),
            Question::Ring(pid, fd) => threads::ring(&self.proc, *pid, *fd, answer),
            Question::InFlight(pid, descriptors) => threads::in_flight(&self.proc, *pid, descriptors, answer),
            Question::LivesIn(pid) => {
                let namespace =
                    rustix::fs::statx(&self.proc, format!("{pid}/ns/net"), AtFlags::empty(), StatxFlags::INO);
                namespace.map(|namespace| {
                    let _ = write!(answer, "{}", namespace.stx_ino);
                })
            }
            Question::Link(pid, fd) => {
                rustix::fs::readlinkat(&self.proc, format!("{pid}/fd/{fd}"), Vec::with_capacity(64))
                    .map(|link| answer.extend_from_slice(link.as_bytes()))
            }
            Question::Vsock(pid, descriptors) => self.vsock(*pid, descriptors, answer),
            Question::Stat(pid) => read_whole(&self.proc, &format!("{pid}/stat"), answer),
            Question::Owner(pid) => self.owner(*pid, answer),
            Question::Ids(pid) => self.read(&format!("{pid}/status"), answer).map(|()| keep_ids(answer)),
            Question::Cgroup(pid) => read_whole(&self.proc, &format!("{pid}/cgroup"), answer),
            Question::Exe(pid) => self.exe(&pid.to_string(), answer),
            Question::Cmdline(pid) => self.cmdline(*pid, answer),
            Question::Script(pid) => self.cmdline(*pid, answer).map(|()| proc_pid::keep_script(answer)),
            Question::HostFile(path) => host_file(path, answer),
            Question::User(uid) => self.user(*uid, answer),
            Question::Packages(paths) => owned::packages(None, paths, answer),
            Question::CgroupPaths(ids) => {
                cgroup_paths(ids, answer);
                Ok(())
            }
            Question::CgroupProcs(path) => cgroup_procs(path, answer),
        };
        answered.map_err(|errno| Refusal::Errno(errno.raw_os_error()))
    }
}

fn open_proc() -> Result<OwnedFd, Error> {
    let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open("/proc", directory, Mode::empty()).map_err(|errno| Error::File {
        action: "open",
        path: "/proc".into(),
        source: errno.into(),
    })
}

/// Appends a whole file.
fn read_at(directory: &OwnedFd, path: &str, answer: &mut Vec<u8>) -> Result<(), Errno> {
    let file = rustix::fs::openat(directory, path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())?;
    let start = answer.len();
    loop {
        // A seq_file hands out a page at a time, and a larger buffer saves calls on large tables.
        answer.reserve((answer.len() - start).clamp(1024, 64 * 1024));
        match rustix::io::read(&file, spare_capacity(answer)) {
            Ok(0) => return Ok(()),
            Ok(_) if answer.len() - start > LARGEST_FILE => return Err(Errno::FBIG),
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Appends a file that the kernel makes as a whole when it is read: what leaves room in the buffer is all.
fn read_whole(directory: &OwnedFd, path: &str, answer: &mut Vec<u8>) -> Result<(), Errno> {
    let file = rustix::fs::openat(directory, path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())?;
    loop {
        answer.reserve(4096);
        let room = answer.capacity() - answer.len();
        match rustix::io::read(&file, spare_capacity(answer)) {
            Ok(read) if read < room => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Hands on every process id, in their order.
fn each_pid(proc: &OwnedFd, take: impl FnMut(u32)) -> Result<(), Errno> {
    // The position of a shared descriptor would be shared too.
    let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    each_number(&rustix::fs::openat(proc, ".", directory, Mode::empty())?, take)
}

/// Hands on every name in a directory that is a number.
fn each_number(directory: &OwnedFd, mut take: impl FnMut(u32)) -> Result<(), Errno> {
    let mut names = Vec::with_capacity(64 * 1024);
    let mut entries = RawDir::new(directory, names.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().ok().and_then(|name| name.parse().ok()) {
            take(number);
        }
    }
    Ok(())
}

/// Of `/proc/PID/status` only the ids are wanted, and only they may stand in a capture.
fn keep_ids(status: &mut Vec<u8>) {
    let mut kept = Vec::new();
    for line in status.split_inclusive(|byte| *byte == b'\n') {
        // `Name:` comes first and holds no newline that is not escaped.
        if [&b"Uid:"[..], b"Gid:", b"Groups:"].iter().any(|name| line.starts_with(name)) {
            kept.extend_from_slice(line);
        }
    }
    *status = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_are_kept_of_a_status() {
        let mut status = b"Name:\tx\nUid:\t1\t1\t1\t1\nGid:\t2\t2\t2\t2\nGroups:\t3 \nVmPeak:\t9 kB\n".to_vec();
        keep_ids(&mut status);
        assert_eq!(status, b"Uid:\t1\t1\t1\t1\nGid:\t2\t2\t2\t2\nGroups:\t3 \n");
    }
}
