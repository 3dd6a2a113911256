//! Users: who has a process, and what this run may.
//!
//! Names are told where this host itself knows them: of the system's own accounts, of its own users, and of those who are
//! logged on here. A domain is never asked.

#![expect(unsafe_code, reason = "tokens, SIDs and sessions are read from memory that Windows fills")]

use std::fmt::Write as _;

use windows_sys::Win32::Foundation::{HANDLE, LUID};
use windows_sys::Win32::Security::Authentication::Identity::{
    LSA_HANDLE, LSA_OBJECT_ATTRIBUTES, LSA_UNICODE_STRING, LsaClose, LsaFreeMemory, LsaFreeReturnBuffer,
    LsaGetLogonSessionData, LsaOpenPolicy, LsaQueryInformationPolicy, POLICY_ACCOUNT_DOMAIN_INFO,
    POLICY_VIEW_LOCAL_INFORMATION, PolicyAccountDomainInformation, SECURITY_LOGON_SESSION_DATA,
};
use windows_sys::Win32::Security::Authorization::ConvertSidToStringSidW;
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, EqualPrefixSid, EqualSid, GetTokenInformation, LUID_AND_ATTRIBUTES, LookupAccountSidW,
    LookupPrivilegeNameW, LookupPrivilegeValueW, PSID, SE_PRIVILEGE_ENABLED, TOKEN_ADJUST_PRIVILEGES, TOKEN_ELEVATION,
    TOKEN_INFORMATION_CLASS, TOKEN_PRIVILEGES, TOKEN_QUERY, TOKEN_STATISTICS, TOKEN_USER, TokenElevation,
    TokenPrivileges, TokenStatistics, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken, PROCESS_QUERY_LIMITED_INFORMATION};

use super::handle::{Handle, LocalString, succeeded};
use super::{escaped, host, until_zero, wide};

/// Lets this process use `SeDebugPrivilege`, where its token has it: without it the processes of others stay closed to
/// an administrator too. It changes nothing but this process.
pub(super) fn enable_debug() {
    let Ok(token) = own_token(TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY) else { return };
    let name = wide("SeDebugPrivilege");
    let mut luid = LUID::default();
    // SAFETY: the name ends with a zero, and the number is ours.
    if unsafe { LookupPrivilegeValueW(std::ptr::null(), name.as_ptr(), &raw mut luid) } == 0 {
        return;
    }
    let wanted = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES { Luid: luid, Attributes: SE_PRIVILEGE_ENABLED }],
    };
    let none = std::ptr::null_mut();
    // SAFETY: the token is open, and `wanted` holds as many privileges as it says.
    unsafe { AdjustTokenPrivileges(token.raw(), 0, &raw const wanted, 0, none, none.cast()) };
}

fn own_token(rights: u32) -> Result<Handle, u32> {
    // SAFETY: the handle of this process needs no closing.
    token_of(unsafe { GetCurrentProcess() }, rights)
}

fn token_of(process: HANDLE, rights: u32) -> Result<Handle, u32> {
    let mut token = std::ptr::null_mut();
    // SAFETY: the process is open, and the place for the handle is ours.
    succeeded(unsafe { OpenProcessToken(process, rights, &raw mut token) })?;
    Handle::new(token)
}

/// What a token says, in a buffer of 8 bytes each.
fn about(token: &Handle, class: TOKEN_INFORMATION_CLASS) -> Result<Vec<u64>, u32> {
    let mut needed = 0;
    // SAFETY: a buffer of no bytes; it says how much there is.
    unsafe { GetTokenInformation(token.raw(), class, std::ptr::null_mut(), 0, &raw mut needed) };
    // Never less than the structure that is read from it.
    let mut buffer = vec![0u64; (needed as usize).div_ceil(8).max(32)];
    let size = (buffer.len() * 8) as u32;
    // SAFETY: the buffer has `size` bytes.
    succeeded(unsafe { GetTokenInformation(token.raw(), class, buffer.as_mut_ptr().cast(), size, &raw mut needed) })?;
    Ok(buffer)
}

/// Appends what this run may.
pub(super) fn vantage(answer: &mut Vec<u8>) -> Result<(), u32> {
    let token = own_token(TOKEN_QUERY)?;
    let mut out = String::new();
    if let Ok(buffer) = about(&token, TokenElevation) {
        // SAFETY: the buffer is aligned, larger than this, and was filled with it.
        let elevation = unsafe { buffer.as_ptr().cast::<TOKEN_ELEVATION>().read() };
        let _ = writeln!(out, "elevated {}", u8::from(elevation.TokenIsElevated != 0));
    }
    if let Ok(user) = user(&token) {
        let _ = writeln!(out, "user {user}");
    }
    if let Ok(buffer) = about(&token, TokenPrivileges) {
        let first = std::mem::offset_of!(TOKEN_PRIVILEGES, Privileges);
        let room = (buffer.len() * 8 - first) / size_of::<LUID_AND_ATTRIBUTES>();
        let count = (buffer[0] as u32 as usize).min(room);
        for at in 0..count {
            // SAFETY: `count` of them lie in the buffer as a whole, from `first` on.
            let one = unsafe {
                buffer.as_ptr().cast::<u8>().add(first).cast::<LUID_AND_ATTRIBUTES>().add(at).read_unaligned()
            };
            if one.Attributes & SE_PRIVILEGE_ENABLED == 0 {
                continue;
            }
            let mut name = [0u16; 128];
            let mut length = name.len() as u32;
            // SAFETY: the buffer has `length` characters, and no more of it is written.
            let named = unsafe {
                LookupPrivilegeNameW(std::ptr::null(), &raw const one.Luid, name.as_mut_ptr(), &raw mut length)
            };
            if named != 0 {
                let _ = writeln!(out, "privilege {}", escaped(until_zero(&name)));
            }
        }
    }
    // Windows marks its containers so.
    if let Some(kind) = host::registry_number("SYSTEM\\CurrentControlSet\\Control", "ContainerType") {
        let _ = writeln!(out, "container {kind}");
    }
    answer.extend_from_slice(out.as_bytes());
    Ok(())
}

/// Appends the user of a process.
pub(super) fn of_process(pid: u32, answer: &mut Vec<u8>) -> Result<(), u32> {
    let process = Handle::process(pid, PROCESS_QUERY_LIMITED_INFORMATION)?;
    let token = token_of(process.raw(), TOKEN_QUERY)?;
    answer.extend(user(&token)?.into_bytes());
    answer.push(b'\n');
    Ok(())
}

/// `SID`, or `SID NAME`.
fn user(token: &Handle) -> Result<String, u32> {
    let buffer = about(token, TokenUser)?;
    // SAFETY: the buffer is aligned, larger than this, and was filled with it; the SID lies in the buffer too.
    let sid = unsafe { buffer.as_ptr().cast::<TOKEN_USER>().read() }.User.Sid;
    let mut text = std::ptr::null_mut();
    // SAFETY: the SID is one, in memory that lives on.
    succeeded(unsafe { ConvertSidToStringSidW(sid, &raw mut text) })?;
    let text = LocalString::new(text).escaped();
    // Of accounts of the system, which it knows by heart; never one of a domain or of a directory in the cloud.
    let is_systems = text.starts_with("S-1-5-") && !text.starts_with("S-1-5-21-");
    let name = match is_systems || is_of_this_host(sid) {
        true => named(sid),
        false => logged_on(token, sid),
    };
    Ok(name.map_or_else(|| text.clone(), |name| format!("{text} {name}")))
}

/// The name of a SID that this host's own authority gives.
fn named(sid: PSID) -> Option<String> {
    let (mut name, mut domain) = ([0u16; 512], [0u16; 512]);
    let (mut name_length, mut domain_length, mut kind) = (name.len() as u32, domain.len() as u32, 0);
    // SAFETY: the SID is one, and the buffers have as many characters as is said.
    let result = unsafe {
        LookupAccountSidW(
            std::ptr::null(),
            sid,
            name.as_mut_ptr(),
            &raw mut name_length,
            domain.as_mut_ptr(),
            &raw mut domain_length,
            &raw mut kind,
        )
    };
    let name = until_zero(&name);
    (result != 0 && !name.is_empty()).then(|| joined(until_zero(&domain), name))
}

/// `DOMAIN\name`, escaped.
fn joined(domain: &[u16], name: &[u16]) -> String {
    if domain.is_empty() { escaped(name) } else { escaped(&[domain, &[u16::from(b'\\')], name].concat()) }
}

/// True for a user whose account this host keeps itself.
fn is_of_this_host(sid: PSID) -> bool {
    let attributes = LSA_OBJECT_ATTRIBUTES::default();
    let mut policy: LSA_HANDLE = Default::default();
    let rights = POLICY_VIEW_LOCAL_INFORMATION as u32;
    // SAFETY: the attributes are empty, as they should be, and the place for the handle is ours.
    if unsafe { LsaOpenPolicy(std::ptr::null(), &raw const attributes, rights, &raw mut policy) } != 0 {
        return false;
    }
    let mut found = std::ptr::null_mut();
    // SAFETY: the policy is open, and the place for the answer is ours.
    let status = unsafe { LsaQueryInformationPolicy(policy, PolicyAccountDomainInformation, &raw mut found) };
    let mut is_ours = false;
    if status == 0 && !found.is_null() {
        // SAFETY: that is what this question is answered with.
        let domain = unsafe { found.cast::<POLICY_ACCOUNT_DOMAIN_INFO>().read_unaligned() }.DomainSid;
        // SAFETY: both are SIDs. A user has that of its domain and one number more.
        is_ours = !domain.is_null() && unsafe { is_below(sid, domain) };
        // SAFETY: the answer is freed once, and not used any more.
        unsafe { LsaFreeMemory(found) };
    }
    // SAFETY: the handle is closed once.
    unsafe { LsaClose(policy) };
    is_ours
}

/// True where a SID has one number more than another and is the same before it.
///
/// # Safety
///
/// Both are SIDs.
unsafe fn is_below(sid: PSID, above: PSID) -> bool {
    use windows_sys::Win32::Security::{CopySid, GetLengthSid, GetSidSubAuthorityCount};
    // SAFETY: both are SIDs, whose second byte counts their numbers.
    let (count, of_above) = unsafe { (*GetSidSubAuthorityCount(sid), *GetSidSubAuthorityCount(above)) };
    if count != of_above + 1 || usize::from(count) > 15 {
        return false;
    }
    // `EqualPrefixSid` compares all but the last number of SIDs of the same length: the one above gets a number more.
    let mut longer = [0u64; 16];
    // SAFETY: a SID has at most 68 bytes, the buffer 128; its count is raised by one number, which is 0 there.
    unsafe {
        let room = size_of_val(&longer) as u32;
        if GetLengthSid(above) + 4 > room || CopySid(room, longer.as_mut_ptr().cast(), above) == 0 {
            return false;
        }
        *GetSidSubAuthorityCount(longer.as_mut_ptr().cast()) += 1;
        EqualPrefixSid(sid, longer.as_mut_ptr().cast()) != 0
    }
}

/// The name of the user of a token, as the logon that it came from has it.
fn logged_on(token: &Handle, sid: PSID) -> Option<String> {
    let buffer = about(token, TokenStatistics).ok()?;
    // SAFETY: the buffer is aligned, larger than this, and was filled with it.
    let session = unsafe { buffer.as_ptr().cast::<TOKEN_STATISTICS>().read() }.AuthenticationId;
    let mut data: *mut SECURITY_LOGON_SESSION_DATA = std::ptr::null_mut();
    // SAFETY: both places are ours.
    let status = unsafe { LsaGetLogonSessionData(&raw const session, &raw mut data) };
    if status != 0 || data.is_null() {
        return None;
    }
    // SAFETY: it was filled just now; what it points to lies in the same memory.
    let found = unsafe { data.read_unaligned() };
    // SAFETY: as above, and both are SIDs.
    let is_same = !found.Sid.is_null() && unsafe { EqualSid(found.Sid, sid) } != 0;
    // SAFETY: the strings lie in the memory that is freed below.
    let (domain, name) = unsafe { (string(&found.LogonDomain), string(&found.UserName)) };
    let name = (is_same && !name.is_empty()).then(|| joined(&domain, &name));
    // SAFETY: it is freed once, and not used any more.
    unsafe { LsaFreeReturnBuffer(data.cast()) };
    name
}

/// The characters of a string of the security authority.
///
/// # Safety
///
/// Its buffer, if it has one, holds as many bytes as it says.
unsafe fn string(string: &LSA_UNICODE_STRING) -> Vec<u16> {
    if string.Buffer.is_null() {
        return Vec::new();
    }
    // SAFETY: as the caller promised.
    unsafe { std::slice::from_raw_parts(string.Buffer, usize::from(string.Length / 2)) }.to_vec()
}
