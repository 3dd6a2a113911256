//! What an audit remembers of the last: read before the host is looked at, written after its answer was delivered.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::say;
use crate::audit::Unmet;
use crate::error::Error;
use crate::model::Host;
use crate::report::Report;
use crate::state::{self, LARGEST, Lack, News, Remind, State};
use crate::sys::store::{self, Store};

/// The state of the last run, and where the next one goes.
pub(super) struct Memory {
    /// The directory that it writes into.
    place: Option<PathBuf>,
    /// Held locked by a run that will write, and by no other.
    store: Option<Store>,
    /// The state as it was found, read while this run had the right to read whatever is there.
    found: Option<Vec<u8>>,
    old: Option<State>,
    /// There may be a state, and this run is one that says what is new.
    consulted: bool,
}

impl Memory {
    /// That of a run which consults no state: it looks at a capture or at another root.
    pub(super) fn none() -> Self {
        Self { place: None, store: None, found: None, old: None, consulted: false }
    }

    /// That of a run which will commit its own. The lock is held until its end; where another run has it, that is an
    /// error.
    pub(super) fn locked() -> Result<Self, Error> {
        let place = store::place()?;
        let mut store = Store::open(&place)?;
        store.lock()?;
        let found = store.read(LARGEST)?;
        Ok(Self { place: Some(place.path), store: Some(store), found, old: None, consulted: true })
    }

    /// The directory that stays to be written into when everything else is closed.
    pub(super) fn place(&self) -> Option<&Path> {
        self.place.as_deref()
    }

    /// Takes the state that was found for what it says. One that makes no sense, or is of another host, is set aside and said: then
    /// everything is new.
    pub(super) fn recall(&mut self, host: &Host, err: &mut dyn Write) -> Result<(), Error> {
        let Some(store) = &self.store else { return Ok(()) };
        let Some(content) = self.found.take() else { return Ok(()) };
        match checked(&content, host) {
            Ok(state) => self.old = Some(state),
            Err(problem) => {
                let aside = store.set_aside()?;
                let message = format!("the state of the last audit {problem}; it was set aside as {}", aside.display());
                say(err, &message, "everything counts as new, as after the first audit");
            }
        }
        Ok(())
    }

    /// Reads the state for a run that will not write. It takes no lock, since a state is exchanged as a whole; whatever is
    /// wrong with it is a remark, and what is new is then not known.
    pub(super) fn glimpse(host: &Host, err: &mut dyn Write) -> Self {
        let read = || -> Result<Option<Vec<u8>>, Error> {
            // Who has no place for a state has none.
            let Ok(place) = store::place() else { return Ok(None) };
            Store::open_existing(&place)?.map_or(Ok(None), |store| store.read(LARGEST))
        };
        let told = |problem: &str, hint: &str, err: &mut dyn Write| {
            say(err, &format!("what is new is not known: {problem}"), hint);
            Self::none()
        };
        match read() {
            Ok(None) => Self::none(),
            Ok(Some(content)) => match checked(&content, host) {
                Ok(state) => Self { place: None, store: None, found: None, old: Some(state), consulted: true },
                Err(problem) => told(
                    &format!("the state of the last audit {problem}"),
                    "the next `audit --cron` sets it aside",
                    err,
                ),
            },
            Err(error) => told(&error.to_string(), error.hint(), err),
        }
    }

    /// Compares a report with the state and marks in it what is new; `None` where no state was consulted.
    pub(super) fn compare(&self, report: &mut Report, unmet: &[Unmet], remind: &Remind) -> Option<News> {
        if !self.consulted {
            return None;
        }
        let lack = |unmet: &Unmet| {
            let Unmet { coverage, cause, told } = unmet.clone();
            Lack { coverage: coverage.to_owned(), cause, told }
        };
        let unmet: Vec<Lack> = unmet.iter().map(lack).collect();
        let news = state::compare(self.old.as_ref(), report, &unmet, report.taken_at, remind);
        news.mark(report);
        Some(news)
    }

    /// Writes the state that follows; `told` is true where its news was delivered. Nothing is written by a run that holds
    /// no lock.
    pub(super) fn commit(self, report: &Report, news: &News, told: bool) -> Result<(), Error> {
        let Some(store) = &self.store else { return Ok(()) };
        let state = state::next(self.old.as_ref(), report, news, report.taken_at, told);
        store.write(&state.encode())
    }
}

/// A state that is one, and of this host; else what is wrong with it.
fn checked(content: &[u8], host: &Host) -> Result<State, String> {
    let state = State::decode(content).map_err(|problem| format!("makes no sense ({problem})"))?;
    if state.is_of(host) { Ok(state) } else { Err("is of another host".to_owned()) }
}
