//! BPF programs of the kind `sk_lookup`: who attached one makes ports answer that no socket is bound to.

use super::gaps;
use super::kernel::{Kernel, Refusal};
use super::question::Question;
use super::vantage;
use crate::collect::Ask;
use crate::model::{Gap, NamespaceKind, NetNs, NetNsKind, SkLookup, Snapshot, Text, Transport};

/// What the programs would be missed for.
const CONSEQUENCE: &str = "ports on which such a program answers without a socket are not told of";

/// Looks for the programs of the namespaces that a snapshot has, and names the namespaces that only a program leads to.
pub fn look(kernel: &dyn Kernel<Question>, ask: &Ask, snapshot: &mut Snapshot) {
    // It is asked for no packets but those of these two.
    let concerned = ask.transports.iter().any(|one| matches!(one, Transport::Tcp | Transport::Udp));
    if !concerned || snapshot.netns_unmatched {
        return;
    }
    let answer = match kernel.get(&Question::SkLookup) {
        Ok(answer) => answer,
        Err(refusal) => return refused(refusal, snapshot),
    };
    for (inode, lookup) in decode(&answer) {
        let here = snapshot.namespaces.iter().position(|netns| netns.inode == Some(inode));
        // Links are known to the whole host: who looks at one namespace, or from within a container, asks for none of
        // those beyond.
        let asks_for_all = ask.netns.is_none() && snapshot.vantage.pid_ns == Some(NamespaceKind::Initial);
        if here.is_none() && !asks_for_all {
            continue;
        }
        let netns = here.unwrap_or_else(|| {
            let netns =
                NetNs { inode: Some(inode), name: None, kind: NetNsKind::Other, interfaces: None, addresses: None };
            snapshot.gaps.push(gaps::no_way_into(inode));
            snapshot.namespaces.push(netns);
            snapshot.namespaces.len() - 1
        });
        snapshot.sk_lookups.push(SkLookup { netns, ..lookup });
    }
    snapshot.sk_lookups.sort();
}

/// Only the administrator of the host may list them. That others may not is the rule and changes nothing of what they
/// ask for; a refusal of somebody who may is a gap like any other.
fn refused(refusal: Refusal, snapshot: &mut Snapshot) {
    // Neither bpf(2) nor its links existed before Linux 5.8, and such programs came with 5.9.
    if matches!(refusal, Refusal::ENOSYS | Refusal::EINVAL) {
        return;
    }
    let what = "BPF programs that answer on ports (sk_lookup)";
    let vantage = &snapshot.vantage;
    let is_admin = vantage.caps.as_ref().is_some_and(|caps| caps.contains(&"cap_sys_admin"));
    match (refusal, is_admin, vantage.user_ns) {
        (Refusal::NotRecorded, ..) => snapshot.usual_gaps.push(vantage::refusal_gap(what, refusal, CONSEQUENCE)),
        (refusal, true, Some(NamespaceKind::Initial)) => {
            snapshot.gaps.push(vantage::refusal_gap(what, refusal, CONSEQUENCE));
        }
        (refusal, ..) if refusal.is_denied() => snapshot.usual_gaps.push(Gap {
            what: what.to_owned(),
            why: match is_admin {
                true => "the capabilities of this run hold in its own user namespace alone",
                false => "this run lacks cap_sys_admin",
            }
            .to_owned(),
            consequence: CONSEQUENCE.to_owned(),
            remedy: "run it as root of the host, or give it cap_sys_admin".to_owned(),
        }),
        (refusal, ..) => snapshot.gaps.push(vantage::refusal_gap(what, refusal, CONSEQUENCE)),
    }
}

/// Reads an answer: the programs, each with the inode of its namespace.
fn decode(answer: &[u8]) -> Vec<(u64, SkLookup)> {
    let line = |line: &str| {
        let mut words = line.splitn(6, ' ');
        let (link, program) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let inode = words.next()?.parse().ok()?;
        let hash = |tag: &&str| tag.len() == 16 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
        let tag = words.next().filter(hash).map(str::to_owned);
        let uid = words.next().and_then(|uid| uid.parse().ok());
        let name = words.next().and_then(Text::unescape).unwrap_or_default();
        Some((inode, SkLookup { netns: 0, link, program, name, tag, uid }))
    };
    std::str::from_utf8(answer).unwrap_or_default().lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::super::kernel::words;
    use super::*;
    use crate::collect::capture::{Answer, Capture};
    use crate::collect::seam::Replay;
    use crate::model::Vantage;
    use proptest::prelude::*;

    fn seen(answer: Option<Answer>, vantage: Vantage) -> Snapshot {
        let mut capture = Capture::default();
        if let Some(answer) = answer {
            capture.answers.insert(Question::SkLookup.to_string(), vec![answer]);
        }
        let netns =
            NetNs { inode: Some(4_026_531_840), name: None, kind: NetNsKind::Host, interfaces: None, addresses: None };
        let mut snapshot = Snapshot { namespaces: vec![netns], vantage, ..Snapshot::default() };
        let ask = Ask { transports: vec![Transport::Tcp], ..Ask::default() };
        look(&Replay::new(&capture), &ask, &mut snapshot);
        snapshot
    }

    fn admin(user_ns: NamespaceKind) -> Vantage {
        let pid_ns = Some(NamespaceKind::Initial);
        Vantage { caps: Some(vec!["cap_sys_admin"]), user_ns: Some(user_ns), pid_ns, ..Vantage::default() }
    }

    #[test]
    fn programs_are_told_with_their_namespace() {
        let answer = b"7 19 4026531840 3b185187f1855c4c 1000 di\\u{1b}spatch\n9 20 4026532001\nnonsense\n";
        let snapshot = seen(Some(Ok(answer.to_vec().into())), admin(NamespaceKind::Initial));
        let known = SkLookup {
            netns: 0,
            link: 7,
            program: 19,
            name: "di\u{1b}spatch".into(),
            tag: Some("3b185187f1855c4c".to_owned()),
            uid: Some(1000),
        };
        let bare = SkLookup { netns: 1, link: 9, program: 20, name: Text::default(), tag: None, uid: None };
        assert_eq!(snapshot.sk_lookups, [known, bare]);
        assert_eq!(snapshot.namespaces[1].inode, Some(4_026_532_001), "nobody else leads to it");
        let [gap] = &snapshot.gaps[..] else { panic!("{:?}", snapshot.gaps) };
        assert!(gap.what.contains("4026532001"), "{gap:?}");
        let within = Vantage { pid_ns: Some(NamespaceKind::Nested), ..admin(NamespaceKind::Initial) };
        let snapshot = seen(Some(Ok(answer.to_vec().into())), within);
        assert_eq!((snapshot.sk_lookups.len(), snapshot.gaps.len()), (1, 0), "what is beyond a container is not of it");
    }

    #[test]
    fn who_may_not_look_is_told_so_and_is_no_less_complete() {
        use NamespaceKind::{Initial, Nested};
        let of = |answer: Option<i32>, vantage: Vantage| {
            let snapshot = seen(answer.map(Err), vantage);
            let why = |gaps: &[Gap]| gaps.iter().map(|gap| gap.why.clone()).collect::<Vec<_>>().join("; ");
            (why(&snapshot.usual_gaps), why(&snapshot.gaps))
        };
        let nobody = Vantage { caps: Some(Vec::new()), user_ns: Some(Initial), ..Vantage::default() };
        let own = "the capabilities of this run hold in its own user namespace alone";
        let usual = |why: &str| (why.to_owned(), String::new());
        assert_eq!(of(Some(1), nobody.clone()), usual("this run lacks cap_sys_admin"));
        assert_eq!(of(Some(1), admin(Nested)), usual(own));
        assert_eq!(of(None, admin(Initial)), usual(&words(Refusal::NotRecorded)));
        assert_eq!(of(Some(1), admin(Initial)), (String::new(), words(Refusal::EPERM)));
        assert_eq!(of(Some(12), nobody.clone()), (String::new(), "error number 12".to_owned()));
        for absent in [22, 38] {
            assert_eq!(of(Some(absent), nobody.clone()), usual(""));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode(&bytes);
        }
    }
}
