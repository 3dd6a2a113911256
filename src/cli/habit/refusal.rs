//! The flags of `ss`, `lsof` and `netstat` that are not taken over, each with what to use instead.

use super::usage;
use crate::error::Error;

/// The refusal of a one-letter flag.
pub(super) fn letter(letter: char) -> Error {
    let (problem, hint) = match letter {
        'r' => (
            "earmark never resolves names, and shows no routes",
            "addresses and ports are shown as numbers; leave -r out",
        ),
        'K' => (
            "earmark never closes sockets and never kills",
            "find the process with `earmark :3220` and end it yourself",
        ),
        'E' => ("earmark looks once and does not follow events", "leave -E out, and run it again for the next look"),
        'c' => {
            ("earmark looks once, and `-c NAME` of lsof is a plain word here", "write the name itself: `earmark nginx`")
        }
        's' => {
            ("earmark has no statistics of sockets that do not receive", "run it without -s; `-sTCP:LISTEN` may stand")
        }
        'm' => ("the memory of sockets is not shown", "`-e` shows queues, drops and more"),
        'Z' | 'z' => ("security contexts are not shown", "`-e` shows user, cgroup and namespace of each listener"),
        'W' | 'w' => ("nothing is cut short to fit, so there is no -W", "`--format plain` has every column in full"),
        'b' => ("socket filters are not shown", "run it without -b"),
        'd' => ("DCCP is among what is listed without any flag", "write `dccp/PORT` for a port of it"),
        'M' => ("MPTCP listeners are listed with TCP and marked", "use -t"),
        'U' => ("UDP-Lite is listed with UDP, and unix sockets have another letter", "use -u, or -x for unix sockets"),
        'A' | 'f' => (
            "families and tables are chosen by flags of their own",
            "use -4, -6, -t, -u, -S, -w, -0 or -x; the format of the output is --format",
        ),
        'T' => ("threads are not shown", "run it without -T"),
        'D' | 'F' => (
            "socket dumps and filter files of ss are not read or written",
            "`earmark capture` records a host, `--from FILE` replays it",
        ),
        'B' => ("what is bound without listening comes with -a", "use -a"),
        'g' => ("multicast groups are not shown", "run it without -g"),
        'C' => ("the routing cache is not shown", "run it without -C"),
        'R' | 'L' | 'X' | 'Q' => {
            ("this flag of lsof or ss has no counterpart here", "`-e` shows more of each listener")
        }
        _ => return usage(format!("there is no flag -{letter}"), "`earmark --help` names the flags"),
    };
    usage(format!("-{letter}: {problem}"), hint)
}

/// Refuses a long flag of `ss` or `netstat` that is not ours.
pub(super) fn long(name: &str) -> Result<(), Error> {
    let short = match name {
        "resolve" | "route" => 'r',
        "kill" => 'K',
        "events" => 'E',
        "summary" | "statistics" => 's',
        "memory" => 'm',
        "context" | "contexts" => 'Z',
        "wide" => 'W',
        "bpf" => 'b',
        "dccp" => 'd',
        "mptcp" => 'M',
        "udplite" => 'U',
        "family" | "query" | "socket" | "protocol" | "inet" | "inet6" | "vsock" | "tipc" | "xdp" => 'A',
        "threads" => 'T',
        "diag" | "filter" => 'D',
        "bound-inactive" => 'B',
        "groups" => 'g',
        "cache" => 'C',
        "continuous" => 'c',
        "info" | "tos" | "cgroup" | "inet-sockopt" | "interfaces" | "masquerade" | "symbolic" => {
            return Err(usage(format!("--{name}: this flag of ss or netstat has no counterpart here"), {
                "`-e` shows more of each listener"
            }));
        }
        _ => return Ok(()),
    };
    match letter(short) {
        Error::Usage { problem, hint } => {
            let problem = problem.replacen(&format!("-{short}"), &format!("--{name}"), 1);
            Err(usage(problem, hint))
        }
        other => Err(other),
    }
}
