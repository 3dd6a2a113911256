//! The host: its clock, its name, its version and its id.

#![expect(unsafe_code, reason = "Windows fills buffers of ours")]

use std::fmt::Write as _;
use std::io::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use windows_sys::Win32::Foundation::{ERROR_SUCCESS, FILETIME};
use windows_sys::Win32::System::Registry::{
    HKEY_LOCAL_MACHINE, RRF_RT_REG_DWORD, RRF_RT_REG_SZ, RRF_SUBKEY_WOW6464KEY, RegGetValueW,
};
use windows_sys::Win32::System::SystemInformation::{
    ComputerNamePhysicalDnsHostname, GetComputerNameExW, GetSystemTimePreciseAsFileTime,
};

use super::handle::succeeded;
use super::{escaped, until_zero, wide};

/// What this program makes its own id of a host from: random, and the same on every system.
const APPLICATION: [u8; 16] =
    [0x9d, 0x41, 0x2f, 0x63, 0x0b, 0x5e, 0x4c, 0x17, 0x8a, 0x6c, 0xd2, 0x38, 0xe7, 0x90, 0x54, 0xbb];

/// Where Windows keeps its version.
const VERSION: &str = "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion";

/// Appends the time.
pub(super) fn clock(answer: &mut Vec<u8>) -> Result<(), u32> {
    let mut now = FILETIME::default();
    // SAFETY: it writes the time to a place of ours.
    unsafe { GetSystemTimePreciseAsFileTime(&raw mut now) };
    let _ = writeln!(answer, "{}", u64::from(now.dwHighDateTime) << 32 | u64::from(now.dwLowDateTime));
    Ok(())
}

/// Appends what the host is called and which Windows it runs.
pub(super) fn host(answer: &mut Vec<u8>) -> Result<(), u32> {
    let mut out = String::new();
    let mut name = [0u16; 512];
    let mut length = name.len() as u32;
    // SAFETY: the buffer has `length` characters, and no more of it is written.
    let result = unsafe { GetComputerNameExW(ComputerNamePhysicalDnsHostname, name.as_mut_ptr(), &raw mut length) };
    if succeeded(result).is_ok() {
        let _ = writeln!(out, "hostname {}", escaped(name.get(..length as usize).unwrap_or_default()));
    }
    if let Some(build) = text(VERSION, "CurrentBuildNumber") {
        let number = |value| registry_number(VERSION, value);
        let (major, minor) = (number("CurrentMajorVersionNumber"), number("CurrentMinorVersionNumber"));
        // Before Windows 10 the version stands in one text.
        let version = match major.zip(minor) {
            Some((major, minor)) => format!("{major}.{minor}"),
            None => text(VERSION, "CurrentVersion").map(|version| escaped(&version)).unwrap_or_default(),
        };
        let update = number("UBR").map(|update| format!(".{update}")).unwrap_or_default();
        let _ = writeln!(out, "kernel {version}.{}{update}", escaped(&build));
    }
    answer.extend_from_slice(out.as_bytes());
    Ok(())
}

/// Appends an id that is this program's own: HMAC-SHA256 of its id under that of the machine, as on other systems.
pub(super) fn identity(answer: &mut Vec<u8>) -> Result<(), u32> {
    let Some(machine) = text("SOFTWARE\\Microsoft\\Cryptography", "MachineGuid") else { return Ok(()) };
    let machine = escaped(&machine).to_ascii_lowercase();
    let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(machine.as_bytes()) else { return Ok(()) };
    mac.update(&APPLICATION);
    let mut id = [0u8; 16];
    id.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    id[6] = (id[6] & 0x0f) | 0x40;
    id[8] = (id[8] & 0x3f) | 0x80;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let _ = writeln!(answer, "host_id {id}");
    Ok(())
}

/// A text of the registry, up to its zero.
fn text(key: &str, value: &str) -> Option<Vec<u16>> {
    let mut buffer = [0u16; 256];
    let mut size = size_of_val(&buffer) as u32;
    let (key, value) = (wide(key), wide(value));
    // SAFETY: both names end with a zero, and the buffer has `size` bytes.
    let result = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            value.as_ptr(),
            RRF_RT_REG_SZ | RRF_SUBKEY_WOW6464KEY,
            std::ptr::null_mut(),
            buffer.as_mut_ptr().cast(),
            &raw mut size,
        )
    };
    let text = until_zero(&buffer);
    (result == ERROR_SUCCESS && !text.is_empty()).then(|| text.to_vec())
}

/// A number of the registry.
pub(super) fn registry_number(key: &str, value: &str) -> Option<u32> {
    let mut number = 0u32;
    let mut size = 4;
    let (key, value) = (wide(key), wide(value));
    // SAFETY: both names end with a zero, and the number has `size` bytes.
    let result = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            value.as_ptr(),
            RRF_RT_REG_DWORD | RRF_SUBKEY_WOW6464KEY,
            std::ptr::null_mut(),
            (&raw mut number).cast(),
            &raw mut size,
        )
    };
    (result == ERROR_SUCCESS).then_some(number)
}
