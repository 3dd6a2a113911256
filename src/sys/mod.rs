//! Files, terminals and the identity of the user: with `collect` the only place where platforms differ.

#[cfg(windows)]
pub mod descriptor;
pub mod input;
pub mod journal;
pub mod output;
pub mod places;
pub mod privilege;
pub mod sandbox;
pub mod store;
pub mod terminal;

/// The user that this run acts as; `None` where the platform has no such number.
pub fn effective_user() -> Option<u32> {
    cfg_select! {
        unix => Some(rustix::process::geteuid().as_raw()),
        _ => None,
    }
}

/// What the clock says.
#[expect(clippy::disallowed_methods, reason = "the clock of a run is asked here and nowhere else")]
pub fn now() -> crate::model::Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    crate::model::Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// 32 hexadecimal digits that no other run has: random keys of the standard library's hash maps.
pub fn run_id() -> String {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    let half = || {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(), half())
}
