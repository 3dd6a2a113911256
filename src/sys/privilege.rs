//! What this run may do that its user may not, or others would not.

/// True where what this run judges by must be root's alone: it acts as root, or with capabilities.
pub fn judges_with_power() -> bool {
    super::effective_user() == Some(0) || has_capabilities()
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
