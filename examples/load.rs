//! Makes a loaded host: many processes that hold many listeners, connections and descriptors, until stdin closes.
//!
//! Meant for namespaces of its own, where it brings the loopback device up by itself:
//!
//! ```text
//! unshare --net --pid --fork --kill-child --mount-proc \
//!     cargo run --release --example load -- --processes 800 --listeners 4000 --connections 6000 --descriptors 36000
//! ```
//!
//! What it prints are true counts, as its processes report them, and no process outlives it.

#![cfg_attr(
    target_os = "linux",
    expect(
        clippy::disallowed_methods,
        clippy::print_stdout,
        reason = "a load is processes and sockets, told in one line"
    )
)]
#![expect(
    clippy::disallowed_macros,
    clippy::print_stderr,
    reason = "its one line goes to stdout, its failure to stderr"
)]

#[cfg(target_os = "linux")]
#[path = "load/maker.rs"]
mod maker;

fn main() -> std::process::ExitCode {
    #[cfg(target_os = "linux")]
    return match maker::run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            std::process::ExitCode::FAILURE
        }
    };
    #[cfg(not(target_os = "linux"))]
    {
        eprintln!("load: it is made for Linux");
        std::process::ExitCode::FAILURE
    }
}
