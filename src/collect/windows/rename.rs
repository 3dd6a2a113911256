//! The names in a Windows capture, replaced. What is not understood is left out, or stands as [`UNREAD`] where the reader
//! would count it; a question that is not known here is left out with its answers.

use std::net::IpAddr;
use std::sync::Arc;

use super::question::{Question, Table};
use super::rows::rewritten;
use super::transcript::heading;
use super::vantage;
use crate::collect::capture::{Answer, Capture};
use crate::collect::rename::{Kind, Rename};
use crate::model::{Protected, Text, others_may_change};

/// Stands for what no reader understands.
const UNREAD: &str = "?";

/// The service that installs updates, which every Windows has.
const INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

/// The same capture with other names for the names in it.
pub fn renamed(capture: &Capture, names: &mut dyn Rename) -> Capture {
    let mut out = Capture { platform: "windows".into(), ..Capture::default() };
    for (name, answers) in &capture.answers {
        let Some(question) = asked(name, names) else { continue };
        let mut answer = |answer: &Answer| -> Answer {
            let bytes = answer.as_ref().map_err(|errno| *errno)?;
            Ok(Arc::new(of_question(&question, bytes, names)))
        };
        let answers = answers.iter().map(&mut answer).collect();
        out.answers.entry(question.to_string()).or_insert(answers);
    }
    out.heading = heading(&out);
    out
}

/// The question of that name, with another name in it; `None` for one that is not known.
fn asked(name: &str, names: &mut dyn Rename) -> Option<Question> {
    let (word, rest) = name.split_once(' ').unwrap_or((name, ""));
    let pid = || rest.parse::<u32>().ok();
    let question = match word {
        "clock" => Question::Clock,
        "vantage" => Question::Vantage,
        "host" => Question::Host,
        "identity" => Question::Identity,
        "links" => Question::Links,
        "processes" => Question::Processes,
        "services" => Question::Services,
        "table" => Question::Table(Table::from_name(rest)?),
        "image" => Question::Image(pid()?),
        "user" => Question::User(pid()?),
        "cmdline" => Question::Cmdline(pid()?),
        "module" => {
            let (pid, tag) = rest.split_once(' ')?;
            Question::Module(pid.parse().ok()?, tag.parse().ok()?)
        }
        "file" => return Some(Question::File(names.name(Kind::Executable, Text::unescape(rest)?.as_bytes()))),
        _ => return None,
    };
    (question.to_string() == name).then_some(question)
}

fn of_question(question: &Question, answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    match question {
        Question::Clock => number(std::str::from_utf8(answer).unwrap_or_default().trim()).into_bytes(),
        Question::Vantage => lines(answer, names, |word, rest, names| match word {
            "elevated" | "container" => Some(format!("{word} {}", number(rest))),
            "user" => Some(format!("{word} {}", user(rest, names))),
            "privilege" => vantage::privilege(rest).map(|known| format!("{word} {known}")),
            _ => None,
        }),
        Question::Host => lines(answer, names, |word, rest, names| match word {
            // Accounts of the host bear its name in capitals.
            "hostname" => Some(format!("{word} {}", escaped(Kind::Host, &rest.to_ascii_lowercase(), names))),
            "kernel" => Some(format!("{word} {}", escaped(Kind::Release, rest, names))),
            _ => None,
        }),
        Question::Identity => {
            lines(answer, names, |word, _, _| (word == "host_id").then(|| format!("{word} {:032}", 0)))
        }
        Question::Links => lines(answer, names, |index, rest, names| {
            let words: Vec<&str> = rest.splitn(4, ' ').collect();
            let [index6, up, loopback, name] = words[..] else { return Some(UNREAD.to_owned()) };
            let one_of =
                |word: &str, known: [&'static str; 2]| known.into_iter().find(|one| *one == word).unwrap_or(UNREAD);
            let (up, loopback) = (one_of(up, ["up", "down"]), one_of(loopback, ["loopback", "other"]));
            let name = escaped(Kind::Device, name, names);
            Some(format!("{} {} {up} {loopback} {name}", number(index), number(index6)))
        }),
        Question::Processes => lines(answer, names, |pid, rest, names| {
            let words: Vec<&str> = rest.splitn(3, ' ').collect();
            let [parent, start, name] = words[..] else { return Some(UNREAD.to_owned()) };
            let name = escaped(Kind::Program, name, names);
            Some(format!("{} {} {} {name}", number(pid), number(parent), number(start)))
        }),
        Question::Services => lines(answer, names, |pid, name, names| {
            Some(format!("{} {}", number(pid), escaped(Kind::Program, name, names)))
        }),
        Question::Module(..) => names.name(Kind::Program, answer),
        Question::Image(_) => names.name(Kind::Executable, answer),
        Question::User(_) => user(std::str::from_utf8(answer).unwrap_or_default().trim_end(), names).into_bytes(),
        Question::Cmdline(_) => b"(redacted)".to_vec(),
        Question::File(_) => lines(answer, names, |word, rest, names| match word {
            "changed" => Some(format!("{word} {}", number(rest))),
            "file" | "directory" => Some(format!("{word} {}", descriptor(rest, names))),
            "reparse" | "elsewhere" => Some(word.to_owned()),
            _ => Some(UNREAD.to_owned()),
        }),
        Question::Table(table) => addresses(*table, answer, names),
    }
}

/// Each line by its first word and the rest, in other words.
fn lines(
    answer: &[u8],
    names: &mut dyn Rename,
    mut change: impl FnMut(&str, &str, &mut dyn Rename) -> Option<String>,
) -> Vec<u8> {
    let mut out = String::new();
    for line in String::from_utf8_lossy(answer).lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if let Some(changed) = change(word, rest, names) {
            out.push_str(&changed);
            out.push('\n');
        }
    }
    out.into_bytes()
}

/// A number as this program writes it, or what no reader understands.
fn number(word: &str) -> String {
    word.parse::<u64>().map_or_else(|_| UNREAD.to_owned(), |number| number.to_string())
}

/// Another name for an escaped one, escaped.
fn escaped(kind: Kind, name: &str, names: &mut dyn Rename) -> String {
    Text::unescape(name)
        .map_or_else(|| UNREAD.to_owned(), |name| Text::new(names.name(kind, name.as_bytes())).escaped())
}

/// `SID NAME`.
fn user(words: &str, names: &mut dyn Rename) -> String {
    let (id, name) = words.split_once(' ').unwrap_or((words, ""));
    let id = sid(id, names).unwrap_or_else(|| UNREAD.to_owned());
    if name.is_empty() { id } else { format!("{id} {}", escaped(Kind::User, name, names)) }
}

/// Another SID of the same kind: those of users keep nothing of their domain, and the numbers of well-known ones stay.
fn sid(sid: &str, names: &mut dyn Rename) -> Option<String> {
    let numbers = sid.strip_prefix("S-1-")?.split('-').map(|part| part.parse::<u64>().ok());
    let numbers: Vec<u64> = numbers.collect::<Option<_>>()?;
    Some(match numbers[..] {
        _ if sid == INSTALLER => sid.to_owned(),
        // An authority, what kind of one, and whose.
        [authority, kind, _, .., last] => {
            format!("S-1-{authority}-{kind}-0-0-0-{}", names.id(u32::try_from(last).unwrap_or(u32::MAX)))
        }
        _ => format!("S-1-{}", numbers.iter().map(u64::to_string).collect::<Vec<_>>().join("-")),
    })
}

/// A security descriptor with other SIDs, word by word; one with a word that no reader understands tells nothing.
fn descriptor(sddl: &str, names: &mut dyn Rename) -> String {
    rewritten_descriptor(sddl, names).unwrap_or_else(|| UNREAD.to_owned())
}

fn rewritten_descriptor(sddl: &str, names: &mut dyn Rename) -> Option<String> {
    const FLAGS: [&str; 5] = ["", "P", "AI", "PAI", "NO_ACCESS_CONTROL"];
    const KINDS: [&str; 2] = ["A", "D"];
    const INHERITED: [&str; 5] = ["OI", "CI", "IO", "NP", "ID"];
    let (owner, dacl) = sddl.strip_prefix("O:")?.split_once("D:")?;
    let (owner, group) = owner.split_once("G:").map_or((owner, None), |(owner, group)| (owner, Some(group)));
    let (flags, entries) = dacl.find('(').map_or((dacl, ""), |at| dacl.split_at(at));
    let mut out = format!("O:{}", trustee(owner, names)?);
    if let Some(group) = group {
        out += &format!("G:{}", trustee(group, names)?);
    }
    out += &format!("D:{}", FLAGS.into_iter().find(|known| *known == flags)?);
    for entry in entries.split_terminator(')') {
        let fields: Vec<&str> = entry.strip_prefix('(')?.split(';').collect();
        let [kind, inherited, rights, "", "", who] = fields[..] else { return None };
        let kind = KINDS.into_iter().find(|known| *known == kind)?;
        let each = inherited.as_bytes().chunks(2).all(|flag| INHERITED.iter().any(|known| known.as_bytes() == flag));
        // The reader knows which words are rights.
        let is_read = others_may_change(&format!("O:SYD:(A;;{rights};;;SY)"), Protected::File).is_some();
        if !each || !is_read {
            return None;
        }
        out += &format!("({kind};{inherited};{rights};;;{})", trustee(who, names)?);
    }
    Some(out)
}

/// A SID, or the two letters of a well-known one.
fn trustee(word: &str, names: &mut dyn Rename) -> Option<String> {
    const LETTERS: [&str; 14] = ["SY", "BA", "BU", "AU", "WD", "CO", "CG", "OW", "LA", "LS", "NS", "AC", "IU", "PU"];
    match LETTERS.into_iter().find(|known| *known == word) {
        Some(letters) => Some(letters.to_owned()),
        None => sid(word, names),
    }
}

/// A table with other addresses.
fn addresses(table: Table, answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    rewritten(table, answer, |layout, row| {
        let Some(field) = row.get_mut(layout.address..) else { return true };
        let other = match layout.ipv6 {
            true => field.first_chunk::<16>().map(|octets| names.ip(IpAddr::from(*octets))),
            false => field.first_chunk::<4>().map(|octets| names.ip(IpAddr::from(*octets))),
        };
        match other {
            Some(IpAddr::V4(ip)) if !layout.ipv6 => field[..4].copy_from_slice(&ip.octets()),
            Some(IpAddr::V6(ip)) if layout.ipv6 => field[..16].copy_from_slice(&ip.octets()),
            // An address of the other family has no room here.
            _ => return false,
        }
        // Of who is at the other end nothing may be left, whatever wrote it down.
        if let Some(state) = layout.state
            && let Some(remote) = row.get_mut(layout.port + 4..if layout.ipv6 { state } else { layout.pid })
        {
            remote.fill(0);
        }
        true
    })
}
