//! From arguments to types, and from clap's errors to one sentence each.

use std::ffi::OsString;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{Arguments, Cli, ListArgs, Verb, habit};
use crate::error::Error;

/// Flags that are planned: the likeness to one that exists would mislead.
const PLANNED: &[&str] = &["--cron"];

/// The command line of `list` alone.
#[derive(clap::Parser)]
#[command(disable_help_flag = true)]
struct ListOnly {
    #[command(flatten)]
    list: ListArgs,
}

/// What the arguments ask for.
#[derive(Debug)]
pub enum Parsed {
    /// To do something.
    Run(Box<Verb>),
    /// To be shown the help, which stands here; with escapes for colours.
    Help(clap::builder::StyledStr),
    /// To be shown the version.
    Version,
}

/// Reads the arguments after the program's name.
pub fn parse(arguments: Arguments) -> Result<Parsed, Error> {
    // The command line that is typed most asks for nothing, and clap would describe every verb before it said so.
    if arguments.is_empty() {
        return Ok(Parsed::Run(Box::new(Verb::List(ListArgs::default()))));
    }
    let arguments = habit::rewrite(arguments)?;
    // Nor is any other verb described for who lists. What is wrong, or asks for help, is told below by the whole.
    let lists = arguments.first().is_none_or(|word| word == "list" || !habit::VERBS.iter().any(|verb| word == verb));
    if lists {
        let words = arguments.iter().skip(usize::from(arguments.first().is_some_and(|word| word == "list")));
        if let Ok(only) = ListOnly::try_parse_from(std::iter::once(&OsString::from("earmark")).chain(words)) {
            return Ok(Parsed::Run(Box::new(Verb::List(only.list))));
        }
    }
    let verb = arguments.first().and_then(|word| word.to_str()).filter(|word| habit::VERBS.contains(word));
    let verb = verb.unwrap_or("list").to_owned();
    let named = std::iter::once(OsString::from("earmark")).chain(arguments);
    match Cli::try_parse_from(named) {
        Ok(cli) => Ok(Parsed::Run(Box::new(cli.into_verb()))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp => Ok(Parsed::Help(error.render())),
            ErrorKind::DisplayVersion => Ok(Parsed::Version),
            _ => Err(sentence(&error, &verb)),
        },
    }
}

/// One sentence, and what to write instead.
fn sentence(error: &clap::Error, verb: &str) -> Error {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    // `--format <FORMAT>` in the words of clap is `--format` in ours.
    let argument = text(ContextKind::InvalidArg);
    let flag = argument.split(' ').next().unwrap_or_default();
    let prior = text(ContextKind::PriorArg);
    let prior = prior.split(' ').next().unwrap_or_default();
    let value = text(ContextKind::InvalidValue);
    let help = if verb == "list" { "`earmark --help`".to_owned() } else { format!("`earmark {verb} --help`") };
    let (problem, hint) = match error.kind() {
        ErrorKind::UnknownArgument if verb == "capture" && flag == "--from" => (
            "`capture` records this host, and --from is for the verbs that judge".to_owned(),
            "`earmark --from FILE` judges a capture".to_owned(),
        ),
        ErrorKind::UnknownArgument if matches!(flag, "--format" | "--json") => (
            format!("`{verb}` writes one kind of text, and has no {flag}"),
            "leave it out; list, explain, rules, doctor and diff have formats".to_owned(),
        ),
        ErrorKind::UnknownArgument if !flag.starts_with('-') => {
            (format!("`{verb}` has no use for the word `{flag}`"), format!("{help} shows what it takes"))
        }
        ErrorKind::UnknownArgument => {
            let suggested = text(ContextKind::SuggestedArg);
            let (yet, hint) = match suggested.is_empty() {
                _ if PLANNED.contains(&flag) => (" yet", format!("{help} names those of this version")),
                true => ("", format!("{help} names its flags")),
                false => ("", format!("is it {suggested}?")),
            };
            (format!("`{verb}` has no flag {flag}{yet}"), hint)
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            (format!("{flag} needs a value"), values(&text(ContextKind::ValidValue), flag))
        }
        ErrorKind::InvalidValue => {
            let problem = match flag {
                "--format" => format!("`{verb}` has no format `{value}`"),
                "<SHELL>" => format!("`{verb}` has no script for `{value}`"),
                _ => format!("`{value}` is no value of {flag}"),
            };
            (problem, values(&text(ContextKind::ValidValue), flag))
        }
        ErrorKind::ValueValidation => {
            let hint = match flag {
                "--timeout" => "--timeout takes whole seconds, from 1 to 86400".to_owned(),
                _ => format!("{help} shows what it takes"),
            };
            (format!("`{value}` is no value of {flag}"), hint)
        }
        ErrorKind::MissingRequiredArgument => (
            format!("`{verb}` needs {}", argument.trim_matches(['<', '>', '.'])),
            format!("{help} shows what it takes"),
        ),
        ErrorKind::ArgumentConflict if !prior.is_empty() && prior != flag => (
            format!("{flag} and {prior} ask for different hosts"),
            "leave one out: --root looks at a running host, --from at one that was recorded".to_owned(),
        ),
        ErrorKind::ArgumentConflict => {
            (format!("{flag} may stand only once"), format!("{help} shows what `{verb}` takes"))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            (format!("`{verb}` needs a word that says what to do"), format!("{help} shows those it has"))
        }
        ErrorKind::InvalidUtf8 => ("an argument is not UTF-8".to_owned(), "write the word in UTF-8".to_owned()),
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            (line.trim_start_matches("error: ").to_owned(), format!("{help} shows what it takes"))
        }
    };
    Error::Usage { problem, hint }
}

fn values(valid: &str, flag: &str) -> String {
    match valid {
        "" => format!("write it after {flag}"),
        _ => format!("{} takes {valid}", flag.trim_matches(['<', '>'])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_arguments_are_what_clap_makes_of_none() {
        let Ok(Parsed::Run(verb)) = parse(Vec::new()) else { panic!("nothing is asked for") };
        let clap = Cli::try_parse_from(["earmark"]).expect("nothing is asked for").into_verb();
        assert_eq!(format!("{verb:?}"), format!("{clap:?}"));
    }

    #[test]
    fn a_list_is_read_alone_as_among_all_verbs() {
        for line in
            ["-tulpn", "list audit 22", "--json -N blue --timeout 3", "-4 -x -v -v nginx", "--root / --stable -e"]
        {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let Ok(Parsed::Run(verb)) = parse(words.clone()) else { panic!("{line}") };
            let all = std::iter::once("earmark".into()).chain(habit::rewrite(words).expect(line));
            let all = Cli::try_parse_from(all).expect(line).into_verb();
            assert_eq!(format!("{verb:?}"), format!("{all:?}"), "{line}");
        }
    }
}
