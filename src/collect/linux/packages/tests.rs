use proptest::prelude::*;

use super::memory::Memory;
use super::*;

/// Three packages that `rpm` 4.18 installed, copied table by table with a page size of 1024: `tiny-server`, of whose files
/// `tiny-other` replaced one, and in the log alone `tiny-late`.
const RPMDB: &[u8] = include_bytes!("fixtures/rpmdb.sqlite");
const RPMDB_WAL: &[u8] = include_bytes!("fixtures/rpmdb.sqlite-wal");
const RPMDB_PATH: &str = "/usr/lib/sysimage/rpm/rpmdb.sqlite";

const APK: &str = "C:Q1abc=\nP:musl\nV:1.2.5-r0\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\n\n\
    P:busybox\nF:\nR:init\nF:bin\nR:busybox\nZ:Q1x=\nF:usr/bin\nF:etc\nR:securetty\n\n\
    P:nginx\nF:usr/sbin\nR:nginx\n\n";

fn ask(root: &Memory, paths: &[&str]) -> Vec<Owned> {
    let paths: Vec<&[u8]> = paths.iter().map(|path| path.as_bytes()).collect();
    owners(root, &paths)
}

fn by(manager: &'static str, package: &str) -> Owned {
    Owned::By { package: package.into(), manager }
}

fn dpkg_root() -> Memory {
    Memory::default()
        .file("/var/lib/dpkg/info/dash.list", "/.\n/bin\n/bin/sh\n/bin/dash\n")
        .file("/var/lib/dpkg/info/openssh-server.list", "/.\n/usr\n/usr/sbin\n/usr/sbin/sshd\n/lib/x")
        .file("/var/lib/dpkg/info/openssh-server.md5sums", "0  usr/sbin/other\n")
        .file("/var/lib/dpkg/info/libfoo:amd64.list", "/usr/lib/foo/food\n")
        .file("/var/lib/dpkg/info/libfoo:i386.list", "/usr/lib/foo/food\n")
        .file("/var/lib/dpkg/info/bash.list", "/bin/bash\n/bin/sh\n")
        .file("/var/lib/dpkg/info/perf-a.list", "/usr/bin/perf\n")
        .file("/var/lib/dpkg/info/perf-b.list", "/usr/bin/perf\n")
        .file(
            "/var/lib/dpkg/diversions",
            "/bin/sh\n/bin/sh.distrib\ndash\n/usr/bin/perf\n/usr/bin/perf.wrapper\n:\n/usr/bin/half\n",
        )
}

fn rpm_root(wal: Option<&[u8]>) -> Memory {
    let root = Memory::default().file(RPMDB_PATH, RPMDB);
    match wal {
        Some(wal) => root.file(&format!("{RPMDB_PATH}-wal"), wal),
        None => root,
    }
}

#[test]
fn dpkg_knows_files_by_either_name_of_a_merged_directory() {
    let root = dpkg_root().merged();
    let found =
        ask(&root, &["/usr/bin/dash", "/bin/dash", "/usr/sbin/sshd", "/sbin/sshd", "/usr/lib/x", "/usr/sbin/other"]);
    let (dash, ssh) = (by("dpkg", "dash"), by("dpkg", "openssh-server"));
    assert_eq!(found, [dash.clone(), dash, ssh.clone(), ssh.clone(), ssh, Owned::Nobody]);
}

#[test]
fn without_the_link_two_directories_are_two() {
    let found = ask(&dpkg_root(), &["/usr/bin/dash", "/bin/dash", "/sbin/sshd"]);
    assert_eq!(found, [Owned::Nobody, by("dpkg", "dash"), Owned::Nobody]);
    // Fedora 42: /sbin leads to usr/sbin, and that to bin.
    let root = dpkg_root().linked("/sbin", "usr/sbin").linked("/usr/sbin", "./bin").linked("/bin", "/usr/bin");
    let found = ask(&root, &["/usr/bin/sshd", "/sbin/sshd", "/usr/sbin/dash"]);
    assert_eq!(found, [by("dpkg", "openssh-server"), by("dpkg", "openssh-server"), by("dpkg", "dash")]);
}

#[test]
fn links_in_a_ring_end() {
    let root = dpkg_root().linked("/bin", "/sbin").linked("/sbin", "/bin").linked("/lib", "../../..");
    assert_eq!(ask(&root, &["/bin/dash", "/lib/x"]).len(), 2);
}

#[test]
fn a_package_of_several_architectures_has_one_name() {
    assert_eq!(ask(&dpkg_root(), &["/usr/lib/foo/food"]), [by("dpkg", "libfoo")]);
}

#[test]
fn a_diverted_file_is_whose_it_is_there() {
    let root = dpkg_root().merged();
    // For dash's sake the files of others lie beside; for the administrator's those of all packages.
    let found = ask(&root, &["/usr/bin/sh", "/usr/bin/sh.distrib", "/usr/bin/perf", "/usr/bin/perf.wrapper"]);
    assert_eq!(found, [by("dpkg", "dash"), by("dpkg", "bash"), Owned::Nobody, by("dpkg", "perf-a")]);
}

#[test]
fn paths_that_cannot_be_recorded_have_no_owner() {
    let found =
        ask(&dpkg_root(), &["/usr/sbin/sshd\n/bin/sh", "/", "", "relative", "memfd:x", "/usr", "/.", "/bin/dash "]);
    for (at, owned) in found.iter().enumerate() {
        let expected =
            if (2..5).contains(&at) { matches!(owned, Owned::Unknown(_)) } else { !matches!(owned, Owned::Unknown(_)) };
        assert!(expected, "{at} {owned:?}");
    }
    assert_eq!(found[0], Owned::Nobody);
    assert_eq!(owners(&dpkg_root(), &[b"/usr/sbin/sshd\xff"]), [Owned::Nobody]);
}

#[test]
fn apk_names_the_file_in_the_directory_last_named() {
    for (place, root) in [("/lib", Memory::default()), ("/usr/lib", Memory::default().merged())] {
        let root = root.file(&format!("{place}/apk/db/installed"), APK);
        let found = ask(&root, &["/bin/busybox", "/usr/sbin/nginx", "/init", "/usr/bin/securetty", "/etc/securetty"]);
        let busybox = by("apk", "busybox");
        assert_eq!(found, [busybox.clone(), by("apk", "nginx"), busybox.clone(), Owned::Nobody, busybox]);
    }
}

#[test]
fn pacman_names_a_package_by_its_directory() {
    let root = Memory::default()
        .linked("/usr/sbin", "bin")
        .file("/var/lib/pacman/local/ALPM_DB_VERSION", "9\n")
        .file("/var/lib/pacman/local/gcc-libs-14.2.1-1/files", "%FILES%\nusr/\nusr/lib/\nusr/lib/x\n")
        .file("/var/lib/pacman/local/openssh-1:9.9p1-2/desc", "%NAME%\nopenssh\n")
        .file("/var/lib/pacman/local/openssh-1:9.9p1-2/files", "%FILES%\nusr/bin/sshd\n\n%BACKUP%\nusr/bin/backup\n")
        .file("/var/lib/pacman/local/odd/files", "%FILES%\nusr/bin/odd\n");
    let found = ask(&root, &["/usr/bin/sshd", "/usr/sbin/sshd", "/usr/lib/x", "/usr/bin/backup", "/usr/bin/odd"]);
    let ssh = by("pacman", "openssh");
    assert_eq!(found, [ssh.clone(), ssh, by("pacman", "gcc-libs"), Owned::Nobody, Owned::Nobody]);
}

#[test]
fn rpm_names_the_package_whose_file_is_installed() {
    let paths =
        ["/usr/sbin/tinyd", "/usr/bin/tiny", "/sbin/olded", "/usr/share/tiny/d77/README", "/usr/share/tiny/README"];
    let (server, other) = (by("rpm", "tiny-server"), by("rpm", "tiny-other"));
    let expected = [server.clone(), other.clone(), other, server, Owned::Nobody];
    assert_eq!(ask(&rpm_root(None), &paths), expected);
    assert_eq!(ask(&rpm_root(Some(RPMDB_WAL)), &paths), expected);
    for place in ["/var/lib/rpm", "/usr/share/rpm"] {
        assert_eq!(ask(&Memory::default().file(&format!("{place}/rpmdb.sqlite"), RPMDB), &paths), expected);
    }
    assert_eq!(ask(&rpm_root(None).merged(), &["/usr/sbin/olded"]), [by("rpm", "tiny-other")]);
    assert_eq!(ask(&rpm_root(None), &["/usr/sbin/olded", "/usr/bin/lated"]), [Owned::Nobody, Owned::Nobody]);
}

#[test]
fn what_rpm_committed_to_its_log_counts() {
    let late = ["/usr/bin/lated"];
    assert_eq!(ask(&rpm_root(Some(RPMDB_WAL)), &late), [by("rpm", "tiny-late")]);
    // The last frame commits: without it nothing was.
    for cut in [0, 31, 32, 1000, RPMDB_WAL.len() - 1, RPMDB_WAL.len() - 1048] {
        assert_eq!(ask(&rpm_root(Some(&RPMDB_WAL[..cut])), &late), [Owned::Nobody], "{cut}");
    }
    let mut torn = RPMDB_WAL.to_vec();
    torn[2000] ^= 1;
    assert_eq!(ask(&rpm_root(Some(&torn)), &late), [Owned::Nobody]);
}

#[test]
fn a_database_that_cannot_be_read_says_why() {
    let why = |root: Memory| match &ask(&root, &["/usr/bin/tiny"])[..] {
        [Owned::Unknown(why)] => why.clone(),
        other => panic!("{other:?}"),
    };
    let berkeley = Memory::default().file("/var/lib/rpm/Packages", "x");
    let ndb = Memory::default().file("/usr/lib/sysimage/rpm/Packages.db", "x");
    let reasons = [
        why(Memory::default()),
        why(berkeley.clone()),
        why(ndb),
        why(rpm_root(None).file(&format!("{RPMDB_PATH}-journal"), "x")),
        why(rpm_root(None).refused(RPMDB_PATH)),
        why(Memory::default().file(RPMDB_PATH, "not a database ".repeat(10))),
        why(Memory::default().file(RPMDB_PATH, "")),
        why(dpkg_root().refused("/var/lib/dpkg/info")),
        why(dpkg_root().refused("/var/lib/dpkg/info/bash.list")),
        why(Memory::default().file("/var/lib/dpkg/info/format", "1\n")),
    ];
    assert_eq!(
        reasons,
        [
            "no package database of dpkg, rpm, apk or pacman is here",
            "rpm: its database is a Berkeley DB, which this program does not read",
            "rpm: its database is an NDB, which this program does not read",
            "rpm: /usr/lib/sysimage/rpm/rpmdb.sqlite: a change of it was begun and not ended",
            "rpm: /usr/lib/sysimage/rpm/rpmdb.sqlite could not be read: permission denied",
            "rpm: /usr/lib/sysimage/rpm/rpmdb.sqlite: it is no SQLite database",
            "rpm: /usr/lib/sysimage/rpm/rpmdb.sqlite: unexpected end of file",
            "dpkg: /var/lib/dpkg/info could not be read: permission denied",
            "dpkg: /var/lib/dpkg/info/bash.list could not be read: permission denied",
            "dpkg: its database has no package",
        ]
    );
    // What was found is found all the same, and another database that could be read decides.
    assert_eq!(ask(&dpkg_root().refused("/var/lib/dpkg/info/bash.list"), &["/bin/dash"]), [by("dpkg", "dash")]);
    let both = dpkg_root().file("/var/lib/rpm/Packages", "x");
    assert_eq!(ask(&both, &["/usr/bin/tiny", "/bin/dash"]), [Owned::Nobody, by("dpkg", "dash")]);
}

#[test]
fn any_of_several_databases_may_own_a_file() {
    let root = dpkg_root().file(RPMDB_PATH, RPMDB).file("/lib/apk/db/installed", APK);
    let found = ask(&root, &["/bin/dash", "/usr/sbin/tinyd", "/usr/sbin/nginx", "/opt/x"]);
    assert_eq!(found, [by("dpkg", "dash"), by("rpm", "tiny-server"), by("apk", "nginx"), Owned::Nobody]);
}

/// Each page leads to the next four hundred times over: more ways than could ever be walked.
#[test]
fn a_maze_of_pages_ends() {
    let mut database = RPMDB.to_vec();
    for (page, number) in database.chunks_exact_mut(1024).zip(1u32..) {
        let header = if number == 1 { 100 } else { 0 };
        let next = (number + 1).to_be_bytes();
        if number % 15 == 0 {
            // A leaf without cells.
            page[..8].copy_from_slice(&[13, 0, 0, 0, 0, 0, 0, 0]);
            continue;
        }
        page[header..header + 5].copy_from_slice(&[5, 0, 0, 1, 144]);
        page[header + 8..header + 12].copy_from_slice(&next);
        for at in 0..400 {
            page[header + 12 + at * 2..][..2].copy_from_slice(&1000u16.to_be_bytes());
        }
        page[1000..1004].copy_from_slice(&next);
    }
    let why = format!("rpm: {RPMDB_PATH}: it is larger than any that is known");
    assert_eq!(ask(&Memory::default().file(RPMDB_PATH, database), &["/usr/bin/tiny"]), [Owned::Unknown(why)]);
}

/// Bytes with some of them changed, and a cut.
fn broken(whole: &'static [u8], changes: usize) -> impl Strategy<Value = Vec<u8>> {
    let change = (0..whole.len(), any::<u8>());
    let cut = prop_oneof![3 => Just(whole.len()), 1 => 0..whole.len()];
    (prop::collection::vec(change, 0..changes), cut).prop_map(move |(changes, cut)| {
        let mut bytes = whole.to_vec();
        changes.into_iter().for_each(|(at, byte)| bytes[at] = byte);
        bytes.truncate(cut);
        bytes
    })
}

const PATHS: [&str; 7] = [
    "/usr/sbin/tinyd",
    "/usr/bin/tiny",
    "/usr/bin/lated",
    "/usr/share/tiny/d7/README",
    "/usr/sbin/nginx",
    "/bin/busybox",
    "/usr/bin/sh",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_broken_database_never_ends_the_program(
        database in broken(RPMDB, 200),
        wal in broken(RPMDB_WAL, 4),
        apk in broken(APK.as_bytes(), 10),
        list in prop::collection::vec("[/a-z.:\n]{0,20}|\\PC{0,9}", 0..9),
    ) {
        let text = list.join("\n");
        let root = Memory::default()
            .merged()
            .file(RPMDB_PATH, database)
            .file(&format!("{RPMDB_PATH}-wal"), wal)
            .file("/lib/apk/db/installed", apk)
            .file("/var/lib/dpkg/diversions", text.as_str())
            .file("/var/lib/dpkg/info/:.list", text.as_str())
            .file("/var/lib/pacman/local/a-b-c/files", format!("%FILES%\n{text}"));
        prop_assert_eq!(ask(&root, &PATHS).len(), PATHS.len());
    }

    /// Where the parts that lead from page to page are changed, trees and chains lead anywhere.
    #[test]
    fn pages_that_lead_astray_end(changes in prop::collection::vec((0usize..50, 0usize..40, 0u8..52), 1..60)) {
        let mut database = RPMDB.to_vec();
        for (page, at, byte) in changes {
            let at = page * 1024 + if page == 0 { 100 } else { 0 } + at;
            database[at] = byte;
        }
        prop_assert_eq!(ask(&Memory::default().file(RPMDB_PATH, database), &PATHS).len(), PATHS.len());
    }

    #[test]
    fn any_bytes_are_a_database(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let mut database = RPMDB.to_vec();
        let at = bytes.len() * 7 % (database.len() - bytes.len());
        database[at..at + bytes.len()].copy_from_slice(&bytes);
        prop_assert_eq!(ask(&Memory::default().file(RPMDB_PATH, database), &PATHS).len(), PATHS.len());
    }
}
