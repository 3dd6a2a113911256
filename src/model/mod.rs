//! Facts: what is, as the operating system told it. Nothing here judges, formats or asks.

mod descriptor;
mod netns;
mod process;
mod sandbox;
mod severity;
mod sk_lookup;
mod snapshot;
mod socket;
mod text;
mod time;

pub use descriptor::{Protected, others_may_change};
pub use netns::{ADDRESSES, DeviceAddress, Interface, NetNs, NetNsKind, Tunnel};
pub use process::{Cgroup, Container, ExeState, OwnerStatus, PackageState, Process, UnitState, stable_unit};
pub use sandbox::{Capabilities, Landlock, Sandbox};
pub use severity::Severity;
pub use sk_lookup::SkLookup;
pub use snapshot::{
    Certainty, Gap, Hidepid, Holder, Host, NamespaceKind, ProcessCounts, Snapshot, Source, TableRead, TableStatus,
    Vantage, Via,
};
pub use socket::{Backlog, KernelOwner, Local, Scope, Socket, State, Transport, UnixKind};
pub use text::Text;
pub use time::Timestamp;
