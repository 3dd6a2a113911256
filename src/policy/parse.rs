//! From the text of one file to entries of a policy.

use std::ops::Range;

use ipnet::IpNet;
use toml::Spanned;
use toml::value::Datetime;

use super::glob::Glob;
use super::schema::{Many, Ports, RawFile, RawSelector, RawSettings, RawSuppress, SHAPE, Str, Texts};
use super::{
    Address, Containers, Coverage, Expect, Fallback, Forbid, Loopback, MOST_ENTRIES, Origin, Override, Policy,
    Selector, Suppress,
};
use crate::fault::Fault;
use crate::model::{Severity, Text, Timestamp, Transport};

/// Adds the entries of one file.
pub(super) fn add(
    policy: &mut Policy,
    file: usize,
    text: &str,
    knows_rule: &dyn Fn(&str) -> bool,
) -> Result<(), Fault> {
    let raw: RawFile = toml::from_str(text).map_err(|error| Fault::of_syntax(SHAPE, text, &error))?;
    let newlines = text.match_indices('\n').map(|(at, _)| at).collect();
    let check = Checker { text, newlines, file, knows_rule };
    match &raw.schema {
        Some(schema) if *schema.get_ref() == 1 => {}
        Some(schema) => return Err(check.fault(schema.span(), "expected 1: this version reads no other schema")),
        None => return Err(Fault { key: Some("schema".to_owned()), ..Fault::at(SHAPE, text, 0, "a key is missing") }),
    }
    check.settings(policy, &raw.settings)?;
    for raw in raw.expect {
        let (origin, mut raw) = check.entry(policy, raw)?;
        let selector = check.selector(raw.selector())?;
        policy.expects.push(Expect {
            id: check.optional(raw.id)?,
            selector,
            required: raw.required.unwrap_or(false),
            reason: check.optional(raw.reason)?,
            origin,
        });
    }
    for raw in raw.forbid {
        let span = raw.span();
        let (origin, mut raw) = check.entry(policy, raw)?;
        let selector = check.selector(raw.selector())?;
        if selector == Selector::default() {
            return Err(check.fault(span, "it forbids everything: name a port, an executable or another key"));
        }
        policy.forbids.push(Forbid {
            id: check.optional(raw.id)?,
            selector,
            reason: check.optional(raw.reason)?,
            origin,
        });
    }
    for raw in raw.suppress {
        let (origin, raw) = check.entry(policy, raw)?;
        policy.suppresses.push(check.suppress(raw, origin)?);
    }
    for (rule, severity) in raw.severity {
        let origin = check.origin(&rule.span());
        policy.severities.push(Override { rule: check.rule(&rule)?, severity: check.severity(&severity)?, origin });
    }
    Ok(())
}

struct Checker<'a> {
    text: &'a str,
    /// Where each line ends, so that thousands of entries are told their lines without a look at all before them.
    newlines: Vec<usize>,
    file: usize,
    knows_rule: &'a dyn Fn(&str) -> bool,
}

impl Checker<'_> {
    fn fault(&self, span: Range<usize>, problem: &str) -> Fault {
        Fault::at(SHAPE, self.text, span.start, problem)
    }

    fn origin(&self, span: &Range<usize>) -> Origin {
        Origin { file: self.file, line: self.newlines.partition_point(|newline| *newline < span.start) + 1 }
    }

    /// An entry and where it stands, while there is room for another.
    fn entry<T>(&self, policy: &Policy, raw: Spanned<T>) -> Result<(Origin, T), Fault> {
        let so_far = policy.expects.len() + policy.forbids.len() + policy.suppresses.len();
        if so_far >= MOST_ENTRIES {
            let problem = format!("a policy may have {MOST_ENTRIES} entries: write ranges, lists and patterns");
            return Err(self.fault(raw.span(), &problem));
        }
        Ok((self.origin(&raw.span()), raw.into_inner()))
    }

    fn settings(&self, policy: &mut Policy, raw: &RawSettings) -> Result<(), Fault> {
        let settings = &mut policy.settings;
        let RawSettings { default, warn_at, critical_at, require_coverage, loopback, containers, remind_after } = raw;
        if let Some(value) = default {
            settings.default = self.one_of(value, &[("allow", Fallback::Allow), ("deny", Fallback::Deny)])?;
        }
        if let Some(value) = warn_at {
            settings.warn_at = self.severity(value)?;
        }
        if let Some(value) = critical_at {
            settings.critical_at = self.severity(value)?;
        }
        if let Some(value) = warn_at.as_ref().or(critical_at.as_ref())
            && settings.warn_at > settings.critical_at
        {
            return Err(self.fault(value.span(), "warn_at may not be graver than critical_at"));
        }
        if let Some(values) = require_coverage {
            let transports = Transport::ALL.map(|transport| (transport.name(), Coverage::Transport(transport)));
            let known: Vec<_> = transports
                .into_iter()
                .chain([("owners", Coverage::Owners), ("namespaces", Coverage::Namespaces)])
                .collect();
            settings.require_coverage =
                values.iter().map(|value| self.one_of(value, &known)).collect::<Result<_, _>>()?;
        }
        if let Some(value) = loopback {
            let known = [("ignore", Loopback::Ignore), ("info", Loopback::Info), ("enforce", Loopback::Enforce)];
            settings.loopback = self.one_of(value, &known)?;
        }
        if let Some(value) = containers {
            let known =
                [("host", Containers::Host), ("separate", Containers::Separate), ("ignore", Containers::Ignore)];
            settings.containers = self.one_of(value, &known)?;
        }
        if let Some(value) = remind_after {
            settings.remind_after = self.duration(value)?;
        }
        Ok(())
    }

    fn suppress(&self, raw: RawSuppress, origin: Origin) -> Result<Suppress, Fault> {
        let (expires, ends) = self.day(&raw.expires)?;
        let at = raw.matches.span();
        let selector = self.selector(raw.matches.into_inner().selector())?;
        if selector.ports.is_empty() && selector.exes.is_empty() {
            return Err(self.fault(at, "a suppression needs a port or an exe: without them it would hide too much"));
        }
        Ok(Suppress {
            rule: self.rule(&raw.rule)?,
            selector,
            reason: self.plain(raw.reason)?,
            owner: self.optional(raw.owner)?,
            ticket: self.optional(raw.ticket)?,
            expires,
            ends,
            origin,
        })
    }

    fn selector(&self, raw: RawSelector) -> Result<Selector, Fault> {
        let transport =
            |value: &Str| self.one_of(value, &Transport::ALL.map(|transport| (transport.name(), transport)));
        let (exes, at) = self.many(raw.exe)?;
        if let Some(relative) = exes.iter().position(|exe| !exe.starts_with('/')) {
            let _ = relative;
            return Err(self.fault(at, "expected the whole path of an executable; * stands for a part of it"));
        }
        let globs = |texts: Texts| Ok(self.many(texts)?.0.into_iter().map(Glob::new).collect::<Vec<_>>());
        let (addresses, at) = self.many(raw.address)?;
        let addresses = addresses.iter().map(|address| self.address(address, at.clone()));
        let (transports, at) = self.many(raw.transport)?;
        let transports = transports.into_iter().map(|name| transport(&Spanned::new(at.clone(), name)));
        Ok(Selector {
            transports: transports.collect::<Result<_, _>>()?,
            ports: self.ports(raw.port)?,
            addresses: addresses.collect::<Result<_, _>>()?,
            exes: exes.into_iter().map(Glob::new).collect(),
            users: self.many(raw.user)?.0,
            uids: self.uids(raw.uid)?,
            units: globs(raw.unit)?,
            user_units: globs(raw.user_unit)?,
            containers: globs(raw.container)?,
            packages: globs(raw.package)?,
            netns: globs(raw.netns)?,
            interfaces: globs(raw.interface)?,
        })
    }

    fn ports(&self, raw: Option<Spanned<Many<Ports>>>) -> Result<Vec<(u16, u16)>, Fault> {
        let Some(raw) = raw else { return Ok(Vec::new()) };
        let at = raw.span();
        let ports = raw.into_inner().0.into_iter().map(|ports| ports.0).collect::<Option<Vec<_>>>();
        let problem = "expected a port from 1 to 65535, a range such as \"8323-8324\", or a list of them";
        ports.filter(|ports| !ports.is_empty()).ok_or_else(|| self.fault(at, problem))
    }

    fn uids(&self, raw: Option<Spanned<Many<i64>>>) -> Result<Vec<u32>, Fault> {
        let Some(raw) = raw else { return Ok(Vec::new()) };
        let at = raw.span();
        let uids = raw.into_inner().0.into_iter().map(|uid| u32::try_from(uid).ok()).collect::<Option<Vec<_>>>();
        uids.filter(|uids| !uids.is_empty()).ok_or_else(|| self.fault(at, "expected the number of a user"))
    }

    fn address(&self, text: &str, at: Range<usize>) -> Result<Address, Fault> {
        let net = || text.parse::<IpNet>().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from));
        Ok(match text {
            "any" => Address::Any,
            "wildcard" => Address::Wildcard,
            "loopback" => Address::Loopback,
            "private" => Address::Private,
            _ => match (text.strip_prefix("if:"), net()) {
                (Some(device), _) if !device.is_empty() => Address::Of(device.to_owned()),
                (_, Some(net)) if net.trunc() == net => Address::Net(net),
                (_, Some(_)) => return Err(self.fault(at, "a network has bits set behind its prefix")),
                _ => {
                    let known = "expected any, wildcard, loopback, private, an address, a network such as 10.0.0.0/8, \
                                 or a device such as \"if:eth1\"";
                    return Err(self.fault(at, known));
                }
            },
        })
    }

    /// The values of a key, and where they stand.
    fn many(&self, raw: Texts) -> Result<(Vec<String>, Range<usize>), Fault> {
        let Some(raw) = raw else { return Ok((Vec::new(), 0..0)) };
        let at = raw.span();
        let values = raw.into_inner().0;
        if values.is_empty() {
            return Err(self.fault(at, "an empty list matches nothing: leave the key out, or name a value"));
        }
        let values = values.into_iter().map(|value| self.plain(Spanned::new(at.clone(), value)));
        Ok((values.collect::<Result<_, _>>()?, at))
    }

    fn optional(&self, value: Option<Str>) -> Result<Option<String>, Fault> {
        value.map(|value| self.plain(value)).transpose()
    }

    /// Text that can be printed as it is: reports show it without another escape.
    fn plain(&self, value: Str) -> Result<String, Fault> {
        let text = value.get_ref();
        if text.trim().is_empty() || text.len() > 1000 {
            return Err(self.fault(value.span(), "expected 1 to 1000 bytes of text"));
        }
        // What is escaped in reports would not be found again as it was written.
        if Text::from(text.as_str()).escaped().replace("\\\\", "\\") != *text {
            return Err(self.fault(value.span(), "a character that does not print"));
        }
        Ok(value.into_inner())
    }

    fn rule(&self, value: &Str) -> Result<String, Fault> {
        if !(self.knows_rule)(value.get_ref()) {
            return Err(self.fault(value.span(), "no rule has this name: `earmark rules` has them all"));
        }
        Ok(value.get_ref().clone())
    }

    fn severity(&self, value: &Str) -> Result<Severity, Fault> {
        self.one_of(value, &Severity::ALL.map(|severity| (severity.name(), severity)))
    }

    fn one_of<T: Copy>(&self, value: &Str, known: &[(&str, T)]) -> Result<T, Fault> {
        let found = known.iter().find(|(name, _)| name == value.get_ref()).map(|(_, one)| *one);
        found.ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.fault(value.span(), &format!("expected one of {}", names.join(", ")))
        })
    }

    /// `7d`, `12h`, `2w`, in milliseconds.
    fn duration(&self, value: &Str) -> Result<i64, Fault> {
        const HOUR: i64 = 60 * 60 * 1000;
        let text = value.get_ref();
        let unit = match text.bytes().last() {
            Some(b'h') => Some(HOUR),
            Some(b'd') => Some(24 * HOUR),
            Some(b'w') => Some(7 * 24 * HOUR),
            _ => None,
        };
        let number = text.get(..text.len().saturating_sub(1)).and_then(|digits| digits.parse::<u16>().ok());
        let length = unit.zip(number).map(|(unit, number)| unit * i64::from(number)).filter(|length| *length > 0);
        length.ok_or_else(|| self.fault(value.span(), "expected a time such as \"7d\", \"12h\" or \"2w\""))
    }

    /// A day, and the instant at which it ends in UTC.
    fn day(&self, value: &Spanned<Datetime>) -> Result<(String, Timestamp), Fault> {
        let fault = || self.fault(value.span(), "expected a day such as 2027-01-31, without quotes and without a time");
        let date = match value.get_ref() {
            Datetime { date: Some(date), time: None, offset: None } => date,
            _ => return Err(fault()),
        };
        let (month, day) = (i8::try_from(date.month).ok(), i8::try_from(date.day).ok());
        let (year, (month, day)) = (i16::try_from(date.year).ok(), month.zip(day).ok_or_else(fault)?);
        let civil = year.and_then(|year| jiff::civil::Date::new(year, month, day).ok()).ok_or_else(fault)?;
        let next = civil.tomorrow().map_err(|_| fault())?;
        let ends = next.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| fault())?.timestamp().as_millisecond();
        Ok((civil.to_string(), Timestamp(ends)))
    }
}
