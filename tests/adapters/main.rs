//! One suite for the drivers and the readers of every runtime: on tokio with its clock paused, on smol, and on an executor
//! made by hand with a clock moved by hand. And clients that go, or send what
//! nobody reads, over real sockets.

mod disconnect;
mod harness;
mod on_manual;
mod on_smol;
mod on_tokio;
mod runtime;
mod suite;
mod unread;
mod wire;
