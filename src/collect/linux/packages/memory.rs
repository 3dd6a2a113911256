//! A root in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::{Files, ReadAt};

#[derive(Clone, Debug, Default)]
pub struct Memory {
    files: BTreeMap<String, Vec<u8>>,
    links: BTreeMap<String, Vec<u8>>,
    refused: BTreeSet<String>,
}

impl Memory {
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), content.into());
        self
    }

    pub fn linked(mut self, path: &str, target: &str) -> Self {
        self.links.insert(path.into(), target.into());
        self
    }

    /// A merged `/usr`, as Debian and Fedora had it first.
    pub fn merged(self) -> Self {
        self.linked("/bin", "usr/bin").linked("/sbin", "usr/sbin").linked("/lib", "usr/lib")
    }

    pub fn refused(mut self, path: &str) -> Self {
        self.refused.insert(path.into());
        self
    }

    fn get(&self, path: &str) -> io::Result<&Vec<u8>> {
        if self.refused.contains(path) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.files.get(path).ok_or(io::ErrorKind::NotFound.into())
    }
}

impl Files for Memory {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.get(path).cloned()
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        if self.refused.contains(path) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let below = format!("{path}/");
        let names =
            self.files.keys().filter_map(|file| file.strip_prefix(&below)?.split('/').next().map(str::to_owned));
        let names: BTreeSet<String> = names.collect();
        if names.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(names.into_iter().collect()) }
    }

    fn link(&self, path: &str) -> io::Result<Vec<u8>> {
        self.links.get(path).cloned().ok_or(io::ErrorKind::InvalidInput.into())
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn ReadAt>> {
        Ok(Box::new(Bytes(self.get(path)?.clone())))
    }
}

struct Bytes(Vec<u8>);

impl ReadAt for Bytes {
    fn state(&self) -> io::Result<(u64, i128)> {
        Ok((self.0.len() as u64, 0))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.0.get(offset..)).unwrap_or_default();
        buffer.copy_from_slice(rest.get(..buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
