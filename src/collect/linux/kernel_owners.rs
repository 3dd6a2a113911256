//! The kernel as owner: which of the sockets that nobody holds a part of the kernel calls its own.
//!
//! What is claimed rests on what that part tells of the same namespace, never on the number of a port. A device that was
//! moved takes its packets from a socket of the namespace that it was made in, as those of Docker's overlay networks do.
//! Without evidence a socket stays one that no process holds.

use std::net::IpAddr;

use super::genetlink::{Told, told, wireguard_ports};
use super::kernel::{Kernel, Refusal};
use super::namespaces::Within;
use super::question::{Ns, Question};
use super::vantage;
use crate::model::{Certainty, Gap, Interface, KernelOwner, NetNsKind, Snapshot, Socket, Transport, Tunnel};

/// Names the kernel as owner of what it tells to be its own. `places` says what each namespace is asked by.
pub fn attribute(kernel: &dyn Kernel<Question>, places: &[Option<Ns>], snapshot: &mut Snapshot) {
    let mut held = vec![false; snapshot.sockets.len()];
    let proved = snapshot.holders.iter().filter(|holder| holder.certainty == Certainty::Proved);
    proved.for_each(|holder| held[holder.socket as usize] = true);
    let complete = vantage::sees_every_holder(snapshot);
    let moved = moved(snapshot);
    for (at, ns) in places.iter().enumerate() {
        let namespace = &snapshot.namespaces[at];
        let sockets = snapshot.sockets.iter_mut().zip(&held);
        let here = sockets.filter(|(socket, held)| socket.netns == at && !**held && !socket.raced);
        let mut free = Free { sockets: here.map(|(socket, _)| socket).collect(), complete };
        let whole = kernel;
        let kernel = Within { kernel, ns: *ns };
        let mut asked = Asked { kernel: &kernel, gaps: Vec::new() };
        let interfaces = namespace.interfaces.as_deref().unwrap_or_default();
        tunnels(&mut free, interfaces.iter().filter(|device| device.made_in.is_none()));
        if free.has(&[Transport::Udp]) {
            wireguard(&mut free, interfaces, &mut asked);
            generic(&mut free, &Question::L2tp, &mut asked);
            generic(&mut free, &Question::Fou, &mut asked);
        }
        if namespace.kind == NetNsKind::Host && free.has(&[Transport::Tcp, Transport::Udp]) {
            nfsd(&mut free, &mut asked);
        }
        if free.has(&[Transport::Udp]) {
            for (there, device) in moved.iter().filter(|(there, _)| *there != at) {
                if number_in(&Within { kernel: whole, ns: places[*there] }, *ns) == device.made_in {
                    tunnels(&mut free, [device].into_iter());
                }
            }
        }
        // Where not every process could be looked into, that gap says already why owners are not known.
        if complete {
            snapshot.gaps.append(&mut asked.gaps);
        }
    }
}

/// The devices of tunnels that were moved to where they are, with the place of their namespace.
fn moved(snapshot: &Snapshot) -> Vec<(usize, Interface)> {
    let all = snapshot.namespaces.iter().enumerate();
    let devices = all.flat_map(|(at, netns)| netns.interfaces.iter().flatten().map(move |device| (at, device)));
    let moved =
        devices.filter(|(_, device)| device.tunnel.is_some() && device.made_in.is_some_and(|number| number >= 0));
    moved.map(|(at, device)| (at, device.clone())).collect()
}

/// The number by which a namespace goes in another.
fn number_in(there: &Within<'_>, ns: Option<Ns>) -> Option<i32> {
    let answer = there.get(&Question::NsId(ns)).ok()?;
    std::str::from_utf8(&answer).ok()?.trim().parse().ok().filter(|number| *number >= 0)
}

/// Asks, and keeps what was refused.
struct Asked<'a> {
    kernel: &'a dyn Kernel<Question>,
    gaps: Vec<Gap>,
}

impl Asked<'_> {
    fn ask(&mut self, question: &Question, what: &str) -> Vec<u8> {
        self.kernel.get(question).unwrap_or_else(|refusal| {
            // Such a part is not there, or an older capture was not asked.
            if !matches!(refusal, Refusal::ENOENT | Refusal::NotRecorded) {
                let consequence = "sockets that it serves are listed as held by no process";
                self.gaps.push(vantage::refusal_gap(what, refusal, consequence));
            }
            Vec::new()
        })
    }
}

/// The sockets of one namespace that are still nobody's.
struct Free<'a> {
    sockets: Vec<&'a mut Socket>,
    complete: bool,
}

impl Free<'_> {
    fn has(&self, transports: &[Transport]) -> bool {
        self.sockets.iter().any(|socket| transports.contains(&socket.transport))
    }

    /// Gives those that fit to an owner.
    fn claim(&mut self, owner: &KernelOwner, fits: impl Fn(&Socket) -> bool) {
        self.sockets.retain_mut(|socket| {
            let fitting = fits(socket);
            if fitting {
                socket.kernel_owner = Some(owner.clone());
            }
            !fitting
        });
    }
}

/// True for a UDP socket of that port which is bound to that address, or to the wildcard that it is.
fn is_udp_at(socket: &Socket, port: u16, ip: IpAddr) -> bool {
    socket.transport == Transport::Udp && socket.port() == Some(u32::from(port)) && socket.ip() == Some(ip)
}

fn serves(tunnel: &Tunnel, port: u16, socket: &Socket) -> bool {
    let any = [(tunnel.ipv4, IpAddr::from([0; 4])), (tunnel.ipv6, IpAddr::from([0u8; 16]))];
    let wildcards = any.into_iter().filter(|(receives, _)| *receives).map(|(_, ip)| ip);
    // Either is its own, whichever there is: nobody else could bind the one while it has the other.
    wildcards.chain(tunnel.local).any(|ip| is_udp_at(socket, port, ip))
}

fn owner(kind: &'static str, device: &Interface) -> KernelOwner {
    KernelOwner { kind, device: Some(device.name.clone()) }
}

/// The tunnels whose devices tell their port.
fn tunnels<'a>(free: &mut Free<'_>, interfaces: impl Iterator<Item = &'a Interface>) {
    for device in interfaces.filter(|device| device.up) {
        let Some(tunnel) = &device.tunnel else { continue };
        let Some(port) = tunnel.port else { continue };
        // A gtp device may have taken the socket of a process, which only a complete view rules out.
        let may_be_held = tunnel.kind == "gtp";
        if free.complete || !may_be_held {
            free.claim(&owner(tunnel.kind, device), |socket| {
                // The address of a gtp device is not told.
                let fits = serves(tunnel, port, socket);
                fits || (may_be_held && socket.ip().is_some_and(|ip| is_udp_at(socket, port, ip)))
            });
        }
    }
}

/// WireGuard devices tell their port to administrators of the namespace alone.
fn wireguard(free: &mut Free<'_>, interfaces: &[Interface], asked: &mut Asked<'_>) {
    let is_wireguard = |device: &&Interface| device.tunnel.as_ref().is_some_and(|tunnel| tunnel.kind == "wireguard");
    let devices: Vec<&Interface> =
        interfaces.iter().filter(|device| device.up && device.made_in.is_none()).filter(is_wireguard).collect();
    if devices.is_empty() {
        return;
    }
    let indexes = devices.iter().map(|device| device.index).collect();
    let answer = asked.ask(&Question::Wireguard(indexes), "the ports of WireGuard devices");
    for (index, port) in wireguard_ports(&answer) {
        let Some(device) = devices.iter().find(|device| device.index == index) else { continue };
        let Some(tunnel) = &device.tunnel else { continue };
        free.claim(&owner("wireguard", device), |socket| serves(tunnel, port, socket));
    }
}

/// L2TP and foo-over-UDP.
fn generic(free: &mut Free<'_>, question: &Question, asked: &mut Asked<'_>) {
    let what = if *question == Question::L2tp { "L2TP tunnels" } else { "the ports of foo-over-UDP" };
    for Told { kind, port, ip } in told(&asked.ask(question, what)) {
        // The socket of an L2TP tunnel may be one that a process made and holds, which only a complete view rules out.
        if free.complete || kind != "l2tp" {
            free.claim(&KernelOwner { kind, device: None }, |socket| is_udp_at(socket, port, ip));
        }
    }
}

/// The NFS server tells its ports and not their addresses: where somebody may hold the same port at one address, only a
/// socket that is bound to all of them is surely its own.
fn nfsd(free: &mut Free<'_>, asked: &mut Asked<'_>) {
    let answer = asked.ask(&Question::NfsPorts, "the ports of the NFS server");
    let complete = free.complete;
    for (transport, port) in nfs_ports(&answer) {
        free.claim(&KernelOwner { kind: "nfsd", device: None }, |socket| {
            socket.transport == transport
                && socket.port() == Some(u32::from(port))
                && (complete || socket.ip().is_some_and(|ip| ip.is_unspecified()))
        });
    }
}

/// Reads `/proc/fs/nfsd/portlist`: `tcp 2049` a line.
fn nfs_ports(answer: &[u8]) -> Vec<(Transport, u16)> {
    let line = |line: &str| {
        let (transport, port) = line.split_once(' ')?;
        let transport = Transport::from_name(transport)?;
        let is_served = matches!(transport, Transport::Tcp | Transport::Udp);
        Some((transport, port.trim().parse().ok().filter(|port| is_served && *port != 0)?))
    };
    std::str::from_utf8(answer).unwrap_or_default().lines().filter_map(line).collect()
}

#[cfg(test)]
#[path = "kernel_owners_tests.rs"]
mod tests;
