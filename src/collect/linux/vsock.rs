//! Vsock sockets where the kernel has no vsock_diag: they are found among the descriptors of processes.

use std::collections::BTreeSet;

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
    found.counts.vanished += vsock.counts.vanished;
    super::merge(&mut found, vsock);
    found
}

/// The inodes of connections, sorted.
fn connected(kernel: &dyn Kernel<Question>) -> Vec<u64> {
    let answer = kernel.get(&Question::Connected).unwrap_or_default();
    let mut inodes: Vec<u64> = answer.split(|byte| *byte == b'\n').filter_map(number).collect();
    inodes.sort_unstable();
    inodes
}

/// Looks for vsock sockets among sockets of one process.
fn look_at(pass: &Pass<'_>, found: &mut Found, others: &[(u32, u32, u64)], answer: &mut Vec<u8>) {
    let Some((pid, ..)) = others.first() else { return };
    let listed: Vec<(u32, u64)> = others.iter().map(|(_, fd, inode)| (*fd, *inode)).collect();
    let mut tries = 2;
    let (rows, process) = loop {
        tries -= 1;
        let rows = match among(pass, *pid, &listed, answer) {
            Ok((rows, all)) => {
                if !all {
                    const EAGAIN: i32 = 11;
                    found.vsock_refusal = Some(Refusal::Errno(EAGAIN));
                }
                rows
            }
            Err(refusal) if refusal.is_gone() => {
                found.counts.vanished += 1;
                return;
            }
            // A capture has an answer for every process that was asked.
            Err(Refusal::NotRecorded) => return,
            Err(refusal) => {
                found.vsock_refusal = Some(refusal);
                return;
            }
        };
        if rows.is_empty() {
            return;
        }
        // What it becomes by execve(2) holds only what that left open: all are looked at again.
        let held = || rows.iter().all(|(socket, fd)| pass.leads_to(*pid, *fd, socket.inode) == Some(true));
        let Ok((mut process, stable)) = pass.identify(*pid, None, held) else { return };
        if stable || tries == 0 {
            process.raced = !stable;
            break (rows, process);
        }
    };
    let index = found.processes.len() as u32;
    found.processes.push(process);
    found.vsock.extend(rows.into_iter().map(|(socket, fd)| (socket, index, fd)));
}

/// The vsock sockets among descriptors, and whether each of them was seen for what it is. A socket whose descriptor leads
/// elsewhere by then may have moved to another number, and is looked for there.
fn among(
    pass: &Pass<'_>,
    pid: u32,
    listed: &[(u32, u64)],
    answer: &mut Vec<u8>,
) -> Result<(Vec<(Socket, u32)>, bool), Refusal> {
    const LOOKS: usize = 4;
    let mut rows = Vec::new();
    let mut pending = listed.to_vec();
    for _ in 0..LOOKS {
        answer.clear();
        pass.kernel.ask(&Question::Vsock(pid, pending.clone()), answer)?;
        let inode = |fd| pending.iter().find(|(this, _)| *this == fd).map(|(_, inode)| *inode);
        rows.extend(answer.split(|byte| *byte == b'\n').filter_map(|line| row(line, inode)));
        let gone = answer.split(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b" gone"));
        let gone: BTreeSet<u64> = gone.filter_map(|fd| inode(number(fd)?)).collect();
        if gone.is_empty() {
            return Ok((rows, true));
        }
        // What is no longer there was closed, or handed on to a process that has it in its own list.
        answer.clear();
        pass.kernel.ask(&Question::Sockets(pid), answer)?;
        pending = pass.read_sockets(answer).others;
        pending.retain(|(_, inode)| gone.contains(inode));
        if pending.is_empty() {
            return Ok((rows, true));
        }
    }
    Ok((rows, false))
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
