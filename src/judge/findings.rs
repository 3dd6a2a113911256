//! The rules, asked about one subject: of each theme the most specific finding is told.

use crate::finding::{About, Finding, Status, Theme};
use crate::rules::{self, Check, Draft, Place, PolicyEntry, Rule, Subject};

/// What the policy makes of a draft: it may change its severity, and names the suppression that takes it.
pub(super) type Decide<'a> = dyn FnMut(&'static str, &mut Draft) -> Option<usize> + 'a;

/// The findings about one listener.
pub(super) fn about(subject: &Subject<'_>, listener: usize, decide: &mut Decide<'_>) -> Vec<Finding> {
    by_theme(About::Listener(listener), decide, |check| match check {
        Check::Listener(check) => check(subject),
        Check::Namespace(_) | Check::Policy(_) => None,
    })
}

/// The findings about one listener that hang on the policy.
pub(super) fn about_approval(subject: &Subject<'_>, listener: usize, decide: &mut Decide<'_>) -> Vec<Finding> {
    by_theme_of(About::Listener(listener), decide, |rule| match rule.check {
        Check::Listener(check) if rule.info.theme == Theme::Policy => check(subject),
        _ => None,
    })
}

/// The findings about one namespace as a whole.
pub(super) fn about_namespace(place: &Place<'_>, netns: usize, decide: &mut Decide<'_>) -> Vec<Finding> {
    by_theme(About::Namespace(netns), decide, |check| match check {
        Check::Namespace(check) => check(place),
        Check::Listener(_) | Check::Policy(_) => None,
    })
}

/// The findings about one entry of the policy. They are no alternatives of each other: each is told.
pub(super) fn about_entry(entry: &PolicyEntry, about: About, decide: &mut Decide<'_>) -> Vec<Finding> {
    let drafts = rules::all().iter().filter_map(|rule| match rule.check {
        Check::Policy(check) => Some((rule, check(entry)?)),
        Check::Listener(_) | Check::Namespace(_) => None,
    });
    drafts
        .filter_map(|(rule, mut draft)| {
            decide(rule.info.name, &mut draft);
            told(vec![(rule, draft)], about)
        })
        .collect()
}

type Drafts = Vec<(&'static Rule, Draft)>;

/// One finding for each theme. It is the finding of the most specific rule, and as grave as the gravest of its theme:
/// what a rule of less detail has found must not become milder by more detail. What is suppressed is told for itself, and
/// covers nothing that is not.
fn by_theme(about: About, decide: &mut Decide<'_>, ask: impl Fn(&Check) -> Option<Draft>) -> Vec<Finding> {
    by_theme_of(about, decide, |rule| ask(&rule.check))
}

fn by_theme_of(about: About, decide: &mut Decide<'_>, ask: impl Fn(&Rule) -> Option<Draft>) -> Vec<Finding> {
    let mut themes: Vec<(Theme, Drafts)> = Vec::new();
    let mut findings = Vec::new();
    for rule in rules::all() {
        let Some(mut draft) = ask(rule) else { continue };
        if let Some(suppression) = decide(rule.info.name, &mut draft) {
            let taken = told(vec![(rule, draft)], about);
            findings.extend(taken.map(|finding| Finding {
                status: Some(Status::Suppressed),
                suppression: Some(suppression),
                ..finding
            }));
            continue;
        }
        match themes.iter_mut().find(|(theme, _)| *theme == rule.info.theme) {
            Some((_, drafts)) => drafts.push((rule, draft)),
            None => themes.push((rule.info.theme, vec![(rule, draft)])),
        }
    }
    findings.extend(themes.into_iter().filter_map(|(_, drafts)| told(drafts, about)));
    findings
}

fn told(mut drafts: Drafts, about: About) -> Option<Finding> {
    drafts.sort_by_key(|(rule, _)| std::cmp::Reverse(rule.info.specificity));
    let severity = drafts.iter().map(|(_, draft)| draft.severity).max()?;
    let also = drafts.iter().skip(1).map(|(rule, _)| rule.info.name).collect();
    let (rule, Draft { message, evidence, remedy, .. }) = drafts.swap_remove(0);
    let (status, suppression) = (None, None);
    Some(Finding { rule: &rule.info, severity, about, message, evidence, remedy, also, status, suppression })
}
