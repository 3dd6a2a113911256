//! `rules`: the catalogue, or some of it in full.

use super::{Streams, deliver, format, screen};
use crate::cli::{RulesArgs, TextFormat};
use crate::error::{Error, Exit};
use crate::finding::RuleInfo;
use crate::{render, rules};

pub(super) fn run(args: &RulesArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    let format = format(args.format, args.json, TextFormat::Json)?.unwrap_or(TextFormat::Table);
    let chosen: Vec<&RuleInfo> = match args.names.is_empty() {
        true => rules::all().iter().map(|rule| &rule.info).collect(),
        false => args.names.iter().map(|name| by_name(name)).collect::<Result<_, _>>()?,
    };
    let screen = screen::of(&args.output);
    deliver(&args.output, streams, |out| match format {
        TextFormat::Json => render::rules_json(&chosen, out),
        TextFormat::Table if args.names.is_empty() => render::rules(&chosen, &screen, out),
        TextFormat::Table => {
            for (at, rule) in chosen.iter().enumerate() {
                if at > 0 {
                    writeln!(out)?;
                }
                render::rule(rule, &screen, out)?;
            }
            Ok(())
        }
    })?;
    Ok(Exit::Ok)
}

fn by_name(name: &str) -> Result<&'static RuleInfo, Error> {
    rules::by_name(name).map(|rule| &rule.info).ok_or_else(|| Error::Usage {
        problem: format!("there is no rule `{name}`"),
        hint: "`earmark rules` lists them".to_owned(),
    })
}
