//! Files by path, and whether somebody besides root may put another in their place.

/// The identity of a file: device and inode, as stat(2) has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// The device.
    pub device: u64,
    /// The inode.
    pub inode: u64,
}

/// A file and the directories above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFile {
    /// The file itself.
    pub file: FileId,
    /// Mode, user and group of the file and of each directory above it.
    path: Vec<(u32, u32, u32)>,
}

/// Reads `DEVICE INODE MODE UID GID` a line, the file first, then each directory up to the root; the mode is octal.
pub fn host_file(answer: &[u8]) -> Option<HostFile> {
    let (mut file, mut path) = (None, Vec::new());
    for line in std::str::from_utf8(answer).ok()?.lines() {
        let mut words = line.split(' ');
        let id = FileId { device: words.next()?.parse().ok()?, inode: words.next()?.parse().ok()? };
        file.get_or_insert(id);
        let mode = u32::from_str_radix(words.next()?, 8).ok()?;
        path.push((mode, words.next()?.parse().ok()?, words.next()?.parse().ok()?));
    }
    Some(HostFile { file: file?, path })
}

impl HostFile {
    /// Whether somebody besides root may write the file or a directory above it, by their modes. A group counts where the
    /// process is in it, or where its groups are not all known; access control lists are root's choice and not looked at.
    pub fn is_writable(&self, uid: u32, groups: Option<&[u32]>) -> bool {
        let in_group = |gid: u32| uid != 0 && groups.is_none_or(|groups| groups.contains(&gid));
        self.path.iter().any(|(mode, owner, gid)| {
            mode & 0o002 != 0 || *owner != 0 || (mode & 0o020 != 0 && *gid != 0 && in_group(*gid))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_else_may_write_is_told_by_mode_and_owner() {
        let file = |lines: &str| host_file(lines.as_bytes()).expect("a file");
        let root = file("1 2 100755 0 0\n1 3 40755 0 0\n");
        assert_eq!(root.file, FileId { device: 1, inode: 2 });
        assert!(!root.is_writable(501, None));
        assert!(file("1 2 100755 501 20\n1 3 40755 0 0\n").is_writable(0, None));
        assert!(file("1 2 100755 0 0\n1 3 41777 0 0\n").is_writable(0, None));
        let group = file("1 2 100755 0 0\n1 3 40775 0 80\n");
        assert!(!group.is_writable(0, None) && group.is_writable(501, None));
        assert!(group.is_writable(501, Some(&[20, 80])) && !group.is_writable(501, Some(&[20])));
    }

    #[test]
    fn what_is_no_file_is_none() {
        for bad in ["", "1 2 9 0 0\n", "1 2 755 0\n", "1\n", "\u{0}"] {
            assert_eq!(host_file(bad.as_bytes()), None, "{bad}");
        }
    }
}
