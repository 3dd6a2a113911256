//! Any bytes are a state or an error; a state is read back as it was written.

#![no_main]

use earmark::state::State;

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    if let Ok(state) = State::decode(content) {
        assert!(State::decode(&state.encode()).is_ok_and(|again| again == state));
    }
});
