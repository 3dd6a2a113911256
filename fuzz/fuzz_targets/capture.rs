//! Any bytes are a capture or an error; whatever a capture tells is judged.

#![no_main]

use std::path::Path;

use earmark::collect::{Ask, replay};
use earmark::registry::Registry;

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    if let Ok(snapshot) = replay(content, Path::new("fuzzed.capture"), &Ask::default()) {
        earmark::judge::judge(snapshot, &Registry::builtin(), String::new());
    }
});
