//! Just enough of SQLite to find rows of a table by an index on text, read only.
//!
//! Source: <https://www.sqlite.org/fileformat2.html>. Of the crates that read this format without C, looked at in
//! November 2026, none fits: `sqlite-rs` 0.3 reads no index and no overflow page, `prsqlite` 0.1 is an experiment that
//! rests, `sqlite-core` 0.12 is made for forensics and brings ciphers, `inillucent-sqlite-reader` and `turso_core`
//! bring whole engines; SQLite itself, bundled, is nine megabytes of C. What is needed is one walk down two trees.
//!
//! No lock is taken, so that nothing is written: who asks compares the state of the files before and after.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::rc::Rc;

use super::record::{Value, column, varint};
use super::wal::Wal;
use super::{LARGEST_DATABASE, LARGEST_FILE, ReadAt};

/// Trees of SQLite are no deeper (`BTCURSOR_MAX_DEPTH`).
const DEEPEST: usize = 20;

/// The most rows that one key may have.
const MOST_ROWS: usize = 100_000;

/// The room for pages that are kept.
const CACHE: usize = 32 * 1024 * 1024;

/// What it costs to look at a page that was kept, where another costs its size.
const KEPT: u64 = 512;

/// Why a database cannot be read.
#[derive(Debug)]
pub(super) enum Error {
    Io(io::Error),
    Damaged(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{}", error.kind()),
            Self::Damaged(what) => f.write_str(what),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

type Result<T> = std::result::Result<T, Error>;

/// What stands where the format does not allow it.
const BROKEN: Error = Error::Damaged("its pages make no sense");

/// An open database.
pub(super) struct Database {
    file: Box<dyn ReadAt>,
    wal: Wal,
    page_size: usize,
    /// The part of a page that is used.
    usable: usize,
    cache: RefCell<HashMap<u32, Rc<[u8]>>>,
    room: Cell<u64>,
}

impl Database {
    /// Opens a database, with the content of its write-ahead log.
    pub(super) fn open(file: Box<dyn ReadAt>, wal: Vec<u8>) -> Result<Self> {
        let mut header = [0; 100];
        file.read_at(&mut header, 0)?;
        if !header.starts_with(b"SQLite format 3\0") {
            return Err(Error::Damaged("it is no SQLite database"));
        }
        let page_size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size if size >= 512 && size.is_power_of_two() => usize::from(size),
            _ => return Err(BROKEN),
        };
        let usable = page_size - usize::from(header[20]);
        // How to read it: 1 with a rollback journal, 2 with a write-ahead log.
        if usable < 480 || !matches!(header[19], 1 | 2) {
            return Err(Error::Damaged("it has a version of the format that is not known"));
        }
        if header[56..60] != [0, 0, 0, 1] {
            return Err(Error::Damaged("its text is not UTF-8"));
        }
        let wal = if header[19] == 2 { Wal::new(wal, page_size) } else { Wal::default() };
        let (cache, room) = (RefCell::default(), Cell::new(LARGEST_DATABASE));
        Ok(Self { file, wal, page_size, usable, cache, room })
    }

    /// The root page of each table and index, by name.
    pub(super) fn roots(&self) -> Result<HashMap<Vec<u8>, u32>> {
        let mut roots = HashMap::new();
        self.each_row(1, 0, &mut |record| {
            // type, name, tbl_name, rootpage, sql
            if let (Some(Value::Text(name)), Some(Value::Integer(page))) = (column(record, 1), column(record, 3))
                && let Ok(page) = u32::try_from(page)
            {
                roots.insert(name.to_vec(), page);
            }
        })?;
        Ok(roots)
    }

    /// True for a table without rows.
    pub(super) fn is_empty(&self, table: u32) -> Result<bool> {
        let page = self.btree(table)?;
        Ok(page.kind == Kind::Leaf && page.count == 0)
    }

    /// The row of a table with a number.
    pub(super) fn row(&self, table: u32, number: i64) -> Result<Option<Vec<u8>>> {
        let mut page = self.btree(table)?;
        for _ in 0..DEEPEST {
            page.expect(Tree::Table)?;
            let at = page.first(|at| Ok(self.row_cell(&page, at)?.0 >= number))?;
            if page.kind == Kind::Leaf {
                if at == page.count {
                    return Ok(None);
                }
                let (found, size, start) = self.row_cell(&page, at)?;
                return if found == number {
                    self.payload(&page, start, size, self.usable - 35).map(Some)
                } else {
                    Ok(None)
                };
            }
            page = self.btree(page.child(at)?)?;
        }
        Err(BROKEN)
    }

    /// The numbers of the rows that an index on one column of text has under a key.
    pub(super) fn rows_of(&self, index: u32, key: &[u8]) -> Result<Vec<i64>> {
        let mut rows = Vec::new();
        self.collect(index, key, 0, &mut rows)?;
        Ok(rows)
    }

    fn collect(&self, index: u32, key: &[u8], depth: usize, rows: &mut Vec<i64>) -> Result<()> {
        let page = self.btree(index)?;
        page.expect(Tree::Index)?;
        if depth > DEEPEST || rows.len() > MOST_ROWS {
            return Err(BROKEN);
        }
        // Null, then numbers, text by its bytes, blobs: the order of the format.
        let first = page.first(|at| {
            let record = self.key_cell(&page, at)?;
            Ok(match column(&record, 0) {
                Some(Value::Text(text)) => text >= key,
                Some(Value::Blob(_)) => true,
                _ => false,
            })
        })?;
        for at in first..page.count {
            if page.kind == Kind::Interior {
                self.collect(page.child(at)?, key, depth + 1, rows)?;
            }
            let record = self.key_cell(&page, at)?;
            match (column(&record, 0), column(&record, 1)) {
                (Some(Value::Text(text)), Some(Value::Integer(row))) if text == key => rows.push(row),
                _ => return Ok(()),
            }
        }
        if page.kind == Kind::Interior { self.collect(page.right()?, key, depth + 1, rows) } else { Ok(()) }
    }

    fn each_row(&self, table: u32, depth: usize, see: &mut dyn FnMut(&[u8])) -> Result<()> {
        let page = self.btree(table)?;
        page.expect(Tree::Table)?;
        if depth > DEEPEST {
            return Err(BROKEN);
        }
        for at in 0..page.count {
            match page.kind {
                Kind::Interior => self.each_row(page.child(at)?, depth + 1, see)?,
                Kind::Leaf => {
                    let (_, size, start) = self.row_cell(&page, at)?;
                    see(&self.payload(&page, start, size, self.usable - 35)?);
                }
            }
        }
        if page.kind == Kind::Interior { self.each_row(page.right()?, depth + 1, see) } else { Ok(()) }
    }

    /// The number of a row, and in a leaf the size of its record and where that starts.
    fn row_cell(&self, page: &Page, at: usize) -> Result<(i64, u64, usize)> {
        let start = page.cell(at)?;
        if page.kind == Kind::Interior {
            let (number, _) = varint(&page.bytes, start + 4).ok_or(BROKEN)?;
            return Ok((number.cast_signed(), 0, 0));
        }
        let (size, start) = varint(&page.bytes, start).ok_or(BROKEN)?;
        let (number, start) = varint(&page.bytes, start).ok_or(BROKEN)?;
        Ok((number.cast_signed(), size, start))
    }

    /// The record of a key.
    fn key_cell(&self, page: &Page, at: usize) -> Result<Vec<u8>> {
        let start = page.cell(at)? + if page.kind == Kind::Interior { 4 } else { 0 };
        let (size, start) = varint(&page.bytes, start).ok_or(BROKEN)?;
        self.payload(page, start, size, (self.usable - 12) * 64 / 255 - 23)
    }

    /// A record: what does not fit into its page is in a chain of others.
    fn payload(&self, page: &Page, start: usize, size: u64, most: usize) -> Result<Vec<u8>> {
        if size > LARGEST_FILE {
            return Err(Error::Damaged("a row is larger than any that is known"));
        }
        let size = size as usize;
        let least = (self.usable - 12) * 32 / 255 - 23;
        let local = match size {
            size if size <= most => size,
            size => Some(least + (size - least) % (self.usable - 4)).filter(|local| *local <= most).unwrap_or(least),
        };
        let mut record = slice(&page.bytes, start, local)?.to_vec();
        let mut next = if local < size { number(&page.bytes, start + local)? } else { 0 };
        while record.len() < size {
            // Seen once each: not worth keeping.
            let page = self.page(next, false)?;
            next = number(&page, 0)?;
            let left = (size - record.len()).min(self.usable - 4);
            record.extend_from_slice(slice(&page, 4, left)?);
        }
        Ok(record)
    }

    fn btree(&self, number: u32) -> Result<Page> {
        Page::new(self.page(number, true)?, number)
    }

    fn page(&self, number: u32, keep: bool) -> Result<Rc<[u8]>> {
        let kept = self.cache.borrow().get(&number).map(Rc::clone);
        // A tree or a chain may lead round and round: what is read in all is bounded.
        let cost = if kept.is_some() { KEPT } else { self.page_size as u64 };
        let left = self.room.get().checked_sub(cost);
        self.room.set(left.ok_or(Error::Damaged("it is larger than any that is known"))?);
        if let Some(page) = kept {
            return Ok(page);
        }
        let page: Rc<[u8]> = match self.wal.page(number) {
            Some(page) => page.into(),
            None => {
                let before = number.checked_sub(1).ok_or(BROKEN)?;
                let mut page = vec![0; self.page_size];
                self.file.read_at(&mut page, u64::from(before) * self.page_size as u64)?;
                page.into()
            }
        };
        if keep {
            let mut cache = self.cache.borrow_mut();
            if cache.len() >= CACHE / self.page_size {
                cache.clear();
            }
            cache.insert(number, Rc::clone(&page));
        }
        Ok(page)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tree {
    Table,
    Index,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Interior,
    Leaf,
}

/// A page of a tree.
struct Page {
    bytes: Rc<[u8]>,
    tree: Tree,
    kind: Kind,
    count: usize,
    /// Where its header begins: the first page has that of the database before.
    header: usize,
}

impl Page {
    fn new(bytes: Rc<[u8]>, number: u32) -> Result<Self> {
        let header = if number == 1 { 100 } else { 0 };
        let (tree, kind) = match slice(&bytes, header, 1)? {
            [2] => (Tree::Index, Kind::Interior),
            [5] => (Tree::Table, Kind::Interior),
            [10] => (Tree::Index, Kind::Leaf),
            [13] => (Tree::Table, Kind::Leaf),
            _ => return Err(BROKEN),
        };
        let count = short(&bytes, header + 3)?;
        Ok(Self { bytes, tree, kind, count, header })
    }

    fn expect(&self, tree: Tree) -> Result<()> {
        if self.tree == tree { Ok(()) } else { Err(BROKEN) }
    }

    /// Where a cell begins.
    fn cell(&self, at: usize) -> Result<usize> {
        let cells = self.header + if self.kind == Kind::Interior { 12 } else { 8 };
        short(&self.bytes, cells + at * 2)
    }

    /// The page before a cell; after the last cell the rightmost.
    fn child(&self, at: usize) -> Result<u32> {
        if at == self.count { self.right() } else { number(&self.bytes, self.cell(at)?) }
    }

    fn right(&self) -> Result<u32> {
        number(&self.bytes, self.header + 8)
    }

    /// The first cell for which something holds, as it does for all that follow.
    fn first(&self, holds: impl Fn(usize) -> Result<bool>) -> Result<usize> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if holds(middle)? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }
}

fn slice(bytes: &[u8], start: usize, length: usize) -> Result<&[u8]> {
    bytes.get(start..).and_then(|bytes| bytes.get(..length)).ok_or(BROKEN)
}

fn short(bytes: &[u8], at: usize) -> Result<usize> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| usize::from(u16::from_be_bytes(*bytes))).ok_or(BROKEN)
}

fn number(bytes: &[u8], at: usize) -> Result<u32> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_be_bytes(*bytes)).ok_or(BROKEN)
}
