//! The database of apk (Alpine, Wolfi, postmarketOS): one text, `lib/apk/db/installed`, or below `/usr` on a root that
//! was merged.
//!
//! A package is a block of lines that ends with an empty one; a line is a letter, a colon and a value. Of these count
//! `P:` the name of the package, `F:` a directory without the first slash (empty for the root), and `R:` a file in the
//! directory last named, apk-tools' `src/database.c` (`apk_db_read_state`, `apk_db_fdb_read`) and the page "Apk spec"
//! of Alpine's wiki.

use std::io::ErrorKind;

use super::wanted::Wanted;
use super::{Answer, Files, Found, lines, unread};

const INSTALLED: [&str; 2] = ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];

/// The owners by apk's text.
pub(super) fn owners(files: &dyn Files, wanted: &Wanted) -> Answer {
    for path in INSTALLED {
        match files.read(path) {
            Ok(text) => return Some(Ok(look(&text, wanted))),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Some(Err(unread(path, &error))),
        }
    }
    None
}

fn look(text: &[u8], wanted: &Wanted) -> Found {
    let needles = wanted.needles();
    let mut found = Found { owners: vec![None; wanted.len()], ..Found::default() };
    let mut left = wanted.len();
    let mut package: &[u8] = b"";
    // The path of a file, of which the directory stays.
    let mut path = Vec::with_capacity(256);
    let mut directory = 0;
    for line in lines(text) {
        match line {
            [] => (package, directory) = (b"", 0),
            [b'P', b':', name @ ..] => {
                found.has_packages = true;
                package = name;
            }
            [b'F', b':', name @ ..] => {
                path.clear();
                path.extend_from_slice(name);
                if !name.is_empty() {
                    path.push(b'/');
                }
                directory = path.len();
            }
            [b'R', b':', name @ ..] if !package.is_empty() => {
                path.truncate(directory);
                path.extend_from_slice(name);
                for number in needles.find(&path) {
                    let owner = &mut found.owners[*number];
                    if owner.is_none() {
                        *owner = Some(String::from_utf8_lossy(package).into_owned());
                        left -= 1;
                    }
                }
                if left == 0 {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}
