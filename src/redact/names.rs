//! Which name stands for which: one table for names of every kind.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::addresses::Addresses;
use super::{cgroups, known, paths};
use crate::collect::{Kind, Rename};
use crate::registry::Registry;
use crate::{judge, rules};

/// What a replacement is called; a name that occurs as several things is called by the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Word {
    User,
    Host,
    Program,
    Unit,
    Package,
    Container,
    Namespace,
    Device,
    Instance,
    Group,
    Directory,
    Socket,
    Name,
}

impl Word {
    const fn text(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Host => "host",
            Self::Program => "program",
            Self::Unit => "unit",
            Self::Package => "package",
            Self::Container => "container",
            Self::Namespace => "namespace",
            Self::Device => "device",
            Self::Instance => "instance",
            Self::Group => "group",
            Self::Directory => "directory",
            Self::Socket => "socket",
            Self::Name => "name",
        }
    }
}

/// The names of one capture.
pub struct Names<'a> {
    registry: &'a Registry,
    seen: BTreeSet<(Word, Vec<u8>)>,
    given: BTreeMap<Vec<u8>, String>,
    /// Users and hosts: what the registry knows as a service of that name may be one of them here.
    own: BTreeSet<Vec<u8>>,
    /// Ids in hexadecimal, such as containers have, and what counts as their number.
    ids: BTreeMap<Vec<u8>, usize>,
    /// Numbers of users and groups.
    people: BTreeMap<u32, u32>,
    addresses: Addresses,
    services: HashMap<Vec<u8>, bool>,
}

/// The first number that is a person's, and that of nobody, login.defs(5) and systemd.
const FIRST_PERSON: u32 = 1000;
const NOBODY: u32 = 65534;

impl<'a> Names<'a> {
    /// No names yet.
    pub fn new(registry: &'a Registry) -> Self {
        Self {
            registry,
            seen: BTreeSet::new(),
            given: BTreeMap::new(),
            own: BTreeSet::new(),
            ids: BTreeMap::new(),
            people: BTreeMap::new(),
            addresses: Addresses::default(),
            services: HashMap::new(),
        }
    }

    /// Gives every name that was seen its number, in their order.
    pub fn settle(&mut self) {
        let mut counts: HashMap<Word, usize> = HashMap::new();
        for (word, name) in &self.seen {
            self.given.entry(name.clone()).or_insert_with(|| {
                let count = counts.entry(*word).or_default();
                *count += 1;
                format!("{}-{count}", word.text())
            });
        }
        self.ids.values_mut().enumerate().for_each(|(at, number)| *number = at + 1);
        self.people.values_mut().zip(FIRST_PERSON..).for_each(|(number, next)| *number = next);
        self.addresses.settle();
    }

    /// A name for a name that does not stay.
    pub fn give(&mut self, word: Word, name: &[u8]) -> Vec<u8> {
        if name.is_empty() {
            return Vec::new();
        }
        match self.given.get(name) {
            Some(given) => given.clone().into_bytes(),
            None => {
                self.seen.insert((word, name.to_vec()));
                // What was not seen before has no number yet.
                format!("{}-0", word.text()).into_bytes()
            }
        }
    }

    /// A name for a user, of whom root stays.
    pub fn user(&mut self, name: &[u8]) -> Vec<u8> {
        if name == b"root" {
            return name.to_vec();
        }
        // `DOMAIN\name` of Windows.
        if let Some(at) = name.iter().position(|byte| *byte == b'\\') {
            let (domain, own) = (&name[..at], &name[at + 1..]);
            if known::is_authority(domain) {
                let own = if known::is_account(own) { own.to_vec() } else { self.program(Word::User, own) };
                return [domain, b"\\", &own].concat();
            }
            let own = if known::is_account(own) { own.to_vec() } else { self.user(own) };
            self.own.insert(domain.to_ascii_lowercase());
            return [&self.give(Word::Host, &domain.to_ascii_lowercase())[..], b"\\", &own].concat();
        }
        self.own.insert(name.to_vec());
        self.give(Word::User, name)
    }

    /// A name for a program, unit or package: it stays where the registry knows it as an owner or a service, or a rule
    /// looks for it.
    pub fn program(&mut self, word: Word, name: &[u8]) -> Vec<u8> {
        match self.is_program(name) || self.is_service(name) || known::is_part_of_windows(name) {
            true => name.to_vec(),
            false => self.give(word, name),
        }
    }

    /// True for a program that the registry or a rule knows.
    pub fn is_program(&self, name: &[u8]) -> bool {
        self.registry.knows_program(name) || judge::knows_role(name) || rules::know_program(name)
    }

    /// True for the name of a service of which a use is known, where it is no name of this host's own.
    fn is_service(&mut self, name: &[u8]) -> bool {
        if self.own.contains(name) {
            return false;
        }
        if let Some(known) = self.services.get(name) {
            return *known;
        }
        // Of the bare names of IANA many are also those of companies and people, and do not count.
        let known = std::str::from_utf8(name).is_ok_and(|name| self.registry.knows_service(name));
        self.services.insert(name.to_vec(), known);
        known
    }

    /// Another id in hexadecimal of the same length. Its first digits differ from those of every other: that many are
    /// shown of the id of a container.
    pub fn hexadecimal(&mut self, id: &[u8]) -> String {
        const SHOWN: usize = 12;
        let number = *self.ids.entry(id.to_ascii_lowercase()).or_default();
        let shown = id.len().min(SHOWN);
        let digits = format!("{number:0shown$x}");
        format!("{digits:0<width$}", width = id.len())
    }

    /// Another UUID, with that character between its parts.
    pub fn uuid(&mut self, id: &[u8], dash: char) -> String {
        let plain: Vec<u8> = id.iter().copied().filter(u8::is_ascii_hexdigit).collect();
        let number = *self.ids.entry(plain.to_ascii_lowercase()).or_default();
        format!("{number:08x}{dash}0000{dash}0000{dash}0000{dash}000000000000")
    }
}

impl Rename for Names<'_> {
    fn name(&mut self, kind: Kind, name: &[u8]) -> Vec<u8> {
        match kind {
            Kind::User => self.user(name),
            Kind::Host => {
                self.own.insert(name.to_vec());
                self.give(Word::Host, name)
            }
            Kind::Release => release(name),
            Kind::Program => self.program(Word::Program, name),
            Kind::Executable => paths::executable(self, name),
            Kind::Socket => paths::socket(self, name),
            Kind::Cgroup => cgroups::path(self, name),
            Kind::Device if known::is_device(name) => name.to_vec(),
            Kind::Device => self.give(Word::Device, name),
            Kind::Namespace => paths::namespace(self, name),
            Kind::Package => self.program(Word::Package, name),
            Kind::Other => self.give(Word::Name, name),
        }
    }

    fn ip(&mut self, ip: IpAddr) -> IpAddr {
        self.addresses.map(ip)
    }

    fn id(&mut self, id: u32) -> u32 {
        match id {
            0..FIRST_PERSON | NOBODY | u32::MAX => id,
            _ => *self.people.entry(id).or_default(),
        }
    }
}

/// The numbers of a release, `6.1.0-9` of `6.1.0-9-acme`: what is known of a kernel hangs on them.
fn release(name: &[u8]) -> Vec<u8> {
    const LONGEST: usize = 24;
    let numbers = name.iter().take(LONGEST).take_while(|byte| byte.is_ascii_digit() || b".-".contains(byte));
    let numbers: Vec<u8> = numbers.copied().collect();
    let end = numbers.iter().rposition(u8::is_ascii_digit).map_or(0, |last| last + 1);
    numbers[..end].to_vec()
}
