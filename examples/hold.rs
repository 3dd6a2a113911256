//! Holds sockets open until its standard input ends: a daemon of any kind and name for tests and captures.
//!
//!     cargo run --example hold -- [--loopback] [--name COMM] [--workers N] SOCKET…
//!
//! Each SOCKET is a word as `tests/support/sockets.rs` has it. A worker is a process that inherits every
//! socket; `--loopback` brings the loopback device of a new network namespace up first.

#![cfg_attr(
    target_os = "linux",
    expect(clippy::disallowed_methods, clippy::disallowed_macros, clippy::print_stdout, reason = "a tool for tests")
)]

#[cfg(target_os = "linux")]
#[path = "../tests/support/sockets.rs"]
mod sockets;

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<()> {
    use std::ffi::OsString;
    use std::io::Read as _;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::ffi::OsStrExt as _;
    use std::process::{Command, Stdio};

    sockets::die_with_parent()?;
    let mut words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if words.first().is_some_and(|word| word == "--loopback") {
        words.remove(0);
        sockets::loopback_up()?;
    }
    let mut option = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.remove(at);
        Some(words.remove(at))
    };
    if let Some(name) = option("--name") {
        sockets::set_name(name.as_bytes())?;
    }
    let workers: u32 = option("--workers").and_then(|count| count.to_str()?.parse().ok()).unwrap_or(0);
    let mut held = Vec::new();
    for word in words.iter().map(|word| word.to_string_lossy()) {
        let socket = sockets::open(&word).map_err(|error| std::io::Error::other(format!("{word}: {error}")))?;
        if workers > 0 {
            sockets::inherit(&socket)?;
        }
        held.push(socket);
    }
    let mut children = Vec::new();
    for _ in 0..workers {
        children.push(Command::new("/proc/self/exe").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?);
    }
    println!("ready {}", held.iter().map(|socket| socket.as_raw_fd().to_string()).collect::<Vec<_>>().join(" "));
    std::io::stdin().read_to_end(&mut Vec::new())?;
    for mut child in children {
        child.kill()?;
        child.wait()?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {}
