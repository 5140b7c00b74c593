//! The examples, run as programs.

#[cfg(feature = "peers")]
mod browser;
#[cfg(feature = "peers")]
mod curl;
mod server;
mod tick;
