//! The rules, asked about one subject: of each theme the most specific finding is told.

use crate::finding::{About, Finding, Theme};
use crate::rules::{self, Check, Draft, Place, Rule, Subject};

/// The findings about one listener.
pub(super) fn about(subject: &Subject<'_>, listener: usize) -> Vec<Finding> {
    by_theme(About::Listener(listener), |check| match check {
        Check::Listener(check) => check(subject),
        Check::Namespace(_) => None,
    })
}

/// The findings about one namespace as a whole.
pub(super) fn about_namespace(place: &Place<'_>, netns: usize) -> Vec<Finding> {
    by_theme(About::Namespace(netns), |check| match check {
        Check::Listener(_) => None,
        Check::Namespace(check) => check(place),
    })
}

/// One finding for each theme. It is the finding of the most specific rule, and as grave as the gravest of its theme:
/// what a rule of less detail has found must not become milder by more detail.
fn by_theme(about: About, ask: impl Fn(&Check) -> Option<Draft>) -> Vec<Finding> {
    let drafts = rules::all().iter().filter_map(|rule| Some((rule, ask(&rule.check)?)));
    let mut themes: Vec<(Theme, Vec<(&'static Rule, Draft)>)> = Vec::new();
    for (rule, draft) in drafts {
        match themes.iter_mut().find(|(theme, _)| *theme == rule.info.theme) {
            Some((_, drafts)) => drafts.push((rule, draft)),
            None => themes.push((rule.info.theme, vec![(rule, draft)])),
        }
    }
    themes.into_iter().filter_map(|(_, drafts)| told(drafts, about)).collect()
}

fn told(mut drafts: Vec<(&'static Rule, Draft)>, about: About) -> Option<Finding> {
    drafts.sort_by_key(|(rule, _)| std::cmp::Reverse(rule.info.specificity));
    let severity = drafts.iter().map(|(_, draft)| draft.severity).max()?;
    let also = drafts.iter().skip(1).map(|(rule, _)| rule.info.name).collect();
    let (rule, Draft { message, evidence, remedy, .. }) = drafts.swap_remove(0);
    Some(Finding { rule: &rule.info, severity, about, message, evidence, remedy, also, status: None })
}
