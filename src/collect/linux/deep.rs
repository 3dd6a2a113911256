//! The dear looks, for sockets that no process was seen to hold: threads with a table of descriptors of their own,
//! processes whose first thread has ended, files registered with an io_uring, descriptors in messages.

use super::holders::{Found, Holding, Pass, number};
use super::question::Question;
use crate::model::{Certainty, Holder, Via};

/// Looks for the holders of the wanted sockets where the first look does not reach.
pub fn search(pass: &Pass<'_>) -> Found {
    let mut found = Found::default();
    let pids = pass.kernel.get(&Question::Pids).unwrap_or_default();
    let pids: Vec<u32> = pids.split(|byte| *byte == b'\n').filter_map(number).collect();
    let mut unnamed = Vec::new();
    for pid in &pids {
        threads(pass, *pid, &mut found);
        unnamed.extend(rings(pass, *pid, &mut found).map(|ring| (*pid, ring)));
    }
    let open = |found: &Found| {
        pass.wanted.iter().any(|(_, socket)| found.holders.iter().all(|holder| holder.socket != *socket))
    };
    if !open(&found) {
        return found;
    }
    for (pid, ring) in unnamed {
        candidate(pass, pid, ring, Via::IoUring, &mut found);
    }
    for pid in pids {
        in_flight(pass, pid, &mut found);
    }
    found
}

/// Threads with a table of their own. Those of a process whose first thread has ended have one of their own too.
fn threads(pass: &Pass<'_>, pid: u32, found: &mut Found) {
    let threads = pass.kernel.get(&Question::Threads(pid)).unwrap_or_default();
    for thread in threads.split(|byte| *byte == b'\n').filter_map(number::<u32>) {
        let sockets = || pass.kernel.get(&Question::ThreadSockets(pid, thread)).unwrap_or_default();
        let mut held = pass.read_sockets(&sockets()).held;
        if held.is_empty() {
            continue;
        }
        held.sort_unstable();
        held.dedup_by_key(|(socket, _)| *socket);
        let still = || {
            let now = pass.read_sockets(&sockets()).held;
            held.iter().all(|one| now.contains(one))
        };
        if let Ok((mut process, stable)) = pass.identify(pid, Some(thread), still) {
            process.raced = !stable;
            found.keep(Holding { process, sockets: held, via: Via::Thread });
        }
    }
}

/// Sockets that are registered with an io_uring, which keeps them open without a descriptor. Returns a ring that has some
/// whose inodes the kernel does not tell.
fn rings(pass: &Pass<'_>, pid: u32, found: &mut Found) -> impl Iterator<Item = u32> + use<> {
    let mut unnamed = None;
    let answer = pass.kernel.get(&Question::Sockets(pid)).unwrap_or_default();
    for ring in pass.read_sockets(&answer).rings {
        let info = || pass.kernel.get(&Question::Ring(pid, ring)).unwrap_or_default();
        let inodes = || registered(&info());
        unnamed = unnamed.or(has_unnamed(&info()).then_some(ring));
        let mut held: Vec<(u32, u32)> = Vec::new();
        for inode in inodes() {
            let from = pass.wanted.partition_point(|(this, _)| *this < inode);
            let here = pass.wanted[from..].iter().take_while(|(this, _)| *this == inode);
            held.extend(here.map(|(_, socket)| (*socket, ring)));
        }
        if held.is_empty() {
            continue;
        }
        held.sort_unstable();
        held.dedup();
        let first = inodes();
        if let Ok((mut process, stable)) = pass.identify(pid, None, || inodes() == first) {
            process.raced = !stable;
            found.keep(Holding { process, sockets: held, via: Via::IoUring });
        }
    }
    unnamed.into_iter()
}

/// True where a file of an io_uring has no name but that of a protocol: so sockets are called by kernels that do
/// not tell their inodes (io_uring/fdinfo.c; 6.1 and 6.12 do not, 6.18 does).
fn has_unnamed(info: &[u8]) -> bool {
    info.split(|byte| *byte == b'\n').any(|line| unnamed(line).is_some())
}

/// The protocol in such a line.
pub fn unnamed(line: &[u8]) -> Option<&'static str> {
    const PROTOCOLS: [&str; 9] =
        ["TCP", "TCPv6", "UDP", "UDPv6", "MPTCP", "MPTCPv6", "UNIX", "UNIX-STREAM", "AF_VSOCK"];
    let (number, name) = line.split_at(line.iter().position(|byte| *byte == b':')?);
    number.trim_ascii().first().filter(|digit| digit.is_ascii_digit())?;
    let name = name[1..].trim_ascii();
    PROTOCOLS.into_iter().find(|protocol| protocol.as_bytes() == name)
}

/// True for a line of an io_uring's fdinfo that tells of a socket.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "the answer of a live kernel"))]
pub fn tells_of_socket(line: &[u8]) -> bool {
    named(line.trim_ascii_end()).is_some() || unnamed(line).is_some()
}

/// The inodes of the sockets among the files of an io_uring: ` N: socket:[INODE]` below `UserFiles:`.
fn registered(info: &[u8]) -> Vec<u64> {
    info.split(|byte| *byte == b'\n').filter_map(named).collect()
}

/// The inode of a socket, where it is all that stands behind the number: a file may be called `/tmp/socket:[1]`.
fn named(line: &[u8]) -> Option<u64> {
    let at = line.iter().position(|byte| *byte == b':')?;
    let (slot, name) = line.split_at(at);
    number::<u32>(slot.trim_ascii())?;
    number(name[1..].trim_ascii().strip_prefix(b"socket:[")?.strip_suffix(b"]")?)
}

/// Processes whose unix sockets have descriptors in messages that nobody has received: which, the kernel does not tell.
fn in_flight(pass: &Pass<'_>, pid: u32, found: &mut Found) {
    let Ok(answer) = pass.kernel.get(&Question::Sockets(pid)) else { return };
    let sockets: Vec<u32> = answer
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let (fd, inode) = std::str::from_utf8(line).ok()?.split_once(' ')?;
            inode.parse::<u64>().ok()?;
            fd.parse().ok()
        })
        .collect();
    if sockets.is_empty() {
        return;
    }
    let Ok(answer) = pass.kernel.get(&Question::InFlight(pid, sockets)) else { return };
    let Some(fd) = answer.split(|byte| *byte == b' ').next().and_then(number::<u32>) else { return };
    candidate(pass, pid, fd, Via::InFlight, found);
}

/// Names a process that may hold any of the sockets that nobody is known to hold.
fn candidate(pass: &Pass<'_>, pid: u32, fd: u32, via: Via, found: &mut Found) {
    let Ok((process, _)) = pass.identify(pid, None, || true) else { return };
    let held: Vec<u32> = found.holders.iter().filter(|h| h.certainty == Certainty::Proved).map(|h| h.socket).collect();
    let index = found.processes.len() as u32;
    found.processes.push(process);
    let open = pass.wanted.iter().map(|(_, socket)| *socket).filter(|socket| !held.contains(socket));
    found.holders.extend(open.map(|socket| Holder {
        via,
        certainty: Certainty::Candidate,
        ..Holder::proved(socket, index, fd)
    }));
}

#[cfg(test)]
mod tests {
    use super::{has_unnamed, registered};

    #[test]
    fn sockets_of_a_ring_are_read() {
        let info = b"pos:\t0\nUserFiles:\t3\n    0: socket:[123]\n    1: /dev/null\n    2: socket:[77]\nUserBufs:\t0\n";
        assert_eq!(registered(info), [123, 77]);
        assert_eq!(registered(b"    0: socket:[12"), Vec::<u64>::new());
        assert_eq!(registered(b"    0: /tmp/socket:[12]\n"), Vec::<u64>::new(), "a file of that name");
        assert!(!has_unnamed(info));
        assert!(has_unnamed(b"UserFiles:\t2\n    0: TCP\n    1: null\n"));
        assert!(!has_unnamed(b"UserFiles:\t1\n    0: TCPx\n name: TCP\n:TCP\nTCP\n"));
    }
}
