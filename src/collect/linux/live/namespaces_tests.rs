use std::os::unix::fs::MetadataExt as _;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use super::*;

#[test]
fn what_a_descriptor_leads_to_is_opened_only_where_it_is_the_namespace() {
    let proc = rustix::fs::open("/proc", OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).expect("proc");
    let behind = |file: &std::fs::File| Way::Descriptor(std::process::id(), file.as_raw_fd().cast_unsigned());
    let inode = |file: &std::fs::File| file.metadata().expect("its facts").ino();
    let namespaces = Namespaces::default();

    let own = std::fs::File::open("/proc/self/ns/net").expect("our own namespace");
    let opened = namespaces.open(&proc, &behind(&own), inode(&own)).expect("a namespace");
    assert!(is_namespace(&opened, &proc, inode(&own)).expect("its facts"));
    assert_eq!(namespaces.open(&proc, &behind(&own), 1).map(drop), Err(Errno::NOENT));

    let other = tempfile::NamedTempFile::new().expect("a file");
    let way = behind(other.as_file());
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).expect("a watch");
    inotify::add_watch(&watch, other.path(), WatchFlags::OPEN).expect("watched");
    let opens = || {
        let mut room = [std::mem::MaybeUninit::uninit(); 512];
        match inotify::Reader::new(&watch, &mut room).next() {
            Ok(event) => event.events().contains(ReadFlags::OPEN),
            Err(errno) => {
                assert_eq!(errno, Errno::AGAIN);
                false
            }
        }
    };
    // The number alone is nothing: who makes a file system gives it what he likes.
    assert_eq!(namespaces.open(&proc, &way, inode(other.as_file())).map(drop), Err(Errno::NOENT));
    assert!(!opens());
    std::fs::File::open(other.path()).expect("a file");
    assert!(opens(), "the watch sees who opens it");
}
