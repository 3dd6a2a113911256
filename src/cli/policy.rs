//! The arguments of `policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{AuditFormat, OUTPUT, OutputArgs, PolicyFiles, TextFormat};

/// The arguments of `policy`.
#[derive(Args, Clone, Debug)]
pub struct PolicyArgs {
    /// What to do with it
    #[command(subcommand)]
    pub what: PolicyVerb,
}

/// What to do with the policy.
#[derive(Clone, Debug, Subcommand)]
pub enum PolicyVerb {
    /// Say what is wrong with it: faults, weak and never matching expectations, suppressions that end
    Check(PolicyShowArgs),
    /// Show it as its files make it together, each entry with its place
    Show(PolicyShowArgs),
    /// Hold a host that was recorded against it; ends as an audit would
    Test(PolicyTestArgs),
}

/// The arguments of `policy check` and `policy show`.
#[derive(Args, Clone, Debug)]
pub struct PolicyShowArgs {
    /// Which policy counts.
    #[command(flatten)]
    pub files: PolicyFiles,
    /// The format of the output: table or json
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true, help_heading = OUTPUT)]
    pub format: Option<TextFormat>,
    /// The same as --format json
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// Where the output goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The arguments of `policy test`.
#[derive(Args, Clone, Debug)]
pub struct PolicyTestArgs {
    /// A capture, or a report that `earmark --json` or `earmark audit --json` wrote; what a policy does not judge is
    /// taken from a report as it tells it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The policy file to try, alone [default: the policy of this host]
    #[arg(long, value_name = "FILE", help_heading = "Policy")]
    pub policy: Option<PathBuf>,
    /// The format of the output: table or json
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true, help_heading = OUTPUT)]
    pub format: Option<AuditFormat>,
    /// The same as --format json
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// Leave out all that differs from run to run: process ids, inodes, times, queues
    #[arg(long, help_heading = OUTPUT)]
    pub stable: bool,
    /// Where the output goes.
    #[command(flatten)]
    pub output: OutputArgs,
}
