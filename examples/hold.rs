//! Holds sockets open until its standard input ends: a daemon of any kind and name for tests and captures.
//!
//!     cargo run --example hold -- [--loopback] [--name COMM] [--user UID] [--workers N] [--by WAY] SOCKET…
//!
//! Each SOCKET is a word as `tests/support/sockets.rs` has it. A worker is a process that inherits every
//! socket; `--loopback` brings the loopback device of a new network namespace up first. `--user` is who holds them, `--by`
//! holds them by a thread (`thread`), a process whose first thread has ended (`orphan`), an io_uring (`ring`), a message
//! that nobody receives (`message`), or from another network namespace (`away`).

#![cfg_attr(
    target_os = "linux",
    expect(clippy::disallowed_methods, clippy::disallowed_macros, clippy::print_stdout, reason = "a tool for tests")
)]

#[cfg(target_os = "linux")]
#[path = "../tests/support/sockets.rs"]
mod sockets;
#[cfg(target_os = "linux")]
#[path = "../tests/support/ways.rs"]
mod ways;

/// Opens the sockets in the way that was asked for, and keeps what holds them.
#[cfg(target_os = "linux")]
fn hold_by(way: &str, words: Vec<String>) -> std::io::Result<()> {
    use std::io::Read as _;
    let open = || words.iter().map(|word| sockets::open(word)).collect::<std::io::Result<Vec<_>>>();
    let wait = || {
        println!("ready");
        std::io::stdin().read_to_end(&mut Vec::new()).map(drop)
    };
    match way {
        "thread" | "orphan" => {
            let orphan = way == "orphan";
            let words = words.clone();
            let thread = std::thread::spawn(move || -> std::io::Result<()> {
                if !orphan {
                    ways::own_table()?;
                }
                let _held = words.iter().map(|word| sockets::open(word)).collect::<std::io::Result<Vec<_>>>()?;
                if orphan {
                    // Until the first thread is gone.
                    std::thread::sleep(std::time::Duration::from_millis(200));
                }
                println!("ready");
                std::io::stdin().read_to_end(&mut Vec::new())?;
                std::process::exit(0)
            });
            if orphan {
                ways::end_thread();
            }
            thread.join().unwrap_or_else(|_| Err(std::io::Error::other("the thread panicked")))
        }
        "ring" => {
            let _rings = open()?.into_iter().map(ways::register).collect::<std::io::Result<Vec<_>>>()?;
            wait()
        }
        "message" => {
            let _pairs = open()?.into_iter().map(ways::send_away).collect::<std::io::Result<Vec<_>>>()?;
            wait()
        }
        _ => {
            let _held = open()?;
            ways::other_namespace()?;
            wait()
        }
    }
}

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
    if let Some(user) = option("--user").and_then(|user| user.to_str()?.parse().ok()) {
        sockets::become_user(user)?;
    }
    let workers: u32 = option("--workers").and_then(|count| count.to_str()?.parse().ok()).unwrap_or(0);
    if let Some(way) = option("--by") {
        return hold_by(&way.to_string_lossy(), words.iter().map(|word| word.to_string_lossy().into_owned()).collect());
    }
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
