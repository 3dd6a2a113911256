//! Netlink messages as bytes, netlink(7): pure, bounds-checked, and made for one bad row to cost one row.

/// The sequence number of our requests. With type and flags it is the mark by which reading finds its place again
/// after a message whose length makes no sense.
pub const SEQUENCE: u32 = 0x6561_726d;

const HEADER: usize = 16;
const NLMSG_NOOP: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_MULTI: u16 = 2;
const NLM_F_DUMP_INTR: u16 = 16;

/// How a dump ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With `NLMSG_DONE`.
    Done,
    /// With an error number, in `NLMSG_ERROR` or inside `NLMSG_DONE`: what came before is not the whole list.
    Error(i32),
    /// Without an end: what came before is not the whole list.
    Cut,
}

/// A request for a dump: header and body.
pub fn dump_request(kind: u16, body: &[u8]) -> Vec<u8> {
    request(kind, NLM_F_DUMP, body)
}

/// A request for one thing, which the kernel ends with an acknowledgement.
pub fn single_request(kind: u16, body: &[u8]) -> Vec<u8> {
    request(kind, NLM_F_ACK, body)
}

fn request(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let length = HEADER + body.len();
    let mut request = Vec::with_capacity(length);
    request.extend_from_slice(&(length as u32).to_ne_bytes());
    request.extend_from_slice(&kind.to_ne_bytes());
    request.extend_from_slice(&(NLM_F_REQUEST | flags).to_ne_bytes());
    request.extend_from_slice(&SEQUENCE.to_ne_bytes());
    request.extend_from_slice(&0u32.to_ne_bytes());
    request.extend_from_slice(body);
    request
}

/// One attribute, rtnetlink(7): length, kind, value, padded to four bytes.
pub fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut attribute = Vec::with_capacity(4 + value.len());
    attribute.extend_from_slice(&((4 + value.len()) as u16).to_ne_bytes());
    attribute.extend_from_slice(&kind.to_ne_bytes());
    attribute.extend_from_slice(value);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

/// Reads a number at an offset, in the byte order of the host as netlink has it.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Reads a number at an offset, in the byte order of the host as netlink has it.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Reads a number at an offset, in the byte order of the host as netlink has it.
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// True where a dump's bytes hold its end: there is nothing more to receive.
pub fn is_ended(datagram: &[u8]) -> bool {
    let mut rest = datagram;
    while let (Some(length), Some(kind)) = (u32_at(rest, 0), u16_at(rest, 4)) {
        if matches!(kind, NLMSG_DONE | NLMSG_ERROR) {
            return true;
        }
        match rest.get((length as usize).max(HEADER).next_multiple_of(4)..) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    false
}

/// True where a dump says that what it tells of changed while it was made: something may be missing or twice in it.
#[cfg_attr(not(any(target_os = "linux", test)), expect(dead_code, reason = "the answer of a live kernel"))]
pub fn is_interrupted(dump: &[u8]) -> bool {
    let mut rest = dump;
    while let (Some(length), Some(flags)) = (u32_at(rest, 0), u16_at(rest, 6)) {
        if flags & NLM_F_DUMP_INTR != 0 {
            return true;
        }
        match rest.get((length as usize).max(HEADER).next_multiple_of(4)..) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    false
}

/// Hands each message of that kind to `row`, and returns how the dump ended and how many messages made no sense.
/// `row` says whether it could read its message.
pub fn each_message(dump: &[u8], kind: u16, mut row: impl FnMut(&[u8]) -> bool) -> (End, usize) {
    let mut bad = 0;
    let mut rest = dump;
    loop {
        let (Some(length), Some(this)) = (u32_at(rest, 0), u16_at(rest, 4)) else {
            return (End::Cut, bad + usize::from(!rest.is_empty()));
        };
        let length = length as usize;
        // A length that does not lead to the next of our messages is wrong, and so may be what it frames.
        let next = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        let framed = match next.len() {
            // The end, a cut, or a length that swallowed messages.
            0..HEADER => next_mark(rest, kind).is_none(),
            _ => is_mark(next, kind, 2),
        };
        let Some(body) = rest.get(HEADER..length).filter(|_| framed) else {
            bad += 1;
            match next_mark(rest, kind) {
                Some(at) => rest = &rest[at..],
                None => return (End::Cut, bad),
            }
            continue;
        };
        match this {
            NLMSG_DONE => {
                return match u32_at(body, 0).unwrap_or(0) as i32 {
                    0.. => (End::Done, bad),
                    errno => (End::Error(errno.saturating_neg()), bad),
                };
            }
            NLMSG_ERROR => return (End::Error((u32_at(body, 0).unwrap_or(0) as i32).saturating_neg()), bad),
            _ if this == kind => bad += usize::from(!row(body)),
            NLMSG_NOOP => {}
            _ => bad += 1,
        }
        rest = next;
    }
}

/// The error number that a dump ended with, in this part of it.
pub fn refusal(datagram: &[u8], kind: u16) -> Option<i32> {
    match each_message(datagram, kind, |_| true) {
        (End::Error(errno), _) => Some(errno),
        _ => None,
    }
}

/// Where the next message begins whose header is that of a row, or of the end.
fn next_mark(bytes: &[u8], kind: u16) -> Option<usize> {
    (4..bytes.len().saturating_sub(HEADER - 1)).step_by(4).find(|&at| is_mark(&bytes[at..], kind, 3))
}

/// True where at least `least` of kind, flags and sequence number are those of a row, or of the end: two after a
/// message that makes sense, so that one wrong byte does not cost its neighbour, all three to find a place again.
fn is_mark(header: &[u8], kind: u16, least: usize) -> bool {
    let this = u16_at(header, 4);
    let agreeing = [
        this == Some(kind) || this == Some(NLMSG_DONE) || this == Some(NLMSG_ERROR),
        u16_at(header, 6).is_some_and(|flags| flags & NLM_F_MULTI != 0),
        u32_at(header, 8) == Some(SEQUENCE),
    ];
    agreeing.iter().filter(|yes| **yes).count() >= least
}

/// Hands each attribute to `take`; false where they end in one whose length makes no sense.
pub fn each_attribute<'a>(bytes: &'a [u8], mut take: impl FnMut(u16, &'a [u8])) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (Some(length), Some(kind)) = (u16_at(rest, 0), u16_at(rest, 2)) else { return false };
        let Some(value) = rest.get(4..usize::from(length)) else { return false };
        // The two highest bits are flags: nested, and in network order.
        take(kind & 0x3fff, value);
        rest = rest.get(usize::from(length).next_multiple_of(4)..).unwrap_or_default();
    }
    true
}

/// The same dump with only those attributes of its rows, and of these what `keep` leaves; a row that makes no sense loses all that follows its head.
pub fn keep_attributes(
    dump: &[u8],
    kind: u16,
    (head, kept): (usize, &[u16]),
    keep: impl Fn(u16, &[u8]) -> Option<Vec<u8>>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(dump.len());
    let (end, _) = each_message(dump, kind, |row| {
        let (head, rest) = row.split_at(head.min(row.len()));
        let mut body = head.to_vec();
        each_attribute(rest, |kind, value| {
            if kept.contains(&kind)
                && let Some(value) = keep(kind, value)
            {
                body.extend_from_slice(&attribute(kind, &value));
            }
        });
        out.extend_from_slice(&message(kind, &body));
        true
    });
    out.extend_from_slice(&end_message(end));
    out
}

/// The message that ends a dump so; nothing where it was cut.
pub fn end_message(end: End) -> Vec<u8> {
    match end {
        End::Done => message(NLMSG_DONE, &0u32.to_ne_bytes()),
        End::Error(errno) => message(NLMSG_ERROR, &errno.saturating_neg().to_ne_bytes()),
        End::Cut => Vec::new(),
    }
}

/// One message of a dump.
pub fn message(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend_from_slice(&((HEADER + body.len()) as u32).to_ne_bytes());
    message.extend_from_slice(&kind.to_ne_bytes());
    message.extend_from_slice(&NLM_F_MULTI.to_ne_bytes());
    message.extend_from_slice(&SEQUENCE.to_ne_bytes());
    message.extend_from_slice(&0u32.to_ne_bytes());
    message.extend_from_slice(body);
    message.resize(message.len().next_multiple_of(4), 0);
    message
}

/// Messages for tests, as a kernel would send them.
#[cfg(test)]
pub mod assemble {
    use super::*;

    pub use super::message;

    /// The end of a dump; a negative number is an error.
    pub fn done(status: i32) -> Vec<u8> {
        message(NLMSG_DONE, &status.to_ne_bytes())
    }

    /// A refusal.
    pub fn error(errno: i32) -> Vec<u8> {
        message(NLMSG_ERROR, &(-errno).to_ne_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::assemble::{done, error, message};
    use super::*;
    use proptest::prelude::*;

    fn rows(dump: &[u8]) -> (Vec<u32>, End, usize) {
        let mut seen = Vec::new();
        let (end, bad) = each_message(dump, 20, |body| u32_at(body, 0).map(|n| seen.push(n)).is_some());
        (seen, end, bad)
    }

    fn dump_of(count: u32) -> Vec<u8> {
        (0..count).flat_map(|n| message(20, &[n.to_ne_bytes(), [7; 4]].concat())).collect()
    }

    #[test]
    fn errors_are_never_the_end_of_a_list() {
        assert_eq!(rows(&[dump_of(2), done(0)].concat()), (vec![0, 1], End::Done, 0));
        assert_eq!(rows(&[dump_of(2), done(-4)].concat()), (vec![0, 1], End::Error(4), 0));
        assert_eq!(rows(&error(2)), (vec![], End::Error(2), 0));
        assert_eq!(rows(&dump_of(2)), (vec![0, 1], End::Cut, 0));
        assert_eq!(rows(&[]), (vec![], End::Cut, 0));
    }

    #[test]
    fn a_wrong_length_costs_one_row() {
        let whole = [dump_of(5), done(0)].concat();
        for length in [0u32, 3, 15, 4000, u32::MAX] {
            let mut broken = whole.clone();
            broken[24..28].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(rows(&broken), (vec![0, 2, 3, 4], End::Done, 1), "length {length}");
        }
    }

    #[test]
    fn the_end_is_seen_while_receiving() {
        assert!(!is_ended(&dump_of(3)));
        assert!(is_ended(&[dump_of(3), done(0)].concat()));
        assert!(is_ended(&error(1)));
        assert!(!is_ended(&[1, 2, 3]));
    }

    #[test]
    fn a_dump_that_was_changed_says_so() {
        let mut dump = [dump_of(3), done(0)].concat();
        assert!(!is_interrupted(&dump));
        // The flags of the second message.
        dump[24 + 6] |= NLM_F_DUMP_INTR as u8;
        assert!(is_interrupted(&dump));
        assert_eq!(rows(&dump), (vec![0, 1, 2], End::Done, 0));
        assert!(!is_interrupted(&dump[..24 + 6]));
    }

    #[test]
    fn attributes_are_read_back() {
        let bytes = [attribute(1, b"abc"), attribute(0x8002, &[9; 8])].concat();
        let mut seen = Vec::new();
        assert!(each_attribute(&bytes, |kind, value| seen.push((kind, value.to_vec()))));
        assert_eq!(seen, [(1, b"abc".to_vec()), (2, vec![9; 8])]);
        assert!(!each_attribute(&[3, 0, 1, 0], |_, _| {}));
        assert!(!each_attribute(&[1], |_, _| {}));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            rows(&bytes);
            is_ended(&bytes);
            is_interrupted(&bytes);
            each_attribute(&bytes, |_, _| {});
        }

        #[test]
        fn every_cut_keeps_the_rows_before_it(count in 0u32..8, cut in 0usize..300) {
            let whole = [dump_of(count), done(0)].concat();
            let cut = cut.min(whole.len());
            let (seen, end, _) = rows(&whole[..cut]);
            let complete = (cut / 24).min(count as usize);
            prop_assert_eq!(seen.len(), complete);
            // The status of the end is optional: a header alone ends the list too.
            prop_assert_eq!(end == End::Done, cut >= whole.len());
        }

        #[test]
        fn one_changed_byte_costs_at_most_one_row(at in 0usize..96, value: u8) {
            let mut bytes = [dump_of(4), done(0)].concat();
            bytes[at] = value;
            // A length that leads to just another message takes what lies between for its own.
            let length = u32_at(&bytes, at / 24 * 24).unwrap_or(0).next_multiple_of(4);
            prop_assume!(length == 24 || !length.is_multiple_of(24));
            // A row that turned into an end is an end.
            prop_assume!(at % 24 != 4 || !matches!(value, 2 | 3));
            let (seen, _, _) = rows(&bytes);
            let intact = seen.iter().filter(|n| **n < 4).count();
            prop_assert!(intact >= 3, "{seen:?}");
        }
    }
}
