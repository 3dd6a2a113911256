//! The rules: one judgement each, in a file of its own with its prose, its metadata, its check and its examples.
//!
//! A rule looks at one [`Subject`], one [`Place`] or one [`PolicyEntry`] and nothing else: no clock, no file, no environment. To add one, write its file and
//! put its name into the list below; the catalogue, the documentation and the tests follow from there.

mod approval;
mod instead;
mod namespace;
mod place;
mod subject;
mod weigh;

pub use approval::{Approval, PolicyEntry};
pub use namespace::Place;
pub(crate) use subject::serves;
pub use subject::{Credible, Exposure, Sharer, Subject};

use crate::finding::{Evidence, RuleInfo, Severity};

/// One judgement: what it is, for people, and how it is made.
#[derive(Debug)]
pub struct Rule {
    /// What it is.
    pub info: RuleInfo,
    /// Says what is wrong with what it looks at, if anything is.
    pub check: Check,
}

/// What a rule looks at.
#[derive(Debug)]
pub enum Check {
    /// A listener.
    Listener(fn(&Subject<'_>) -> Option<Draft>),
    /// A network namespace as a whole: what makes it answer without a listener.
    Namespace(fn(&Place<'_>) -> Option<Draft>),
    /// An entry of the policy itself.
    Policy(fn(&PolicyEntry) -> Option<Draft>),
}

/// What a rule says about its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// How soon somebody should act.
    pub severity: Severity,
    /// What is wrong, in one sentence without the endpoint.
    pub message: String,
    /// What speaks for it.
    pub evidence: Vec<Evidence>,
    /// What to do instead, here.
    pub remedy: String,
}

macro_rules! rules {
    ($($name:ident),+ $(,)?) => {
        $(mod $name;)+
        static ALL: &[Rule] = &[$($name::RULE),+];
    };
}

rules! {
    deleted_executable,
    unexpected_owner,
    leaked_listener,
    executable_in_writable_place,
    reuseport_mixed_owners,
    unattributed,
    unpackaged_executable,
    unauthenticated_control,
    exposed_beyond_purpose,
    packet_socket,
    sk_lookup,
    cleartext_management,
    cleartext_protocol,
    forbidden,
    policy_mismatch,
    missing,
    unexpected,
    suppression_expired,
    weak_expectation,
    suppression_unused,
}

/// Every rule, in the order of the catalogue: by theme, and within it from the most to the least specific.
pub fn all() -> &'static [Rule] {
    ALL
}

/// The rule of that name.
pub fn by_name(name: &str) -> Option<&'static Rule> {
    ALL.iter().find(|rule| rule.info.name == name)
}

/// True for a program that some rule knows by its name.
pub fn know_program(name: &[u8]) -> bool {
    packet_socket::is_for_packets(name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    #[test]
    fn names_are_unique_and_found() {
        let names: BTreeSet<&str> = ALL.iter().map(|rule| rule.info.name).collect();
        assert_eq!(names.len(), ALL.len());
        for rule in ALL {
            assert_eq!(by_name(rule.info.name).map(|found| found.info.name), Some(rule.info.name));
            let plain = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(rule.info.name.chars().all(plain), "{}", rule.info.name);
        }
        assert!(by_name("no-such-rule").is_none());
    }

    #[test]
    fn every_rule_is_told_of_in_full() {
        for RuleInfo { name, summary, explanation, remedy, controls, fires_on, quiet_on, .. } in
            ALL.iter().map(|rule| &rule.info)
        {
            assert!(!summary.is_empty() && !summary.ends_with('.') && summary.len() <= 100, "{name}: {summary}");
            assert!(explanation.len() > 200, "{name} explains too little");
            assert!(!remedy.is_empty(), "{name} has no remedy");
            assert!(fires_on.len() >= 2 && quiet_on.len() >= 3, "{name} has too few examples");
            assert!(fires_on.iter().all(|example| example.contains("=>")), "{name}: {fires_on:?}");
            assert!(!quiet_on.iter().any(|example| example.contains("=>")), "{name}: {quiet_on:?}");
            for text in [*summary, *explanation, *remedy] {
                assert!(!text.to_lowercase().contains("complian"), "{name} promises what a control alone can judge");
            }
            assert!(!controls.is_empty(), "{name} is evidence for nothing");
        }
    }

    #[test]
    fn a_control_names_its_catalogue_its_version_and_its_number() {
        const CATALOGUES: &[&str] = &[
            "NIST SP 800-53 Rev. 5 ",
            "PCI DSS 4.0 ",
            "CIS Controls v8 ",
            "CIS Debian Linux 12 v1.1.0 ",
            "CIS Red Hat Enterprise Linux 9 v2.0.0 ",
            "CIS Ubuntu Linux 24.04 v1.0.0 ",
            "CISA BOD 23-02",
            "CWE-",
            "MITRE ATT&CK T",
            "BSI IT-Grundschutz 2023 ",
            "ISO/IEC 27001:2022 A.",
        ];
        for rule in ALL {
            let mut controls: Vec<_> = rule.info.controls.to_vec();
            for control in &controls {
                let known = CATALOGUES.iter().any(|catalogue| control.starts_with(catalogue));
                assert!(known, "{}: {control}", rule.info.name);
            }
            controls.sort_unstable();
            controls.dedup();
            assert_eq!(controls.len(), rule.info.controls.len(), "{} names a control twice", rule.info.name);
        }
    }

    #[test]
    fn the_catalogue_goes_by_theme_and_specificity() {
        let key = |rule: &Rule| (rule.info.theme, std::cmp::Reverse(rule.info.specificity));
        assert!(ALL.is_sorted_by(|a, b| key(a) < key(b)), "two rules of a theme need an order of their own");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test reads the sources, the rules read nothing")]
    fn every_file_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules");
        let files = std::fs::read_dir(folder).expect(folder);
        let mut stems: BTreeSet<String> = files
            .map(|file| file.expect(folder).path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .filter_map(|path| Some(path.file_stem()?.to_str()?.replace('_', "-")))
            .collect();
        for helper in ["mod", "approval", "instead", "namespace", "place", "subject", "weigh"] {
            assert!(stems.remove(helper), "{helper}");
        }
        assert_eq!(stems, ALL.iter().map(|rule| rule.info.name.to_owned()).collect());
    }

    #[test]
    fn the_catalogue_is_frozen() {
        let lines = ALL.iter().map(|rule| {
            let RuleInfo { name, theme, specificity, summary, controls, .. } = &rule.info;
            format!("{name}\n  {} {specificity}\n  {summary}\n  {}\n", theme.name(), controls.join("; "))
        });
        insta::assert_snapshot!(lines.collect::<String>());
    }
}
