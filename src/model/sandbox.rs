//! What a run has given up after it looked.

/// What a run has given up after it looked, and what it could not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// What became of the capabilities.
    pub capabilities: Capabilities,
    /// What became of the right to write, run and connect.
    pub landlock: Landlock,
    /// Threads that had not ended, and keep what they had: one that reads the memory of a process may wait in the kernel
    /// for as long as that process's file system likes. `None` where their number cannot be had.
    pub other_threads: Option<u64>,
}

/// What became of the capabilities of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capabilities {
    /// None is left, and none can be got back.
    Dropped,
    /// These are left, for the directory of the output lets its user alone write, and that is another one.
    Kept(Vec<&'static str>),
    /// The kernel, or a filter on its calls, refused to take them; the reason.
    Refused(String),
    /// This platform has none.
    Unsupported,
}

/// What became of the right to write files, run programs and open TCP connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landlock {
    /// Files can be written where the output goes and nowhere else, no program can be run, and no connection opened.
    Entered {
        /// The version of the interface whose means were used, from 1.
        abi: u32,
    },
    /// The same, less what this kernel's version of Landlock cannot hold yet.
    Partly {
        /// The version of the interface whose means were used, from 1.
        abi: u32,
    },
    /// This kernel was built without it, or a filter on system calls keeps it away.
    Absent,
    /// This kernel has it, and was started without it.
    Off,
    /// The kernel, or a filter on its calls, refused it; the reason.
    Refused(String),
    /// This platform has none.
    Unsupported,
}

impl Sandbox {
    /// True where nothing is left but the writing of the output, on every thread.
    pub fn is_whole(&self) -> bool {
        self.capabilities == Capabilities::Dropped
            && matches!(self.landlock, Landlock::Entered { .. })
            && self.other_threads == Some(0)
    }
}
