//! A name to compare with; `*` stands for anything.

use crate::model::Text;

/// What the kernel cuts the name of a process to.
const COMM_LENGTH: usize = 15;

/// A name to compare with.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    any_case: bool,
}

impl Pattern {
    /// A name, compared in any case or to the letter.
    pub(super) fn new(text: &str, any_case: bool) -> Self {
        Self { text: if any_case { text.to_ascii_lowercase() } else { text.to_owned() }, any_case }
    }

    /// The name.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// True where it stands for more than one name.
    pub(super) fn is_glob(&self) -> bool {
        self.text.contains('*')
    }

    /// Compares with text of ours.
    pub(super) fn fits(&self, name: &str) -> bool {
        self.fits_bytes(name.as_bytes())
    }

    /// Compares with text from outside, as it is and as it is shown.
    pub(super) fn fits_text(&self, text: &Text) -> bool {
        self.fits_bytes(text.as_bytes()) || (self.text.contains('\\') && self.fits(&text.escaped()))
    }

    /// Compares with the name of a process, which the kernel cuts short.
    pub(super) fn fits_comm(&self, comm: &Text) -> bool {
        let cut = comm.as_bytes().len() == COMM_LENGTH && self.text.len() > COMM_LENGTH && !self.is_glob();
        match self.text.as_bytes().get(..COMM_LENGTH).filter(|_| cut) {
            Some(start) => self.same(start, comm.as_bytes()),
            None => self.fits_text(comm),
        }
    }

    /// Compares with the name of a unit; one without a type is a service, as for systemctl.
    pub(super) fn fits_unit(&self, unit: &Text) -> bool {
        let stem = unit.as_bytes().strip_suffix(b".service");
        self.fits_text(unit) || stem.is_some_and(|stem| self.fits_bytes(stem))
    }

    fn same(&self, one: &[u8], other: &[u8]) -> bool {
        if self.any_case { one.eq_ignore_ascii_case(other) } else { one == other }
    }

    fn fits_bytes(&self, name: &[u8]) -> bool {
        let mut parts = self.text.as_bytes().split(|byte| *byte == b'*');
        let (Some(first), Some(last)) = (parts.next(), parts.next_back()) else {
            return self.same(self.text.as_bytes(), name);
        };
        if name.len() < first.len() + last.len() {
            return false;
        }
        let (start, rest) = name.split_at(first.len());
        let (mut middle, end) = rest.split_at(rest.len() - last.len());
        if !self.same(first, start) || !self.same(last, end) {
            return false;
        }
        // Between its ends, the leftmost place of each part leaves the most room for the next.
        for part in parts.filter(|part| !part.is_empty()) {
            match middle.windows(part.len()).position(|window| self.same(part, window)) {
                Some(at) => middle = &middle[at + part.len()..],
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;
    use crate::model::Text;

    #[test]
    fn stars_stand_for_anything() {
        let cases = [
            ("nginx", "nginx", true),
            ("NGINX", "nginx", true),
            ("nginx", "nginx2", false),
            ("python*", "python3.11", true),
            ("*sql*", "mysqld", true),
            ("*sql*", "mongod", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "ac", false),
            ("ab*ba", "aba", false),
            ("*", "", true),
            ("**", "x", true),
            ("", "", true),
            ("", "x", false),
        ];
        for (pattern, name, want) in cases {
            assert_eq!(Pattern::new(pattern, true).fits(name), want, "{pattern} {name}");
        }
        assert!(!Pattern::new("Root", false).fits("root"));
    }

    #[test]
    fn names_of_processes_and_units_are_found_by_what_people_write() {
        assert!(Pattern::new("systemd-resolved", true).fits_comm(&Text::from("systemd-resolve")));
        assert!(!Pattern::new("systemd-network", true).fits_comm(&Text::from("systemd-resolve")));
        assert!(Pattern::new("ssh", true).fits_unit(&Text::from("ssh.service")));
        assert!(Pattern::new("ssh.service", true).fits_unit(&Text::from("ssh.service")));
        assert!(!Pattern::new("ssh", true).fits_unit(&Text::from("ssh.socket")));
        assert!(Pattern::new("a\\u{a}", false).fits_text(&Text::from("a\n")));
    }
}
