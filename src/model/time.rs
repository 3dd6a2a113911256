//! One instant, without a clock.

use std::fmt;

/// An instant in milliseconds since 1970-01-01T00:00:00Z. Negative before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The instant that [`Self`]'s own text tells; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let instant = Self(text.parse::<jiff::Timestamp>().ok()?.as_millisecond());
        (instant.to_string() == text).then_some(instant)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds and `Z`; an instant that the calendar lacks is shown as the nearest it has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lowest, highest) = (jiff::Timestamp::MIN.as_millisecond(), jiff::Timestamp::MAX.as_millisecond());
        let instant = jiff::Timestamp::from_millisecond(self.0.clamp(lowest, highest)).unwrap_or_default();
        write!(f, "{instant:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn is_rfc_3339_with_milliseconds() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp(1_795_215_600_007).to_string(), "2026-11-20T23:00:00.007Z");
        assert_eq!(Timestamp(i64::MAX).to_string().len(), "9999-12-30T22:00:00.999Z".len());
        assert!(Timestamp(i64::MIN).to_string().ends_with('Z'));
    }

    #[test]
    fn only_its_own_text_is_read_back() {
        for instant in [0, -1, 1_795_215_600_007] {
            assert_eq!(Timestamp::parse(&Timestamp(instant).to_string()), Some(Timestamp(instant)));
        }
        for text in
            ["", "1970-01-01", "1970-01-01T00:00:00Z", "1970-01-01T01:00:00.000+01:00", "1970-01-01T00:00:00.0001Z"]
        {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}
