//! The command line: its types, and how it is read. No logic.

mod baseline;
pub mod habit;
mod help;
mod policy;
mod usage;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use baseline::{
    BaselineAcceptArgs, BaselineArgs, BaselineDiffArgs, BaselinePruneArgs, BaselineRecordArgs, BaselineVerb,
};
use help::{AFTER_AUDIT, AFTER_BASELINE, AFTER_CAPTURE, AFTER_DIFF, AFTER_HELP};
pub use policy::{PolicyArgs, PolicyShowArgs, PolicyTestArgs, PolicyVerb};
pub use usage::{Parsed, parse};

const OUTPUT: &str = "Input and output";

/// Finds every listening socket of this host: whose it is, what it should be, and what is wrong with it.
#[derive(Debug, Parser)]
#[command(
    name = "earmark",
    version,
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 120
)]
pub struct Cli {
    /// What to do; `list` where nothing is said.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// The arguments of `list` where no verb is said.
    #[command(flatten)]
    pub list: ListArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List what listens, whose it is, what it should be, and what is wrong (default)
    #[command(after_help = AFTER_HELP)]
    List(ListArgs),
    /// Explain a port, service, rule or endpoint: its uses, what holds it here, why bind fails
    Explain(ExplainArgs),
    /// Show the catalogue of rules, or one of them
    Rules(RulesArgs),
    /// Judge a host by its policy and by what is known of ports; for cron and monitoring
    #[command(after_help = AFTER_AUDIT)]
    Audit(AuditArgs),
    /// Approve what is here: record it, compare it, accept one, remove what is gone
    #[command(after_help = AFTER_BASELINE)]
    Baseline(BaselineArgs),
    /// Look at the policy itself, or try it on a capture
    Policy(PolicyArgs),
    /// Say what a run can and cannot see here, and what would mend it
    Doctor(DoctorArgs),
    /// Compare two reports or captures, or one with this host now: new, gone, other owners, wider exposure
    #[command(after_help = AFTER_DIFF)]
    Diff(DiffArgs),
    /// Record the kernel's answers, to be replayed with --from
    #[command(after_help = AFTER_CAPTURE)]
    Capture(CaptureArgs),
    /// Print the JSON Schema of an output
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page in roff
    Man(ManArgs),
}

/// The arguments of `list`.
#[derive(Args, Clone, Debug, Default)]
pub struct ListArgs {
    /// What to look for, as below: ports, addresses, names
    #[arg(value_name = "QUERY")]
    pub query: Vec<String>,
    /// Choices of transports and families, and flags of habit.
    #[command(flatten)]
    pub habit: HabitArgs,
    /// The format of the output: table, plain (tabs), csv or json
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true, help_heading = OUTPUT)]
    pub format: Option<ListFormat>,
    /// The same as --format json
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// Leave out all that differs from run to run: process ids, inodes, times, queues
    #[arg(long, help_heading = OUTPUT)]
    pub stable: bool,
    /// Show the arguments of processes, which may hold secrets
    #[arg(long, help_heading = OUTPUT)]
    pub cmdline: bool,
    /// Look up which package owns the executable of each owner
    #[arg(long, help_heading = OUTPUT)]
    pub packages: bool,
    /// From where the facts come.
    #[command(flatten)]
    pub input: InputArgs,
    /// Where the output goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Flags that `ss`, `lsof` and `netstat` have taught.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Flags of habit")]
pub struct HabitArgs {
    /// TCP, with MPTCP
    #[arg(short, long, overrides_with = "tcp")]
    pub tcp: bool,
    /// UDP, with UDP-Lite
    #[arg(short, long, overrides_with = "udp")]
    pub udp: bool,
    /// SCTP
    #[arg(short = 'S', long, overrides_with = "sctp")]
    pub sctp: bool,
    /// Raw IP sockets
    #[arg(short = 'w', long, overrides_with = "raw")]
    pub raw: bool,
    /// Packet sockets
    #[arg(short = '0', long, overrides_with = "packet")]
    pub packet: bool,
    /// Unix sockets, which are not listed by default
    #[arg(short = 'x', long, overrides_with = "unix")]
    pub unix: bool,
    /// IPv4 only
    #[arg(short = '4', long, overrides_with = "ipv4")]
    pub ipv4: bool,
    /// IPv6 only
    #[arg(short = '6', long, overrides_with = "ipv6")]
    pub ipv6: bool,
    /// Also what is bound without listening, and connected UDP
    #[arg(short, long, overrides_with = "all")]
    pub all: bool,
    /// One network namespace: its name, its inode, or the id of a process in it
    #[arg(short = 'N', long = "net", value_name = "NS", overrides_with = "netns")]
    pub netns: Option<String>,
    /// More columns
    #[arg(short, long, alias = "extend", overrides_with = "extended")]
    pub extended: bool,
    /// No header
    #[arg(short = 'H', long, overrides_with = "no_header")]
    pub no_header: bool,
    /// No effect: only what receives is listed
    #[arg(short, long, overrides_with = "listening")]
    pub listening: bool,
    /// No effect: ports and addresses are always numbers
    #[arg(short, long, alias = "numeric-hosts", alias = "numeric-ports", alias = "numeric-users")]
    #[arg(overrides_with = "numeric")]
    pub numeric: bool,
    /// No effect: processes are always shown; -p 1234 is pid:1234
    #[arg(short, long, alias = "program", alias = "programs", overrides_with = "processes")]
    pub processes: bool,
    /// No effect: listeners have no timers
    #[arg(short, long, alias = "timers", overrides_with = "options")]
    pub options: bool,
    /// No effect: a listener is always one line
    #[arg(short = 'O', long, overrides_with = "oneline")]
    pub oneline: bool,
}

/// From where the facts come.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = OUTPUT)]
pub struct InputArgs {
    /// Judge a capture instead of this host
    #[arg(long, value_name = "CAPTURE")]
    pub from: Option<PathBuf>,
    /// Look at the running host whose root is mounted at DIR, with its /proc and all below it
    #[arg(long, value_name = "DIR", conflicts_with = "from")]
    pub root: Option<PathBuf>,
    /// Seconds after which what is known is printed [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: Option<u64>,
}

/// Where the output goes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = OUTPUT)]
pub struct OutputArgs {
    /// Write to a file, which is replaced as a whole
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// When to colour: auto, always or never
    #[arg(long, value_enum, value_name = "WHEN", hide_possible_values = true)]
    pub color: Option<Color>,
    /// Nothing but the answer: no summary or findings below the rows, no remarks on stderr
    #[arg(short, long, overrides_with = "quiet")]
    pub quiet: bool,
    /// Show more: evidence, every gap, and what malware once used a port
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The arguments of `explain`.
#[derive(Args, Clone, Debug)]
pub struct ExplainArgs {
    /// A port (3221, udp/323), a service, a rule or an endpoint
    #[arg(value_name = "WHAT")]
    pub what: String,
    /// The format of the output: table or json
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true, help_heading = OUTPUT)]
    pub format: Option<TextFormat>,
    /// The same as --format json
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// Look up which package owns the executable of each owner
    #[arg(long, help_heading = OUTPUT)]
    pub packages: bool,
    /// One network namespace: its name, its inode, or the id of a process in it
    #[arg(short = 'N', long = "net", value_name = "NS", help_heading = OUTPUT)]
    pub netns: Option<String>,
    /// From where the facts come.
    #[command(flatten)]
    pub input: InputArgs,
    /// Where the output goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The arguments of `rules`.
#[derive(Args, Clone, Debug)]
pub struct RulesArgs {
    /// The rules to show in full
    #[arg(value_name = "RULE")]
    pub names: Vec<String>,
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

/// Which policy counts.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Policy")]
pub struct PolicyFiles {
    /// A policy file that counts after all others
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The role of this host, whose policy lies in /etc/earmark/roles [default: what /etc/earmark/role says]
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
}

/// The arguments of `audit`.
#[derive(Args, Clone, Debug)]
pub struct AuditArgs {
    /// Which policy counts.
    #[command(flatten)]
    pub files: PolicyFiles,
    /// Say nothing unless something changed since the last run, or is overdue
    #[arg(long)]
    pub cron: bool,
    /// The format of the output: table, json, prom (metrics) or nagios (one line)
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true, help_heading = OUTPUT)]
    pub format: Option<AuditFormat>,
    /// The same as --format json
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// Leave out all that differs from run to run: process ids, inodes, times, queues
    #[arg(long, help_heading = OUTPUT)]
    pub stable: bool,
    /// Look up which package owns the executable of each owner
    #[arg(long, help_heading = OUTPUT)]
    pub packages: bool,
    /// From where the facts come.
    #[command(flatten)]
    pub input: InputArgs,
    /// Where the output goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The arguments of `doctor`.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// The format of the output: table or json
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true, help_heading = OUTPUT)]
    pub format: Option<TextFormat>,
    /// The same as --format json
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// From where the facts come.
    #[command(flatten)]
    pub input: InputArgs,
    /// Where the output goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The arguments of `diff`.
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    /// The earlier report (`earmark --json`) or capture; - for standard input
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The later one; this host now where nothing is said
    #[arg(value_name = "NEW", conflicts_with_all = ["from", "root"])]
    pub new: Option<PathBuf>,
    /// The format of the output: table or json
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true, help_heading = OUTPUT)]
    pub format: Option<TextFormat>,
    /// The same as --format json
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// Leave out all that differs from run to run: process ids, times, inodes
    #[arg(long, help_heading = OUTPUT)]
    pub stable: bool,
    /// From where the later facts come.
    #[command(flatten)]
    pub input: InputArgs,
    /// Where the output goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The arguments of `capture`.
#[derive(Args, Clone, Debug)]
pub struct CaptureArgs {
    /// Record the running host whose root is mounted at DIR, with its /proc and all below it
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Seconds after which the recording ends [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: Option<u64>,
    /// Record the arguments of processes, which may hold secrets
    #[arg(long)]
    pub cmdline: bool,
    /// Replace names, addresses and ids by others, the same by the same, so that it is judged alike
    #[arg(long)]
    pub redact: bool,
    /// Where the output goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The arguments of `schema`.
#[derive(Args, Clone, Debug)]
pub struct SchemaArgs {
    /// The verb whose JSON is described; `report` is that of `list`
    #[arg(value_name = "WHAT", default_value = "report")]
    pub what: String,
    /// Where the output goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The arguments of `completions`.
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
    /// Where the output goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The arguments of `man`.
#[derive(Args, Clone, Debug)]
pub struct ManArgs {
    /// Where the output goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The formats of `list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For eyes; the only one that folds rows
    Table,
    /// Tab-separated
    Plain,
    /// Comma-separated, formulas guarded
    Csv,
    /// One document, earmark.report/1
    Json,
}

/// The formats of `audit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// For eyes
    Table,
    /// One document, earmark.report/1
    Json,
    /// For the textfile collector of Prometheus
    Prom,
    /// One line with performance data
    Nagios,
}

/// The formats of verbs that explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// For eyes
    Table,
    /// One document
    Json,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Where the output is a terminal, unless the environment says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Cli {
    /// What was asked for: `list` where no verb was said.
    pub fn into_verb(self) -> Verb {
        self.verb.unwrap_or(Verb::List(self.list))
    }
}

/// The arguments without the program's name.
pub type Arguments = Vec<OsString>;
