//! Where programs are put.

use crate::model::{ExeState, Process, Text};

/// Where programs are put that are not meant to stay; on macOS the first two lie below /private.
const SCRATCH: [&[u8]; 6] =
    [b"/tmp/", b"/var/tmp/", b"/dev/shm/", b"/run/user/", b"/private/tmp/", b"/private/var/tmp/"];

/// The same on Windows, behind the letter of the disk: directories that everybody may write to, and those for files that
/// are not meant to stay below each home.
const SCRATCH_OF_WINDOWS: [&str; 3] = [":\\windows\\temp\\", ":\\users\\public\\", ":\\temp\\"];
const SCRATCH_BELOW_HOME: [&str; 2] = ["\\appdata\\local\\temp\\", "\\downloads\\"];

/// True where the path of an executable lies in a scratch directory, whether it is still there or not.
pub(super) fn is_in_scratch(process: &Process) -> bool {
    let path = process.exe.as_ref().map_or(&b""[..], Text::as_bytes);
    if process.exe.as_ref().is_some_and(Text::is_windows_path) {
        let path = String::from_utf8_lossy(path).to_ascii_lowercase();
        let behind_letter = path.get(1..).unwrap_or_default();
        let is_in_home = behind_letter.starts_with(":\\users\\");
        return SCRATCH_OF_WINDOWS.iter().any(|scratch| behind_letter.starts_with(scratch))
            || is_in_home && SCRATCH_BELOW_HOME.iter().any(|scratch| path.contains(scratch));
    }
    process.exe_state != ExeState::Memfd && SCRATCH.iter().any(|scratch| path.starts_with(scratch))
}

/// Who alone should be able to write where programs lie.
pub(super) fn its_keeper(process: &Process) -> &'static str {
    match process.exe.as_ref().is_some_and(Text::is_windows_path) {
        true => "administrators",
        false => "root",
    }
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
