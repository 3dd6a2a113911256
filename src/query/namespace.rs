//! Findings about a namespace as a whole, compared with a query: what they tell of has no listener.

use std::mem::discriminant;

use super::{Choice, Port, Query, What};
use crate::finding::{About, Finding};
use crate::model::{Container, NetNs, Transport};
use crate::query::pattern::Pattern;
use crate::report::Report;

/// What of a namespace answers a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is nothing that was asked for.
    No,
    /// What was asked for may be there, and nobody can tell.
    Maybe,
    /// It was asked for.
    Yes,
}

/// Whether a finding about a namespace is what a query looks for. Such a finding has no owner and no address; and it
/// could be at every port.
pub(super) fn fits(report: &Report, query: &Query, transports: &[Transport], finding: &Finding) -> Fit {
    let About::Namespace(netns) = finding.about else { return Fit::No };
    if !takes(&query.choice, transports) {
        return Fit::No;
    }
    let mut fit = Fit::Yes;
    for (at, term) in query.terms.iter().enumerate() {
        let kind = discriminant(&term.what);
        if query.terms[..at].iter().any(|other| discriminant(&other.what) == kind) {
            continue;
        }
        let mut same = query.terms[at..].iter().map(|term| &term.what).filter(|what| discriminant(*what) == kind);
        let any = same.any(|what| match what {
            What::NetNs(pattern) => is_called(&report.namespaces[netns], pattern),
            What::Rule(name) => finding.rule.name == name || finding.also.contains(&name.as_str()),
            What::Severity(range) => range.contains(&finding.severity),
            What::Place(place) => {
                let of = |one: &Transport| place.transports.is_empty() || place.transports.contains(one);
                let number = matches!(place.port, Port::Any | Port::Numbers(_));
                number && (of(&Transport::Tcp) || of(&Transport::Udp))
            }
            _ => false,
        });
        match (&term.what, any) {
            (_, false) => return Fit::No,
            (What::Place(_), true) => fit = Fit::Maybe,
            (_, true) => {}
        }
    }
    fit
}

/// True where flags leave what such a program may take.
fn takes(choice: &Choice, transports: &[Transport]) -> bool {
    let chosen = |one: &Transport| matches!(one, Transport::Tcp | Transport::Udp);
    transports.iter().any(chosen) && (choice.transports.is_empty() || choice.transports.iter().any(chosen))
}

/// True where a pattern names a namespace: its name, its inode or its kind.
pub(super) fn is_called(netns: &NetNs, pattern: &Pattern) -> bool {
    let name =
        netns.name.as_ref().is_some_and(|name| pattern.fits_text(name) || pattern.fits_text(&Container::short(name)));
    let inode = netns.inode.is_some_and(|inode| pattern.fits(&inode.to_string()));
    name || inode || pattern.fits(netns.kind.name())
}
