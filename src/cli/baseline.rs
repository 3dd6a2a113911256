//! The arguments of `baseline`.

use clap::{Args, Subcommand};

use super::{InputArgs, OutputArgs};

/// The arguments of `baseline`.
#[derive(Args, Clone, Debug)]
pub struct BaselineArgs {
    /// What to do with a baseline
    #[command(subcommand)]
    pub what: BaselineVerb,
}

/// What to do with a baseline.
#[derive(Clone, Debug, Subcommand)]
pub enum BaselineVerb {
    /// Print an expectation for each listener; what looks wrong stands behind #, with the finding
    Record(BaselineRecordArgs),
}

/// The arguments of `baseline record`.
#[derive(Args, Clone, Debug)]
pub struct BaselineRecordArgs {
    /// From where the facts come.
    #[command(flatten)]
    pub input: InputArgs,
    /// Where the output goes.
    #[command(flatten)]
    pub output: OutputArgs,
}
