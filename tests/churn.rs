//! Sockets that stay, beside sockets and processes that come and go as fast as they can: no run may miss one that stays,
//! nor name another owner. `EARMARK_CHURN_SECONDS=60` takes a minute instead of ten seconds.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test opens sockets and reads clocks")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use earmark::collect::{Ask, snapshot};
use earmark::model::{Local, Snapshot, TableStatus, Transport};
use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use support::world::{Need, hold, world};

/// Processes that hold sockets that stay, and how many of each kind each of them has: 2,000 in all.
const HOLDERS: u16 = 20;
const OF_EACH_KIND: u16 = 25;
/// Below the ports that the kernel hands out.
const FIRST_PORT: u16 = 10_000;

/// What tells one socket that stays from the others.
type Place = (Transport, IpAddr, u16);

fn place(transport: Transport, ip: impl Into<IpAddr>, port: u16) -> Place {
    (transport, ip.into(), port)
}

/// How often something came about in all runs.
#[derive(Debug, Default)]
struct Figures {
    runs: u64,
    missed: u64,
    wrong_owner: u64,
    single_readings: u64,
    single_missed: u64,
    unstable: u64,
    fewest_rows: usize,
    most_rows: usize,
}

#[test]
fn no_run_misses_a_socket_that_stays() {
    world("no_run_misses_a_socket_that_stays", Need::Namespaces, || {
        let seconds = std::env::var("EARMARK_CHURN_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
        let mut staying: BTreeMap<Place, u32> = BTreeMap::new();
        let mut holders = Vec::new();
        for at in 0..HOLDERS {
            let ports: Vec<u16> = (0..OF_EACH_KIND).map(|n| FIRST_PORT + at * OF_EACH_KIND + n).collect();
            let words = ports.iter().flat_map(|port| {
                ["tcp/127.0.0.1:", "udp/127.0.0.1:", "tcp/[::1]:", "udp/[::1]:"].map(|kind| format!("{kind}{port}"))
            });
            let words: Vec<String> = words.collect();
            let holder = hold(&words.iter().map(String::as_str).collect::<Vec<_>>());
            for port in ports {
                for transport in [Transport::Tcp, Transport::Udp] {
                    staying.insert(place(transport, Ipv4Addr::LOCALHOST, port), holder.pid());
                    staying.insert(place(transport, Ipv6Addr::LOCALHOST, port), holder.pid());
                }
            }
            holders.push(holder);
        }
        let (over, opened, spawned) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        let figures = std::thread::scope(|scope| {
            for at in 0..3 {
                let (over, opened) = (&over, &opened);
                scope.spawn(move || churn(at, over, opened));
            }
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let _ = std::process::Command::new("true").status();
                    spawned.fetch_add(1, Ordering::Relaxed);
                }
            });
            // A panic below must not leave the others running for ever.
            let watched = std::panic::catch_unwind(|| watch(&staying, Duration::from_secs(seconds.unwrap_or(10))));
            over.store(true, Ordering::Relaxed);
            watched
        });
        let figures = figures.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let (opened, spawned) = (opened.into_inner(), spawned.into_inner());
        let staying = staying.len();
        let told = format!("{staying} stay, {opened} were opened and closed, {spawned} processes ended; {figures:?}");
        // On a line of its own, after what libtest has begun to say.
        writeln!(std::io::stdout(), "\nfigures: {told}").expect("stdout is there");
        assert!(figures.runs > 0 && opened > 1000, "there was something to see: {figures:?}, {opened} opened");
        assert_eq!((figures.missed, figures.wrong_owner), (0, 0), "{figures:?}");
    });
}

/// Opens and closes sockets as fast as it can.
fn churn(at: usize, over: &AtomicBool, opened: &AtomicU64) {
    let ip =
        |n: usize| if n.is_multiple_of(2) { IpAddr::from(Ipv4Addr::LOCALHOST) } else { Ipv6Addr::LOCALHOST.into() };
    let mut kept: Vec<(Option<TcpListener>, Option<UdpSocket>)> = Vec::new();
    for n in at.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        kept.push((TcpListener::bind((ip(n), 0)).ok(), UdpSocket::bind((ip(n), 0)).ok()));
        opened.fetch_add(2, Ordering::Relaxed);
        // Some live on for a while, so that chains of the kernel's hashes have members that go from their middle.
        if kept.len() > 50 {
            kept.swap_remove(n * 7 % 50);
        }
    }
}

/// Looks again and again, and counts.
fn watch(staying: &BTreeMap<Place, u32>, time: Duration) -> Figures {
    let mut figures = Figures { fewest_rows: usize::MAX, ..Figures::default() };
    let places: BTreeSet<Place> = staying.keys().copied().collect();
    let began = Instant::now();
    while began.elapsed() < time {
        for _ in 0..5 {
            figures.single_readings += 1;
            figures.single_missed += u64::from(!places.is_subset(&single_reading()));
        }
        let seen = snapshot(None, &Ask::default()).expect("this is Linux");
        figures.runs += 1;
        let owners = owners(&seen);
        for (place, pid) in staying {
            match owners.get(place) {
                None => figures.missed += 1,
                Some(pids) if *pids != BTreeSet::from([*pid]) => figures.wrong_owner += 1,
                Some(_) => {}
            }
        }
        figures.unstable += u64::from(seen.tables.iter().any(|table| table.status == TableStatus::Unstable));
        figures.fewest_rows = figures.fewest_rows.min(seen.sockets.len());
        figures.most_rows = figures.most_rows.max(seen.sockets.len());
    }
    figures
}

/// The processes that hold what is at each place.
fn owners(seen: &Snapshot) -> BTreeMap<Place, BTreeSet<u32>> {
    let mut owners: BTreeMap<Place, BTreeSet<u32>> = BTreeMap::new();
    for (at, socket) in seen.sockets.iter().enumerate() {
        if let Local::Inet { ip, port } = socket.local {
            let pids = seen.holders_of(at).iter().map(|holder| seen.processes[holder.process as usize].pid);
            owners.entry(place(socket.transport, ip, port)).or_default().extend(pids);
        }
    }
    owners
}

/// What one dump of each table tells, as a program sees it that reads but once.
fn single_reading() -> BTreeSet<Place> {
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const REQUEST_DUMP: u16 = 0x301;
    let mut places = BTreeSet::new();
    let socket =
        rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(SOCK_DIAG))
            .expect("netlink");
    let mut room = vec![0u8; 64 * 1024];
    for (transport, protocol, states) in [(Transport::Tcp, 6u8, 1u32 << 10), (Transport::Udp, 17, 1 << 7)] {
        for family in [2u8, 10] {
            let head = [&72u32.to_ne_bytes()[..], &SOCK_DIAG_BY_FAMILY.to_ne_bytes(), &REQUEST_DUMP.to_ne_bytes()];
            let body = [&[0; 8][..], &[family, protocol, 0, 0], &states.to_ne_bytes(), &[0; 48]];
            let request = [head.concat(), body.concat()].concat();
            rustix::net::sendto(&socket, &request, SendFlags::empty(), &SocketAddrNetlink::new(0, 0)).expect("sent");
            let mut more = true;
            while more {
                let (length, _) = rustix::net::recv(&socket, &mut room[..], RecvFlags::empty()).expect("received");
                let mut rest = &room[..length];
                while let Some((size, kind)) = rest.first_chunk::<6>().map(|head| {
                    (u32::from_ne_bytes([head[0], head[1], head[2], head[3]]), u16::from_ne_bytes([head[4], head[5]]))
                }) {
                    more &= kind == SOCK_DIAG_BY_FAMILY;
                    if kind == SOCK_DIAG_BY_FAMILY && rest.len() >= 88 {
                        let port = u16::from_be_bytes([rest[20], rest[21]]);
                        let address: [u8; 16] = rest[24..40].try_into().expect("16 bytes");
                        let ip = match family {
                            2 => IpAddr::from([address[0], address[1], address[2], address[3]]),
                            _ => address.into(),
                        };
                        places.insert(place(transport, ip, port));
                    }
                    rest = rest.get((size as usize).next_multiple_of(4).max(16)..).unwrap_or_default();
                }
            }
        }
    }
    places
}
