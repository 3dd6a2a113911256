use std::os::unix::fs::symlink;

use rustix::fs::FileType;
use tempfile::TempDir;

use super::*;

/// A root beside a secret that hostile links try to reach.
fn hostile() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().expect("a directory");
    std::fs::write(place.path().join("secret"), "secret").expect("written");
    let root = place.path().join("root");
    for directory in ["etc", "run/netns", "deep/er"] {
        std::fs::create_dir_all(root.join(directory)).expect("made");
    }
    (place, root)
}

fn files(root: &Path) -> Root {
    Root::new(root).expect("a directory")
}

fn fifo(path: &Path) {
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a pipe");
}

#[test]
fn no_link_leads_out_of_the_root() {
    let (place, root) = hostile();
    let absolute = place.path().join("secret");
    symlink(&absolute, root.join("etc/passwd")).expect("a link");
    symlink("../../secret", root.join("etc/machine-id")).expect("a link");
    symlink("../../../../../../secret", root.join("etc/hostname")).expect("a link");
    symlink("/etc", root.join("deep/er/etc")).expect("a link");
    symlink("/proc/self/root/etc/passwd", root.join("etc/group")).expect("a link");
    std::fs::write(root.join("etc/shells"), "of the root").expect("written");
    let rooted = files(&root);
    for name in ["/etc/passwd", "/etc/machine-id", "/etc/hostname", "/etc/group"] {
        assert!(rooted.read(name).is_err(), "{name}");
    }
    assert_eq!(rooted.read("/deep/er/etc/shells").expect("within the root"), b"of the root");
    assert_eq!(rooted.read("/../../etc/shells").expect("within the root"), b"of the root");
    symlink(".", root.join("etc/here")).expect("a link");
    let open = |path: &[u8]| {
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::IN_ROOT;
        paths::open_path(rooted.directory().as_fd(), path, resolve)
    };
    assert!(open(b"/etc/shells").is_ok() && open(b"/").is_ok());
    assert_eq!(open(b"/etc/here/shells").map(drop), Err(Errno::LOOP));
}

#[test]
fn a_pipe_keeps_nobody_waiting_and_is_no_namespace() {
    let (place, root) = hostile();
    for name in ["etc/passwd", "run/netns/pipe"] {
        fifo(&root.join(name));
    }
    let own = std::fs::metadata("/proc/self/ns/net").map(|own| std::os::unix::fs::MetadataExt::ino(&own));
    let own = own.expect("our own namespace");
    symlink("/proc/self/ns/net", root.join("run/netns/link")).expect("a link");
    symlink(place.path().join("secret"), root.join("run/netns/out")).expect("a link");
    std::fs::write(root.join("run/netns/empty"), "").expect("written");
    let rooted = files(&root);
    assert!(rooted.read("/etc/passwd").is_err());
    let proc = super::super::open_proc().expect("a proc");
    for name in ["pipe", "link", "out", "empty", "none"] {
        let path = format!("/run/netns/{name}");
        let opened = super::super::namespaces::mounted_below(&rooted, &proc, path.as_bytes(), own);
        assert!(opened.is_err(), "{name}");
    }
}

#[test]
fn what_is_no_root_of_a_running_host_is_refused_with_a_remedy() {
    let (_place, root) = hostile();
    let refused = |path: &Path| match Live::new(Some(path), None) {
        Ok(_) => panic!("{} is taken for a host", path.display()),
        Err(error) => {
            assert!(!error.hint().is_empty(), "{error}");
            error.to_string().replace(root.to_str().expect("UTF-8"), "ROOT")
        }
    };
    assert_eq!(refused(&root.join("none")), "cannot open ROOT/none: No such file or directory (os error 2)");
    std::fs::write(root.join("file"), "").expect("written");
    assert_eq!(refused(&root.join("file")), "ROOT/file: it is no directory");
    assert_eq!(refused(&root), "ROOT: there is no proc in it");
    let proc = root.join("proc");
    for target in ["/proc", "../../../../../../../../proc", "proc"] {
        symlink(target, &proc).expect("a link");
        assert_eq!(refused(&root), "ROOT/proc: it is no directory of this root", "{target}");
        std::fs::remove_file(&proc).expect("removed");
    }
    fifo(&proc);
    assert_eq!(refused(&root), "ROOT/proc: it is no directory of this root");
    std::fs::remove_file(&proc).expect("removed");
    std::fs::create_dir_all(proc.join("1/net")).expect("made");
    assert!(refused(&root).starts_with("ROOT/proc: it is no procfs"));
}

#[test]
fn the_own_root_is_a_root_too() {
    let live = Live::new(Some(Path::new("/")), None).expect("this host");
    let rooted = live.rooted.as_ref().expect("a root");
    assert!(rooted.same_pids, "its ids are ours");
    assert_eq!(rooted.view.place, b"", "the place of the root");
    let executable = std::fs::read_link("/proc/self/exe").expect("our own link");
    let path = std::os::unix::ffi::OsStrExt::as_bytes(executable.as_os_str());
    let (mut one, mut other) = (Vec::new(), Vec::new());
    paths::host_file(path, &mut one).expect("our own file");
    live.file_of(rooted, path, &mut other).expect("our own file");
    assert_eq!(one, other);
}

#[test]
fn the_file_system_of_a_path_is_that_of_the_longest_and_last_mount() {
    let mounts = b"1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /usr rw - ext4 b rw\n3 1 8:3 / /usr rw - ext4 c rw\n";
    assert_eq!(device(mounts, b"/usr/sbin/x"), Some(&b"8:3"[..]));
    assert_eq!(device(mounts, b"/usrx"), Some(&b"8:1"[..]));
    assert_eq!(device(b"", b"/usr"), None);
}

#[test]
fn a_static_name_is_the_first_line_that_is_no_comment() {
    assert_eq!(static_name(b"# name\n\n web-1 \nother\n"), Some(b"web-1".to_vec()));
    assert_eq!(static_name(b"\n# name"), None);
}
