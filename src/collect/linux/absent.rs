//! No Linux kernel runs here: [`Live`] has no value, and so what is made of one compiles everywhere and runs nowhere.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use super::kernel::{Kernel, Refusal};
use super::question::Question;
use crate::error::Error;

/// The running kernel, where it is Linux.
pub struct Live(Infallible);

impl Live {
    /// There is none.
    pub fn new(_: Option<&Path>, _: Option<Duration>) -> Result<Self, Error> {
        Err(Error::Platform { platform: std::env::consts::OS })
    }

    /// There are none.
    pub fn among_its_cgroups<T: Send>(&self, _: impl FnOnce() -> T + Send) -> T {
        match self.0 {}
    }
}

impl Kernel for Live {
    fn ask(&self, _: &Question, _: &mut Vec<u8>) -> Result<(), Refusal> {
        match self.0 {}
    }
}
