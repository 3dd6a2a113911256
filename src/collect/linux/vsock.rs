//! Vsock sockets where the kernel has no vsock_diag: they are found among the descriptors of processes.

use super::holders::{self, Found, Pass, number, share_out};
use super::kernel::{Kernel, Refusal};
use super::question::Question;
use super::sock_diag::bare;
use crate::model::{Local, Socket, State, Transport};

/// A pass over the processes that finds vsock sockets too.
///
/// What a descriptor leads to is told by one call for each. Where there are many connections, asking for all of those at
/// once takes less, and is done beside the pass: what they leave over is little.
pub fn scan(pass: &Pass<'_>, many: bool) -> Found {
    let (mut found, connected) = std::thread::scope(|scope| {
        let connected = many.then(|| scope.spawn(|| connected(pass.kernel)));
        let found = holders::scan(pass);
        let connected = connected.map(|beside| beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        (found, connected.unwrap_or_default())
    });
    let mut others = std::mem::take(&mut found.others);
    others.retain(|(.., inode)| connected.binary_search(inode).is_err());
    let by_process: Vec<_> = others.chunk_by(|one, next| one.0 == next.0).collect();
    let vsock = share_out(&by_process, |found, others, answer| look_at(pass, found, others, answer));
    super::merge(&mut found, vsock);
    found
}

/// The inodes of connections, sorted.
fn connected(kernel: &dyn Kernel) -> Vec<u64> {
    let answer = kernel.get(&Question::Connected).unwrap_or_default();
    let mut inodes: Vec<u64> = answer.split(|byte| *byte == b'\n').filter_map(number).collect();
    inodes.sort_unstable();
    inodes
}

/// Looks for vsock sockets among sockets of one process.
fn look_at(pass: &Pass<'_>, found: &mut Found, others: &[(u32, u32, u64)], answer: &mut Vec<u8>) {
    let Some((pid, ..)) = others.first() else { return };
    let listed: Vec<(u32, u64)> = others.iter().map(|(_, fd, inode)| (*fd, *inode)).collect();
    let seen = match among(pass, *pid, &listed, answer) {
        // A descriptor led elsewhere by then: its socket may have gone to another.
        Ok((_, true)) => listed_again(pass, *pid, answer).and_then(|now| among(pass, *pid, &now, answer)),
        seen => seen,
    };
    let rows = match seen {
        Ok((rows, _)) => rows,
        // A capture has an answer for every process that was asked.
        Err(refusal) if refusal.is_gone() || refusal == Refusal::NotRecorded => return,
        Err(refusal) => {
            found.vsock_refusal = Some(refusal);
            return;
        }
    };
    let Some((fd, inode)) = rows.first().map(|(socket, fd)| (*fd, socket.inode)) else { return };
    let identify = || pass.identify(*pid, None, || pass.leads_to(*pid, fd, inode) == Some(true));
    let identified = identify().and_then(|(process, stable)| if stable { Ok((process, stable)) } else { identify() });
    let Ok((mut process, stable)) = identified else { return };
    process.raced = !stable;
    let index = found.processes.len() as u32;
    found.processes.push(process);
    found.vsock.extend(rows.into_iter().map(|(socket, fd)| (socket, index, fd)));
}

/// The vsock sockets among descriptors, and whether one of them led elsewhere by then.
fn among(
    pass: &Pass<'_>,
    pid: u32,
    listed: &[(u32, u64)],
    answer: &mut Vec<u8>,
) -> Result<(Vec<(Socket, u32)>, bool), Refusal> {
    answer.clear();
    pass.kernel.ask(&Question::Vsock(pid, listed.iter().map(|(fd, _)| *fd).collect()), answer)?;
    let inode = |fd| listed.iter().find(|(this, _)| *this == fd).map(|(_, inode)| *inode);
    let rows: Vec<_> = answer.split(|byte| *byte == b'\n').filter_map(|line| row(line, inode)).collect();
    let there: Vec<_> =
        rows.iter().filter(|(socket, fd)| pass.leads_to(pid, *fd, socket.inode) != Some(false)).cloned().collect();
    let moved = there.len() < rows.len();
    Ok((there, moved))
}

/// The sockets of a process that are not wanted, as they are now.
fn listed_again(pass: &Pass<'_>, pid: u32, answer: &mut Vec<u8>) -> Result<Vec<(u32, u64)>, Refusal> {
    answer.clear();
    pass.kernel.ask(&Question::Sockets(pid), answer)?;
    Ok(pass.read_sockets(answer).others)
}

/// A row of an answer to `Question::Vsock`: `FD CID PORT TYPE LISTENING`.
fn row(line: &[u8], inode: impl Fn(u32) -> Option<u64>) -> Option<(Socket, u32)> {
    let numbers: Vec<u32> = line.split(|byte| *byte == b' ').map_while(number).collect();
    let [fd, cid, port, kind, listening] = numbers[..] else { return None };
    let dgram = kind == 2;
    let state = match (dgram, listening) {
        (false, 1) => State::Listen,
        // VMADDR_PORT_ANY is an unbound socket.
        (true, _) if port != u32::MAX => State::Unconnected,
        _ => return None,
    };
    Some((bare(Transport::Vsock, state, Local::Vsock { cid, port, dgram }, inode(fd)?), fd))
}
