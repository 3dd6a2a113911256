//! What macOS and FreeBSD have in common, since both come from 4.4BSD: how a protocol control block tells an address, how
//! links and files are told, error numbers, and one way to put a snapshot together from sockets and their holders.
//!
//! Every machine that these run on here is little-endian; buffers are read so on any, since a capture is passed on.

#[cfg(test)]
pub mod assemble;
pub mod bytes;
pub mod errno;
#[cfg_attr(not(any(target_os = "macos", target_os = "freebsd", test)), expect(dead_code, reason = "for live kernels"))]
pub mod fetch;
pub mod files;
pub mod host;
pub mod inet;
pub mod layout;
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
pub mod live;
pub mod rename;
pub mod rows;
pub mod transcript;
