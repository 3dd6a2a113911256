//! What follows `lsof -i`: `[46][protocol][@address][:port[,port…]]`.

use std::ffi::OsString;

use super::usage;
use crate::error::Error;

/// One `-i`. Several of them are alternatives, as lsof reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    family: Option<char>,
    transport: Option<&'static str>,
    address: Option<String>,
    ports: Vec<String>,
}

impl Selection {
    /// Reads it; `None` where the text is no such thing, an error where it is one that cannot be taken over.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, Error> {
        let mut selection = Self::default();
        let mut rest = text;
        if let Some(after) = rest.strip_prefix(['4', '6'])
            // `-i 4` is IPv4, `-i 443` is a port: lsof reads neither as the other.
            && !after.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.')
        {
            selection.family = rest.chars().next();
            rest = after;
        }
        let name_end = rest.find([':', '@']).unwrap_or(rest.len());
        let (name, tail) = rest.split_at(name_end);
        selection.transport = match name.to_ascii_lowercase().as_str() {
            "" => None,
            "tcp" => Some("tcp"),
            "udp" => Some("udp"),
            "udplite" => Some("udplite"),
            "sctp" => Some("sctp"),
            _ => return Ok(None),
        };
        rest = tail;
        if let Some(host) = rest.strip_prefix('@') {
            let end = if host.starts_with('[') { host.find(']').map(|at| at + 1) } else { host.find(':') };
            let (address, tail) = host.split_at(end.unwrap_or(host.len()));
            let bare = address.trim_start_matches('[').trim_end_matches(']');
            if bare.parse::<std::net::IpAddr>().is_err() {
                return Err(usage(format!("`{text}` has a host by name, and earmark never resolves names"), {
                    "write its address: `-i @127.0.0.1:3220`"
                }));
            }
            selection.address = Some(if bare.contains(':') { format!("[{bare}]") } else { bare.to_owned() });
            rest = tail;
        }
        if let Some(ports) = rest.strip_prefix(':') {
            selection.ports = ports.split(',').filter(|port| !port.is_empty()).map(str::to_owned).collect();
            if selection.ports.is_empty() {
                return Err(usage(format!("`{text}` ends where a port should stand"), "write `-i :3220`"));
            }
        } else if !rest.is_empty() {
            return Ok(None);
        }
        let said = selection != Self::default();
        Ok(said.then_some(selection))
    }

    /// The words of a query that choose the same; a transport alone is every port of it.
    fn words(&self) -> Vec<String> {
        let transport = self.transport.map(|name| format!("{name}/")).unwrap_or_default();
        let address = self.address.as_deref().unwrap_or_default();
        let colon = if self.address.is_some() || self.transport.is_none() { ":" } else { "" };
        match self.ports.is_empty() {
            true if self.transport.is_none() => vec![address.to_owned()],
            true => vec![format!("{transport}{address}{colon}1-65535")],
            false => self.ports.iter().map(|port| format!("{transport}{address}{colon}{port}")).collect(),
        }
    }

    fn is_bare(&self) -> bool {
        self.address.is_none() && self.ports.is_empty()
    }
}

/// Puts together what every `-i` of a command line said.
pub(super) fn combine(selections: &[Selection], out: &mut Vec<OsString>) -> Result<(), Error> {
    // One that chooses nothing takes everything, whatever the others choose.
    if selections.is_empty() || selections.contains(&Selection::default()) {
        return Ok(());
    }
    let mut families: Vec<Option<char>> = selections.iter().map(|selection| selection.family).collect();
    families.sort_unstable();
    families.dedup();
    match families[..] {
        [None] => {}
        [Some(family)] => out.push(format!("-{family}").into()),
        _ if selections.iter().all(|s| s.is_bare() && s.transport.is_none()) => return Ok(()),
        _ => {
            return Err(usage(
                "several -i with different families cannot be joined into one query",
                "run them one by one, or leave the family out",
            ));
        }
    }
    if selections.iter().all(Selection::is_bare) {
        // A family alone beside a transport takes every transport.
        if selections.iter().all(|selection| selection.transport.is_some()) {
            let mut flags: Vec<_> = selections.iter().filter_map(|selection| selection.transport).collect();
            flags.sort_unstable();
            flags.dedup();
            // UDP-Lite comes with UDP here; on its own it has no flag.
            if flags == ["udplite"] {
                out.push("udplite/1-65535".into());
                return Ok(());
            }
            out.extend(flags.iter().filter(|name| **name != "udplite").map(|name| format!("--{name}").into()));
        }
        return Ok(());
    }
    let address_only = |s: &Selection| s.address.is_some() && s.ports.is_empty() && s.transport.is_none();
    if selections.iter().any(address_only) && !selections.iter().all(address_only) {
        return Err(usage(
            "an -i with an address alone cannot be joined with others into one query",
            "run them one by one",
        ));
    }
    let family_only = |s: &Selection| s.is_bare() && s.transport.is_none();
    if selections.iter().any(family_only) {
        // All have the same family by now, and this one takes everything in it.
        return Ok(());
    }
    out.extend(selections.iter().flat_map(Selection::words).map(OsString::from));
    Ok(())
}
