//! What is wrong with an overlay.

use std::fmt;

use super::fault::Fault;

/// A file of the registry that cannot be used: where, at which key, and why; never what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryError {
    /// The name of the file, as it was given.
    pub file: String,
    /// Counts from 1.
    pub line: usize,
    /// Counts characters from 1.
    pub column: usize,
    /// The key, where the fault stands at one.
    pub key: Option<String>,
    /// What is wrong.
    pub problem: String,
}

impl RegistryError {
    pub(super) fn new(file: &str, fault: Fault) -> Self {
        let Fault { line, column, key, problem } = fault;
        Self { file: file.to_owned(), line, column, key, problem }
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if let Some(key) = &self.key {
            write!(f, "key `{key}`: ")?;
        }
        f.write_str(&self.problem)
    }
}

impl std::error::Error for RegistryError {}
