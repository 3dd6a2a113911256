//! A system that there is no backend for: captures can be judged on it, itself cannot be looked at.

use std::path::Path;

use super::Ask;
use super::capture::Capture;
use crate::error::Error;
use crate::model::Snapshot;

const NONE: Error = Error::Platform { platform: std::env::consts::OS };

/// It cannot.
pub fn look(_: Option<&Path>, _: &Ask) -> Result<Snapshot, Error> {
    Err(NONE)
}

/// It cannot.
pub fn record(_: Option<&Path>, _: &Ask) -> Result<Capture, Error> {
    Err(NONE)
}
