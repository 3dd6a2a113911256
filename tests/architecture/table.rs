//! The import table, as the documentation of the crate has it.

use std::collections::{BTreeMap, BTreeSet};

use super::scan::Reference;

/// What one module may import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum May {
    /// All of every module.
    Everything,
    /// All of one module.
    Module(String),
    /// Types of one module but the one of its own name, which does its work: of `registry` not `Registry`.
    PlainTypes(String),
    /// Enums of any module.
    Enums,
}

/// Who may import whom.
pub struct Table {
    rows: BTreeMap<String, Vec<May>>,
    /// What all may import.
    open: BTreeSet<String>,
}

impl Table {
    /// Reads the section of the crate's documentation. What it does not understand is an error: the table is held as it
    /// is written, or the test fails.
    pub fn parse(source: &str) -> Result<Self, String> {
        let docs = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
        let section: Vec<&str> = docs
            .skip_while(|line| *line != "# Who may import whom")
            .skip(1)
            .take_while(|l| !l.starts_with("# "))
            .collect();
        let mut rows = BTreeMap::new();
        for row in section.iter().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|')) {
            let (modules, cell) = row.split_once('|').ok_or_else(|| format!("no two columns: {row}"))?;
            if modules.trim() == "module" || modules.starts_with("---") {
                continue;
            }
            let may = cell.split(',').map(str::trim).filter(|entry| *entry != "nothing of ours");
            let may = may.map(May::parse).collect::<Result<Vec<_>, _>>()?;
            for module in modules.split(',').map(|name| name.trim().to_owned()) {
                if rows.insert(module.clone(), may.clone()).is_some() {
                    return Err(format!("{module} has two rows"));
                }
            }
        }
        if rows.is_empty() {
            return Err("there is no table".to_owned());
        }
        // "`error` may be imported by all"
        let sentence = section.iter().find_map(|line| Some(line.split_once("may be imported by all")?.0));
        let open = sentence.unwrap_or_default().split('`').skip(1).step_by(2).map(str::to_owned).collect();
        Ok(Self { rows, open })
    }

    /// The modules that have a row.
    pub fn modules(&self) -> BTreeSet<&str> {
        self.rows.keys().map(String::as_str).collect()
    }

    /// The modules that are named as imported.
    pub fn imported(&self) -> BTreeSet<&str> {
        let names = self.rows.values().flatten().filter_map(|may| match may {
            May::Module(name) | May::PlainTypes(name) => Some(name.as_str()),
            May::Everything | May::Enums => None,
        });
        names.chain(self.open.iter().map(String::as_str)).collect()
    }

    /// True where `module` may name that. `enums` are the names of all enums of the crate.
    pub fn allows(&self, module: &str, reference: &Reference, enums: &BTreeSet<String>) -> bool {
        let Some((top, rest)) = reference.path.split_first() else { return true };
        if top == module || self.open.contains(top) {
            return true;
        }
        self.rows.get(module).into_iter().flatten().any(|may| match may {
            May::Everything => true,
            May::Module(name) => name == top,
            May::PlainTypes(name) => {
                name == top && rest.first().is_some_and(|item| is_type(item) && !is_named(item, name))
            }
            May::Enums => rest.iter().any(|item| enums.contains(item)),
        })
    }
}

impl May {
    fn parse(entry: &str) -> Result<Self, String> {
        let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        match entry.strip_suffix("'s plain types") {
            Some(name) if is_name(name) => Ok(Self::PlainTypes(name.to_owned())),
            _ if entry == "everything" => Ok(Self::Everything),
            _ if entry == "the enums it parses into" => Ok(Self::Enums),
            _ if is_name(entry) => Ok(Self::Module(entry.to_owned())),
            _ => Err(format!("the test of the import table does not understand {entry:?}")),
        }
    }
}

fn is_type(item: &str) -> bool {
    item.starts_with(|first: char| first.is_ascii_uppercase())
}

fn is_named(item: &str, module: &str) -> bool {
    item.eq_ignore_ascii_case(module)
}
