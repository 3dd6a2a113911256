//! `man`: the manual page, from the same definitions as the command line.

use std::io::{self, Write};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::{Streams, deliver};
use crate::cli::{Cli, ManArgs};
use crate::error::{Error, Exit};

pub(super) fn run(args: &ManArgs, streams: &mut Streams<'_>) -> Result<Exit, Error> {
    deliver(&args.output, streams, page)?;
    Ok(Exit::Ok)
}

/// One page for all verbs: each of them but `list`, whose flags are those of the program, in a section of its own.
fn page(out: &mut dyn Write) -> io::Result<()> {
    let mut command = Cli::command();
    command.build();
    let man = Man::new(command.clone());
    man.render_title(out)?;
    man.render_name_section(out)?;
    writeln!(out, ".SH SYNOPSIS")?;
    synopsis("earmark [OPTIONS] [QUERY]...", out)?;
    for verb in verbs(&command) {
        // `Usage: earmark explain [OPTIONS] <WHAT>`
        let usage = verb.clone().render_usage().to_string();
        synopsis(usage.trim_start_matches("Usage: "), out)?;
    }
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    writeln!(out, ".SH VERBS")?;
    for verb in verbs(&command) {
        let name = verb.get_name();
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(out, ".SS {name}\n{}", escaped(&about))?;
        let mut options = Vec::new();
        Man::new(verb.clone()).render_options_section(&mut options)?;
        // The page of a command is a section of this one.
        let options = String::from_utf8_lossy(&options).replace(".SH OPTIONS", ".PP").replace(".SH ", ".PP\n.B ");
        out.write_all(options.as_bytes())?;
    }
    writeln!(out, ".SH QUERIES AND EXIT CODES\n.nf")?;
    let extra = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for line in extra.lines() {
        writeln!(out, "{}", escaped(line))?;
    }
    writeln!(out, ".fi\n.SH SEE ALSO\nss(8), lsof(8), netstat(8), sock_diag(7), capabilities(7)")
}

fn verbs(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|verb| verb.get_name() != "list")
}

fn synopsis(usage: &str, out: &mut dyn Write) -> io::Result<()> {
    let (name, arguments) = usage.split_once(" [").map_or((usage, String::new()), |(n, rest)| (n, format!(" [{rest}")));
    writeln!(out, "\\fB{}\\fR{}\n.br", escaped(name), escaped(&arguments))
}

/// Text that roff takes for nothing else.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}
