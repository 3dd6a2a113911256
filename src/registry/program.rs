//! The names of programs, and which of them say nothing about the service.

/// A program's base name as owners are compared by: lower case, without `.exe`, without a version behind it
/// (`php-fpm8.2` is `php-fpm`, `python3` is `python`). Bytes, because a file name is bytes.
pub(super) fn canonical(base: &[u8]) -> Vec<u8> {
    let mut name = base.to_ascii_lowercase();
    if let Some(stem) = name.strip_suffix(b".exe") {
        name.truncate(stem.len());
    }
    let digits = |name: &[u8]| name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let versioned = name.iter().rev().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let version = &name[name.len() - versioned..];
    // 8.2 is a version; the 4 of exim4 belongs to the name.
    let dotted = version.contains(&b'.') && !version.starts_with(b".") && !version.ends_with(b".");
    if dotted && versioned < name.len() {
        name.truncate(name.len() - versioned);
    }
    let plain = name.len() - digits(&name);
    if VERSIONED.contains(&&name[..plain]) {
        name.truncate(plain);
    }
    name
}

/// Programs that are installed with their version behind their name.
const VERSIONED: [&[u8]; 7] = [b"python", b"perl", b"ruby", b"php", b"php-fpm", b"lua", b"node"];

/// What a program says about the service behind its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// It is the service.
    Server,
    /// It runs any service: the script decides.
    Interpreter,
    /// It serves any application: being listed once says more than being listed by several services of one port.
    Host,
    /// It stands in front of any service.
    Proxy,
    /// It opens sockets for others and is never the service.
    GoBetween,
}

/// The role of a program by its canonical name.
pub(super) fn role(canonical: &[u8]) -> Role {
    let among = |list: &[&str]| list.iter().any(|name| name.as_bytes() == canonical);
    if among(&GO_BETWEENS) {
        Role::GoBetween
    } else if among(&INTERPRETERS) {
        Role::Interpreter
    } else if among(&PROXIES) {
        Role::Proxy
    } else if among(&HOSTS) {
        Role::Host
    } else {
        Role::Server
    }
}

/// True for a name that programs which have nothing to do with each other bear: it may confirm the service that lists
/// it, since port and name agree, but on another port it is no sign that this service moved there.
pub(super) fn is_common(canonical: &[u8]) -> bool {
    canonical.len() <= SHORT || COMMON.iter().any(|name| name.as_bytes() == canonical)
}

/// Names of so few bytes are abbreviations, and every one of them stands for several things.
const SHORT: usize = 3;

/// Words of the trade and of the dictionary that are names of programs. Those that no service lists are here for
/// overlays.
const COMMON: [&str; 134] = [
    "agent",
    "all-in-one-linux",
    "anvil",
    "application",
    "backend",
    "bird",
    "boundary",
    "bridge",
    "brook",
    "bundle",
    "cache",
    "cache-main",
    "charles",
    "chisel",
    "chroma",
    "clash",
    "client",
    "cluster-agent",
    "code",
    "codium",
    "collector",
    "conduit",
    "configd",
    "control",
    "controlcenter",
    "controller",
    "core",
    "cortex",
    "daemon",
    "dashboard",
    "dask",
    "deluge",
    "dragonfly",
    "emulator",
    "engine",
    "ergo",
    "exporter",
    "fileserver",
    "firebase",
    "fleet",
    "flower",
    "fort",
    "frontend",
    "func",
    "gateway",
    "ghost",
    "glider",
    "gost",
    "helper",
    "hitch",
    "hugo",
    "idea",
    "imap",
    "index",
    "indexer",
    "inet",
    "keeper",
    "kine",
    "kong",
    "launcher",
    "lighthouse",
    "locust",
    "main",
    "manager",
    "master",
    "metrics",
    "metronome",
    "monit",
    "monitor",
    "monkey",
    "motion",
    "music",
    "naive",
    "nebula",
    "nomad",
    "octa",
    "odyssey",
    "opener",
    "opera",
    "outstation",
    "pilot-agent",
    "plex",
    "pop3",
    "popper",
    "pound",
    "proxy",
    "puppet",
    "receptor",
    "registry",
    "relay",
    "rest-server",
    "rider",
    "routed",
    "router",
    "runner",
    "scheduler",
    "sentinel",
    "server",
    "service",
    "services",
    "sidecar",
    "smart-proxy",
    "smtp",
    "snmp",
    "sofia",
    "solanum",
    "speaker",
    "station",
    "steam",
    "storage",
    "stratum",
    "stubby",
    "studio",
    "sunshine",
    "supervisor",
    "system",
    "telemetry",
    "tempo",
    "temporal",
    "tentacle",
    "thin",
    "timed",
    "trace-agent",
    "tracker",
    "transmission",
    "trojan",
    "tunnel",
    "vault",
    "vector",
    "weaver",
    "webs",
    "wings",
    "worker",
    "zebra",
];

const GO_BETWEENS: [&str; 14] = [
    "systemd",
    "launchd",
    "init",
    "inetd",
    "xinetd",
    "inetutils-inetd",
    "tcpserver",
    "docker-proxy",
    "rootlessport",
    "com.docker.backend",
    "slirp4netns",
    "svchost",
    "conmon",
    "systemd-socket-proxyd",
];

const INTERPRETERS: [&str; 27] = [
    "java",
    "javaw",
    "jsvc",
    "node",
    "nodejs",
    "python",
    "pythonw",
    "pypy3",
    "perl",
    "ruby",
    "php",
    "php-cgi",
    "beam.smp",
    "beam",
    "erl",
    "dotnet",
    "mono",
    "mono-sgen",
    "deno",
    "bun",
    "lua",
    "luajit",
    "guile",
    "busybox",
    "qemu-user",
    "bash",
    "rscript",
];

const HOSTS: [&str; 15] = [
    "nginx",
    "angie",
    "openresty",
    "httpd",
    "apache2",
    "caddy",
    "lighttpd",
    "uwsgi",
    "gunicorn",
    "uvicorn",
    "puma",
    "system",
    "w3wp",
    "squid",
    "varnishd",
];

/// ssh and sshd are among them for the ports they forward.
const PROXIES: [&str; 13] = [
    "haproxy",
    "envoy",
    "traefik",
    "stunnel",
    "stunnel4",
    "socat",
    "sslh",
    "ssh",
    "sshd",
    "sshd-session",
    "ncat",
    "nc",
    "kube-proxy",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_suffix_and_version_do_not_count() {
        for (name, want) in [
            ("sshd", "sshd"),
            ("W3WP.EXE", "w3wp"),
            ("python3.11", "python"),
            ("python3", "python"),
            ("php-fpm8.2", "php-fpm"),
            ("php-fpm7", "php-fpm"),
            ("lua5.4", "lua"),
            ("node18", "node"),
            ("exim4", "exim4"),
            ("stunnel4", "stunnel4"),
            ("tac_plus-ng", "tac_plus-ng"),
            ("beam.smp", "beam.smp"),
            ("1.2", "1.2"),
            ("a.2", "a.2"),
            ("a3.", "a3."),
            (".exe", ""),
            ("", ""),
        ] {
            assert_eq!(canonical(name.as_bytes()), want.as_bytes(), "{name}");
        }
        assert_eq!(canonical(b"\xff8.2"), b"\xff");
    }

    #[test]
    fn common_names_are_closed_sorted_and_canonical() {
        assert!(COMMON.is_sorted_by(|one, next| one < next));
        for name in COMMON {
            assert_eq!(canonical(name.as_bytes()), name.as_bytes());
            assert!(name.len() > SHORT, "{name} is common without being listed");
        }
        for name in ["server", "Agent", "X", "ng", "", "System", "services.exe"] {
            assert!(is_common(&canonical(name.as_bytes())), "{name}");
        }
        for name in ["sshd", "nginx", "postgres", "redis-server", "named", "exim4", "squid"] {
            assert!(!is_common(&canonical(name.as_bytes())), "{name}");
        }
    }

    #[test]
    fn roles_are_asked_by_canonical_names() {
        for name in GO_BETWEENS.iter().chain(&INTERPRETERS).chain(&HOSTS).chain(&PROXIES) {
            assert_eq!(canonical(name.as_bytes()), name.as_bytes());
        }
        assert_eq!(role(&canonical(b"python3.11")), Role::Interpreter);
        assert_eq!(role(&canonical(b"svchost.exe")), Role::GoBetween);
        assert_eq!(role(b"sshd"), Role::Proxy);
        assert_eq!(role(b"nginx"), Role::Host);
        assert_eq!(role(b"postgres"), Role::Server);
    }
}
