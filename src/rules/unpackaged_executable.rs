//! No package of the host owns the program that listens.

use super::{Check, Draft, Exposure, Rule, Subject, place};
use crate::finding::{Evidence, RuleInfo, Severity, Theme};
use crate::model::{PackageState, Process};

pub(super) const RULE: Rule = Rule {
    info: RuleInfo {
        name: "unpackaged-executable",
        theme: Theme::Identity,
        specificity: 8,
        summary: "No package of this host owns the executable of its owner",
        explanation: "\
The databases of the package managers of this host (dpkg, rpm, apk, pacman) were read, and none of them has this file.
Nobody's update mends it, nobody's list of software has it, and nothing tells whether it is what its maker built. That is
usual for a host's own software below `/usr/local` or `/opt`, and for interpreters that a language's own manager
installed; everywhere else it is a question.

It fires only where packages were looked up (`--packages`), at least one database could be read as a whole, and the
executable is verified: of a deleted file, and of one in a container's own root, no package of the host could say
anything. It keeps quiet for containers, whose packages are those of their image. It is medium where anybody can reach
the port, and low elsewhere.",
        remedy: "\
Install it from a package, or put it on the list of software that somebody keeps up to date by hand.",
        controls: &[
            "NIST SP 800-53 Rev. 5 CM-8",
            "NIST SP 800-53 Rev. 5 SI-2",
            "PCI DSS 4.0 6.3.2",
            "CIS Controls v8 2.1",
            "MITRE ATT&CK T1543",
        ],
        fires_on: &[
            "tcp/0.0.0.0:9100 exe=/usr/local/bin/node_exporter unpackaged => medium",
            "tcp/10.0.0.5:9100 exe=/opt/acme/acmed unpackaged => low",
            "tcp/127.0.0.1:9100 exe=/opt/acme/acmed unpackaged => low",
        ],
        quiet_on: &[
            "tcp/0.0.0.0:9100 exe=/usr/local/bin/node_exporter",
            "tcp/0.0.0.0:22 exe=/usr/sbin/sshd package=openssh-server",
            "tcp/0.0.0.0:9100 exe=/usr/local/bin/node_exporter file=foreign container=docker:web",
            "tcp/0.0.0.0:9100 exe=/opt/acme/acmed unpackaged container=docker:web",
            "tcp/0.0.0.0:9100 exe=/opt/acme/acmed unpackaged state=bound",
        ],
    },
    check: Check::Listener(check),
};

fn check(subject: &Subject<'_>) -> Option<Draft> {
    let unpackaged =
        |process: &&&Process| process.package_state == PackageState::None && process.container.is_none();
    let process = subject.owners.iter().filter(|_| subject.serves()).find(unpackaged)?;
    let exe = place::exe(process);
    let severity = if subject.reach() == Exposure::Public { Severity::Medium } else { Severity::Low };
    Some(Draft {
        severity,
        message: format!("{exe} belongs to no package of this host"),
        evidence: vec![Evidence::new("executable", format!("{exe} (verified), in no package database that was read"))],
        remedy: "install it from a package, or see to its updates by hand".to_owned(),
    })
}
