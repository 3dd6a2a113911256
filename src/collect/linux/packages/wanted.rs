//! The paths that are looked for, by every name that a database may have recorded them with.
//!
//! On a merged root `/bin`, `/sbin` and `/lib*` are links below `/usr`, and on some `/usr/sbin` is one to `/usr/bin`;
//! packages made before that record `/sbin/x` where the kernel says `/usr/sbin/x`, and the other way round. A name counts
//! only where the root has that very link: without it the two are different files. See file-hierarchy(7), "Compatibility
//! symlinks".

use std::collections::HashMap;

use super::Files;

/// The directories that may be links.
const DIRECTORIES: [&str; 9] =
    ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr/sbin", "/usr/lib64", "/usr/lib32"];

/// Directories that are links, and where they lead in the end.
#[derive(Debug, Default)]
pub(super) struct Links(Vec<(&'static [u8], Vec<u8>)>);

impl Links {
    fn read(files: &dyn Files) -> Self {
        let mut direct: Vec<(&[u8], Vec<u8>)> = Vec::new();
        for link in DIRECTORIES {
            if let Some(target) = files.link(link).ok().and_then(|target| absolute(link, &target)) {
                direct.push((link.as_bytes(), target));
            }
        }
        let direct = Self(direct);
        let end = |(from, to): &(&'static [u8], Vec<u8>)| (*from, direct.canonical(to));
        Self(direct.0.iter().map(end).collect())
    }

    /// A path without these links.
    pub(super) fn canonical(&self, path: &[u8]) -> Vec<u8> {
        let mut path = path.to_vec();
        // A link to a link to a link: more would be a ring.
        for _ in 0..4 {
            let Some((to, rest)) = self.0.iter().find_map(|(from, to)| Some((to, below(&path, from)?))) else { break };
            path = [to, rest].concat();
        }
        path
    }

    /// Every name of a file, the canonical one first.
    pub(super) fn names(&self, path: &[u8]) -> Vec<Vec<u8>> {
        let canonical = self.canonical(path);
        let others = self.0.iter().filter_map(|(from, to)| Some([*from, below(&canonical, to)?].concat()));
        let others: Vec<_> = others.collect();
        std::iter::once(canonical).chain(others).collect()
    }
}

/// What follows a directory in a path, from the slash on; empty for the directory itself.
fn below<'a>(path: &'a [u8], directory: &[u8]) -> Option<&'a [u8]> {
    path.strip_prefix(directory).filter(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// The path that a link leads to, by its letters alone; none for the root itself.
fn absolute(link: &str, target: &[u8]) -> Option<Vec<u8>> {
    let from: &[u8] = if target.starts_with(b"/") { b"" } else { link.rsplit_once('/')?.0.as_bytes() };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in from.split(|byte| *byte == b'/').chain(target.split(|byte| *byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path: Vec<u8> = parts.iter().flat_map(|part| [b"/", *part].concat()).collect();
    Some(path).filter(|path| !path.is_empty())
}

/// The paths that are looked for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// The names of each, with the first slash; the canonical one first.
    names: Vec<Vec<Vec<u8>>>,
    pub(super) links: Links,
}

impl Wanted {
    /// Gives each path a number, the same to different names of one file; none to what is no path from the root.
    pub(super) fn new(files: &dyn Files, paths: &[&[u8]]) -> (Self, Vec<Option<usize>>) {
        let links = Links::read(files);
        let mut numbers: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut names: Vec<Vec<Vec<u8>>> = Vec::new();
        let number = |path: &&[u8]| {
            path.starts_with(b"/").then(|| {
                *numbers.entry(links.canonical(path)).or_insert_with(|| {
                    names.push(links.names(path));
                    names.len() - 1
                })
            })
        };
        let numbered = paths.iter().map(number).collect();
        (Self { names, links }, numbered)
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The names of each path.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &[Vec<u8>])> {
        self.names.iter().map(Vec::as_slice).enumerate()
    }

    /// What finds the names of all paths.
    pub(super) fn needles(&self) -> Needles {
        let mut needles = Needles::default();
        for (number, names) in self.iter() {
            names.iter().for_each(|name| needles.add(name, number));
        }
        needles
    }
}

/// Tells fast that a name of a database is none of those looked for.
#[derive(Debug)]
pub(super) struct Needles {
    numbers: HashMap<Box<[u8]>, Vec<usize>>,
    /// A bit for each length and last byte that occur: most names of a database end here.
    filter: [u64; 64],
}

impl Default for Needles {
    fn default() -> Self {
        Self { numbers: HashMap::new(), filter: [0; 64] }
    }
}

impl Needles {
    /// Adds a path with its first slash.
    pub(super) fn add(&mut self, path: &[u8], number: usize) {
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let Some(last) = path.last() else { return };
        self.filter[path.len() % 64] |= 1 << (last % 64);
        self.numbers.entry(path.into()).or_default().push(number);
    }

    /// The numbers under which a path, without its first slash, was added.
    pub(super) fn find(&self, path: &[u8]) -> &[usize] {
        let hit = path.last().is_some_and(|last| self.filter[path.len() % 64] & (1 << (last % 64)) != 0);
        if !hit {
            return &[];
        }
        self.numbers.get(path).map_or(&[], Vec::as_slice)
    }
}
