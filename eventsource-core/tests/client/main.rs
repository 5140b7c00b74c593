//! The machine that reconnects, in simulated time: no socket, no runtime, no sleep.

#![expect(clippy::unchecked_time_subtraction, reason = "a time before its beginning fails the test")]

mod herd;
mod rules;
mod server;
