//! The write-ahead log of an SQLite database: pages that were committed and not yet written into the database itself.
//!
//! Source: <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>. A header of 32 bytes, then frames: 24 bytes and
//! a page. A frame counts when its salts are the header's, its running checksum is right, and a frame that commits, one
//! that tells the size of the database, is it or follows it.

use std::collections::HashMap;

const HEADER: usize = 32;
const FRAME: usize = 24;

/// The pages that a log holds.
#[derive(Debug, Default)]
pub(super) struct Wal {
    bytes: Vec<u8>,
    page_size: usize,
    /// Where the last committed image of a page begins.
    pages: HashMap<u32, usize>,
}

impl Wal {
    /// Reads a log of a database with pages of a size. A log without a valid header, or of another page size, has nothing
    /// to say: so it is for SQLite too.
    pub(super) fn new(bytes: Vec<u8>, page_size: usize) -> Self {
        let pages = committed(&bytes, page_size).unwrap_or_default();
        Self { bytes, page_size, pages }
    }

    /// A page as the log has it.
    pub(super) fn page(&self, number: u32) -> Option<&[u8]> {
        let start = *self.pages.get(&number)?;
        self.bytes.get(start..start.checked_add(self.page_size)?)
    }
}

fn committed(bytes: &[u8], page_size: usize) -> Option<HashMap<u32, usize>> {
    let header = bytes.get(..HEADER)?;
    // The last bit of the magic number tells in which order the checksums take the bytes of a word.
    let word: fn([u8; 4]) -> u32 = match number(header, 0)? {
        0x377f_0682 => u32::from_le_bytes,
        0x377f_0683 => u32::from_be_bytes,
        _ => return None,
    };
    let mut sum = checksum((0, 0), &header[..24], word);
    if number(header, 4)? != 3_007_000
        || number(header, 8)? as usize != page_size
        || sum != (number(header, 24)?, number(header, 28)?)
    {
        return None;
    }
    let salts = &header[16..24];
    let (mut pages, mut open) = (HashMap::new(), Vec::new());
    let mut at = HEADER;
    for frame in bytes[HEADER..].chunks_exact(FRAME + page_size) {
        sum = checksum(checksum(sum, &frame[..8], word), &frame[FRAME..], word);
        if &frame[8..16] != salts || sum != (number(frame, 16)?, number(frame, 20)?) {
            break;
        }
        open.push((number(frame, 0)?, at + FRAME));
        if number(frame, 4)? != 0 {
            pages.extend(open.drain(..));
        }
        at += FRAME + page_size;
    }
    Some(pages)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// Two words at a time; what is left over does not occur.
fn checksum((mut one, mut two): (u32, u32), bytes: &[u8], word: fn([u8; 4]) -> u32) -> (u32, u32) {
    for pair in bytes.chunks_exact(8) {
        let [a, b, c, d, e, f, g, h] = *pair else { break };
        one = one.wrapping_add(word([a, b, c, d])).wrapping_add(two);
        two = two.wrapping_add(word([e, f, g, h])).wrapping_add(one);
    }
    (one, two)
}
