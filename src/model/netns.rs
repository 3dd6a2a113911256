//! A network namespace and the devices in it.

use std::net::IpAddr;

use super::Text;

/// What a network namespace is to this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetNsKind {
    /// The initial network namespace.
    Host,
    /// The namespace of a container.
    Container,
    /// Any other.
    Other,
}

impl NetNsKind {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Container => "container",
            Self::Other => "other",
        }
    }
}

/// One network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetNs {
    /// Its inode in the nsfs; `None` where it could not be read.
    pub inode: Option<u64>,
    /// What people call it, where it has a name.
    pub name: Option<Text>,
    /// What it is to this host.
    pub kind: NetNsKind,
    /// Its devices, by index; `None` where they could not be read.
    pub interfaces: Option<Vec<Interface>>,
    /// The addresses of its devices; `None` where nobody asked for them, or where they could not be read whole.
    pub addresses: Option<Vec<DeviceAddress>>,
}

/// How a gap begins that is about the addresses of devices.
pub const ADDRESSES: &str = "the addresses of network devices";

/// An address that a network device bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceAddress {
    /// The index of the device.
    pub index: u32,
    /// Its own address, never that of the other end of a link.
    pub ip: IpAddr,
}

/// One network device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its index in the namespace.
    pub index: u32,
    /// Its name.
    pub name: Text,
    /// It is up (`IFF_UP`).
    pub up: bool,
    /// It is a loopback device (`IFF_LOOPBACK`).
    pub loopback: bool,
    /// The number by which the namespace that it was made in goes here, where that is another; -1 where it has none here.
    pub made_in: Option<i32>,
    /// The tunnel that it is the end of, where that takes its packets from a UDP socket of the namespace that it was made in.
    pub tunnel: Option<Tunnel>,
}

/// A tunnel over UDP. Its socket stands only while the device is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// What it is: `vxlan`, `geneve`, `bareudp`, `amt`, `gtp`, `wireguard`.
    pub kind: &'static str,
    /// The port of its socket; `None` where the device does not tell it.
    pub port: Option<u16>,
    /// It receives over IPv4.
    pub ipv4: bool,
    /// It receives over IPv6.
    pub ipv6: bool,
    /// Its own address, which its socket may be bound to instead of every address of the namespace.
    pub local: Option<IpAddr>,
}

impl NetNs {
    /// The device of that index.
    pub fn interface(&self, index: u32) -> Option<&Interface> {
        self.interfaces.as_ref()?.iter().find(|interface| interface.index == index)
    }

    /// True where a device of that name bears an address; `None` where devices or addresses are not known.
    pub fn bears(&self, device: &[u8], ip: IpAddr) -> Option<bool> {
        let (interfaces, addresses) = (self.interfaces.as_ref()?, self.addresses.as_ref()?);
        let is_it = |index| interfaces.iter().any(|one| one.index == index && one.name.as_bytes() == device);
        Some(addresses.iter().any(|address| address.ip == ip && is_it(address.index)))
    }
}
