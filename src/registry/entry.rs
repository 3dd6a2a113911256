//! One known use of a port.

use std::fmt;
use std::ops::RangeInclusive;

use crate::model::{Severity, Transport};

use super::builtin;
use super::closed;
use super::kinds::{EntrySource, Exposure, Security, WeaknessClass};
use super::service_ref::ServiceRef;
use super::table::{IanaRow, List, Row, Span, Table};

/// One known use of a port: a handle, cheap to copy. Text that is not known is `None`, and empty where it has to be
/// text.
#[derive(Clone, Copy)]
pub struct Entry(Kind);

#[derive(Clone, Copy)]
enum Kind {
    Row { row: &'static Row, table: &'static Table },
    Iana(&'static IanaRow),
}

/// What encrypts instead of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counterpart {
    /// Another service.
    Service {
        /// Its transport.
        transport: Transport,
        /// Its port.
        port: u16,
        /// Its name in the registry or at IANA.
        name: &'static str,
    },
    /// What to do instead, in words.
    Text(&'static str),
}

/// What is weak about a service, and how much it matters by who can reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weakness {
    /// The class.
    pub class: WeaknessClass,
    /// What can happen.
    pub why: &'static str,
    /// When it does not matter, and how an administrator tests that.
    pub condition: &'static str,
    /// Where everybody reaches it.
    pub public: Severity,
    /// Where the local network reaches it.
    pub lan: Severity,
    /// Where only the host itself reaches it.
    pub loopback: Severity,
    /// The catalogues of controls that name the protocol; empty for none.
    pub frameworks: &'static str,
}

impl Entry {
    pub(super) const fn row(row: &'static Row, table: &'static Table) -> Self {
        Self(Kind::Row { row, table })
    }

    pub(super) const fn iana(row: &'static IanaRow) -> Self {
        Self(Kind::Iana(row))
    }

    /// True where the entry is this row of a table.
    pub(super) fn is(self, other: &Row) -> bool {
        matches!(self.0, Kind::Row { row, .. } if std::ptr::eq(row, other))
    }

    fn text(self, of: impl Fn(&Row) -> Span) -> Option<&'static str> {
        match self.0 {
            Kind::Row { row, table } => Some(table.text(of(row))).filter(|text| !text.is_empty()),
            Kind::Iana(_) => None,
        }
    }

    fn list(self, of: impl Fn(&Row) -> List) -> impl Iterator<Item = &'static str> + Clone {
        let (table, spans): (_, &[Span]) = match self.0 {
            Kind::Row { row, table } => (table, table.list(of(row))),
            Kind::Iana(_) => (&builtin::TABLE, &[]),
        };
        spans.iter().map(|span| table.text(*span))
    }

    fn value<T>(self, of: impl Fn(&Row) -> Option<T>) -> Option<T> {
        match self.0 {
            Kind::Row { row, .. } => of(row),
            Kind::Iana(_) => None,
        }
    }

    fn closed(self, of: impl Fn(&Row) -> Option<u8>, list: &'static [&'static str]) -> Option<&'static str> {
        list.get(usize::from(self.value(of)?)).copied()
    }

    /// The ports it is known at.
    pub fn ports(self) -> RangeInclusive<u16> {
        match self.0 {
            Kind::Row { row, .. } => row.first..=row.last,
            Kind::Iana(row) => row.port..=row.port,
        }
    }

    /// Its transport; `None` for every transport: a row of IANA that names none.
    pub fn transport(self) -> Option<Transport> {
        transport_at(match self.0 {
            Kind::Row { row, .. } => row.transport,
            Kind::Iana(row) => row.transport,
        })
    }

    /// The name of the service.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Row { row, table } => table.text(row.name),
            Kind::Iana(row) => builtin::TABLE.text(row.name),
        }
    }

    /// Other names of it.
    pub fn aliases(self) -> impl Iterator<Item = &'static str> + Clone {
        self.list(|row| row.aliases)
    }

    /// What it is, in a few words.
    pub fn title(self) -> &'static str {
        match self.0 {
            Kind::Row { row, table } => table.text(row.title),
            Kind::Iana(row) => builtin::TABLE.text(row.description),
        }
    }

    /// Where this use is written down.
    pub fn source(self) -> EntrySource {
        self.value(|row| EntrySource::at(row.source)).unwrap_or(EntrySource::Iana)
    }

    /// True for a name of IANA of which nothing else is known.
    pub fn is_bare(self) -> bool {
        matches!(self.0, Kind::Iana(_))
    }

    /// What IANA lists there where it differs: a name, `(unassigned)`, `(reserved)` or `(dynamic range)`. `None` for a
    /// range, whose ports have names of their own.
    pub fn iana_name(self) -> Option<&'static str> {
        self.text(|row| row.iana_name)
    }

    /// What it is for.
    pub fn category(self) -> Option<&'static str> {
        self.closed(|row| row.category, &closed::CATEGORIES)
    }

    /// The plane it belongs to: `management`, `routing-control`, `data`, `data-with-control-effect` or `telemetry`.
    pub fn plane(self) -> Option<&'static str> {
        self.closed(|row| row.plane, &closed::PLANES)
    }

    /// Whether it manages a host, a device or another service; `None` where only its name is known.
    pub fn is_management(self) -> Option<bool> {
        self.value(|row| row.management)
    }

    /// How it protects what it carries.
    pub fn security(self) -> Option<Security> {
        self.value(|row| Security::at(row.security?))
    }

    /// What it asks of its clients by default.
    pub fn auth(self) -> Option<&'static str> {
        self.closed(|row| row.auth, &closed::AUTH)
    }

    /// What encrypts instead.
    pub fn counterparts(self) -> impl Iterator<Item = Counterpart> + Clone {
        self.list(|row| row.counterparts).map(|text| {
            let service = ServiceRef::parse(text);
            match service.and_then(|service| Some((transport_at(service.transport)?, service))) {
                Some((transport, service)) => {
                    Counterpart::Service { transport, port: service.port, name: service.name }
                }
                None => Counterpart::Text(text),
            }
        })
    }

    /// What one would use today.
    pub fn successor(self) -> Option<&'static str> {
        self.text(|row| row.successor)
    }

    /// The base names of executables that serve it.
    pub fn owners(self) -> impl Iterator<Item = &'static str> + Clone {
        self.list(|row| row.owners)
    }

    /// Any executable may serve it: its owners are `*`.
    pub fn takes_any_owner(self) -> bool {
        self.owners().any(|owner| owner == "*")
    }

    /// The widest exposure it is made for.
    pub fn exposure(self) -> Option<Exposure> {
        self.value(|row| Exposure::at(row.exposure?))
    }

    /// What to watch for.
    pub fn risk(self) -> Option<&'static str> {
        self.text(|row| row.risk)
    }

    /// Where to read on.
    pub fn reference(self) -> Option<&'static str> {
        self.text(|row| row.reference)
    }

    /// How sure the link between port and service is: `high`, `medium` or `low`. It says nothing about the rest.
    pub fn confidence(self) -> &'static str {
        self.closed(|row| Some(row.confidence), &closed::CONFIDENCES).unwrap_or("high")
    }

    /// What that rests on.
    pub fn evidence(self) -> impl Iterator<Item = &'static str> + Clone {
        self.list(|row| row.evidence)
    }

    /// What is weak about it.
    pub fn weakness(self) -> Option<Weakness> {
        let Kind::Row { row, table } = self.0 else { return None };
        let weakness = row.weakness?;
        let [public, lan, loopback] =
            weakness.severity.map(|level| Severity::ALL.get(usize::from(level)).copied().unwrap_or(Severity::Info));
        Some(Weakness {
            class: WeaknessClass::at(weakness.class)?,
            why: table.text(weakness.why),
            condition: table.text(weakness.condition),
            public,
            lan,
            loopback,
            frameworks: table.text(weakness.frameworks),
        })
    }

    /// True where the service goes by that name, whatever its case.
    pub fn is_named(self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name) || self.aliases().any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

impl PartialEq for Entry {
    /// Two handles are equal where they lead to the same row.
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Kind::Row { row, .. }, _) => other.is(row),
            (Kind::Iana(row), Kind::Iana(of)) => std::ptr::eq(row, of),
            (Kind::Iana(_), Kind::Row { .. }) => false,
        }
    }
}

impl Eq for Entry {}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (transport, ports) = (self.transport().map_or("any", Transport::name), self.ports());
        let source = self.source().name();
        match ports.start() == ports.end() {
            true => write!(f, "{transport}/{} {} ({source})", ports.start(), self.name()),
            false => write!(f, "{transport}/{}-{} {} ({source})", ports.start(), ports.end(), self.name()),
        }
    }
}

/// The transport at an index of the closed list; `None` for `any`.
fn transport_at(index: u8) -> Option<Transport> {
    [None, Some(Transport::Tcp), Some(Transport::Udp), Some(Transport::Sctp), Some(Transport::Dccp)]
        .get(usize::from(index))
        .copied()
        .flatten()
}

/// The index of a transport in the closed list; `None` for one without registered ports.
pub(super) fn index_of(transport: Transport) -> Option<u8> {
    match transport {
        Transport::Tcp => Some(1),
        // UDP-Lite shares the registrations of UDP, RFC 3828 section 6.
        Transport::Udp | Transport::UdpLite => Some(2),
        Transport::Sctp => Some(3),
        Transport::Dccp => Some(4),
        Transport::Raw | Transport::Packet | Transport::Vsock | Transport::Unix => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_of_transports_stand_for_their_names() {
        for transport in [Transport::Tcp, Transport::Udp, Transport::Sctp, Transport::Dccp] {
            let index = index_of(transport).expect("it has ports");
            assert_eq!(closed::TRANSPORTS[usize::from(index)], transport.name());
            assert_eq!(transport_at(index), Some(transport));
        }
        assert_eq!(transport_at(0), None);
        assert_eq!(index_of(Transport::UdpLite), index_of(Transport::Udp));
        assert_eq!(index_of(Transport::Vsock), None);
    }
}
