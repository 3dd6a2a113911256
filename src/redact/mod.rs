//! A capture without the names in it: what somebody can pass on, and what is judged as before.
//!
//! A name is replaced by its kind and a number, `user-1`; the same name has the same replacement wherever it occurs, and
//! numbers follow the order of the names, so that nothing can be computed back from them. What is kept is what the same
//! rules and severities need, and what every host has:
//!
//! | what | becomes |
//! |---|---|
//! | users but `root` | `user-1`; in `/home/user-1` too |
//! | numbers of users and groups from 1000 on but 65534 | `1000` and on; in `user@1000.service` too |
//! | the hostname | `host-1` |
//! | ids of the host and its boot | zeroes |
//! | the release of the kernel | its numbers alone: `6.1.0-9` |
//! | addresses | others of their class; those that share a prefix share one of the same length |
//! | wildcards, loopback, well-known groups | stay |
//! | paths | part by part: directories that every system has and programs that the registry or a rule knows stay |
//! | programs, packages, units | stay where the registry knows a use of them, as owner or service; else `program-1` |
//! | instances of units, ids of containers and pods | `instance-1`, other ids of their form |
//! | unix sockets | as paths; what is an extension stays |
//! | network devices, namespaces | `device-1`, `namespace-1`; the names that the kernel and systemd give by themselves stay |
//! | of Windows: SIDs | their kind and a number; `DOMAIN\name` as host and user; the system's own accounts and services stay |
//! | command lines | `(redacted)` |
//! | ports, errors, process ids, inodes, times | stay |
//!
//! Addresses keep at least prefixes of 8 bits (IPv4) and 16 bits (IPv6): above that a public address would become one of
//! another class. An answer or a question that is not understood is left out.

mod addresses;
mod cgroups;
mod known;
mod names;
mod paths;

use std::path::Path;

use self::names::Names;
use crate::collect;
use crate::error::Error;
use crate::registry::Registry;

/// What the heading of a redacted capture says.
const MARK: &str = "redacted: the same name has the same replacement; numbers follow no more than the order of names";

/// The capture in a file of that name, without the names that `registry` does not know.
pub fn redact(capture: &[u8], path: &Path, registry: &Registry) -> Result<String, Error> {
    let mut names = Names::new(registry);
    // Once to see all names, so that their numbers follow their order, and once to replace them.
    collect::renamed(capture, path, &mut names, MARK)?;
    names.settle();
    collect::renamed(capture, path, &mut names, MARK)
}

#[cfg(test)]
mod tests;
