//! What is known of ports here: what is compiled in, and what the administrator of this host adds.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::registry::Registry;
use crate::sys;

/// Where an administrator keeps the names of own services.
pub(super) fn overlays() -> PathBuf {
    sys::places::host().join("registry.d")
}

/// The registry, with overlays by the name of their file, and how many files those are.
pub(super) fn load() -> Result<(Registry, usize), Error> {
    // Root must not believe what others could have written.
    from(&overlays(), sys::privilege::acts_as_root())
}

fn from(dir: &Path, trusted: bool) -> Result<(Registry, usize), Error> {
    let files = sys::input::read_dir(dir, "toml", trusted)?;
    if files.is_empty() {
        return Ok((Registry::builtin(), 0));
    }
    let named: Vec<(String, &str)> =
        files.iter().map(|(path, text)| (path.display().to_string(), text.as_str())).collect();
    let overlays = named.iter().map(|(name, text)| (name.as_str(), *text));
    let registry = Registry::with_overlays(overlays).map_err(|fault| {
        let key = fault.key.map(|key| format!("key `{key}`: ")).unwrap_or_default();
        Error::Content {
            path: fault.file.into(),
            problem: format!("line {}, column {}: {key}{}", fault.line, fault.column, fault.problem),
            hint: "mend the file, or take it out of the directory",
        }
    })?;
    Ok((registry, files.len()))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the files of a test")]
mod tests {
    use super::*;
    use crate::model::Transport;

    #[test]
    fn overlays_add_what_is_known_here() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(from(dir.path(), true).expect("nothing").0.overlays(), 0);
        let entry = "[[service]]\nport = 7777\ntransport = \"tcp\"\nname = \"own\"\ntitle = \"Our own\"\n";
        std::fs::write(dir.path().join("own.toml"), entry).expect("written");
        let (registry, files) = from(dir.path(), false).expect("an overlay");
        assert_eq!((files, registry.overlays()), (1, 1));
        assert_eq!(registry.candidates(Transport::Tcp, 7777)[0].name(), "own");
    }

    #[test]
    fn a_broken_overlay_is_named_with_its_place_and_without_its_content() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("own.toml"), "[[service]]\nport = 7777\nsecret_key = \"hunter2\"\n")
            .expect("written");
        let error = from(dir.path(), false).expect_err("broken");
        let text = error.to_string();
        assert!(text.contains("own.toml: line 3, column 1: ") && text.contains("secret_key"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
