//! Any text is a policy or an error that quotes none of it.

#![no_main]

use earmark::model::Timestamp;
use earmark::policy::Policy;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let files = [("fuzzed.toml".to_owned(), text.to_owned())];
    if let Ok(policy) = Policy::parse(&files, &|rule| earmark::rules::by_name(rule).is_some()) {
        policy.lints(Timestamp(0));
    }
});
