//! Databases that the package managers of this host made, and what they say of them themselves.

#![expect(clippy::disallowed_methods, reason = "a live test runs programs and writes files")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

fn root(path: &Path) -> Root {
    Root::new(path).expect("a root")
}

fn ask(root: &Root, paths: &[&str]) -> Vec<Owned> {
    let paths: Vec<&[u8]> = paths.iter().map(|path| path.as_bytes()).collect();
    owners(root, &paths)
}

fn by(manager: &'static str, package: &str) -> Owned {
    Owned::By { package: package.into(), manager }
}

/// Says in one line, past libtest, that a test needs what this host lacks.
fn lacks(test: &str, programs: &[&str], as_root: bool) -> bool {
    let here = |program: &&str| ["/usr/sbin", "/usr/bin"].iter().any(|place| Path::new(place).join(program).exists());
    let lacks = !programs.iter().all(here) || (as_root && !rustix::process::geteuid().is_root());
    if lacks {
        let root = if as_root { " and root" } else { "" };
        let _ = writeln!(std::io::stderr(), "{test}: NOT RUN, it needs {}{root}", programs.join(", "));
    }
    lacks
}

fn run(command: &mut Command) -> String {
    let output = command.env("LC_ALL", "C").output().expect("it runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The executables of this host that are regular files.
fn executables() -> Vec<PathBuf> {
    let is_executable = |path: &PathBuf| {
        path.symlink_metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let all = ["/usr/bin", "/usr/sbin"].into_iter().flat_map(|place| fs::read_dir(place).expect("a directory"));
    let mut all: Vec<PathBuf> = all.map(|entry| entry.expect("an entry").path()).filter(is_executable).collect();
    all.sort();
    all
}

#[test]
fn dpkg_says_the_same_of_every_executable_here() {
    if lacks("dpkg_says_the_same_of_every_executable_here", &["dpkg"], false) {
        return;
    }
    let paths = executables();
    // Where /bin leads to /usr/bin, both name one file, and dpkg may have recorded either.
    let merged = Path::new("/bin").is_symlink();
    let name = |path: &PathBuf| path.to_str().expect("a name").to_owned();
    let before = |path: &PathBuf| merged.then(|| name(path).replacen("/usr", "", 1));
    let names: Vec<String> = paths.iter().flat_map(|path| [Some(name(path)), before(path)]).flatten().collect();
    let canonical =
        |path: &str| if merged && !path.starts_with("/usr/") { format!("/usr{path}") } else { path.to_owned() };
    // It ends with 1 where one of them has no owner.
    let said = Command::new("dpkg").env("LC_ALL", "C").arg("-S").args(&names).output().expect("dpkg runs").stdout;
    let said = String::from_utf8(said).expect("text");
    let mut expected: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut diverted: BTreeMap<String, &str> = BTreeMap::new();
    for (who, path) in said.lines().filter_map(|line| line.rsplit_once(": ")) {
        let path = canonical(path);
        if let Some(who) = who.strip_prefix("diversion by ") {
            if let Some(who) = who.strip_suffix(" from") {
                diverted.insert(path, who);
            }
        } else if !who.starts_with("local diversion") {
            let packages = who.split(", ").map(|package| package.split(':').next().unwrap_or(package));
            expected.entry(path).or_default().extend(packages);
        }
    }
    let found =
        owners(&root(Path::new("/")), &paths.iter().map(|path| path.as_os_str().as_bytes()).collect::<Vec<_>>());
    let mut owned = 0;
    for (path, found) in paths.iter().zip(&found) {
        let name = &name(path);
        match (found, expected.get(name), diverted.get(name)) {
            (Owned::By { package, manager: "dpkg" }, Some(_), Some(for_whom)) => {
                assert_eq!(package, for_whom, "{path:?}")
            }
            (Owned::By { package, manager: "dpkg" }, Some(packages), None) => {
                assert!(packages.contains(package.as_str()), "{path:?}: {package}, and by dpkg {packages:?}");
                owned += 1;
            }
            // A file that lies beside is listed by its first path, which dpkg -S was not asked for.
            (Owned::By { package, .. }, None, None) => {
                let text = fs::read_to_string("/var/lib/dpkg/diversions").expect("diversions");
                assert!(text.lines().any(|line| canonical(line) == *name), "{path:?}: {package}");
            }
            (Owned::Nobody, None, _) => {}
            _ => panic!("{path:?}: {found:?}, and by dpkg {:?}", expected.get(name)),
        }
    }
    assert!(owned > paths.len() / 4, "{owned} of {}", paths.len());
}

/// Builds a package that has files, each with a line of text.
fn build(top: &Path, name: &str, files: &[&str]) -> PathBuf {
    let spec = top.join(format!("{name}.spec"));
    let mut text = format!(
        "Name: {name}\nVersion: 1.0\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n%description\nx\n%install\n"
    );
    let directories: BTreeSet<&str> = files.iter().filter_map(|file| Some(file.rsplit_once('/')?.0)).collect();
    directories.iter().for_each(|directory| text += &format!("mkdir -p %{{buildroot}}{directory}\n"));
    files.iter().for_each(|file| text += &format!("echo {name} > %{{buildroot}}{file}\n"));
    text += &format!("%files\n{}\n", files.join("\n"));
    fs::write(&spec, text).expect("a spec");
    let top_is = format!("_topdir {}", top.display());
    let no_scripts = "__os_install_post %{nil}";
    run(Command::new("rpmbuild").args(["-bb", "--define", &top_is, "--define", no_scripts]).arg(&spec));
    top.join(format!("RPMS/noarch/{name}-1.0-1.noarch.rpm"))
}

#[test]
fn rpm_says_the_same_of_what_it_installed() {
    if lacks("rpm_says_the_same_of_what_it_installed", &["rpm", "rpmbuild"], true) {
        return;
    }
    let top = tempfile::tempdir().expect("a directory");
    let host = top.path().join("root");
    fs::create_dir(&host).expect("a directory");
    // Enough for trees of several levels, and for a header that takes many pages.
    let many: Vec<String> = (0..300).map(|at| format!("/opt/many/dir{}/a-name-of-some-length-{at}", at % 50)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let packages = [
        build(top.path(), "many-files", &many),
        build(top.path(), "first", &["/usr/sbin/one", "/usr/bin/shared", "/sbin/old"]),
        build(top.path(), "second", &["/usr/bin/shared", "/usr/libexec/second/one"]),
    ];
    let rpm = || {
        let mut rpm = Command::new("rpm");
        rpm.arg("--root").arg(&host).args(["--dbpath", "/usr/lib/sysimage/rpm"]);
        rpm
    };
    for package in packages {
        run(rpm().args(["--nodeps", "--replacefiles", "-i"]).arg(package));
    }
    let here = root(&host);
    let mut paths = vec!["/usr/sbin/one", "/usr/bin/shared", "/sbin/old", "/usr/libexec/second/one", "/usr/bin/one"];
    paths.extend(many);
    let query = |path: &str| {
        let output = rpm().args(["-qf", "--qf", "%{NAME}\\n", path]).output().expect("rpm runs");
        let said = String::from_utf8(output.stdout).expect("text");
        if output.status.success() { by("rpm", said.trim_end()) } else { Owned::Nobody }
    };
    let found = ask(&here, &paths);
    for (path, found) in paths.iter().zip(&found).take(5).chain(paths.iter().zip(&found).skip(5).step_by(60)) {
        assert_eq!(*found, query(path), "{path}");
    }
    assert!(found.iter().skip(5).all(|owned| *owned == by("rpm", "many-files")));
    run(rpm().args(["-e", "first"]));
    let found = ask(&here, &paths[..4]);
    assert_eq!(found, [Owned::Nobody, by("rpm", "second"), Owned::Nobody, by("rpm", "second")]);
    run(rpm().args(["-e", "second", "many-files"]));
    assert_eq!(ask(&here, &["/usr/sbin/one"]), [Owned::Unknown("rpm: its database has no package".into())]);
}

#[test]
fn pacman_says_the_same_of_what_it_installed() {
    if lacks("pacman_says_the_same_of_what_it_installed", &["pacman", "tar"], true) {
        return;
    }
    let top = tempfile::tempdir().expect("a directory");
    let (host, package) = (top.path().join("root"), top.path().join("package"));
    fs::create_dir_all(host.join("var/lib/pacman")).expect("a directory");
    fs::create_dir_all(package.join("usr/bin")).expect("a directory");
    fs::write(package.join("usr/bin/tiny"), "x").expect("a file");
    let about = "pkgname = tiny-server\npkgver = 1:1.0-2\npkgdesc = x\nurl = x\nbuilddate = 1\nsize = 1\narch = any\n";
    fs::write(package.join(".PKGINFO"), about).expect("a file");
    let archive = top.path().join("tiny.pkg.tar");
    run(Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(&package).args([".PKGINFO", "usr"]));
    let mut pacman = Command::new("pacman");
    pacman.arg("-r").arg(&host).arg("-b").arg(host.join("var/lib/pacman"));
    run(pacman.args(["--config", "/dev/null", "--noconfirm", "-U"]).arg(&archive));
    assert_eq!(ask(&root(&host), &["/usr/bin/tiny", "/usr/bin"]), [by("pacman", "tiny-server"), Owned::Nobody]);
}

#[test]
fn no_link_leaves_a_mounted_root() {
    let top = tempfile::tempdir().expect("a directory");
    let host = top.path().join("root");
    fs::create_dir_all(host.join("var/lib")).expect("a directory");
    fs::create_dir_all(top.path().join("dpkg/info")).expect("a directory");
    fs::write(top.path().join("dpkg/info/secret.list"), "/usr/bin/secret\n").expect("a file");
    let paths = ["/usr/bin/secret"];
    for target in [top.path().join("dpkg"), "../../../dpkg".into(), "/../../dpkg".into(), "/proc/self/cwd".into()] {
        symlink(&target, host.join("var/lib/dpkg")).expect("a link");
        let found = ask(&root(&host), &paths);
        assert!(matches!(found[..], [Owned::Unknown(_)]), "{target:?}: {found:?}");
        fs::remove_file(host.join("var/lib/dpkg")).expect("removed");
    }
    // A link that stays within is followed, as the host itself would.
    fs::create_dir_all(host.join("data/info")).expect("a directory");
    fs::write(host.join("data/info/own.list"), "/usr/bin/secret\n").expect("a file");
    symlink("/data", host.join("var/lib/dpkg")).expect("a link");
    assert_eq!(ask(&root(&host), &paths), [by("dpkg", "own")]);
}

#[test]
fn what_is_no_regular_file_is_not_waited_for() {
    let host = tempfile::tempdir().expect("a directory");
    let info = host.path().join("var/lib/dpkg/info");
    fs::create_dir_all(info.join("directory.list")).expect("a directory");
    let named_pipe = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, info.join("pipe.list"), named_pipe, 0o644.into(), 0).expect("a pipe");
    fs::File::create(info.join("large.list")).and_then(|file| file.set_len(LARGEST_FILE + 1)).expect("a file");
    fs::write(info.join("small.list"), "/usr/bin/small\n").expect("a file");
    let found = ask(&root(host.path()), &["/usr/bin/small", "/usr/bin/other"]);
    assert_eq!(found[0], by("dpkg", "small"));
    assert!(matches!(found[1], Owned::Unknown(_)), "{found:?}");
    let read = |name| root(host.path()).read(&format!("/var/lib/dpkg/info/{name}.list")).expect_err("refused").kind();
    assert_eq!(["pipe", "directory"].map(read), [io::ErrorKind::InvalidData; 2]);
    assert_eq!(read("large"), io::ErrorKind::FileTooLarge);
}
