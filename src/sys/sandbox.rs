//! Giving up, once the host was looked at, every right that the rest of a run has no use for.
//!
//! What follows collection works on names that others chose: it judges them, and prints them. It needs no capability for
//! that, and writes nothing but its output. Before collection the same would blind the run: Landlock lets nobody look at a
//! process outside its own domain, whatever capabilities it has, and so hides every owner.

use std::path::Path;

use crate::model::Sandbox;

/// Drops every capability and enters Landlock, where files may be written in `writable` (directories that exist, and all
/// below them) and nowhere else; what is open stays open. It cannot be undone, and it holds for the calling thread and
/// those that it starts: call it when the threads of collection have ended. It never fails: what could not be had is in the
/// answer.
///
/// What writing in one of `writable` takes is kept where its user alone may write there and that is another one. Open what
/// is to be written to, and give it its owner, before: see [`super::output::prepare`].
pub fn enter(writable: &[&Path]) -> Sandbox {
    cfg_select! {
        target_os = "linux" => linux::enter(writable, linux::Bounding::Emptied),
        _ => unsupported(writable),
    }
}

/// The same in a quarter of the time: about 20 µs for root instead of 75, in a run that takes 4 ms.
///
/// It leaves the bounding set as it is, which can be emptied only by 41 calls, and which means nothing any more to a thread
/// that has no capabilities, may gain none by running a program, and may run none.
pub fn enter_in_haste(writable: &[&Path]) -> Sandbox {
    cfg_select! {
        target_os = "linux" => linux::enter(writable, linux::Bounding::Left),
        _ => unsupported(writable),
    }
}

#[cfg(not(target_os = "linux"))]
fn unsupported(_: &[&Path]) -> Sandbox {
    use crate::model::{Capabilities, Landlock};
    Sandbox { capabilities: Capabilities::Unsupported, landlock: Landlock::Unsupported, other_threads: None }
}

/// True where this thread has a capability to lose.
pub fn is_privileged() -> bool {
    cfg_select! {
        target_os = "linux" => rustix::thread::capabilities(None).is_ok_and(|held| !held.permitted.is_empty()),
        _ => false,
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;
    use std::time::Duration;

    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, LandlockStatus, PathBeneath, PathFd, RestrictionStatus, Ruleset,
        RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
    };
    use rustix::fs::{Access, AtFlags, CWD, StatxFlags};
    use rustix::io::Errno;
    use rustix::thread::{CapabilitySet, CapabilitySets};

    use crate::model::{Capabilities, Landlock, Sandbox};

    /// The newest interface whose means are used; an older kernel holds what it can.
    const NEWEST: ABI = ABI::V6;

    /// What becomes of the bounding set.
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(super) enum Bounding {
        Emptied,
        Left,
    }

    pub(super) fn enter(writable: &[&Path], bounding: Bounding) -> Sandbox {
        let other_threads = match bounding {
            Bounding::Emptied => other_threads(),
            // There is no time to wait for those that are on their way out.
            Bounding::Left => None,
        };
        // First: it opens the directories, which may take the capabilities.
        let landlock = enter_landlock(writable).map_or_else(|error| Landlock::Refused(reason(&error)), of);
        let capabilities = match drop_capabilities(writable, bounding) {
            Ok(kept) if kept.is_empty() => Capabilities::Dropped,
            Ok(kept) => Capabilities::Kept(kept.iter_names().filter_map(|(name, _)| name_of(name)).collect()),
            Err(errno) => Capabilities::Refused(errno.to_string()),
        };
        Sandbox { capabilities, landlock, other_threads }
    }

    fn enter_landlock(writable: &[&Path]) -> Result<RestrictionStatus, RulesetError> {
        // A file is put in the place of another under a name that nobody can foresee: made, written, renamed.
        let write = AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::RemoveFile;
        let rules = writable.iter().filter_map(|path| {
            // What is not there now cannot be written to, with or without a rule.
            Some(Ok::<_, RulesetError>(PathBeneath::new(PathFd::new(path).ok()?, write)))
        });
        Ruleset::default()
            .handle_access(AccessFs::from_write(NEWEST) | AccessFs::Execute)?
            .handle_access(AccessNet::from_all(NEWEST))?
            .scope(Scope::from_all(NEWEST))?
            .create()?
            .add_rules(rules)?
            .restrict_self()
    }

    fn of(status: RestrictionStatus) -> Landlock {
        let LandlockStatus::Available { effective_abi, .. } = status.landlock else {
            return match status.landlock {
                LandlockStatus::NotEnabled => Landlock::Off,
                _ => Landlock::Absent,
            };
        };
        let abi = effective_abi as u32;
        match status.ruleset {
            RulesetStatus::FullyEnforced => Landlock::Entered { abi },
            RulesetStatus::PartiallyEnforced => Landlock::Partly { abi },
            RulesetStatus::NotEnforced => Landlock::Refused("it was not enforced".to_owned()),
        }
    }

    fn reason(error: &RulesetError) -> String {
        // The innermost error is what the kernel said.
        let mut error: &dyn std::error::Error = error;
        while let Some(source) = error.source() {
            error = source;
        }
        error.to_string()
    }

    /// Drops the capabilities, and answers which were kept for writing.
    fn drop_capabilities(writable: &[&Path], bounding: Bounding) -> Result<CapabilitySet, Errno> {
        let held = rustix::thread::capabilities(None)?;
        // Emptying the bounding set takes a capability itself.
        if bounding == Bounding::Emptied && held.effective.contains(CapabilitySet::SETPCAP) {
            for at in 0..u64::BITS {
                match rustix::thread::remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << at)) {
                    Ok(()) => {}
                    // Past the last one that this kernel knows.
                    Err(Errno::INVAL) => break,
                    Err(errno) => return Err(errno),
                }
            }
        }
        // From now on no program that is run gains one; Landlock asks for the same, but not every kernel has that.
        rustix::thread::set_no_new_privs(true)?;
        if held.permitted.is_empty() && held.inheritable.is_empty() {
            return Ok(CapabilitySet::empty());
        }
        // Those of the ambient set go with the permitted ones.
        let set = |effective, permitted| {
            let inheritable = CapabilitySet::empty();
            rustix::thread::set_capabilities(None, CapabilitySets { effective, permitted, inheritable })
        };
        if writable.is_empty() {
            set(CapabilitySet::empty(), CapabilitySet::empty())?;
            return Ok(CapabilitySet::empty());
        }
        set(CapabilitySet::empty(), held.permitted)?;
        let kept = writable.iter().fold(CapabilitySet::empty(), |kept, path| kept | needed(path)) & held.permitted;
        set(kept, kept)?;
        Ok(kept)
    }

    /// What it takes to put a file into a directory; asked by one who has no capability in effect.
    fn needed(directory: &Path) -> CapabilitySet {
        const STICKY: u16 = 0o1000;
        let mut needed = CapabilitySet::empty();
        let access = Access::WRITE_OK | Access::EXEC_OK;
        if rustix::fs::accessat(CWD, directory, access, AtFlags::EACCESS) == Err(Errno::ACCESS) {
            needed |= CapabilitySet::DAC_OVERRIDE;
        }
        // There only the owner of a file, or of the directory, may replace it.
        let mask = StatxFlags::UID | StatxFlags::MODE;
        let seen = rustix::fs::statx(CWD, directory, AtFlags::empty(), mask);
        let own = |uid| uid == rustix::process::geteuid().as_raw();
        if !seen.is_ok_and(|seen| own(seen.stx_uid) || seen.stx_mode & STICKY == 0) {
            needed |= CapabilitySet::FOWNER;
        }
        needed
    }

    fn name_of(name: &str) -> Option<&'static str> {
        match name {
            "DAC_OVERRIDE" => Some("cap_dac_override"),
            "FOWNER" => Some("cap_fowner"),
            _ => None,
        }
    }

    /// How many threads this process has besides the one that asks. One that was waited for may still be on its way out of
    /// the kernel, where it runs nothing of ours any more.
    fn other_threads() -> Option<u64> {
        const PATIENCE: Duration = Duration::from_micros(200);
        const TRIES: u32 = 10;
        let count = || {
            let threads = rustix::fs::statx(CWD, "/proc/self/task", AtFlags::empty(), StatxFlags::NLINK).ok()?;
            // Two links that every directory has, and one for each thread.
            u64::from(threads.stx_nlink).checked_sub(3)
        };
        for _ in 0..TRIES {
            match count() {
                Some(0) => break,
                Some(_) => std::thread::sleep(PATIENCE),
                None => return None,
            }
        }
        count()
    }
}

#[cfg(all(test, target_os = "linux"))]
#[expect(clippy::disallowed_methods, reason = "a test writes files and runs a program")]
mod tests {
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt;

    use rustix::thread::CapabilitySet;

    use super::*;
    use crate::model::{Capabilities, Landlock};

    /// Both hold for one thread, and so does a test of them.
    fn confined<T: Send>(then: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(then).join().expect("no panic"))
    }

    fn held() -> rustix::thread::CapabilitySets {
        rustix::thread::capabilities(None).expect("capabilities")
    }

    #[test]
    fn no_capability_is_left() {
        for enter in [enter, enter_in_haste] {
            confined(|| {
                let sandbox = enter(&[]);
                assert_eq!(sandbox.capabilities, Capabilities::Dropped);
                let left = held();
                assert_eq!(
                    left.effective | left.permitted | left.inheritable,
                    CapabilitySet::empty(),
                    "of {sandbox:?}"
                );
                assert!(rustix::thread::no_new_privs().expect("a flag") && !is_privileged());
            });
        }
    }

    #[test]
    fn the_bounding_set_is_emptied_where_it_may_be() {
        let may = held().effective.contains(CapabilitySet::SETPCAP);
        let bounded = |capability| rustix::thread::capability_is_in_bounding_set(capability).expect("a flag");
        let before = bounded(CapabilitySet::CHOWN);
        confined(|| {
            enter(&[]);
            assert_eq!(bounded(CapabilitySet::CHOWN), before && !may);
            assert!(!may || !bounded(CapabilitySet::CHECKPOINT_RESTORE));
        });
        assert_eq!(bounded(CapabilitySet::CHOWN), before, "another thread keeps its own");
    }

    #[test]
    fn files_can_be_written_where_the_output_goes_and_nowhere_else() {
        let (output, other) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
        let theirs = other.path().join("theirs");
        std::fs::write(&theirs, "theirs").expect("written");
        let program = std::fs::canonicalize("/bin/true").expect("a program");
        let (landlock, refusals) = confined(|| {
            let landlock = enter(&[output.path()]).landlock;
            crate::sys::output::write(&output.path().join("report"), b"report", crate::sys::output::FOR_GROUP)
                .expect("written");
            let kind = |tried: std::io::Result<()>| tried.err().map(|error| error.kind());
            let refusals = [
                kind(std::fs::write(other.path().join("new"), "")),
                kind(std::fs::write(&theirs, "ours")),
                kind(std::fs::remove_file(&theirs)),
                kind(std::process::Command::new(&program).status().map(drop)),
                kind(std::net::TcpListener::bind("127.0.0.1:0").map(drop)),
            ];
            assert_eq!(std::fs::read(&theirs).expect("readable"), b"theirs");
            (landlock, refusals)
        });
        assert_eq!(std::fs::read(output.path().join("report")).expect("a report"), b"report");
        match landlock {
            Landlock::Entered { .. } => assert_eq!(refusals, [Some(ErrorKind::PermissionDenied); 5]),
            Landlock::Partly { .. } => assert_eq!(refusals[..4], [Some(ErrorKind::PermissionDenied); 4]),
            Landlock::Absent | Landlock::Off => {
                // Past libtest, which keeps what a passing test prints.
                let _ = std::io::Write::write_all(&mut std::io::stderr(), b"NOT RUN, this kernel has no Landlock\n");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_writing_takes_in_a_directory_of_another_user_is_kept() {
        if !held().effective.contains(CapabilitySet::CHOWN | CapabilitySet::DAC_OVERRIDE | CapabilitySet::FOWNER) {
            return;
        }
        let theirs = tempfile::tempdir().expect("a directory");
        std::fs::set_permissions(theirs.path(), PermissionsExt::from_mode(0o755)).expect("a mode");
        std::os::unix::fs::chown(theirs.path(), Some(65_534), None).expect("chown");
        let report = theirs.path().join("report");
        std::fs::write(&report, "old").expect("written");
        std::os::unix::fs::chown(&report, Some(65_534), None).expect("chown");
        confined(|| {
            let prepared = crate::sys::output::prepare(&report, crate::sys::output::FOR_GROUP).expect("prepared");
            let sandbox = enter(&[prepared.directory().expect("a directory")]);
            assert_eq!(sandbox.capabilities, Capabilities::Kept(vec!["cap_dac_override"]));
            prepared.write(b"new").expect("written");
        });
        let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&report).expect("metadata"));
        assert_eq!((std::fs::read(&report).expect("content"), owner), (b"new".to_vec(), 65_534));
    }

    #[test]
    fn a_directory_that_is_not_there_is_no_error() {
        confined(|| {
            let sandbox = enter(&[Path::new("/nowhere/at/all")]);
            assert!(!matches!(sandbox.landlock, Landlock::Refused(_)), "{sandbox:?}");
        });
    }
}
