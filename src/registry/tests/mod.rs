//! Checks over the whole registry, so that an entry that is written wrong is found without knowing where to look.

mod claims;
mod debian;
mod facts;
mod iana;
mod lookups;
mod overlays;

use super::{Registry, schema};

/// `port-registry.toml` as it stands in the file.
fn file() -> schema::File {
    parse(include_str!("../../../port-registry.toml"))
}

/// A registry file that is right.
fn parse(text: &str) -> schema::File {
    schema::parse(text, schema::Kind::Builtin).unwrap_or_else(|fault| panic!("{fault:?}"))
}

/// A registry with one overlay that is right.
fn with_overlay(text: &str) -> Registry {
    Registry::with_overlays([("test.toml", text)]).unwrap_or_else(|error| panic!("{error}"))
}
