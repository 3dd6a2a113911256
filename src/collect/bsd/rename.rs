//! The names in answers that both systems give alike, replaced; what is not understood is left out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::bytes::{Bytes, put};
use super::inet::{IPV4, IPV6};
use super::{files, host};
use crate::collect::rename::{Kind, Rename};
use crate::model::Text;

/// Numbers for the handles by which a kernel names sockets, which are addresses in it or made from them: the same for the
/// same one, and 0 for 0.
#[derive(Default)]
pub struct Handles(HashMap<u64, u64>);

impl Handles {
    /// A number for a handle.
    pub fn number(&mut self, handle: u64) -> u64 {
        let next = self.0.len() as u64 + 1;
        if handle == 0 { 0 } else { *self.0.entry(handle).or_insert(next) }
    }
}

/// A buffer that is filled with what is understood of another.
pub struct Copy<'a> {
    /// What is read.
    pub from: Bytes<'a>,
    /// What is written, as long.
    pub to: Vec<u8>,
}

impl<'a> Copy<'a> {
    /// Nothing copied yet.
    pub fn new(from: &'a [u8]) -> Self {
        Self { from: Bytes(from), to: vec![0; from.len()] }
    }

    /// Copies a number.
    pub fn keep(&mut self, at: usize, length: usize) {
        if let Some(part) = self.from.part(at, length) {
            put(&mut self.to, at, part.0);
        }
    }

    /// Writes another number of 32 bits for that of a user or group.
    pub fn id(&mut self, at: usize, names: &mut dyn Rename) {
        if let Some(id) = self.from.u32(at) {
            put(&mut self.to, at, &names.id(id).to_le_bytes());
        }
    }

    /// Writes another number for a handle.
    pub fn handle(&mut self, at: usize, handles: &mut Handles) {
        if let Some(handle) = self.from.u64(at) {
            put(&mut self.to, at, &handles.number(handle).to_le_bytes());
        }
    }

    /// Writes another name, cut to its room.
    pub fn name(&mut self, at: usize, room: usize, kind: Kind, names: &mut dyn Rename) {
        let Some(name) = self.from.name(at, room).filter(|name| !name.is_empty()) else { return };
        let new = names.name(kind, name.as_bytes());
        put(&mut self.to, at, &new[..new.len().min(room.saturating_sub(1))]);
    }

    /// Writes another address; the device within one of a single link stays.
    pub fn address(&mut self, at: usize, versions: u8, names: &mut dyn Rename) {
        let Some(old) = self.from.array::<16>(at) else { return };
        let new = match () {
            () if versions & IPV6 != 0 => {
                let scoped = old[0] == 0xfe && old[1] & 0xc0 == 0x80 || old[0] == 0xff;
                let mut plain = old;
                if scoped {
                    plain[2..4].fill(0);
                }
                let mut new = match names.ip(Ipv6Addr::from(plain).into()) {
                    IpAddr::V6(ip) => ip.octets(),
                    IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                };
                if scoped {
                    new[2..4].copy_from_slice(&old[2..4]);
                }
                new
            }
            () if versions & IPV4 != 0 => {
                let [.., a, b, c, d] = old;
                match names.ip(Ipv4Addr::new(a, b, c, d).into()) {
                    IpAddr::V4(ip) => ip.to_ipv6_compatible().octets(),
                    IpAddr::V6(_) => [0; 16],
                }
            }
            () => [0; 16],
        };
        put(&mut self.to, at, &new);
    }
}

/// A string that sysctl(3) answered.
pub fn text(answer: &[u8], kind: Kind, names: &mut dyn Rename) -> Vec<u8> {
    match host::text(answer) {
        Some(text) => [&names.name(kind, text.as_bytes())[..], &[0]].concat(),
        None => Vec::new(),
    }
}

/// From where a run looked.
pub fn vantage(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    host::uid(answer).map_or_else(Vec::new, |uid| format!("uid {}\n", names.id(uid)).into_bytes())
}

/// The time of a run, which stays.
pub fn clock(answer: &[u8]) -> Vec<u8> {
    host::clock(answer).map_or_else(Vec::new, |now| format!("{}\n", now.0).into_bytes())
}

/// The network devices; where a line makes no sense, none of them is told.
pub fn links(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    let Some(interfaces) = host::network(Some(answer)).interfaces else { return b"?\n".to_vec() };
    let line = |link: crate::model::Interface| {
        let flags = u32::from(link.up) | u32::from(link.loopback) << 3;
        let name = Text::new(names.name(Kind::Device, link.name.as_bytes()));
        format!("{} {flags:x} {}\n", link.index, name.escaped())
    };
    interfaces.into_iter().map(line).collect::<String>().into_bytes()
}

/// A file and the directories above it.
pub fn host_file(answer: &[u8], names: &mut dyn Rename) -> Vec<u8> {
    if files::host_file(answer).is_none() {
        return Vec::new();
    }
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [device, inode, mode, uid, gid] = words[..] else { return String::new() };
        let id = |id: &str, names: &mut dyn Rename| id.parse().map_or(0, |id| names.id(id));
        let (uid, gid) = (id(uid, names), id(gid, names));
        format!("{device} {inode} {mode} {uid} {gid}\n")
    };
    std::str::from_utf8(answer).unwrap_or_default().lines().map(line).collect::<String>().into_bytes()
}

/// A number of 32 bits.
pub fn number(answer: &[u8]) -> Vec<u8> {
    answer.get(..4).unwrap_or_default().to_vec()
}
