//! What somebody looks for: read from words, applied to a report.
//!
//! Kinds narrow each other, words of one kind are alternatives. A word with a port in it (`3220`, `tcp/3220`,
//! `10.0.0.5:22`, a whole endpoint) is of one kind, an address without a port of another, a name of a third; `user:`,
//! `exe:` and their like are kinds of their own.
//!
//! A name is compared whole, in any case, with services, processes, executables, units, containers and users; `*` in it
//! stands for anything. An address is the one that a socket is bound to, so `127.0.0.1` does not choose what listens on `*`.
//!
//! A listener whose owner could not be seen neither has a name nor lacks it: every comparison has three answers, and
//! "no match" is said only where none of them was "unknown".

mod coverage;
mod listener;
mod namespace;
mod parse;
mod pattern;

use std::net::IpAddr;

use ipnet::IpNet;

use crate::error::{Error, Exit};
use crate::finding::About;
use crate::model::{Scope, Severity, Transport};
use crate::report::{Listener, Report};

use self::listener::Subject;
use self::namespace::Fit;
use self::pattern::Pattern;

/// What somebody looks for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    choice: Choice,
    terms: Vec<Term>,
}

/// What flags choose; unlike a query, that nothing is left is an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The transports; empty for the usual ones.
    pub transports: Vec<Transport>,
    /// IPv4.
    pub ipv4: bool,
    /// IPv6. Where neither is chosen, every family is.
    pub ipv6: bool,
}

/// How a query ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// There was no query: everything stayed, even if that is nothing.
    Everything,
    /// Something matched.
    Matched,
    /// Nothing matched, and everything that could hold a match was read.
    Nothing,
    /// Nothing matched, but for this reason that does not say that there is nothing.
    CannotTell(String),
}

/// What came of applying a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub matched: Match,
    /// What the user should know besides, one sentence each.
    pub remarks: Vec<String>,
}

impl Match {
    /// How `list` exits.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Everything | Self::Matched => Exit::Ok,
            Self::Nothing => Exit::Warning,
            Self::CannotTell(_) => Exit::Unknown,
        }
    }
}

/// One word and what it stands for.
#[derive(Clone, Debug)]
struct Term {
    word: String,
    what: What,
}

/// What one word stands for.
#[derive(Clone, Debug)]
enum What {
    Place(Place),
    Address(Bound),
    Name(Pattern),
    Pid(u32),
    User(Pattern),
    Uid(u32),
    Unit(Pattern),
    Exe(Pattern),
    Container(Pattern),
    NetNs(Pattern),
    Service(Pattern),
    Rule(String),
    Scope(Scope),
    Severity(std::ops::RangeInclusive<Severity>),
}

/// A port, perhaps with its transport and address.
#[derive(Clone, Debug, Default)]
struct Place {
    /// Empty for every transport.
    transports: Vec<Transport>,
    mptcp: bool,
    address: Option<Bound>,
    port: Port,
}

#[derive(Clone, Debug, Default)]
enum Port {
    #[default]
    Any,
    Numbers(Vec<std::ops::RangeInclusive<u32>>),
    /// Whatever ports that service has.
    Of(Pattern),
    /// The listener's endpoint, to the letter.
    Endpoint(String),
}

/// The address that a socket is bound to.
#[derive(Clone, Debug)]
enum Bound {
    /// A wildcard of any family.
    Wildcard,
    /// One of a network, perhaps on one device alone.
    Net(IpNet, Option<String>),
}

impl Query {
    /// Reads the words of a query. `is_rule` knows the names of rules.
    pub fn parse(words: &[String], choice: Choice, is_rule: &dyn Fn(&str) -> bool) -> Result<Self, Error> {
        let terms = words.iter().map(|word| parse::term(word, is_rule)).collect::<Result<Vec<_>, _>>()?;
        for term in &terms {
            parse::possible(term, &choice)?;
        }
        Ok(Self { choice, terms })
    }

    /// The transports that have to be asked for: those that flags choose, or all but unix, and those that words name.
    pub fn transports(&self) -> Vec<Transport> {
        let named = self.terms.iter().flat_map(|term| match &term.what {
            What::Place(place) => place.transports.as_slice(),
            _ => &[],
        });
        let named: Vec<Transport> = named.copied().collect();
        let chosen = |transport: &Transport| match self.choice.transports.is_empty() {
            true => *transport != Transport::Unix || named.contains(transport),
            false => self.choice.transports.contains(transport),
        };
        Transport::ALL.into_iter().filter(chosen).collect()
    }

    /// True where no word narrows the listeners down.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The flags and words that narrow the listeners down, each by itself, as they could be written.
    pub fn words(&self) -> Vec<String> {
        let Choice { transports, ipv4, ipv6 } = &self.choice;
        let flag = |transport: &Transport| match transport {
            Transport::Tcp => Some("-t"),
            Transport::Udp => Some("-u"),
            Transport::Sctp => Some("-S"),
            Transport::Raw => Some("-w"),
            Transport::Packet => Some("-0"),
            Transport::Unix => Some("-x"),
            // It comes with UDP; the others have no flag.
            Transport::UdpLite | Transport::Dccp | Transport::Vsock => None,
        };
        let families = [(*ipv4, "-4"), (*ipv6, "-6")].into_iter().filter(|(chosen, _)| *chosen).map(|(_, flag)| flag);
        let flags = transports.iter().filter_map(flag).chain(families).map(str::to_owned);
        flags.chain(self.terms.iter().map(|term| term.word.clone())).collect()
    }

    /// Leaves in a report what was asked for, with the findings of that alone, and sets its exit. `is_known` knows the
    /// names of services and programs that the registry has.
    pub fn apply(&self, report: &mut Report, is_known: &dyn Fn(&str) -> bool) -> Outcome {
        let transports = self.transports();
        let chosen: Vec<bool> = report.listeners.iter().map(|listener| self.is_chosen(listener, &transports)).collect();
        let mut remarks = self.unknown_words(report, is_known);
        let mut kept = Vec::with_capacity(chosen.len());
        let mut in_doubt = 0;
        for (listener, chosen) in report.listeners.iter().zip(&chosen) {
            let answer = match chosen {
                true => self.answer(report, listener),
                false => Answer::No,
            };
            in_doubt += usize::from(answer == Answer::Unknown);
            kept.push(answer == Answer::Yes);
        }
        let fits: Vec<Fit> =
            report.findings.iter().map(|finding| namespace::fits(report, self, &transports, finding)).collect();
        let any = kept.contains(&true) || fits.contains(&Fit::Yes);
        let matched = match self.terms.is_empty() {
            true => coverage::of_everything(report, &self.choice, &transports),
            false if any => Match::Matched,
            false if fits.contains(&Fit::Maybe) => Match::CannotTell(coverage::LOOKED_UP.to_owned()),
            false => coverage::of_nothing(report, self, &transports, in_doubt),
        };
        if matched == Match::Nothing {
            remarks.extend(self.covered_by_others(report));
            remarks.extend(self.left_out_by_family(report, &transports));
        }
        keep(report, &kept, &fits);
        report.query = Some(self.words()).filter(|words| !words.is_empty());
        report.exit = matched.exit();
        Outcome { matched, remarks }
    }

    /// True where the flags choose a listener.
    fn is_chosen(&self, listener: &Listener, transports: &[Transport]) -> bool {
        let socket = &listener.socket;
        let family = match socket.ip() {
            _ if !self.choice.ipv4 && !self.choice.ipv6 => true,
            Some(IpAddr::V4(_)) => self.choice.ipv4,
            Some(IpAddr::V6(_)) => self.choice.ipv6,
            None => false,
        };
        family && transports.contains(&socket.transport)
    }

    /// Whether a listener is what the words look for.
    fn answer(&self, report: &Report, listener: &Listener) -> Answer {
        let subject = Subject { report, listener };
        let mut all = Answer::Yes;
        for (at, term) in self.terms.iter().enumerate() {
            let kind = std::mem::discriminant(&term.what);
            let same = |other: &&Term| std::mem::discriminant(&other.what) == kind;
            // Each kind is answered once, at its first word.
            if self.terms[..at].iter().any(|other| same(&other)) {
                continue;
            }
            let any = self.terms[at..].iter().filter(same).map(|term| subject.answers(&term.what)).max();
            all = all.min(any.unwrap_or(Answer::Yes));
            if all == Answer::No {
                break;
            }
        }
        all
    }

    /// A remark on each name that neither the registry nor this host knows.
    fn unknown_words(&self, report: &Report, is_known: &dyn Fn(&str) -> bool) -> Vec<String> {
        let mut remarks = Vec::new();
        for term in &self.terms {
            let (What::Name(pattern) | What::Service(pattern)) = &term.what else { continue };
            let seen = |what: &What| {
                report.listeners.iter().any(|listener| Subject { report, listener }.answers(what) == Answer::Yes)
            };
            if pattern.is_glob() || seen(&term.what) {
                continue;
            }
            let (word, text) = (&term.word, pattern.text());
            let wider = What::Name(Pattern::new(&format!("*{text}*"), true));
            let remark = match is_known(text) {
                false if Transport::from_name(text).is_some() => {
                    format!("`{word}` is taken for a name; a flag chooses a transport, such as -t or -u")
                }
                _ if text.len() > 1 && seen(&wider) => {
                    format!("nothing here is called `{word}`, but something is called `*{word}*`")
                }
                true => continue,
                false => format!("`{word}` is neither known to the registry nor seen here"),
            };
            remarks.push(remark);
        }
        remarks
    }

    /// Where -4 leaves nothing: what is bound to IPv6 and takes IPv4 nevertheless.
    fn left_out_by_family(&self, report: &Report, transports: &[Transport]) -> Option<String> {
        let takes_both = |listener: &&Listener| {
            let socket = &listener.socket;
            transports.contains(&socket.transport) && socket.dual_stack() == Some(true)
        };
        let mut both = report.listeners.iter().filter(takes_both).filter(|_| self.choice.ipv4 && !self.choice.ipv6);
        let other = both.find(|listener| self.answer(report, listener) == Answer::Yes)?;
        Some(format!("{} takes IPv4 too, and -4 leaves it out", other.endpoint))
    }

    /// Where nothing is bound to an address that was asked for: what receives there nevertheless.
    fn covered_by_others(&self, report: &Report) -> Option<String> {
        let others = report.listeners.iter().find(|listener| {
            let covers = |term: &Term| match &term.what {
                What::Place(place) if place.address.is_some() => listener::covers(place, listener),
                _ => Answer::No,
            };
            self.terms.iter().any(|term| covers(term) == Answer::Yes)
        })?;
        Some(format!("nothing is bound to that very address, but {} receives there too", others.endpoint))
    }
}

/// What could not be read of the sockets of a transport, in one sentence; then what is not listed may be there.
pub fn unread(report: &Report, transport: Transport) -> Option<String> {
    coverage::unread(report, transport)
}

/// An answer of three; the order makes "any of" the greatest and "all of" the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    No,
    Unknown,
    Yes,
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// Keeps some listeners and the findings of those, and what of the namespaces may be meant.
fn keep(report: &mut Report, kept: &[bool], fits: &[Fit]) {
    let mut at = 0;
    let stays = |about: About, at: usize| matches!(about, About::Listener(_)) || fits[at] != Fit::No;
    let drops = report.findings.iter().enumerate().any(|(at, finding)| !stays(finding.about, at));
    if kept.iter().all(|kept| *kept) && !drops {
        return;
    }
    let renumber = |kept: &mut dyn Iterator<Item = bool>| -> Vec<Option<usize>> {
        let mut next = 0;
        kept.map(|kept| {
            let number = kept.then_some(next);
            next += usize::from(kept);
            number
        })
        .collect()
    };
    let listeners = renumber(&mut kept.iter().copied());
    let of = |listener: usize| listeners.get(listener).copied().flatten();
    let left = report.findings.iter().enumerate().map(|(at, finding)| match finding.about {
        About::Listener(listener) => of(listener).is_some(),
        About::Namespace(_) | About::Expectation(_) | About::Suppression(_) => stays(finding.about, at),
    });
    let left: Vec<bool> = left.collect();
    let findings = renumber(&mut left.iter().copied());
    report.listeners.retain(|_| {
        at += 1;
        kept[at - 1]
    });
    let mut left = left.into_iter();
    report.findings.retain(|_| left.next() == Some(true));
    for finding in &mut report.findings {
        if let About::Listener(listener) = finding.about {
            finding.about = About::Listener(of(listener).unwrap_or_default());
        }
    }
    for listener in &mut report.listeners {
        listener.findings = listener.findings.iter().filter_map(|at| findings.get(*at).copied().flatten()).collect();
    }
}

#[cfg(test)]
mod tests;
