//! The examples, run as programs.

mod amqp_bridge;
#[cfg(feature = "peers")]
mod amqp_broker;
#[cfg(feature = "peers")]
mod browser;
#[cfg(feature = "peers")]
mod cable;
mod call;
mod client;
#[cfg(feature = "peers")]
mod curl;
mod gateway;
mod history;
mod http;
mod json;
mod llm;
mod llm_client;
#[cfg(feature = "peers")]
mod node;
#[cfg(feature = "peers")]
mod publisher;
#[cfg(feature = "peers")]
mod rabbit;
mod scripted;
mod server;
mod std_threads;
#[cfg(feature = "peers")]
mod subscriber;
mod tick;
#[cfg(feature = "peers")]
mod tick_page;
mod upstream;
