//! Paths, part by part: what a rule looks at, where a program lies and what it is called, stays.

use super::known;
use super::names::{Names, Word};
use crate::collect::Rename as _;
use crate::model::Text;

/// The path of an executable.
pub fn executable(names: &mut Names<'_>, path: &[u8]) -> Vec<u8> {
    if let Some(name) = path.strip_prefix(b"/memfd:") {
        return [b"/memfd:", &names.program(Word::Program, name)[..]].concat();
    }
    if Text::from(path).is_windows_path() {
        return of_windows(names, path);
    }
    each(names, path, |names, last| names.program(Word::Program, last))
}

/// The path of an executable of Windows. The letter of a disk stays; a share is somewhere, and so are its parts.
fn of_windows(names: &mut Names<'_>, path: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = path.split(|byte| matches!(byte, b'\\' | b'/')).collect();
    let is = |part: &[u8], name: &str| part.eq_ignore_ascii_case(name.as_bytes());
    let mut out: Vec<Vec<u8>> = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        let is_home = at == 2 && is(parts[1], "Users") && !known::is_directory_of_windows(part);
        out.push(match *part {
            b"" | b"." | b".." => part.to_vec(),
            [letter, b':'] if at == 0 && letter.is_ascii_alphabetic() => part.to_vec(),
            name if is_home => names.user(name),
            last if at + 1 == parts.len() => names.program(Word::Program, last),
            name if known::is_directory_of_windows(name) || names.is_program(name) => name.to_vec(),
            name => names.give(Word::Directory, name),
        });
    }
    out.join(&b'\\')
}

/// The path of a unix socket; an abstract name begins with a NUL byte.
pub fn socket(names: &mut Names<'_>, path: &[u8]) -> Vec<u8> {
    let (mark, path) = match path {
        [0, name @ ..] => (&[0][..], name),
        path => (&[][..], path),
    };
    [mark, &each(names, path, socket_name)].concat()
}

fn socket_name(names: &mut Names<'_>, name: &[u8]) -> Vec<u8> {
    const EXTENSIONS: [&[u8]; 3] = [b".sock", b".socket", b".ctl"];
    let extension =
        EXTENSIONS.into_iter().find(|end| name.len() > end.len() && name.ends_with(end)).unwrap_or_default();
    let stem = &name[..name.len() - extension.len()];
    let stem = match names.is_program(stem) || known::is_directory(stem) {
        true => stem.to_vec(),
        false => names.give(Word::Socket, stem),
    };
    [&stem, extension].concat()
}

/// The path that a network namespace is mounted on.
pub fn namespace(names: &mut Names<'_>, path: &[u8]) -> Vec<u8> {
    each(names, path, |names, last| names.give(Word::Namespace, last))
}

/// Changes each part of a path; the last one as `change` does.
fn each(names: &mut Names<'_>, path: &[u8], change: impl Fn(&mut Names<'_>, &[u8]) -> Vec<u8>) -> Vec<u8> {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let mut out: Vec<Vec<u8>> = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        let is_last = at + 1 == parts.len();
        let is_below = |above: &[&[u8]]| parts[..at].ends_with(above) && at <= above.len() + 1;
        out.push(match *part {
            b"" | b"." | b".." => part.to_vec(),
            // A person's home is called as that person is.
            name if is_below(&[b"", b"home"]) || is_below(&[b"", b"Users"]) || is_below(&[b"", b"usr", b"home"]) => {
                names.user(name)
            }
            id if is_below(&[b"run", b"user"]) && number(id).is_some() => {
                names.id(number(id).unwrap_or_default()).to_string().into_bytes()
            }
            last if is_last => change(names, last),
            name if known::is_directory(name) || names.is_program(name) => name.to_vec(),
            name => names.give(Word::Directory, name),
        });
    }
    out.join(&b'/')
}

/// The number of a user.
pub fn number(word: &[u8]) -> Option<u32> {
    let number: u32 = std::str::from_utf8(word).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == word).then_some(number)
}
