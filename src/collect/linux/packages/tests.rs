use super::memory::Memory;
use super::*;

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
fn a_list_that_cannot_be_read_may_have_the_path() {
    let root = dpkg_root().refused("/var/lib/dpkg/info/bash.list");
    let why = "dpkg: /var/lib/dpkg/info/bash.list could not be read: permission denied";
    assert_eq!(ask(&root, &["/bin/dash", "/bin/zsh"]), [by("dpkg", "dash"), Owned::Unknown(why.into())]);
}
