//! The worlds, and what is run in each.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::maker::{self, Load};
use crate::measure::{self, Run};

/// The first argument that leads to [`inside`].
pub const WORD: &str = "world";

/// The first argument that leads to [`compare`].
pub const COMPARE: &str = "compare";

/// The programs take turns for no longer than this in one world.
const PATIENCE: Duration = Duration::from_secs(120);

const QUIET: Load =
    Load { processes: 12, listeners: 16, datagrams: 8, connections: 8, descriptors: 150, shared: 0, base: 0 };

/// Name, load and rounds of each world.
fn worlds() -> [(&'static str, Load, usize); 5] {
    // As many descriptors with connections as without: each costs a look, whatever it leads to.
    let many = Load { processes: 100, listeners: 500, datagrams: 100, descriptors: 21_500, ..Load::default() };
    [
        ("quiet", QUIET, 101),
        (
            "loaded",
            Load { processes: 800, listeners: 4000, connections: 6000, descriptors: 36_000, ..Load::default() },
            31,
        ),
        ("no connections", many, 41),
        ("10,000 connections", Load { connections: 10_000, ..many }, 41),
        ("shared", Load { processes: 500, shared: 1000, ..Load::default() }, 7),
    ]
}

/// Makes every world and runs the programs in each.
pub fn all(arguments: &[String]) -> io::Result<()> {
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let rounds = arguments.iter().position(|argument| argument == "--rounds");
    let rounds = rounds.and_then(|at| arguments.get(at + 1)).and_then(|rounds| rounds.parse::<usize>().ok());
    let Some(unshare) = namespaces() else {
        println!("NOT RUN: it needs unshare(1), and root or user namespaces");
        return Ok(());
    };
    if measure::keep(&["ss".into(), "-V".into()]).is_err() {
        println!("NOT RUN: there is no ss to compare with");
        return Ok(());
    }
    machine();
    println!("\n| world | program | wall, median | of ss | least | processor | peak memory |");
    println!("|---|---|--:|--:|--:|--:|--:|");
    for (name, load, most) in worlds() {
        let rounds = if quick { 3 } else { rounds.unwrap_or(most) };
        let own = std::env::current_exe()?;
        let words = [WORD.to_owned(), name.to_owned(), rounds.to_string()];
        let status =
            Command::new(&unshare[0]).args(&unshare[1..]).arg(own).args(words).args(load.arguments()).status()?;
        if !status.success() {
            return Err(io::Error::other(format!("the world {name} ended with {status}")));
        }
    }
    Ok(())
}

/// The command that makes namespaces, where this user may make them.
fn namespaces() -> Option<Vec<String>> {
    let mut words: Vec<String> =
        ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"].map(str::to_owned).to_vec();
    if !rustix::process::geteuid().is_root() {
        words.push("--map-root-user".into());
    }
    let able = Command::new(&words[0]).args(&words[1..]).arg("true").stderr(Stdio::null()).status();
    able.is_ok_and(|status| status.success()).then_some(words)
}

/// Says on what it was measured.
fn machine() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let version = measure::keep(&["ss".into(), "-V".into()]).unwrap_or_default();
    println!("- CPU: {}, {cores} cores", model.map_or("not known", |(_, model)| model.trim()));
    println!("- Linux {}", read("/proc/sys/kernel/osrelease").trim());
    println!("- {}", String::from_utf8_lossy(&version).trim());
    let load = read("/proc/loadavg");
    println!("- load before: {}", load.split(' ').next().unwrap_or_default());
}

/// Within a world: makes its load, compares what is seen, and times.
pub fn inside(arguments: &[String]) -> io::Result<()> {
    install()?;
    let [name, rounds, load @ ..] = arguments else { return Err(io::ErrorKind::InvalidInput.into()) };
    maker::raise_loopback()?;
    let own = std::env::current_exe()?;
    let mut child =
        Command::new(own).arg(maker::WORD).args(load).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut ready = String::new();
    BufReader::new(child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?).read_line(&mut ready)?;
    let counts: BTreeMap<&str, usize> = ready
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .filter_map(|(name, count)| Some((name, count.parse().ok()?)))
        .collect();
    let count = |name: &str| counts.get(name).copied().unwrap_or_default();
    let shared = load.iter().position(|word| word == "--shared").and_then(|at| load.get(at + 1)?.parse().ok());
    let listeners = count("listeners") + count("datagrams");
    let shared: usize = shared.unwrap_or(0);
    let held = listeners - shared + shared * count("processes");
    // In a process of its own: the memory that it takes would count as that of every program that is timed after it.
    let seen =
        Command::new(std::env::current_exe()?).args([COMPARE, &listeners.to_string(), &held.to_string()]).status()?;
    if !seen.success() {
        return Err(io::Error::other("not everything was seen"));
    }
    times(name, &ready, rounds.parse().map_err(io::Error::other)?)?;
    drop(child.stdin.take());
    child.wait().map(|_| ())
}

fn earmark() -> String {
    format!("{}-installed", env!("CARGO_BIN_EXE_earmark"))
}

/// Copies the program as an installation does. The file that the linker has just written lies in small pieces in the cache
/// of the kernel, which maps each of them by itself: that costs a tenth of a quiet run, and no program that is installed.
fn install() -> io::Result<()> {
    std::fs::copy(env!("CARGO_BIN_EXE_earmark"), earmark()).map(|_| ())
}

/// Compares what both programs see with what is there: listeners, and pairs of a listener and a process that holds it.
pub fn compare(there: &[String]) -> io::Result<()> {
    let there: Vec<usize> = there.iter().filter_map(|number| number.parse().ok()).collect();
    let [listeners, held] = there[..] else { return Err(io::ErrorKind::InvalidInput.into()) };
    let ss = measure::keep(&["ss", "-H", "-tulpn"].map(str::to_owned))?;
    let ss = String::from_utf8_lossy(&ss).into_owned();
    let by_ss = (ss.lines().count(), ss.matches("pid=").count());
    let json = measure::keep(&[earmark(), "--json".to_owned(), "-tu".to_owned()])?;
    let report: serde_json::Value = serde_json::from_slice(&json).map_err(io::Error::other)?;
    let rows = report["listeners"].as_array().map(Vec::as_slice).unwrap_or_default();
    let owners = rows.iter().filter_map(|row| row["owner_count"].as_u64()).sum::<u64>();
    let by_us = (rows.len(), usize::try_from(owners).unwrap_or_default());
    let there = (listeners, held);
    if (by_us, by_ss) == (there, there) {
        return Ok(());
    }
    Err(io::Error::other(format!("(listeners, holders): there are {there:?}, ss sees {by_ss:?}, earmark {by_us:?}")))
}

/// Times the programs in turn.
fn times(name: &str, ready: &str, rounds: usize) -> io::Result<()> {
    let mut programs: Vec<(&str, Vec<String>)> = vec![
        ("ss -tulpn", words("ss -tulpn")),
        ("earmark", vec![earmark()]),
        ("earmark -tu", vec![earmark(), "-tu".to_owned()]),
    ];
    for other in ["lsof -nP -i", "netstat -tulpn"] {
        let program = other.split(' ').next().unwrap_or_default();
        if ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|place| Path::new(place).join(program).exists()) {
            programs.push((other, words(other)));
        }
    }
    let mut runs: Vec<Vec<Run>> = programs.iter().map(|_| Vec::new()).collect();
    let began = Instant::now();
    // The first round fills caches, and does not count.
    for round in 0..=rounds {
        for (at, (_, words)) in programs.iter().enumerate() {
            // The others are there for comparison: a few times tell enough.
            if at > 2 && round > 5 {
                continue;
            }
            let run = measure::time(words)?;
            if round > 0 {
                runs[at].push(run);
            }
        }
        if began.elapsed() > PATIENCE && round > 2 {
            break;
        }
    }
    let median = |runs: &[Run], of: fn(&Run) -> Duration| measure::median(&mut runs.iter().map(of).collect::<Vec<_>>());
    let ss = median(&runs[0], |run| run.wall).as_secs_f64();
    for ((program, _), runs) in programs.iter().zip(&runs) {
        let wall = median(runs, |run| run.wall).as_secs_f64();
        let processor = median(runs, |run| run.processor).as_secs_f64() * 1e3;
        let least = runs.iter().map(|run| run.wall).min().unwrap_or_default().as_secs_f64() * 1e3;
        let peak = runs.iter().map(|run| run.peak).max().unwrap_or_default() as f64 / 1024.0;
        let ratio = wall / ss;
        let wall = wall * 1e3;
        println!(
            "| {name} | {program} | {wall:.1} ms | {ratio:.2} | {least:.1} ms | {processor:.1} ms | {peak:.1} MiB |"
        );
    }
    println!("| | {} rounds: {} | | | | | |", runs[0].len(), ready.trim().trim_start_matches("ready "));
    Ok(())
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}
