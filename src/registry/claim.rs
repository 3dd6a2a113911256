//! A port number is a claim, the owner is evidence.

use crate::model::Transport;

use super::program::{Role, canonical, is_common, role};
use super::{Entry, EntrySource, Registry};

/// What is known of one executable that holds a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerEvidence<'a> {
    /// Its path.
    pub exe: &'a [u8],
    /// The file behind it is that path in the host's root.
    pub verified: bool,
    /// It lies where its own user may write.
    pub writable: bool,
}

/// How the owners bear on what the port claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// An executable that the service lists holds the socket.
    Confirmed,
    /// An executable that serves something else holds the socket, and none that serves this.
    Contradicted,
    /// The owners do not decide it.
    Open,
}

impl Verdict {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::Open => "open",
        }
    }
}

/// What a port claims to be, and what its owners say to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The service: of those that the owners confirm the most specific, else the likeliest.
    pub entry: Entry,
    /// What the owners say.
    pub verdict: Verdict,
    /// What else the port may be.
    pub alternatives: Vec<Entry>,
    /// Where the claim is contradicted: the services that list the executable.
    pub owner_is: Vec<Entry>,
}

/// An executable, by the name that owners are compared by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Program {
    name: Vec<u8>,
    /// It lies where its user may write.
    writable: bool,
    role: Role,
}

impl Registry {
    /// What a port claims to be, weighed against the executables that hold the socket; `None` where nothing is known of
    /// the port.
    pub fn claim(&self, transport: Transport, port: u16, owners: &[OwnerEvidence<'_>]) -> Option<Claim> {
        let mut candidates = self.candidates(transport, port);
        let verified = owners.iter().filter(|owner| owner.verified);
        let mut programs: Vec<Program> = verified
            .map(|owner| {
                let name = canonical(base_name(owner.exe));
                Program { role: role(&name), name, writable: owner.writable }
            })
            .filter(|program| program.role != Role::GoBetween)
            .collect();
        // Forked workers are one program, and trusted where one of them is.
        programs.sort();
        programs.dedup_by(|later, first| later.name == first.name);
        let listed: Vec<Vec<Entry>> = programs.iter().map(|program| self.rows_of(&program.name).collect()).collect();
        let mut claim = Claim {
            entry: *candidates.first()?,
            verdict: Verdict::Open,
            alternatives: Vec::new(),
            owner_is: Vec::new(),
        };
        let confirmed =
            programs.iter().zip(&listed).flat_map(|(program, listed)| confirmed(program, listed, &candidates));
        // Of several that are confirmed, the one that lists the fewest programs says the most; overlays still come first.
        let telling =
            |at: &usize| (candidates[*at].source() != EntrySource::User, candidates[*at].owners().count(), *at);
        if let Some(at) = confirmed.min_by_key(telling) {
            (claim.entry, claim.verdict) = (candidates[at], Verdict::Confirmed);
        } else if !candidates.iter().any(|entry| entry.takes_any_owner()) {
            for (program, listed) in programs.iter().zip(listed) {
                let serves = matches!(program.role, Role::Server | Role::Host);
                // The name of a file that its user may have put there says nothing: it must not excuse the service either.
                if serves
                    && !program.writable
                    && !is_common(&program.name)
                    && !listed.iter().any(|entry| candidates.contains(entry))
                {
                    let new = listed.into_iter().filter(|entry| !claim.owner_is.contains(entry));
                    claim.owner_is.extend(new.collect::<Vec<_>>());
                }
            }
            if !claim.owner_is.is_empty() {
                claim.verdict = Verdict::Contradicted;
            }
        }
        candidates.retain(|entry| *entry != claim.entry);
        claim.alternatives = candidates;
        Some(claim)
    }
}

/// The candidates that a program confirms, by their place.
fn confirmed(program: &Program, listed: &[Entry], candidates: &[Entry]) -> Vec<usize> {
    let here: Vec<usize> = (0..candidates.len()).filter(|at| listed.contains(&candidates[*at])).collect();
    match program.role {
        _ if program.writable => Vec::new(),
        // What serves any application says which service only where just one is served by it here.
        Role::Host if here.len() > 1 => Vec::new(),
        Role::Interpreter => run_alone(&here, candidates).into_iter().collect(),
        Role::Host | Role::Server | Role::Proxy | Role::GoBetween => here,
    }
}

/// What runs anything says which service only where nothing else here is run by such a program and the port is surely
/// that service's: a Java program on a port is not yet the product that likes this port. What the administrator of this
/// host says is sure, and not weighed against what is built in.
fn run_alone(here: &[usize], candidates: &[Entry]) -> Option<usize> {
    let user = |at: usize| candidates[at].source() == EntrySource::User;
    let only_users = here.iter().any(|at| user(*at));
    let interpreted = |at: usize| candidates[at].owners().any(|owner| is_interpreter(owner.as_bytes()));
    let mut run = (0..candidates.len()).filter(|at| (!only_users || user(*at)) && interpreted(*at));
    let (first, next) = (run.next()?, run.next());
    let sure = user(first) || candidates[first].confidence() == "high";
    (sure && next.is_none() && here.contains(&first)).then_some(first)
}

fn is_interpreter(name: &[u8]) -> bool {
    role(&canonical(name)) == Role::Interpreter
}

/// What follows the last `/`, or the last `\` where the path has none of the former.
fn base_name(path: &[u8]) -> &[u8] {
    let separator = if path.contains(&b'/') { b'/' } else { b'\\' };
    path.rsplit(|byte| *byte == separator).next().unwrap_or(path)
}
