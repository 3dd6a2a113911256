//! Other network namespaces: who lives in which, and what can be asked there.
//!
//! A netlink socket belongs for ever to the namespace that it was opened in. So a thread of its own enters the namespace
//! once, opens the sockets and ends; no other thread of this program ever leaves its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, Mode, OFlags, Statx, StatxFlags};
use rustix::io::Errno;
use rustix::net::{Protocol, netlink};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::dump::{ROUTE, connected, dump_over, each_answer, open_netlink, whole_dump};
use super::generic::{self, Families};
use super::paths::open_unless_remote;
use super::rooted::{of_ours, reopen};
use super::{each_pid, listns, read_at};
use crate::collect::linux::namespaces::{Way, Ways, decode};
use crate::collect::linux::netlink::single_request;
use crate::collect::linux::packages::{Root, View};
use crate::collect::linux::question::{Ns, Question};
use crate::collect::linux::{addresses, devices, mounts, proc_net, sock_diag};
use crate::model::Text;

/// The namespaces that were found, and the sockets that were opened in them.
#[derive(Default)]
pub struct Namespaces {
    /// Another host than ours: its root, and the namespace of its first process.
    rooted: Option<(Arc<Root>, Option<Ns>)>,
    ways: Mutex<Ways>,
    entered: Mutex<HashMap<Ns, Arc<Entered>>>,
}

/// A namespace that was entered.
struct Entered {
    namespace: OwnedFd,
    /// There are hosts without, whose devices can be asked for all the same.
    diag: Result<Inside, Errno>,
    route: Inside,
}

/// A netlink socket that was opened in a namespace.
struct Inside {
    protocol: Option<Protocol>,
    socket: Mutex<OwnedFd>,
}

impl Inside {
    fn new(protocol: Option<Protocol>) -> Result<Self, Errno> {
        Ok(Self { protocol, socket: Mutex::new(open_netlink(protocol)?) })
    }

    fn dump(&self, namespace: &OwnedFd, kind: u16, body: &[u8], answer: &mut Vec<u8>) -> Result<(), Errno> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = dump_over(&*socket, kind, body, answer);
        if asked.is_err() {
            // The rest of that dump may still be in it. A new one of ours would answer for another namespace.
            *socket = within(namespace, || open_netlink(self.protocol))?;
        }
        asked
    }
}

impl Namespaces {
    /// Those of another host, by its root and the namespace of its first process.
    pub fn of(root: Arc<Root>, first: Option<Ns>) -> Self {
        Self { rooted: Some((root, first)), ..Self::default() }
    }

    /// Finds the namespaces of processes and of mounts, but that of the process `home`.
    pub fn find(&self, proc: &OwnedFd, home: &str, mounts: &[u8], answer: &mut Vec<u8>) -> Result<(), Errno> {
        let inode = |path: &str| {
            let file = rustix::fs::statx(proc, path, AtFlags::empty(), StatxFlags::INO);
            file.map(|file| file.stx_ino)
        };
        let own = inode(&format!("{home}/ns/net")).unwrap_or(0);
        let own_file = inode(&format!("{home}/net/tcp")).unwrap_or(0);
        let (mut processes, mut files) = (BTreeMap::new(), BTreeMap::new());
        let mut closed = 0u32;
        each_pid(proc, |pid| {
            // The lowest pid is told, and pids come in their order.
            match inode(&format!("{pid}/ns/net")) {
                Ok(inode) if inode == own => {}
                // Of our own only its file may be known.
                Ok(_) if own == 0 && inode(&format!("{pid}/net/tcp")) == Ok(own_file) => {}
                Ok(inode) => {
                    processes.entry(inode).or_insert(pid);
                }
                Err(Errno::NOENT | Errno::SRCH) => {}
                // The inode of a file below `net` differs by namespace, and anybody may see it.
                Err(_) => match inode(&format!("{pid}/net/tcp")) {
                    Ok(file) if file == own_file => {}
                    Ok(file) => {
                        files.entry(file).or_insert(pid);
                    }
                    Err(Errno::NOENT | Errno::SRCH) => {}
                    Err(_) => closed += 1,
                },
            }
        })?;
        if !files.is_empty() {
            // Some processes of a namespace may be told from others of the same that are not.
            for pid in processes.values() {
                inode(&format!("{pid}/net/tcp")).ok().and_then(|file| files.remove(&file));
            }
        }
        let mut text = String::new();
        for (inode, pid) in &processes {
            let _ = writeln!(text, "process {inode} {pid}");
        }
        for (file, pid) in files {
            let _ = writeln!(text, "unnamed {file} {pid}");
        }
        let mut known: BTreeSet<u64> = processes.keys().copied().chain([own]).filter(|inode| *inode != 0).collect();
        for (inode, path) in mounted(mounts).into_iter().filter(|(inode, _)| *inode != own) {
            known.insert(inode);
            let _ = writeln!(text, "mount {inode} {}", path.escaped());
        }
        for (inode, id) in listed(&known) {
            let _ = writeln!(text, "listed {inode} {id}");
        }
        if closed > 0 {
            let _ = writeln!(text, "closed {closed}");
        }
        *self.ways.lock().unwrap_or_else(PoisonError::into_inner) = decode(text.as_bytes()).0;
        answer.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Keeps the way that a descriptor of a process leads to a namespace by, where no other is known.
    pub fn know(&self, pid: u32, fd: &[u8], inode: &[u8]) {
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u64>().ok();
        let (Some(fd), Some(inode)) = (number(fd), number(inode)) else { return };
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        ways.entry(Ns::Inode(inode)).or_insert_with(|| vec![Way::Descriptor(pid, fd as u32)]);
    }

    /// Asks within a namespace.
    pub fn ask(
        &self,
        (proc, families): (&OwnedFd, &Families),
        ns: Ns,
        question: &Question,
        answer: &mut Vec<u8>,
    ) -> Result<(), Errno> {
        match question {
            Question::Diag(table) => {
                let entered = self.enter(proc, ns)?;
                let body = sock_diag::request(*table);
                let diag = entered.diag.as_ref().map_err(|errno| *errno)?;
                diag.dump(&entered.namespace, sock_diag::SOCK_DIAG_BY_FAMILY, &body, answer)
            }
            Question::Links => {
                let entered = self.enter(proc, ns)?;
                entered.route.dump(&entered.namespace, devices::LINKS.0, &devices::links_request(), answer)
            }
            Question::Addresses => {
                let entered = self.enter(proc, ns)?;
                whole_dump(answer, |answer| {
                    let (kind, request) = (addresses::ROWS.0, addresses::request());
                    entered.route.dump(&entered.namespace, kind, &request, answer)
                })
            }
            Question::NsId(target) => {
                let entered = self.enter(proc, ns)?;
                let socket = within(&entered.namespace, || open_netlink(ROUTE))?;
                self.number_of(proc, *target, &socket, answer)
            }
            Question::Wireguard(_) | Question::L2tp | Question::Fou => {
                let family = families.number(question)?;
                let entered = self.enter(proc, ns)?;
                let socket = within(&entered.namespace, || open_netlink(Some(netlink::GENERIC)))?;
                generic::ask(&socket, family, question, answer)
            }
            Question::Connected => {
                let entered = self.enter(proc, ns)?;
                let socket = within(&entered.namespace, || open_netlink(Some(netlink::SOCK_DIAG)))?;
                connected(&socket, answer)
            }
            Question::Protocols => self.file(proc, ns, "protocols", answer),
            Question::ProcNet(table) => self.file(proc, ns, proc_net::file(*table).ok_or(Errno::NOENT)?, answer),
            _ => Err(Errno::INVAL),
        }
    }

    /// Reads a file below `net`: of a process that lives there, or from within.
    fn file(&self, proc: &OwnedFd, ns: Ns, file: &str, answer: &mut Vec<u8>) -> Result<(), Errno> {
        for pid in self.ways_to(ns).iter().filter_map(|way| if let Way::Process(pid) = way { Some(pid) } else { None })
        {
            let lives_there = || match ns {
                Ns::Inode(inode) => is_inode(proc, &format!("{pid}/ns/net"), inode),
                Ns::File(inode) => is_inode(proc, &format!("{pid}/net/tcp"), inode),
            };
            if lives_there() && read_at(proc, &format!("{pid}/net/{file}"), answer).is_ok() && lives_there() {
                return Ok(());
            }
            answer.clear();
        }
        let entered = self.enter(proc, ns)?;
        within(&entered.namespace, || {
            let mut text = Vec::new();
            read_at(proc, &format!("thread-self/net/{file}"), &mut text).map(|()| text)
        })
        .map(|text| answer.extend_from_slice(&text))
    }

    /// The number by which a namespace goes in that of a socket.
    pub fn number_of(
        &self,
        proc: &OwnedFd,
        ns: Option<Ns>,
        socket: &OwnedFd,
        answer: &mut Vec<u8>,
    ) -> Result<(), Errno> {
        let home = if self.rooted.is_some() { "1/ns/net" } else { "self/ns/net" };
        let request =
            |namespace: &OwnedFd| single_request(devices::GETNSID, &devices::nsid_request(namespace.as_raw_fd()));
        match ns {
            Some(ns) => {
                let entered = self.enter(proc, ns)?;
                each_number(socket, &request(&entered.namespace), answer)
            }
            None => {
                let own = rustix::fs::openat(proc, home, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
                each_number(socket, &request(&own), answer)
            }
        }
    }

    /// Does something within a namespace.
    pub fn inside<T: Send>(
        &self,
        proc: &OwnedFd,
        ns: Ns,
        work: impl FnOnce() -> Result<T, Errno> + Send,
    ) -> Result<T, Errno> {
        within(&self.enter(proc, ns)?.namespace, work)
    }

    fn ways_to(&self, ns: Ns) -> Vec<Way> {
        let first = self.rooted.as_ref().and_then(|(_, first)| *first);
        let ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        let found = ways.get(&ns).into_iter().flatten().cloned();
        (first == Some(ns)).then_some(Way::Process(1)).into_iter().chain(found).collect()
    }

    fn enter(&self, proc: &OwnedFd, ns: Ns) -> Result<Arc<Entered>, Errno> {
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entered) = entered.get(&ns) {
            return Ok(entered.clone());
        }
        let inode = ns.inode().ok_or(Errno::PERM)?;
        let mut refused = Errno::NOENT;
        for way in self.ways_to(ns) {
            match self.open(proc, &way, inode).and_then(open_sockets) {
                Ok(opened) => {
                    let opened = Arc::new(opened);
                    entered.insert(ns, opened.clone());
                    return Ok(opened);
                }
                Err(errno) => refused = errno,
            }
        }
        Err(refused)
    }

    /// Opens a namespace, and only that one: what stands at a path or behind a descriptor by now may be anything, a device that
    /// does something when it is opened, a pipe or a file of FUSE that waits for somebody. So it is looked at first.
    fn open(&self, proc: &OwnedFd, way: &Way, inode: u64) -> Result<OwnedFd, Errno> {
        let (place, read) = (OFlags::PATH | OFlags::CLOEXEC, OFlags::RDONLY | OFlags::CLOEXEC);
        let there = match (way, &self.rooted) {
            (Way::Mount(path), Some((root, _))) => return mounted_below(root, proc, path.as_bytes(), inode),
            (Way::Mount(path), None) => open_unless_remote(path.as_bytes(), OFlags::PATH),
            (Way::Descriptor(pid, fd), _) => rustix::fs::openat(proc, format!("{pid}/fd/{fd}"), place, Mode::empty()),
            // These are namespaces, if not that one.
            (Way::Process(pid), _) => rustix::fs::openat(proc, format!("{pid}/ns/net"), read, Mode::empty()),
            (Way::Listed(id), _) => listns::open(*id),
        }?;
        match way {
            _ if !is_namespace(&there, proc, inode)? => Err(Errno::NOENT),
            Way::Mount(_) | Way::Descriptor(..) => reopen(&there),
            Way::Process(_) | Way::Listed(_) => Ok(there),
        }
    }
}

/// True for that namespace: all namespaces are of one file system. No other is asked, since it may belong to a process.
fn is_namespace(file: &OwnedFd, proc: &OwnedFd, inode: u64) -> Result<bool, Errno> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let file = rustix::fs::statx(file, "", flags, StatxFlags::INO)?;
    let own = of_ours(proc, |proc, prefix| {
        rustix::fs::statx(proc, format!("{prefix}self/ns/net"), AtFlags::empty(), StatxFlags::INO)
    })?;
    let device = |file: &Statx| (file.stx_dev_major, file.stx_dev_minor);
    Ok(file.stx_ino == inode && device(&file) == device(&own))
}

/// Opens a namespace that another host has mounted: below the root that we were given, or where nothing that was mounted
/// later shows there, below that of its first process. Nothing but the namespace is opened.
pub fn mounted_below(root: &Root, proc: &OwnedFd, path: &[u8], inode: u64) -> Result<OwnedFd, Errno> {
    let open = |root: &Root| {
        let there = root.walk(path, OFlags::PATH | OFlags::NOFOLLOW)?;
        if is_namespace(&there, proc, inode)? { reopen(&there) } else { Err(Errno::NOENT) }
    };
    open(root).or_else(|_| {
        let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let first = rustix::fs::openat(proc, "1/root", directory, Mode::empty())?;
        let mut mounts = Vec::new();
        read_at(proc, "1/mountinfo", &mut mounts)?;
        open(&Root::of(first, View { mounts, place: Vec::new() }))
    })
}

fn each_number(socket: &OwnedFd, request: &[u8], answer: &mut Vec<u8>) -> Result<(), Errno> {
    let mut number = None;
    each_answer(socket, request, |datagram| number = number.or(devices::nsid(datagram)))?;
    answer.extend(number.ok_or(Errno::NOENT)?.to_string().into_bytes());
    Ok(())
}

fn open_sockets(namespace: OwnedFd) -> Result<Entered, Errno> {
    let (diag, route) = within(&namespace, || Ok((Inside::new(Some(netlink::SOCK_DIAG)), Inside::new(ROUTE)?)))?;
    Ok(Entered { namespace, diag, route })
}

/// Does something within a network namespace, on a thread that ends with it.
fn within<T: Send>(namespace: &OwnedFd, work: impl FnOnce() -> Result<T, Errno> + Send) -> Result<T, Errno> {
    within_kind(namespace, LinkNameSpaceType::Network, work)
}

/// Does something within a namespace of a kind, on a thread that ends with it.
pub fn within_kind<T: Send>(
    namespace: &OwnedFd,
    kind: LinkNameSpaceType,
    work: impl FnOnce() -> Result<T, Errno> + Send,
) -> Result<T, Errno> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            move_into_link_name_space(namespace.as_fd(), Some(kind))?;
            work()
        });
        thread.join().unwrap_or(Err(Errno::IO))
    })
}

/// The namespaces that the kernel lists besides those that are known: inode and id. As many as are known are the same ones,
/// and need not be opened.
fn listed(known: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    let ids = listns::network_namespaces().unwrap_or_default();
    if ids.len() <= known.len() {
        return Vec::new();
    }
    let inode = |id: &u64| {
        let namespace = listns::open(*id).ok()?;
        let file = rustix::fs::statx(&namespace, "", AtFlags::EMPTY_PATH, StatxFlags::INO).ok()?;
        (!known.contains(&file.stx_ino)).then_some((file.stx_ino, *id))
    };
    ids.iter().filter_map(inode).collect()
}

fn is_inode(proc: &OwnedFd, path: &str, inode: u64) -> bool {
    rustix::fs::statx(proc, path, AtFlags::empty(), StatxFlags::INO).is_ok_and(|file| file.stx_ino == inode)
}

/// The network namespaces that are mounted somewhere: field 4 of such a mount is `net:[INODE]`, proc(5).
fn mounted(mounts: &[u8]) -> Vec<(u64, Text)> {
    let lines = mounts.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut words = line.split(|byte| *byte == b' ').skip(3);
        let (root, place) = (words.next()?, words.next()?);
        let inode = root.strip_prefix(b"net:[")?.strip_suffix(b"]")?;
        let inode = std::str::from_utf8(inode).ok()?.parse().ok()?;
        Some((inode, Text::new(mounts::mount_point(place))))
    });
    lines.collect()
}

#[cfg(test)]
#[path = "namespaces_tests.rs"]
mod tests;
