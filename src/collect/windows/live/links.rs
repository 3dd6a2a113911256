//! The network devices.

#![expect(unsafe_code, reason = "Windows fills a buffer of ours with a list of pointers into it")]

use std::fmt::Write as _;

use windows_sys::Win32::Foundation::{ERROR_BUFFER_OVERFLOW, NO_ERROR};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_DNS_SERVER, GAA_FLAG_SKIP_MULTICAST, GAA_FLAG_SKIP_UNICAST,
    GetAdaptersAddresses, IF_TYPE_SOFTWARE_LOOPBACK, IP_ADAPTER_ADDRESSES_LH,
};
use windows_sys::Win32::NetworkManagement::Ndis::IfOperStatusUp;
use windows_sys::Win32::Networking::WinSock::AF_UNSPEC;

use super::escaped;
use super::handle::units;

/// A host has no more devices.
const MOST: usize = 4096;

/// Appends the devices.
pub(super) fn links(answer: &mut Vec<u8>) -> Result<(), u32> {
    let flags = GAA_FLAG_SKIP_UNICAST | GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;
    let mut buffer = vec![0u64; 8 * 1024];
    for _ in 0..8 {
        let mut size = (buffer.len() * 8) as u32;
        let first = buffer.as_mut_ptr().cast::<IP_ADAPTER_ADDRESSES_LH>();
        let family = u32::from(AF_UNSPEC);
        // SAFETY: the buffer has `size` bytes, and what is reserved is null.
        let result = unsafe { GetAdaptersAddresses(family, flags, std::ptr::null(), first, &raw mut size) };
        match result {
            NO_ERROR => {
                let mut out = String::new();
                let mut next: *const IP_ADAPTER_ADDRESSES_LH = first;
                for _ in 0..MOST {
                    if next.is_null() {
                        break;
                    }
                    // SAFETY: the call made a list of these in the buffer, which ends with null.
                    let device = unsafe { next.read_unaligned() };
                    // SAFETY: the number beside the length is one of the ways to see these eight bytes.
                    let index4 = unsafe { device.Anonymous1.Anonymous.IfIndex };
                    let up = if device.OperStatus == IfOperStatusUp { "up" } else { "down" };
                    let kind = if device.IfType == IF_TYPE_SOFTWARE_LOOPBACK { "loopback" } else { "other" };
                    // SAFETY: the name lies in the buffer and ends with a zero.
                    let name = escaped(unsafe { units(device.FriendlyName) });
                    let _ = writeln!(out, "{index4} {} {up} {kind} {name}", device.Ipv6IfIndex);
                    next = device.Next;
                }
                answer.extend_from_slice(out.as_bytes());
                return Ok(());
            }
            ERROR_BUFFER_OVERFLOW => buffer = vec![0; (size as usize).div_ceil(8).max(buffer.len()) + 1024],
            error => return Err(error),
        }
    }
    Err(ERROR_BUFFER_OVERFLOW)
}
