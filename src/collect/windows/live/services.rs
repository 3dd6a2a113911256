//! The services that run, and which of them a socket belongs to.

#![expect(unsafe_code, reason = "Windows fills buffers of ours")]

use std::fmt::Write as _;

use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, ERROR_INVALID_DATA, ERROR_MORE_DATA, NO_ERROR};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GetOwnerModuleFromPidAndInfo, TCPIP_OWNER_MODULE_BASIC_INFO, TCPIP_OWNER_MODULE_INFO_BASIC,
};
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, ENUM_SERVICE_STATUS_PROCESSW, EnumServicesStatusExW, OpenSCManagerW, SC_ENUM_PROCESS_INFO,
    SC_HANDLE, SC_MANAGER_ENUMERATE_SERVICE, SERVICE_ACTIVE, SERVICE_WIN32,
};

use super::handle::{last_error, units};
use super::{bytes, escaped};

/// The service control manager, open.
struct Manager(SC_HANDLE);

impl Drop for Manager {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and closed here alone.
        unsafe { CloseServiceHandle(self.0) };
    }
}

/// The manager hands out no more at once.
const ROOM: usize = 256 * 1024;

/// Appends the services that run.
pub(super) fn list(answer: &mut Vec<u8>) -> Result<(), u32> {
    // SAFETY: this host, and the list of it that is in use.
    let manager = unsafe { OpenSCManagerW(std::ptr::null(), std::ptr::null(), SC_MANAGER_ENUMERATE_SERVICE) };
    if manager.is_null() {
        return Err(last_error());
    }
    let manager = Manager(manager);
    let mut out = String::new();
    let mut resume = 0;
    let mut buffer = vec![0u64; ROOM / 8];
    loop {
        let (mut needed, mut count) = (0, 0);
        let before = resume;
        // SAFETY: the buffer has that many bytes, and the numbers are ours.
        let result = unsafe {
            EnumServicesStatusExW(
                manager.0,
                SC_ENUM_PROCESS_INFO,
                SERVICE_WIN32,
                SERVICE_ACTIVE,
                buffer.as_mut_ptr().cast(),
                ROOM as u32,
                &raw mut needed,
                &raw mut count,
                &raw mut resume,
                std::ptr::null(),
            )
        };
        let error = if result == 0 { last_error() } else { NO_ERROR };
        if !matches!(error, NO_ERROR | ERROR_MORE_DATA) {
            return Err(error);
        }
        let room = ROOM / size_of::<ENUM_SERVICE_STATUS_PROCESSW>();
        for at in 0..(count as usize).min(room) {
            // SAFETY: the call filled that many, and they lie in the buffer as a whole.
            let one = unsafe { buffer.as_ptr().cast::<ENUM_SERVICE_STATUS_PROCESSW>().add(at).read() };
            // SAFETY: the name lies in the buffer and ends with a zero.
            let name = unsafe { units(one.lpServiceName) };
            let _ = writeln!(out, "{} {}", one.ServiceStatusProcess.dwProcessId, escaped(name));
        }
        // Where it does not get on, the list would never end.
        if error == NO_ERROR || resume == before {
            break;
        }
    }
    answer.extend_from_slice(out.as_bytes());
    Ok(())
}

/// Appends the name of the module that a socket of a process belongs to; of a service that is its name.
pub(super) fn module(pid: u32, tag: u64, answer: &mut Vec<u8>) -> Result<(), u32> {
    let info = [tag, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut buffer = vec![0u64; 512];
    for _ in 0..4 {
        let mut size = (buffer.len() * 8) as u32;
        let room = buffer.as_mut_ptr().cast();
        // SAFETY: a row has 16 numbers of this kind, and the buffer has `size` bytes.
        let result = unsafe {
            GetOwnerModuleFromPidAndInfo(pid, info.as_ptr(), TCPIP_OWNER_MODULE_INFO_BASIC, room, &raw mut size)
        };
        match result {
            NO_ERROR => {
                // SAFETY: the buffer is aligned, larger than this, and was filled with it.
                let found = unsafe { buffer.as_ptr().cast::<TCPIP_OWNER_MODULE_BASIC_INFO>().read() };
                let start = buffer.as_ptr() as usize;
                let within = start..start + buffer.len() * 8;
                if !within.contains(&(found.pModuleName as usize)) {
                    return Err(ERROR_INVALID_DATA);
                }
                // SAFETY: the name lies in the buffer, whose last unit is a zero that nothing wrote over.
                answer.extend(bytes(unsafe { units(found.pModuleName) }));
                return Ok(());
            }
            ERROR_INSUFFICIENT_BUFFER => buffer = vec![0; (size as usize).div_ceil(8).max(buffer.len()) + 64],
            error => return Err(error),
        }
    }
    Err(ERROR_INSUFFICIENT_BUFFER)
}
