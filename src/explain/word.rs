//! The word that is to be explained.

use std::net::IpAddr;

use crate::error::Error;
use crate::model::Transport;

/// What a word says about where a socket is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Port {
    /// `None` for every transport.
    pub(super) transport: Option<Transport>,
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
}

/// Reads a port or an endpoint; `None` for a name.
pub(super) fn port(word: &str) -> Result<Option<Port>, Error> {
    let (transport, rest) = transport_of(word)?;
    let (host, digits) = match rest.rsplit_once(':') {
        Some((host, digits)) => (host, digits),
        None => ("", rest),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return match digits.split_once('-') {
            Some((low, high)) if [low, high].iter().all(|part| part.parse::<u32>().is_ok()) => Err(usage(
                format!("`{word}` is a range, and one port is explained at a time"),
                format!("write `{low}`"),
            )),
            _ => Ok(None),
        };
    }
    // A device narrows where it listens, not what it is: `tcp/0.0.0.0%eth0:68`.
    let bare = host.split('%').next().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let address = match bare {
        "" | "*" => None,
        // `::1` is an address, not port 1 of `:`.
        _ if rest.parse::<IpAddr>().is_ok() => return Ok(None),
        _ => match bare.parse::<IpAddr>() {
            Ok(ip) => Some(ip),
            Err(_) => return Ok(None),
        },
    };
    let port = digits.parse::<u16>().ok().filter(|port| *port > 0);
    let port = port
        .ok_or_else(|| usage(format!("`{word}`: there is no port {digits}"), "ports go from 1 to 65535".to_owned()))?;
    Ok(Some(Port { transport, address, port }))
}

/// The transport of `tcp/22` and of `22/tcp`, and the rest of the word.
fn transport_of(word: &str) -> Result<(Option<Transport>, &str), Error> {
    let Some((before, after)) = word.split_once('/') else { return Ok((None, word)) };
    let named = |name: &str| Transport::from_name(&name.to_ascii_lowercase());
    let (transport, rest) = match (named(before), named(after)) {
        (Some(transport), _) => (transport, after),
        (None, Some(transport)) => (transport, before),
        (None, None) => return Ok((None, word)),
    };
    if transport.has_registered_ports() {
        return Ok((Some(transport), rest));
    }
    Err(usage(
        format!("`{word}`: nothing is registered for {} sockets", transport.name()),
        format!("`earmark {word}` shows what receives there"),
    ))
}

pub(super) fn usage(problem: String, hint: String) -> Error {
    Error::Usage { problem, hint }
}
