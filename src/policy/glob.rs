//! Patterns for paths and names: `*` stands for anything within a part, `**` as a whole part for any parts.

use crate::model::Text;

/// A pattern. Compared byte by byte, case counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob(String);

impl Glob {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True where a path or name fits as a whole. Of a path of Windows both `\` and `/` divide the parts, in the pattern
    /// too, and case does not count.
    pub fn fits_path(&self, path: &Text) -> bool {
        if !path.is_windows_path() {
            return self.fits(path.as_bytes());
        }
        let alike = |text: &[u8]| match std::str::from_utf8(text) {
            Ok(text) => text.to_lowercase().replace('\\', "/").into_bytes(),
            Err(_) => text.to_ascii_lowercase().iter().map(|b| if *b == b'\\' { b'/' } else { *b }).collect(),
        };
        let pattern = String::from_utf8(alike(self.0.as_bytes())).map(Self);
        pattern.is_ok_and(|pattern| pattern.fits(&alike(path.as_bytes())))
    }

    /// True where a name fits as a whole, byte by byte.
    pub fn fits(&self, name: &[u8]) -> bool {
        let pattern: Vec<&[u8]> = self.0.as_bytes().split(|byte| *byte == b'/').collect();
        let parts: Vec<&[u8]> = name.split(|byte| *byte == b'/').collect();
        // Greedy with one way back, as for a star: to the last `**`.
        fits(&pattern, &parts, |one| *one == b"**", |one, part| fits_part(one, part))
    }
}

fn fits_part(pattern: &[u8], part: &[u8]) -> bool {
    fits(pattern, part, |one| *one == b'*', |one, byte| one == byte)
}

/// Wildcard matching in time of the product of both lengths at most: when a comparison fails, the last wildcard takes
/// one element more.
fn fits<P, T>(pattern: &[P], all: &[T], is_wild: impl Fn(&P) -> bool, same: impl Fn(&P, &T) -> bool) -> bool {
    let (mut at, mut next, mut back) = (0, 0, None);
    while next < all.len() {
        match pattern.get(at) {
            Some(one) if is_wild(one) => {
                back = Some((at, next));
                at += 1;
            }
            Some(one) if same(one, &all[next]) => {
                at += 1;
                next += 1;
            }
            _ => match back {
                Some((wild, taken)) => {
                    back = Some((wild, taken + 1));
                    at = wild + 1;
                    next = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(is_wild)
}

#[cfg(test)]
mod tests {
    use super::Glob;
    use proptest::prelude::*;

    fn fits(pattern: &str, name: &str) -> bool {
        Glob::new(pattern.to_owned()).fits(name.as_bytes())
    }

    #[test]
    fn a_star_stays_within_its_part() {
        for (pattern, name, want) in [
            ("/usr/sbin/sshd", "/usr/sbin/sshd", true),
            ("/usr/sbin/sshd", "/usr/sbin/sshd2", false),
            ("/usr/lib/postgresql/*/bin/postgres", "/usr/lib/postgresql/15/bin/postgres", true),
            ("/usr/lib/postgresql/*/bin/postgres", "/usr/lib/postgresql/a/b/bin/postgres", false),
            ("/opt/**/java", "/opt/app/jre/bin/java", true),
            ("/opt/**/java", "/opt/java", true),
            ("/opt/**", "/opt/x/y", true),
            ("/usr/bin/python3*", "/usr/bin/python3.11", true),
            ("*", "a/b", false),
            ("app@*.service", "app@9001.service", true),
            ("a*b*c", "aXbYbZc", true),
            ("/usr/*", "/usr/", true),
            ("", "", true),
            ("", "x", false),
            ("SSHD", "sshd", false),
        ] {
            assert_eq!(fits(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn paths_of_windows_fit_by_either_stroke_and_in_any_case() {
        let fits = |pattern: &str, path: &str| Glob::new(pattern.to_owned()).fits_path(&path.into());
        let svchost = "C:\\Windows\\System32\\svchost.exe";
        for (pattern, want) in [
            (svchost, true),
            ("c:/windows/system32/SVCHOST.EXE", true),
            ("C:\\Windows\\*\\svchost.exe", true),
            ("C:\\**\\svchost.exe", true),
            ("C:\\*\\svchost.exe", false),
            ("D:\\Windows\\System32\\svchost.exe", false),
            ("svchost.exe", false),
        ] {
            assert_eq!(fits(pattern, svchost), want, "{pattern}");
        }
        assert!(fits("C:\\Gr\u{f6}\u{df}e\\x.exe", "c:\\GR\u{d6}\u{df}E\\X.EXE"));
        assert!(!fits("/usr/sbin/SSHD", "/usr/sbin/sshd"));
        assert!(!fits("/srv/a/b", "/srv/a\\b"));
    }

    proptest! {
        #[test]
        fn it_ends_and_text_without_stars_fits_itself(name in "[a-c/]{0,30}", pattern in "[a-b*/]{0,30}") {
            prop_assert!(fits(&name, &name));
            fits(&pattern, &name);
        }
    }
}
