//! The spellings of `ss`, `lsof` and `netstat`, turned into ours before clap sees them.
//!
//! A habit is taken over only where it means the same here. Everything else that these three programs know is refused
//! with one sentence that names what to use instead: a flag that is silently read as another is worse than none.

mod filter;
mod internet;
mod refusal;

use std::collections::VecDeque;
use std::ffi::OsString;

use crate::error::Error;

/// The verbs there are; the first word that is no flag is one of them or belongs to a query.
pub const VERBS: &[&str] =
    &["list", "explain", "rules", "audit", "policy", "doctor", "capture", "schema", "completions", "man", "help"];

/// Verbs that are planned: as words of a query they would change their meaning one day without a sound.
const RESERVED: &[&str] = &["baseline", "diff", "watch", "probe", "report", "ddl"];

/// Our flags that take the next word.
const WITH_VALUE: &[&str] =
    &["--format", "--output", "--color", "--from", "--root", "--timeout", "--net", "--policy", "--role"];

/// Our one-letter flags; none of them takes a word.
const LETTERS: &str = "tuSwx046lnpoOHaeqvhV";

/// Rewrites the arguments after the program's name. The verb, where there is one, comes first; the habits belong to
/// `list` alone, so the arguments of any other verb are left as they are.
pub fn rewrite(arguments: Vec<OsString>) -> Result<Vec<OsString>, Error> {
    let mut arguments = arguments;
    let verb = first_word(&arguments).filter(|at| arguments[*at].to_str().is_some_and(|word| VERBS.contains(&word)));
    let mut out = Vec::with_capacity(arguments.len() + 2);
    if let Some(at) = verb {
        let verb = arguments.remove(at);
        if verb == "help" {
            arguments.truncate(1);
            arguments.push("--help".into());
            return Ok(arguments);
        }
        let is_list = verb == "list";
        out.push(verb);
        if !is_list {
            out.extend(arguments);
            return Ok(out);
        }
    } else {
        if let Some(asked) = arguments.iter().take_while(|a| *a != "--").find(|a| asks_for_help(a)) {
            return Ok(vec![asked.clone()]);
        }
        if let Some(word) = first_word(&arguments).and_then(|at| arguments[at].to_str())
            && RESERVED.contains(&word)
        {
            return Err(usage(
                format!("this version has no verb `{word}`"),
                format!("`earmark list {word}` looks for a listener of that name; `earmark --help` names the verbs"),
            ));
        }
    }
    let mut rewriter = Rewriter { rest: arguments.into(), out, internet: Vec::new() };
    rewriter.run()?;
    internet::combine(&rewriter.internet, &mut rewriter.out)?;
    Ok(rewriter.out)
}

/// The first argument that is neither a flag nor a flag's value. What follows `--` is never a verb.
fn first_word(arguments: &[OsString]) -> Option<usize> {
    let mut at = 0;
    while at < arguments.len() {
        match arguments[at].to_str() {
            Some("--") => return None,
            Some(flag) if WITH_VALUE.contains(&flag) || ends_in_namespace(flag) => at += 1,
            Some(flag) if flag.starts_with('-') && flag.len() > 1 => {}
            _ => return Some(at),
        }
        at += 1;
    }
    None
}

/// True for flags of one letter each of which the last, `-N`, takes the next word.
fn ends_in_namespace(flag: &str) -> bool {
    let letters = flag.strip_prefix('-').and_then(|letters| letters.strip_suffix('N'));
    letters.is_some_and(|letters| letters.chars().all(|letter| letter == 'P' || LETTERS.contains(letter)))
}

/// Help and version are answered whatever stands beside them, as `ss`, `lsof` and `netstat` do.
fn asks_for_help(argument: &OsString) -> bool {
    matches!(argument.to_str(), Some("-h" | "--help" | "-V" | "--version"))
}

/// The arguments of `list` on their way.
struct Rewriter {
    rest: VecDeque<OsString>,
    out: Vec<OsString>,
    internet: Vec<internet::Selection>,
}

impl Rewriter {
    fn run(&mut self) -> Result<(), Error> {
        // Words after `--` would hide what is appended later; they are kept apart until the end.
        let mut verbatim = Vec::new();
        while let Some(argument) = self.rest.pop_front() {
            // What is not UTF-8 is no habit; clap names it.
            let Some(text) = argument.to_str() else {
                self.out.push(argument);
                continue;
            };
            if text == "--" {
                verbatim.extend(self.rest.drain(..));
            } else if WITH_VALUE.contains(&text) {
                self.out.push(argument);
                self.out.extend(self.rest.pop_front());
            } else if let Some(long) = text.strip_prefix("--") {
                let name = long.split('=').next().unwrap_or(long);
                refusal::long(name)?;
                self.out.push(argument);
            } else if let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                self.cluster(letters)?;
            } else if filter::begins(text, self.peek()) {
                let words = filter::words(text, &mut self.rest)?;
                self.out.extend(words.into_iter().map(OsString::from));
            } else {
                self.out.push(argument);
            }
        }
        if !verbatim.is_empty() {
            internet::combine(&std::mem::take(&mut self.internet), &mut self.out)?;
            self.out.push("--".into());
            self.out.extend(verbatim);
        }
        Ok(())
    }

    fn peek(&self) -> Option<&str> {
        self.rest.front().and_then(|word| word.to_str())
    }

    /// One argument of one-letter flags, without its hyphen.
    fn cluster(&mut self, letters: &str) -> Result<(), Error> {
        let mut kept = String::from("-");
        for (at, letter) in letters.char_indices() {
            let attached = &letters[at + letter.len_utf8()..];
            match letter {
                'i' => {
                    self.internet_flag(attached, kept.contains('t'))?;
                    break;
                }
                's' => {
                    self.state_flag(attached)?;
                    break;
                }
                'N' => {
                    let attached = Some(attached).filter(|attached| !attached.is_empty()).map(OsString::from);
                    let namespace = attached.or_else(|| self.rest.pop_front()).ok_or_else(|| {
                        usage(
                            "-N needs a network namespace",
                            "write `-N NAME`, its inode, or the id of a process in it",
                        )
                    })?;
                    self.out.extend(["--net".into(), namespace]);
                    break;
                }
                // Beside a letter of lsof alone it is lsof's, too.
                'p' if (at == 0 || letters[..at].contains('P')) && self.process_flag(attached)? => break,
                // `lsof -P`: port numbers stay numbers, as they always do here.
                'P' => {}
                _ if LETTERS.contains(letter) => kept.push(letter),
                _ => return Err(refusal::letter(letter)),
            }
        }
        if kept.len() > 1 {
            self.out.push(kept.into());
        }
        Ok(())
    }

    /// `lsof -i`, alone, with its argument attached, or with the next word where that reads as one.
    fn internet_flag(&mut self, attached: &str, terse: bool) -> Result<(), Error> {
        if attached.is_empty() {
            let selection = self.peek().and_then(|word| internet::Selection::parse(word).transpose());
            if let Some(selection) = selection {
                self.internet.push(selection?);
                self.rest.pop_front();
            } else {
                self.internet.push(internet::Selection::default());
            }
            return Ok(());
        }
        let Some(selection) = internet::Selection::parse(attached)? else {
            return Err(usage(
                format!("`-i{attached}` is no address of lsof, and the internals of TCP (ss -i) are not shown"),
                "write `-i :3220`, `-iTCP:3220`, or just `3220`",
            ));
        };
        if terse {
            // `kill $(lsof -ti:3220)`: whoever writes this wants bare process ids, not a table of TCP.
            return Err(usage(
                format!("`-ti{attached}` asks lsof for bare process ids, and -t is TCP here"),
                format!("`earmark --format plain -i{attached}` has the process id in a column"),
            ));
        }
        self.internet.push(selection);
        Ok(())
    }

    /// `lsof -sTCP:LISTEN`; `ss -s` and `netstat -s` are something else.
    fn state_flag(&mut self, attached: &str) -> Result<(), Error> {
        let is_listen = |text: &str| text.eq_ignore_ascii_case("tcp:listen");
        if is_listen(attached) {
            return Ok(());
        }
        if attached.is_empty() && self.peek().is_some_and(is_listen) {
            self.rest.pop_front();
            return Ok(());
        }
        let state = if attached.is_empty() { self.peek().unwrap_or_default() } else { attached };
        if state.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("tcp:") || start.eq_ignore_ascii_case("udp:"))
        {
            return Err(usage(
                format!("`-s {state}` asks for a state that is not listed: only sockets that receive are"),
                "-sTCP:LISTEN may stand here, and -a adds what is bound without listening",
            ));
        }
        Err(refusal::letter('s'))
    }

    /// `-p` on its own is lsof's where process ids follow; false where it is the flag of ss.
    fn process_flag(&mut self, attached: &str) -> Result<bool, Error> {
        // `-p4`, `-p6` and `-p0` are two flags of ss; everything else with digits is a list of lsof.
        if matches!(attached, "4" | "6" | "0") {
            return Ok(false);
        }
        let from_next = attached.is_empty();
        let list = if from_next { self.peek().unwrap_or_default() } else { attached }.to_owned();
        if list.starts_with('^') {
            return Err(usage(
                format!("`-p {list}` leaves a process out, and a query only chooses"),
                "write `-p 1234` for one process",
            ));
        }
        if from_next && matches!(list.as_str(), "tcp" | "udp") {
            // `netstat -p tcp` of BSD, macOS and Windows.
            self.rest.pop_front();
            self.out.push(format!("--{list}").into());
            return Ok(true);
        }
        let is_list = list.starts_with(|c: char| c.is_ascii_digit())
            && list.bytes().all(|byte| byte.is_ascii_digit() || byte == b',');
        if !is_list {
            return Ok(false);
        }
        if from_next {
            self.rest.pop_front();
        }
        self.out.extend(list.split(',').filter(|pid| !pid.is_empty()).map(|pid| format!("pid:{pid}").into()));
        Ok(true)
    }
}

/// A refusal: what is wrong, and what to write instead.
fn usage(problem: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::Usage { problem: problem.into(), hint: hint.into() }
}

#[cfg(test)]
mod tests;
