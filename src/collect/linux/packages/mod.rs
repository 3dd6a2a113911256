//! Which installed package owns a file, read from the package databases themselves: no program is run.
//!
//! [`owners`] looks several paths up in one pass over each database that the root has: [`dpkg`], [`rpm`], [`apk`] and
//! [`pacman`]. Others (portage, xbps, nix, guix, opkg) are not read.
//!
//! A database is root's, but that of a mounted root may be anybody's: sizes, counts and depths are bounded, and what
//! makes no sense is an answer of [`Owned::Unknown`], never a panic.

mod apk;
mod dpkg;
#[cfg(target_os = "linux")]
mod live;
mod pacman;
mod record;
mod rpm;
mod sqlite;
mod wal;
mod wanted;

#[cfg(target_os = "linux")]
pub use live::{Root, View};

use std::io;

use wanted::Wanted;

/// The largest file that [`Files::read`] hands out. The lists of the largest packages take a few megabytes.
pub const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// The most names that [`Files::list`] hands out: a host has some thousand packages, and dpkg five files for each.
pub const MOST_NAMES: usize = 200_000;

/// What is read of one database in all.
const LARGEST_DATABASE: u64 = 1024 * 1024 * 1024;

/// What the package databases say of one path. Names and reasons hold what stands in a database: whoever prints them
/// escapes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owned {
    /// A package owns it.
    By {
        /// Its name, without version and architecture.
        package: String,
        /// Whose database says so: `dpkg`, `rpm`, `apk` or `pacman`.
        manager: &'static str,
    },
    /// No package has it, of the databases that could be read.
    Nobody,
    /// Why it cannot be told.
    Unknown(String),
}

/// How files below a host's root are read: the live system, a mounted root that no link may leave, or a test's memory.
/// Paths are absolute as seen from that root, and links are followed within it.
pub trait Files {
    /// A whole regular file, of at most [`LARGEST_FILE`].
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// The names in a directory, at most [`MOST_NAMES`], in any order.
    fn list(&self, path: &str) -> io::Result<Vec<String>>;

    /// Where a symbolic link leads, as it was written; an error for what is none.
    fn link(&self, path: &str) -> io::Result<Vec<u8>>;

    /// A regular file to read from at any place.
    fn open(&self, path: &str) -> io::Result<Box<dyn ReadAt>>;
}

/// A file that is read at any place.
pub trait ReadAt {
    /// Size, and time of the last change in nanoseconds: both the same as before means that it was not changed.
    fn state(&self) -> io::Result<(u64, i128)>;

    /// Fills the buffer from an offset on; an error where the file ends before.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

/// What one database says: none where the root has no such database.
type Answer = Option<Result<Found, String>>;

/// What asks one database.
type Look = fn(&dyn Files, &Wanted) -> Answer;

/// What a database that could be read says.
#[derive(Debug, Default)]
struct Found {
    /// The owner of each wanted path, by its number.
    owners: Vec<Option<String>>,
    /// It has at least one package.
    has_packages: bool,
    /// Why a path that has no owner may have one all the same.
    partly: Option<String>,
}

/// Looks several paths up in one pass over each database. The paths are as the kernel gives them: absolute and without
/// symbolic links.
///
/// Any owner counts; of several databases the first that has one. Nobody is said only where a database that has
/// packages could be read as a whole: an empty one is often the trace of a tool that was merely installed.
pub fn owners(root: &impl Files, paths: &[&[u8]]) -> Vec<Owned> {
    let (wanted, numbers) = Wanted::new(root, paths);
    let managers: [(&str, Look); 4] =
        [("dpkg", dpkg::owners), ("rpm", rpm::owners), ("apk", apk::owners), ("pacman", pacman::owners)];
    let mut owned: Vec<Option<(String, &str)>> = vec![None; wanted.len()];
    let mut read_whole = false;
    let mut reasons = Vec::new();
    for (manager, look) in managers {
        let found = match look(root, &wanted) {
            None => continue,
            Some(Err(why)) => {
                reasons.push(format!("{manager}: {why}"));
                continue;
            }
            Some(Ok(found)) => found,
        };
        for (slot, owner) in owned.iter_mut().zip(found.owners) {
            if slot.is_none() {
                *slot = owner.map(|package| (package, manager));
            }
        }
        match found.partly {
            Some(why) => reasons.push(format!("{manager}: {why}")),
            None if found.has_packages => read_whole = true,
            None => reasons.push(format!("{manager}: its database has no package")),
        }
    }
    if reasons.is_empty() {
        reasons.push("no package database of dpkg, rpm, apk or pacman is here".into());
    }
    let reasons = reasons.join("; ");
    let say = |number: &Option<usize>| match number.map(|at| &owned[at]) {
        None => Owned::Unknown("it is no path from the root".into()),
        Some(Some((package, manager))) => Owned::By { package: package.clone(), manager },
        Some(None) if read_whole => Owned::Nobody,
        Some(None) => Owned::Unknown(reasons.clone()),
    };
    numbers.iter().map(say).collect()
}

/// Why a file of a database could not be read.
fn unread(path: &str, error: &io::Error) -> String {
    format!("{path} could not be read: {}", error.kind())
}

/// The lines of a text, without what ends them.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let (line, left) = match memchr::memchr(b'\n', text) {
            Some(end) => (&text[..end], &text[end + 1..]),
            None => (text, &text[text.len()..]),
        };
        rest = Some(left).filter(|left| !left.is_empty());
        Some(line)
    })
}

#[cfg(all(test, target_os = "linux"))]
mod live_tests;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod tests;
