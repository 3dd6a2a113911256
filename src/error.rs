//! What can go wrong for the whole run, and how a run ends.

use std::path::PathBuf;

/// The only four ways a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Answered, clean.
    Ok = 0,
    /// No match, different, or a warning.
    Warning = 1,
    /// Critical.
    Critical = 2,
    /// Could not tell.
    Unknown = 3,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that ends the run with [`Exit::Unknown`]. Its text names file, line, column and key, never the content of
/// a line: it must not become a reader of other people's files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried: `read`, `write`, …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file was read and makes no sense.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Line, column, key and what is wrong there.
        problem: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The command line asks for something that does not exist.
    #[error("{problem}")]
    Usage {
        /// What is wrong.
        problem: String,
        /// What to do instead.
        hint: String,
    },
    /// This platform has no backend.
    #[error("collection is not supported yet on {platform}")]
    Platform {
        /// The operating system.
        platform: &'static str,
    },
    /// The output could not be delivered.
    #[error("cannot write the output: {0}")]
    Output(#[source] std::io::Error),
}

impl Error {
    /// What to do about it, in one sentence; empty where the message says it all.
    pub fn hint(&self) -> &str {
        match self {
            Self::File { action, source, .. } => hint_for(source.kind(), *action == "write"),
            Self::Output(source) => hint_for(source.kind(), true),
            Self::Content { hint, .. } => hint,
            Self::Usage { hint, .. } => hint,
            Self::Platform { .. } => "record the host with `earmark capture` there and judge it here with --from FILE",
        }
    }
}

/// What to do about a file; empty where nobody could know.
fn hint_for(kind: std::io::ErrorKind, writes: bool) -> &'static str {
    use std::io::ErrorKind;
    match kind {
        ErrorKind::PermissionDenied if writes => "run it as a user that may write there",
        ErrorKind::PermissionDenied => "run it as a user that may open this file",
        ErrorKind::NotFound if writes => "make its directory first",
        ErrorKind::NotFound => "check the path",
        ErrorKind::IsADirectory => "name a file in it",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room there, or write to another place",
        ErrorKind::FileTooLarge if !writes => {
            "a capture or a report has a few MiB: make one with `earmark capture` or `earmark --json`"
        }
        ErrorKind::TimedOut => "nothing came in time: --timeout waits longer",
        _ => "",
    }
}
