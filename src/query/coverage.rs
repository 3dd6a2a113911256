//! Whether what was not found could have been missed.

use super::{Choice, Match, Query, What};
use crate::model::{Gap, TableRead, TableStatus, Transport};
use crate::report::Report;

/// Why nobody can tell whether a port answers.
pub(super) const LOOKED_UP: &str =
    "a BPF program (sk_lookup) is attached here, which may make any TCP or UDP port answer without a socket";

/// How a run without a query ended: something could be read, or nothing.
pub(super) fn of_everything(report: &Report, choice: &Choice, transports: &[Transport]) -> Match {
    let relevant = || report.tables.iter().filter(|table| could_hold(table, choice, transports));
    // A kernel without a protocol has answered, too.
    if relevant().any(|table| table.status != TableStatus::Unreadable) {
        return Match::Everything;
    }
    let why = relevant().find_map(|table| table.error.clone()).map(|error| format!(": {error}")).unwrap_or_default();
    Match::CannotTell(format!("no table of sockets could be read{why}"))
}

/// How a query that found nothing ended. `in_doubt` listeners would be found if more were known of their owners.
pub(super) fn of_nothing(report: &Report, query: &Query, transports: &[Transport], in_doubt: usize) -> Match {
    let places: Vec<_> = query
        .terms
        .iter()
        .filter_map(|term| match &term.what {
            What::Place(place) => Some(place),
            _ => None,
        })
        .collect();
    // Where every place names its transport, no other table could hold it.
    let narrowed: Vec<Transport> = match places.is_empty() || places.iter().any(|place| place.transports.is_empty()) {
        true => transports.to_vec(),
        false => transports.iter().filter(|t| places.iter().any(|p| p.transports.contains(t))).copied().collect(),
    };
    // An MPTCP listener stands in the table of TCP as well; the other table only marks it.
    // Without privilege vsock is hardly ever read whole, and who asks for a number alone means a port of IP.
    let needed = |table: &TableRead| match table.table {
        "vsock" => places.iter().any(|place| place.transports.contains(&Transport::Vsock)),
        name => !name.starts_with("mptcp") || places.iter().any(|place| place.mptcp),
    };
    let unread = report.tables.iter().find(|table| {
        needed(table)
            && could_hold(table, &query.choice, &narrowed)
            && could_be_in(table, query, report)
            && matches!(table.status, TableStatus::Unreadable | TableStatus::Unstable)
    });
    if let Some(table) = unread {
        let why = table.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        return Match::CannotTell(format!("the table {} could not be read whole{why}", table.table));
    }
    if let Some(gap) = report.gaps.iter().find(|gap| hides_sockets(gap, &narrowed)) {
        return Match::CannotTell(format!("{} could not be seen: {}", gap.what, gap.why));
    }
    // What hardly anybody is told of is missed by who asks for nothing else.
    let alone = |gap: &&Gap| narrowed.iter().all(|transport| hides_sockets(gap, &[*transport]));
    if let Some(gap) = report.usual_gaps.iter().filter(|_| !narrowed.is_empty()).find(alone) {
        return Match::CannotTell(format!("{} could not be seen: {}", gap.what, gap.why));
    }
    if in_doubt > 0 {
        // Where a capability is lacking, one knows what would help.
        let why = match report.host.platform {
            _ if report.counts.no_permission == 0 => "",
            "linux" => "; root would see them, or who has cap_sys_ptrace and cap_dac_read_search",
            "windows" => "; an elevated run would see them",
            _ => "; root would see them",
        };
        let listeners = if in_doubt == 1 { "1 listener".to_owned() } else { format!("{in_doubt} listeners") };
        return Match::CannotTell(format!("the owners of {listeners} are not known{why}"));
    }
    Match::Nothing
}

/// What could not be read of the tables of a transport, where that may hold back a socket.
pub(super) fn unread(report: &Report, transport: Transport) -> Option<String> {
    let query = Query::default();
    if matches!(transport, Transport::Tcp | Transport::Udp) && !report.sk_lookups.is_empty() {
        return Some(LOOKED_UP.to_owned());
    }
    match of_nothing(report, &query, &[transport], 0) {
        Match::CannotTell(why) => Some(why),
        _ => None,
    }
}

/// True where a table may hold a socket of these transports and families.
fn could_hold(table: &TableRead, choice: &Choice, transports: &[Transport]) -> bool {
    table_holds(table.table, choice, transports)
}

fn table_holds(table: &str, choice: &Choice, transports: &[Transport]) -> bool {
    // A table whose name says nothing may hold anything.
    let transport = Transport::of_table(table).is_none_or(|transport| transports.contains(&transport));
    let ipv6 = table.split([' ', '-']).next().is_some_and(|name| name.ends_with('6'));
    let family = match choice.ipv4 == choice.ipv6 {
        true => true,
        // Some tables hold both families under the name without a number.
        false => choice.ipv6 || !ipv6,
    };
    transport && family
}

/// True where the namespace of a table may be one that was asked for.
fn could_be_in(table: &TableRead, query: &Query, report: &Report) -> bool {
    let asked: Vec<_> = query
        .terms
        .iter()
        .filter_map(|term| match &term.what {
            What::NetNs(pattern) => Some(pattern),
            _ => None,
        })
        .collect();
    let Some(netns) = report.namespaces.get(table.netns) else { return true };
    let fits = |pattern: &&super::Pattern| {
        netns.name.as_ref().is_none_or(|name| pattern.fits_text(name))
            || netns.inode.is_none_or(|inode| pattern.fits(&inode.to_string()))
            || pattern.fits(netns.kind.name())
    };
    asked.is_empty() || asked.iter().any(fits)
}

/// True where whole sockets may be missing that a query could mean, not only what is known of them. Tables that could not
/// be read are looked at by their status, and protocols that no table is read of are none that a query can name.
fn hides_sockets(gap: &Gap, narrowed: &[Transport]) -> bool {
    let holds = |table: &str| table_holds(table, &Choice::default(), narrowed);
    Gap::hides_namespaces(&gap.what) || Gap::table(&gap.what).is_some_and(holds)
}
