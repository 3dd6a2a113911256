//! The document `earmark.rules/1`.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use crate::finding::RuleInfo;

/// The rules by which listeners are judged. Every key stands in every object.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "earmark.rules/1")]
pub(super) struct RulesV1 {
    #[schemars(extend("const" = "earmark.rules/1"))]
    schema: &'static str,
    rules: Vec<WireRule>,
}

/// A rule of the catalogue.
#[derive(Serialize, JsonSchema)]
pub(super) struct WireRule {
    /// Its name; it never changes.
    name: &'static str,
    /// identity | exposure | secrecy | capacity | policy
    theme: &'static str,
    /// Of one theme, the rule with the highest is told and the others stand in `also`.
    specificity: u8,
    /// What it finds, in one line.
    summary: &'static str,
    /// Why that matters, in Markdown.
    explanation: &'static str,
    /// What to do instead.
    remedy: String,
    /// The controls that a finding is evidence for.
    controls: &'static [&'static str],
    /// Situations in which it fires.
    fires_on: &'static [&'static str],
    /// Situations in which it keeps quiet.
    quiet_on: &'static [&'static str],
}

impl From<&RuleInfo> for WireRule {
    fn from(rule: &RuleInfo) -> Self {
        Self {
            name: rule.name,
            theme: rule.theme.name(),
            specificity: rule.specificity,
            summary: rule.summary,
            explanation: rule.explanation,
            remedy: rule.remedy.replace('\n', " "),
            controls: rule.controls,
            fires_on: rule.fires_on,
            quiet_on: rule.quiet_on,
        }
    }
}

/// Writes rules as one JSON document, `earmark.rules/1`.
pub fn rules_json(rules: &[&RuleInfo], out: &mut dyn Write) -> io::Result<()> {
    let rules = rules.iter().map(|rule| WireRule::from(*rule)).collect();
    super::document(&RulesV1 { schema: "earmark.rules/1", rules }, out)
}
