//! Checks over the whole registry.
