//! BPF programs that choose which socket answers, for tests: loaded by hand, attached to a network namespace.

#![expect(unsafe_code, reason = "libc alone has bpf(2)")]

use std::ffi::c_long;
use std::io::{Error, Result};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

/// `enum bpf_cmd`, include/uapi/linux/bpf.h.
const MAP_CREATE: c_long = 0;
const MAP_UPDATE_ELEM: c_long = 2;
const PROG_LOAD: c_long = 5;
const LINK_CREATE: c_long = 28;

const MAP_TYPE_SOCKMAP: u32 = 15;
const PROG_TYPE_SK_LOOKUP: u32 = 30;
const SK_LOOKUP: u32 = 36;

/// Where `struct bpf_sk_lookup` has the local port, in the byte order of the host.
const LOCAL_PORT: i16 = 60;
const SK_PASS: i32 = 1;
/// Helpers, by their numbers.
const MAP_LOOKUP_ELEM: i32 = 1;
const SK_RELEASE: i32 = 86;
const SK_ASSIGN: i32 = 124;

/// One instruction: code, destination, source, offset, number.
fn op(code: u8, to: u8, from: u8, offset: i16, number: i32) -> u64 {
    let [low, high] = offset.to_le_bytes();
    let [a, b, c, d] = number.to_le_bytes();
    u64::from_le_bytes([code, from << 4 | to, low, high, a, b, c, d])
}

/// `r0 = SK_PASS; exit`.
fn pass() -> Vec<u64> {
    vec![op(0xb7, 0, 0, 0, SK_PASS), op(0x95, 0, 0, 0, 0)]
}

/// Gives what comes for a port to the socket in a map.
fn redirect(port: u16, map: &OwnedFd) -> Vec<u64> {
    let steps = [
        // What is for another port goes its way: jumps are to behind the release.
        op(0x61, 2, 1, LOCAL_PORT, 0),
        op(0x55, 2, 0, 15, port.into()),
        op(0xbf, 6, 1, 0, 0),
        // The socket at key 0 of the map.
        op(0x62, 10, 0, -4, 0),
        op(0x18, 1, 1, 0, map.as_raw_fd()),
        op(0, 0, 0, 0, 0),
        op(0xbf, 2, 10, 0, 0),
        op(0x07, 2, 0, 0, -4),
        op(0x85, 0, 0, 0, MAP_LOOKUP_ELEM),
        op(0x15, 0, 0, 7, 0),
        op(0xbf, 7, 0, 0, 0),
        op(0xbf, 1, 6, 0, 0),
        op(0xbf, 2, 7, 0, 0),
        op(0xb7, 3, 0, 0, 0),
        op(0x85, 0, 0, 0, SK_ASSIGN),
        op(0xbf, 1, 7, 0, 0),
    ];
    [&steps[..], &[op(0x85, 0, 0, 0, SK_RELEASE)], &pass()].concat()
}

/// One command, with its attributes as bytes.
fn bpf(command: c_long, attributes: &[u8]) -> Result<OwnedFd> {
    // SAFETY: the kernel reads as many bytes as it is told, and what they point to lives as long as the caller's values.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attributes.as_ptr(), attributes.len()) };
    match i32::try_from(result) {
        // SAFETY: it is new and ours.
        Ok(descriptor) if descriptor > 0 => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        Ok(0) => Ok(std::fs::File::open("/dev/null")?.into()),
        _ => Err(Error::last_os_error()),
    }
}

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
}

fn place(pointer: *const u8) -> [u8; 8] {
    (pointer.expose_provenance() as u64).to_ne_bytes()
}

/// Attaches instructions to a namespace. They stay for as long as the descriptor.
fn attach(name: &str, instructions: &[u64], namespace: &OwnedFd) -> Result<OwnedFd> {
    let code: Vec<u8> = instructions.iter().flat_map(|one| one.to_le_bytes()).collect();
    let mut log = vec![0u8; 4096];
    let mut called = [0u8; 16];
    called[..name.len()].copy_from_slice(name.as_bytes());
    let load = [
        words(&[PROG_TYPE_SK_LOOKUP, instructions.len() as u32]),
        place(code.as_ptr()).to_vec(),
        place(c"GPL".as_ptr().cast()).to_vec(),
        words(&[1, log.len() as u32]),
        place(log.as_mut_ptr()).to_vec(),
        words(&[0, 0]),
        called.to_vec(),
        words(&[0, SK_LOOKUP]),
    ];
    let said = |error: Error| match error.raw_os_error() {
        Some(libc::EPERM) => error,
        _ => Error::other(format!("{error}: {}", String::from_utf8_lossy(&log).trim_end_matches('\0'))),
    };
    let program = bpf(PROG_LOAD, &load.concat()).map_err(said)?;
    let numbers = [program.as_raw_fd(), namespace.as_raw_fd()].map(i32::cast_unsigned);
    bpf(LINK_CREATE, &words(&[numbers[0], numbers[1], SK_LOOKUP, 0]))
}

/// Attaches a program that changes nothing.
pub fn attach_pass(name: &str, namespace: &OwnedFd) -> Result<OwnedFd> {
    attach(name, &pass(), namespace)
}

/// Attaches a program that gives what comes for a port to a listening socket.
pub fn attach_redirect(name: &str, namespace: &OwnedFd, port: u16, to: &OwnedFd) -> Result<OwnedFd> {
    let map = bpf(MAP_CREATE, &words(&[MAP_TYPE_SOCKMAP, 4, 8, 1, 0]))?;
    let (key, value) = (0u32, u64::from(to.as_raw_fd().cast_unsigned()));
    let update = [
        words(&[map.as_raw_fd().cast_unsigned(), 0]),
        place(std::ptr::from_ref(&key).cast()).to_vec(),
        place(std::ptr::from_ref(&value).cast()).to_vec(),
        vec![0; 8],
    ];
    bpf(MAP_UPDATE_ELEM, &update.concat())?;
    attach(name, &redirect(port, &map), namespace)
}
