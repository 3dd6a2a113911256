//! The only folder that talks to the operating system: it asks coarse questions and returns a [`Snapshot`].
//!
//! Each platform is a folder: a thin `live.rs` that fetches bytes, and portable code that reads them. `bsd` is what macOS and
//! FreeBSD have alike.

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd", target_os = "windows")))]
mod absent;
mod bsd;
mod capture;
#[cfg_attr(not(any(target_os = "freebsd", test)), expect(dead_code, reason = "some is for a live kernel"))]
mod freebsd;
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "the requests are for a live kernel"))]
mod linux;
#[cfg_attr(not(any(target_os = "macos", test)), expect(dead_code, reason = "some is for a live kernel"))]
mod macos;
mod rename;
mod seam;
mod windows;

use std::path::Path;
use std::time::Duration;

use crate::error::Error;
use crate::model::{Snapshot, Transport};
use capture::Capture;
pub use capture::MAGIC as CAPTURE_MAGIC;
pub use rename::{Kind, Rename};
use seam::Replay;

// What looks at the host that this runs on.
cfg_select! {
    target_os = "linux" => { use linux as here; }
    target_os = "macos" => { use macos as here; }
    target_os = "freebsd" => { use freebsd as here; }
    target_os = "windows" => { use windows as here; }
    _ => { use absent as here; }
}

/// Why something could not be seen where the time of a run was over; stands in the reason of a gap.
pub const OUT_OF_TIME: &str = "the time for this run was over";

/// What a run wants to know; what it does not want is not asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The transports whose sockets are listed.
    pub transports: Vec<Transport>,
    /// Sockets too that are bound and do not listen, or have a peer.
    pub bound: bool,
    /// Addresses in TIME-WAIT too.
    pub time_wait: bool,
    /// The command lines of processes.
    pub cmdline: bool,
    /// What only a report for machines tells: the ids of the host and of its boot, the paths of cgroups.
    pub ids: bool,
    /// The packages that own the executables of owners.
    pub packages: bool,
    /// The addresses of network devices.
    pub addresses: bool,
    /// The one network namespace that is looked at: its name, its inode, or the id of a process in it.
    pub netns: Option<String>,
    /// How long the run may take.
    pub time: Option<Duration>,
}

impl Default for Ask {
    /// Listeners of every transport but unix.
    fn default() -> Self {
        let transports = Transport::ALL.into_iter().filter(|transport| *transport != Transport::Unix).collect();
        Self {
            transports,
            bound: false,
            time_wait: false,
            cmdline: false,
            ids: false,
            packages: false,
            addresses: false,
            netns: None,
            time: None,
        }
    }
}

impl Ask {
    /// All that any run could want of a capture, but command lines, which may hold secrets.
    fn everything(&self) -> Self {
        Self {
            transports: Transport::ALL.to_vec(),
            bound: true,
            time_wait: true,
            cmdline: self.cmdline,
            ids: true,
            packages: true,
            addresses: true,
            netns: None,
            time: self.time,
        }
    }
}

/// Looks at this host, or at one that a directory has the root of.
pub fn snapshot(root: Option<&Path>, ask: &Ask) -> Result<Snapshot, Error> {
    here::look(root, ask)
}

/// Looks as [`snapshot`] does, and returns the transcript of the answers.
pub fn record(root: Option<&Path>, ask: &Ask) -> Result<String, Error> {
    here::record(root, ask).map(|capture| capture.to_text())
}

/// Looks at a host through the transcript in a file of that name.
pub fn replay(capture: &[u8], path: &Path, ask: &Ask) -> Result<Snapshot, Error> {
    let (capture, platform) = read(capture, path)?;
    Ok((platform.snapshot)(&Replay::new(&capture), ask))
}

/// The transcript in a file of that name with other names for the names in it, and a heading that says so in the words
/// of `mark`. What is not understood is left out.
pub fn renamed(capture: &[u8], path: &Path, names: &mut dyn Rename, mark: &str) -> Result<String, Error> {
    let (capture, platform) = read(capture, path)?;
    let mut renamed = (platform.renamed)(&capture, names);
    renamed.heading.insert(0, mark.to_owned());
    Ok(renamed.to_text())
}

/// What a capture of a platform is read by, on any.
struct Platform {
    /// Its name at the head of a capture.
    name: &'static str,
    /// What its answers tell.
    snapshot: fn(&Replay<'_>, &Ask) -> Snapshot,
    /// The capture with other names.
    renamed: fn(&Capture, &mut dyn Rename) -> Capture,
}

/// Every platform that there is a backend for.
const PLATFORMS: &[Platform] = &[
    Platform { name: "linux", snapshot: |replay, ask| linux::snapshot(replay, ask), renamed: linux::renamed },
    Platform { name: "freebsd", snapshot: |replay, ask| freebsd::snapshot(replay, ask), renamed: freebsd::renamed },
    Platform { name: "macos", snapshot: |replay, ask| macos::snapshot(replay, ask), renamed: macos::renamed },
    Platform { name: "windows", snapshot: |replay, ask| windows::snapshot(replay, ask), renamed: windows::renamed },
];

/// Reads a transcript of a platform that is known.
fn read(capture: &[u8], path: &Path) -> Result<(Capture, &'static Platform), Error> {
    let content = |problem: String, hint| Error::Content { path: path.to_owned(), problem, hint };
    let capture = Capture::parse(capture).map_err(|malformed| {
        let problem = format!("line {}: {}", malformed.line, malformed.problem);
        content(problem, "make a capture with `earmark capture`, and pass it on unchanged")
    })?;
    match PLATFORMS.iter().find(|platform| platform.name == capture.platform) {
        Some(platform) => Ok((capture, platform)),
        None => Err(content("line 1: this platform is not known".to_owned(), "use the version that made the capture")),
    }
}
