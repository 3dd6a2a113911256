//! x
pub mod error;
pub mod finding;
pub mod model;
pub mod registry;
pub mod render;
pub mod report;
