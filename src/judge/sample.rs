//! Hosts for tests, and the small language in which the rules give their examples.
//!
//! An example is one listener, or several joined by ` + ` of which the first is the subject, and after `=>` the severity
//! of the finding; without it the rule has to keep quiet. A listener is an endpoint and words behind it:
//!
//! `netns` stands for the namespace itself, where a rule looks at that; `sk_lookup=NAME` attaches a BPF program to it, and
//! `listeners=COUNT:UID` has that user listen on so many ports of it.
//!
//! - `exe=/usr/sbin/sshd`, escaped where it has spaces, adds a verified holder; after it `user=`, `uid=`, `unit=`,
//!   `container=RUNTIME:ID`, `package=NAME` or `unpackaged`, `pid=`, `ppid=`, `start=`, `file=deleted` (or another state of its file) and `writable` speak of that holder;
//! - `nobody`: every process was looked into and none holds it. Without a holder and without this word, the processes of
//!   other users could not be looked into;
//! - `kernel=vxlan`: the kernel tells that the socket is its own;
//! - `state=connected` (or another state), `v6only`, `uid` of the socket as `creator=`, its accept queue and the limit of
//!   that as `backlog=129/128`, what it dropped as `drops=`;
//! - `policy=deny`, `policy=expect:PORT:EXE`, `policy=require:PORT`, `policy=forbid:PORT`, `policy=suppress:PORT:expired` (of
//!   `cleartext-management`) add to a policy that the host is held against; `loopback=enforce` is its setting;
//! - `alone`: no device of its namespace but the loopback device is up.

use std::net::IpAddr;

use crate::model::{
    Backlog, Container, ExeState, Holder, Interface, KernelOwner, Local, NamespaceKind, NetNs, NetNsKind, PackageState,
    Process, Severity, SkLookup, Snapshot, Socket, State, Text, Transport, UnitState,
};
use crate::policy::Policy;
use crate::rules;

/// The runtimes of containers.
const RUNTIMES: [&str; 7] = ["docker", "containerd", "cri-o", "podman", "kubernetes", "lxc", "nspawn"];

/// An example, read.
pub(crate) struct Example {
    /// The host it tells of.
    pub(crate) snapshot: Snapshot,
    /// The policy that the host is held against, where the example has one.
    pub(crate) policy: Option<Policy>,
    /// The subject is its namespace, and else its first socket.
    pub(crate) of_namespace: bool,
    /// The severity of the finding, where there has to be one.
    pub(crate) want: Option<Severity>,
}

/// Reads an example.
pub(crate) fn example(text: &str) -> Example {
    let (listeners, want) = match text.split_once("=>") {
        Some((listeners, want)) => (listeners, Some(Severity::from_name(want.trim()).expect(text))),
        None => (text, None),
    };
    let is_of_policy = |word: &&str| word.starts_with("policy=") || word.starts_with("loopback=");
    let (said, words): (Vec<&str>, Vec<&str>) = listeners.split(' ').partition(is_of_policy);
    let listeners = words.join(" ");
    let policy = (!said.is_empty()).then(|| policy(&said));
    let of_namespace = listeners.starts_with("netns");
    Example { snapshot: host(&listeners.split(" + ").collect::<Vec<_>>()), policy, of_namespace, want }
}

/// The policy that the words of an example make.
fn policy(words: &[&str]) -> Policy {
    let (mut settings, mut entries) = (String::from("[settings]\n"), String::new());
    for word in words {
        let (key, value) = word.split_once('=').expect(word);
        if key == "loopback" {
            settings += &format!("loopback = \"{value}\"\n");
            continue;
        }
        let (kind, rest) = value.split_once(':').unwrap_or((value, ""));
        let (port, more) = rest.split_once(':').unwrap_or((rest, ""));
        match (kind, more) {
            ("deny", _) => settings += "default = \"deny\"\n",
            ("expect" | "require", exe) => {
                entries += &format!("[[expect]]\nport = {port}\nrequired = {}\n", kind == "require");
                if !exe.is_empty() {
                    entries += &format!("exe = \"{exe}\"\n");
                }
            }
            ("forbid", _) => entries += &format!("[[forbid]]\nport = {port}\n"),
            ("suppress", more) => {
                let year = if more == "expired" { 1969 } else { 2100 };
                entries += &format!(
                    "[[suppress]]\nrule = \"cleartext-management\"\nmatch = {{ port = {port} }}\nreason = \"x\"\n\
                     expires = {year}-01-01\n"
                );
            }
            _ => panic!("{word}: no such word of a policy"),
        }
    }
    let files = [("policy.toml".to_owned(), format!("schema = 1\n{settings}{entries}"))];
    Policy::parse(&files, &|rule| rules::by_name(rule).is_some()).expect("a policy")
}

/// A host with an outward device, and these listeners.
pub(crate) fn host(listeners: &[&str]) -> Snapshot {
    let device = |index, name: &str| Interface {
        index,
        name: Text::from(name),
        up: true,
        loopback: name == "lo",
        made_in: None,
        tunnel: None,
    };
    let interfaces = vec![device(1, "lo"), device(2, "eth0")];
    let netns = NetNs {
        inode: Some(4_026_531_840),
        name: None,
        kind: NetNsKind::Host,
        interfaces: Some(interfaces),
        addresses: None,
    };
    let mut snapshot = Snapshot { namespaces: vec![netns], ..Snapshot::default() };
    snapshot.host.platform = "linux";
    snapshot.host.ephemeral_ports = Some((32_768, 60_999));
    snapshot.vantage.pid_ns = Some(NamespaceKind::Initial);
    snapshot.vantage.user_ns = Some(NamespaceKind::Initial);
    for listener in listeners {
        add(&mut snapshot, listener);
    }
    snapshot
}

/// What an example says of the namespace.
fn shape(snapshot: &mut Snapshot, words: &str) {
    for (at, word) in (1..).zip(words.split_whitespace()) {
        match word.split_once('=').unwrap_or((word, "")) {
            ("sk_lookup", name) => {
                let (link, program, name) = (at, at + 10, Text::from(name));
                let tag = Some("3b185187f1855c4c".to_owned());
                snapshot.sk_lookups.push(SkLookup { netns: 0, link, program, name, tag, uid: Some(0) });
            }
            ("alone", _) => alone(snapshot),
            ("listeners", crowd) => {
                let (count, uid) = crowd.split_once(':').expect(word);
                for _ in 0..count.parse::<u64>().expect(word) {
                    let inode = snapshot.sockets.len() as u64 + 1;
                    let socket = socket(&format!("tcp/127.0.0.1:{}", 2000 + inode), inode);
                    snapshot.sockets.push(Socket { uid: Some(uid.parse().expect(word)), ..socket });
                }
            }
            _ => panic!("{word}: no such word of a namespace"),
        }
    }
}

/// Leaves the namespace with nothing but its loopback device.
fn alone(snapshot: &mut Snapshot) {
    if let Some(devices) = &mut snapshot.namespaces[0].interfaces {
        devices.retain(|device| device.loopback);
    }
}

fn add(snapshot: &mut Snapshot, listener: &str) {
    if let Some(words) = listener.trim().strip_prefix("netns") {
        return shape(snapshot, words);
    }
    let mut words = listener.split_whitespace();
    let mut socket = socket(words.next().expect(listener), snapshot.sockets.len() as u64 + 1);
    let index = snapshot.sockets.len() as u32;
    let (mut nobody, mut held) = (false, false);
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let text = || Some(Text::unescape(value).expect(word));
        if key == "exe" {
            held = true;
            let process = snapshot.processes.len() as u32;
            snapshot.processes.push(process_of(value, process));
            snapshot.holders.push(Holder::proved(index, process, 3));
            continue;
        }
        match (key, snapshot.processes.last_mut().filter(|_| held)) {
            ("nobody", _) => nobody = true,
            ("alone", _) => alone(snapshot),
            ("state", _) => {
                let states = [State::Listen, State::Unconnected, State::Bound, State::Connected];
                socket.state = states.into_iter().find(|state| state.name() == value).expect(word);
            }
            ("kernel", _) => {
                assert_eq!(value, "vxlan", "{word}: the only kind in examples");
                socket.kernel_owner = Some(KernelOwner { kind: "vxlan", device: Some(Text::from("vx0")) });
            }
            ("v6only", _) => socket.v6only = Some(true),
            ("backlog", _) => {
                let (queued, limit) = value.split_once('/').expect(word);
                let number = |text: &str| text.parse().expect(word);
                socket.backlog = Some(Backlog { queued: number(queued), limit: number(limit) });
            }
            ("drops", _) => socket.drops = Some(value.parse().expect(word)),
            ("creator", _) => socket.uid = Some(value.parse().expect(word)),
            ("user", Some(process)) => process.user = text(),
            ("uid", Some(process)) => process.uid = Some(value.parse().expect(word)),
            ("pid", Some(process)) => process.pid = value.parse().expect(word),
            ("ppid", Some(process)) => process.ppid = Some(value.parse().expect(word)),
            ("start", Some(process)) => process.start_ticks = Some(value.parse().expect(word)),
            ("writable", Some(process)) => process.exe_writable = Some(true),
            ("container", Some(process)) => {
                let (runtime, id) = value.split_once(':').expect(word);
                let runtime = RUNTIMES.into_iter().find(|known| *known == runtime).expect(word);
                process.container = Some(Container { runtime, id: Text::unescape(id).expect(word), pod: None });
                process.container_state = UnitState::Known;
            }
            ("package", Some(process)) => {
                process.package = text();
                process.package_state = PackageState::Owned;
            }
            ("unpackaged", Some(process)) => process.package_state = PackageState::None,
            ("unit", Some(process)) => {
                process.unit = text();
                process.unit_state = UnitState::Known;
            }
            ("file", Some(process)) => {
                let states =
                    [ExeState::Ok, ExeState::Deleted, ExeState::Memfd, ExeState::Foreign, ExeState::Unreadable];
                process.exe_state = states.into_iter().find(|state| state.name() == value).expect(word);
                process.exe_writable = None;
            }
            _ => panic!("{word}: no such word in {listener:?}"),
        }
    }
    if !nobody && !held {
        snapshot.counts.no_permission = 1;
    }
    snapshot.sockets.push(socket);
}

fn process_of(exe: &str, index: u32) -> Process {
    let text = Text::unescape(exe).expect(exe);
    Process {
        pid: 1000 + index,
        ppid: Some(1),
        start_ticks: Some(500 + u64::from(index)),
        started: None,
        comm: Some(Text::from(text.base_name())),
        exe: Some(text),
        exe_state: ExeState::Ok,
        exe_writable: Some(false),
        exe_replaced: None,
        uid: Some(0),
        user: Some(Text::from("root")),
        cgroup: None,
        unit: None,
        user_unit: None,
        unit_state: UnitState::None,
        container: None,
        container_state: UnitState::None,
        package: None,
        package_state: PackageState::NotLookedUp,
        script: None,
        cmdline: None,
        raced: false,
    }
}

/// A socket by its endpoint, as [`crate::report::Listener::endpoint`] writes internet endpoints; `inode` names it.
pub(crate) fn socket(endpoint: &str, inode: u64) -> Socket {
    let (transport, place) = endpoint.split_once('/').expect(endpoint);
    let transport = Transport::from_name(transport).expect(endpoint);
    let (address, port) = place.rsplit_once(':').expect(endpoint);
    let (address, device) = address.split_once('%').unwrap_or((address, ""));
    let ip = || -> IpAddr { address.trim_matches(['[', ']']).parse().expect(endpoint) };
    let local = match transport {
        Transport::Raw => Local::Raw { ip: ip(), protocol: port.trim_start_matches("proto=").parse().expect(endpoint) },
        Transport::Packet => Local::Packet { protocol: if port == "all" { 3 } else { 0x0800 }, cooked: false },
        _ => Local::Inet { ip: ip(), port: port.parse().expect(endpoint) },
    };
    let device = match (transport, address, device) {
        (Transport::Packet, "lo", _) | (_, _, "lo") => 1,
        (Transport::Packet, "eth0", _) | (_, _, "eth0") => 2,
        _ => 0,
    };
    let connects = matches!(transport, Transport::Tcp | Transport::Sctp | Transport::Dccp);
    let v6only = matches!(local, Local::Inet { ip: IpAddr::V6(_), .. }).then_some(false);
    Socket {
        transport,
        mptcp: false,
        state: if connects { State::Listen } else { State::Unconnected },
        local,
        device,
        v6only,
        uid: Some(0),
        inode,
        cookie: Some(inode),
        cgroup: None,
        backlog: None,
        recv_queue: None,
        drops: None,
        netns: 0,
        raced: false,
        kernel_owner: None,
    }
}
