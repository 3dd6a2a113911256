//! What the policy says, in the words that its rules need.

/// What the policy says of one listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    /// An expectation matches it.
    Expected,
    /// An entry forbids it.
    Forbidden {
        /// `FILE:LINE` of that entry.
        place: String,
        /// Why it is forbidden.
        reason: Option<String>,
    },
    /// An expectation is about its place, and something else is there.
    Differs {
        /// What is expected there.
        expected: String,
        /// `FILE:LINE` of that entry.
        place: String,
        /// What differs: `executable`, `address`, …
        differs: Vec<&'static str>,
        /// It concerns who holds it, and not only where it is bound.
        of_owner: bool,
    },
    /// No expectation is about it.
    Unexpected {
        /// It is on loopback, where the policy wants that to be known and no more.
        locally: bool,
    },
}

/// An entry of the policy itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyEntry {
    /// An expectation.
    Expectation {
        /// What is expected.
        expected: String,
        /// `FILE:LINE`.
        place: String,
        /// Why.
        reason: Option<String>,
        /// Its absence is worth a finding.
        required: bool,
        /// It names no owner.
        weak: bool,
        /// How many listeners it matched.
        matched: usize,
        /// Nothing that could match it was hidden.
        certain: bool,
    },
    /// A suppression.
    Suppression {
        /// The rule whose findings it takes.
        rule: String,
        /// From which listeners.
        listeners: String,
        /// `FILE:LINE`.
        place: String,
        /// The last day on which it counts.
        expires: String,
        /// That day is over.
        expired: bool,
        /// How many findings it took, or would have taken.
        took: usize,
        /// Every listener could be seen.
        certain: bool,
    },
}
