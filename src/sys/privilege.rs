//! What this run may do that its user may not, or others would not.

/// True where what this run judges by must be root's alone: it acts as root, or with capabilities.
pub fn judges_with_power() -> bool {
    acts_as_root() || has_capabilities()
}

/// True for a run of root, or one that Windows has given the rights of an administrator.
pub fn acts_as_root() -> bool {
    cfg_select! {
        windows => is_elevated(),
        _ => super::effective_user() == Some(0),
    }
}

/// True where the token of this process is elevated; so too where it cannot be asked.
#[cfg(windows)]
#[expect(unsafe_code, reason = "Windows tells it in a structure that it fills")]
fn is_elevated() -> bool {
    use windows_sys::Win32::Foundation::CloseHandle;
    use windows_sys::Win32::Security::{GetTokenInformation, TOKEN_ELEVATION, TOKEN_QUERY, TokenElevation};
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
    let mut token = std::ptr::null_mut();
    let mut elevation = TOKEN_ELEVATION { TokenIsElevated: 1 };
    // SAFETY: the handle of this process needs no closing, and every place that is written to is ours and large enough.
    unsafe {
        if OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) != 0 {
            let (mut size, place) = (0, (&raw mut elevation).cast());
            GetTokenInformation(token, TokenElevation, place, size_of_val(&elevation) as u32, &raw mut size);
            CloseHandle(token);
        }
    }
    elevation.TokenIsElevated != 0
}

/// True where the file of the program gives rights that the user who started it has not (set-user-id or file
/// capabilities): then the user must not choose what is read or written. The kernel takes such a process from its user's
/// reach, `PR_SET_DUMPABLE` in prctl(2).
pub fn is_lent() -> bool {
    cfg_select! {
        target_os = "linux" => {
            use rustix::process::{DumpableBehavior, dumpable_behavior, geteuid, getuid};
            let kept = matches!(dumpable_behavior(), Ok(DumpableBehavior::Dumpable));
            !kept && (geteuid() != getuid() || has_capabilities())
        }
        unix => rustix::process::geteuid() != rustix::process::getuid(),
        _ => false,
    }
}

/// True where the process has any capability, capabilities(7).
fn has_capabilities() -> bool {
    cfg_select! {
        target_os = "linux" => rustix::thread::capabilities(None).is_ok_and(|sets| !sets.effective.is_empty()),
        _ => false,
    }
}
