//! Holds what `src/lib.rs` says of how the crate is built: the import table, and those invariants that sources show.

#![expect(clippy::disallowed_methods, reason = "this test reads the sources")]

#[path = "architecture/scan.rs"]
mod scan;
#[path = "architecture/scanner_tests.rs"]
mod scanner_tests;
#[path = "architecture/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::TokenTree;
use table::Table;

/// One file of the crate.
struct Source {
    /// From the root of the repository, with `/` on every system.
    name: String,
    /// Its module, from the root of the crate.
    module: Vec<String>,
    /// Only tests compile it.
    test: bool,
    all: Vec<TokenTree>,
    /// Without what only tests compile.
    code: Vec<TokenTree>,
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn name(path: &Path) -> String {
    let below = path.strip_prefix(repository()).expect("a file of ours");
    below.iter().map(|part| part.to_str().expect("UTF-8")).collect::<Vec<_>>().join("/")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file below a folder, or the file of that name.
fn rust_files(place: &str) -> Vec<PathBuf> {
    let (mut files, mut left) = (Vec::new(), vec![repository().join(place)]);
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder of ours");
            left.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Everything of ours that is Rust.
fn all_files() -> Vec<PathBuf> {
    ["src", "tests", "benches", "examples", "fuzz/fuzz_targets", "build.rs"].into_iter().flat_map(rust_files).collect()
}

/// The files of the crate, as `mod` reaches them from its roots.
fn crate_sources() -> Vec<Source> {
    let mut sources = Vec::new();
    let mut left = vec![
        (repository().join("src/lib.rs"), Vec::new(), false),
        (repository().join("src/main.rs"), vec!["main".to_owned()], false),
    ];
    while let Some((path, module, test)) = left.pop() {
        let all = scan::tokens(&read(&path));
        let (code, declared) = scan::split(&all);
        let folder = path.parent().expect("a folder");
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let children = if matches!(stem, "mod" | "lib" | "main") { folder.to_owned() } else { folder.join(stem) };
        for one in declared {
            let usual = [children.join(format!("{}.rs", one.name)), children.join(&one.name).join("mod.rs")];
            let usual = usual.into_iter().find(|path| path.exists()).filter(|_| one.path.is_none() || one.sometimes);
            for file in usual.into_iter().chain(one.path.map(|path| folder.join(path))) {
                left.push((file, [&module[..], std::slice::from_ref(&one.name)].concat(), test || one.test));
            }
        }
        sources.push(Source { name: name(&path), module, test, all, code });
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

fn assert_none(what: &str, wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

/// `file:line` of each hit in the sources that `within` takes.
fn hits(within: impl Fn(&Source) -> bool, lines: impl Fn(&Source) -> Vec<usize>) -> Vec<String> {
    let sources = crate_sources();
    let of =
        |source: &Source| lines(source).into_iter().map(|line| format!("{}:{line}", source.name)).collect::<Vec<_>>();
    sources.iter().filter(|source| within(source)).flat_map(of).collect()
}

fn is_below(source: &Source, folders: &[&str]) -> bool {
    folders.iter().any(|folder| source.name.starts_with(folder))
}

#[test]
fn modules_import_what_the_table_says() {
    let root = read(&repository().join("src/lib.rs"));
    let table = Table::parse(&root).unwrap_or_else(|problem| panic!("src/lib.rs: {problem}"));
    let modules: BTreeSet<String> = scan::split(&scan::tokens(&root)).1.into_iter().map(|module| module.name).collect();
    let modules: BTreeSet<&str> = modules.iter().map(String::as_str).collect();
    assert_eq!(table.modules(), modules, "a row for each module of the crate");
    assert_eq!(table.imported().difference(&modules).collect::<Vec<_>>(), Vec::<&&str>::new(), "modules that exist");

    let sources = crate_sources();
    let enums = sources.iter().flat_map(|source| scan::enums(&source.code)).collect();
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| !source.test) {
        let Some(module) = source.module.first().filter(|module| modules.contains(module.as_str())) else { continue };
        for reference in scan::references(&source.code, &source.module) {
            if !table.allows(module, &reference, &enums) {
                wrong.push(format!("{}:{}: crate::{}", source.name, reference.line, reference.path.join("::")));
            }
        }
    }
    assert_none("imports that the table in src/lib.rs does not allow", wrong);
}

#[test]
fn every_file_belongs_to_the_crate() {
    let reached: BTreeSet<String> = crate_sources().into_iter().map(|source| source.name).collect();
    let files = rust_files("src").iter().map(|path| name(path)).collect::<Vec<_>>();
    assert!(files.len() > 40, "the walk finds the sources");
    assert_none("files that no `mod` reaches", files.into_iter().filter(|file| !reached.contains(file)).collect());
}

#[test]
fn main_alone_prints() {
    let printing = |source: &Source| scan::lines_calling(&source.code, &["print", "println"]);
    assert_none("a renderer writes to the writer that it is given", hits(|at| at.name != "src/main.rs", printing));
}

#[test]
fn platforms_are_told_apart_in_collect_and_sys_alone() {
    let elsewhere = |source: &Source| !is_below(source, &["src/collect/", "src/sys/"]);
    assert_none("code that differs by platform", hits(elsewhere, |source| scan::lines_by_platform(&source.all)));
}

#[test]
fn unsafe_code_stays_where_the_kernel_is() {
    let elsewhere = |source: &Source| {
        let in_live = matches!(&source.module[..], [collect, _, live, ..] if collect == "collect" && live == "live");
        !in_live && !is_below(source, &["src/sys/"])
    };
    assert_none("unsafe code", hits(elsewhere, |source| scan::lines_with(&source.all, "unsafe")));
    // The compiler wants an exception for each, and clippy a reason: an `expect` goes when the code does.
    let mut allowed = Vec::new();
    for source in crate_sources() {
        let lints = scan::lines_with(&source.all, "unsafe_code");
        let expected = read(&repository().join(&source.name)).matches("expect(unsafe_code, reason = ").count();
        if lints.len() != expected {
            allowed.push(source.name);
        }
    }
    assert_none("`unsafe_code` other than in `#[expect(unsafe_code, reason = …)]`", allowed);
}

#[test]
fn only_json_has_a_frozen_form() {
    let elsewhere = |source: &Source| !is_below(source, &["src/render/json", "src/state/form.rs"]);
    assert_none("Serialize", hits(elsewhere, |source| scan::lines_with(&source.code, "Serialize")));
}

#[test]
fn files_have_one_subject() {
    const NO_SUBJECT: [&str; 6] = ["util", "utils", "common", "helper", "helpers", "misc"];
    let mut wrong = Vec::new();
    for path in all_files() {
        let length = read(&path).lines().count();
        if length > 500 {
            wrong.push(format!("{}: {length} lines; split it", name(&path)));
        }
        let words: BTreeSet<String> = name(&path).split(['/', '.']).map(str::to_owned).collect();
        if NO_SUBJECT.iter().any(|word| words.contains(*word)) {
            wrong.push(format!("{}: name its subject", name(&path)));
        }
    }
    assert_none("files", wrong);
}

#[test]
fn sources_speak_of_the_project_alone() {
    // Where it was made, and what was left for later, is no part of it. In halves, so as not to find this list.
    let words: BTreeMap<String, &str> = [
        (["/wo", "rk/"].concat(), "a place that readers do not have"),
        (["work", "tree"].concat(), "where it was made"),
        (["TO", "DO"].concat(), "do it, or say why it is so"),
        (["FIX", "ME"].concat(), "do it, or say why it is so"),
    ]
    .into();
    let mut wrong = Vec::new();
    for path in all_files() {
        for (at, line) in read(&path).lines().enumerate() {
            let comment = line.split_once("//").map_or("", |(_, comment)| comment);
            let numbered = comment.split_whitespace().any(|word| {
                let digits =
                    word.trim_start_matches('(').strip_prefix('#').map(|rest| rest.trim_end_matches([')', '.', ',']));
                digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
            });
            if numbered {
                wrong.push(format!("{}:{}: the number of an issue", name(&path), at + 1));
            }
            let found = words.iter().filter(|(word, _)| line.contains(word.as_str()));
            wrong.extend(found.map(|(word, why)| format!("{}:{}: {word:?}: {why}", name(&path), at + 1)));
        }
    }
    assert_none("words", wrong);
}
