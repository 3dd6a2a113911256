//! What may stand in a capture in place of the names in it.
//!
//! Where a name stands in an answer, the platform knows; what is written there instead, whoever asks for it.

use std::net::IpAddr;

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A user.
    User,
    /// The host.
    Host,
    /// The release of a kernel.
    Release,
    /// A process, by the name that it gave itself.
    Program,
    /// The path of an executable.
    Executable,
    /// The path of a unix socket, or an abstract name, which begins with a NUL byte.
    Socket,
    /// The path of a cgroup.
    Cgroup,
    /// A network device.
    Device,
    /// The path that a network namespace is mounted on.
    Namespace,
    /// A package.
    Package,
    /// Anything else that is compared and not understood.
    Other,
}

/// Gives names for names. The same name of the same kind gets the same one, and different ones get different ones, else
/// a capture would be told otherwise than before.
pub trait Rename {
    /// A name for a name.
    fn name(&mut self, kind: Kind, name: &[u8]) -> Vec<u8>;

    /// An address of the same class for an address.
    fn ip(&mut self, ip: IpAddr) -> IpAddr;

    /// A number for that of a user or group; 0 for 0.
    fn id(&mut self, id: u32) -> u32;
}
