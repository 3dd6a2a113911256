//! The owners of files in the package databases of this host.

use std::path::Path;

use super::super::owned::encode;
use super::super::packages::{Root, owners};
use rustix::io::Errno;

/// Answers `Question::Packages`, of this host where no other root is given.
pub(super) fn packages(root: Option<&Root>, paths: &[Vec<u8>], answer: &mut Vec<u8>) -> Result<(), Errno> {
    let own;
    let root = match root {
        Some(root) => root,
        None => {
            own = Root::new(Path::new("/")).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
            &own
        }
    };
    let wanted: Vec<&[u8]> = paths.iter().map(Vec::as_slice).collect();
    encode(paths, &owners(root, &wanted), answer);
    Ok(())
}
