//! The closed lists of the registry file. An entry keeps the index; the enums of the registry stand in this order.

/// Transports; `any` is for rows of IANA that name none.
pub(super) const TRANSPORTS: [&str; 5] = ["any", "tcp", "udp", "sctp", "dccp"];

/// Where a use of a port is written down. `user` is given to entries of an overlay, never written in a file.
pub(super) const SOURCES: [&str; 4] = ["iana", "defacto", "vendor", "user"];

/// What a service is for.
pub(super) const CATEGORIES: [&str; 42] = [
    "ai-ml",
    "authentication",
    "backup",
    "bigdata",
    "blockchain",
    "cache",
    "ci-cd",
    "config-management",
    "container-orchestration",
    "database",
    "debugger",
    "desktop",
    "dev-server",
    "directory",
    "file-sharing",
    "gaming",
    "ics-iot",
    "legacy",
    "logging",
    "mail",
    "management",
    "media",
    "message-queue",
    "messaging",
    "monitoring",
    "name-service",
    "p2p",
    "printing",
    "proxy",
    "remote-access",
    "remote-desktop",
    "routing",
    "rpc",
    "search",
    "security",
    "service-discovery",
    "storage",
    "time",
    "virtualization",
    "voip",
    "vpn",
    "web",
];

/// The plane of a network device or host that a protocol belongs to.
pub(super) const PLANES: [&str; 5] = ["management", "routing-control", "data", "data-with-control-effect", "telemetry"];

/// How a protocol protects what it carries, by its own default.
pub(super) const SECURITY: [&str; 10] =
    ["cleartext", "tls", "ssh", "dtls", "quic", "opportunistic", "optional", "own-crypto", "varies", "n/a"];

/// What a service asks of its clients by default.
pub(super) const AUTH: [&str; 12] = [
    "none",
    "host-based",
    "community",
    "shared-secret",
    "password-cleartext",
    "password",
    "token",
    "key",
    "cert",
    "os-account",
    "varies",
    "n/a",
];

/// The widest exposure that a service is made for.
pub(super) const EXPOSURES: [&str; 4] = ["loopback", "management", "lan", "public"];

/// How sure the link between port and service is.
pub(super) const CONFIDENCES: [&str; 3] = ["high", "medium", "low"];

/// What is weak about a protocol.
pub(super) const CLASSES: [&str; 5] = [
    "unauthenticated-control",
    "cleartext-credentials",
    "weak-or-obsolete-crypto",
    "cleartext-disclosure",
    "conditional",
];

/// Severities from the least to the most urgent.
pub(super) const SEVERITIES: [&str; 5] = ["info", "low", "medium", "high", "critical"];
