//! A port number is a claim, the owner is evidence.

use crate::model::Transport;

use super::program::{Role, canonical, role};
use super::{Entry, Registry};

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
    /// The service: the first that the owners confirm, else the likeliest.
    pub entry: Entry,
    /// What the owners say.
    pub verdict: Verdict,
    /// What else the port may be.
    pub alternatives: Vec<Entry>,
    /// Where the claim is contradicted: the services that list the executable.
    pub owner_is: Vec<Entry>,
}

/// An executable, by the name that owners are compared by.
struct Program {
    name: Vec<u8>,
    role: Role,
    trusted: bool,
}

impl Registry {
    /// What a port claims to be, weighed against the executables that hold the socket; `None` where nothing is known of
    /// the port.
    pub fn claim(&self, transport: Transport, port: u16, owners: &[OwnerEvidence<'_>]) -> Option<Claim> {
        let mut candidates = self.candidates(transport, port);
        let verified = owners.iter().filter(|owner| owner.verified);
        let programs: Vec<Program> = verified
            .map(|owner| {
                let name = canonical(base_name(owner.exe));
                Program { role: role(&name), name, trusted: !owner.writable }
            })
            .filter(|program| program.role != Role::GoBetween)
            .collect();
        let mut first = 0;
        let (mut verdict, mut owner_is) = (Verdict::Open, Vec::new());
        let confirmed = (0..candidates.len()).find(|at| self.confirms(&programs, &candidates, *at));
        if let Some(at) = confirmed {
            (first, verdict) = (at, Verdict::Confirmed);
        } else if !candidates.iter().any(|entry| entry.takes_any_owner()) {
            owner_is = self.serves_else(&programs, &candidates);
            if !owner_is.is_empty() {
                verdict = Verdict::Contradicted;
            }
        }
        if candidates.is_empty() {
            return None;
        }
        Some(Claim { entry: candidates.remove(first), verdict, alternatives: candidates, owner_is })
    }

    /// Whether a program confirms the candidate.
    fn confirms(&self, programs: &[Program], candidates: &[Entry], at: usize) -> bool {
        programs.iter().filter(|program| program.trusted).any(|program| {
            let listed: Vec<Entry> = self.rows_of(&program.name).filter(|entry| candidates.contains(entry)).collect();
            // What runs anything says which service only where just one is run by it here.
            let runs_anything = matches!(program.role, Role::Interpreter | Role::Host);
            listed.contains(&candidates[at]) && (!runs_anything || listed.len() == 1)
        })
    }

    /// The services of those programs that are servers of something else and of no candidate.
    fn serves_else(&self, programs: &[Program], candidates: &[Entry]) -> Vec<Entry> {
        let mut services = Vec::new();
        for program in programs.iter().filter(|program| matches!(program.role, Role::Server | Role::Host)) {
            let listed: Vec<Entry> = self.rows_of(&program.name).collect();
            if !listed.iter().any(|entry| candidates.contains(entry)) {
                services.extend(listed.into_iter().filter(|entry| !services.contains(entry)).collect::<Vec<_>>());
            }
        }
        services
    }
}

/// What follows the last `/`, or the last `\` where the path has none of the former.
fn base_name(path: &[u8]) -> &[u8] {
    let separator = if path.contains(&b'/') { b'/' } else { b'\\' };
    path.rsplit(|byte| *byte == separator).next().unwrap_or(path)
}
