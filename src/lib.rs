//! x
pub mod collect;
pub mod error;
pub mod finding;
pub mod judge;
pub mod model;
pub mod registry;
pub mod report;
pub mod rules;
