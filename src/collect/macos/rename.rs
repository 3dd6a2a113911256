//! The names in a macOS capture, replaced.
//!
//! A structure is made anew of zeros and of the fields that are read, with other names for names; and of the tables and
//! lists of sockets only those rows stay that could be listed. A question that is not known is left out with its answers.

use std::collections::HashMap;
use std::sync::Arc;

use super::layout::{self as at, tables as table};
use super::question::{Question, names};
use super::{sockets, tables};
use crate::collect::bsd::bytes::{Bytes, put};
use crate::collect::bsd::inet::Meaning;
use crate::collect::bsd::rename::{self as alike, Copy, Handles};
use crate::collect::bsd::transcript::heading;
use crate::collect::capture::{Answer, Capture};
use crate::collect::rename::{Kind, Rename};
use crate::model::Transport;

/// The same capture with other names for the names in it.
pub fn renamed(capture: &Capture, names: &mut dyn Rename) -> Capture {
    let mut out = Capture { platform: "macos".into(), ..Capture::default() };
    let mut handles = Handles::default();
    for (question, answers) in &capture.answers {
        let Some(question) = Question::from_name(question) else { continue };
        let asked = Asked::of(&question);
        let question = match question {
            Question::HostFile(path) => Question::HostFile(names.name(Kind::Executable, &path)),
            Question::User(uid) => Question::User(names.id(uid)),
            other => other,
        };
        // One answer may stand for many, and is read once.
        let mut done: HashMap<*const Vec<u8>, Arc<Vec<u8>>> = HashMap::new();
        let mut answer = |answer: &Answer| -> Answer {
            let bytes = answer.as_ref().map_err(|errno| *errno)?;
            let new = done.entry(Arc::as_ptr(bytes));
            Ok(new.or_insert_with(|| Arc::new(rewritten(&asked, bytes, names, Some(&mut handles)))).clone())
        };
        let answers = answers.iter().map(&mut answer).collect();
        out.answers.entry(question.to_string()).or_insert(answers);
    }
    out.heading = heading(&out);
    out
}

/// What an answer is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Clock,
    Vantage,
    HostId,
    Links,
    Name(Kind),
    Boot,
    Port,
    Table(Transport),
    Pids,
    Process,
    Sockets,
    Exe,
    Mapped,
    HostFile,
    User,
}

impl Asked {
    /// What the answer to a question is read as.
    pub fn of(question: &Question) -> Self {
        match question {
            Question::Clock => Self::Clock,
            Question::Vantage => Self::Vantage,
            Question::HostId => Self::HostId,
            Question::Links => Self::Links,
            Question::Sysctl(names::TCP) => Self::Table(Transport::Tcp),
            Question::Sysctl(names::UDP) => Self::Table(Transport::Udp),
            Question::Sysctl(names::RAW) => Self::Table(Transport::Raw),
            Question::Sysctl(names::HOSTNAME) => Self::Name(Kind::Host),
            Question::Sysctl(names::RELEASE) => Self::Name(Kind::Release),
            Question::Sysctl(names::BOOT) => Self::Boot,
            Question::Sysctl(_) => Self::Port,
            Question::Pids => Self::Pids,
            Question::Process(_) => Self::Process,
            Question::Sockets(_) => Self::Sockets,
            Question::Exe(_) => Self::Exe,
            Question::Mapped(_) => Self::Mapped,
            Question::HostFile(_) => Self::HostFile,
            Question::User(_) => Self::User,
        }
    }
}

/// An answer made anew; handles stay where there are no numbers for them.
pub fn rewritten(asked: &Asked, answer: &[u8], names: &mut dyn Rename, handles: Option<&mut Handles>) -> Vec<u8> {
    match asked {
        Asked::Clock => alike::clock(answer),
        Asked::Vantage => alike::vantage(answer, names),
        Asked::HostId => b"00000000000000000000000000000000\n".to_vec(),
        Asked::Links => alike::links(answer, names),
        Asked::Name(kind) => alike::text(answer, *kind, names),
        Asked::Boot => b"00000000-0000-0000-0000-000000000000\0".to_vec(),
        Asked::Port => alike::number(answer),
        Asked::Table(transport) => rows(*transport, answer, names, handles),
        Asked::Pids => pids(answer),
        Asked::Process => process(answer, names),
        Asked::Sockets => all_sockets(answer, names, handles),
        Asked::Exe if answer.is_empty() => Vec::new(),
        Asked::Exe => names.name(Kind::Executable, answer),
        Asked::Mapped => mapped(answer),
        Asked::HostFile => alike::host_file(answer, names),
        Asked::User if answer.is_empty() => Vec::new(),
        Asked::User => names.name(Kind::User, answer),
    }
}

fn pids(answer: &[u8]) -> Vec<u8> {
    let lines = std::str::from_utf8(answer).unwrap_or_default().lines();
    lines.filter_map(|line| line.parse::<u32>().ok()).map(|pid| format!("{pid}\n")).collect::<String>().into_bytes()
}

fn is_listed(meaning: &Meaning) -> bool {
    matches!(meaning, Meaning::Socket(_) | Meaning::Lingering(..) | Meaning::InTable)
}

fn handle(copy: &mut Copy<'_>, at: usize, handles: Option<&mut Handles>) {
    match handles {
        Some(handles) => copy.handle(at, handles),
        None => copy.keep(at, 8),
    }
}

/// A table of sysctl(3). One whose form is not known stays unread, of the length of a number.
fn rows(transport: Transport, answer: &[u8], names: &mut dyn Rename, mut handles: Option<&mut Handles>) -> Vec<u8> {
    let Ok((rows, is_still)) = tables::rows(answer) else { return vec![0; 4] };
    if rows.iter().any(|row| tables::block_at(transport, row).is_none()) {
        return vec![0; 4];
    }
    let count = |changes: u64| {
        let mut one = vec![0; table::GENERATION];
        put(&mut one, 0, &(table::GENERATION as u32).to_le_bytes());
        put(&mut one, table::GENERATION_COUNT, &changes.to_le_bytes());
        one
    };
    let mut out = count(1);
    for row in rows {
        let Some(from) = tables::block_at(transport, row) else { continue };
        let Some((_, block)) = tables::block(transport, Bytes(row), from) else { continue };
        let meaning = block.meaning();
        // What makes no sense is to make none again, and is counted.
        if !is_listed(&meaning) && meaning != Meaning::Bad {
            continue;
        }
        let mut copy = Copy::new(row);
        let socket = from + table::BLOCK_SOCKET;
        copy.keep(0, 4);
        if from == 0 {
            copy.keep(0, 8);
        } else {
            copy.keep(table::TCP_STATE, 4);
        }
        if block.has_peer {
            put(&mut copy.to, from + table::BLOCK_PEER_PORT, &1u16.to_be_bytes());
        }
        copy.keep(from + table::BLOCK_PORT, 2);
        copy.keep(from + table::BLOCK_COUNT, 8);
        copy.keep(from + table::BLOCK_VERSIONS, 1);
        copy.keep(from + table::BLOCK_PROTOCOL, 1);
        copy.address(from + table::BLOCK_ADDRESS, block.versions, names);
        copy.keep(socket, 4);
        handle(&mut copy, socket + table::SOCKET_HANDLE, handles.as_deref_mut());
        for at in [table::SOCKET_QUEUE, table::SOCKET_INCOMPLETE, table::SOCKET_LIMIT] {
            copy.keep(socket + at, 2);
        }
        copy.keep(socket + table::SOCKET_RECEIVED, 4);
        copy.id(socket + table::SOCKET_UID, names);
        out.extend(copy.to);
    }
    out.extend(count(if is_still { 1 } else { 2 }));
    out
}

fn process(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    let mut copy = Copy::new(answer);
    copy.keep(at::BSDINFO_PID, 4);
    copy.keep(at::BSDINFO_PPID, 4);
    copy.id(at::BSDINFO_UID, names);
    copy.name(at::BSDINFO_COMM, at::BSDINFO_COMM_ROOM, Kind::Program, names);
    copy.name(at::BSDINFO_NAME, at::BSDINFO_NAME_ROOM, Kind::Program, names);
    copy.keep(at::BSDINFO_SECONDS, 8);
    copy.keep(at::BSDINFO_MICROSECONDS, 8);
    copy.to
}

fn mapped(answer: &[u8]) -> Vec<u8> {
    let one = |one: &[u8]| {
        let mut copy = Copy::new(one);
        copy.keep(at::REGION_DEVICE, 4);
        copy.keep(at::REGION_LINKS, 2);
        copy.keep(at::REGION_INODE, 8);
        copy.to
    };
    answer.chunks_exact(at::REGION_KEPT).flat_map(one).collect()
}

fn all_sockets(answer: &[u8], names: &mut dyn Rename, mut handles: Option<&mut Handles>) -> Vec<u8> {
    let (records, is_whole) = sockets::records(answer);
    let mut out = Vec::new();
    for record in records {
        let head = [record.number, u32::from(record.kind == 1), record.errno, record.socket.len() as u32];
        // A socket that could not be listed is left out, and what makes no sense is counted again.
        let listing = sockets::listing(&one(head, record.socket));
        if listing.held.iter().any(|held| !is_listed(&held.meaning) && held.meaning != Meaning::Bad) {
            continue;
        }
        out.extend(one(head, &socket(record.socket, names, handles.as_deref_mut())));
    }
    if !is_whole {
        out.push(0);
    }
    out
}

fn one(head: [u32; 4], socket: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = head.into_iter().flat_map(u32::to_le_bytes).collect();
    out.extend_from_slice(socket);
    out
}

fn socket(answer: &[u8], names: &mut dyn Rename, handles: Option<&mut Handles>) -> Vec<u8> {
    let mut copy = Copy::new(answer);
    let bytes = copy.from;
    handle(&mut copy, at::SOCKET_HANDLE, handles);
    for (at, length) in [
        (at::SOCKET_TYPE, 4),
        (at::SOCKET_PROTOCOL, 4),
        (at::SOCKET_FAMILY, 4),
        (at::SOCKET_OPTIONS, 2),
        (at::SOCKET_QUEUE, 2),
        (at::SOCKET_INCOMPLETE, 2),
        (at::SOCKET_LIMIT, 2),
        (at::SOCKET_RECEIVED, 4),
        (at::SOCKET_KIND, 4),
    ] {
        copy.keep(at, length);
    }
    match bytes.u32(at::SOCKET_KIND) {
        Some(kind @ (at::KIND_INET | at::KIND_TCP)) => {
            if bytes.port(at::INET_PEER_PORT) != Some(0) {
                put(&mut copy.to, at::INET_PEER_PORT, &1u16.to_be_bytes());
            }
            copy.keep(at::INET_PORT, 2);
            copy.keep(at::INET_VERSIONS, 1);
            copy.address(at::INET_ADDRESS, bytes.u8(at::INET_VERSIONS).unwrap_or_default(), names);
            if kind == at::KIND_TCP {
                copy.keep(at::TCP_STATE, 4);
            }
        }
        Some(at::KIND_UNIX) => {
            if bytes.u64(at::UNIX_PEER) != Some(0) {
                put(&mut copy.to, at::UNIX_PEER, &1u64.to_le_bytes());
            }
            let path = sockets::path(bytes).filter(|path| !path.is_empty());
            let path = path.map(|path| names.name(Kind::Socket, path.as_bytes())).unwrap_or_default();
            let path = &path[..path.len().min(at::UNIX_ROOM - 2)];
            put(&mut copy.to, at::UNIX_PATH, path);
            // The length counts itself and the family; there is no room for more.
            put(&mut copy.to, at::UNIX_LENGTH, &[(path.len() + 2) as u8]);
        }
        Some(at::KIND_VSOCK) => {
            copy.keep(at::VSOCK_CID, 4);
            copy.keep(at::VSOCK_PORT, 4);
        }
        _ => {}
    }
    copy.to
}
