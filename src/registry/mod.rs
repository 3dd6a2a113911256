//! placeholder until the registry lands

/// Where a known use of a port comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntrySource {
    /// IANA assigned it.
    Iana,
    /// Many programs use it so.
    Defacto,
    /// A vendor documents it.
    Vendor,
    /// A user's own registry file.
    User,
}

impl EntrySource {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Iana => "iana",
            Self::Defacto => "defacto",
            Self::Vendor => "vendor",
            Self::User => "user",
        }
    }
}

/// What the owner says about the claim of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The owner is one that this service has.
    Confirmed,
    /// The owner is known for something else.
    Contradicted,
    /// The owner does not decide it.
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
