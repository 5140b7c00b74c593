//! The examples, run as programs.

mod amqp_bridge;
#[cfg(feature = "peers")]
mod browser;
mod client;
#[cfg(feature = "peers")]
mod curl;
#[cfg(feature = "peers")]
mod hub_page;
mod scripted;
mod server;
mod tick;
#[cfg(feature = "peers")]
mod tick_page;
