//! From words to terms. What cannot be is an error that names the word.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::pattern::Pattern;
use super::{Bound, Choice, Place, Port, Term, What};
use crate::error::Error;
use crate::model::{Scope, Severity, Transport};

const SCOPES: [Scope; 7] =
    [Scope::Local, Scope::Loopback, Scope::LinkLocal, Scope::Private, Scope::Multicast, Scope::Public, Scope::Wildcard];

/// Reads one word.
pub(super) fn term(word: &str, is_rule: &dyn Fn(&str) -> bool) -> Result<Term, Error> {
    if word.trim().is_empty() {
        return Err(usage("a word of the query is empty".to_owned(), "leave it out to list everything"));
    }
    let what = match word.split_once(':').filter(|(kind, _)| is_kind(kind)) {
        Some((kind, "")) => {
            let hint = match kind {
                "severity" => "quote it, or the shell takes > for a file: 'severity:>=high'",
                _ => "write it without a blank: `user:root`",
            };
            return Err(usage(format!("`{kind}:` ends where a value should stand"), hint));
        }
        Some((kind, value)) => exact(word, kind, value, is_rule)?,
        None => match place(word)? {
            Some(what) => what,
            None => What::Name(Pattern::new(word, true)),
        },
    };
    Ok(Term { word: word.to_owned(), what })
}

/// Refuses a word that the flags leave out in any case.
pub(super) fn possible(term: &Term, choice: &Choice) -> Result<(), Error> {
    let (transports, bound) = match &term.what {
        What::Place(place) => (place.transports.as_slice(), place.address.as_ref()),
        What::Address(bound) => (&[][..], Some(bound)),
        _ => return Ok(()),
    };
    let chosen = |transport: &Transport| choice.transports.is_empty() || choice.transports.contains(transport);
    if !transports.is_empty() && !transports.iter().any(chosen) {
        return Err(usage(
            format!("`{}` is of a transport that the flags leave out", term.word),
            "leave out the flags, or the transport in the word",
        ));
    }
    if let Some(Bound::Net(net, _)) = bound
        && choice.ipv4 != choice.ipv6
        && net.addr().is_ipv6() != choice.ipv6
        // An IPv4 address may stand in an IPv6 socket, mapped.
        && net.addr().is_ipv6()
    {
        return Err(usage(format!("`{}` is of a family that -4 leaves out", term.word), "leave out -4"));
    }
    Ok(())
}

fn is_kind(kind: &str) -> bool {
    let kinds = ["pid", "user", "uid", "unit", "exe", "netns", "service", "rule", "scope", "severity", "container"];
    kinds.contains(&kind)
}

/// `kind:value`.
fn exact(word: &str, kind: &str, value: &str, is_rule: &dyn Fn(&str) -> bool) -> Result<What, Error> {
    let number = || {
        let number = value.parse::<u32>().ok().filter(|_| value.bytes().all(|byte| byte.is_ascii_digit()));
        number.ok_or_else(|| usage(format!("`{word}` needs a number"), format!("write `{kind}:1000`")))
    };
    Ok(match kind {
        "pid" => What::Pid(number()?),
        "uid" => What::Uid(number()?),
        "user" => What::User(Pattern::new(value, false)),
        "unit" => What::Unit(Pattern::new(value, false)),
        "exe" => What::Exe(Pattern::new(value, false)),
        "container" => What::Container(Pattern::new(value, false)),
        "netns" => What::NetNs(Pattern::new(value, false)),
        "service" => What::Service(Pattern::new(value, true)),
        "rule" if is_rule(value) => What::Rule(value.to_owned()),
        "rule" => return Err(usage(format!("`{word}`: there is no such rule"), "`earmark rules` lists them")),
        "scope" => {
            let scope = SCOPES.into_iter().find(|scope| scope.name() == value);
            let names = SCOPES.map(Scope::name).join(", ");
            What::Scope(
                scope.ok_or_else(|| {
                    usage(format!("`{word}`: there is no such scope"), format!("it is one of {names}"))
                })?,
            )
        }
        _ => What::Severity(severities(word, value)?),
    })
}

/// `high`, `>=high`, `<medium`.
fn severities(word: &str, value: &str) -> Result<RangeInclusive<Severity>, Error> {
    let end = value.find(|c: char| !matches!(c, '<' | '>' | '=')).unwrap_or(value.len());
    let (operator, name) = value.split_at(end);
    let unknown = || {
        let names = Severity::ALL.map(Severity::name).join(", ");
        usage(
            format!("`{word}`: there is no such severity"),
            format!("it is one of {names}, perhaps with >= before it"),
        )
    };
    let severity = Severity::from_name(name).ok_or_else(unknown)?;
    let at = severity as usize;
    let nothing = || usage(format!("`{word}`: no severity is there"), "use >= or <= to take in the one that is named");
    let all = Severity::ALL;
    Ok(match operator {
        "" | "=" | "==" => severity..=severity,
        ">=" => severity..=Severity::Critical,
        "<=" => Severity::Info..=severity,
        ">" => *all.get(at + 1).ok_or_else(nothing)?..=Severity::Critical,
        "<" => Severity::Info..=*at.checked_sub(1).and_then(|at| all.get(at)).ok_or_else(nothing)?,
        _ => return Err(unknown()),
    })
}

/// Ports, addresses and endpoints; `None` for a name.
fn place(word: &str) -> Result<Option<What>, Error> {
    if let Some((name, rest)) = word.split_once('/') {
        let (transports, mptcp) = match name.to_ascii_lowercase().as_str() {
            "mptcp" => (vec![Transport::Tcp], true),
            name => match Transport::from_name(name) {
                Some(transport) => (vec![transport], false),
                None => (Vec::new(), false),
            },
        };
        if let Some(transport) = transports.first() {
            let mut place = within(word, rest, *transport)?;
            place.transports = transports;
            place.mptcp = mptcp;
            return Ok(Some(What::Place(place)));
        }
        // `22/tcp`, as /etc/services has it.
        if let Some(transport) = Transport::from_name(rest).filter(|t| t.has_registered_ports())
            && let Some(ports) = numbers(word, name, *transport_ports(transport).end())?
        {
            let port = Port::Numbers(ports);
            return Ok(Some(What::Place(Place { transports: vec![transport], port, ..Place::default() })));
        }
    }
    if word == "*" {
        return Ok(Some(What::Address(Bound::Wildcard)));
    }
    if let Some(net) = network(word)? {
        return Ok(Some(What::Address(net)));
    }
    let max = *transport_ports(Transport::Tcp).end();
    if let Some(ports) = numbers(word, word.strip_prefix(':').unwrap_or(word), max)? {
        return Ok(Some(What::Place(Place { port: Port::Numbers(ports), ..Place::default() })));
    }
    if let Some(name) = word.strip_prefix(':').filter(|name| !name.is_empty()) {
        return Ok(Some(What::Place(Place { port: Port::Of(Pattern::new(name, true)), ..Place::default() })));
    }
    with_address(word, word, max).map(|place| place.map(What::Place))
}

/// What stands after `tcp/`.
fn within(word: &str, rest: &str, transport: Transport) -> Result<Place, Error> {
    if matches!(transport, Transport::Raw | Transport::Packet | Transport::Unix) {
        return match rest {
            "" | "*" => Ok(Place::default()),
            _ => Ok(Place { port: Port::Endpoint(word.to_owned()), ..Place::default() }),
        };
    }
    let max = *transport_ports(transport).end();
    if rest.is_empty() {
        return Err(usage(format!("`{word}` ends where a port should stand"), "write `tcp/3220`"));
    }
    if let Some(ports) = numbers(word, rest.strip_prefix(':').unwrap_or(rest), max)? {
        return Ok(Place { port: Port::Numbers(ports), ..Place::default() });
    }
    if transport == Transport::Vsock {
        return Ok(Place { port: Port::Endpoint(word.to_owned()), ..Place::default() });
    }
    if let Some(net) = network(rest)? {
        return Ok(Place { address: Some(net), ..Place::default() });
    }
    if let Some(place) = with_address(word, rest, max)? {
        return Ok(place);
    }
    Ok(Place { port: Port::Of(Pattern::new(rest.strip_prefix(':').unwrap_or(rest), true)), ..Place::default() })
}

fn transport_ports(transport: Transport) -> RangeInclusive<u32> {
    1..=if transport == Transport::Vsock { u32::MAX } else { 65_535 }
}

/// `10.0.0.5:22`, `[::]:22`, `*:22`, with a name for the port too.
fn with_address(word: &str, text: &str, max: u32) -> Result<Option<Place>, Error> {
    let Some((host, port)) = text.rsplit_once(':').filter(|(host, port)| !host.is_empty() && !port.is_empty()) else {
        return Ok(None);
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let bound = match host {
        "*" => Some(Bound::Wildcard),
        _ => network(bare.unwrap_or(host))?,
    };
    let ports = match numbers(word, port, max) {
        Ok(ports) => ports,
        // Of a name such as `dbus-:1.2-x:70000` nobody says that it has an impossible port.
        Err(error) if bound.is_some() => return Err(error),
        Err(_) => None,
    };
    match (bound, ports) {
        (Some(address), Some(ports)) => {
            Ok(Some(Place { address: Some(address), port: Port::Numbers(ports), ..Place::default() }))
        }
        (Some(address), None) => {
            Ok(Some(Place { address: Some(address), port: Port::Of(Pattern::new(port, true)), ..Place::default() }))
        }
        (None, Some(_)) if bare.is_some() || !host.contains([':', '@', '/', '*']) => Err(usage(
            format!("`{word}` has a host by name, and earmark never resolves names"),
            format!("write its address before the port, or `{host} {port}` for what is called so"),
        )),
        (None, _) => Ok(None),
    }
}

/// An address or a network, perhaps with a device; `None` for anything else.
fn network(text: &str) -> Result<Option<Bound>, Error> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let (address, device) = address.split_once('%').map_or((address, None), |(a, d)| (a, Some(d.to_owned())));
    // No device has a colon in its name: there the port begins.
    if device.as_ref().is_some_and(|device| device.is_empty() || device.contains(':')) {
        return Ok(None);
    }
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    let dotted = bare.contains('.') && bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let Ok(ip) = bare.parse::<IpAddr>() else {
        return match dotted {
            true => Err(usage(format!("`{text}` is no address"), "an IPv4 address has four numbers up to 255")),
            false => Ok(None),
        };
    };
    let ip = ip.to_canonical();
    let whole = if ip.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => whole,
        Some(prefix) => prefix.parse::<u8>().ok().filter(|prefix| *prefix <= whole).ok_or_else(|| {
            usage(format!("`{text}` has an impossible prefix"), format!("write a number up to {whole} after the slash"))
        })?,
    };
    Ok(IpNet::new(ip, prefix).ok().map(|net| Bound::Net(net, device)))
}

/// Ports and ranges, joined by commas; `None` where the text is no such thing.
fn numbers(word: &str, text: &str, max: u32) -> Result<Option<Vec<RangeInclusive<u32>>>, Error> {
    let is_list = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b','));
    let parts = text.split(',');
    if !is_list || parts.clone().any(|part| part.split('-').count() > 2 || part.split('-').any(str::is_empty)) {
        return Ok(None);
    }
    let port = |digits: &str| {
        let port = digits.parse::<u32>().ok().filter(|port| (1..=max).contains(port));
        port.ok_or_else(|| usage(format!("`{word}`: there is no port {digits}"), format!("ports go from 1 to {max}")))
    };
    let mut ranges = Vec::new();
    for part in parts {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let (low, high) = (port(low)?, port(high)?);
        if low > high {
            return Err(usage(
                format!("`{word}`: the range ends before it begins"),
                format!("write the lower port first: `{high}-{low}`"),
            ));
        }
        ranges.push(low..=high);
    }
    Ok(Some(ranges))
}

fn usage(problem: String, hint: impl Into<String>) -> Error {
    Error::Usage { problem, hint: hint.into() }
}
