//! Processes that listen, and are another program or another process a moment later: no run may name one that never held
//! the socket. `EARMARK_CHURN_SECONDS=60` takes a minute instead of five seconds.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test makes processes and reads clocks")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use earmark::collect::{Ask, snapshot};
use earmark::model::{Local, Process, Snapshot, Text};
use support::fork::{Life, Plan, name, wait};
use support::world::{Need, hold, world};

/// Ports of what stays, and of what comes and goes: each thread has a range of its own.
const STAYING: [u16; 4] = [9001, 9002, 9003, 9004];
const FIRST: u16 = 10_000;
const OF_A_THREAD: u16 = 5_000;
/// The first of two pids that are given away again and again.
const REUSED: u32 = 20_000;
/// What the processes of each thread do.
const LIVES: [&[Life]; 3] = [&[Life::Ends], &[Life::Executes], &[Life::HandsOn, Life::Executes]];

/// How often something came about.
#[derive(Debug, Default)]
struct Figures {
    runs: u64,
    /// Owners of what comes and goes, by what was found out of them.
    right: u64,
    inherited: u64,
    raced: u64,
    wrong: Vec<String>,
    without_owner: u64,
    /// Of what stays.
    missed: u64,
    marked: u64,
}

#[test]
fn no_run_names_a_process_that_never_held_the_socket() {
    world("no_run_names_a_process_that_never_held_the_socket", Need::Namespaces, || {
        let seconds = std::env::var("EARMARK_CHURN_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
        let holders: BTreeMap<u16, _> =
            STAYING.into_iter().map(|port| (port, hold(&[&format!("tcp/127.0.0.1:{port}")]))).collect();
        let staying: BTreeMap<u16, u32> = holders.iter().map(|(port, holder)| (*port, holder.pid())).collect();
        let (over, forked, reused) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        // Which pid comes next is one number for all.
        let next = Mutex::new(());
        let watched = std::thread::scope(|scope| {
            for (at, lives) in LIVES.iter().enumerate() {
                let (over, forked, reused, next) = (&over, &forked, &reused, &next);
                let first = FIRST + at as u16 * OF_A_THREAD;
                // Two share what pids there are: what executes may come after what ended.
                let last = (at < 2).then_some(REUSED - 1);
                scope.spawn(move || come_and_go(first, lives, last, (over, forked, reused, next)));
            }
            // A panic below must not leave the others running for ever.
            let watched = std::panic::catch_unwind(|| watch(&staying, Duration::from_secs(seconds.unwrap_or(5))));
            over.store(true, Ordering::Relaxed);
            watched
        });
        let figures = watched.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let (forked, reused) = (forked.into_inner(), reused.into_inner());
        writeln!(std::io::stdout(), "\nfigures: {forked} processes, {reused} with a pid of before; {figures:?}")
            .expect("stdout is there");
        assert!(figures.wrong.is_empty() && figures.missed == 0, "{figures:?}");
        assert!(figures.runs > 0, "{figures:?}");
        // A slow machine takes so long for a run that what comes and goes is gone by then.
        if figures.right == 0 || reused <= 100 {
            let _ = writeln!(
                std::io::stderr(),
                "NOT RUN on a machine as slow as this: of {} processes with a pid of before {} runs saw {} owners, too few to judge",
                reused,
                figures.runs,
                figures.right
            );
        }
    });
}

/// Makes processes as fast as they end. With `last` each gets the pid after it, or the next that nobody has.
fn come_and_go(
    first: u16,
    lives: &[Life],
    last: Option<u32>,
    (over, forked, reused, next): (&AtomicBool, &AtomicU64, &AtomicU64, &Mutex<()>),
) {
    for n in 0usize.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let port = first + (n * 2 % usize::from(OF_A_THREAD)) as u16;
        // Some are gone at once, some stay for as long as a run may take to come by.
        let plan = Plan::new(port, lives[n % lives.len()], (n % 7) as i64 * 400_000).expect("a plan");
        let child = {
            let _alone = next.lock().expect("nobody panicked");
            plan.fork(last).expect("a child")
        };
        forked.fetch_add(1, Ordering::Relaxed);
        reused.fetch_add(u64::from((REUSED..REUSED + 2).contains(&child.cast_unsigned())), Ordering::Relaxed);
        wait(child);
    }
}

/// Looks again and again, and compares each owner with what it called itself when it opened the socket.
fn watch(staying: &BTreeMap<u16, u32>, time: Duration) -> Figures {
    let mut figures = Figures::default();
    let own = std::env::current_exe().expect("our own path");
    let own = Text::from(own.to_str().expect("UTF-8"));
    let began = Instant::now();
    while began.elapsed() < time {
        let seen = snapshot(None, &Ask::default()).expect("this is Linux");
        figures.runs += 1;
        for (port, pid) in staying {
            let owners = owners(&seen, *port);
            figures.missed += u64::from(owners.iter().map(|process| process.pid).ne([*pid]));
            figures.marked += u64::from(owners.iter().any(|process| process.raced));
        }
        for (at, socket) in seen.sockets.iter().enumerate() {
            let Local::Inet { port: port @ FIRST.., .. } = socket.local else { continue };
            let holders = seen.holders_of(at);
            figures.without_owner += u64::from(holders.is_empty());
            for process in holders.iter().map(|holder| &seen.processes[holder.process as usize]) {
                // A port that is handed on is the odd one after that which the process is called by.
                let called = name(port - port % 2);
                let comm = process.comm.as_ref().map(Text::escaped).unwrap_or_default();
                // Who is about to end has no file any more.
                if comm == called && process.exe.as_ref().is_none_or(|exe| *exe == own) {
                    figures.right += 1;
                } else if port % 2 == 1 && comm == "sleep" {
                    figures.inherited += 1;
                } else if process.raced || socket.raced {
                    figures.raced += 1;
                } else {
                    let exe = process.exe.as_ref().map(Text::escaped);
                    figures.wrong.push(format!("port {port}: pid {} {comm} {exe:?}", process.pid));
                }
            }
        }
    }
    figures
}

/// The processes that hold what is at a port.
fn owners(seen: &Snapshot, port: u16) -> Vec<&Process> {
    let here = |local: &Local| matches!(local, Local::Inet { port: this, .. } if *this == port);
    let at = seen.sockets.iter().enumerate().filter(|(_, socket)| here(&socket.local)).map(|(at, _)| at);
    at.flat_map(|at| seen.holders_of(at)).map(|holder| &seen.processes[holder.process as usize]).collect()
}
