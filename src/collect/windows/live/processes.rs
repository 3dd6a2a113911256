//! Processes: the list of all, and what may be asked of each.

#![expect(unsafe_code, reason = "Windows fills buffers of ours, which are read at places that are checked")]

use std::fmt::Write as _;
use std::mem::{offset_of, size_of};

use windows_sys::Wdk::System::SystemInformation::{NtQuerySystemInformation, SystemProcessInformation};
use windows_sys::Wdk::System::Threading::NtQueryInformationProcess;
use windows_sys::Win32::Foundation::{
    ERROR_MORE_DATA, ERROR_NOT_SUPPORTED, RtlNtStatusToDosError, STATUS_BUFFER_OVERFLOW, STATUS_BUFFER_TOO_SMALL,
    STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_INFO_CLASS, UNICODE_STRING,
};
use windows_sys::Win32::System::Threading::{
    PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};
use windows_sys::Win32::System::WindowsProgramming::SYSTEM_PROCESS_INFORMATION;

use super::handle::{Handle, succeeded};
use super::{bytes, escaped};

/// `ProcessCommandLineInformation`, Windows 8.1 and later.
const COMMAND_LINE: i32 = 60;

/// Where the time at which a process was created lies: in what is called reserved, behind the size of the private working
/// set, two counts and the cycles.
const CREATED: usize = offset_of!(SYSTEM_PROCESS_INFORMATION, Reserved1) + 24;

/// Buffers are no larger.
const MOST: usize = 64 * 1024 * 1024;

/// Calls `fill` with a buffer, its size and where to say how much it takes, in a larger one while it is too small. Returns
/// the buffer, of 8 bytes each.
fn filled(mut room: usize, fill: impl Fn(*mut u64, u32, &mut u32) -> i32) -> Result<Vec<u64>, u32> {
    while room <= MOST {
        let mut buffer = vec![0u64; room / 8];
        let mut needed = 0;
        match fill(buffer.as_mut_ptr(), room as u32, &mut needed) {
            STATUS_INFO_LENGTH_MISMATCH | STATUS_BUFFER_TOO_SMALL | STATUS_BUFFER_OVERFLOW => {
                room = (room * 2).max(needed as usize + 16 * 1024) / 8 * 8;
            }
            status if status >= 0 => return Ok(buffer),
            STATUS_INVALID_INFO_CLASS => return Err(ERROR_NOT_SUPPORTED),
            // SAFETY: it turns one number into another.
            status => return Err(unsafe { RtlNtStatusToDosError(status) }),
        }
    }
    Err(ERROR_MORE_DATA)
}

/// A value of plain numbers and pointers at a place of a buffer; `None` where it does not lie in it as a whole.
fn at<T: Plain>(buffer: &[u64], place: usize) -> Option<T> {
    if place.checked_add(size_of::<T>())? > buffer.len() * 8 {
        return None;
    }
    // SAFETY: that many bytes lie there, initialized, and every pattern of them is a `T`.
    Some(unsafe { buffer.as_ptr().cast::<u8>().add(place).cast::<T>().read_unaligned() })
}

/// Types of which every pattern of bits is a value.
///
/// # Safety
///
/// That has to be so.
unsafe trait Plain: Copy {}

// SAFETY: numbers, and pointers that are raw.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: as above.
unsafe impl Plain for usize {}
// SAFETY: as above.
unsafe impl Plain for UNICODE_STRING {}

/// The characters of a string whose text lies in the same buffer as itself; none where it does not.
fn text(buffer: &[u64], string: UNICODE_STRING) -> Vec<u16> {
    let start = (string.Buffer as usize).checked_sub(buffer.as_ptr() as usize);
    let Some(start) = start.filter(|_| !string.Buffer.is_null()) else { return Vec::new() };
    let end = start.saturating_add(usize::from(string.Length));
    if end > buffer.len() * 8 {
        return Vec::new();
    }
    let within: Vec<u8> = (start..end).map(|at| buffer[at / 8].to_ne_bytes()[at % 8]).collect();
    within.chunks_exact(2).map(|two| u16::from_ne_bytes([two[0], two[1]])).collect()
}

/// Appends the list of all processes. `NtQuerySystemInformation` is the one call that says of every process when it started,
/// without any right to look into it; the snapshots of the tool help library, which it stands behind, leave that out.
pub(super) fn list(answer: &mut Vec<u8>) -> Result<(), u32> {
    let buffer = filled(512 * 1024, |buffer, size, needed| {
        // SAFETY: the buffer has `size` bytes, and `needed` is a number of ours.
        unsafe { NtQuerySystemInformation(SystemProcessInformation, buffer.cast(), size, needed) }
    })?;
    let mut out = String::new();
    let mut place = 0usize;
    loop {
        let field = |offset: usize| place.checked_add(offset);
        let number = |offset| field(offset).and_then(|place| at::<usize>(&buffer, place));
        let Some(next) = field(0).and_then(|place| at::<u32>(&buffer, place)) else { break };
        let pid = number(offset_of!(SYSTEM_PROCESS_INFORMATION, UniqueProcessId));
        // The number of the parent follows, in what is called reserved.
        let parent = number(offset_of!(SYSTEM_PROCESS_INFORMATION, Reserved2));
        let created = field(CREATED).and_then(|place| at::<u64>(&buffer, place));
        let name = field(offset_of!(SYSTEM_PROCESS_INFORMATION, ImageName)).and_then(|place| at(&buffer, place));
        let (Some(pid), Some(parent), Some(created), Some(name)) = (pid, parent, created, name) else { break };
        let _ = writeln!(out, "{pid} {parent} {created} {}", escaped(&text(&buffer, name)));
        if next == 0 {
            break;
        }
        let Some(after) = place.checked_add(next as usize) else { break };
        place = after;
    }
    answer.extend_from_slice(out.as_bytes());
    Ok(())
}

/// Appends the path of the executable of a process.
pub(super) fn image(pid: u32, answer: &mut Vec<u8>) -> Result<(), u32> {
    let process = Handle::process(pid, PROCESS_QUERY_LIMITED_INFORMATION)?;
    // The longest path that there can be.
    let mut path = vec![0u16; 32_768];
    let mut length = path.len() as u32;
    // SAFETY: the buffer has `length` characters, and no more of it is written.
    let result =
        unsafe { QueryFullProcessImageNameW(process.raw(), PROCESS_NAME_WIN32, path.as_mut_ptr(), &raw mut length) };
    succeeded(result)?;
    answer.extend(bytes(path.get(..length as usize).unwrap_or_default()));
    Ok(())
}

/// Appends the command line of a process.
pub(super) fn cmdline(pid: u32, answer: &mut Vec<u8>) -> Result<(), u32> {
    let process = Handle::process(pid, PROCESS_QUERY_LIMITED_INFORMATION)?;
    let buffer = filled(4096, |buffer, size, needed| {
        // SAFETY: the buffer has `size` bytes, and `needed` is a number of ours.
        unsafe { NtQueryInformationProcess(process.raw(), COMMAND_LINE, buffer.cast(), size, needed) }
    })?;
    let string = at::<UNICODE_STRING>(&buffer, 0);
    answer.extend(bytes(&string.map(|string| text(&buffer, string)).unwrap_or_default()));
    Ok(())
}
