//! What host this is, when and from where it is looked at.

use std::io::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rustix::fs::{AtFlags, StatxFlags};
use rustix::io::Errno;

use super::Live;
use crate::model::Text;

/// The id of this program, from which a host's id is made, machine-id(5).
const APPLICATION: [u8; 16] =
    [0x5b, 0x8f, 0x1c, 0x3e, 0x62, 0xd9, 0x4f, 0x0a, 0x9e, 0x27, 0xa4, 0x0d, 0x73, 0xc1, 0x96, 0x58];

impl Live {
    pub(super) fn vantage(&self, answer: &mut Vec<u8>) -> Result<(), Errno> {
        let caps = rustix::thread::capabilities(None)?.effective.bits();
        let inode = |name: &str| {
            let own = rustix::fs::statx(&self.proc, name, AtFlags::empty(), StatxFlags::INO);
            own.map(|own| own.stx_ino).unwrap_or(0)
        };
        let _ = writeln!(answer, "uid {}\ncaps {caps:x}", rustix::process::geteuid().as_raw());
        let _ = writeln!(answer, "pid_ns {}\nuser_ns {}", inode("self/ns/pid"), inode("self/ns/user"));
        let mounts = self.mounts();
        if !mounts.is_empty() {
            answer.extend_from_slice(b"hidepid ");
            answer.extend_from_slice(hidepid(mounts).unwrap_or(b"off"));
            answer.push(b'\n');
        }
        Ok(())
    }

    pub(super) fn host(&self, answer: &mut Vec<u8>) {
        let system = rustix::system::uname();
        let _ = writeln!(answer, "hostname {}", Text::from(system.nodename().to_bytes()).escaped());
        let _ = writeln!(answer, "kernel {}", Text::from(system.release().to_bytes()).escaped());
    }

    pub(super) fn identity(&self, answer: &mut Vec<u8>) {
        let mut boot = Vec::new();
        if self.read("sys/kernel/random/boot_id", &mut boot).is_ok() {
            let _ = writeln!(answer, "boot_id {}", Text::from(boot.trim_ascii()).escaped());
        }
        let id = match &self.rooted {
            Some(rooted) => rooted.file("/etc/machine-id"),
            None => std::fs::read("/etc/machine-id"),
        };
        if let Some(id) = id.ok().and_then(|id| host_id(&id)) {
            let _ = writeln!(answer, "host_id {id}");
        }
    }

    pub(super) fn ports(&self, answer: &mut Vec<u8>) {
        let mut text = Vec::new();
        if self.read("sys/net/ipv4/ip_local_port_range", &mut text).is_ok() {
            answer.extend_from_slice(b"ephemeral ");
            answer.extend_from_slice(&text);
        }
        text.clear();
        if self.read("sys/net/ipv4/ip_unprivileged_port_start", &mut text).is_ok() {
            answer.extend_from_slice(b"unprivileged ");
            answer.extend_from_slice(&text);
        }
    }
}

pub(super) fn clock(answer: &mut Vec<u8>) {
    use rustix::time::{ClockId, clock_gettime};
    let (now, boot) = (clock_gettime(ClockId::Realtime), clock_gettime(ClockId::Boottime));
    let milliseconds = now.tv_sec.saturating_mul(1000) + i64::from(now.tv_nsec as i32) / 1_000_000;
    let since_boot = boot.tv_sec.saturating_mul(1_000_000_000) + i64::from(boot.tv_nsec as i32);
    let (ticks, page) = (rustix::param::clock_ticks_per_second(), rustix::param::page_size());
    let _ = writeln!(answer, "{milliseconds} {since_boot} {ticks} {page}");
}

/// The option `hidepid` of the mount at `/proc`, of which the last counts.
fn hidepid(mounts: &[u8]) -> Option<&[u8]> {
    let line = mounts.split(|byte| *byte == b'\n').rfind(|line| {
        line.split(|byte| *byte == b' ').nth(4) == Some(b"/proc") && line.windows(8).any(|at| at == b" - proc ")
    })?;
    hidden_by(line)
}

/// The option `hidepid` of a line of mountinfo.
pub(super) fn hidden_by(line: &[u8]) -> Option<&[u8]> {
    let options = line.rsplit(|byte| *byte == b' ').next()?;
    options.split(|byte| *byte == b',').find_map(|option| option.strip_prefix(b"hidepid="))
}

/// HMAC-SHA256 of this program's id under the machine id, with the bits of a random UUID, as systemd makes it.
fn host_id(machine_id: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(machine_id.trim_ascii()).ok()?;
    let mut key = [0u8; 16];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).ok()?;
    mac.update(&APPLICATION);
    let mut id = [0u8; 16];
    id.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    id[6] = (id[6] & 0x0f) | 0x40;
    id[8] = (id[8] & 0x3f) | 0x80;
    Some(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_id_is_made_as_systemd_makes_it() {
        let id = host_id(b"3d1219c7c4c5404aaa1f6d2a48adfda4\n").expect("a machine id");
        assert_eq!((id.len(), &id[12..13]), (32, "4"));
        assert_eq!(host_id(b"short"), None);
    }

    #[test]
    fn the_last_mount_at_proc_counts() {
        let mounts = b"22 27 0:21 / /proc rw - proc proc rw,hidepid=invisible\n23 27 0:22 / /sys rw - sysfs sysfs rw\n";
        assert_eq!(hidepid(mounts), Some(&b"invisible"[..]));
        let over = [&mounts[..], b"99 27 0:50 / /proc rw shared:1 - proc proc rw\n"].concat();
        assert_eq!(hidepid(&over), None);
    }
}
