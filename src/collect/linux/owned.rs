//! Which package owns the executable of each owner: asked once, for all of them, and only where somebody wants to know.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use super::kernel::Kernel;
use super::packages::Owned;
use super::question::Question;
use super::vantage::refusal_gap;
use crate::model::{ExeState, Gap, PackageState, Process, Snapshot, Text};

const WHAT: &str = "the packages of some executables";
const CONSEQUENCE: &str = "whether a package owns them is not known";

/// Looks up the verified executables of those processes that hold a socket. What runs under the name of a file and is not
/// that file belongs to no package of the host.
pub fn name_packages(kernel: &dyn Kernel<Question>, snapshot: &mut Snapshot) {
    let holding: BTreeSet<u32> = snapshot.holders.iter().map(|holder| holder.process).collect();
    let mut owners: Vec<&mut Process> = snapshot
        .processes
        .iter_mut()
        .enumerate()
        .filter(|(at, _)| holding.contains(&(*at as u32)))
        .map(|(_, process)| process)
        .collect();
    let verified: BTreeSet<Vec<u8>> =
        owners.iter().filter_map(|process| Some(process.verified_exe()?.as_bytes().to_vec())).collect();
    let mut answer = Vec::new();
    let refusal = match verified.is_empty() {
        true => None,
        false => kernel.ask(&Question::Packages(verified.into_iter().collect()), &mut answer).err(),
    };
    let (known, reasons) = decode(&answer);
    for process in &mut owners {
        (process.package_state, process.package) = match (process.exe_state, &process.exe) {
            (ExeState::Ok, Some(exe)) => known.get(exe).cloned().unwrap_or((PackageState::Unknown, None)),
            (ExeState::Deleted | ExeState::Memfd | ExeState::Foreign, _) => (PackageState::Foreign, None),
            (ExeState::Ok | ExeState::Unreadable, _) => (PackageState::Unknown, None),
        };
    }
    snapshot.gaps.extend(refusal.map(|refusal| refusal_gap(WHAT, refusal, CONSEQUENCE)));
    snapshot.gaps.extend(reasons.into_iter().map(|why| Gap {
        what: WHAT.to_owned(),
        why,
        consequence: CONSEQUENCE.to_owned(),
        remedy: "look them up with the package manager of this host".to_owned(),
    }));
}

/// The answer to `Question::Packages`: `owned PACKAGE PATH`, `none PATH`, `unknown PATH` a line, and `why REASON`. Spaces
/// of a package's name are escaped, so that the path is what follows.
#[cfg_attr(not(any(target_os = "linux", test)), expect(dead_code, reason = "the answer of a live kernel"))]
pub fn encode(paths: &[Vec<u8>], owned: &[Owned], answer: &mut Vec<u8>) {
    let mut text = String::new();
    let mut reasons = BTreeSet::new();
    for (path, owned) in paths.iter().zip(owned) {
        let path = Text::from(path.as_slice()).escaped();
        let _ = match owned {
            Owned::By { package, .. } => {
                let package = Text::from(package.as_str()).escaped().replace(' ', "\\u{20}");
                writeln!(text, "owned {package} {path}")
            }
            Owned::Nobody => writeln!(text, "none {path}"),
            Owned::Unknown(why) => {
                reasons.insert(Text::from(why.as_str()).escaped());
                writeln!(text, "unknown {path}")
            }
        };
    }
    for why in reasons {
        let _ = writeln!(text, "why {why}");
    }
    answer.extend_from_slice(text.as_bytes());
}

type Known = HashMap<Text, (PackageState, Option<Text>)>;

/// Reads that answer. Reasons stay escaped.
fn decode(answer: &[u8]) -> (Known, Vec<String>) {
    let (mut known, mut reasons) = (Known::new(), Vec::new());
    for line in std::str::from_utf8(answer).unwrap_or_default().lines() {
        let Some((state, rest)) = line.split_once(' ') else { continue };
        let (state, package, path) = match state {
            "owned" => match rest.split_once(' ') {
                Some((package, path)) => (PackageState::Owned, Text::unescape(package), path),
                None => continue,
            },
            "none" => (PackageState::None, None, rest),
            "unknown" => (PackageState::Unknown, None, rest),
            "why" => {
                // Whatever a capture says, it reaches a terminal as text.
                reasons.extend(Text::unescape(rest).map(|why| why.escaped()));
                continue;
            }
            _ => continue,
        };
        if let Some(path) = Text::unescape(path) {
            known.insert(path, (state, package));
        }
    }
    (known, reasons)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let paths: Vec<Vec<u8>> = ["/usr/sbin/sshd", "/opt/a b\n", "/opt/x"].map(|path| path.into()).to_vec();
        let by = Owned::By { package: "open ssh\n".into(), manager: "dpkg" };
        let mut answer = Vec::new();
        encode(&paths, &[by, Owned::Nobody, Owned::Unknown("no\nway".into())], &mut answer);
        let text = "owned open\\u{20}ssh\\u{a} /usr/sbin/sshd\nnone /opt/a b\\u{a}\nunknown /opt/x\nwhy no\\u{a}way\n";
        assert_eq!(String::from_utf8_lossy(&answer), text);
        let (known, reasons) = decode(&answer);
        assert_eq!(known[&Text::from("/usr/sbin/sshd")], (PackageState::Owned, Some("open ssh\n".into())));
        assert_eq!(known[&Text::from("/opt/a b\n")], (PackageState::None, None));
        assert_eq!(known[&Text::from("/opt/x")], (PackageState::Unknown, None));
        assert_eq!(reasons, ["no\\u{a}way"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode(&bytes);
        }
    }
}
