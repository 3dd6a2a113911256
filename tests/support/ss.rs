//! What `ss` says, and the same of a report, to compare.

#![expect(clippy::disallowed_methods, reason = "a live test runs programs")]

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Transport, address, port, and the processes that hold it.
pub type Row = (String, String, u64, BTreeSet<u64>);

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("null")
}

fn pids(listener: &Value) -> BTreeSet<u64> {
    listener["owners"].as_array().expect("owners").iter().filter_map(|owner| owner["pid"].as_u64()).collect()
}

/// Endpoints and pids as `ss` has them.
pub fn listeners() -> BTreeSet<Row> {
    let output = Command::new("ss").args(["-H", "-tulpn"]).output().expect("ss runs");
    parsed(&String::from_utf8_lossy(&output.stdout))
}

/// The same of what `ss -H -tulpn` said elsewhere.
pub fn parsed(lines: &str) -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    for line in lines.lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (address, port) = words[4].rsplit_once(':').expect("a port");
        let address = match address {
            "*" => "::",
            address => address.trim_start_matches('[').trim_end_matches(']'),
        };
        let address = address.split('%').next().expect("a first part").to_owned();
        let pids = line.split("pid=").skip(1).filter_map(|rest| rest.split(',').next()?.parse().ok()).collect();
        rows.insert((words[0].to_owned(), address, port.parse().expect("a number"), pids));
    }
    rows
}

/// Endpoints and pids as a report has them.
pub fn rows(report: &Value) -> BTreeSet<Row> {
    let mine = report["listeners"]
        .as_array()
        .expect("listeners")
        .iter()
        .filter(|listener| matches!(text(&listener["transport"]), "tcp" | "udp"));
    let row = |listener: &Value| {
        let (transport, address) = (text(&listener["transport"]).to_owned(), text(&listener["address"]).to_owned());
        (transport, address, listener["port"].as_u64().expect("a port"), pids(listener))
    };
    mine.map(row).collect()
}
