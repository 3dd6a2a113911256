//! Where the state of the last run lies: one directory, one file in it that is exchanged as a whole, and a lock.
//!
//! The directory is opened once and everything in it is named from there, so that nobody can exchange it underneath. A
//! state is written to a new file beside the old one and takes its place by a rename after it reached the disk: whenever
//! a run ends or the power fails, what is found there is the old state or the new one.

#![expect(clippy::disallowed_methods, reason = "this is the place that asks the environment where the state lies")]

use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::Error;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::Store;

/// Where root's state lies.
const ROOTS: &str = "/var/lib/earmark";

/// The directory of the state, and whether it may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The directory.
    pub path: PathBuf,
    /// How many of its last components may be made: none where somebody else has to.
    pub may_make: usize,
}

/// Where the state of this user lies: in `STATE_DIRECTORY`, which systemd sets for a unit and makes, see `systemd.exec(5)`;
/// else root's in `/var/lib/earmark` and another user's in `$XDG_STATE_HOME/earmark`, by default
/// `~/.local/state/earmark`.
pub fn place() -> Result<Place, Error> {
    if !cfg!(unix) {
        return Err(not_kept());
    }
    // Whoever starts a program with rights of its own must not choose where it writes.
    let is_lent = super::privilege::is_lent();
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty() && !is_lent);
    place_of(super::effective_user(), &variable)
}

fn place_of(user: Option<u32>, variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Place, Error> {
    // A path that is not absolute would be another in each directory.
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    if let Some(given) = variable("STATE_DIRECTORY") {
        // systemd joins several by colons.
        let first = given.to_str().and_then(|given| given.split(':').next()).map(OsString::from).unwrap_or(given);
        return match absolute(first) {
            Some(path) => Ok(Place { path, may_make: 0 }),
            None => Err(nowhere("STATE_DIRECTORY is no absolute path")),
        };
    }
    if user == Some(0) {
        return Ok(Place { path: PathBuf::from(ROOTS), may_make: 1 });
    }
    if let Some(state) = variable("XDG_STATE_HOME").and_then(absolute) {
        return Ok(Place { path: state.join("earmark"), may_make: 1 });
    }
    match variable("HOME").and_then(absolute) {
        Some(home) => Ok(Place { path: home.join(".local/state/earmark"), may_make: 3 }),
        None => Err(nowhere("there is no place for the state of the last run: neither XDG_STATE_HOME nor HOME is set")),
    }
}

/// Without owners and modes of files, who else could have written a state is not checked here; so there is none.
fn not_kept() -> Error {
    Error::Usage {
        problem: "no state of the last audit is kept on this system, and so --cron cannot say what is new".to_owned(),
        hint: "leave --cron out: audit tells everything; or compare two reports with `earmark diff`".to_owned(),
    }
}

fn nowhere(problem: &str) -> Error {
    Error::Usage { problem: problem.to_owned(), hint: "set STATE_DIRECTORY to a directory of this user".to_owned() }
}

/// A platform on which no state is kept.
#[cfg(not(unix))]
#[derive(Debug)]
pub enum Store {}

#[cfg(not(unix))]
impl Store {
    /// Always an error.
    pub fn open(_: &Place) -> Result<Self, Error> {
        Err(not_kept())
    }

    /// Nothing.
    pub fn open_existing(_: &Place) -> Result<Option<Self>, Error> {
        Ok(None)
    }

    /// Nothing can call it.
    pub fn lock(&mut self) -> Result<(), Error> {
        match *self {}
    }

    /// Nothing can call it.
    pub fn read(&self, _: usize) -> Result<Option<Vec<u8>>, Error> {
        match *self {}
    }

    /// Nothing can call it.
    pub fn write(&self, _: &[u8]) -> Result<(), Error> {
        match *self {}
    }

    /// Nothing can call it.
    pub fn set_aside(&self) -> Result<PathBuf, Error> {
        match *self {}
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn found(user: u32, variables: &[(&str, &str)]) -> Result<Place, String> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        place_of(Some(user), &variable).map_err(|error| error.to_string())
    }

    #[test]
    fn the_unit_decides_then_the_user() {
        type Variables<'a> = &'a [(&'a str, &'a str)];
        let home = ("HOME", "/home/alice");
        let cases: &[(u32, Variables<'_>, &str, usize)] = &[
            (0, &[], "/var/lib/earmark", 1),
            (0, &[("HOME", "/root"), ("XDG_STATE_HOME", "/root/state")], "/var/lib/earmark", 1),
            (0, &[("STATE_DIRECTORY", "/var/lib/private/earmark")], "/var/lib/private/earmark", 0),
            (991, &[("STATE_DIRECTORY", "/var/lib/earmark:/var/lib/more"), home], "/var/lib/earmark", 0),
            (1000, &[("XDG_STATE_HOME", "/home/alice/s"), home], "/home/alice/s/earmark", 1),
            (1000, &[("XDG_STATE_HOME", "s"), home], "/home/alice/.local/state/earmark", 3),
            (1000, &[home], "/home/alice/.local/state/earmark", 3),
        ];
        for (user, variables, path, may_make) in cases {
            let want = Place { path: PathBuf::from(path), may_make: *may_make };
            assert_eq!(found(*user, variables), Ok(want), "{user} {variables:?}");
        }
        assert!(found(1000, &[]).expect_err("nowhere").contains("HOME"));
        assert!(found(0, &[("STATE_DIRECTORY", "state")]).expect_err("nowhere").contains("STATE_DIRECTORY"));
    }
}
