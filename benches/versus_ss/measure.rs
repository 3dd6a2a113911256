//! One run of one program: its time, its memory, and what it said.

#![expect(unsafe_code, reason = "wait4(2) alone tells the peak of one child's memory, and no safe crate here has it")]

use std::io::{self, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one run took.
pub struct Run {
    /// From before it was started until it was gone and its output read.
    pub wall: Duration,
    /// In user and kernel mode, all threads.
    pub processor: Duration,
    /// The peak of its memory, in KiB. Never less than that of this program, from which it was forked.
    pub peak: u64,
}

/// Runs a program once, and keeps what it says.
pub fn keep(words: &[String]) -> io::Result<Vec<u8>> {
    let mut output = Vec::new();
    run(words, |part| output.extend_from_slice(part))?;
    Ok(output)
}

/// Runs a program once, and reads what it says without keeping it: what this program keeps would count as the memory of
/// all that are run after it.
pub fn time(words: &[String]) -> io::Result<Run> {
    run(words, |_| ())
}

fn run(words: &[String], mut take: impl FnMut(&[u8])) -> io::Result<Run> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let started = Instant::now();
    let mut command = Command::new(program);
    let mut child =
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut part = [0; 64 * 1024];
    loop {
        match stdout.read(&mut part)? {
            0 => break,
            length => take(&part[..length]),
        }
    }
    let pid = child.id().cast_signed();
    let mut status = 0;
    // SAFETY: a structure of numbers, for which all bits 0 are a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers lead to values that live across the call; the child is ours, and is waited for only here.
    if unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) } != pid {
        return Err(io::Error::last_os_error());
    }
    let wall = started.elapsed();
    if !libc::WIFEXITED(status) {
        return Err(io::Error::other(format!("{program} was killed")));
    }
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_micros(time.tv_usec.unsigned_abs())
    };
    let processor = time(usage.ru_utime) + time(usage.ru_stime);
    Ok(Run { wall, processor, peak: usage.ru_maxrss.unsigned_abs() })
}

/// The median; zero of nothing.
pub fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
