//! The names in a FreeBSD capture, replaced, and what of its answers is written down at all.
//!
//! A structure is made anew of zeros and of the fields that are read, with other names for names; of the tables only those
//! rows stay that could be listed. A question that is not known is left out with its answers.

use std::collections::HashMap;
use std::sync::Arc;

use super::decode;
use super::layout as at;
use super::question::{Question, names};
use crate::collect::bsd::bytes::{Bytes, put, records};
use crate::collect::bsd::inet::Meaning;
use crate::collect::bsd::rename::{self as alike, Copy, Handles};
use crate::collect::bsd::transcript::{Same, heading};
use crate::collect::capture::{Answer, Capture};
use crate::collect::rename::{Kind, Rename};
use crate::model::Transport;

/// The same capture with other names for the names in it.
pub fn renamed(capture: &Capture, names: &mut dyn Rename) -> Capture {
    let mut out = Capture { platform: "freebsd".into(), ..Capture::default() };
    let mut handles = Handles::default();
    for (question, answers) in &capture.answers {
        let Some(asked) = Question::from_name(question) else { continue };
        let question = match &asked {
            Question::HostFile(path) => Question::HostFile(names.name(Kind::Executable, path)),
            Question::User(uid) => Question::User(names.id(*uid)),
            other => other.clone(),
        };
        // One answer may stand for many, and is read once.
        let mut done: HashMap<*const Vec<u8>, Arc<Vec<u8>>> = HashMap::new();
        let mut answer = |answer: &Answer| -> Answer {
            let bytes = answer.as_ref().map_err(|errno| *errno)?;
            let new = done.entry(Arc::as_ptr(bytes));
            Ok(new.or_insert_with(|| Arc::new(rewritten(&asked, bytes, names, &mut handles))).clone())
        };
        let answers = answers.iter().map(&mut answer).collect();
        out.answers.entry(question.to_string()).or_insert(answers);
    }
    out.heading = heading(&out);
    out
}

/// An answer with nothing in it but what is read: of the tables no peer and no connection, and of open files sockets alone.
pub fn kept(question: &Question, answer: &[u8]) -> Vec<u8> {
    match question {
        Question::Sysctl(names::TCP | names::UDP | names::RAW | names::FILES)
        | Question::Process(_)
        | Question::Text(_) => rewritten_with(question, answer, &mut Same, None),
        _ => answer.to_vec(),
    }
}

fn rewritten(asked: &Question, answer: &[u8], names: &mut dyn Rename, handles: &mut Handles) -> Vec<u8> {
    rewritten_with(asked, answer, names, Some(handles))
}

/// An answer made anew; handles stay where there are no numbers for them.
fn rewritten_with(
    asked: &Question,
    answer: &[u8],
    names: &mut dyn Rename,
    mut handles: Option<&mut Handles>,
) -> Vec<u8> {
    let mut handle = |copy: &mut Copy<'_>, at: usize| match handles.as_deref_mut() {
        Some(handles) => copy.handle(at, handles),
        None => copy.keep(at, 8),
    };
    match asked {
        Question::Clock => alike::clock(answer),
        Question::Vantage => alike::vantage(answer, names),
        Question::HostId => b"00000000000000000000000000000000\n".to_vec(),
        Question::Links => alike::links(answer, names),
        Question::Sysctl(names::HOSTNAME) => alike::text(answer, Kind::Host, names),
        Question::Sysctl(names::RELEASE) => alike::text(answer, Kind::Release, names),
        Question::Sysctl(names::BOOT) => vec![0; answer.len().min(16)],
        Question::Sysctl(names::TCP) => rows(Transport::Tcp, answer, names, &mut handle),
        Question::Sysctl(names::UDP) => rows(Transport::Udp, answer, names, &mut handle),
        Question::Sysctl(names::RAW) => rows(Transport::Raw, answer, names, &mut handle),
        Question::Sysctl(names::FILES) => files(answer, &mut handle),
        Question::Sysctl(_) => alike::number(answer),
        Question::Process(_) => process(answer, names),
        Question::Exe(_) => alike::text(answer, Kind::Executable, names),
        Question::Text(_) => text(answer),
        // Arguments are their user's text, and nothing of them stays.
        Question::Arguments(_) if answer.is_empty() => Vec::new(),
        Question::Arguments(_) => b"(redacted)\0".to_vec(),
        Question::HostFile(_) => alike::host_file(answer, names),
        Question::User(_) if answer.is_empty() => Vec::new(),
        Question::User(_) => names.name(Kind::User, answer),
    }
}

/// A table. One whose form is not known stays unread, of the length of a number.
fn rows(
    transport: Transport,
    answer: &[u8],
    names: &mut dyn Rename,
    handle: &mut dyn FnMut(&mut Copy<'_>, usize),
) -> Vec<u8> {
    let Ok((rows, is_still)) = decode::rows(transport, answer) else { return vec![0; 4] };
    let count = |changes: u64| {
        let mut one = vec![0; at::GENERATION];
        put(&mut one, 0, &(at::GENERATION as u64).to_le_bytes());
        put(&mut one, at::GENERATION_COUNT, &changes.to_le_bytes());
        one
    };
    let mut out = count(1);
    for row in rows {
        let Some((_, block)) = decode::block(transport, row) else { continue };
        if block.meaning() == Meaning::Other {
            continue;
        }
        let mut copy = Copy::new(row);
        let from = if transport == Transport::Tcp { at::TCP_BLOCK } else { 0 };
        copy.keep(0, 8);
        copy.keep(from + at::BLOCK_SOCKET_LENGTH, 8);
        handle(&mut copy, from + at::BLOCK_HANDLE);
        for at in [at::BLOCK_QUEUE, at::BLOCK_LIMIT, at::BLOCK_RECEIVED] {
            copy.keep(from + at, 4);
        }
        copy.id(from + at::BLOCK_UID, names);
        if block.has_peer {
            put(&mut copy.to, from + at::BLOCK_PEER_PORT, &1u16.to_be_bytes());
        }
        copy.keep(from + at::BLOCK_PORT, 2);
        copy.address(from + at::BLOCK_ADDRESS, block.versions, names);
        copy.keep(from + at::BLOCK_COUNT, 8);
        copy.keep(from + at::BLOCK_VERSIONS, 1);
        copy.keep(from + at::BLOCK_PROTOCOL, 1);
        if transport == Transport::Tcp {
            copy.keep(at::TCP_STATE, 4);
        }
        out.extend(copy.to);
    }
    out.extend(count(if is_still { 1 } else { 2 }));
    out
}

fn files(answer: &[u8], handle: &mut dyn FnMut(&mut Copy<'_>, usize)) -> Vec<u8> {
    if decode::files(answer).is_err() {
        return vec![0; 4];
    }
    let mut out = Vec::new();
    for one in records(answer, true).0 {
        let mut copy = Copy::new(one);
        if Bytes(one).u16(at::FILE_TYPE) != Some(at::IS_SOCKET) {
            continue;
        }
        copy.keep(0, 8);
        copy.keep(at::FILE_PID, 4);
        copy.keep(at::FILE_FD, 4);
        copy.keep(at::FILE_TYPE, 2);
        handle(&mut copy, at::FILE_DATA);
        out.extend(copy.to);
    }
    out
}

fn process(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    let mut copy = Copy::new(answer);
    copy.keep(0, 4);
    copy.keep(at::PROCESS_PID, 4);
    copy.keep(at::PROCESS_PPID, 4);
    copy.id(at::PROCESS_UID, names);
    copy.keep(at::PROCESS_GROUPS, 2);
    let groups = usize::from(copy.from.u16(at::PROCESS_GROUPS).unwrap_or_default()).min(at::PROCESS_MOST_GROUPS);
    (0..groups).for_each(|nth| copy.id(at::PROCESS_GROUP + nth * 4, names));
    copy.keep(at::PROCESS_SECONDS, 8);
    copy.keep(at::PROCESS_MICROSECONDS, 8);
    copy.name(at::PROCESS_NAME, at::PROCESS_NAME_ROOM, Kind::Program, names);
    copy.keep(at::PROCESS_JAIL, 4);
    copy.to
}

fn text(answer: &[u8]) -> Vec<u8> {
    let mut copy = Copy::new(answer);
    for at in [at::TEXT_LINKS, at::TEXT_DEVICE, at::TEXT_INODE] {
        copy.keep(at, 8);
    }
    copy.keep(at::TEXT_STATUS, 2);
    copy.to
}
