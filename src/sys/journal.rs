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

/// Sends entries in the journal's native protocol (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>): each is a datagram, and
/// one that no datagram holds goes as a sealed file without a name.
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
    use std::io::{self, Write as _};
    use std::mem::MaybeUninit;
    use std::os::fd::{AsFd as _, OwnedFd};
    use std::os::unix::net::UnixDatagram;
    use std::path::Path;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    use rustix::io::Errno;
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, sendmsg_addr, sendto};

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
        let journal = SocketAddrUnix::new(socket).map_err(|error| failed(error.into()))?;
        for entry in entries {
            // It waits while the journal is behind, and the deadline of the unit ends that.
            match sendto(&ours, &entry, SendFlags::NOSIGNAL, &journal) {
                Ok(_) => {}
                // What may be sent at once is bounded by the socket's buffer, net.core.wmem_default.
                Err(Errno::MSGSIZE | Errno::NOBUFS) => send_file(&ours, &journal, &entry).map_err(failed)?,
                Err(error) => return Err(failed(error.into())),
            }
        }
        Ok(())
    }

    /// Hands over the descriptor of a file that holds an entry, in a datagram without a byte of its own.
    fn send_file(ours: &UnixDatagram, journal: &SocketAddrUnix, entry: &[u8]) -> io::Result<()> {
        let told = |error: io::Error| {
            let length = entry.len();
            io::Error::new(
                error.kind(),
                format!("an entry of {length} bytes needs a memfd, and none can be had: {error}"),
            )
        };
        let file = sealed(entry).map_err(told)?;
        let descriptors = [file.as_fd()];
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut room);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        sendmsg_addr(ours, journal, &[], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// A file in memory that nobody can change any more: the journal maps it, and takes no other.
    pub(super) fn sealed(content: &[u8]) -> io::Result<OwnedFd> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Where vm.memfd_noexec is 2 there is no other; before Linux 6.3 there is no such flag.
        let made = memfd_create("journal", flags | MemfdFlags::NOEXEC_SEAL);
        let made = match made {
            Err(Errno::INVAL) => memfd_create("journal", flags),
            made => made,
        };
        let mut file = std::fs::File::from(made?);
        file.write_all(content)?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?;
        Ok(file.into())
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

    /// What a journal that listens takes next: the bytes of the datagram, and the file that came with it.
    fn taken(journal: &UnixDatagram) -> (Vec<u8>, Option<std::fs::File>) {
        use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
        let mut bytes = vec![0; 1 << 20];
        let mut room = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = RecvAncillaryBuffer::new(&mut room);
        let mut parts = [std::io::IoSliceMut::new(&mut bytes)];
        let got = recvmsg(journal, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC).expect("a datagram");
        let mut files = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                files.extend(descriptors.map(std::fs::File::from));
            }
        }
        assert!(files.len() <= 1, "one entry, one file");
        bytes.truncate(got.bytes);
        (bytes, files.pop())
    }

    #[test]
    fn an_entry_that_no_datagram_holds_is_a_sealed_file() {
        use std::io::{Read as _, Seek as _, Write as _};

        use rustix::fs::{SealFlags, fcntl_get_seals};

        let dir = tempfile::tempdir().expect("a directory");
        let socket = dir.path().join("socket");
        let journal = UnixDatagram::bind(&socket).expect("a socket");
        let mut large = b"MESSAGE=".to_vec();
        large.extend((0..3_000_000u32).map(|at| b'a' + (at % 26) as u8));
        large.push(b'\n');
        let small = b"MESSAGE=small\n".to_vec();
        linux::send(&socket, [small.clone(), large.clone(), small.clone()]).expect("sent");

        assert_eq!(taken(&journal).0, small);
        let (bytes, file) = taken(&journal);
        assert!(bytes.is_empty(), "nothing but the file: {} bytes", bytes.len());
        let mut file = file.expect("a file");
        let wanted = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
        assert!(fcntl_get_seals(&file).expect("seals").contains(wanted));
        file.rewind().expect("to its start");
        let mut content = Vec::new();
        file.read_to_end(&mut content).expect("read");
        assert!(content == large, "{} bytes of {}", content.len(), large.len());
        file.rewind().expect("to its start");
        assert_eq!(file.write(b"x").expect_err("sealed").kind(), std::io::ErrorKind::PermissionDenied);
        assert!(file.set_len(1).is_err(), "sealed");
        let (bytes, file) = taken(&journal);
        assert!(bytes == small && file.is_none(), "what follows is a datagram again");
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
