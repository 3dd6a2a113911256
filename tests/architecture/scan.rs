//! Reads Rust as tokens, in which comments and the content of strings cannot be mistaken for code.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path from the root of the crate, and the line that names it: `["model", "Text"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub path: Vec<String>,
    pub line: usize,
}

/// A `mod name;`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    pub name: String,
    /// A file of another name, by `#[path]`.
    pub path: Option<String>,
    /// That file is for some platforms only, by `#[cfg_attr]`: both are read.
    pub sometimes: bool,
    pub test: bool,
}

/// The tokens of a source text.
pub fn tokens(source: &str) -> Vec<TokenTree> {
    source.parse::<TokenStream>().expect("it compiles, so it has tokens").into_iter().collect()
}

fn inside(tree: &TokenTree, delimiter: Delimiter) -> Option<Vec<TokenTree>> {
    match tree {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group.stream().into_iter().collect()),
        _ => None,
    }
}

fn word(tree: Option<&TokenTree>) -> Option<String> {
    match tree {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

fn is_word(trees: &[TokenTree], at: usize, wanted: &str) -> bool {
    word(trees.get(at)).as_deref() == Some(wanted)
}

fn is_punct(tree: Option<&TokenTree>, wanted: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_double_colon(trees: &[TokenTree], at: usize) -> bool {
    is_punct(trees.get(at), ':') && is_punct(trees.get(at + 1), ':')
}

fn line(tree: &TokenTree) -> usize {
    tree.span().start().line
}

/// True where a condition holds in tests alone: `test`, or `all(…, test, …)`.
fn is_test_only(condition: &[TokenTree]) -> bool {
    let mut parts = condition.split(|tree| is_punct(Some(tree), ','));
    parts.any(|part| match (word(part.first()).as_deref(), part) {
        (Some("test"), [_]) => true,
        (Some("all"), [_, group]) => inside(group, Delimiter::Parenthesis).is_some_and(|inner| is_test_only(&inner)),
        _ => false,
    })
}

/// True of `#[test]` and of a `#[cfg]` that holds in tests alone.
fn is_test_attribute(attribute: &[TokenTree]) -> bool {
    match (word(attribute.first()).as_deref(), attribute) {
        (Some("test"), [_]) => true,
        (Some("cfg"), [_, group]) => inside(group, Delimiter::Parenthesis).is_some_and(|inner| is_test_only(&inner)),
        _ => false,
    }
}

/// The file that `path = "…"` names, here or within.
fn path_attribute(attribute: &[TokenTree]) -> Option<String> {
    attribute.iter().enumerate().find_map(|(at, tree)| match tree {
        TokenTree::Ident(ident) if ident == "path" && is_punct(attribute.get(at + 1), '=') => {
            Some(attribute.get(at + 2)?.to_string().trim_matches('"').to_owned())
        }
        TokenTree::Group(group) => path_attribute(&group.stream().into_iter().collect::<Vec<_>>()),
        _ => None,
    })
}

/// The end of the item that begins at `at`: behind its `;` or its braces; of a field or variant, behind its comma.
fn end_of_item(trees: &[TokenTree], at: usize) -> usize {
    let is_field = |at: usize| word(trees.get(at)).is_some() && is_punct(trees.get(at + 1), ':');
    let named = match trees.get(at + 1) {
        Some(TokenTree::Group(_)) => at + 2,
        _ => at + 1,
    };
    let field = [at, named].into_iter().any(|start| is_field(start) && !is_double_colon(trees, start + 1));
    let ends = |tree: &TokenTree| match field {
        true => is_punct(Some(tree), ','),
        false => is_punct(Some(tree), ';') || inside(tree, Delimiter::Brace).is_some(),
    };
    trees[at..].iter().position(ends).map_or(trees.len(), |length| at + length + 1)
}

/// The tokens without what only tests compile, and the modules that the file declares.
pub fn split(trees: &[TokenTree]) -> (Vec<TokenTree>, Vec<Module>) {
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < trees.len() {
        let start = at;
        let mut attributes = Vec::new();
        while is_punct(trees.get(at), '#')
            && let Some(attribute) = trees.get(at + 1).and_then(|tree| inside(tree, Delimiter::Bracket))
        {
            attributes.push(attribute);
            at += 2;
        }
        let test = attributes.iter().any(|attribute| is_test_attribute(attribute));
        let mut keyword = at;
        if is_word(trees, keyword, "pub") {
            keyword +=
                1 + usize::from(trees.get(keyword + 1).is_some_and(|t| inside(t, Delimiter::Parenthesis).is_some()));
        }
        if is_word(trees, keyword, "mod")
            && is_punct(trees.get(keyword + 2), ';')
            && let Some(name) = word(trees.get(keyword + 1))
        {
            let with_path = attributes.iter().find_map(|of| Some((path_attribute(of)?, word(of.first()))));
            let sometimes = with_path.as_ref().is_some_and(|(_, kind)| kind.as_deref() == Some("cfg_attr"));
            modules.push(Module { name, path: with_path.map(|(path, _)| path), sometimes, test });
            at = keyword + 3;
            continue;
        }
        if test {
            at = end_of_item(trees, at);
            continue;
        }
        kept.extend_from_slice(&trees[start..at]);
        match trees.get(at) {
            Some(TokenTree::Group(group)) => {
                let within = split(&group.stream().into_iter().collect::<Vec<_>>()).0;
                let mut pruned = proc_macro2::Group::new(group.delimiter(), within.into_iter().collect());
                pruned.set_span(group.span());
                kept.push(TokenTree::Group(pruned));
            }
            Some(other) => kept.push(other.clone()),
            None => {}
        }
        at += 1;
    }
    modules.extend(by_macro(trees));
    (kept, modules)
}

/// The modules that a macro of the same file declares, from the names that it is called with.
fn by_macro(trees: &[TokenTree]) -> Vec<Module> {
    let declares = |body: &[TokenTree]| {
        !lines_where(body, &|trees, at| is_word(trees, at, "mod") && is_punct(trees.get(at + 1), '$')).is_empty()
    };
    let mut macros = Vec::new();
    let mut modules = Vec::new();
    for (at, tree) in trees.iter().enumerate().skip(2) {
        let Some(body) = inside(tree, Delimiter::Brace) else { continue };
        if is_word(trees, at.wrapping_sub(3), "macro_rules") && declares(&body) {
            macros.extend(word(trees.get(at - 1)));
        } else if is_punct(trees.get(at - 1), '!') && word(trees.get(at - 2)).is_some_and(|name| macros.contains(&name))
        {
            let names = body.iter().filter_map(|tree| word(Some(tree)));
            modules.extend(names.map(|name| Module { name, path: None, sometimes: false, test: false }));
        }
    }
    modules
}

/// What the tokens of a module name by `crate::` and `super::`, as paths from the root.
pub fn references(trees: &[TokenTree], module: &[String]) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < trees.len() {
        let named = word(trees.get(at));
        match named.as_deref() {
            Some("mod") => {
                if let (Some(name), Some(body)) =
                    (word(trees.get(at + 1)), trees.get(at + 2).and_then(|tree| inside(tree, Delimiter::Brace)))
                {
                    found.extend(references(&body, &[module, &[name]].concat()));
                    at += 3;
                    continue;
                }
            }
            Some(root @ ("crate" | "super")) if is_double_colon(trees, at + 1) => {
                let mut prefix = if root == "crate" { Vec::new() } else { module.to_vec() };
                if root == "super" {
                    prefix.pop();
                }
                at += 3 + follow(&trees[at + 3..], prefix, &mut found);
                continue;
            }
            _ => {}
        }
        if let Some(TokenTree::Group(group)) = trees.get(at) {
            found.extend(references(&group.stream().into_iter().collect::<Vec<_>>(), module));
        }
        at += 1;
    }
    found
}

/// Follows a path to its ends, `a::{b, c::*}` has two, and returns how many tokens it takes.
fn follow(trees: &[TokenTree], mut prefix: Vec<String>, found: &mut Vec<Reference>) -> usize {
    let mut at = 0;
    while let Some(tree) = trees.get(at) {
        if let Some(group) = inside(tree, Delimiter::Brace) {
            for end in group.split(|tree| is_punct(Some(tree), ',')) {
                follow(end, prefix.clone(), found);
            }
            return at + 1;
        }
        match word(Some(tree)).as_deref() {
            Some("super") => drop(prefix.pop()),
            Some(name) => prefix.push(name.to_owned()),
            None => prefix.push("*".to_owned()),
        }
        // A turbofish ends it: what stands within is found on its own.
        if !is_double_colon(trees, at + 1) || is_punct(trees.get(at + 3), '<') {
            found.push(Reference { path: prefix, line: line(tree) });
            return at + 1;
        }
        at += 3;
    }
    at
}

/// The names of the enums that tokens define.
pub fn enums(trees: &[TokenTree]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(ident) if ident == "enum" => found.extend(word(trees.get(at + 1))),
            TokenTree::Group(group) => found.extend(enums(&group.stream().into_iter().collect::<Vec<_>>())),
            _ => {}
        }
    }
    found
}

/// The lines at which a word stands.
pub fn lines_with(trees: &[TokenTree], wanted: &str) -> Vec<usize> {
    lines_where(trees, &|trees, at| is_word(trees, at, wanted))
}

/// The lines at which one of these macros is called.
pub fn lines_calling(trees: &[TokenTree], macros: &[&str]) -> Vec<usize> {
    lines_where(trees, &|trees, at| {
        word(trees.get(at)).is_some_and(|name| macros.contains(&name.as_str())) && is_punct(trees.get(at + 1), '!')
    })
}

/// The lines at which code chooses by platform.
pub fn lines_by_platform(trees: &[TokenTree]) -> Vec<usize> {
    const PLATFORM: [&str; 5] = ["target_os", "target_family", "target_vendor", "unix", "windows"];
    lines_where(trees, &|trees, at| match word(trees.get(at)).as_deref() {
        Some("cfg_select") => is_punct(trees.get(at + 1), '!'),
        Some("cfg" | "cfg_attr") => {
            let group = at + 1 + usize::from(is_punct(trees.get(at + 1), '!'));
            let condition = trees.get(group).and_then(|tree| inside(tree, Delimiter::Parenthesis));
            condition.is_some_and(|condition| PLATFORM.iter().any(|one| !lines_with(&condition, one).is_empty()))
        }
        _ => false,
    })
}

fn lines_where(trees: &[TokenTree], is: &dyn Fn(&[TokenTree], usize) -> bool) -> Vec<usize> {
    let mut found = Vec::new();
    for (at, tree) in trees.iter().enumerate() {
        if is(trees, at) {
            found.push(line(tree));
        }
        if let TokenTree::Group(group) = tree {
            found.extend(lines_where(&group.stream().into_iter().collect::<Vec<_>>(), is));
        }
    }
    found
}
