//! Any bytes are a stored report or an error.

#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    let _ = earmark::picture::read(content, Path::new("fuzzed.json"));
});
