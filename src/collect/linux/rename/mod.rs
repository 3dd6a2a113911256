//! The names in a Linux capture, replaced.
//!
//! Every answer is taken apart as its reader takes it apart, and put together again from what was understood: numbers,
//! words of its format, and other names for names. What is not understood is left out, or stands as [`UNREAD`] where the
//! reader would count it as a row that makes no sense. A question that is not known here is left out with its answers.

mod processes;
mod rows;
mod tables;
mod texts;

use std::collections::HashMap;
use std::sync::Arc;

use super::addresses;
use super::question::Table;
use super::transcript::heading;
use crate::collect::capture::{Answer, Capture};
use crate::collect::rename::{Kind, Rename};
use crate::model::Text;

/// Stands for a word that no reader understands.
const UNREAD: &str = "?";

/// The same capture with other names for the names in it.
pub fn renamed(capture: &Capture, names: &mut dyn Rename) -> Capture {
    let mut out = Capture { platform: "linux".into(), ..Capture::default() };
    for (question, answers) in &capture.answers {
        let Some((question, asked)) = asked(question, names) else { continue };
        // One answer may stand for many, and is read once.
        let mut done: HashMap<*const Vec<u8>, Arc<Vec<u8>>> = HashMap::new();
        let mut answer = |answer: &Answer| -> Answer {
            let bytes = answer.as_ref().map_err(|errno| *errno)?;
            let new = done.entry(Arc::as_ptr(bytes)).or_insert_with(|| Arc::new(asked.answer(bytes, names)));
            Ok(new.clone())
        };
        let answers = answers.iter().map(&mut answer).collect();
        out.answers.entry(question).or_insert(answers);
    }
    out.heading = heading(&out);
    out
}

/// What an answer is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Numbers, and these words.
    Numbers(&'static [&'static str]),
    Vantage,
    Host,
    Namespaces,
    Links,
    Addresses,
    /// Lines `KIND PORT ADDRESS`.
    Told,
    Protocols,
    Diag(Table),
    ProcNet(Table),
    Link,
    Ring,
    Stat,
    Owner,
    Ids,
    Cgroup,
    Exe,
    Cmdline,
    HostFile,
    User,
    Packages,
    CgroupPaths,
    CgroupProcs,
    Script,
    SkLookup,
}

/// The name of a question with other names in it, and what its answer is read as; `None` for a question that is not
/// known.
fn asked(question: &str, names: &mut dyn Rename) -> Option<(String, Asked)> {
    use Asked::*;
    let (word, rest) = question.split_once(' ').unwrap_or((question, ""));
    if word == "file" {
        let path = Text::unescape(rest)?;
        let path = names.name(Kind::Executable, path.as_bytes());
        return Some((format!("file {}", Text::new(path).escaped()), HostFile));
    }
    if word == "cgroup-procs" {
        let path = names.name(Kind::Cgroup, Text::unescape(rest)?.as_bytes());
        return Some((format!("cgroup-procs {}", Text::new(path).escaped()), CgroupProcs));
    }
    let mut arguments: Vec<&str> = if rest.is_empty() { Vec::new() } else { rest.split(' ').collect() };
    let namespace = arguments.last().and_then(|last| last.strip_prefix('@'));
    if let Some(namespace) = namespace {
        let inode = namespace.strip_prefix("file:").unwrap_or(namespace);
        is_number::<u64>(inode).then_some(())?;
        arguments.pop();
    }
    let asked = match (word, &arguments[..]) {
        ("clock" | "netns" | "pids" | "connected" | "wireguard", []) => Numbers(&[]),
        ("nsid", ["own"]) => Numbers(&[]),
        ("nsid", [ns]) => {
            let inode = ns.strip_prefix("file:").unwrap_or(ns);
            is_number::<u64>(inode).then_some(Numbers(&[]))?
        }
        ("ports", []) => Numbers(&["ephemeral", "unprivileged"]),
        ("nfs-ports", []) => Numbers(&["tcp", "udp", "rdma"]),
        ("vantage", []) => Vantage,
        ("host" | "ids", []) => Host,
        ("namespaces", []) => Namespaces,
        ("links", []) => Links,
        ("addresses", []) => Addresses,
        ("l2tp" | "fou", []) => Told,
        ("protocols", []) => Protocols,
        ("packages", []) => Packages,
        ("cgroup-paths", []) => CgroupPaths,
        ("sk-lookup", []) => SkLookup,
        ("diag", [table]) => Diag(Table::from_name(table)?),
        ("proc", [table]) => ProcNet(Table::from_name(table)?),
        (_, numbers) if !numbers.iter().all(|number| is_number::<u32>(number)) => return None,
        ("sockets", [_] | [_, _]) => Numbers(&["net", "ring", "!"]),
        ("threads" | "in-flight" | "lives-in", [_]) => Numbers(&[]),
        ("vsock", [_]) => Numbers(&["gone"]),
        ("ring", [_, _]) => Ring,
        ("link", [_, _]) => Link,
        ("stat", [_]) => Stat,
        ("owner", [_]) => Owner,
        ("ids", [_]) => Ids,
        ("cgroup", [_]) => Cgroup,
        ("exe", [_] | [_, _]) => Exe,
        ("cmdline", [_]) => Cmdline,
        ("script", [_]) => Script,
        ("user", [uid]) => return Some((format!("user {}", names.id(uid.parse().ok()?)), User)),
        _ => return None,
    };
    Some((question.to_owned(), asked))
}

/// True for a number as this program writes it.
fn is_number<T: std::str::FromStr + ToString>(word: &str) -> bool {
    word.parse::<T>().is_ok_and(|number| number.to_string() == word)
}

impl Asked {
    fn answer(self, answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
        match self {
            Self::Numbers(words) => texts::numbers(answer, words),
            Self::Vantage => texts::vantage(answer, names),
            Self::Host => texts::host(answer, names),
            Self::Namespaces => texts::namespaces(answer, names),
            Self::Told => texts::told(answer, names),
            Self::Packages => texts::packages(answer, names),
            Self::CgroupPaths => texts::cgroup_paths(answer, names),
            Self::CgroupProcs => texts::numbers(answer, &["below"]),
            Self::Script => processes::script(answer, names),
            Self::SkLookup => texts::sk_lookup(answer, names),
            Self::Links => rows::links(answer, names),
            Self::Addresses => addresses::rewritten(answer, |ip| names.ip(ip)),
            Self::Diag(table) => rows::diag(table, answer, names),
            Self::Protocols => tables::protocols(answer, names),
            Self::ProcNet(table) => tables::table(table, answer, names),
            Self::Link => processes::link(answer),
            Self::Ring => processes::ring(answer),
            Self::Stat => processes::stat(answer, names),
            Self::Owner => processes::owner(answer, names),
            Self::Ids => processes::ids(answer, names),
            Self::Cgroup => processes::cgroup(answer, names),
            Self::Exe => processes::exe(answer, names),
            Self::Cmdline => processes::cmdline(answer),
            Self::HostFile => processes::host_file(answer, names),
            Self::User => names.name(Kind::User, answer),
        }
    }
}

/// A number, in the one way to write it.
fn number(word: &str) -> Option<String> {
    let unsigned = word.parse::<u64>().map(|number| number.to_string());
    unsigned.or_else(|_| word.parse::<i64>().map(|number| number.to_string())).ok()
}

/// A number, or what no reader understands.
fn number_or_unread(word: &str) -> String {
    number(word).unwrap_or_else(|| UNREAD.to_owned())
}

/// The number of a user or group, or what no reader understands.
fn id_or_unread(word: &str, names: &mut dyn Rename) -> String {
    word.parse().map_or_else(|_| UNREAD.to_owned(), |id| names.id(id).to_string())
}

/// The words of a line, each changed by `change`, with the space between them. A word that is no UTF-8 is not one that
/// any reader understands.
fn words(line: &[u8], mut change: impl FnMut(&str) -> String) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    for piece in line.chunk_by(|one, next| one.is_ascii_whitespace() == next.is_ascii_whitespace()) {
        match piece {
            [first, ..] if first.is_ascii_whitespace() => out.extend_from_slice(piece),
            word => out.extend(std::str::from_utf8(word).map_or(UNREAD.to_owned(), &mut change).into_bytes()),
        }
    }
    out
}

#[cfg(test)]
mod tests;
