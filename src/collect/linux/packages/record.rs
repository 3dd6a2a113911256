//! The rows of an SQLite database: <https://www.sqlite.org/fileformat2.html#record_format>.

/// A value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Integer(i64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
    /// One with a fraction.
    Other,
}

/// A number of one to nine bytes, and where it ends: seven bits a byte, and all eight of the ninth.
pub(super) fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut number = 0;
    for (place, byte) in bytes.get(at..).unwrap_or_default().iter().enumerate().take(9) {
        if place == 8 {
            return Some((number << 8 | u64::from(*byte), at + 9));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, at + place + 1));
        }
    }
    None
}

/// A value of a record.
pub(super) fn column(record: &[u8], at: usize) -> Option<Value<'_>> {
    let (end, mut place) = varint(record, 0)?;
    let mut start = usize::try_from(end).ok()?;
    for here in 0.. {
        if place as u64 >= end {
            return None;
        }
        let kind;
        (kind, place) = varint(record, place)?;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            _ => kind.checked_sub(12)? / 2,
        };
        let size = usize::try_from(size).ok()?;
        let bytes = record.get(start..)?.get(..size)?;
        if here == at {
            return Some(match kind {
                0 => Value::Null,
                8 | 9 => Value::Integer((kind == 9).into()),
                1..=6 => Value::Integer(integer(bytes)),
                7 => Value::Other,
                kind if kind % 2 == 0 => Value::Blob(bytes),
                _ => Value::Text(bytes),
            });
        }
        start += size;
    }
    None
}

/// A number with a sign, its highest byte first.
fn integer(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte))
}
