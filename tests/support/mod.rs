//! What the live tests share.

pub mod sockets;
pub mod ss;
pub mod world;
