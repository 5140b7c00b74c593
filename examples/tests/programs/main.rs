//! The examples, run as programs.

#[cfg(feature = "peers")]
mod browser;
mod client;
#[cfg(feature = "peers")]
mod curl;
mod server;
mod tick;
