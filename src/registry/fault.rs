//! What is wrong with a registry file, and where.
//!
//! A fault names place and key and never what stands there: an overlay may be any file that root was talked into
//! naming.

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Counts from 1.
    pub(super) line: usize,
    /// Counts characters from 1.
    pub(super) column: usize,
    /// The key that the fault stands at, where it is one.
    pub(super) key: Option<String>,
    /// What is wrong, in words of our own.
    pub(super) problem: String,
}

/// The keys of the schema that have values which can be wrong.
const KEYS: [&str; 34] = [
    "aliases",
    "association",
    "auth",
    "category",
    "class",
    "condition",
    "confidence",
    "counterparts",
    "era",
    "evidence",
    "exposure",
    "frameworks",
    "iana_name",
    "lan",
    "loopback",
    "management",
    "name",
    "note",
    "owners",
    "plane",
    "port",
    "public",
    "reference",
    "risk",
    "security",
    "severity",
    "source",
    "successor",
    "title",
    "transport",
    "uses",
    "weakness",
    "why",
    "service",
];

impl Fault {
    /// A fault at a byte of the text, at the key whose value stands there.
    pub(super) fn at(text: &str, at: usize, problem: &str) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            key: key_of_value(before).map(str::to_owned),
            problem: problem.to_owned(),
        }
    }

    /// What the parser found. Its messages may quote the text, so only their kind is kept.
    pub(super) fn of_syntax(text: &str, error: &toml::de::Error) -> Self {
        let message = error.message();
        let is = |start: &str| message.starts_with(start);
        let at = error.span().map_or(0, |span| span.start);
        let named = || message.split('`').nth(1).filter(|name| is_bare_key(name)).map(str::to_owned);
        let (problem, key) = if is("unknown field") {
            ("unknown key", named())
        } else if is("missing field") {
            ("a key is missing", named())
        } else if is("duplicate") {
            ("a key stands twice", text.get(at..).map(bare_key).filter(|key| is_bare_key(key)).map(str::to_owned))
        } else if is("invalid type") || is("invalid value") || is("invalid length") {
            return Self::at(text, at, "wrong type of value");
        } else {
            ("this is not TOML, or not of a registry's shape", None)
        };
        Self { key, ..Self::at(text, at, problem) }
    }
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn is_bare_key(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(is_key_byte)
}

/// The bare key that a text begins with.
fn bare_key(text: &str) -> &str {
    &text[..text.bytes().take_while(|byte| is_key_byte(*byte)).count()]
}

/// The key before the last `=`: of `port = ` and of `owners = ["a", `. Only keys of the schema, so that an `=` within
/// a value makes no key of what stands before it.
fn key_of_value(before: &str) -> Option<&str> {
    let (head, _) = before.rsplit_once('=')?;
    let head = head.trim_end_matches([' ', '\t']);
    let start = head.trim_end_matches(|c: char| c.is_ascii() && is_key_byte(c as u8)).len();
    Some(&head[start..]).filter(|key| KEYS.contains(key))
}
