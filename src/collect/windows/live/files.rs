//! What lies at the path of an executable.

use std::fmt::Write as _;
use std::path::Path;

use crate::sys::descriptor::{self, Opened};

/// Appends what lies at a path on a fixed disk of this host, and who may change it.
pub(super) fn file(path: &[u8], answer: &mut Vec<u8>) -> Result<(), u32> {
    let mut out = String::new();
    let path = std::str::from_utf8(path).unwrap_or_default();
    if !descriptor::is_on_own_disk(path) {
        answer.extend_from_slice(b"elsewhere\n");
        return Ok(());
    }
    // From the root down, so that nothing is looked at behind a link that leads elsewhere.
    let mut parts: Vec<&Path> = Path::new(path).ancestors().collect();
    parts.reverse();
    let mut told = Vec::new();
    let last = parts.len().saturating_sub(1);
    for (at, part) in parts.into_iter().enumerate() {
        let opened = Opened::new(part)?;
        if opened.is_link()? {
            answer.extend_from_slice(b"reparse\n");
            return Ok(());
        }
        if at == last {
            let _ = writeln!(out, "changed {}", opened.changed()?);
        }
        told.push((if at == last { "file" } else { "directory" }, opened.sddl().unwrap_or_default()));
    }
    for (word, sddl) in told.into_iter().rev() {
        let _ = writeln!(out, "{word} {sddl}");
    }
    answer.extend_from_slice(out.as_bytes());
    Ok(())
}
