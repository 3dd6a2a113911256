//! The journal of systemd, where this run is a unit's.

use crate::error::Error;

/// True where standard error leads to the journal, as `JOURNAL_STREAM` says (systemd.exec(5)): then entries with fields
/// of their own belong there. The variable alone proves nothing: a shell that a unit started hands it on.
pub fn is_ours() -> bool {
    cfg_select! {
        target_os = "linux" => linux::is_ours(),
        _ => false,
    }
}

/// Sends entries in the journal's native protocol, each a datagram.
pub fn send(entries: impl IntoIterator<Item = Vec<u8>>) -> Result<(), Error> {
    cfg_select! {
        target_os = "linux" => linux::send(std::path::Path::new(linux::SOCKET), entries),
        _ => {
            let _ = entries;
            Err(Error::Platform { platform: std::env::consts::OS })
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixDatagram;
    use std::path::Path;

    use crate::error::Error;

    /// Where the journal listens.
    pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

    #[expect(clippy::disallowed_methods, reason = "how a unit is told where its output goes")]
    pub(super) fn is_ours() -> bool {
        let Some(told) = std::env::var_os("JOURNAL_STREAM") else { return false };
        rustix::fs::fstat(std::io::stderr().as_fd())
            .is_ok_and(|seen| told.to_str() == Some(&stream(seen.st_dev, seen.st_ino)))
    }

    /// The text of the variable for a stream.
    pub(super) fn stream(device: u64, inode: u64) -> String {
        format!("{device}:{inode}")
    }

    pub(super) fn send(socket: &Path, entries: impl IntoIterator<Item = Vec<u8>>) -> Result<(), Error> {
        let failed = |source| Error::File { action: "write", path: socket.to_owned(), source };
        let ours = UnixDatagram::unbound().map_err(failed)?;
        for entry in entries {
            // It waits while the journal is behind, and the deadline of the unit ends that.
            ours.send_to(&entry, socket).map_err(failed)?;
        }
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::path::Path;

    use super::*;

    #[test]
    fn each_entry_is_a_datagram() {
        let dir = tempfile::tempdir().expect("a directory");
        let socket = dir.path().join("socket");
        let journal = UnixDatagram::bind(&socket).expect("a socket");
        linux::send(&socket, [b"MESSAGE=one\n".to_vec(), b"MESSAGE=two\n".to_vec()]).expect("sent");
        let mut room = [0; 64];
        for want in [&b"MESSAGE=one\n"[..], b"MESSAGE=two\n"] {
            let length = journal.recv(&mut room).expect("a datagram");
            assert_eq!(&room[..length], want);
        }
    }

    #[test]
    fn where_no_journal_listens_the_error_names_its_socket() {
        let error = linux::send(Path::new("/nowhere/socket"), [b"MESSAGE=one\n".to_vec()]).expect_err("nobody");
        assert!(error.to_string().contains("/nowhere/socket"), "{error}");
        assert!(linux::send(Path::new("/nowhere/socket"), []).is_ok(), "nothing to tell");
    }

    #[test]
    fn a_stream_is_named_by_device_and_inode() {
        assert_eq!(linux::stream(9, 52_113), "9:52113");
        // No test runs with its standard error in a journal that it was told of by this very variable.
        assert!(!is_ours());
    }
}
