//! The test of the sources can fail: what it looks for is found in snippets that have it.

use std::collections::BTreeSet;

use super::scan::{self, Module, Reference};
use super::table::Table;

fn references(source: &str, module: &[&str]) -> Vec<String> {
    let module: Vec<String> = module.iter().map(|&name| name.to_owned()).collect();
    let found = scan::references(&scan::split(&scan::tokens(source)).0, &module);
    found.into_iter().map(|reference| reference.path.join("::")).collect()
}

#[test]
fn imports_are_followed_to_their_ends() {
    let found = references("use crate::{model::{Text, time::*}, report::{self, Report as Whole}};", &["render"]);
    assert_eq!(found, ["model::Text", "model::time::*", "report::self", "report::Report"]);
    assert_eq!(references("pub(crate) fn f() -> crate::judge::Judge { crate::sys::now() }", &["rules"]).len(), 2);
    assert_eq!(
        references("let x = vec![crate::model::Text::from::<crate::registry::Entry>(y)];", &["rules"]),
        ["model::Text::from", "registry::Entry"]
    );
}

#[test]
fn a_chain_of_super_may_leave_the_module() {
    assert_eq!(references("use super::super::judge::judge;", &["rules", "weigh"]), ["judge::judge"]);
    assert_eq!(references("use super::{weigh, super::sys};", &["rules", "weigh"]), ["rules::weigh", "sys"]);
    assert_eq!(references("use super::{Draft, Rule};", &["rules", "weigh"]), ["rules::Draft", "rules::Rule"]);
    assert_eq!(references("mod inner { use super::super::sys::now; }", &["rules"]), ["sys::now"]);
}

#[test]
fn comments_strings_and_tests_import_nothing() {
    let source = r#"
        //! [`crate::judge`]
        /// [`crate::judge`]
        fn f() { let _ = "crate::judge"; } // crate::judge
        #[cfg(test)]
        use crate::judge::{a, b};
        struct S { #[cfg(test)] pub field: crate::judge::Field, kept: crate::model::Text }
        #[cfg(all(test, target_endian = "little"))]
        #[expect(dead_code, reason = "x")]
        pub(crate) mod tests { use crate::judge::judge; }
        #[test]
        fn g() { crate::judge::judge() }
    "#;
    assert_eq!(references(source, &["rules"]), ["model::Text"]);
    assert_eq!(references("#[cfg(not(test))] use crate::judge::a;", &["rules"]), ["judge::a"]);
    assert_eq!(references("#[cfg(any(test, unix))] use crate::judge::a;", &["rules"]), ["judge::a"]);
}

#[test]
fn modules_are_found_with_their_files() {
    let source = r#"
        mod plain;
        #[cfg(test)] #[path = "plain_tests.rs"] mod tests;
        #[cfg_attr(not(unix), path = "absent.rs")] pub(super) mod live;
        mod inline {}
        macro_rules! each { ($($name:ident),+) => { $(mod $name;)+ } }
        each! { one, two }
        other! { three }
    "#;
    let module = |name: &str, path: Option<&str>, sometimes, test| Module {
        name: name.to_owned(),
        path: path.map(str::to_owned),
        sometimes,
        test,
    };
    let wanted = [
        module("plain", None, false, false),
        module("tests", Some("plain_tests.rs"), false, true),
        module("live", Some("absent.rs"), true, false),
        module("one", None, false, false),
        module("two", None, false, false),
    ];
    assert_eq!(scan::split(&scan::tokens(source)).1, wanted);
}

#[test]
fn words_are_found_where_they_are_code() {
    let source = "fn f() {\n // println!(\"x\")\n let println = \"println!\";\n std::println!(\"x\");\n}";
    assert_eq!(scan::lines_calling(&scan::tokens(source), &["print", "println"]), [4]);
    let source = "#[cfg(debug_assertions)]\nfn f() {}\n#[cfg(not(unix))]\nfn f() { if cfg!(target_os = \"linux\") {} }\n\
                  #[cfg_attr(windows, path = \"x\")]\nmod x;\ncfg_select! { _ => {} }";
    assert_eq!(scan::lines_by_platform(&scan::tokens(source)), [3, 4, 5, 7]);
    assert_eq!(scan::lines_with(&scan::tokens("#[expect(unsafe_code)]\nlet x = unsafe { y };"), "unsafe"), [2]);
    assert_eq!(scan::enums(&scan::tokens("pub enum A { B } mod m { enum C {} }")), ["A", "C"]);
}

const DOCS: &str = "\
//! # Who may import whom
//!
//! | module | may import |
//! |---|---|
//! | model, error | nothing of ours |
//! | registry | model |
//! | report | model, registry's plain types |
//! | cli | the enums it parses into |
//! | commands | everything |
//!
//! `error` may be imported by all: it says how a run ends. `tests` is not among them.
//!
//! # Invariants
//! | x | y |
pub mod model;
";

#[test]
fn the_table_is_read_from_the_documentation() {
    let table = Table::parse(DOCS).expect("a table");
    let modules = ["cli", "commands", "error", "model", "registry", "report"];
    assert_eq!(table.modules(), modules.into());
    assert_eq!(table.imported(), ["error", "model", "registry"].into());
    let enums: BTreeSet<String> = ["Transport".to_owned()].into();
    let allows = |module: &str, path: &str| {
        let path = path.split("::").map(str::to_owned).collect();
        table.allows(module, &Reference { path, line: 1 }, &enums)
    };
    for (module, path) in [
        ("model", "error::Error"),
        ("model", "model::Text"),
        ("registry", "model::Text"),
        ("report", "registry::Verdict::Confirmed"),
        ("cli", "model::Transport"),
        ("commands", "registry::Registry"),
    ] {
        assert!(allows(module, path), "{module} may import {path}");
    }
    for (module, path) in [
        ("model", "registry::Entry"),
        ("registry", "report::Report"),
        ("report", "registry::Registry"),
        ("report", "registry::self"),
        ("report", "registry::lookup"),
        ("report", "registry::*"),
        ("cli", "model::Snapshot"),
        ("nobody", "model::Text"),
    ] {
        assert!(!allows(module, path), "{module} may not import {path}");
    }
}

#[test]
fn a_table_that_is_not_understood_is_an_error() {
    for (from, to) in
        [("everything", "most things"), ("| model, error |", "| model, model |"), ("# Who may", "# Who can")]
    {
        assert!(Table::parse(&DOCS.replace(from, to)).is_err(), "{to}");
    }
}
