//! What may stand in a policy file, as it stands there.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, SeqAccess, Visitor};
use toml::Spanned;
use toml::value::Datetime;

use crate::fault::Shape;

/// What a policy looks like.
pub(super) const SHAPE: Shape = Shape {
    keys: &[
        "address",
        "container",
        "containers",
        "critical_at",
        "default",
        "exe",
        "expect",
        "expires",
        "forbid",
        "id",
        "interface",
        "loopback",
        "match",
        "netns",
        "owner",
        "package",
        "port",
        "reason",
        "remind_after",
        "require_coverage",
        "required",
        "rule",
        "schema",
        "settings",
        "severity",
        "suppress",
        "ticket",
        "transport",
        "uid",
        "unit",
        "user",
        "user_unit",
        "warn_at",
    ],
    of: "a policy's",
};

pub(super) type Str = Spanned<String>;
pub(super) type Texts = Option<Spanned<Many<String>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    pub(super) schema: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) settings: RawSettings,
    #[serde(default)]
    pub(super) expect: Vec<Spanned<RawExpect>>,
    #[serde(default)]
    pub(super) forbid: Vec<Spanned<RawForbid>>,
    #[serde(default)]
    pub(super) suppress: Vec<Spanned<RawSuppress>>,
    #[serde(default)]
    pub(super) severity: BTreeMap<Spanned<String>, Str>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSettings {
    pub(super) default: Option<Str>,
    pub(super) warn_at: Option<Str>,
    pub(super) critical_at: Option<Str>,
    pub(super) require_coverage: Option<Vec<Str>>,
    pub(super) loopback: Option<Str>,
    pub(super) containers: Option<Str>,
    pub(super) remind_after: Option<Str>,
}

// serde flattens no struct without losing where a value stands, and so the keys of a selector are written out.
macro_rules! selecting {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $(pub(super) $field: $type,)*
            transport: Texts,
            port: Option<Spanned<Many<Ports>>>,
            address: Texts,
            exe: Texts,
            user: Texts,
            uid: Option<Spanned<Many<i64>>>,
            unit: Texts,
            user_unit: Texts,
            container: Texts,
            package: Texts,
            netns: Texts,
            interface: Texts,
        }

        impl $name {
            /// The keys that select, apart.
            pub(super) fn selector(&mut self) -> RawSelector {
                RawSelector {
                    transport: self.transport.take(),
                    port: self.port.take(),
                    address: self.address.take(),
                    exe: self.exe.take(),
                    user: self.user.take(),
                    uid: self.uid.take(),
                    unit: self.unit.take(),
                    user_unit: self.user_unit.take(),
                    container: self.container.take(),
                    package: self.package.take(),
                    netns: self.netns.take(),
                    interface: self.interface.take(),
                }
            }
        }
    };
}

selecting!(RawExpect { id: Option<Str>, required: Option<bool>, reason: Option<Str> });
selecting!(RawForbid { id: Option<Str>, reason: Option<Str> });
selecting!(RawMatch {});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSuppress {
    pub(super) rule: Str,
    #[serde(rename = "match")]
    pub(super) matches: Spanned<RawMatch>,
    pub(super) reason: Str,
    pub(super) owner: Option<Str>,
    pub(super) ticket: Option<Str>,
    pub(super) expires: Spanned<Datetime>,
}

pub(super) struct RawSelector {
    pub(super) transport: Texts,
    pub(super) port: Option<Spanned<Many<Ports>>>,
    pub(super) address: Texts,
    pub(super) exe: Texts,
    pub(super) user: Texts,
    pub(super) uid: Option<Spanned<Many<i64>>>,
    pub(super) unit: Texts,
    pub(super) user_unit: Texts,
    pub(super) container: Texts,
    pub(super) package: Texts,
    pub(super) netns: Texts,
    pub(super) interface: Texts,
}

/// One value, or a list of them.
pub(super) struct Many<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Many<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or a list of values")
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Many<T>, E> {
                T::deserialize(de::value::I64Deserializer::new(value)).map(|value| Many(vec![value]))
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Many<T>, E> {
                T::deserialize(de::value::StrDeserializer::new(value)).map(|value| Many(vec![value]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Many<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(value) = values.next_element()? {
                    all.push(value);
                }
                Ok(Many(all))
            }
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

/// `22` or `"8323-8324"`; `None` where it is neither.
pub(super) struct Ports(pub(super) Option<(u16, u16)>);

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Ports;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port or a range of ports")
            }
            fn visit_i64<E: de::Error>(self, port: i64) -> Result<Ports, E> {
                Ok(Ports(u16::try_from(port).ok().filter(|port| *port != 0).map(|port| (port, port))))
            }
            fn visit_str<E: de::Error>(self, range: &str) -> Result<Ports, E> {
                let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let ends = number(first).zip(number(last));
                Ok(Ports(ends.filter(|(first, last)| 0 < *first && first <= last)))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
