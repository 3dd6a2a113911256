//! The database of RPM (Fedora, RHEL 9 and later, Amazon Linux 2023, Azure Linux, Mageia): `rpmdb.sqlite`, since RPM 4.16.
//!
//! - Tables, `lib/backend/sqlite.c`: `Packages(hnum, blob)` holds the header of each package under its number;
//!   `Basenames(key, hnum, idx)` and `Dirnames` tell by an index on `key` which headers have a name, and as which of
//!   their files. They are read with [`sqlite`](super::sqlite).
//! - A header, "RPM V4 Package format" in RPM's manual and `lib/header.c`: the number of entries and the size of the
//!   data, entries of tag, type, offset and count, then the data, all numbers with their highest byte first.
//! - A path is a name and the directory that its index tells; of `FILESTATES` only files that are installed count, as for
//!   `rpm -qf` (`RPMFILE_IS_INSTALLED`, `lib/rpmdb.c`).
//!
//! The databases before, Berkeley DB (RHEL 8 and earlier), and NDB (openSUSE), are not read.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::ErrorKind;

use super::record::{Value, column};
use super::sqlite::{Database, Error};
use super::wanted::Wanted;
use super::{Answer, Files, Found, unread};

/// Where the database may be: since Fedora 36 and on SUSE, before, on systems made with rpm-ostree.
const PLACES: [&str; 3] = ["/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm"];

/// Kinds of databases that are not read.
const OTHERS: [(&str, &str); 2] = [
    ("Packages.db", "its database is an NDB, which this program does not read"),
    ("Packages", "its database is a Berkeley DB, which this program does not read"),
];

/// How often a database is read again that was changed meanwhile.
const READINGS: u32 = 3;

const NAME: (u32, u32) = (1000, 6);
const FILE_STATES: u32 = 1029;
const DIR_INDEXES: (u32, u32) = (1116, 4);
const BASE_NAMES: (u32, u32) = (1117, 8);
const DIR_NAMES: (u32, u32) = (1118, 8);

/// The owners by RPM's database.
pub(super) fn owners(files: &dyn Files, wanted: &Wanted) -> Answer {
    for place in PLACES {
        let path = format!("{place}/rpmdb.sqlite");
        match files.open(&path) {
            Ok(_) => return Some(read(files, &path, wanted).map_err(|why| format!("{path}: {why}"))),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Some(Err(unread(&path, &error))),
        }
    }
    for place in PLACES {
        for (name, why) in OTHERS {
            match files.open(&format!("{place}/{name}")) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                _ => return Some(Err(why.into())),
            }
        }
    }
    None
}

/// Reads until nothing was changed meanwhile.
fn read(files: &dyn Files, path: &str, wanted: &Wanted) -> Result<Found, String> {
    let log = format!("{path}-wal");
    // While pages are changed, a journal has their former content; it is emptied or removed when that is done.
    let journal = format!("{path}-journal");
    let state = |path: &str| match files.open(path).and_then(|file| file.state()) {
        Ok(state) => Ok(Some(state)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unread(path, &error)),
    };
    let states = || Ok::<_, String>([state(path)?, state(&log)?, state(&journal)?]);
    let mut before = states()?;
    for _ in 0..READINGS {
        if before[2].is_some_and(|(size, _)| size > 0) {
            return Err("a change of it was begun and not ended".into());
        }
        let wal = match before[1] {
            Some((size, _)) if size > 0 => files.read(&log).map_err(|error| unread(&log, &error))?,
            _ => Vec::new(),
        };
        let file = files.open(path).map_err(|error| unread(path, &error))?;
        let found = Database::open(file, wal).and_then(|database| look(&database, wanted));
        let after = states()?;
        if before == after {
            return found.map_err(|error| error.to_string());
        }
        before = after;
    }
    Err("it is changed while it is read".into())
}

fn look(database: &Database, wanted: &Wanted) -> Result<Found, Error> {
    let roots = database.roots()?;
    let root = |name: &str| {
        roots.get(name.as_bytes()).copied().ok_or(Error::Damaged("it lacks a table or an index that RPM makes"))
    };
    let packages = root("Packages")?;
    let names = Index { database, table: root("Basenames")?, index: root("Basenames_key_idx")? };
    let directories = Index { database, table: root("Dirnames")?, index: root("Dirnames_key_idx")? };
    let has_packages = !database.is_empty(packages)?;
    let mut found = Found { owners: vec![None; wanted.len()], has_packages, partly: None };

    // Which files of which headers have the name of which path.
    let mut headers: BTreeMap<i64, Vec<(usize, usize)>> = BTreeMap::new();
    let mut have: HashMap<&[u8], BTreeSet<i64>> = HashMap::new();
    for (path, aliases) in wanted.iter() {
        let Some((_, name)) = aliases.first().and_then(|name| split(name)) else { continue };
        // Most directories of other people's files no package has; the names in them may be those of thousands of files.
        let mut in_directory = BTreeSet::new();
        for directory in aliases.iter().filter_map(|alias| Some(split(alias)?.0)) {
            let known = match have.entry(directory) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    new.insert(directories.rows(directory)?.into_iter().map(|(header, _)| header).collect())
                }
            };
            in_directory.extend(known.iter().copied());
        }
        if in_directory.is_empty() {
            continue;
        }
        let rows = names.rows(name)?.into_iter().filter(|(header, _)| in_directory.contains(header));
        for (header, file) in rows {
            headers.entry(header).or_default().push((path, file));
        }
    }
    let names: Vec<&[Vec<u8>]> = wanted.iter().map(|(_, names)| names).collect();
    for (header, files) in headers {
        if files.iter().all(|(path, _)| found.owners[*path].is_some()) {
            continue;
        }
        let row = database.row(packages, header)?.unwrap_or_default();
        let header = match column(&row, 1) {
            Some(Value::Blob(blob)) => Header::new(blob),
            _ => None,
        };
        for (path, file) in files {
            let told = header.as_ref().and_then(|header| Some((header.path(file)?, header.name()?, header)));
            let Some((there, name, header)) = told else {
                found.partly = Some("the header of a package makes no sense".into());
                continue;
            };
            if names[path].contains(&there) && header.is_installed(file) && found.owners[path].is_none() {
                found.owners[path] = Some(name);
            }
        }
    }
    Ok(found)
}

/// A table of RPM's and the index on its key.
struct Index<'a> {
    database: &'a Database,
    table: u32,
    index: u32,
}

impl Index<'_> {
    /// The number of the header and the number within it, of each row with a key.
    fn rows(&self, key: &[u8]) -> Result<Vec<(i64, usize)>, Error> {
        let mut rows = Vec::new();
        for row in self.database.rows_of(self.index, key)? {
            let record = self.database.row(self.table, row)?.unwrap_or_default();
            if let (Some(Value::Integer(header)), Some(Value::Integer(at))) = (column(&record, 1), column(&record, 2))
                && let Ok(at) = usize::try_from(at)
            {
                rows.push((header, at));
            }
        }
        Ok(rows)
    }
}

/// A directory with the slash at its end, and a name in it.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = memchr::memrchr(b'/', path)?;
    Some(path.split_at(slash + 1)).filter(|(_, name)| !name.is_empty())
}

/// The header of a package.
#[derive(Debug)]
struct Header<'a> {
    entries: &'a [[u8; 16]],
    data: &'a [u8],
}

impl<'a> Header<'a> {
    fn new(blob: &'a [u8]) -> Option<Self> {
        let (numbers, rest) = blob.split_first_chunk::<8>()?;
        let [entries, size] = [0, 4].map(|at| word(numbers, at));
        let length = usize::try_from(entries?).ok()?.checked_mul(16)?;
        let (entries, _) = rest.get(..length)?.as_chunks();
        let data = rest.get(length..)?.get(..usize::try_from(size?).ok()?)?;
        Some(Self { entries, data })
    }

    /// The data of a tag from its start on, with its type and the count of its values.
    fn find(&self, tag: u32) -> Option<(u32, usize, &'a [u8])> {
        let entry = self.entries.iter().find(|entry| word(*entry, 0) == Some(tag))?;
        let [kind, offset, count] = [4, 8, 12].map(|at| word(entry, at));
        let data = self.data.get(usize::try_from(offset?).ok()?..)?;
        Some((kind?, usize::try_from(count?).ok()?, data))
    }

    fn typed(&self, (tag, kind): (u32, u32)) -> Option<(usize, &'a [u8])> {
        self.find(tag).filter(|(found, ..)| *found == kind).map(|(_, count, data)| (count, data))
    }

    /// One of several strings, each of which ends with a zero.
    fn string(&self, tag: (u32, u32), at: usize) -> Option<&'a [u8]> {
        let (count, data) = self.typed(tag)?;
        let mut start = 0;
        let mut ends = memchr::memchr_iter(0, data);
        if at >= count {
            return None;
        }
        for _ in 0..at {
            start = ends.next()? + 1;
        }
        data.get(start..ends.next()?)
    }

    /// The path of a file.
    fn path(&self, file: usize) -> Option<Vec<u8>> {
        let (count, indexes) = self.typed(DIR_INDEXES)?;
        let directory = Some(file).filter(|file| *file < count).and_then(|file| word(indexes, file.checked_mul(4)?))?;
        let directory = self.string(DIR_NAMES, usize::try_from(directory).ok()?)?;
        Some([directory, self.string(BASE_NAMES, file)?].concat())
    }

    /// False for a file that another package replaced, or that was left out when its package was installed.
    fn is_installed(&self, file: usize) -> bool {
        match self.find(FILE_STATES) {
            // Normal, and shared over the network. Characters or small numbers, one byte each.
            Some((1 | 2, count, states)) if file < count => matches!(states.get(file), Some(0 | 3)),
            _ => true,
        }
    }

    fn name(&self) -> Option<String> {
        self.string(NAME, 0).map(|name| String::from_utf8_lossy(name).into_owned())
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
