//! `earmark` finds every ear a host has: every socket that can receive, whose it is, what it should be, who can reach
//! it, and which should not be there.
//!
//! ```text
//!              impure                  pure                          pure
//!  kernel ── collect ──▶ Snapshot ── judge(Registry, Policy) ──▶ Report ── render ──▶ bytes
//!     ▲                     ▲             ▲                         ▲
//!  Kernel seam:         what IS       what is KNOWN and          all that a renderer
//!  live | capture       (+ gaps)      ALLOWED, one RULE a file   may need, in order
//! ```
//!
//! # Words
//!
//! Each has one home. **Kernel**: the questions that an operating system may be asked. **Capture**: a transcript of its
//! answers. **[Snapshot](model::Snapshot)**: what is, and the gaps. **[Registry](registry::Registry)**: what is known about
//! ports. **[Rule](rules::Rule)**: one judgement. **[Finding](finding::Finding)**: that judgement about one subject: a listener,
//! a network namespace where something answers without one, or an entry of the policy. **[Policy](policy::Policy)**: what
//! people allowed. **[State](state::State)**: what the last audit saw and told.
//! **[Report](report::Report)**: everything a renderer may need. **[Picture](picture::Picture)**: what a report tells, in
//! memory or stored, to be held against another or against what people allowed. **Command**: the wiring.
//!
//! # Reading order
//!
//! [`model`], then [`collect`], [`registry`], [`rules`] and [`judge`], [`report`], [`render`], and last [`commands`], which
//! wires them. [`policy`], [`audit`], [`baseline`] and [`state`] are what a host is held against and how that ends;
//! [`picture`] and [`diff`] compare what two reports tell, and a stored one is held against a policy by
//! [`judge::hold`](judge::hold()); [`redact`] says what becomes of each name in a capture that is
//! passed on. To add a rule, see [`rules`]; a port, `port-registry.toml`; a renderer, [`render`]; a platform, [`collect`].
//!
//! # Who may import whom
//!
//! | module | may import |
//! |---|---|
//! | model, error, fault | nothing of ours |
//! | finding | model |
//! | collect | model, sys |
//! | registry | model, fault |
//! | policy | model, fault |
//! | report | model, finding, policy, registry's plain types |
//! | query | model, finding, report, registry's plain types |
//! | baseline | model, finding, report |
//! | audit | model, policy, report |
//! | explain | model, finding, registry, report |
//! | doctor | model, report |
//! | picture | model, finding, report |
//! | diff | model, finding, report, picture |
//! | state | model, finding, report |
//! | rules | model, finding, registry |
//! | judge | model, finding, registry, policy, rules, report |
//! | redact | model, collect, registry, rules, judge |
//! | render | model, finding, report, policy, audit, explain, doctor, picture, diff, state, registry's plain types |
//! | sys | model, error |
//! | cli | the enums it parses into |
//! | commands | everything |
//!
//! `error` may be imported by all: it says how a run ends. `tests/architecture.rs` reads the sources and holds the table;
//! `clippy.toml` keeps files, clocks, environment and processes out of everything but `collect/*/live.rs`, [`sys`] and
//! [`commands`]. Deliberately absent: a rule that reads a clock, a file or the environment; a renderer that judges or
//! collects; a collector that judges.
//!
//! # Invariants
//!
//! 1. Collection never fails: it returns what it saw, and a [`Gap`](model::Gap) for each thing it could not see. One bad
//!    row costs one row.
//! 2. No `cfg(target_os)` outside [`collect`] and [`sys`]; no cargo features.
//! 3. Renderers write to `&mut dyn Write`. `print!` does not occur.
//! 4. Text from the system has no `Display`: whoever prints it calls [`Text::escaped`](model::Text::escaped), which is
//!    lossless and stands before every encoding.
//! 5. Only `render::json` derives `Serialize` for output, and `state::form` for what is kept; internal types change freely.
//! 6. The tool runs no program, opens no connection and resolves no name.
//! 7. The order of output depends on content alone: the same state gives the same bytes.
//! 8. Nothing is dropped silently: what is folded is counted, what is not seen is a gap.
//! 9. `unsafe` is denied; where it is needed, in `collect/*/live.rs`, it says why.
//! 10. Secrets stay in the kernel: no TCP-MD5 keys, no environment, no command line unless it was asked for. An error
//!     names file, line, column and key, never the content of a line.
//! 11. No call waits on another process: magic links are looked through with `statx` and never opened, and a path of
//!     somebody's making is walked only over file systems of this host.
//!
//! # Choices that look odd
//!
//! - With `--root`, whatever the kernel tells by where a thread lives is asked from where the host's first process lives,
//!   on threads that end with it; "our own" namespace is then that process's, and never ours.
//! - `/proc/PID/stat`, `status` and `cgroup` are read by functions of ours and not by a crate: what they yield decides
//!   who an owner is, every byte of them may be an attacker's, and each process costs two short reads that way.
//! - The table pads its columns itself: a library for tables took 12 MB and 5 ms for 4,000 rows, a twentieth of the run.
//! - Rights are given up between looking and judging ([`sys::sandbox`]), and not at the start: Landlock hides every process
//!   outside its own domain, and so every owner. What is written to is opened before that.
//! - On Windows `windows-sys` is asked directly, and its bytes are read by us: neither netstat2 nor sysinfo could stand behind a
//!   capture. netstat2 has neither the time nor the module of a socket, writes past the length of a vector, and brings bindgen
//!   to every build; sysinfo knows users by their SID alone. The live tests need neither as a second opinion: they open the
//!   sockets that they look for.
//! - Colours, files and the terminal are `sys`; the judgement of a socket's exposure by its namespace is `judge`, since a
//!   collector that judges could not be replayed.

pub mod audit;
pub mod baseline;
pub mod cli;
pub mod collect;
pub mod commands;
pub mod diff;
pub mod doctor;
pub mod error;
pub mod explain;
mod fault;
pub mod finding;
pub mod judge;
pub mod model;
pub mod picture;
pub mod policy;
pub mod query;
pub mod redact;
pub mod registry;
pub mod render;
pub mod report;
pub mod rules;
pub mod state;
pub mod sys;
