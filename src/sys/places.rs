//! Where an administrator and the vendor of a system keep what earmark reads.

use std::path::PathBuf;

/// What the distribution or the vendor allows: `/usr/lib/earmark`, `%ProgramFiles%\earmark`.
pub fn vendor() -> PathBuf {
    cfg_select! {
        windows => below("ProgramFiles", "C:\\Program Files"),
        _ => PathBuf::from("/usr/lib/earmark"),
    }
}

/// What the administrator allows and names: `/etc/earmark`, `%ProgramData%\earmark`.
pub fn host() -> PathBuf {
    cfg_select! {
        windows => below("ProgramData", "C:\\ProgramData"),
        _ => PathBuf::from("/etc/earmark"),
    }
}

/// The directory `earmark` in one that a variable names. Whoever sets it can name no place that is believed more: what a
/// run with rights reads has to be the administrators' alone.
#[cfg(windows)]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that asks the environment where the system's files lie"
)]
fn below(variable: &str, usual: &str) -> PathBuf {
    let told = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    told.unwrap_or_else(|| PathBuf::from(usual)).join("earmark")
}
