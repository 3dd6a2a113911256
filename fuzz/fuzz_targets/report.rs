//! Any bytes are a stored report or an error, and a report can be held against a policy.

#![no_main]

use std::path::Path;

use earmark::registry::Registry;

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    let path = Path::new("fuzzed.json");
    let _ = earmark::picture::read(content, path);
    let rule = |name: &str| earmark::rules::by_name(name).map(|rule| &rule.info);
    if let Ok(restored) = earmark::picture::restore(content, path, &rule) {
        let report = earmark::judge::hold(restored.report, &Registry::builtin(), None, String::new());
        let _ = earmark::render::json(&report, &earmark::render::View::default(), &mut std::io::sink());
    }
});
