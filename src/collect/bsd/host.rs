//! The host and the vantage, from answers that both systems give alike.

use super::bytes::Bytes;
use crate::model::{Interface, NetNs, NetNsKind, Text, Timestamp};

/// `IFF_UP`, `IFF_LOOPBACK` of `<net/if.h>`.
const UP: u32 = 0x1;
const LOOPBACK: u32 = 0x8;

/// A string that sysctl(3) answered, without the NUL byte at its end.
pub fn text(answer: &[u8]) -> Option<Text> {
    let text = answer.strip_suffix(&[0]).unwrap_or(answer);
    (!text.is_empty()).then(|| Text::from(text))
}

/// A number of 32 bits that sysctl(3) answered, where it is a port.
pub fn port(answer: &[u8]) -> Option<u16> {
    Bytes(answer).u32(0)?.try_into().ok()
}

/// When a run looked: milliseconds since 1970, decimal.
pub fn clock(answer: &[u8]) -> Option<Timestamp> {
    std::str::from_utf8(answer).ok()?.trim_end().parse().ok().map(Timestamp)
}

/// The user in an answer `uid NUMBER`.
pub fn uid(answer: &[u8]) -> Option<u32> {
    std::str::from_utf8(answer).ok()?.trim_end().strip_prefix("uid ")?.parse().ok()
}

/// 32 hexadecimal digits, and nothing else.
pub fn host_id(answer: &[u8]) -> Option<String> {
    let id = std::str::from_utf8(answer).ok()?.trim_end();
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
}

/// The one network namespace that there is, or the one of this jail; `links` are lines `INDEX FLAGS NAME`, the flags
/// hexadecimal and the name escaped.
pub fn network(links: Option<&[u8]>) -> NetNs {
    let interface = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let (index, flags) = (words.next()?.parse().ok()?, u32::from_str_radix(words.next()?, 16).ok()?);
        let (up, loopback) = (flags & UP != 0, flags & LOOPBACK != 0);
        Some(Interface { index, name: Text::unescape(words.next()?)?, up, loopback, made_in: None, tunnel: None })
    };
    // A line that makes no sense may be the one device that leads outward.
    let interfaces = links.and_then(|links| std::str::from_utf8(links).ok()?.lines().map(interface).collect());
    NetNs { inode: None, name: None, kind: NetNsKind::Host, interfaces, addresses: None }
}

/// The instant that seconds and microseconds since 1970 make.
pub fn instant(seconds: u64, microseconds: u64) -> Option<(u64, Timestamp)> {
    let ticks = seconds.checked_mul(1_000_000)?.checked_add(microseconds)?;
    // What a report may tell; and 1970 is no start of a process.
    (ticks > 0 && ticks < 1 << 53).then(|| (ticks, Timestamp((ticks / 1000).cast_signed())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_or_not_known() {
        assert_eq!(text(b"24.1.0\0"), Some(Text::from("24.1.0")));
        assert_eq!(
            (text(b"\0"), port(&[0, 0xc0, 0, 0]), port(&[0, 0, 1, 0]), port(&[1])),
            (None, Some(49152), None, None)
        );
        assert_eq!((clock(b"1795217356304\n"), clock(b"now")), (Some(Timestamp(1_795_217_356_304)), None));
        assert_eq!((uid(b"uid 501\n"), uid(b"501"), host_id(b"0")), (Some(501), None, None));
        assert_eq!(instant(1_795_217_356, 5), Some((1_795_217_356_000_005, Timestamp(1_795_217_356_000))));
        assert_eq!((instant(0, 0), instant(u64::MAX, 0), instant(1 << 34, 0)), (None, None, None));
    }

    #[test]
    fn links_are_read_whole_or_not_at_all() {
        let netns = network(Some(b"1 8049 lo0\n4 8863 en0\n"));
        let told: Vec<_> =
            netns.interfaces.expect("links").into_iter().map(|link| (link.index, link.loopback)).collect();
        assert_eq!(told, [(1, true), (4, false)]);
        assert_eq!(network(Some(b"1 8049 lo0\nx\n")).interfaces, None);
        assert_eq!(network(None).interfaces, None);
    }
}
