//! The database of pacman (Arch and its kin): `/var/lib/pacman/local`, a directory for each package.
//!
//! A directory is named `NAME-VERSION-RELEASE`, of which only the name may hold a dash, PKGBUILD(5) and
//! `_alpm_splitname` in libalpm's `util.c`. Its text `files` has sections; the lines after `%FILES%`, up to an empty one,
//! are paths without the first slash, directories with one at their end, `local_db_read` in libalpm's `be_local.c`.

use std::io::ErrorKind;

use super::wanted::{Needles, Wanted};
use super::{Answer, Files, Found, LARGEST_DATABASE, lines, unread};

const LOCAL: &str = "/var/lib/pacman/local";

/// The owners by pacman's lists.
pub(super) fn owners(files: &dyn Files, wanted: &Wanted) -> Answer {
    let mut packages = match files.list(LOCAL) {
        Ok(packages) => packages,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => return Some(Err(unread(LOCAL, &error))),
    };
    packages.retain(|name| name != "ALPM_DB_VERSION");
    packages.sort_unstable();
    let needles = wanted.needles();
    let mut found = Found { owners: vec![None; wanted.len()], ..Found::default() };
    let mut left = wanted.len();
    let mut room = LARGEST_DATABASE;
    for directory in packages {
        if left == 0 {
            break;
        }
        let Some(package) = package(&directory) else { continue };
        found.has_packages = true;
        let path = format!("{LOCAL}/{directory}/files");
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
                found.partly = Some(format!("{LOCAL} is larger than any that is known"));
                break;
            }
        };
        left -= look(&text, package, &needles, &mut found.owners);
    }
    Some(Ok(found))
}

/// Notes a package as the owner of what it has, and tells of how many it is the first.
fn look(text: &[u8], package: &str, needles: &Needles, owners: &mut [Option<String>]) -> usize {
    let mut new = 0;
    let paths = lines(text).skip_while(|line| *line != b"%FILES%").skip(1).take_while(|line| !line.is_empty());
    for number in paths.flat_map(|path| needles.find(path)) {
        if owners[*number].is_none() {
            owners[*number] = Some(package.to_owned());
            new += 1;
        }
    }
    new
}

/// The name in `NAME-VERSION-RELEASE`.
fn package(directory: &str) -> Option<&str> {
    directory.rsplitn(3, '-').nth(2).filter(|name| !name.is_empty())
}
