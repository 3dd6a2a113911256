//! Reads the command line, runs the verb, and ends as the table of exit codes in `--help` says.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use earmark::cli::{Parsed, parse};
use earmark::commands::{self, Streams};
use earmark::error::{Error, Exit};

fn main() -> ExitCode {
    // An exit of 101 would be a pass for some auditors (XCCDF_RESULT_PASS), so no panic may leave this function.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
        commands::say(
            &mut io::stderr(),
            &format!("internal error{place}: nothing that was printed can be relied on"),
            "report it, with the output of `earmark capture` if you can",
        );
    }));
    let exit = catch_unwind(AssertUnwindSafe(run)).unwrap_or(Exit::Unknown);
    ExitCode::from(exit)
}

fn run() -> Exit {
    let (mut out, mut err) = (io::stdout().lock(), io::stderr());
    let mut streams = Streams { out: &mut out, err: &mut err };
    match answer(&mut streams) {
        Ok(exit) => exit,
        // Whoever reads the other end has seen enough.
        Err(Error::Output(source)) if source.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
        Err(error) => {
            commands::say(streams.err, &error.to_string(), error.hint());
            Exit::Unknown
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the arguments are read here and nowhere else")]
fn answer(streams: &mut Streams<'_>) -> Result<Exit, Error> {
    #[cfg(debug_assertions)]
    if std::env::var_os("EARMARK_TEST_PANIC").is_some() {
        panic!("as a test asked for");
    }
    let print = |streams: &mut Streams<'_>, text: &str| {
        let written = streams.out.write_all(text.as_bytes()).and_then(|()| streams.out.flush());
        written.map_err(Error::Output)
    };
    match parse(std::env::args_os().skip(1).collect())? {
        Parsed::Run(verb) => return commands::run(&verb, streams),
        Parsed::Help(help) => print(streams, &commands::help(&help))?,
        Parsed::Version => print(streams, &format!("{}\n", commands::version()))?,
    }
    Ok(Exit::Ok)
}
