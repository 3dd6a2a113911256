//! The list of mounts, `/proc/PID/mountinfo` of proc(5): what is mounted on the way to a path, and whether that answers by
//! itself. A file system whose daemon or server is silent keeps whoever walks into it waiting, for ever and not to be killed.

/// Kinds of file systems that answer from this host and from no process of it.
const LOCAL: [&[u8]; 22] = [
    b"ext2",
    b"ext3",
    b"ext4",
    b"xfs",
    b"btrfs",
    b"tmpfs",
    b"overlay",
    b"squashfs",
    b"erofs",
    b"zfs",
    b"f2fs",
    b"vfat",
    b"ramfs",
    b"rootfs",
    b"devtmpfs",
    b"iso9660",
    b"bcachefs",
    b"proc",
    b"nsfs",
    b"sysfs",
    b"cgroup",
    b"cgroup2",
];

/// Where something is mounted that may keep who walks into it waiting.
#[derive(Debug)]
pub struct Away(Vec<Vec<u8>>);

impl Away {
    /// The same, by the mounts there are.
    pub fn of(mounts: &[u8]) -> Self {
        Self(places(mounts).filter(|(_, kind)| !LOCAL.contains(kind)).map(|(place, _)| place).collect())
    }

    /// True for a path on whose way there is none of them.
    pub fn is_off(&self, path: &[u8]) -> bool {
        // Mount points are compared as they are written: `//`, `/./` and `/../` would hide one.
        let odd = |part: &[u8]| matches!(part, b"" | b"." | b"..");
        let is_plain = path == b"/" || !path.split(|byte| *byte == b'/').skip(1).any(odd);
        is_plain && !self.0.iter().any(|place| is_below(place, path))
    }
}

/// True where every mount on the way to a path is of a kind that answers from this host.
pub fn are_local(mounts: &[u8], path: &[u8]) -> bool {
    Away::of(mounts).is_off(path)
}

/// Where what is mounted, of what kind.
fn places(mounts: &[u8]) -> impl Iterator<Item = (Vec<u8>, &[u8])> {
    mounts.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut words = line.split(|byte| *byte == b' ');
        let place = mount_point(words.nth(4)?);
        let kind = words.skip_while(|word| *word != b"-").nth(1)?;
        Some((place, kind))
    })
}

fn is_below(place: &[u8], path: &[u8]) -> bool {
    place == b"/" || (path.starts_with(place) && matches!(path.get(place.len()), None | Some(b'/')))
}

/// A mount point as it is: the kernel writes space, tab, newline and backslash as `\ooo`.
pub fn mount_point(word: &[u8]) -> Vec<u8> {
    let mut place = Vec::with_capacity(word.len());
    let mut rest = word;
    while let [first, after @ ..] = rest {
        let octal = after.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                place.push(byte);
                rest = &after[3..];
            }
            None => {
                place.push(*first);
                rest = after;
            }
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_with_a_space_is_on_the_way() {
        let mounts = b"1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:9 / /home/a\\040b\\134 rw - fuse.x x rw\n";
        assert_eq!(mount_point(b"/a\\04"), b"/a\\04");
        for path in [&b"/"[..], b"/home/x", b"/home/a bc", b"/home/a b\\c", b"/home"] {
            assert!(are_local(mounts, path), "{}", String::from_utf8_lossy(path));
        }
        for path in [&b"/home/a b\\"[..], b"/home/a b\\/x", b"//home/x", b"/home/./x", b"/home/../home/x", b"/home/"] {
            assert!(!are_local(mounts, path), "{}", String::from_utf8_lossy(path));
        }
        assert!(!are_local(b"1 0 0:30 / / rw - nfs4 host:/ rw\n", b"/home"));
        // What nobody has heard of is not believed to answer.
        assert!(!are_local(b"1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:9 / /new rw shared:1 - newfs x rw\n", b"/new"));
    }
}
