//! x
pub mod model;
pub mod registry;
