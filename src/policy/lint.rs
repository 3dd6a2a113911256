//! What is wrong with a policy itself.

use std::collections::HashMap;

use super::{Expect, Origin, Policy, Selector};
use crate::model::{Timestamp, Transport};

/// A suppression that ends within so many milliseconds is about to expire.
const SOON: i64 = 14 * 24 * 60 * 60 * 1000;

/// Something about an entry that its author would want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// Where the entry stands.
    pub origin: Origin,
    /// Its kind: `weak-expectation`, `never-matches`, `duplicate`, `expired`, `expires-soon`.
    pub kind: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl Policy {
    /// What is wrong with the policy itself, in its order.
    pub fn lints(&self, now: Timestamp) -> Vec<Lint> {
        let mut lints = Vec::new();
        let mut add = |origin: Origin, kind: &'static str, message: String, remedy: &str| {
            lints.push(Lint { origin, kind, message, remedy: remedy.to_owned() });
        };
        let mut said: HashMap<&Selector, &Expect> = HashMap::new();
        for expect in &self.expects {
            let name = expect.name();
            if expect.is_weak() {
                add(
                    expect.origin,
                    "weak-expectation",
                    format!("{name} names no owner: any program may sit there"),
                    "add exe, and user or unit",
                );
            }
            if let Some(why) = contradiction(&expect.selector) {
                add(expect.origin, "never-matches", format!("{name} never matches: {why}"), "correct or remove it");
            }
            if let Some(forbid) = self.forbids.iter().find(|forbid| covers(&forbid.selector, &expect.selector)) {
                let message = format!("{name} never matches: {} forbids it", self.place(forbid.origin));
                add(expect.origin, "never-matches", message, "remove one of the two");
            }
            if let Some(other) = said.get(&expect.selector) {
                let message = format!("{name} says what {} says already", self.place(other.origin));
                add(expect.origin, "duplicate", message, "remove one of the two");
            } else {
                said.insert(&expect.selector, expect);
            }
        }
        for suppress in &self.suppresses {
            let what = format!("the suppression of {} for {}", suppress.rule, suppress.selector);
            if let Some(why) = contradiction(&suppress.selector) {
                add(suppress.origin, "never-matches", format!("{what} never matches: {why}"), "correct or remove it");
            }
            let left = suppress.ends.0.saturating_sub(now.0);
            if left <= 0 {
                let message = format!("{what} expired after {}", suppress.expires);
                add(suppress.origin, "expired", message, "mend what it hid, or decide again and set a new day");
            } else if left <= SOON {
                let message = format!("{what} expires after {}", suppress.expires);
                add(suppress.origin, "expires-soon", message, "mend what it hides, or decide again before that day");
            }
        }
        lints.sort_by_key(|lint| (lint.origin.file, lint.origin.line));
        lints
    }
}

impl super::Expect {
    /// True where it says nothing about who may be there.
    pub fn is_weak(&self) -> bool {
        !self.selector.names_an_owner()
    }
}

/// Why no socket can be as an entry says.
fn contradiction(selector: &Selector) -> Option<&'static str> {
    let has_ports = |transport: &Transport| transport.has_registered_ports() || *transport == Transport::Vsock;
    if !selector.ports.is_empty() && !selector.transports.is_empty() && !selector.transports.iter().any(has_ports) {
        return Some("its transport has no ports");
    }
    let has_address = |transport: &Transport| transport.has_registered_ports() || *transport == Transport::Raw;
    let asks = selector.addresses.iter().any(|address| matches!(address, super::Address::Net(_)));
    if asks && !selector.transports.is_empty() && !selector.transports.iter().any(has_address) {
        return Some("its transport has no internet address");
    }
    if !selector.units.is_empty() && !selector.user_units.is_empty() {
        let own = |unit: &super::glob::Glob| unit.as_str().starts_with("user@") || unit.as_str().contains('*');
        if !selector.units.iter().any(own) {
            return Some("what a user's manager runs is in that manager's unit (user@UID.service)");
        }
    }
    None
}

/// True where one entry takes all that another takes, as far as places go and the one asks for no more.
fn covers(one: &Selector, other: &Selector) -> bool {
    let narrower = Selector { transports: Vec::new(), ports: Vec::new(), ..one.clone() };
    let within = |(first, last): &(u16, u16)| one.ports.iter().any(|(from, to)| from <= first && last <= to);
    narrower == Selector::default()
        && (one.ports.is_empty() || !other.ports.is_empty() && other.ports.iter().all(within))
        && (one.transports.is_empty()
            || !other.transports.is_empty()
                && other.transports.iter().all(|transport| one.transports.contains(transport)))
}
