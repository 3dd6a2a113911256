//! Numbers and names at places of a buffer that a kernel filled. Nothing is read beyond its end.

use crate::model::Text;

/// A buffer.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// So many bytes at a place.
    pub fn array<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    /// The byte at a place.
    pub fn u8(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    /// A number of 16 bits.
    pub fn u16(self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    /// A number of 16 bits in network order, as ports are kept.
    pub fn port(self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_be_bytes)
    }

    /// A number of 32 bits.
    pub fn u32(self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    /// A number of 32 bits with its sign.
    pub fn i32(self, at: usize) -> Option<i32> {
        self.array(at).map(i32::from_le_bytes)
    }

    /// A number of 64 bits.
    pub fn u64(self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    /// A part of the buffer.
    pub fn part(self, at: usize, length: usize) -> Option<Bytes<'a>> {
        self.0.get(at..at.checked_add(length)?).map(Self)
    }

    /// A name that ends with a NUL byte, or with its room.
    pub fn name(self, at: usize, room: usize) -> Option<Text> {
        let room = self.part(at, room)?.0;
        let end = room.iter().position(|byte| *byte == 0).unwrap_or(room.len());
        Some(Text::from(&room[..end]))
    }
}

/// Writes bytes at a place of a buffer, as far as there is room.
pub fn put(buffer: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(room) = at.checked_add(bytes.len()).and_then(|end| buffer.get_mut(at..end)) {
        room.copy_from_slice(bytes);
    }
}

/// The records of an answer that each begin with their length in 64 or 32 bits, and what is left where one makes no sense.
pub fn records(answer: &[u8], wide: bool) -> (Vec<&[u8]>, &[u8]) {
    let (mut records, mut rest) = (Vec::new(), answer);
    loop {
        let length = match wide {
            true => Bytes(rest).u64(0).and_then(|length| usize::try_from(length).ok()),
            false => Bytes(rest).u32(0).map(|length| length as usize),
        };
        match length.filter(|length| *length >= 8).and_then(|length| rest.split_at_checked(length)) {
            Some((record, after)) => {
                records.push(record);
                rest = after;
            }
            None => return (records, rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_is_read_beyond_the_end() {
        let bytes = Bytes(&[1, 0, 0, 0, b'a', 0, b'c']);
        assert_eq!((bytes.u32(0), bytes.u32(4), bytes.u64(usize::MAX), bytes.u8(7)), (Some(1), None, None, None));
        assert_eq!(bytes.name(4, 3), Some(Text::from("a")));
        assert_eq!((bytes.name(6, 1), bytes.name(6, 2)), (Some(Text::from("c")), None));
    }

    #[test]
    fn records_end_where_a_length_makes_no_sense() {
        let mut answer = [12u32.to_le_bytes().to_vec(), vec![7; 8], 8u32.to_le_bytes().to_vec(), vec![1; 4]].concat();
        assert_eq!(records(&answer, false).0.iter().map(|one| one.len()).collect::<Vec<_>>(), [12, 8]);
        answer[12] = 3;
        assert_eq!(records(&answer, false), (vec![&answer[..12]], &answer[12..]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_records_and_a_rest(bytes in proptest::collection::vec(any::<u8>(), 0..300), wide: bool) {
            let (records, rest) = records(&bytes, wide);
            prop_assert_eq!(records.iter().map(|one| one.len()).sum::<usize>() + rest.len(), bytes.len());
        }
    }
}
