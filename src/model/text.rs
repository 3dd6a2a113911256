//! Bytes from the operating system that somebody else chose.

use std::fmt;

/// Text that came from outside: a process name, a path, a device, a user, a unit.
///
/// It is bytes, not UTF-8, and it has no [`fmt::Display`]: whoever prints it calls [`Text::escaped`] and so cannot
/// forget. The escape is lossless ([`Text::unescape`] gives the bytes back) and stands before any encoding of the
/// medium, because a JSON `\u001b` becomes a live escape again in `jq -r`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(Box<[u8]>);

impl Text {
    /// Wraps bytes as they came.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes as they came.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// True where there is no byte at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The last component of a path: what follows the last `/`, or the last `\` of a path of Windows.
    pub fn base_name(&self) -> &[u8] {
        let is_windows = self.is_windows_path();
        let parts = |byte: &u8| *byte == b'/' || is_windows && *byte == b'\\';
        let start = self.0.iter().rposition(parts).map_or(0, |at| at + 1);
        &self.0[start..]
    }

    /// True for a path as Windows has them: `C:\…`, `\\host\…`, `\Device\…`. Elsewhere a path begins with `/`.
    pub fn is_windows_path(&self) -> bool {
        match *self.0 {
            [b'\\', ..] => true,
            [letter, b':', b'\\' | b'/', ..] => letter.is_ascii_alphabetic(),
            _ => false,
        }
    }

    /// True for the path of a program of that name. On Windows case does not tell names apart.
    pub fn is_program(&self, name: &str) -> bool {
        match self.is_windows_path() {
            true => self.base_name().eq_ignore_ascii_case(name.as_bytes()),
            false => self.base_name() == name.as_bytes(),
        }
    }

    /// The text as printable UTF-8 for every medium: `\` is `\\`, a byte that is no UTF-8 `\xNN`, and a character that
    /// is no letter, digit, mark of punctuation or plain space (controls, bidirectional and zero-width characters,
    /// combining marks, private use, separators) `\u{…}` in hexadecimal.
    pub fn escaped(&self) -> String {
        escape(&self.0)
    }

    /// The inverse of [`Text::escaped`]; `None` where `escaped` could not have written the text.
    pub fn unescape(escaped: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(escaped.len());
        let mut rest = escaped;
        while let Some(at) = rest.find('\\') {
            bytes.extend_from_slice(&rest.as_bytes()[..at]);
            let code = &rest[at + 1..];
            if let Some(after) = code.strip_prefix('\\') {
                bytes.push(b'\\');
                rest = after;
            } else if let Some(hex) = code.strip_prefix('x') {
                bytes.push(u8::from_str_radix(hex.get(..2)?, 16).ok()?);
                rest = &hex[2..];
            } else {
                let (hex, after) = code.strip_prefix("u{")?.split_once('}')?;
                let character = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
            }
        }
        bytes.extend_from_slice(rest.as_bytes());
        Some(Self(bytes.into()))
    }
}

/// Escapes as [`Text::escaped`] does, for bytes that are not kept as a [`Text`].
fn escape(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => out.push_str("\\\\"),
                _ if is_plain(character) => out.push(character),
                _ => {
                    let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
                }
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// True for a character that takes room on a screen and cannot move or reorder what stands beside it.
fn is_plain(character: char) -> bool {
    // Letters by category that are drawn as nothing: the fillers of Hangul.
    const FILLERS: [char; 4] = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}'];
    // The standard library escapes the categories Cc, Cf, Cn, Co, Cs, Zl, Zp, Zs and combining marks.
    matches!(character, ' '..='~') || (character.escape_debug().len() == 1 && !FILLERS.contains(&character))
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escaped().replace('"', "\\x22"))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_could_move_a_cursor_or_hide_is_escaped() {
        let cases: [(&[u8], &str); 12] = [
            (b"nginx", "nginx"),
            (b"a b) (c", "a b) (c"),
            (b"x\",pid=1,fd=3", "x\",pid=1,fd=3"),
            (b"a\nLISTEN\t0", "a\\u{a}LISTEN\\u{9}0"),
            (b"\x1b[2K\x1b[1A", "\\u{1b}[2K\\u{1b}[1A"),
            (b"\xff\xfe\x7f", "\\xff\\xfe\\u{7f}"),
            ("\u{9b}31m".as_bytes(), "\\u{9b}31m"),
            ("\u{202e}gpj".as_bytes(), "\\u{202e}gpj"),
            ("a\u{200b}b\u{feff}".as_bytes(), "a\\u{200b}b\\u{feff}"),
            ("e\u{301}".as_bytes(), "e\\u{301}"),
            ("\u{3164}".as_bytes(), "\\u{3164}"),
            ("C:\\tmp Größe 日本".as_bytes(), "C:\\\\tmp Größe 日本"),
        ];
        for (bytes, want) in cases {
            assert_eq!(Text::from(bytes).escaped(), want);
        }
    }

    #[test]
    fn base_name_is_what_follows_the_last_slash() {
        assert_eq!(Text::from("/usr/sbin/sshd").base_name(), b"sshd");
        assert_eq!(Text::from("sshd").base_name(), b"sshd");
        assert_eq!(Text::from("/").base_name(), b"");
        assert_eq!(Text::from("/srv/a\\b").base_name(), b"a\\b");
        assert_eq!(Text::from("C:\\Windows\\System32\\svchost.exe").base_name(), b"svchost.exe");
        assert_eq!(Text::from("\\\\files\\share\\Run Me.exe").base_name(), b"Run Me.exe");
        assert!(Text::from("C:\\Windows\\System32\\DNS.exe").is_program("dns.exe"));
        assert!(!Text::from("/usr/sbin/DNS").is_program("dns"));
    }

    proptest! {
        #[test]
        fn escape_is_lossless_and_printable(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text = Text::new(bytes);
            let escaped = text.escaped();
            prop_assert!(escaped.chars().all(is_plain), "{escaped:?}");
            prop_assert_eq!(Text::unescape(&escaped), Some(text));
        }

        #[test]
        fn unescape_takes_anything(text in ".*") {
            let _ = Text::unescape(&text);
        }
    }
}
