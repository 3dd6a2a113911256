//! Compiles `port-registry.toml` and `registry/iana.tsv` into tables, so that a run parses no registry. A registry file
//! that breaks its schema fails the build and names file, line, column and key.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a build script talks to cargo, and reads two files"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

#[path = "src/registry/closed.rs"]
mod closed;
#[path = "src/registry/error.rs"]
#[allow(unreachable_pub, reason = "the library exports it")]
mod error;
#[path = "src/fault.rs"]
mod fault;
#[path = "src/registry/program.rs"]
#[allow(dead_code, reason = "the build needs the names of programs, not their roles")]
mod program;
#[path = "src/registry/schema.rs"]
#[allow(dead_code, reason = "overlays are read at run time")]
mod schema;
#[path = "src/registry/service_ref.rs"]
#[allow(dead_code, reason = "the build checks references and does not follow them")]
mod service_ref;
#[path = "src/registry/table.rs"]
#[allow(dead_code, reason = "the build packs the tables and does not look anything up")]
mod table;

const REGISTRY: &str = "port-registry.toml";
const IANA: &str = "registry/iana.tsv";

fn main() -> Result<(), Box<dyn Error>> {
    for input in [REGISTRY, IANA] {
        #[allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]
        {
            println!("cargo::rerun-if-changed={input}");
        }
    }
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    let out = Path::new(&out);
    let file = schema::parse(&fs::read_to_string(REGISTRY)?, schema::Kind::Builtin)
        .map_err(|fault| error::RegistryError::new(REGISTRY, fault).to_string())?;
    let mut packed = table::Packed::new(file, false);
    let (date, iana) = iana(&fs::read_to_string(IANA)?, &mut packed)?;
    let mut source = String::new();
    let mut rows = |name: &str, of: &str, rows: &dyn std::fmt::Debug, len: usize| {
        // The derived Debug of a plain struct is its expression.
        writeln!(source, "pub(super) static {name}: [{of}; {len}] = {rows:?};")
    };
    rows("LISTS", "Span", &packed.lists, packed.lists.len())?;
    rows("ROWS", "Row", &packed.rows, packed.rows.len())?;
    rows("OWNERS", "OwnerRow", &packed.owners, packed.owners.len())?;
    rows("OWNED", "u16", &packed.owned, packed.owned.len())?;
    rows("CLASHES", "ClashRow", &packed.clashes, packed.clashes.len())?;
    rows("HISTORICAL", "HistoricalRow", &packed.historical, packed.historical.len())?;
    rows("IANA", "IanaRow", &iana, iana.len())?;
    writeln!(source, "pub(super) const RANGES: usize = {};", packed.ranges)?;
    writeln!(source, "pub(super) const IANA_DATE: &str = {date:?};")?;
    fs::write(out.join("registry.rs"), source)?;
    fs::write(out.join("registry.txt"), &packed.text)?;
    Ok(())
}

/// The rows of IANA's names and the date that they are of.
fn iana(text: &str, packed: &mut table::Packed) -> Result<(String, Vec<table::IanaRow>), Box<dyn Error>> {
    let mut date = None;
    let mut rows: Vec<table::IanaRow> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if let Some(comment) = line.strip_prefix('#') {
            date = comment.trim().strip_prefix("date: ").map(str::to_owned).or(date);
            continue;
        }
        let wrong = |what: &str| format!("{IANA}:{}: {what}", at + 1);
        let fields: Vec<&str> = line.split('\t').collect();
        let [port, transport, name, description] = fields[..] else { return Err(wrong("expected four fields").into()) };
        let transport = closed::TRANSPORTS.iter().position(|one| *one == transport);
        let transport = u8::try_from(transport.ok_or_else(|| wrong("unknown transport"))?)?;
        let port = port.parse().map_err(|_| wrong("expected a port"))?;
        if rows.last().is_some_and(|last| (last.port, last.transport) >= (port, transport)) {
            return Err(wrong("out of order").into());
        }
        rows.push(table::IanaRow { port, transport, name: packed.span(name), description: packed.span(description) });
    }
    Ok((date.ok_or_else(|| format!("{IANA}: no line `# date: …`"))?, rows))
}
