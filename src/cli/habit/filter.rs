//! The filters of `ss`: `sport = :3220`, `( sport = :22 or sport = :80 )`, `src 10.0.0.0/8`.
//!
//! A query ANDs its kinds and ORs the words of one kind, so a filter is taken over where it has that shape: ports
//! joined by `or`, addresses joined by `or`, and the two groups by `and`. Any other is refused.

use std::collections::VecDeque;
use std::ffi::OsString;

use super::usage;
use crate::error::Error;

const STATES: &[&str] = &[
    "all",
    "connected",
    "synchronized",
    "bucket",
    "big",
    "bound-inactive",
    "bound",
    "listening",
    "listen",
    "established",
    "syn-sent",
    "syn-recv",
    "fin-wait-1",
    "fin-wait-2",
    "time-wait",
    "closed",
    "close-wait",
    "last-ack",
    "closing",
    "unconnected",
];

/// True where a word and the one after it begin a filter of ss and cannot well be the name of something.
pub(super) fn begins(word: &str, next: Option<&str>) -> bool {
    let mut tokens = tokens(word).into_iter();
    let first = tokens.next().unwrap_or_default();
    let second = tokens.next().or_else(|| next.map(str::to_owned)).unwrap_or_default();
    let keyword = |token: &str| matches!(token, "(" | "!" | "not" | "sport" | "dport" | "src" | "dst" | "state");
    match first.as_str() {
        "sport" | "dport" => true,
        // A process may be called `(sd-pam)`.
        "(" | "!" | "not" => keyword(&second),
        "src" | "dst" => {
            is_operator(&second)
                || second.contains([':', '.', '*', '['])
                || second.starts_with(|c: char| c.is_ascii_digit())
        }
        "state" | "exclude" => STATES.contains(&second.to_ascii_lowercase().as_str()),
        "dev" | "fwmark" | "cgroup" => is_operator(&second),
        _ => false,
    }
}

/// Reads the filter that begins with `first` and goes on in the words of `rest`; what it consumed is gone from there.
pub(super) fn words(first: &str, rest: &mut VecDeque<OsString>) -> Result<Vec<String>, Error> {
    let mut parser = Parser { tokens: tokens(first).into(), rest };
    let filter = parser.disjunction()?;
    if !parser.tokens.is_empty() {
        return Err(usage(format!("`{first}` goes on after the end of its filter"), HINT));
    }
    Ok(filter.ports.into_iter().chain(filter.addresses).collect())
}

const HINT: &str = "write `sport = :22 or sport = :80`, or just `22 80`";

/// What a filter chooses: any of the ports, and any of the addresses. An empty list chooses all.
#[derive(Default)]
struct Chosen {
    ports: Vec<String>,
    addresses: Vec<String>,
}

impl Chosen {
    fn is_everything(&self) -> bool {
        self.ports.is_empty() && self.addresses.is_empty()
    }
}

struct Parser<'a> {
    tokens: VecDeque<String>,
    rest: &'a mut VecDeque<OsString>,
}

impl Parser<'_> {
    /// The next token; the words of the command line are taken as they are needed, and never a flag.
    fn peek(&mut self) -> Option<&str> {
        if self.tokens.is_empty() {
            let word = self.rest.front()?.to_str().filter(|word| !word.starts_with('-'))?;
            let more = tokens(word);
            if more.is_empty() {
                return None;
            }
            self.tokens.extend(more);
            self.rest.pop_front();
        }
        self.tokens.front().map(String::as_str)
    }

    fn next(&mut self) -> Option<String> {
        self.peek()?;
        self.tokens.pop_front()
    }

    /// Looks without taking a word of the command line that may be no part of the filter.
    fn follows(&mut self, wanted: impl Fn(&str, Option<&str>) -> bool) -> bool {
        if let Some(token) = self.tokens.front() {
            return wanted(token, self.tokens.get(1).map(String::as_str));
        }
        let word = |at: usize| self.rest.get(at).and_then(|word| word.to_str()).filter(|word| !word.starts_with('-'));
        word(0).is_some_and(|first| wanted(first, word(1)))
    }

    fn disjunction(&mut self) -> Result<Chosen, Error> {
        let mut all = self.conjunction()?;
        while self.follows(|token, _| matches!(token, "or" | "|" | "||")) {
            self.next();
            let other = self.conjunction()?;
            let ports_alone = all.addresses.is_empty() && other.addresses.is_empty();
            let addresses_alone = all.ports.is_empty() && other.ports.is_empty();
            if (!ports_alone && !addresses_alone) || all.is_everything() || other.is_everything() {
                return Err(usage("a filter that joins ports and addresses by `or` is not supported", HINT));
            }
            all.ports.extend(other.ports);
            all.addresses.extend(other.addresses);
        }
        Ok(all)
    }

    fn conjunction(&mut self) -> Result<Chosen, Error> {
        let mut all = self.clause()?;
        loop {
            if self.follows(|token, _| matches!(token, "and" | "&" | "&&")) {
                self.next();
            } else if !self.follows(begins) {
                return Ok(all);
            }
            let other = self.clause()?;
            let overlap = (!all.ports.is_empty() && !other.ports.is_empty())
                || (!all.addresses.is_empty() && !other.addresses.is_empty());
            if overlap {
                let hint = "write a range of ports as `3000-3999`";
                return Err(usage("a filter that joins two ports or two addresses by `and` is not supported", hint));
            }
            all.ports.extend(other.ports);
            all.addresses.extend(other.addresses);
        }
    }

    fn clause(&mut self) -> Result<Chosen, Error> {
        let missing = |what: &str| usage(format!("the filter ends where {what} should stand"), HINT);
        let word = self.next().ok_or_else(|| missing("`sport` or `src`"))?;
        match word.as_str() {
            "(" => {
                let inner = self.disjunction()?;
                match self.next().as_deref() {
                    Some(")") => Ok(inner),
                    _ => Err(missing("`)`")),
                }
            }
            "sport" => {
                let operator = match self.peek() {
                    Some(token) if is_operator(token) => self.next().unwrap_or_default(),
                    Some(_) => "=".to_owned(),
                    None => return Err(missing("a port")),
                };
                let port = self.next().ok_or_else(|| missing("a port"))?;
                Ok(Chosen { ports: vec![port_word(&operator, &port)?], ..Chosen::default() })
            }
            "src" => {
                if self.peek().is_some_and(|token| matches!(token, "=" | "==" | "eq")) {
                    self.next();
                }
                let address = self.next().ok_or_else(|| missing("an address"))?;
                if is_operator(&address) {
                    return Err(usage(format!("`src {address}` is not supported"), "write `src ADDRESS`"));
                }
                let has_port = address.starts_with(':')
                    || address.contains("]:")
                    || (address.matches(':').count() == 1 && !address.contains('/'));
                Ok(match has_port {
                    true => Chosen { ports: vec![address], ..Chosen::default() },
                    false => Chosen { addresses: vec![address], ..Chosen::default() },
                })
            }
            "dport" | "dst" => Err(usage(
                format!("`{word}` chooses by the peer, and a socket that receives has none"),
                "choose by the own port or address: `sport = :3220`, `src 10.0.0.5`",
            )),
            // What is listed anyway.
            "state" if self.follows(|state, _| matches!(state, "listening" | "listen")) => {
                self.next();
                Ok(Chosen::default())
            }
            "state" | "exclude" => Err(usage(
                format!("`{word}` chooses by state, and only sockets that receive are listed"),
                "leave it out; -a adds what is bound without listening",
            )),
            "not" | "!" => Err(usage("a query only chooses, it leaves nothing out", HINT)),
            "dev" | "fwmark" | "cgroup" => {
                Err(usage(format!("`{word}` is not supported in a filter"), "`-e` shows it for each listener"))
            }
            _ => Err(usage(format!("`{word}` is no part of a filter"), HINT)),
        }
    }
}

/// The word of a query for one comparison of the own port.
fn port_word(operator: &str, port: &str) -> Result<String, Error> {
    let name = port.strip_prefix(':').unwrap_or(port);
    if matches!(operator, "=" | "==" | "eq") {
        return Ok(format!(":{name}"));
    }
    let number: u32 = name.parse().map_err(|_| {
        usage(format!("`sport {operator} {port}` compares with something that is no port"), "write a number")
    })?;
    match operator {
        ">=" | "ge" | "geq" => Ok(format!(":{number}-65535")),
        ">" | "gt" => Ok(format!(":{}-65535", number.saturating_add(1))),
        "<=" | "le" | "leq" => Ok(format!(":1-{number}")),
        "<" | "lt" => Ok(format!(":1-{}", number.saturating_sub(1))),
        _ => Err(usage(format!("`sport {operator} {port}` leaves a port out, and a query only chooses"), HINT)),
    }
}

fn is_operator(token: &str) -> bool {
    matches!(
        token,
        "=" | "==" | "eq" | "!=" | "ne" | "neq" | ">=" | "ge" | "geq" | ">" | "gt" | "<=" | "le" | "leq" | "<" | "lt"
    )
}

/// Splits one shell word as ss does: at blanks, and around parentheses and the operators that are signs.
fn tokens(word: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for part in word.split_ascii_whitespace() {
        let mut rest = part;
        while !rest.is_empty() {
            let sign = rest.starts_with(['(', ')', '=', '!', '<', '>', '|', '&']);
            let end = if rest.starts_with(['(', ')']) {
                1
            } else if sign {
                rest.find(|c: char| !"=!<>|&".contains(c)).unwrap_or(rest.len())
            } else {
                rest.find(['(', ')', '=', '!', '<', '>', '|', '&']).unwrap_or(rest.len())
            };
            let (token, tail) = rest.split_at(end);
            tokens.push(token.to_owned());
            rest = tail;
        }
    }
    tokens
}
