//! Reading files that a user names or an administrator keeps.

#![expect(clippy::disallowed_methods, reason = "this is the place that touches files")]

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use crate::error::Error;

/// No file of an administrator is larger.
const MOST: u64 = 1 << 20;

/// No file that a user names is larger: the capture of a loaded host has a few MiB.
const LARGEST: u64 = 1 << 26;

/// The whole of a file or a pipe, or of standard input for `-`. Of what begins with none of these words no more than the
/// longest of them is read, since it may never end; and a pipe that nobody writes into is waited for no longer than `time`.
pub fn read(path: &Path, beginnings: &'static [&'static str], time: Option<Duration>) -> Result<Vec<u8>, Error> {
    let (sender, receiver) = mpsc::channel();
    let file = path.to_owned();
    // The run ends without this thread where the other end of a pipe keeps it waiting.
    std::thread::spawn(move || {
        let content = match file.to_str() {
            Some("-") => whole(io::stdin().lock(), beginnings),
            _ => File::open(&file).and_then(|file| whole(file, beginnings)),
        };
        let _ = sender.send(content);
    });
    let content = match time {
        Some(time) => receiver.recv_timeout(time).ok(),
        None => receiver.recv().ok(),
    };
    content.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into())).map_err(failed("read", path))
}

fn whole(mut source: impl io::Read, beginnings: &[&str]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let longest = beginnings.iter().map(|word| word.len() as u64).max().unwrap_or_default();
    source.by_ref().take(longest).read_to_end(&mut content)?;
    if beginnings.iter().any(|word| content.starts_with(word.as_bytes())) {
        source.take(LARGEST).read_to_end(&mut content)?;
        if content.len() as u64 > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
    Ok(content)
}

/// The files of a directory with this ending, by name, and what stands in them; nothing where there is no directory.
///
/// Where `trusted` is set, each file, its directory and all above must belong to root and be writable by nobody else:
/// what they say decides what root believes.
pub fn read_dir(dir: &Path, ending: &str, trusted: bool) -> Result<Vec<(PathBuf, String)>, Error> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", dir)(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed("read", dir))?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == ending) {
            paths.push(path);
        }
    }
    paths.sort();
    paths.into_iter().map(|path| Ok((path.clone(), small(&path, trusted)?))).collect()
}

/// The text of a small file that is named by itself; `trusted` as for [`read_dir`].
pub fn read_small(path: &Path, trusted: bool) -> Result<String, Error> {
    small(path, trusted)
}

/// The text of a small file.
fn small(path: &Path, trusted: bool) -> Result<String, Error> {
    let content = |problem: &str, hint| Error::Content { path: path.to_owned(), problem: problem.to_owned(), hint };
    // A pipe would wait for whoever writes into it.
    if !std::fs::metadata(path).map_err(failed("read", path))?.is_file() {
        return Err(content("is no regular file", "move it away, or put a file in its place"));
    }
    if trusted {
        let real = path.canonicalize().map_err(failed("read", path))?;
        let at_fault = real.ancestors().enumerate().find_map(|(above, part)| match is_roots(part, above) {
            Ok(true) => None,
            Ok(false) => Some(Ok(part.to_owned())),
            Err(error) => Some(Err(failed("read", part)(error))),
        });
        if let Some(part) = at_fault.transpose()? {
            return Err(Error::Content {
                path: path.to_owned(),
                problem: format!("{} does not belong to {OWNER} alone, and this run is {OWNERS_RUN}", part.display()),
                hint: MEND,
            });
        }
    }
    let mut text = String::new();
    let file = File::open(path).map_err(failed("read", path))?;
    match file.take(MOST + 1).read_to_string(&mut text) {
        Ok(read) if read as u64 <= MOST => Ok(text),
        Ok(_) => Err(content("is larger than 1 MiB", "split it")),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(content("is not UTF-8", "save it as UTF-8")),
        Err(error) => Err(failed("read", path)(error)),
    }
}

/// Who decides what a run with rights believes, whose such a run is, and how a file becomes theirs alone.
const OWNER: &str = if cfg!(windows) { "administrators" } else { "root" };
const OWNERS_RUN: &str = if cfg!(windows) { "elevated" } else { "root's" };
const MEND: &str = match cfg!(windows) {
    true => {
        "make Administrators its owner and take write permission from others: \
         icacls PATH /setowner *S-1-5-32-544, then icacls PATH /inheritance:r /grant *S-1-5-32-544:F *S-1-5-18:F *S-1-5-32-545:RX"
    }
    false => "make root its owner, and take write permission from group and others",
};

/// True where only root can change a file or directory, on Windows only administrators. The file has nothing above it,
/// its directory one.
fn is_roots(path: &Path, above: usize) -> io::Result<bool> {
    cfg_select! {
        unix => {
            use std::os::unix::fs::MetadataExt as _;
            let _ = above;
            let metadata = std::fs::metadata(path)?;
            Ok(metadata.uid() == 0 && metadata.mode() & 0o022 == 0)
        }
        windows => {
            use crate::model::{Protected, others_may_change};
            let what = match above {
                0 => Protected::File,
                1 => Protected::Directory,
                _ => Protected::Above,
            };
            let opened = super::descriptor::Opened::new(path);
            let sddl = opened.and_then(|opened| opened.sddl());
            let sddl = sddl.map_err(|number| io::Error::from_raw_os_error(number.cast_signed()))?;
            Ok(others_may_change(&sddl, what) == Some(false))
        }
        // Who can change it there is not known.
        _ => {
            let _ = (path, above);
            Ok(false)
        }
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_by_name_and_only_with_their_ending() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["b.toml", "a.toml", "c.txt", ".d.toml"] {
            std::fs::write(dir.path().join(name), name).expect(name);
        }
        let files = read_dir(dir.path(), "toml", false).expect("files");
        assert_eq!(files.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["a.toml", "b.toml"]);
        assert!(read_dir(&dir.path().join("none"), "toml", true).expect("nothing").is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn what_others_may_write_is_not_trusted() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("a.toml");
        std::fs::write(&file, "").expect("a file");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).expect("a mode");
        let error = read_dir(dir.path(), "toml", true).expect_err("not trusted");
        assert!(error.to_string().contains("a.toml"), "{error}");
        assert!(read_dir(dir.path(), "toml", false).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_is_not_waited_for() {
        assert_eq!(read(Path::new("/dev/zero"), &["magic", "m"], None).expect("a beginning"), [0; 5]);
        let (reader, _writer) = io::pipe().expect("a pipe");
        let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
        let error = read(Path::new(&path), &["magic"], Some(Duration::from_millis(20))).expect_err("nothing came");
        assert!(error.to_string().contains(&path) && !error.hint().is_empty(), "{error}");
    }

    #[test]
    fn a_file_is_read_whole_where_it_begins_well() {
        assert_eq!(whole(&b"magic, and more"[..], &["magic", "{"]).expect("all"), b"magic, and more");
        assert_eq!(whole(&b"{\"a\": 1}"[..], &["magic", "{"]).expect("all"), b"{\"a\": 1}");
        assert_eq!(whole(&b"{}"[..], &["magic", "{"]).expect("all"), b"{}");
        assert_eq!(whole(&b"secret\n"[..], &["magic", "{"]).expect("its beginning"), b"secre");
        let endless = io::Read::chain(&b"magic"[..], io::repeat(b'x'));
        assert_eq!(whole(endless, &["magic"]).expect_err("too large").kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn what_is_no_text_file_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("a.toml"), [0xff]).expect("a file");
        assert!(read_dir(dir.path(), "toml", false).expect_err("not UTF-8").to_string().contains("UTF-8"));
        std::fs::write(dir.path().join("a.toml"), vec![b'#'; 1 << 21]).expect("a file");
        assert!(read_dir(dir.path(), "toml", false).expect_err("large").to_string().contains("MiB"));
    }
}
