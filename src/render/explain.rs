//! An explanation for eyes.

use std::io::{self, BufWriter, Write};

use super::Screen;
use super::words::{HEADER, REMARK, kernel_label, no_owner, paint, printable, severity_style, wrap};
use crate::explain::{BindProblem, Explanation, Here, HereOwner, Overlap, PortExplanation, Use};
use crate::finding::Severity;
use crate::model::{Container, OwnerStatus, PackageState, Text};
use crate::report::{Counterpart, Role, Verdict};

/// How much further in a titled text goes on.
const HANGING: usize = 2;

/// How many programs of a use are named.
const MOST_PROGRAMS: usize = 8;

/// Writes what a word means: a rule, or ports, what holds them here, and why `bind(2)` would fail.
pub fn explain(explanation: &Explanation, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    if let Some(rule) = explanation.rule {
        super::rule(rule, screen, out)?;
    }
    let mut page = Page { screen, out: BufWriter::new(out) };
    for (at, port) in explanation.ports.iter().enumerate() {
        if at > 0 || explanation.rule.is_some() {
            writeln!(page.out)?;
        }
        page.port(explanation, port)?;
    }
    page.out.flush()
}

/// Why `bind(2)` would fail, in one sentence.
pub(super) fn bind_sentence(problem: &BindProblem) -> String {
    let meets = |overlap: &Overlap| match overlap {
        Overlap::Same => "",
        Overlap::Wildcard => ", and a wildcard takes every address of its family",
        Overlap::DualStack => ", and an IPv6 wildcard that is not IPv6 only takes IPv4 too",
    };
    match problem {
        BindProblem::Held { endpoint, overlap } => format!("{} receives there{}", printable(endpoint), meets(overlap)),
        BindProblem::BoundOnly { endpoint, overlap } => {
            format!("{} keeps the port without listening{}", printable(endpoint), meets(overlap))
        }
        BindProblem::TimeWait { addresses } => {
            let own = if *addresses == 1 { "1 own address".to_owned() } else { format!("{addresses} own addresses") };
            format!("closed connections of {own} wait in TIME-WAIT; SO_REUSEADDR gets past them")
        }
        BindProblem::Privilege { unprivileged_from } => {
            format!("ports below {unprivileged_from} need CAP_NET_BIND_SERVICE")
        }
    }
}

/// `3221`, `3322-3325`.
fn range((first, last): (u16, u16)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

struct Page<'a, 'out> {
    screen: &'a Screen,
    out: BufWriter<&'out mut dyn Write>,
}

impl Page<'_, '_> {
    /// Text in as many lines as it takes, each that far from the left; the first begins with a title.
    fn text(&mut self, indent: usize, title: &str, text: &str) -> io::Result<()> {
        let (text, hang) = if title.is_empty() { (text.to_owned(), 0) } else { (format!("{title}: {text}"), HANGING) };
        let width = self.screen.width.map(|width| usize::from(width).saturating_sub(indent + hang));
        for (at, line) in wrap(&printable(&text), width).iter().enumerate() {
            let indent = if at == 0 { indent } else { indent + hang };
            writeln!(self.out, "{:indent$}{line}", "")?;
        }
        Ok(())
    }

    fn known(&mut self, indent: usize, title: &str, text: Option<&str>) -> io::Result<()> {
        text.filter(|text| !text.is_empty()).map_or(Ok(()), |text| self.text(indent, title, text))
    }

    fn port(&mut self, explanation: &Explanation, port: &PortExplanation) -> io::Result<()> {
        let name = paint(&format!("{}/{}", port.transport.name(), range(port.ports)), HEADER, self.screen.color);
        let iana = match (port.iana_name, port.iana_title) {
            (None, _) => "IANA assigns no name to it".to_owned(),
            (Some(name), None) => format!("IANA: {name}"),
            (Some(name), Some(title)) => format!("IANA: {name}, {title}"),
        };
        writeln!(self.out, "{name} ({} port)", port.class.name())?;
        self.text(2, "", &iana)?;
        for known in &port.uses {
            self.one_use(known)?;
        }
        self.known(2, "told apart", port.clash)?;
        self.here(explanation, port)?;
        for past in &port.historical {
            let era = if past.era.is_empty() { String::new() } else { format!(" ({})", past.era) };
            let note = if past.note.is_empty() { String::new() } else { format!("; {}", past.note) };
            let past = format!(
                "in the past also {}{era}, confidence {}: says nothing about what is here{note}",
                past.association, past.confidence
            );
            for line in wrap(&printable(&past), self.screen.width.map(|width| usize::from(width).saturating_sub(2))) {
                writeln!(self.out, "  {}", paint(&line, REMARK, self.screen.color))?;
            }
        }
        Ok(())
    }

    fn one_use(&mut self, known: &Use) -> io::Result<()> {
        let name = paint(&printable(known.name), HEADER, self.screen.color);
        let ports = if known.ports.0 == known.ports.1 { String::new() } else { format!(", {}", range(known.ports)) };
        writeln!(self.out, "  {name} [{}{ports}, confidence {}]", known.source.name(), known.confidence)?;
        self.known(4, "", Some(known.title))?;
        let applies = |text: &&str| *text != "n/a";
        let mut nature = Vec::new();
        match known.management {
            Some(true) => nature.push("management".to_owned()),
            Some(false) => nature.push("not for management".to_owned()),
            None => {}
        }
        nature.extend(known.plane.filter(|plane| *plane != "management").map(|plane| format!("plane {plane}")));
        nature.extend(known.security.filter(applies).map(|security| format!("protection {security}")));
        nature.extend(known.auth_default.filter(applies).map(|auth| format!("authentication {auth}")));
        nature.extend(known.recommended_exposure.map(|exposure| format!("meant for {exposure}")));
        self.known(4, "", Some(&nature.join(", ")))?;
        self.known(4, "risk", known.risk)?;
        self.known(4, "weak", known.weakness.filter(|weakness| Some(*weakness) != known.risk))?;
        if let Some([public, lan, loopback]) = known.severity {
            let sentence = |word: &dyn Fn(Severity) -> String| {
                let [public, lan, loopback] = [public, lan, loopback].map(word);
                format!("{public} in public, {lan} in the local network, {loopback} on the host alone")
            };
            let plain = sentence(&|severity| severity.name().to_owned());
            // Colours are no columns, and cannot be wrapped.
            match self.screen.width.is_none_or(|width| "    severity: ".len() + plain.len() <= usize::from(width)) {
                true => {
                    let color = self.screen.color;
                    let painted = sentence(&|severity| paint(severity.name(), severity_style(severity), color));
                    writeln!(self.out, "    severity: {painted}")?;
                }
                false => self.text(4, "severity", &plain)?,
            }
        }
        self.known(4, "unless", known.condition)?;
        let counterparts: Vec<String> = known.secure_counterpart.iter().map(counterpart).collect();
        self.known(4, "instead", Some(&counterparts.join("; ")))?;
        self.known(4, "successor", known.successor)?;
        let beyond = known.processes.len().saturating_sub(MOST_PROGRAMS);
        let mut programs = known.processes.iter().take(MOST_PROGRAMS).copied().collect::<Vec<_>>().join(", ");
        if beyond > 0 {
            programs.push_str(&format!(" and {beyond} more (--json lists all)"));
        }
        self.known(4, "served by", Some(&programs))?;
        self.known(4, "see", known.reference)
    }

    fn here(&mut self, explanation: &Explanation, port: &PortExplanation) -> io::Result<()> {
        if !explanation.looked {
            return self.text(2, "here", "this host was not looked at");
        }
        for here in &port.here {
            self.one_here(here)?;
        }
        match (&explanation.unseen, port.here.is_empty()) {
            (None, true) => self.text(2, "here", "nothing receives there")?,
            (Some(unseen), true) => self.text(2, "here", &format!("nothing was seen; not seen: {unseen}"))?,
            (Some(unseen), false) => self.text(2, "not seen", unseen)?,
            (None, false) => {}
        }
        if port.ports.0 != port.ports.1 {
            return Ok(());
        }
        let to = match port.address {
            None => "bind".to_owned(),
            Some(address) => format!("bind to {address}"),
        };
        for problem in &port.bind {
            // Not every program is held up by these.
            let fails = match problem {
                BindProblem::Held { .. } | BindProblem::BoundOnly { .. } => "would fail",
                BindProblem::TimeWait { .. } => "may fail",
                BindProblem::Privilege { .. } => "would fail without privilege",
            };
            self.text(2, &format!("{to} {fails}"), &bind_sentence(problem))?;
        }
        if port.bind.is_empty() {
            self.text(2, &to, "nothing was seen that would keep a program from it")?;
        }
        Ok(())
    }

    fn one_here(&mut self, here: &Here) -> io::Result<()> {
        let holders = match here.owner_status {
            OwnerStatus::Kernel if let Some(owner) = &here.kernel_owner => kernel_label(owner),
            OwnerStatus::Known => {
                let listed: Vec<String> = here.owners.iter().map(holder).collect();
                let beyond = here.owner_count.saturating_sub(listed.len());
                let more = if beyond > 0 { format!(" and {beyond} more") } else { String::new() };
                format!("{}{more}", listed.join(", "))
            }
            status => format!("owner {}", no_owner(status)),
        };
        let claim = match (here.service, here.claim) {
            (Some(name), Some(Verdict::Confirmed)) => format!("; it is {name}"),
            (Some(name), Some(Verdict::Contradicted)) => {
                format!("; it is not {name}: the process is known for another")
            }
            (Some(name), _) => format!("; {name} by the port alone, the process does not decide it"),
            (None, _) => String::new(),
        };
        self.text(2, "here", &format!("{} {holders}{claim}", here.endpoint))?;
        for finding in &here.findings {
            let title = format!("{} [{}]", finding.severity.name(), finding.rule.name);
            writeln!(self.out, "    {}", paint(&title, severity_style(finding.severity), self.screen.color))?;
            self.text(6, "", &finding.message)?;
            self.text(6, "instead", &finding.remedy)?;
        }
        Ok(())
    }
}

fn counterpart(counterpart: &Counterpart) -> String {
    match counterpart {
        Counterpart::Service { transport, port, name, listening } => {
            let here = if *listening { " (listens here)" } else { "" };
            format!("{}/{port} {name}{here}", transport.name())
        }
        Counterpart::Text(text) => (*text).to_owned(),
    }
}

/// `sshd 812 (root, ssh.service)`.
fn holder(owner: &HereOwner) -> String {
    let name = owner.exe.as_ref().map(Text::base_name).filter(|name| !name.is_empty()).map(Text::from);
    let name = name.as_ref().or(owner.comm.as_ref()).map_or_else(|| "?".to_owned(), Text::escaped);
    let user = owner.user.as_ref().map(Text::escaped).or_else(|| owner.uid.map(|uid| format!("uid {uid}")));
    let role = (owner.role != Role::Server).then(|| owner.role.name().to_owned());
    let place = owner.container.as_ref().map(Container::short_name);
    let place = place.or_else(|| owner.unit.as_ref().map(Text::escaped));
    let package = match (&owner.package, owner.package_state) {
        (Some(package), _) => Some(format!("package {}", package.escaped())),
        (None, PackageState::None) => Some("of no package".to_owned()),
        (None, _) => None,
    };
    let about: Vec<String> = [user, place, package, role].into_iter().flatten().collect();
    if about.is_empty() {
        format!("{name} {}", owner.pid)
    } else {
        format!("{name} {} ({})", owner.pid, about.join(", "))
    }
}
