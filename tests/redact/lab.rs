//! A live host with telling names, recorded with and without `--redact`.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::support::sockets::set_hostname;
use super::support::world::{Holder, Need, earmark, hold_program, start, world};
use super::{holds, look};

fn run(line: &str) -> bool {
    let mut words = line.split(' ');
    let program = words.next().expect("a program");
    Command::new(program).args(words).status().is_ok_and(|status| status.success())
}

/// Starts a copy of the program that holds sockets, under another name and as another user.
fn hold(path: &str, user: u32, words: &[&str]) -> Holder {
    std::fs::copy(hold_program(), path).expect("a copy");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    start(Command::new(path).args(words).uid(user).gid(user))
}

fn capture(arguments: &[&str]) -> String {
    let output = earmark(&[&["capture"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_live_host_is_judged_as_before_and_holds_no_name() {
    world("lab::a_live_host_is_judged_as_before_and_holds_no_name", Need::Root, || {
        set_hostname("ledger7.acme.example").expect("a name");
        for place in ["/run", "/home", "/opt", "/srv"] {
            assert!(run(&format!("mount -t tmpfs none {place}")), "{place}");
        }
        let passwd = "root:x:0:0::/root:/bin/sh\nwilhelmina:x:4711:4711::/home/wilhelmina:/bin/sh\n";
        std::fs::write("/srv/passwd", passwd).expect("written");
        assert!(run("mount --bind /srv/passwd /etc/passwd"));
        for address in ["93.184.216.34/24", "93.184.216.35/24", "10.20.30.40/16", "2a01:4f8:1:2::17/64"] {
            assert!(run(&format!("ip addr add {address} dev lo")), "{address}");
        }
        assert!(run("ip netns add tenant-blue"));
        for folder in ["/home/wilhelmina/bin", "/opt/acme", "/srv/acme", "/run/acme-ledger"] {
            std::fs::create_dir_all(folder).expect("a folder");
        }
        // Not every kernel has such a device.
        if run("ip link add acme-wan type dummy") {
            assert!(run("ip link set acme-wan up"));
        }
        let _held = [
            hold(
                "/opt/acme/acme-ledgerd",
                0,
                &["tcp/93.184.216.34:8443", "tcp/[2a01:4f8:1:2::17]:8443", "udp/0.0.0.0:5999"],
            ),
            hold(
                "/home/wilhelmina/bin/sync tool",
                4711,
                &["--name", "sync tool", "tcp/93.184.216.35:9100", "tcp/10.20.30.40:2049"],
            ),
            hold("/srv/acme/sshd", 0, &["tcp/0.0.0.0:22", "raw/0.0.0.0:1", "packet/0x0800"]),
            hold(
                "/opt/acme/bus",
                0,
                &["unix/stream:/run/acme-ledger/bus.sock", "unix/dgram:@acme-control", "tcp/127.0.0.1:6379"],
            ),
        ];
        let deleted = hold("/srv/acme/stage2", 4711, &["tcp/127.0.0.1:4444", "tcp/0.0.0.0:3221"]);
        std::fs::remove_file("/srv/acme/stage2").expect("removed");
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", "tenant-blue", "/opt/acme/acme-ledgerd", "--loopback", "tcp/0.0.0.0:7008"]);
        let _inside = start(&mut inside);

        let (plain, redacted) = (capture(&["--cmdline"]), capture(&["--cmdline", "--redact"]));
        assert!(look(&plain).sockets.len() >= 14, "{plain}");
        holds("a live host", &plain, &redacted);
        let lower = redacted.to_lowercase();
        for name in ["acme", "ledger", "wilhelmina", "4711", "sync tool", "stage2", "tenant", "93.184", "tcp/"] {
            assert_eq!(lower.lines().find(|line| line.contains(name)), None, "{name}");
        }
        for name in ["acme-ledgerd", "wilhelmina", "sync tool", "stage2", "tenant-blue", "ledger7"] {
            assert!(plain.contains(name), "{name}");
        }
        drop(deleted);
    });
}
