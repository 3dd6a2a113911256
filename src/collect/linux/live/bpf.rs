//! BPF programs that choose which socket answers, by bpf(2).

use std::ffi::c_long;
use std::fmt::Write as _;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use rustix::io::Errno;

use crate::model::Text;

/// `enum bpf_cmd`, include/uapi/linux/bpf.h.
const BPF_PROG_GET_FD_BY_ID: c_long = 13;
const BPF_OBJ_GET_INFO_BY_FD: c_long = 15;
const BPF_LINK_GET_FD_BY_ID: c_long = 30;
const BPF_LINK_GET_NEXT_ID: c_long = 31;
/// `enum bpf_link_type` and `enum bpf_attach_type`.
const BPF_LINK_TYPE_NETNS: u32 = 5;
const BPF_SK_LOOKUP: u32 = 36;

/// What `struct bpf_link_info` begins with, up to the end of what it says of a link to a network namespace.
#[repr(C, align(8))]
#[derive(Default)]
struct LinkInfo {
    kind: u32,
    id: u32,
    program: u32,
    _padding: u32,
    netns: u32,
    attach: u32,
}

/// What `struct bpf_prog_info` begins with, up to the name. The kernel writes behind no pointer that is null.
#[repr(C, align(8))]
#[derive(Default)]
struct ProgramInfo {
    kind: u32,
    id: u32,
    tag: [u8; 8],
    lengths: [u32; 2],
    pointers: [u64; 2],
    load_time: u64,
    uid: u32,
    maps: u32,
    map_ids: u64,
    name: [u8; 16],
}

/// The links of all network namespaces that attach a program of the kind `sk_lookup`.
pub fn sk_lookups(answer: &mut Vec<u8>) -> Result<(), Errno> {
    let mut text = String::new();
    let mut last = 0;
    loop {
        let mut next = [last, 0, 0, 0];
        match bpf(BPF_LINK_GET_NEXT_ID, &mut next) {
            Ok(_) => last = next[1],
            Err(Errno::NOENT) => break,
            Err(errno) => return Err(errno),
        }
        // It may be gone by now, or not be whole yet; and its namespace may be gone, which leaves a link without one.
        let info = match open(BPF_LINK_GET_FD_BY_ID, last).and_then(|link| info::<LinkInfo>(&link)) {
            Err(Errno::NOENT | Errno::AGAIN) => continue,
            info => info?,
        };
        if info.kind == BPF_LINK_TYPE_NETNS && info.attach == BPF_SK_LOOKUP && info.netns != 0 {
            let _ = write!(text, "{last} {} {}", info.program, info.netns);
            let program = open(BPF_PROG_GET_FD_BY_ID, info.program).and_then(|program| info_of_program(&program));
            let _ = writeln!(text, "{}", program.unwrap_or_default());
        }
    }
    answer.extend_from_slice(text.as_bytes());
    Ok(())
}

/// ` TAG UID NAME` of a program.
fn info_of_program(program: &OwnedFd) -> Result<String, Errno> {
    let info = info::<ProgramInfo>(program)?;
    let tag = u64::from_be_bytes(info.tag);
    let name = info.name.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(format!(" {tag:016x} {} {}", info.uid, Text::from(name).escaped()))
}

/// Opens what has an id.
fn open(command: c_long, id: u32) -> Result<OwnedFd, Errno> {
    let descriptor = bpf(command, &mut [id, 0, 0, 0])?;
    #[expect(unsafe_code, reason = "bpf(2) hands out descriptors as numbers")]
    // SAFETY: the kernel has just opened it for us, and nobody else knows of it.
    let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
    Ok(descriptor)
}

/// Asks what is behind a descriptor. `T` begins as the kernel's answer does.
fn info<T: Default>(object: &OwnedFd) -> Result<T, Errno> {
    let mut info = T::default();
    let place = (&raw mut info).expose_provenance() as u64;
    let descriptor = object.as_raw_fd().cast_unsigned();
    let [low, high] = if cfg!(target_endian = "little") {
        [place as u32, (place >> 32) as u32]
    } else {
        [(place >> 32) as u32, place as u32]
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut [descriptor, size_of::<T>() as u32, low, high])?;
    Ok(info)
}

/// One command. The kernel takes what an attribute does not reach for zeroes.
fn bpf(command: c_long, attributes: &mut [u32; 4]) -> Result<i32, Errno> {
    #[expect(unsafe_code, reason = "no library of ours has bpf(2)")]
    // SAFETY: the kernel reads and writes as many bytes as it is told; the only address among them is one of `info`,
    // which lives for the call and is as long as the length beside it says.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attributes.as_mut_ptr(), size_of_val(attributes)) };
    match i32::try_from(result) {
        Ok(result) if result >= 0 => Ok(result),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}
