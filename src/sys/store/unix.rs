//! The store where files have owners and modes.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, Stat};

use super::Place;
use crate::error::Error;

const STATE: &str = "state.json";
const ASIDE: &str = "state.json.corrupt";
const LOCK: &str = "lock";

/// What the names of files begin with that a run was writing when it was killed.
const UNFINISHED: &str = ".state.json.";

/// The directory with the state, held open.
#[derive(Debug)]
pub struct Store {
    directory: OwnedFd,
    path: PathBuf,
    lock: Option<OwnedFd>,
}

impl Store {
    /// Opens the directory, and makes it where it is missing and may be made.
    ///
    /// It has to be this user's, and nobody else may write to it: whoever can, decides what is told.
    pub fn open(place: &Place) -> Result<Self, Error> {
        match Self::open_existing(place)? {
            Some(store) => Ok(store),
            None => {
                make(place).map_err(failed("make", &place.path))?;
                let missing = || failed("open", &place.path)(io::ErrorKind::NotFound.into());
                Self::open_existing(place)?.ok_or_else(missing)
            }
        }
    }

    /// Opens the directory where there is one.
    pub fn open_existing(place: &Place) -> Result<Option<Self>, Error> {
        let path = &place.path;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(directory) => directory,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => {
                let is_link = rustix::fs::lstat(path).is_ok_and(|stat| file_type(&stat) == FileType::Symlink);
                return Err(match is_link {
                    true => refused(path, "is a symbolic link", "name the directory itself"),
                    false => failed("open", path)(error.into()),
                });
            }
        };
        let stat = rustix::fs::fstat(&directory).map_err(|error| failed("open", path)(error.into()))?;
        check(path, &stat, "directory")?;
        Ok(Some(Self { directory, path: path.clone(), lock: None }))
    }

    /// Takes the lock, which is held until the store is closed, and removes what killed runs left behind. Where another
    /// run holds it, that is an error and nothing waits.
    pub fn lock(&mut self) -> Result<(), Error> {
        let path = self.path.join(LOCK);
        let failed = |error: rustix::io::Errno| failed("lock", &path)(error.into());
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let lock = rustix::fs::openat(&self.directory, LOCK, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => self.lock = Some(lock),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(Error::Usage {
                    problem: format!("another audit runs: it holds {}", path.display()),
                    hint: "wait until it has ended; a lock that nobody holds any more is no hindrance".to_owned(),
                });
            }
            Err(error) => return Err(failed(error)),
        }
        self.clear().map_err(self.failed("clear", &self.path))
    }

    /// Removes unfinished files. Nobody is writing any of them: the lock is ours.
    fn clear(&self) -> io::Result<()> {
        for entry in rustix::fs::Dir::read_from(&self.directory)? {
            let entry = entry?;
            if entry.file_name().to_bytes().starts_with(UNFINISHED.as_bytes()) {
                rustix::fs::unlinkat(&self.directory, entry.file_name(), AtFlags::empty())?;
            }
        }
        Ok(())
    }

    /// The state of the last run, no more than `most` bytes and one of it; `None` where there was no run. A link, a file of
    /// another user, or one that others may write to is refused: it is not what a run of ours left there.
    pub fn read(&self, most: usize) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path.join(STATE);
        // A pipe in its place would be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match rustix::fs::openat(&self.directory, STATE, flags, Mode::empty()) {
            Ok(file) => file,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::MLINK) => {
                return Err(refused(&path, "is a symbolic link", "remove it: the next audit begins anew"));
            }
            Err(error) => return Err(failed("read", &path)(error.into())),
        };
        let stat = rustix::fs::fstat(&file).map_err(|error| failed("read", &path)(error.into()))?;
        if file_type(&stat) != FileType::RegularFile {
            return Err(refused(&path, "is no regular file", "remove it: the next audit begins anew"));
        }
        check(&path, &stat, "file")?;
        let mut content = Vec::new();
        let read = File::from(file).take(most as u64 + 1).read_to_end(&mut content);
        read.map_err(failed("read", &path))?;
        Ok(Some(content))
    }

    /// Puts a new state in the place of the old one. Where it cannot, the old one stays.
    pub fn write(&self, content: &[u8]) -> Result<(), Error> {
        let name = format!("{UNFINISHED}{}", crate::sys::run_id());
        let written = self.exchange(&name, content);
        if written.is_err() {
            // What cannot be removed either is cleared by the next run.
            let _ = rustix::fs::unlinkat(&self.directory, name.as_str(), AtFlags::empty());
        }
        written.map_err(self.failed("write", &self.path.join(STATE)))
    }

    fn exchange(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, name, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(file);
        file.write_all(content)?;
        file.sync_all()?;
        drop(file);
        rustix::fs::renameat(&self.directory, name, &self.directory, STATE)?;
        // Until then a loss of power may bring the old one back.
        rustix::fs::fsync(&self.directory)?;
        Ok(())
    }

    /// Moves a state that makes no sense to `state.json.corrupt`, where it stays for whoever wants to know why, until the
    /// next one takes its place. Says where it is.
    pub fn set_aside(&self) -> Result<PathBuf, Error> {
        let moved = rustix::fs::renameat(&self.directory, STATE, &self.directory, ASIDE);
        moved.map_err(|error| self.failed("set aside", &self.path.join(STATE))(error.into()))?;
        Ok(self.path.join(ASIDE))
    }

    fn failed(&self, action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error + use<> {
        failed(action, path)
    }
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::File { action, path: path.clone(), source }
}

fn refused(path: &Path, problem: &str, hint: &'static str) -> Error {
    Error::Content { path: path.to_owned(), problem: problem.to_owned(), hint }
}

fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// Refuses what is another user's, or what others may write to.
fn check(path: &Path, stat: &Stat, what: &str) -> Result<(), Error> {
    if super::super::effective_user() != Some(stat.st_uid) {
        return Err(refused(
            path,
            &format!("is a {what} of another user, and each user has a state of its own"),
            "run it as that user, or set STATE_DIRECTORY to a directory of this one",
        ));
    }
    if stat.st_mode & 0o022 != 0 {
        return Err(refused(
            path,
            &format!("is a {what} that others may write to, and so decide what is told"),
            "take their write permission from it, and look at what they wrote",
        ));
    }
    Ok(())
}

/// Makes the last components that may be made, for this user alone.
fn make(place: &Place) -> io::Result<()> {
    let missing: Vec<&Path> = place.path.ancestors().take(place.may_make).collect();
    for path in missing.into_iter().rev() {
        match rustix::fs::mkdir(path, Mode::RWXU) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if place.may_make == 0 { Err(io::ErrorKind::NotFound.into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    }

    struct Lab {
        _temporary: tempfile::TempDir,
        place: Place,
    }

    fn lab() -> Lab {
        let temporary = tempfile::tempdir().expect("a directory");
        let place = Place { path: temporary.path().join("state"), may_make: 1 };
        Lab { _temporary: temporary, place }
    }

    impl Lab {
        fn open(&self) -> Store {
            Store::open(&self.place).expect("a store")
        }

        fn file(&self, name: &str) -> PathBuf {
            self.place.path.join(name)
        }

        fn names(&self) -> Vec<String> {
            let entries = std::fs::read_dir(&self.place.path).expect("a list");
            let name = |entry: io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
            let mut names: Vec<String> = entries.map(name).map(|name| name.to_string_lossy().into_owned()).collect();
            names.sort();
            names
        }
    }

    #[test]
    fn a_missing_directory_is_made_for_this_user_alone() {
        let lab = lab();
        assert!(Store::open_existing(&lab.place).expect("no error").is_none());
        assert_eq!(lab.open().read(10).expect("no error"), None);
        assert_eq!(std::fs::metadata(&lab.place.path).expect("metadata").mode() & 0o777, 0o700);
        let deep = Place { path: lab.file("a/b/c"), may_make: 3 };
        Store::open(&deep).expect("made with those above it");
        for place in [Place { path: lab.file("x/y"), may_make: 1 }, Place { path: lab.file("x"), may_make: 0 }] {
            let error = Store::open(&place).expect_err("nobody made it");
            assert!(error.to_string().starts_with("cannot make"), "{error}");
        }
    }

    #[test]
    fn what_was_written_is_read_and_is_for_this_user_alone() {
        let lab = lab();
        let store = lab.open();
        store.write(b"one, and longer").expect("written");
        store.write(b"two").expect("written");
        assert_eq!(store.read(10).expect("read").as_deref(), Some(&b"two"[..]));
        assert_eq!(
            store.read(1).expect("read").as_deref(),
            Some(&b"tw"[..]),
            "one more than asked for says that it is"
        );
        assert_eq!(std::fs::metadata(lab.file(STATE)).expect("metadata").mode() & 0o777, 0o600);
        assert_eq!(lab.names(), [STATE]);
    }

    #[test]
    fn of_two_at_once_one_is_told_so_at_once() {
        let lab = lab();
        let (mut one, mut other) = (lab.open(), lab.open());
        one.lock().expect("free");
        let error = other.lock().expect_err("busy");
        assert!(error.to_string().starts_with("another audit runs"), "{error}");
        drop(one);
        other.lock().expect("free again");
    }

    #[test]
    fn what_killed_runs_left_is_cleared() {
        let lab = lab();
        let mut store = lab.open();
        store.write(b"state").expect("written");
        for name in [".state.json.0", ".state.json.1", "other"] {
            std::fs::write(lab.file(name), "half").expect("written");
        }
        store.lock().expect("free");
        assert_eq!(lab.names(), [LOCK, "other", STATE]);
    }

    #[test]
    fn what_makes_no_sense_is_set_aside_once() {
        let lab = lab();
        let store = lab.open();
        for content in ["first", "second"] {
            std::fs::write(lab.file(STATE), content).expect("written");
            set_mode(&lab.file(STATE), 0o600);
            assert_eq!(store.set_aside().expect("moved"), lab.file(ASIDE));
            assert_eq!(store.read(10).expect("read"), None);
        }
        assert_eq!(std::fs::read(lab.file(ASIDE)).expect("content"), b"second");
        assert_eq!(lab.names(), [ASIDE]);
    }

    #[test]
    fn what_others_could_have_put_there_is_refused_and_not_quoted() {
        let lab = lab();
        let store = lab.open();
        let told = |store: &Store| {
            let error = store.read(100).expect_err("refused");
            assert!(!error.to_string().contains("secret") && !error.hint().is_empty(), "{error}");
            error.to_string()
        };
        let secret = lab.file("elsewhere");
        std::fs::write(&secret, "secret").expect("written");
        symlink(&secret, lab.file(STATE)).expect("a link");
        assert!(told(&store).contains("symbolic link"));
        store.write(b"new").expect("a link is replaced, and never written through");
        assert_eq!(std::fs::read(&secret).expect("content"), b"secret");
        set_mode(&lab.file(STATE), 0o620);
        assert!(told(&store).contains("others may write"));
        std::fs::remove_file(lab.file(STATE)).expect("removed");
        // Where a pipe can be made by a call that is safe.
        #[cfg(target_os = "linux")]
        {
            let mode = Mode::RUSR | Mode::WUSR;
            rustix::fs::mknodat(&store.directory, STATE, FileType::Fifo, mode, 0).expect("a pipe");
            assert!(told(&store).contains("no regular file"));
        }
        if crate::sys::effective_user() == Some(0) {
            store.write(b"secret").expect("written");
            std::os::unix::fs::chown(lab.file(STATE), Some(65_534), None).expect("chown");
            assert!(told(&store).contains("another user"));
        }
    }

    #[test]
    fn a_directory_of_others_is_refused() {
        let lab = lab();
        drop(lab.open());
        let link = Place { path: lab.file("link"), may_make: 0 };
        symlink(&lab.place.path, &link.path).expect("a link");
        assert!(Store::open(&link).expect_err("refused").to_string().contains("symbolic link"));
        set_mode(&lab.place.path, 0o770);
        assert!(Store::open(&lab.place).expect_err("refused").to_string().contains("others may write"));
        set_mode(&lab.place.path, 0o700);
        if crate::sys::effective_user() == Some(0) {
            std::os::unix::fs::chown(&lab.place.path, Some(65_534), None).expect("chown");
            assert!(Store::open(&lab.place).expect_err("refused").to_string().contains("another user"));
        }
        let file = Place { path: lab.file("file"), may_make: 0 };
        std::fs::write(&file.path, "").expect("written");
        assert!(Store::open(&file).is_err());
    }
}
