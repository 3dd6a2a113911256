//! Writing the file that `--output` names: whole or not at all, and never through a trap.

#![expect(clippy::disallowed_methods, reason = "this is the place that writes files")]

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The mode of a new file that others on the host need not read: what listens on it.
pub const FOR_GROUP: u32 = 0o640;

/// The mode of a new file that others read.
pub const FOR_ALL: u32 = 0o644;

/// Writes a file, as [`prepare`] says.
pub fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
    prepare(path, mode)?.write(content)
}

/// A file that can be written without any further right, but that to write in its directory.
#[derive(Debug)]
pub struct Prepared {
    path: PathBuf,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// A new file, in its directory, that takes the place of the old one.
    Replace { file: tempfile::NamedTempFile, directory: PathBuf },
    /// A device or a pipe.
    InPlace(File),
}

/// Opens what a file is to be written to, so that the rights that this takes can be given up before it is written;
/// `mode` is that of a new file.
///
/// A regular file is replaced by a rename, so that a reader sees the old content or the new, and keeps its owner and
/// mode. What is no regular file (a device, a pipe) is written in place. A directory that others may write to without
/// the sticky bit is refused: they could put another file in its place, or read what is written. A symbolic link is
/// followed only where nobody else can have put it there; then it stays, and the file behind it is replaced.
pub fn prepare(path: &Path, mode: u32) -> Result<Prepared, Error> {
    let failed = |source| Error::File { action: "write", path: path.to_owned(), source };
    let found = match path.symlink_metadata() {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let Some(found) = found else { return replacing(path, Err(mode)) };
    if !found.is_symlink() {
        return prepare_found(path, &found);
    }
    let directory = directory(path).map_err(failed)?;
    if !is_own(&directory).map_err(failed)? {
        return Err(refused(
            path,
            "is a symbolic link in a directory that others may write to",
            "name the file that it leads to",
        ));
    }
    match std::fs::metadata(path) {
        // The path of a pipe behind /dev/stdout or /dev/fd is none that could be opened by its real name.
        Ok(target) if !target.is_file() => prepare_found(path, &target),
        Ok(target) => prepare_found(&path.canonicalize().map_err(failed)?, &target),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(refused(path, "is a symbolic link that leads nowhere", "name the file itself"))
        }
        Err(error) => Err(failed(error)),
    }
}

fn prepare_found(path: &Path, found: &Metadata) -> Result<Prepared, Error> {
    if found.is_file() {
        return replacing(path, Ok(found));
    }
    let failed = |source| Error::File { action: "write", path: path.to_owned(), source };
    let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
    Ok(Prepared { path: path.to_owned(), way: Way::InPlace(file) })
}

/// Makes the new file that takes the place of an old one, or of this mode where there is none.
fn replacing(path: &Path, old: Result<&Metadata, u32>) -> Result<Prepared, Error> {
    let failed = |source| Error::File { action: "write", path: path.to_owned(), source };
    let directory = directory(path).map_err(failed)?;
    if others_may_replace(&directory).map_err(failed)? {
        return Err(refused(
            path,
            "lies in a directory that others may write to",
            "take their write permission from it, or name a file in another directory",
        ));
    }
    // Created with mode 0600 under a name that nobody can foresee.
    let created = tempfile::Builder::new().prefix(".earmark-").tempfile_in(&directory);
    // The error names that file, which means nothing to anybody.
    let file = created.map_err(|error| failed(error.kind().into()))?;
    keep_owner_and_mode(file.as_file(), old).map_err(failed)?;
    Ok(Prepared { path: path.to_owned(), way: Way::Replace { file, directory } })
}

impl Prepared {
    /// The directory in which writing takes the right to write; none for what is written in place.
    pub fn directory(&self) -> Option<&Path> {
        match &self.way {
            Way::Replace { directory, .. } => Some(directory),
            Way::InPlace(_) => None,
        }
    }

    /// Writes the content: the whole of it, or nothing where the file is replaced.
    pub fn write(self, content: &[u8]) -> Result<(), Error> {
        let path = self.path;
        let failed = |source: io::Error| Error::File { action: "write", path: path.clone(), source };
        match self.way {
            Way::Replace { mut file, .. } => {
                file.as_file_mut().write_all(content).map_err(failed)?;
                file.as_file().sync_all().map_err(failed)?;
                file.persist(&path).map_err(|error| failed(error.error))?;
                Ok(())
            }
            Way::InPlace(mut file) => file.write_all(content).and_then(|()| file.flush()).map_err(|source| {
                match source.kind() {
                    // Whoever reads the other end has seen enough.
                    io::ErrorKind::BrokenPipe => Error::Output(source),
                    _ => failed(source),
                }
            }),
        }
    }
}

fn directory(path: &Path) -> io::Result<PathBuf> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).canonicalize()
}

fn refused(path: &Path, problem: &str, hint: &'static str) -> Error {
    Error::Content { path: path.to_owned(), problem: problem.to_owned(), hint }
}

#[cfg(unix)]
fn keep_owner_and_mode(file: &File, old: Result<&Metadata, u32>) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt, fchown};
    let old = match old {
        Ok(old) => old,
        Err(mode) => return file.set_permissions(PermissionsExt::from_mode(mode)),
    };
    let new = file.metadata()?;
    let changed = |old: u32, new: u32| (old != new).then_some(old);
    let (user, group) = (changed(old.uid(), new.uid()), changed(old.gid(), new.gid()));
    if user.is_some() || group.is_some() {
        fchown(file, user, group)?;
    }
    // After the owner, whose change takes bits away.
    file.set_permissions(PermissionsExt::from_mode(old.mode() & 0o7777))
}

#[cfg(not(unix))]
fn keep_owner_and_mode(_: &File, _: Result<&Metadata, u32>) -> io::Result<()> {
    Ok(())
}

/// True where others may write to a directory without the sticky bit. A group that has one user's own number is that
/// user alone, as distributions set up their users.
#[cfg(unix)]
fn others_may_replace(directory: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(directory)?;
    let mode = metadata.mode();
    let private_group = metadata.gid() == metadata.uid() && super::effective_user() == Some(metadata.uid());
    let writable = mode & 0o002 != 0 || (mode & 0o020 != 0 && !private_group);
    Ok(writable && mode & 0o1000 == 0)
}

#[cfg(not(unix))]
fn others_may_replace(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// True where only root or this user can have put something into a directory.
#[cfg(unix)]
fn is_own(directory: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(directory)?;
    let owner = metadata.uid() == 0 || super::effective_user() == Some(metadata.uid());
    Ok(owner && metadata.mode() & 0o022 == 0)
}

#[cfg(not(unix))]
fn is_own(_: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("metadata").mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("a mode");
    }

    #[test]
    fn a_new_file_is_not_for_others() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("report");
        write(&file, b"one", FOR_GROUP).expect("written");
        assert_eq!((std::fs::read(&file).expect("content"), mode(&file)), (b"one".to_vec(), 0o640));
    }

    #[test]
    fn an_old_file_keeps_its_mode_and_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("report");
        std::fs::write(&file, "a longer text").expect("written");
        set_mode(&file, 0o604);
        let before = std::fs::metadata(&file).expect("metadata").ino();
        let reader = File::open(&file).expect("a reader");
        write(&file, b"two", FOR_GROUP).expect("written");
        assert_eq!((std::fs::read(&file).expect("content"), mode(&file)), (b"two".to_vec(), 0o604));
        assert_ne!(std::fs::metadata(&file).expect("metadata").ino(), before);
        assert_eq!(io::read_to_string(reader).expect("the old content"), "a longer text");
        assert_eq!(std::fs::read_dir(dir.path()).expect("a list").count(), 1, "nothing is left behind");
    }

    #[test]
    fn an_old_file_keeps_its_owner() {
        if crate::sys::effective_user() != Some(0) {
            return;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("report");
        std::fs::write(&file, "").expect("written");
        std::os::unix::fs::chown(&file, Some(65_534), Some(65_534)).expect("chown");
        set_mode(&file, 0o2640);
        write(&file, b"two", FOR_GROUP).expect("written");
        let metadata = std::fs::metadata(&file).expect("metadata");
        assert_eq!((metadata.uid(), metadata.gid(), mode(&file)), (65_534, 65_534, 0o2640));
    }

    #[test]
    fn a_device_stays_a_device() {
        use std::os::unix::fs::FileTypeExt as _;
        write(Path::new("/dev/null"), b"gone", FOR_GROUP).expect("written");
        assert!(std::fs::metadata("/dev/null").expect("metadata").file_type().is_char_device());
    }

    #[test]
    fn a_directory_of_others_is_refused_unless_it_is_sticky() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("report");
        set_mode(dir.path(), 0o777);
        let error = write(&file, b"", FOR_GROUP).expect_err("refused");
        assert!(error.to_string().contains("others") && !file.exists(), "{error}");
        set_mode(dir.path(), 0o1777);
        write(&file, b"", FOR_GROUP).expect("written");
    }

    #[test]
    fn an_error_names_the_file_that_was_asked_for() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("none").join("report");
        let error = write(&file, b"", FOR_GROUP).expect_err("no directory");
        assert_eq!(error.hint(), "make its directory first");
        // A directory in which nobody makes files.
        #[cfg(target_os = "linux")]
        for error in [error, write(Path::new("/proc/report"), b"", FOR_GROUP).expect_err("no file")] {
            assert!(!error.to_string().contains(".earmark-"), "{error}");
        }
    }

    #[test]
    fn a_link_is_followed_only_where_nobody_else_can_have_put_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let (file, link) = (dir.path().join("report"), dir.path().join("link"));
        std::fs::write(&file, "").expect("written");
        symlink(&file, &link).expect("a link");
        set_mode(dir.path(), 0o755);
        write(&link, b"through", FOR_GROUP).expect("written");
        assert!(link.symlink_metadata().expect("metadata").is_symlink());
        assert_eq!(std::fs::read(&file).expect("content"), b"through");
        set_mode(dir.path(), 0o1777);
        assert!(write(&link, b"trap", FOR_GROUP).is_err());
        assert_eq!(std::fs::read(&file).expect("content"), b"through");
        set_mode(dir.path(), 0o755);
        std::fs::remove_file(&file).expect("removed");
        assert!(write(&link, b"nowhere", FOR_GROUP).is_err());
    }
}
