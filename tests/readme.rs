//! The README's picture and its table of rules are what the program says. `UPDATE=1 cargo test --test readme` writes them.

#![expect(clippy::disallowed_methods, reason = "a test reads and writes the README")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

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

/// What is told of a router that a day earlier had one listener less, one more, another owner and a narrower address.
fn difference() -> String {
    let run = |arguments: &[&str], input: &[u8]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_earmark"))
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .env("COLUMNS", "110")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("earmark starts");
        child.stdin.take().expect("piped").write_all(input).expect("it reads");
        let output = child.wait_with_output().expect("earmark runs");
        (output.status.code(), output.stdout)
    };
    let capture = "tests/captures/juniper-and-rpki.capture";
    let (_, report) = run(&["--json", "--from", capture], b"");
    let mut report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
    let listeners = report["listeners"].as_array_mut().expect("listeners");
    listeners.retain(|listener| listener["endpoint"] != "tcp/127.0.0.1:23");
    for listener in listeners.iter_mut() {
        match listener["endpoint"].as_str().expect("text") {
            "tcp/198.51.100.7:3323" => {
                listener["endpoint"] = "tcp/127.0.0.1:3323".into();
                listener["address"] = "127.0.0.1".into();
                listener["scope"] = "loopback".into();
                listener["exposure"] = "loopback".into();
            }
            "tcp/0.0.0.0:323" => {
                let mut gone = listener.clone();
                gone["endpoint"] = "tcp/127.0.0.1:9556".into();
                gone["address"] = "127.0.0.1".into();
                gone["port"] = 9556.into();
                gone["exposure"] = "loopback".into();
                listener["owners"][0]["exe"] = "/usr/sbin/gortr".into();
                listener["owners"][0]["comm"] = "gortr".into();
                *listener = serde_json::json!([listener, gone]);
            }
            _ => {}
        }
    }
    let flat = listeners.drain(..).flat_map(|one| match one {
        serde_json::Value::Array(two) => two,
        one => vec![one],
    });
    report["listeners"] = flat.collect::<Vec<_>>().into();
    let (status, told) = run(&["diff", "-", capture], report.to_string().as_bytes());
    assert_eq!(status, Some(1));
    let told = String::from_utf8(told).expect("UTF-8");
    format!("```console\n$ earmark diff yesterday.json\n{told}```\n")
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

    holds("diff", &difference());

    let mut rules = "| rule | finds |\n|---|---|\n".to_owned();
    for rule in earmark::rules::all() {
        rules += &format!("| `{}` | {} |\n", rule.info.name, rule.info.summary);
    }
    holds("rules", &rules);
}
