//! The schema of `port-registry.toml` and of overlays: what may stand in them, read into plain values.
//!
//! The build script shares this file, so the registry that is compiled in and the overlay that is read at run time have
//! one schema and one set of errors. An error names line, column and key and never repeats what stands there: an
//! overlay may be any file that root was talked into naming.

use std::ops::Range;

use serde::Deserialize;
use serde::de::{self, Visitor};
use toml::Spanned;

use super::closed;
use super::fault::{Fault, Shape};
use super::service_ref::ServiceRef;

/// What a registry file looks like.
const SHAPE: Shape = Shape {
    keys: &[
        "aliases",
        "association",
        "auth",
        "category",
        "class",
        "condition",
        "confidence",
        "counterparts",
        "era",
        "evidence",
        "exposure",
        "frameworks",
        "iana_name",
        "lan",
        "loopback",
        "management",
        "name",
        "note",
        "owners",
        "plane",
        "port",
        "public",
        "reference",
        "risk",
        "security",
        "severity",
        "source",
        "successor",
        "title",
        "transport",
        "uses",
        "weakness",
        "why",
        "service",
    ],
    of: "a registry's",
};

/// A registry file, checked.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) services: Vec<Service>,
    pub(super) clashes: Vec<Clash>,
    pub(super) historical: Vec<Historical>,
}

/// One known use of a port. Closed values are indices into the lists of [`closed`]; empty text is none.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) transport: u8,
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) title: String,
    pub(super) source: Option<u8>,
    pub(super) iana_name: String,
    pub(super) category: Option<u8>,
    pub(super) plane: Option<u8>,
    pub(super) management: Option<bool>,
    pub(super) security: Option<u8>,
    pub(super) auth: Option<u8>,
    pub(super) counterparts: Vec<String>,
    pub(super) successor: String,
    pub(super) owners: Vec<String>,
    pub(super) exposure: Option<u8>,
    pub(super) risk: String,
    pub(super) reference: String,
    pub(super) confidence: u8,
    pub(super) evidence: Vec<String>,
    pub(super) weakness: Option<Weakness>,
}

/// What is weak about a service.
#[derive(Clone, Debug)]
pub(super) struct Weakness {
    pub(super) class: u8,
    pub(super) why: String,
    pub(super) condition: String,
    /// For public, lan and loopback.
    pub(super) severity: [u8; 3],
    pub(super) frameworks: String,
}

/// A port with several common uses.
#[derive(Clone, Debug)]
pub(super) struct Clash {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) transport: u8,
    pub(super) uses: Vec<String>,
    pub(super) note: String,
}

/// What malware once used a port.
#[derive(Clone, Debug)]
pub(super) struct Historical {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) transport: u8,
    pub(super) association: String,
    pub(super) era: String,
    pub(super) confidence: u8,
    pub(super) evidence: Vec<String>,
    pub(super) note: String,
}

/// Whose file it is: the registry of the project has to be complete, an overlay may say as little as it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Builtin,
    Overlay,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    service: Vec<Spanned<RawService>>,
    #[serde(default)]
    clash: Vec<Spanned<RawClash>>,
    #[serde(default)]
    historical: Vec<Spanned<RawHistorical>>,
}

type Str = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawService {
    port: Spanned<Ports>,
    transport: Str,
    name: Str,
    #[serde(default)]
    aliases: Vec<Str>,
    title: Option<Str>,
    source: Option<Str>,
    iana_name: Option<Str>,
    category: Option<Str>,
    plane: Option<Str>,
    management: Option<bool>,
    security: Option<Str>,
    auth: Option<Str>,
    #[serde(default)]
    counterparts: Vec<Str>,
    successor: Option<Str>,
    #[serde(default)]
    owners: Vec<Str>,
    exposure: Option<Str>,
    risk: Option<Str>,
    reference: Option<Str>,
    confidence: Option<Str>,
    #[serde(default)]
    evidence: Vec<Str>,
    weakness: Option<RawWeakness>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWeakness {
    class: Str,
    why: Str,
    condition: Option<Str>,
    severity: Spanned<RawSeverity>,
    frameworks: Option<Str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSeverity {
    public: Str,
    lan: Str,
    loopback: Str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClash {
    port: Spanned<Ports>,
    transport: Str,
    uses: Vec<Str>,
    note: Option<Str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHistorical {
    port: Spanned<Ports>,
    transport: Str,
    association: Str,
    era: Option<Str>,
    confidence: Str,
    evidence: Vec<Str>,
    note: Option<Str>,
}

/// `22` or `"6000-6063"`; `None` where it is neither.
struct Ports(Option<(u16, u16)>);

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Ports;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a port or a range of ports")
            }
            fn visit_i64<E: de::Error>(self, port: i64) -> Result<Ports, E> {
                Ok(Ports(u16::try_from(port).ok().filter(|port| *port != 0).map(|port| (port, port))))
            }
            fn visit_str<E: de::Error>(self, range: &str) -> Result<Ports, E> {
                let ends = range.split_once('-').and_then(|(first, last)| {
                    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?;
                    Some((number(first)?, number(last)?))
                });
                Ok(Ports(ends.filter(|(first, last)| 0 < *first && first < last)))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Reads and checks a registry file.
pub(super) fn parse(text: &str, kind: Kind) -> Result<File, Fault> {
    let raw: RawFile = toml::from_str(text).map_err(|error| Fault::of_syntax(SHAPE, text, &error))?;
    let check = Checker { text, kind };
    let mut file = File::default();
    let mut seen = std::collections::BTreeSet::new();
    for service in raw.service {
        let span = service.get_ref().port.span();
        let service = check.service(service.into_inner())?;
        if !seen.insert((service.first, service.last, service.transport, service.name.to_ascii_lowercase())) {
            return Err(check.fault(span, "port, transport and name stand in an earlier entry too"));
        }
        file.services.push(service);
    }
    if kind == Kind::Overlay {
        let other = raw.clash.first().map(Spanned::span).or(raw.historical.first().map(Spanned::span));
        if let Some(span) = other {
            return Err(check.fault(span, "an overlay may only have [[service]] tables"));
        }
    }
    for clash in raw.clash {
        file.clashes.push(check.clash(clash.into_inner())?);
    }
    for historical in raw.historical {
        file.historical.push(check.historical(historical.into_inner())?);
    }
    Ok(file)
}

/// Checks values and turns them into plain ones.
struct Checker<'a> {
    text: &'a str,
    kind: Kind,
}

impl Checker<'_> {
    fn fault(&self, span: Range<usize>, problem: &str) -> Fault {
        Fault::at(SHAPE, self.text, span.start, problem)
    }

    fn service(&self, raw: RawService) -> Result<Service, Fault> {
        let at = raw.port.span();
        let missing = |key: &str| Fault { key: Some(key.to_owned()), ..self.fault(at.clone(), "a key is missing") };
        let (first, last) = self.ports(&raw.port)?;
        let name = self.name(raw.name)?;
        let weakness = raw.weakness.map(|weakness| self.weakness(weakness)).transpose()?;
        let service = Service {
            first,
            last,
            transport: self.closed(&raw.transport, &closed::TRANSPORTS)?,
            title: self.text(raw.title)?,
            name,
            aliases: raw.aliases.into_iter().map(|alias| self.name(alias)).collect::<Result<_, _>>()?,
            // `user` may not be written: it is what an overlay makes of its entries.
            source: self.optional(raw.source.as_ref(), &closed::SOURCES[..3])?,
            iana_name: self.text(raw.iana_name)?,
            category: self.optional(raw.category.as_ref(), &closed::CATEGORIES)?,
            plane: self.optional(raw.plane.as_ref(), &closed::PLANES)?,
            management: raw.management,
            security: self.optional(raw.security.as_ref(), &closed::SECURITY)?,
            auth: self.optional(raw.auth.as_ref(), &closed::AUTH)?,
            counterparts: self.counterparts(raw.counterparts)?,
            successor: self.text(raw.successor)?,
            owners: self.owners(raw.owners)?,
            exposure: self.optional(raw.exposure.as_ref(), &closed::EXPOSURES)?,
            risk: self.text(raw.risk)?,
            reference: self.text(raw.reference)?,
            confidence: match &raw.confidence {
                Some(confidence) => self.closed(confidence, &closed::CONFIDENCES)?,
                None => 1,
            },
            evidence: self.texts(raw.evidence)?,
            weakness,
        };
        if self.kind == Kind::Builtin {
            for (key, absent) in [
                ("title", service.title.is_empty()),
                ("source", service.source.is_none()),
                ("evidence", service.evidence.is_empty()),
            ] {
                if absent {
                    return Err(missing(key));
                }
            }
        }
        Ok(service)
    }

    fn weakness(&self, raw: RawWeakness) -> Result<Weakness, Fault> {
        let at = raw.severity.span();
        let levels = raw.severity.into_inner();
        let level = |value: &Str| self.closed(value, &closed::SEVERITIES);
        let severity = [level(&levels.public)?, level(&levels.lan)?, level(&levels.loopback)?];
        if !severity.is_sorted_by(|wider, narrower| wider >= narrower) {
            return Err(self.fault(at, "a narrower exposure may not be more severe than a wider one"));
        }
        Ok(Weakness {
            class: self.closed(&raw.class, &closed::CLASSES)?,
            why: self.text(Some(raw.why))?,
            condition: self.text(raw.condition)?,
            severity,
            frameworks: self.text(raw.frameworks)?,
        })
    }

    fn clash(&self, raw: RawClash) -> Result<Clash, Fault> {
        let (first, last) = self.ports(&raw.port)?;
        let transport = self.closed(&raw.transport, &closed::TRANSPORTS)?;
        Ok(Clash { first, last, transport, uses: self.texts(raw.uses)?, note: self.text(raw.note)? })
    }

    fn historical(&self, raw: RawHistorical) -> Result<Historical, Fault> {
        let (first, last) = self.ports(&raw.port)?;
        Ok(Historical {
            first,
            last,
            transport: self.closed(&raw.transport, &closed::TRANSPORTS)?,
            association: self.text(Some(raw.association))?,
            era: self.text(raw.era)?,
            confidence: self.closed(&raw.confidence, &closed::CONFIDENCES)?,
            evidence: self.texts(raw.evidence)?,
            note: self.text(raw.note)?,
        })
    }

    fn ports(&self, ports: &Spanned<Ports>) -> Result<(u16, u16), Fault> {
        let problem = "expected a port from 1 to 65535, or a range of them such as \"6000-6063\"";
        ports.get_ref().0.ok_or_else(|| self.fault(ports.span(), problem))
    }

    fn closed(&self, value: &Str, list: &[&str]) -> Result<u8, Fault> {
        let found = list.iter().position(|one| one == value.get_ref()).and_then(|at| u8::try_from(at).ok());
        found.ok_or_else(|| self.fault(value.span(), &format!("expected one of {}", list.join(", "))))
    }

    fn optional(&self, value: Option<&Str>, list: &[&str]) -> Result<Option<u8>, Fault> {
        value.map(|value| self.closed(value, list)).transpose()
    }

    /// Text that can be printed as it is: reports show it without another escape.
    fn text(&self, value: Option<Str>) -> Result<String, Fault> {
        let Some(value) = value else { return Ok(String::new()) };
        let text = value.get_ref();
        if text.is_empty() || text.trim() != text || text.len() > 1000 {
            return Err(self.fault(value.span(), "expected 1 to 1000 bytes of text without blanks around it"));
        }
        // What `escape_debug` escapes, but for quotes and backslashes, cannot be seen or moves a cursor.
        if text.chars().any(|c| !matches!(c, '"' | '\'' | '\\') && c.escape_debug().len() > 1) {
            return Err(self.fault(value.span(), "a character that does not print"));
        }
        Ok(value.into_inner())
    }

    fn texts(&self, values: Vec<Str>) -> Result<Vec<String>, Fault> {
        values.into_iter().map(|value| self.text(Some(value))).collect()
    }

    fn name(&self, value: Str) -> Result<String, Fault> {
        let span = value.span();
        let name = self.text(Some(value))?;
        if name.len() > 60 || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(self.fault(span, "expected a name of at most 60 printable ASCII characters without blanks"));
        }
        Ok(name)
    }

    /// `tcp/3220 xnm-ssl`, or a sentence.
    fn counterparts(&self, values: Vec<Str>) -> Result<Vec<String>, Fault> {
        for value in &values {
            let looks = value.get_ref().split_once('/').is_some_and(|(head, _)| closed::TRANSPORTS.contains(&head));
            if looks && ServiceRef::parse(value.get_ref()).is_none() {
                return Err(self.fault(value.span(), "expected a service such as \"tcp/3220 xnm-ssl\", or a sentence"));
            }
        }
        self.texts(values)
    }

    fn owners(&self, values: Vec<Str>) -> Result<Vec<String>, Fault> {
        let mut seen = Vec::new();
        for value in &values {
            let owner = super::program::canonical(value.get_ref().as_bytes());
            if value.get_ref().contains('/') {
                return Err(self.fault(value.span(), "expected the base name of an executable"));
            }
            if seen.contains(&owner) {
                return Err(self.fault(value.span(), "the same owner twice: case, `.exe` and a version do not count"));
            }
            seen.push(owner);
        }
        self.texts(values)
    }
}
