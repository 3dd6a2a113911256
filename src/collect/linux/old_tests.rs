//! What older kernels answer: they know less, and it is said.

use super::netlink::assemble::{done, error};
use super::netlink::attribute;
use super::sock_diag::INET_DIAG_CGROUP_ID;
use super::sock_diag::tests::inet;
use super::tests::{host, look, refuse, tell};
use super::*;
use crate::collect::capture::Capture;
use crate::model::{Source, TableRead, TableStatus};

const AF_INET: u8 = 2;
const LISTENS: u8 = 10;

/// A host with that release, whose TCP listener netlink tells of with these attributes.
fn of_release(release: &str, attributes: &[u8]) -> Capture {
    let mut host = host();
    tell(&mut host, "host", &format!("hostname old\nkernel {release}\n"));
    tell(&mut host, "protocols", "protocol  size sockets\nTCP 1 1\nMPTCP 1 1\n");
    let dump = [inet(AF_INET, LISTENS, 22, &[0; 4], 500, attributes), done(0)].concat();
    answer(&mut host, "diag tcp", dump);
    host
}

/// A host that has no sock_diag at all: EPROTONOSUPPORT.
fn host_without_netlink() -> Capture {
    let mut host = host();
    Table::ALL.into_iter().for_each(|table| refuse(&mut host, &format!("diag {}", table.name()), 93));
    host
}

fn answer(host: &mut Capture, question: &str, bytes: Vec<u8>) {
    host.answers.insert(question.to_owned(), vec![Ok(bytes.into())]);
}

fn table(snapshot: &Snapshot, name: &str) -> TableRead {
    let mut tables = snapshot.tables.iter().filter(|table| table.table == name);
    tables.next().expect("it was asked for").clone()
}

#[test]
fn mptcp_is_only_a_mark_that_an_older_kernel_does_not_give() {
    // ENOENT where there is no module for it, EINVAL before Linux 5.9, where the request's attribute is not known.
    for errno in [2, 22] {
        let mut host = of_release("5.6.19", &[]);
        answer(&mut host, "diag mptcp", error(errno));
        let seen = look(&host);
        let mptcp = table(&seen, "mptcp");
        assert_eq!(
            (mptcp.status, mptcp.source, mptcp.lacks),
            (TableStatus::Read, Some(Source::SockDiag), &["mptcp"][..])
        );
        assert!(mptcp.error.is_some_and(|error| error.contains("sock_diag: E")));
        assert_eq!((seen.gaps, seen.sockets.len()), (Vec::new(), 1), "the listener is in the table of TCP");
    }
    // A host without sock_diag: all of it comes from files.
    let mut host = host_without_netlink();
    tell(&mut host, "protocols", "protocol  size sockets\nTCP 1 1\nMPTCP 1 1\nAF_VSOCK 1 1\n");
    let seen = look(&host);
    let read = |name: &str| (table(&seen, name).status, table(&seen, name).source);
    assert_eq!(read("tcp"), (TableStatus::Read, Some(Source::Proc)));
    assert_eq!(read("mptcp"), (TableStatus::Read, Some(Source::Proc)));
    assert_eq!(read("vsock"), (TableStatus::Read, Some(Source::Fd)));
    assert_eq!(seen.gaps, []);
    // Anything else is a table that could not be read.
    let mut host = of_release("5.6.19", &[]);
    answer(&mut host, "diag mptcp", error(5));
    let seen = look(&host);
    assert_eq!((table(&seen, "mptcp").status, seen.gaps.len()), (TableStatus::Unreadable, 1));
}

#[test]
fn what_a_release_does_not_tell_yet_is_lacking() {
    let lacks = |release: &str, attributes: &[u8]| table(&look(&of_release(release, attributes)), "tcp").lacks;
    assert_eq!(lacks("4.19.0-27-amd64", &[]), ["cgroup"]);
    assert_eq!(lacks("5.7.19", &[]), ["cgroup"]);
    for release in ["5.8.0", "6.18.44", "10.0", "what"] {
        assert_eq!(lacks(release, &[]), [""; 0], "{release}");
    }
    // What a distribution brought back is there.
    let cgroup = attribute(INET_DIAG_CGROUP_ID, &7u64.to_ne_bytes());
    assert_eq!(lacks("4.18.0-553.el8_10.x86_64", &cgroup), [""; 0]);
    assert_eq!(sock_diag::lacks(Table::Unix, (5, 2)), ["uid"]);
    assert_eq!(sock_diag::lacks(Table::Unix, (5, 3)), [""; 0]);
    assert_eq!(sock_diag::lacks(Table::Packet, (4, 19)), [""; 0]);
}
