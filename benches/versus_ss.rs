//! The whole program against `ss -tulpn`, in worlds of its own: `cargo bench --bench versus_ss [-- --quick] [--rounds N]`.
//!
//! Each world is a network and pid namespace with a load made for it. The programs run in turn, round by round, so that
//! what else the machine does falls on all of them; the median of each is told, with its standard output read to the end
//! through a pipe, and the peak of its memory. Before anything is timed, the listeners and holders that both see are
//! compared with what the load says it made. Only that decides how the benchmark ends, never a time.

#![expect(clippy::disallowed_methods, reason = "a benchmark runs programs and reads clocks")]
#![expect(clippy::disallowed_macros, clippy::print_stderr, reason = "it says what went wrong")]
#![cfg_attr(target_os = "linux", expect(clippy::print_stdout, reason = "it prints a table"))]

#[cfg(target_os = "linux")]
#[path = "../examples/load/maker.rs"]
mod maker;
#[cfg(target_os = "linux")]
#[path = "versus_ss/measure.rs"]
mod measure;
#[cfg(target_os = "linux")]
#[path = "versus_ss/worlds.rs"]
mod worlds;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    #[cfg(target_os = "linux")]
    let ended = match arguments.first().map(String::as_str) {
        Some(maker::WORD) => maker::run(&arguments),
        Some(worlds::COMPARE) => worlds::compare(&arguments[1..]),
        Some(worlds::WORD) => worlds::inside(&arguments[1..]),
        _ => worlds::all(&arguments),
    };
    #[cfg(not(target_os = "linux"))]
    let ended = Err(std::io::Error::other(format!("it is made for Linux, and takes no {arguments:?} elsewhere")));
    match ended {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("versus_ss: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
