//! Questions to families of generic netlink. What they answer may hold keys: it is read where it was received and wiped.

use std::fmt::Write as _;
use std::os::fd::AsFd;
use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::net::netlink;

use super::dump::{each_datagram, open_netlink};
use crate::collect::linux::genetlink;
use crate::collect::linux::netlink::refusal;
use crate::collect::linux::question::Question;

/// The families that this kernel has, which are the same in every namespace.
#[derive(Default)]
pub struct Families {
    known: OnceLock<[Option<u16>; 3]>,
}

impl Families {
    /// The number of the family that a question is for; `ENOENT` where this kernel has none.
    pub fn number(&self, question: &Question) -> Result<u16, Errno> {
        let known = match self.known.get() {
            Some(known) => known,
            None => {
                let families = families()?;
                self.known.get_or_init(|| families)
            }
        };
        let at = match question {
            Question::Wireguard(_) => 0,
            Question::L2tp => 1,
            Question::Fou => 2,
            _ => return Err(Errno::INVAL),
        };
        known[at].ok_or(Errno::NOENT)
    }
}

fn families() -> Result<[Option<u16>; 3], Errno> {
    let mut found = [None; 3];
    let socket = open_netlink(Some(netlink::GENERIC))?;
    dump(&socket, genetlink::CONTROL, &genetlink::families_request(), |datagram| {
        for (number, name) in found.iter_mut().zip(["wireguard", "l2tp", "fou"]) {
            *number = number.or_else(|| genetlink::family(datagram, name));
        }
    })?;
    Ok(found)
}

/// A dump whose end decides whether it counts.
fn dump(socket: &impl AsFd, family: u16, body: &[u8], mut take: impl FnMut(&[u8])) -> Result<(), Errno> {
    let mut refused = None;
    each_datagram(socket, family, body, |datagram| {
        take(datagram);
        refused = refused.or_else(|| refusal(datagram, family));
    })?;
    refused.map_or(Ok(()), |errno| Err(Errno::from_raw_os_error(errno)))
}

/// Asks a family, over a socket of the namespace that is meant.
pub fn ask(socket: &impl AsFd, family: u16, question: &Question, answer: &mut Vec<u8>) -> Result<(), Errno> {
    let mut lines = String::new();
    match question {
        Question::Wireguard(devices) => {
            for device in devices {
                let mut port = None;
                let take = |datagram: &[u8]| port = port.or_else(|| genetlink::wireguard_port(datagram, family));
                match dump(socket, family, &genetlink::wireguard_request(*device), take) {
                    // It is gone, or another has its index by now.
                    Ok(()) | Err(Errno::NODEV | Errno::OPNOTSUPP) => {}
                    Err(errno) => return Err(errno),
                }
                if let Some(port) = port {
                    let _ = writeln!(lines, "{device} {port}");
                }
            }
        }
        Question::L2tp => {
            let take = |datagram: &[u8]| genetlink::l2tp(datagram, family, &mut lines);
            dump(socket, family, &genetlink::l2tp_request(), take)?;
        }
        Question::Fou => {
            let take = |datagram: &[u8]| genetlink::fou(datagram, family, &mut lines);
            dump(socket, family, &genetlink::fou_request(), take)?;
        }
        _ => return Err(Errno::INVAL),
    }
    answer.extend_from_slice(lines.as_bytes());
    Ok(())
}
