//! Sockets of every kind on demand, so that a test can look for exactly what it opened.
//!
//! A socket is told by a word: `tcp/0.0.0.0:22`, `tcp/[::]:22;v6only`, `udp/127.0.0.1:323`, `udp/127.0.0.1:40000;peer=127.0.0.1:53`,
//! `mptcp/…`, `udplite/…`, `sctp/…`, `dccp/…`, `raw/0.0.0.0:1`, `packet/0x0800`, `vsock/7028`, `unix/stream:/run/x`, `unix/dgram:@name`. Options follow
//! semicolons: `v6only`, `device=lo`, `reuseport`, `transparent`, `bound` (do not listen), `backlog=N`, `peer=ADDRESS`.

#![allow(dead_code, reason = "each live test uses a part of what they share")]
#![expect(unsafe_code, reason = "libc alone opens every kind of socket that a test needs")]

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

/// `include/linux/net.h`.
const SOCK_DCCP: i32 = 6;

/// Opens the socket that a word tells; it lives as long as the descriptor.
pub fn open(word: &str) -> Result<OwnedFd> {
    let mut parts = word.split(';');
    let (kind, place) = parts.next().and_then(|head| head.split_once('/')).ok_or_else(|| Error::other(word))?;
    let options: Vec<&str> = parts.collect();
    match kind {
        "tcp" => internet(place, libc::SOCK_STREAM, 0, &options),
        "mptcp" => internet(place, libc::SOCK_STREAM, 262, &options),
        "sctp" => internet(place, libc::SOCK_STREAM, libc::IPPROTO_SCTP, &options),
        "dccp" => internet(place, SOCK_DCCP, libc::IPPROTO_DCCP, &options),
        "udp" => internet(place, libc::SOCK_DGRAM, 0, &options),
        "udplite" => internet(place, libc::SOCK_DGRAM, 136, &options),
        "raw" => internet(
            place,
            libc::SOCK_RAW,
            place.rsplit(':').next().and_then(|p| p.parse().ok()).unwrap_or(1),
            &options,
        ),
        "packet" => {
            let protocol = u16::from_str_radix(place.trim_start_matches("0x"), 16).map_err(Error::other)?;
            socket(libc::AF_PACKET, libc::SOCK_RAW, i32::from(protocol.to_be()))
        }
        "vsock" => vsock(place.parse().map_err(Error::other)?),
        "unix" => unix(place),
        _ => Err(Error::other(word)),
    }
}

fn check(result: i32) -> Result<i32> {
    if result < 0 { Err(Error::last_os_error()) } else { Ok(result) }
}

fn socket(family: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    // SAFETY: socket(2) takes numbers, and what it returns is ours alone.
    unsafe { Ok(OwnedFd::from_raw_fd(check(libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol))?)) }
}

fn set<T>(socket: &OwnedFd, level: i32, name: i32, value: &T) -> Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the pointer and the length are those of one value that lives across the call.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, std::ptr::from_ref(value).cast(), length) })?;
    Ok(())
}

fn internet(place: &str, kind: i32, protocol: i32, options: &[&str]) -> Result<OwnedFd> {
    let mut address: SocketAddr = place.parse().map_err(Error::other)?;
    if kind == libc::SOCK_RAW {
        address.set_port(0);
    }
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let socket = socket(family, kind, protocol)?;
    if address.is_ipv6() && kind != libc::SOCK_RAW {
        set(&socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, &i32::from(options.contains(&"v6only")))?;
    }
    if kind == libc::SOCK_STREAM {
        set(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, &1i32)?;
    }
    for option in options {
        match option.split_once('=') {
            Some(("device", name)) => {
                let mut device = [0u8; 16];
                device[..name.len()].copy_from_slice(name.as_bytes());
                set(&socket, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, &device)?;
            }
            None if *option == "reuseport" => set(&socket, libc::SOL_SOCKET, libc::SO_REUSEPORT, &1i32)?,
            None if *option == "transparent" => set(&socket, libc::SOL_IP, libc::IP_TRANSPARENT, &1i32)?,
            _ => {}
        }
    }
    with_address(address, |pointer, length| {
        // SAFETY: `with_address` hands out a socket address of that length.
        check(unsafe { libc::bind(socket.as_raw_fd(), pointer, length) })
    })?;
    let option = |name: &str| options.iter().find_map(|option| option.strip_prefix(name)?.strip_prefix('='));
    if let Some(peer) = option("peer") {
        with_address(peer.parse().map_err(Error::other)?, |pointer, length| {
            // SAFETY: as above.
            check(unsafe { libc::connect(socket.as_raw_fd(), pointer, length) })
        })?;
    } else if matches!(kind, libc::SOCK_STREAM | SOCK_DCCP) && !options.contains(&"bound") {
        let backlog = option("backlog").and_then(|backlog| backlog.parse().ok()).unwrap_or(128);
        // SAFETY: listen(2) takes numbers.
        check(unsafe { libc::listen(socket.as_raw_fd(), backlog) })?;
    }
    Ok(socket)
}

fn with_address(
    address: SocketAddr,
    call: impl FnOnce(*const libc::sockaddr, libc::socklen_t) -> Result<i32>,
) -> Result<i32> {
    match address {
        SocketAddr::V4(v4) => {
            let address = libc::sockaddr_in {
                sin_family: libc::AF_INET as _,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                sin_zero: [0; 8],
            };
            call(std::ptr::from_ref(&address).cast(), size_of_val(&address) as _)
        }
        SocketAddr::V6(v6) => {
            let address = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as _,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            };
            call(std::ptr::from_ref(&address).cast(), size_of_val(&address) as _)
        }
    }
}

fn vsock(port: u32) -> Result<OwnedFd> {
    let socket = socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0)?;
    // SAFETY: all zeroes is a valid sockaddr_vm.
    let mut address: libc::sockaddr_vm = unsafe { std::mem::zeroed() };
    address.svm_family = libc::AF_VSOCK as _;
    address.svm_port = port;
    address.svm_cid = libc::VMADDR_CID_ANY;
    let length = size_of_val(&address) as _;
    // SAFETY: pointer and length are those of one address.
    check(unsafe { libc::bind(socket.as_raw_fd(), std::ptr::from_ref(&address).cast(), length) })?;
    // SAFETY: listen(2) takes numbers.
    check(unsafe { libc::listen(socket.as_raw_fd(), 8) })?;
    Ok(socket)
}

fn unix(place: &str) -> Result<OwnedFd> {
    let (kind, path) = place.split_once(':').ok_or_else(|| Error::other(place))?;
    let number = match kind {
        "stream" => libc::SOCK_STREAM,
        "dgram" => libc::SOCK_DGRAM,
        _ => libc::SOCK_SEQPACKET,
    };
    let socket = socket(libc::AF_UNIX, number, 0)?;
    // SAFETY: all zeroes is a valid sockaddr_un.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as _;
    let is_abstract = path.starts_with('@');
    for (to, from) in address.sun_path.iter_mut().zip(path.bytes()) {
        *to = from as _;
    }
    if is_abstract {
        address.sun_path[0] = 0;
    }
    let length = std::mem::offset_of!(libc::sockaddr_un, sun_path) + path.len() + usize::from(!is_abstract);
    // SAFETY: the length lies within the address.
    check(unsafe { libc::bind(socket.as_raw_fd(), std::ptr::from_ref(&address).cast(), length as _) })?;
    if kind != "dgram" {
        // SAFETY: listen(2) takes numbers.
        check(unsafe { libc::listen(socket.as_raw_fd(), 8) })?;
    }
    Ok(socket)
}

/// Sets the name of the calling process, which the kernel cuts to 15 bytes.
pub fn set_name(name: &[u8]) -> Result<()> {
    let name = std::ffi::CString::new(name).map_err(Error::other)?;
    // SAFETY: PR_SET_NAME reads a string that ends with a NUL byte.
    check(unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) })?;
    Ok(())
}

/// Lets a descriptor survive execve(2).
pub fn inherit(descriptor: &OwnedFd) -> Result<()> {
    // SAFETY: F_SETFD takes a number.
    check(unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_SETFD, 0) })?;
    Ok(())
}

/// Names the host of a new UTS namespace.
pub fn set_hostname(name: &str) -> Result<()> {
    // SAFETY: sethostname(2) reads as many bytes as it is told.
    check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) })?;
    Ok(())
}

/// Brings the loopback device of a new network namespace up.
pub fn loopback_up() -> Result<()> {
    let socket = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    // SAFETY: all zeroes is a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as _;
    request.ifr_name[1] = b'o' as _;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as _;
    // SAFETY: SIOCSIFFLAGS reads one ifreq.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request) })?;
    Ok(())
}

/// Becomes another user, in the group of the same number; what ends this process with its parent is set anew.
pub fn become_user(user: u32) -> Result<()> {
    // SAFETY: each of them takes numbers, and the list of groups is empty.
    unsafe {
        check(libc::setgroups(0, std::ptr::null()))?;
        check(libc::setgid(user))?;
        check(libc::setuid(user))?;
    }
    die_with_parent()
}

/// Ends this process when its parent does.
pub fn die_with_parent() -> Result<()> {
    // SAFETY: PR_SET_PDEATHSIG takes a number.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
    Ok(())
}
