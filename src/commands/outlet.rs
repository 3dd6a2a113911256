//! Where the output goes, and giving up all rights but that to bring it there.

use std::io::{self, Write};
use std::path::Path;

use super::{Streams, own_choice, say};
use crate::cli::OutputArgs;
use crate::error::Error;
use crate::model::Sandbox;
use crate::sys::output::{self, Prepared};
use crate::{render, sys};

/// Where the output goes: open, so that bringing it there takes no right that could be given up before.
pub(super) struct Outlet(Option<Prepared>);

impl Outlet {
    /// Opens what the command line names.
    pub(super) fn open(args: &OutputArgs) -> Result<Self, Error> {
        Self::open_as(output::FOR_GROUP, args)
    }

    /// The same, with the mode of a file that is new.
    pub(super) fn open_as(mode: u32, args: &OutputArgs) -> Result<Self, Error> {
        let path = args.output.as_deref().filter(|path| path.as_os_str() != "-");
        if path.is_some() {
            own_choice("--output")?;
        }
        Ok(Self(path.map(|path| output::prepare(path, mode)).transpose()?))
    }

    /// Gives up every right that judging, printing and writing the output has no use for. Call it as soon as the host was
    /// looked at. Files can still be written in the directories `besides`, which have to exist.
    pub(super) fn confine(&self, besides: &[&Path], args: &OutputArgs, streams: &mut Streams<'_>) -> Sandbox {
        told(sys::sandbox::enter(&[&self.writable()[..], besides].concat()), args, streams)
    }

    /// The same for a run that nobody shall wait for: it costs one that has no capability nothing, and others little.
    pub(super) fn confine_in_haste(&self, args: &OutputArgs, streams: &mut Streams<'_>) {
        if sys::sandbox::is_privileged() {
            told(sys::sandbox::enter_in_haste(&self.writable()), args, streams);
        }
    }

    fn writable(&self) -> Vec<&Path> {
        self.0.as_ref().and_then(Prepared::directory).into_iter().collect()
    }

    /// Brings data there.
    pub(super) fn deliver(
        self,
        streams: &mut Streams<'_>,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Error> {
        match self.0 {
            None => write(streams.out).and_then(|()| streams.out.flush()).map_err(Error::Output),
            Some(file) => {
                let mut content = Vec::new();
                write(&mut content).map_err(Error::Output)?;
                file.write(&content)
            }
        }
    }
}

/// Says, where more is wanted than the answer, which rights this run could not give up.
fn told(sandbox: Sandbox, args: &OutputArgs, streams: &mut Streams<'_>) -> Sandbox {
    if args.verbose > 0 {
        for left in render::rights_left(&sandbox) {
            say(streams.err, &left, "");
        }
    }
    sandbox
}
