//! The database of dpkg (Debian, Ubuntu and their kin): `/var/lib/dpkg`.
//!
//! - `info/PACKAGE.list`, or `info/PACKAGE:ARCH.list` where several architectures may be installed: a path a line, with
//!   directories, dpkg-query(1) and deb-md5sums(5), `write_filelist_except` in dpkg's `lib/dpkg/db-fsys-files.c`.
//!   Of a package that was removed but not purged it holds the configuration files alone.
//! - `diversions`: three lines each, the path as packages name it, where it lies, and the package for whose sake, or `:`
//!   for the administrator's, dpkg-divert(1) and `lib/dpkg/db-fsys-divert.c`. The files of all other packages lie at
//!   the second path.

use std::io::ErrorKind;

use super::wanted::{Needles, Wanted};
use super::{Answer, Files, Found, LARGEST_DATABASE, lines, unread};

const LISTS: &str = "/var/lib/dpkg/info";
const DIVERSIONS: &str = "/var/lib/dpkg/diversions";

/// A name of a path in the lists, and whose lists count.
#[derive(Debug)]
struct Candidate {
    path: usize,
    of: Of,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Of {
    Any,
    Only(Vec<u8>),
    Except(Vec<u8>),
}

impl Of {
    fn holds(&self, package: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(one) => one == package.as_bytes(),
            Self::Except(one) => one != package.as_bytes(),
        }
    }
}

/// The owners by dpkg's lists.
pub(super) fn owners(files: &dyn Files, wanted: &Wanted) -> Answer {
    let mut lists = match files.list(LISTS) {
        Ok(lists) => lists,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => return Some(Err(unread(LISTS, &error))),
    };
    lists.retain(|name| name.ends_with(".list"));
    // Where two packages have one path, the order of the directory must not decide.
    lists.sort_unstable();
    let diversions = match files.read(DIVERSIONS) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Some(Err(unread(DIVERSIONS, &error))),
    };
    let (needles, candidates) = candidates(wanted, &diversions);
    let mut found = Found { owners: vec![None; wanted.len()], has_packages: !lists.is_empty(), ..Found::default() };
    let mut left = wanted.len();
    let mut room = LARGEST_DATABASE;
    for name in lists {
        if left == 0 {
            break;
        }
        let Some(package) = package(&name) else { continue };
        let path = format!("{LISTS}/{name}");
        let text = match files.read(&path) {
            Ok(text) => text,
            // Removed since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => {
                found.partly.get_or_insert_with(|| unread(&path, &error));
                continue;
            }
        };
        room = match room.checked_sub(text.len() as u64) {
            Some(room) => room,
            None => {
                found.partly = Some(format!("{LISTS} is larger than any that is known"));
                break;
            }
        };
        for line in lines(&text) {
            let Some(line) = line.strip_prefix(b"/") else { continue };
            for number in needles.find(line) {
                let candidate = &candidates[*number];
                let owner = &mut found.owners[candidate.path];
                if owner.is_none() && candidate.of.holds(package) {
                    *owner = Some(package.to_owned());
                    left -= 1;
                }
            }
        }
    }
    Some(Ok(found))
}

/// The package that a list is of, without its architecture.
fn package(list: &str) -> Option<&str> {
    let name = list.strip_suffix(".list")?;
    name.split(':').next().filter(|name| !name.is_empty())
}

/// The names to look for in the lists.
fn candidates(wanted: &Wanted, diversions: &[u8]) -> (Needles, Vec<Candidate>) {
    let mut diverted = Vec::new();
    let mut rest = lines(diversions);
    while let (Some(from), Some(to), Some(package)) = (rest.next(), rest.next(), rest.next()) {
        diverted.push((wanted.links.canonical(from), wanted.links.canonical(to), package));
    }
    let mut needles = Needles::default();
    let mut candidates = Vec::new();
    let mut add = |names: &[Vec<u8>], path, of: Of| {
        for name in names {
            needles.add(name, candidates.len());
            candidates.push(Candidate { path, of: of.clone() });
        }
    };
    for (path, names) in wanted.iter() {
        let Some(canonical) = names.first() else { continue };
        let away = diverted.iter().find(|(from, ..)| from == canonical);
        add(names, path, away.map_or(Of::Any, |(.., package)| Of::Only(package.to_vec())));
        for (from, _, package) in diverted.iter().filter(|(_, to, _)| to == canonical) {
            add(&wanted.links.names(from), path, Of::Except(package.to_vec()));
        }
    }
    (needles, candidates)
}
