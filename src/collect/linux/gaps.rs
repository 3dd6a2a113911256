//! What could not be seen of tables and namespaces, in words.

use super::kernel::{Refusal, words};
use super::question::Table;
use super::tables::READINGS;
use crate::model::{Gap, NetNs, NetNsKind, Process, Snapshot, Source, TableStatus, Text};

/// ` in the network namespace NAME`, of any but our own and the host's.
fn within(namespace: &NetNs) -> String {
    match &namespace.name {
        Some(name) if namespace.kind != NetNsKind::Host => format!(" in the network namespace {}", name.escaped()),
        _ => String::new(),
    }
}

/// Processes that did not tell their network namespace.
pub fn closed_namespaces(count: u64) -> Option<Gap> {
    (count > 0).then(|| Gap {
        what: format!("the network namespaces of {count} process{}", if count == 1 { "" } else { "es" }),
        why: "neither they nor their tables could be looked at".into(),
        consequence: "sockets of namespaces that only they live in are not listed".into(),
        remedy: "run it as root, or give it cap_sys_ptrace".into(),
    })
}

/// Command lines that were asked for and could not be read. They lie in the memory of a process, which another may keep
/// from being read; and a capture may have been made without them.
pub fn command_lines(processes: &[Process]) -> Option<Gap> {
    let unread = |process: &&Process| process.cmdline.is_none() && process.comm.is_some() && !process.raced;
    let count = processes.iter().filter(unread).count();
    (count > 0).then(|| Gap {
        what: format!("the command lines of {count} process{}", if count == 1 { "" } else { "es" }),
        why: "they were not recorded, or a process kept its memory from being read".into(),
        consequence: "these processes are told without their arguments".into(),
        remedy: "run it again; of a capture, record it with --cmdline".into(),
    })
}

/// A namespace of which only its inode is known.
pub fn no_way_into(inode: u64) -> Gap {
    Gap {
        what: format!("the network namespace {inode}"),
        why: "a BPF program is attached to it, and no process, mount or descriptor that is seen leads there".into(),
        consequence: "its sockets are not listed".into(),
        remedy: "run it as root in the host's pid namespace".into(),
    }
}

/// Rows of a table that made no sense.
pub fn bad_rows(namespace: &NetNs, table: Table, bad: usize) -> Gap {
    Gap {
        what: format!(
            "{bad} row{} of the table {}{}",
            if bad == 1 { "" } else { "s" },
            table.name(),
            within(namespace)
        ),
        why: "they made no sense".into(),
        consequence: "the sockets that they told of are not listed".into(),
        remedy: "record the host with `earmark capture` and report it".into(),
    }
}

/// A table of what descriptors lead to is whole only where every descriptor could be read.
pub fn doubt_descriptors(snapshot: &mut Snapshot) {
    let counts = &snapshot.counts;
    if !counts.hidden_possible && counts.no_permission + counts.denied_despite_caps + counts.hidden_descriptors == 0 {
        return;
    }
    for table in snapshot.tables.iter_mut().filter(|table| table.source == Some(Source::Fd)) {
        table.status = TableStatus::Unreadable;
        table.error = Some("not every descriptor could be read, and nothing else leads to these sockets".to_owned());
    }
}

/// Tables that could not be read, or not whole; a namespace of which none could is one gap.
pub fn table_gaps(snapshot: &Snapshot) -> Vec<Gap> {
    let unreadable = |at: usize| {
        let mut here = snapshot.tables.iter().filter(|table| table.netns == at);
        here.all(|table| matches!(table.status, TableStatus::Unreadable | TableStatus::Absent))
    };
    let closed: Vec<bool> = (0..snapshot.namespaces.len()).map(|at| at > 0 && unreadable(at)).collect();
    let whole = snapshot.namespaces.iter().enumerate().filter(|(at, _)| closed[*at]).map(|(at, namespace)| {
        let error = snapshot.tables.iter().find(|table| table.netns == at && table.error.is_some());
        Gap {
            what: format!("the network namespace {}", namespace.name.as_ref().map(Text::escaped).unwrap_or_default()),
            why: error.and_then(|table| table.error.clone()).unwrap_or_default(),
            consequence: "its sockets are not listed".into(),
            remedy: "run it as root, or give it cap_sys_admin".into(),
        }
    });
    let open = snapshot.tables.iter().filter(|table| !closed[table.netns]);
    let bad = open.filter_map(|table| {
        let (why, remedy) = match table.status {
            TableStatus::Unreadable if table.source == Some(Source::Fd) => {
                (table.error.clone().unwrap_or_default(), "run it as root, or load the kernel module vsock_diag")
            }
            TableStatus::Unreadable => {
                let error = table.error.clone().unwrap_or_default();
                let may_enter = snapshot.vantage.caps.as_ref().is_none_or(|caps| caps.contains(&"cap_sys_admin"));
                let remedy = match error.contains(&words(Refusal::EPERM)) && !may_enter {
                    true => "run it as root, with cap_sys_admin where it has to enter another network namespace",
                    false => "allow netlink(7) and /proc/net to this program, as root",
                };
                (error, remedy)
            }
            TableStatus::Unstable => {
                (format!("new sockets came with each of {READINGS} readings"), "run it again at a quieter time")
            }
            TableStatus::Read | TableStatus::Absent => return None,
        };
        let what = format!("the table {}{}", table.table, within(&snapshot.namespaces[table.netns]));
        let consequence = "its sockets are not all listed".to_owned();
        Some(Gap { what, why, consequence, remedy: remedy.to_owned() })
    });
    whole.chain(bad).collect()
}

/// An older kernel does not tell of TCP sockets that are bound and do not listen.
pub fn bound_unknown() -> Gap {
    Gap {
        what: "TCP sockets that are bound and do not listen".into(),
        why: "Linux tells of them from 6.8 on".into(),
        consequence: "they are not listed, and a port that only they keep seems free".into(),
        remedy: "look again on a newer kernel".into(),
    }
}

/// Sockets of a protocol that no table of ours covers.
pub fn uncovered(namespace: &NetNs, (name, sockets): (String, u64)) -> Gap {
    Gap {
        what: format!(
            "{sockets} socket{} of the protocol {name}{}",
            if sockets == 1 { "" } else { "s" },
            within(namespace)
        ),
        why: "no table of them is read".into(),
        consequence: "they are not listed".into(),
        remedy: "look with a tool made for that protocol".into(),
    }
}
