//! Where programs are put.

use crate::model::{ExeState, Process, Text};

/// Where programs are put that are not meant to stay; on macOS the first two lie below /private.
const SCRATCH: [&[u8]; 6] =
    [b"/tmp/", b"/var/tmp/", b"/dev/shm/", b"/run/user/", b"/private/tmp/", b"/private/var/tmp/"];

/// True where the path of an executable lies in a scratch directory, whether it is still there or not.
pub(super) fn is_in_scratch(process: &Process) -> bool {
    let path = process.exe.as_ref().map_or(&b""[..], Text::as_bytes);
    process.exe_state != ExeState::Memfd && SCRATCH.iter().any(|scratch| path.starts_with(scratch))
}

/// The path of the executable of a process, escaped.
pub(super) fn exe(process: &Process) -> String {
    process.exe.as_ref().map_or_else(|| "its executable".to_owned(), Text::escaped)
}

/// Where a process runs: its container or its unit.
pub(super) fn home(process: &Process) -> String {
    match (&process.container, &process.user_unit, &process.unit) {
        (Some(container), ..) => format!("the container {}", container.short_name()),
        (None, Some(unit), _) | (None, None, Some(unit)) => format!("the unit {}", unit.escaped()),
        (None, None, None) => "no unit".to_owned(),
    }
}
