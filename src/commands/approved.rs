//! The policy of this host: where its files lie, in which order they count, and whether they may be believed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::PolicyFiles;
use crate::error::Error;
use crate::policy::{Fallback, Loopback, Policy};
use crate::{rules, sys};

/// What the distribution or the vendor allows.
fn vendor() -> PathBuf {
    sys::places::vendor().join("policy.d")
}

/// What the administrator allows.
pub(super) fn host() -> PathBuf {
    sys::places::host().join("policy.d")
}

/// A directory for each role that hosts may have.
fn roles() -> PathBuf {
    sys::places::host().join("roles")
}

/// The file that names the role of this host.
fn role_file() -> PathBuf {
    sys::places::host().join("role")
}

/// The policy that its files make together; `None` where there is no file. `live` is a run that judges the host that it
/// runs on.
pub(super) fn load(args: &PolicyFiles, live: bool) -> Result<Option<Arc<Policy>>, Error> {
    // Root must not believe what others could have written.
    let trusted = live && sys::privilege::judges_with_power();
    if args.policy.is_some() {
        super::own_choice("--policy")?;
    }
    let (vendor, host) = (vendor(), host());
    let mut files = layered(&[&vendor, &host], trusted)?;
    if let Some(role) = role(args, trusted)? {
        let directory = roles().join(&role);
        let of_role = sys::input::read_dir(&directory, "toml", trusted)?;
        if of_role.is_empty() {
            return Err(Error::Usage {
                problem: format!("the role `{role}` has no policy"),
                hint: format!("put files that end in .toml into {}", directory.display()),
            });
        }
        files.extend(of_role);
    }
    if let Some(path) = &args.policy {
        files.push((path.clone(), sys::input::read_small(path, trusted)?));
    }
    if files.is_empty() {
        return Ok(None);
    }
    parse(&files).map(|policy| Some(Arc::new(policy)))
}

/// The policy of this host as [`load`] finds it, with everything required and nothing else wanted.
pub(super) fn strict(args: &PolicyFiles, live: bool) -> Result<Option<Arc<Policy>>, Error> {
    let Some(policy) = load(args, live)? else { return Ok(None) };
    Ok(Arc::into_inner(policy).map(|mut policy| {
        policy.settings.default = Fallback::Deny;
        policy.settings.loopback = Loopback::Enforce;
        policy.expects.iter_mut().for_each(|expect| expect.required = true);
        Arc::new(policy)
    }))
}

/// The text of a policy that is about to be written, judged by itself.
pub(super) fn check(path: &Path, text: String) -> Result<Policy, Error> {
    parse(&[(path.to_owned(), text)])
}

/// The policy of one file alone.
pub(super) fn alone(path: &Path) -> Result<Arc<Policy>, Error> {
    super::own_choice("--policy")?;
    parse(&[(path.to_owned(), sys::input::read_small(path, false)?)]).map(Arc::new)
}

fn parse(files: &[(PathBuf, String)]) -> Result<Policy, Error> {
    let named: Vec<(String, String)> =
        files.iter().map(|(path, text)| (path.display().to_string(), text.clone())).collect();
    Policy::parse(&named, &|rule| rules::by_name(rule).is_some()).map_err(|error| Error::Content {
        path: files.get(error.file).map(|(path, _)| path.clone()).unwrap_or_default(),
        problem: error.to_string(),
        hint: "mend the file: a broken policy judges nothing; `earmark policy check` looks at it again",
    })
}

/// The files of directories in their order. A file masks one of the same name in an earlier directory.
fn layered(directories: &[&Path], trusted: bool) -> Result<Vec<(PathBuf, String)>, Error> {
    let mut all: Vec<BTreeMap<_, _>> = Vec::new();
    for directory in directories {
        let files: BTreeMap<_, _> = sys::input::read_dir(directory, "toml", trusted)?
            .into_iter()
            .map(|(path, text)| (path.file_name().map(ToOwned::to_owned), (path, text)))
            .collect();
        for earlier in &mut all {
            earlier.retain(|name, _| !files.contains_key(name));
        }
        all.push(files);
    }
    Ok(all.into_iter().flat_map(BTreeMap::into_values).collect())
}

/// The role of this host: of the command line, or of its file.
fn role(args: &PolicyFiles, trusted: bool) -> Result<Option<String>, Error> {
    let role = match &args.role {
        Some(role) => role.clone(),
        None => match sys::input::read_small(&role_file(), trusted) {
            Ok(text) => text.trim().to_owned(),
            Err(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        },
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if role.is_empty() || role.starts_with('.') || !role.chars().all(plain) {
        return Err(Error::Usage {
            problem: "the name of a role may have letters, digits, `-`, `_` and `.`".to_owned(),
            hint: format!("--role or {} names a directory in {}", role_file().display(), roles().display()),
        });
    }
    Ok(Some(role))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the files of a test")]
mod tests {
    use super::*;

    #[test]
    fn a_file_masks_its_namesake_in_an_earlier_directory() {
        let (vendor, host) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("another"));
        for (directory, name, text) in [
            (&vendor, "10-a.toml", "1"),
            (&vendor, "20-b.toml", "2"),
            (&host, "10-a.toml", "3"),
            (&host, "05-c.toml", "4"),
        ] {
            std::fs::write(directory.path().join(name), text).expect("written");
        }
        let files = layered(&[vendor.path(), host.path()], false).expect("files");
        assert_eq!(files.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["2", "4", "3"]);
    }

    #[test]
    fn a_broken_policy_is_named_with_its_place_and_without_its_content() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("own.toml");
        std::fs::write(&path, "schema = 1\n[[expect]]\nsecret_key = \"hunter2\"\n").expect("written");
        let error = alone(&path).expect_err("broken").to_string();
        assert!(error.contains("own.toml: line 3, column 1: key `secret_key`: unknown key"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_role_is_a_name_and_no_path() {
        for role in ["../x", "", ".", "a/b", "a b"] {
            let args = PolicyFiles { policy: None, role: Some(role.to_owned()) };
            assert!(super::role(&args, false).is_err(), "{role}");
        }
        let args = PolicyFiles { policy: None, role: Some("web-1".to_owned()) };
        assert_eq!(super::role(&args, false).expect("a role").as_deref(), Some("web-1"));
    }
}
