//! The load itself, for the example and for the benchmark, which makes it from its own binary: `load` as first argument
//! leads there, `child` after it makes one of the processes.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::net::netlink::SocketAddrNetlink;
use rustix::process::{Resource, Rlimit, Signal};

/// The first argument that leads from another binary to [`run`].
pub const WORD: &str = "load";

/// How much of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Processes that hold the rest.
    pub processes: usize,
    /// Listening TCP sockets, every other one of IPv6.
    pub listeners: usize,
    /// UDP sockets that are bound and have no peer, every other one of IPv6.
    pub datagrams: usize,
    /// Established connections; both ends are held.
    pub connections: usize,
    /// All descriptors of these processes together, at least.
    pub descriptors: usize,
    /// Further listening TCP sockets, which every process holds.
    pub shared: usize,
    /// The first port of the listeners; 0 lets the kernel choose.
    pub base: u16,
}

impl Load {
    const NAMES: [&'static str; 7] =
        ["--processes", "--listeners", "--datagrams", "--connections", "--descriptors", "--shared", "--base"];

    fn numbers(self) -> [usize; 7] {
        let Self { processes, listeners, datagrams, connections, descriptors, shared, base } = self;
        [processes, listeners, datagrams, connections, descriptors, shared, base.into()]
    }

    /// The arguments that make it.
    pub fn arguments(self) -> Vec<String> {
        let pairs = Self::NAMES.into_iter().zip(self.numbers());
        pairs.flat_map(|(name, number)| [name.to_owned(), number.to_string()]).collect()
    }

    fn parse(arguments: &[String]) -> io::Result<Self> {
        let mut numbers = [0usize; 7];
        for pair in arguments.chunks(2) {
            let at = Self::NAMES.iter().position(|name| *name == pair[0]);
            let value = pair.get(1).and_then(|value| value.parse().ok());
            let (Some(at), Some(value)) = (at, value) else {
                return Err(io::Error::other(format!("usage: load [{} NUMBER]", Self::NAMES.join(" NUMBER] ["))));
            };
            numbers[at] = value;
        }
        let [processes, listeners, datagrams, connections, descriptors, shared, base] = numbers;
        let base = u16::try_from(base).map_err(io::Error::other)?;
        Ok(Self { processes: processes.max(1), listeners, datagrams, connections, descriptors, shared, base })
    }

    /// The share of one process.
    fn share(self, of: usize) -> Self {
        let part = |whole: usize| whole / self.processes + usize::from(of < whole % self.processes);
        let before =
            (0..of).map(|one| self.listeners / self.processes + usize::from(one < self.listeners % self.processes));
        Self {
            processes: of,
            listeners: part(self.listeners),
            datagrams: part(self.datagrams),
            connections: part(self.connections),
            descriptors: part(self.descriptors),
            shared: self.shared,
            base: if self.base == 0 { 0 } else { self.base.saturating_add(before.sum::<usize>() as u16) },
        }
    }
}

/// Makes the load, says so in one line, and waits until stdin closes.
pub fn run(arguments: &[String]) -> io::Result<()> {
    let arguments = arguments.strip_prefix(&[WORD.to_owned()]).unwrap_or(arguments);
    if let Some(("child", share)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return child(share);
    }
    let load = Load::parse(arguments)?;
    // Refused on a host that is not ours, where it is up anyhow.
    let _ = raise_loopback();
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let shared: Vec<TcpListener> = (0..load.shared).map(|at| listener(at, 0)).collect::<io::Result<_>>()?;
    for listener in &shared {
        rustix::io::fcntl_setfd(listener, rustix::io::FdFlags::empty())?;
    }
    let mut children = Children(Vec::with_capacity(load.processes));
    for at in 0..load.processes {
        children.0.push(
            Command::new(std::env::current_exe()?)
                .args([WORD, "child"])
                .args(load.share(at).arguments())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()?,
        );
    }
    // Only the processes that were asked for hold them.
    drop(shared);
    let mut counts = [0usize; 4];
    for child in &mut children.0 {
        let told = read_counts(child.stdout.as_mut().ok_or(io::ErrorKind::BrokenPipe)?)?;
        counts.iter_mut().zip(told).for_each(|(sum, one)| *sum += one);
    }
    let [listeners, datagrams, connections, descriptors] = counts;
    let mut line = format!("ready processes={} listeners={}", children.0.len(), listeners + load.shared);
    let _ = write!(line, " datagrams={datagrams} connections={connections} descriptors={descriptors}");
    println!("{line}");
    io::stdin().read_to_end(&mut Vec::new()).map(|_| ())
}

/// The processes of a load, which end with this value.
struct Children(Vec<Child>);

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

fn read_counts(stdout: &mut ChildStdout) -> io::Result<[usize; 4]> {
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let numbers: Vec<usize> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    numbers.try_into().map_err(|_| io::Error::other("a process of the load could not make its share"))
}

/// One process: it makes its share, tells its counts, and stays until it is killed or its parent is gone.
fn child(arguments: &[String]) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let load = Load::parse_share(arguments)?;
    let at = load.processes;
    let mut held: Vec<OwnedFd> = Vec::new();
    for n in 0..load.listeners {
        let port = if load.base == 0 { 0 } else { load.base + n as u16 };
        held.push(listener(at + n, port)?.into());
    }
    for n in 0..load.datagrams {
        held.push(UdpSocket::bind(loopback(at + n, 0)).or_else(|_| UdpSocket::bind(loopback(0, 0)))?.into());
    }
    if load.connections > 0 {
        // It is gone when the counts are told.
        let door = listener(0, 0)?;
        for _ in 0..load.connections {
            let near = TcpStream::connect(door.local_addr()?)?;
            held.extend([near.into(), door.accept()?.0.into()]);
        }
    }
    let null = std::fs::File::open("/dev/null")?;
    for _ in open_descriptors()?..load.descriptors {
        held.push(null.try_clone()?.into());
    }
    println!("{} {} {} {}", load.listeners, load.datagrams, load.connections, open_descriptors()?);
    io::stdout().flush()?;
    loop {
        std::thread::park();
    }
}

impl Load {
    /// A share: `processes` is its place, which may be 0.
    fn parse_share(arguments: &[String]) -> io::Result<Self> {
        let place = arguments.get(1).and_then(|place| place.parse().ok()).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self { processes: place, ..Self::parse(arguments)? })
    }
}

/// The descriptors of this process, without the one that lists them.
fn open_descriptors() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/fd")?.count() - 1)
}

fn loopback(at: usize, port: u16) -> SocketAddr {
    match at % 2 {
        0 => (Ipv4Addr::LOCALHOST, port).into(),
        _ => (Ipv6Addr::LOCALHOST, port).into(),
    }
}

/// A listener: IPv4 and IPv6 in turn, IPv4 alone where there is no other.
fn listener(at: usize, port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(loopback(at, port)).or_else(|_| TcpListener::bind(loopback(0, port)))
}

/// Sets the device `lo` up with one rtnetlink(7) request: a fresh network namespace has it down.
pub fn raise_loopback() -> io::Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST_ACK: u16 = 1 | 4;
    const IFF_UP: u32 = 1;
    const LOOPBACK_INDEX: u32 = 1;
    // struct nlmsghdr: length, type, flags, sequence, port; struct ifinfomsg: family, type, index, flags, change.
    let head = [&32u32.to_ne_bytes()[..], &RTM_NEWLINK.to_ne_bytes(), &NLM_F_REQUEST_ACK.to_ne_bytes(), &[0; 8]];
    let body = [&[0; 4][..], &LOOPBACK_INDEX.to_ne_bytes(), &IFF_UP.to_ne_bytes(), &IFF_UP.to_ne_bytes()];
    let socket = rustix::net::socket_with(
        rustix::net::AddressFamily::NETLINK,
        rustix::net::SocketType::RAW,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    let request = [head.concat(), body.concat()].concat();
    rustix::net::sendto(socket.as_fd(), &request, rustix::net::SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0u8; 64];
    let (length, _) = rustix::net::recv(&socket, &mut answer[..], rustix::net::RecvFlags::empty())?;
    // struct nlmsgerr follows the header: 0, or a negative error number.
    match answer.get(16..20).filter(|_| length >= 20) {
        Some([0, 0, 0, 0]) => Ok(()),
        _ => Err(io::ErrorKind::PermissionDenied.into()),
    }
}
