//! The README's picture and its table of rules are what the program says. `UPDATE=1 cargo test --test readme` writes them.

#![expect(clippy::disallowed_methods, reason = "a test reads and writes the README")]

use std::path::Path;
use std::process::Command;

fn readme() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

/// Holds what stands between a mark and the next end to `want`.
fn holds(mark: &str, want: &str) {
    let text = std::fs::read_to_string(readme()).expect("a README");
    let start = text.find(&format!("<!-- {mark}")).expect(mark);
    let start = start + text[start..].find("-->\n").expect("the mark ends") + 4;
    let end = start + text[start..].find("<!-- end -->").expect("an end");
    if std::env::var_os("UPDATE").is_some() {
        let text = format!("{}{want}{}", &text[..start], &text[end..]);
        std::fs::write(readme(), text).expect("written");
    } else {
        assert_eq!(&text[start..end], want, "UPDATE=1 cargo test --test readme writes it");
    }
}

#[test]
fn the_readme_says_what_the_program_says() {
    let output = Command::new(env!("CARGO_BIN_EXE_earmark"))
        .args(["--from", "tests/captures/juniper-and-rpki.capture"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("COLUMNS", "110")
        .output()
        .expect("earmark runs");
    assert!(output.status.success());
    let picture = String::from_utf8(output.stdout).expect("UTF-8");
    holds("picture", &format!("```console\n$ earmark\n{picture}```\n"));

    let mut rules = "| rule | finds |\n|---|---|\n".to_owned();
    for rule in earmark::rules::all() {
        rules += &format!("| `{}` | {} |\n", rule.info.name, rule.info.summary);
    }
    holds("rules", &rules);
}
