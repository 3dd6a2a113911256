//! Sizes and places in the structures of a vendor's headers, each with the C expression that must have that value.
//!
//! `tests/layout` has a file of assertions for each system, which a C compiler checks against the headers, `.ci/layouts`; a
//! test holds these files to the constants here, so that neither can change alone.

/// Constants, and in tests the list of what they stand for.
macro_rules! layout {
    ($($(#[$about:meta])* $name:ident: $kind:ty = $value:literal is $expression:literal;)*) => {
        $($(#[$about])* pub const $name: $kind = $value;)*

        /// The C expression of each constant, with its value.
        #[cfg(test)]
        pub const ASSERTED: &[(&str, i128)] = &[$(($expression, $name as i128)),*];
    };
}
pub(in crate::collect) use layout;

/// Panics unless a C file asserts just what the constants say.
#[cfg(test)]
pub fn assert_is_checked(asserted: &[(&str, i128)], file: &str) {
    let checked: Vec<&str> = file.lines().filter(|line| line.starts_with("SAME(")).collect();
    let wanted: Vec<String> =
        asserted.iter().map(|(expression, value)| format!("SAME({expression}, {value});")).collect();
    assert!(checked == wanted, "the file has to have these lines:\n{}", wanted.join("\n"));
}
