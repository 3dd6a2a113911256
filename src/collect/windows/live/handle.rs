//! Handles that are closed, and strings of the system that are freed.

#![expect(unsafe_code, reason = "handles and strings of Windows are raw")]

use windows_sys::Win32::Foundation::{CloseHandle, GetLastError, HANDLE, INVALID_HANDLE_VALUE, LocalFree};
use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_ACCESS_RIGHTS};

use super::escaped;

/// A handle of the kernel, closed at its end.
pub(super) struct Handle(HANDLE);

impl Handle {
    /// Takes a handle over that a call has just returned; where it returned none, its error.
    pub(super) fn new(handle: HANDLE) -> Result<Self, u32> {
        if handle.is_null() || handle == INVALID_HANDLE_VALUE { Err(last_error()) } else { Ok(Self(handle)) }
    }

    pub(super) fn raw(&self) -> HANDLE {
        self.0
    }

    /// A process, with these rights.
    pub(super) fn process(pid: u32, rights: PROCESS_ACCESS_RIGHTS) -> Result<Self, u32> {
        // SAFETY: the call takes numbers and returns a handle that is ours.
        Self::new(unsafe { OpenProcess(rights, 0, pid) })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, open, and closed here alone.
        unsafe { CloseHandle(self.0) };
    }
}

/// A string that the system made and `LocalFree` frees.
pub(super) struct LocalString(*mut u16);

impl LocalString {
    /// Takes over a string that ends with a zero, or null.
    pub(super) fn new(string: *mut u16) -> Self {
        Self(string)
    }

    /// Its characters, escaped.
    pub(super) fn escaped(&self) -> String {
        // SAFETY: it is null, or ends with a zero, as whoever made it promised.
        escaped(unsafe { units(self.0) })
    }
}

impl Drop for LocalString {
    fn drop(&mut self) {
        // SAFETY: it came from a call whose result is freed so, and null is allowed.
        unsafe { LocalFree(self.0.cast()) };
    }
}

/// The characters of a string before its zero; none of null.
///
/// # Safety
///
/// It is null, or the memory up to its zero can be read for as long as the answer is used.
pub(super) unsafe fn units<'a>(string: *const u16) -> &'a [u16] {
    if string.is_null() {
        return &[];
    }
    let mut length = 0;
    // SAFETY: no unit behind the zero is read.
    while unsafe { *string.add(length) } != 0 {
        length += 1;
    }
    // SAFETY: as many were read just now.
    unsafe { std::slice::from_raw_parts(string, length) }
}

/// The error of the last call of this thread that failed.
pub(super) fn last_error() -> u32 {
    // SAFETY: it reads a number of this thread.
    unsafe { GetLastError() }
}

/// What a call that returns 0 for a failure has said.
pub(super) fn succeeded(result: i32) -> Result<(), u32> {
    if result == 0 { Err(last_error()) } else { Ok(()) }
}
