//! x
pub mod cli;
pub mod collect;
pub mod commands;
pub mod error;
pub mod explain;
pub mod finding;
pub mod judge;
pub mod model;
pub mod query;
pub mod registry;
pub mod render;
pub mod report;
pub mod rules;
pub mod sys;
