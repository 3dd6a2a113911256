//! The rules, asked about one listener: of each theme the most specific finding is told.

use crate::finding::{Finding, Theme};
use crate::rules::{self, Draft, Rule, Subject};

/// The findings about one listener, one for each theme. It is the finding of the most specific rule, and as grave as
/// the gravest of its theme: what a rule of less detail has found must not become milder by more detail.
pub(super) fn about(subject: &Subject<'_>, listener: usize) -> Vec<Finding> {
    let drafts = rules::all().iter().filter_map(|rule| Some((rule, (rule.check)(subject)?)));
    let mut themes: Vec<(Theme, Vec<(&'static Rule, Draft)>)> = Vec::new();
    for (rule, draft) in drafts {
        match themes.iter_mut().find(|(theme, _)| *theme == rule.info.theme) {
            Some((_, drafts)) => drafts.push((rule, draft)),
            None => themes.push((rule.info.theme, vec![(rule, draft)])),
        }
    }
    themes.into_iter().filter_map(|(_, drafts)| told(drafts, listener)).collect()
}

fn told(mut drafts: Vec<(&'static Rule, Draft)>, listener: usize) -> Option<Finding> {
    drafts.sort_by_key(|(rule, _)| std::cmp::Reverse(rule.info.specificity));
    let severity = drafts.iter().map(|(_, draft)| draft.severity).max()?;
    let also = drafts.iter().skip(1).map(|(rule, _)| rule.info.name).collect();
    let (rule, Draft { message, evidence, remedy, .. }) = drafts.swap_remove(0);
    Some(Finding { rule: &rule.info, severity, listener, message, evidence, remedy, also })
}
