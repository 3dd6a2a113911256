//! Why `bind(2)` and `listen(2)` would fail. Options that make sockets share a port (`SO_REUSEPORT`, and
//! `SO_REUSEADDR` for UDP) are those of the program and are not foreseen.

use std::net::IpAddr;

use super::{BindProblem, Overlap, PortUse};
use crate::model::{NetNsKind, State, Transport};
use crate::report::Report;

/// The problems of binding a port of a transport to an address, or to the wildcards where none is given.
pub(super) fn problems(
    report: &Report,
    others: &[PortUse],
    (transport, port): (Transport, u16),
    address: Option<IpAddr>,
) -> Vec<BindProblem> {
    let mut problems = Vec::new();
    // The namespace of a host's programs; seen from within a container, that is the only one there is.
    let from_host = report.namespaces.iter().any(|netns| netns.kind == NetNsKind::Host);
    for listener in &report.listeners {
        let socket = &listener.socket;
        let here = !from_host || report.in_host_namespace(listener);
        if !here || socket.transport != transport || socket.port() != Some(u32::from(port)) {
            continue;
        }
        let dual_stack = socket.dual_stack() != Some(false);
        let Some(overlap) = socket.ip().and_then(|ip| overlap(address, ip, dual_stack)) else { continue };
        let endpoint = listener.endpoint.clone();
        problems.push(match socket.state {
            State::Bound => BindProblem::BoundOnly { endpoint, overlap },
            State::Listen | State::Unconnected | State::Connected => BindProblem::Held { endpoint, overlap },
        });
    }
    let mut waiting = 0;
    for other in others.iter().filter(|other| other.transport == transport && other.port == port) {
        let Some(overlap) = overlap(address, other.ip, other.dual_stack) else { continue };
        if other.time_wait {
            waiting += 1;
            continue;
        }
        let ip = if other.ip.is_ipv6() { format!("[{}]", other.ip) } else { other.ip.to_string() };
        let endpoint = format!("{}/{ip}:{port}", transport.name());
        let problem = BindProblem::BoundOnly { endpoint, overlap };
        // The report has it too where bound sockets were asked for.
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    if waiting > 0 {
        problems.push(BindProblem::TimeWait { addresses: waiting });
    }
    if let Some(unprivileged_from) = report.host.unprivileged_port.filter(|lowest| port < *lowest) {
        problems.push(BindProblem::Privilege { unprivileged_from });
    }
    problems
}

/// How an address that is wanted meets one that is taken; `None` where both have room. A wanted `::` takes IPv4 too, as
/// it does unless the program asks for `IPV6_V6ONLY`.
fn overlap(wanted: Option<IpAddr>, taken: IpAddr, dual_stack: bool) -> Option<Overlap> {
    let Some(wanted) = wanted else {
        return Some(if taken.to_canonical().is_unspecified() { Overlap::Same } else { Overlap::Wildcard });
    };
    let (want, have) = (wanted.to_canonical(), taken.to_canonical());
    if want == have {
        return Some(Overlap::Same);
    }
    let wildcard = want.is_unspecified() || have.is_unspecified();
    match want.is_ipv4() == have.is_ipv4() {
        true => wildcard.then_some(Overlap::Wildcard),
        false if have.is_ipv6() => (have.is_unspecified() && dual_stack).then_some(Overlap::DualStack),
        false => want.is_unspecified().then_some(Overlap::DualStack),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_meet_as_in_the_kernel() {
        let cases = [
            (None, "0.0.0.0", false, Some(Overlap::Same)),
            (None, "10.0.0.5", false, Some(Overlap::Wildcard)),
            (Some("10.0.0.5"), "10.0.0.5", false, Some(Overlap::Same)),
            (Some("10.0.0.5"), "::ffff:10.0.0.5", false, Some(Overlap::Same)),
            (Some("10.0.0.5"), "10.0.0.6", false, None),
            (Some("10.0.0.5"), "0.0.0.0", false, Some(Overlap::Wildcard)),
            (Some("0.0.0.0"), "10.0.0.5", false, Some(Overlap::Wildcard)),
            (Some("10.0.0.5"), "::", true, Some(Overlap::DualStack)),
            (Some("10.0.0.5"), "::", false, None),
            (Some("0.0.0.0"), "::", true, Some(Overlap::DualStack)),
            (Some("::"), "0.0.0.0", false, Some(Overlap::DualStack)),
            (Some("::"), "10.0.0.5", false, Some(Overlap::DualStack)),
            (Some("::"), "::1", false, Some(Overlap::Wildcard)),
            (Some("::1"), "::", false, Some(Overlap::Wildcard)),
            (Some("::1"), "127.0.0.1", false, None),
        ];
        for (wanted, taken, dual_stack, want) in cases {
            let ip = wanted.map(|ip| ip.parse().expect(ip));
            assert_eq!(overlap(ip, taken.parse().expect(taken), dual_stack), want, "{wanted:?} {taken}");
        }
    }
}
