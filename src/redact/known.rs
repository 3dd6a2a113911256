//! Names that every system has, which tell nothing of this one.

/// Directories of the hierarchy, hier(7), and those that package managers and runtimes make.
const DIRECTORIES: [&str; 68] = [
    "Library",
    "abstract",
    "bin",
    "boot",
    "cgroup",
    "containerd",
    "containers",
    "crio",
    "dbus",
    "dev",
    "docker",
    "etc",
    "fd",
    "flatpak",
    "fs",
    "games",
    "home",
    "init",
    "lib",
    "lib32",
    "lib64",
    "libexec",
    "local",
    "lock",
    "log",
    "media",
    "mnt",
    "netns",
    "ns",
    "opt",
    "overlay2",
    "podman",
    "proc",
    "root",
    "run",
    "sbin",
    "self",
    "share",
    "shm",
    "snap",
    "spool",
    "srv",
    "storage",
    "store",
    "sys",
    "sysimage",
    "systemd",
    "tmp",
    "usr",
    "user",
    "var",
    "x86_64-linux-gnu",
    "aarch64-linux-gnu",
    ".X11-unix",
    ".ICE-unix",
    "net",
    "exe",
    "nix",
    // Those of macOS and FreeBSD.
    "Applications",
    "Cellar",
    "Contents",
    "CoreServices",
    "MacOS",
    "System",
    "Users",
    "homebrew",
    "jails",
    "private",
];

/// True for a directory that every system has.
pub fn is_directory(name: &[u8]) -> bool {
    DIRECTORIES.iter().any(|known| known.as_bytes() == name) || is_version(name)
}

/// Directories that every Windows has, and those that installers make.
const DIRECTORIES_OF_WINDOWS: [&str; 26] = [
    "AppData",
    "Common Files",
    "Downloads",
    "Google",
    "Local",
    "LocalLow",
    "Microsoft",
    "Microsoft Shared",
    "Microsoft.NET",
    "Program Files",
    "Program Files (x86)",
    "ProgramData",
    "Programs",
    "Public",
    "Roaming",
    "SysWOW64",
    "System32",
    "SystemApps",
    "Temp",
    "Users",
    "WinSxS",
    "Windows",
    "WindowsApps",
    "bin",
    "inetsrv",
    "wbem",
];

/// True for a directory that every Windows has.
pub fn is_directory_of_windows(name: &[u8]) -> bool {
    DIRECTORIES_OF_WINDOWS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name)) || is_version(name)
}

/// Processes and services that every Windows has, or that a server of it has by a role of its own.
const PARTS_OF_WINDOWS: [&str; 71] = [
    "[System Process]",
    "ADWS",
    "BFE",
    "BITS",
    "BrokerInfrastructure",
    "CDPSvc",
    "CertSvc",
    "CoreMessagingRegistrar",
    "CryptSvc",
    "DFSR",
    "DNS",
    "DPS",
    "DcomLaunch",
    "Dhcp",
    "Dnscache",
    "EventLog",
    "EventSystem",
    "FDResPub",
    "IKEEXT",
    "IISADMIN",
    "Idle",
    "KeyIso",
    "LanmanServer",
    "LanmanWorkstation",
    "LSM",
    "MpsSvc",
    "NTDS",
    "Netlogon",
    "NlaSvc",
    "PlugPlay",
    "PolicyAgent",
    "Power",
    "ProfSvc",
    "Registry",
    "RemoteAccess",
    "RpcEptMapper",
    "RpcSs",
    "SSDPSRV",
    "SamSs",
    "Schedule",
    "SessionEnv",
    "Spooler",
    "System",
    "SystemEventsBroker",
    "TermService",
    "Themes",
    "UmRdpService",
    "UserManager",
    "VaultSvc",
    "W32Time",
    "W3SVC",
    "WAS",
    "WinDefend",
    "WinHttpAutoProxySvc",
    "WinRM",
    "Winmgmt",
    "csrss.exe",
    "dwm.exe",
    "explorer.exe",
    "iphlpsvc",
    "lsass.exe",
    "nsi",
    "plugplay.exe",
    "services.exe",
    "smss.exe",
    "spoolsv.exe",
    "svchost.exe",
    "upnphost",
    "wininit.exe",
    "winlogon.exe",
    "wineserver",
];

/// True for a process or service that tells nothing of a host but that it runs Windows.
pub fn is_part_of_windows(name: &[u8]) -> bool {
    PARTS_OF_WINDOWS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// True for an authority that every Windows has the accounts of.
pub fn is_authority(name: &[u8]) -> bool {
    let known = ["NT AUTHORITY", "NT SERVICE", "BUILTIN", "Window Manager", "Font Driver Host", "IIS APPPOOL"];
    known.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// True for an account that every Windows has.
pub fn is_account(name: &[u8]) -> bool {
    let known = ["SYSTEM", "LOCAL SERVICE", "NETWORK SERVICE", "Administrator", "Guest", "DefaultAppPool"];
    known.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// `15`, `3.11`: what stands in paths as the version of a program.
fn is_version(name: &[u8]) -> bool {
    let short = |digits: &[u8]| matches!(digits.len(), 1 | 2) && digits.iter().all(u8::is_ascii_digit);
    let mut parts = name.splitn(3, |byte| *byte == b'.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(major), None, _) => short(major),
        (Some(major), Some(minor), None) => short(major) && short(minor),
        _ => false,
    }
}

/// What systemd and the runtimes of containers call their own cgroups, without the kind behind the dot.
const CGROUPS: [&str; 43] = [
    "-",
    "app",
    "background",
    "besteffort",
    "burstable",
    "container",
    "cri-containerd",
    "crio",
    "docker",
    "guaranteed",
    "init",
    "kubelet",
    "kubelet-kubepods",
    "kubelet-kubepods-besteffort",
    "kubelet-kubepods-burstable",
    "kubepods",
    "kubepods-besteffort",
    "kubepods-burstable",
    "libpod",
    "libpod_parent",
    "lxc",
    "lxc.monitor",
    "lxc.payload",
    "machine",
    "nerdctl",
    "payload",
    "run",
    "session",
    "supervisor",
    "system",
    "systemd-homed",
    "systemd-hostnamed",
    "systemd-journald",
    "systemd-logind",
    "systemd-machined",
    "systemd-networkd",
    "systemd-nspawn",
    "systemd-oomd",
    "systemd-resolved",
    "systemd-timesyncd",
    "systemd-udevd",
    "systemd-userdbd",
    "user",
];

/// True for a cgroup that the service manager or a runtime makes on every host.
pub fn is_cgroup(name: &[u8]) -> bool {
    CGROUPS.iter().any(|known| known.as_bytes() == name)
}

/// Devices that the kernel and systemd name by kind and number, or by their place on a bus.
pub fn is_device(name: &[u8]) -> bool {
    const KINDS: [&str; 32] = [
        "amt", "bareudp", "bond", "br", "docker", "dummy", "eno", "ens", "erspan", "eth", "geneve", "gre", "gretap",
        "gtp", "ifb", "ipvlan", "lo", "macvlan", "podman", "ppp", "sit", "tap", "team", "teql", "tun", "tunl", "veth",
        "virbr", "vxlan", "wg", "wlan", "wwan",
    ];
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let kind = &name[..name.len() - digits.min(4)];
    // `enp0s31f6`: bus, slot, function.
    let place = [&b"enp"[..], b"wlp"].iter().find_map(|prefix| name.strip_prefix(*prefix));
    let of_windows = ["Ethernet", "Wi-Fi", "Loopback Pseudo-Interface 1"];
    name == b"lo"
        || of_windows.iter().any(|known| known.as_bytes() == name)
        || (digits > 0 && KINDS.iter().any(|known| known.as_bytes() == kind))
        || place
            .is_some_and(|place| place.len() <= 9 && place.iter().all(|b| b.is_ascii_digit() || b"sfdn".contains(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_by_number_and_place_stay() {
        for name in ["lo", "eth0", "wg0", "enp0s31f6", "wlp2s0", "docker0", "eno1"] {
            assert!(is_device(name.as_bytes()), "{name}");
        }
        for name in
            ["", "eth", "wg-paris", "enx001122334455", "br-0123456789ab", "acme0", "eth12345", "loft", "vethparis1"]
        {
            assert!(!is_device(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn versions_are_short() {
        for (name, want) in
            [("15", true), ("3.11", true), ("2024", false), ("10.0.0.5", false), ("1.", false), ("", false)]
        {
            assert_eq!(is_version(name.as_bytes()), want, "{name}");
        }
    }
}
