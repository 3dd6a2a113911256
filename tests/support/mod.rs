//! What the live tests share.

pub mod bpf;
pub mod fork;
pub mod fuse;
pub mod host;
pub mod sockets;
pub mod ss;
pub mod world;
