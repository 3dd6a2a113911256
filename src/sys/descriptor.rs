//! Security descriptors of files on Windows: bytes and text for [`crate::model::others_may_change`] to read.

#![expect(unsafe_code, reason = "handles and descriptors of Windows are raw")]

use std::os::windows::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_SUCCESS, GetLastError, HANDLE, INVALID_HANDLE_VALUE, LocalFree,
};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{DACL_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_ATTRIBUTE_REPARSE_POINT, FILE_ATTRIBUTE_TAG_INFO, FILE_BASIC_INFO, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE,
    FileAttributeTagInfo, FileBasicInfo, GetDriveTypeW, GetFileInformationByHandleEx, OPEN_EXISTING, READ_CONTROL,
};
use windows_sys::Win32::System::WindowsProgramming::DRIVE_FIXED;

/// True for `C:\…` on a disk of this host: anything else may have to be asked of another one.
pub fn is_on_own_disk(path: &str) -> bool {
    let mut letters = path.bytes();
    let drive = (letters.next(), letters.next(), letters.next());
    let (Some(letter), Some(b':'), Some(b'\\')) = drive else { return false };
    let root = [u16::from(letter), u16::from(b':'), u16::from(b'\\'), 0];
    // SAFETY: the root ends with a zero.
    letter.is_ascii_alphabetic() && unsafe { GetDriveTypeW(root.as_ptr()) } == DRIVE_FIXED
}

/// A file or a directory, opened for nothing but what it is; a link by itself, not what it leads to.
pub struct Opened(HANDLE);

impl Opened {
    /// Opens it; else the number of the error.
    pub fn new(path: &Path) -> Result<Self, u32> {
        let path: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
        // SAFETY: the path ends with a zero, and the handle is closed at its end.
        let handle = unsafe {
            CreateFileW(
                path.as_ptr(),
                READ_CONTROL | FILE_READ_ATTRIBUTES,
                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                std::ptr::null(),
                OPEN_EXISTING,
                FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT,
                std::ptr::null_mut(),
            )
        };
        if handle == INVALID_HANDLE_VALUE { Err(last_error()) } else { Ok(Self(handle)) }
    }

    /// True where it leads elsewhere: a symbolic link, a junction, or a file that is kept somewhere else.
    pub fn is_link(&self) -> Result<bool, u32> {
        let mut info = FILE_ATTRIBUTE_TAG_INFO::default();
        let size = size_of_val(&info) as u32;
        // SAFETY: the place has `size` bytes.
        let result =
            unsafe { GetFileInformationByHandleEx(self.0, FileAttributeTagInfo, (&raw mut info).cast(), size) };
        if result == 0 { Err(last_error()) } else { Ok(info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT != 0) }
    }

    /// When its content, its name or what is known of it last changed, a `FILETIME`.
    pub fn changed(&self) -> Result<u64, u32> {
        let mut info = FILE_BASIC_INFO::default();
        let size = size_of_val(&info) as u32;
        // SAFETY: the place has `size` bytes.
        let result = unsafe { GetFileInformationByHandleEx(self.0, FileBasicInfo, (&raw mut info).cast(), size) };
        if result == 0 { Err(last_error()) } else { Ok(info.ChangeTime.max(info.LastWriteTime).cast_unsigned()) }
    }

    /// Its owner and its access list in the Security Descriptor Definition Language.
    pub fn sddl(&self) -> Result<String, u32> {
        let wanted = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
        let mut descriptor = null_mut();
        // SAFETY: the handle is open with the right to read this, and what is not wanted may be null.
        let error = unsafe {
            GetSecurityInfo(
                self.0,
                SE_FILE_OBJECT,
                wanted,
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                &raw mut descriptor,
            )
        };
        if error != ERROR_SUCCESS {
            return Err(error);
        }
        let mut text = std::ptr::null_mut();
        let mut length = 0;
        // SAFETY: the descriptor is the one that was just made.
        let result = unsafe {
            ConvertSecurityDescriptorToStringSecurityDescriptorW(
                descriptor,
                SDDL_REVISION_1,
                wanted,
                &raw mut text,
                &raw mut length,
            )
        };
        let converted = if result == 0 || text.is_null() {
            Err(last_error())
        } else {
            // SAFETY: that many characters were written there.
            let units = unsafe { std::slice::from_raw_parts(text, length as usize) };
            let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
            Ok(String::from_utf16_lossy(&units[..end]))
        };
        // SAFETY: both were made by calls whose results are freed so, once; null is allowed.
        unsafe {
            LocalFree(descriptor.cast());
            LocalFree(text.cast());
        }
        converted
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, open, and closed here alone.
        unsafe { CloseHandle(self.0) };
    }
}

fn last_error() -> u32 {
    // SAFETY: it reads a number of this thread.
    unsafe { GetLastError() }
}
