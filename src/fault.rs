//! What is wrong with a file that an administrator wrote, and where.
//!
//! A fault names place and key and never what stands there: an overlay or a policy may be any file that root was talked
//! into naming.

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Counts from 1.
    pub(crate) line: usize,
    /// Counts characters from 1.
    pub(crate) column: usize,
    /// The key that the fault stands at, where it is one.
    pub(crate) key: Option<String>,
    /// What is wrong, in words of our own.
    pub(crate) problem: String,
}

/// What a kind of file looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The keys that have values which can be wrong.
    pub(crate) keys: &'static [&'static str],
    /// What the file is: `a registry's`.
    pub(crate) of: &'static str,
}

impl Fault {
    /// A fault at a byte of the text, at the key whose value stands there.
    pub(crate) fn at(shape: Shape, text: &str, at: usize, problem: &str) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            key: key_of_value(shape, before).map(str::to_owned),
            problem: problem.to_owned(),
        }
    }

    /// What the parser found. Its messages may quote the text, so only their kind is kept.
    pub(crate) fn of_syntax(shape: Shape, text: &str, error: &toml::de::Error) -> Self {
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
            return Self::at(shape, text, at, "wrong type of value");
        } else {
            return Self {
                key: None,
                ..Self::at(shape, text, at, &format!("this is not TOML, or not of {} shape", shape.of))
            };
        };
        Self { key, ..Self::at(shape, text, at, problem) }
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
fn key_of_value(shape: Shape, before: &str) -> Option<&str> {
    let (head, tail) = before.rsplit_once('=')?;
    // Behind the end of its line a value goes on only within brackets.
    let open = |brackets: [char; 2]| tail.matches(brackets).count();
    if tail.contains('\n') && open(['[', '{']) <= open([']', '}']) {
        return None;
    }
    let head = head.trim_end_matches([' ', '\t']);
    let start = head.trim_end_matches(|c: char| c.is_ascii() && is_key_byte(c as u8)).len();
    Some(&head[start..]).filter(|key| shape.keys.contains(key))
}
