//! The arguments of `baseline`.

use clap::{Args, Subcommand};

use super::{AuditFormat, InputArgs, OUTPUT, OutputArgs, PolicyFiles};

/// The arguments of `baseline`.
#[derive(Args, Clone, Debug)]
pub struct BaselineArgs {
    /// What to do
    #[command(subcommand)]
    pub what: BaselineVerb,
}

/// What to do with the baseline.
#[derive(Clone, Debug, Subcommand)]
pub enum BaselineVerb {
    /// Print the expectations that this host fulfils, what looks wrong commented out
    Record(BaselineRecordArgs),
    /// Say where this host differs from what its policy expects
    Diff(BaselineDiffArgs),
    /// Approve a listener of this host, with the reason
    Accept(BaselineAcceptArgs),
    /// Remove the expectations of 90-local.toml that match nothing here
    Prune(BaselinePruneArgs),
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

/// The arguments of `baseline diff`.
#[derive(Args, Clone, Debug)]
pub struct BaselineDiffArgs {
    /// Which policy counts.
    #[command(flatten)]
    pub files: PolicyFiles,
    /// The format of the output: table or json
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true, help_heading = OUTPUT)]
    pub format: Option<AuditFormat>,
    /// The same as --format json
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// Leave out all that differs from run to run: process ids, inodes, times, queues
    #[arg(long, help_heading = OUTPUT)]
    pub stable: bool,
    /// From where the facts come.
    #[command(flatten)]
    pub input: InputArgs,
    /// Where the output goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The arguments of `baseline accept`.
#[derive(Args, Clone, Debug)]
pub struct BaselineAcceptArgs {
    /// The endpoint, as `list` shows it: tcp/0.0.0.0:9001
    #[arg(value_name = "ENDPOINT")]
    pub endpoint: String,
    /// Why it may be here
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Suppress its findings up to this day (2027-01-31), instead of expecting it
    #[arg(long, value_name = "DAY")]
    pub expires: Option<String>,
}

/// The arguments of `baseline prune`.
#[derive(Args, Clone, Debug)]
pub struct BaselinePruneArgs {
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
}
