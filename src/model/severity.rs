//! How urgent a judgement is.

/// The urgency of a finding, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Know it.
    Info,
    /// Tidy it.
    Low,
    /// Plan to mend it.
    Medium,
    /// Mend it today.
    High,
    /// Act now.
    Critical,
}

impl Severity {
    /// Every severity, from the least to the most urgent.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name in reports, policies and queries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The severity of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Severity;

    #[test]
    fn names_are_read_back_and_order_is_urgency() {
        for severity in Severity::ALL {
            assert_eq!(Severity::from_name(severity.name()), Some(severity));
        }
        assert_eq!(Severity::from_name("Critical"), None);
        assert!(Severity::ALL.is_sorted());
        assert!(Severity::Info < Severity::Critical);
    }
}
