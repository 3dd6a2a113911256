//! What the output is shown on: its width, and whether it may be coloured.

use std::ffi::OsString;

use crate::cli::{Color, OutputArgs};
use crate::render::Screen;
use crate::sys::terminal;

/// What the output of this run is shown on.
pub(super) fn of(args: &OutputArgs) -> Screen {
    let to_file = args.output.as_ref().is_some_and(|path| path.as_os_str() != "-");
    let is_terminal = !to_file && terminal::stdout_is_terminal();
    let width = || if is_terminal { terminal::width() } else { None };
    Screen {
        // A file is as wide as its lines, whatever screen it was made at.
        width: if to_file { None } else { columns(&env).or_else(width) },
        color: is_coloured(args.color.unwrap_or_default(), &env, is_terminal),
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the environment")]
fn env(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The width that the environment asks for.
fn columns(env: &dyn Fn(&str) -> Option<OsString>) -> Option<u16> {
    env("COLUMNS")?.to_str()?.parse().ok().filter(|columns| *columns > 0)
}

/// Whether to colour: the command line decides, then `NO_COLOR`, then `CLICOLOR_FORCE`, then whether there is a terminal
/// that can.
pub(super) fn is_coloured(color: Color, env: &dyn Fn(&str) -> Option<OsString>, is_terminal: bool) -> bool {
    let is = |name: &str, value: &str| env(name).is_some_and(|found| found == value);
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if env("NO_COLOR").is_some() => false,
        Color::Auto if env("CLICOLOR_FORCE").is_some() && !is("CLICOLOR_FORCE", "0") => true,
        Color::Auto => is_terminal && !is("TERM", "dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_decides_then_the_environment_then_the_terminal() {
        type Variables = &'static [(&'static str, &'static str)];
        let cases: &[(Color, Variables, bool, bool)] = &[
            (Color::Auto, &[], true, true),
            (Color::Auto, &[], false, false),
            (Color::Auto, &[("TERM", "dumb")], true, false),
            (Color::Auto, &[("NO_COLOR", "1")], true, false),
            (Color::Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true, false),
            (Color::Auto, &[("CLICOLOR_FORCE", "1")], false, true),
            (Color::Auto, &[("CLICOLOR_FORCE", "0")], false, false),
            (Color::Auto, &[("CLICOLOR_FORCE", "0")], true, true),
            (Color::Auto, &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], false, true),
            (Color::Always, &[("NO_COLOR", "1")], false, true),
            (Color::Never, &[("CLICOLOR_FORCE", "1")], true, false),
        ];
        for (color, variables, is_terminal, want) in cases {
            let env =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
            assert_eq!(is_coloured(*color, &env, *is_terminal), *want, "{color:?} {variables:?} {is_terminal}");
        }
    }

    #[test]
    fn a_width_is_a_number() {
        let env = |value: &'static str| move |_: &str| Some(OsString::from(value));
        assert_eq!(columns(&env("100")), Some(100));
        for value in ["", "0", "-1", "wide", "70000"] {
            assert_eq!(columns(&env(value)), None, "{value}");
        }
    }
}
