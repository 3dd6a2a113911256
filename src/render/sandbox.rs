//! What a run has given up, in words.

use super::words::count;
use crate::model::{Capabilities, Landlock, Sandbox};

/// What a run could not give up, one sentence for each; empty where nothing is left but the writing of the output.
pub fn rights_left(sandbox: &Sandbox) -> Vec<String> {
    let capabilities = match &sandbox.capabilities {
        Capabilities::Dropped | Capabilities::Unsupported => None,
        Capabilities::Kept(kept) => {
            let why = "the directory of the output belongs to another user";
            Some(format!("{} stayed with this run after it had looked: {why}", kept.join(" and ")))
        }
        Capabilities::Refused(why) => Some(format!("capabilities stayed with this run after it had looked: {why}")),
    };
    let landlock = match &sandbox.landlock {
        Landlock::Entered { .. } | Landlock::Unsupported => None,
        Landlock::Partly { abi } => {
            Some(format!("Landlock of this kernel (interface {abi}) holds only a part of what could be held"))
        }
        Landlock::Absent => {
            Some("this kernel has no Landlock, or a filter on system calls keeps it away: what files may be written is up to their modes".to_owned())
        }
        Landlock::Off => {
            Some("Landlock is off (lsm= at boot): what files may be written is up to their modes".to_owned())
        }
        Landlock::Refused(why) => {
            Some(format!("Landlock refused ({why}): what files may be written is up to their modes"))
        }
    };
    let threads = sandbox.other_threads.filter(|number| *number > 0).map(|number| {
        let threads = count(usize::try_from(number).unwrap_or(usize::MAX), "thread");
        format!("{threads} of this run still waited in the kernel, with all rights")
    });
    [capabilities, landlock, threads].into_iter().flatten().collect()
}

/// All of it in one line.
pub(super) fn given_up(sandbox: &Sandbox) -> String {
    let mut given: Vec<String> = Vec::new();
    match &sandbox.capabilities {
        Capabilities::Dropped => given.push("every capability".to_owned()),
        Capabilities::Kept(kept) => given.push(format!("every capability but {}", kept.join(" and "))),
        Capabilities::Refused(_) | Capabilities::Unsupported => {}
    }
    if let Landlock::Entered { abi } | Landlock::Partly { abi } = sandbox.landlock {
        given.push(format!("writing elsewhere, running programs, connecting (Landlock, interface {abi})"));
    }
    let given = if given.is_empty() { "nothing".to_owned() } else { given.join("; ") };
    let left: Vec<String> = rights_left(sandbox).into_iter().map(|left| format!("; {left}")).collect();
    format!("given up after looking: {given}{}", left.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sandbox(capabilities: Capabilities, landlock: Landlock, other_threads: Option<u64>) -> Sandbox {
        Sandbox { capabilities, landlock, other_threads }
    }

    #[test]
    fn what_is_left_is_told_and_nothing_else() {
        let whole = sandbox(Capabilities::Dropped, Landlock::Entered { abi: 6 }, Some(0));
        assert!(whole.is_whole() && rights_left(&whole).is_empty());
        let parts = [
            sandbox(Capabilities::Kept(vec!["cap_fowner"]), Landlock::Entered { abi: 6 }, Some(0)),
            sandbox(Capabilities::Refused("Operation not permitted".to_owned()), Landlock::Entered { abi: 6 }, Some(0)),
            sandbox(Capabilities::Dropped, Landlock::Partly { abi: 1 }, Some(0)),
            sandbox(Capabilities::Dropped, Landlock::Absent, Some(0)),
            sandbox(Capabilities::Dropped, Landlock::Off, Some(0)),
            sandbox(Capabilities::Dropped, Landlock::Refused("Operation not permitted".to_owned()), Some(0)),
            sandbox(Capabilities::Dropped, Landlock::Entered { abi: 6 }, Some(2)),
        ];
        for part in &parts {
            assert!(!part.is_whole() && rights_left(part).len() == 1, "{part:?}");
        }
        let told: Vec<String> = parts.iter().map(given_up).collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
