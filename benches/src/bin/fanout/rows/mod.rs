//! The contenders, each a way to send what's published to everyone.
//!
//! One more is a file with a function `serve`, and a line in [`ROWS`]. On tokio, that function says what's done to publish,
//! and what's done with a connection: see [`on_tokio`].

mod axum;
mod broadcast;
mod channel_hyper;
mod channel_smol;
mod channel_tokio;
mod control;
mod event;
mod floor;
mod on_tokio;

pub(crate) use event::{Numbered, number};

use std::error::Error;

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A contender.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) server: Server,
}

/// What serves.
#[derive(Debug)]
pub(crate) enum Server {
    /// This program, in a role: it announces where it listens, and publishes what its standard input says; see [`control`].
    Role(fn() -> Outcome),
    /// `eventsource-hub`, published to over HTTP.
    Hub,
}

/// What all are compared with.
pub(crate) const FLOOR: Row = Row { name: "the floor", server: Server::Role(floor::serve) };

pub(crate) const ROWS: [Row; 6] = [
    Row { name: "channel -> hyper", server: Server::Role(channel_hyper::serve) },
    Row { name: "channel -> tokio", server: Server::Role(channel_tokio::serve) },
    Row { name: "channel -> smol", server: Server::Role(channel_smol::serve) },
    Row { name: "hub", server: Server::Hub },
    Row { name: "axum Event, tokio broadcast", server: Server::Role(axum::serve) },
    Row { name: "tokio broadcast, write_all", server: Server::Role(broadcast::serve) },
];

/// The argument before a row's name that makes this program serve.
pub(crate) const SERVE: &str = "serve";

/// Serves as the row of that name until the standard input ends.
pub(crate) fn serve(name: &str) -> Outcome {
    match [FLOOR].iter().chain(&ROWS).find(|row| row.name == name) {
        Some(Row { server: Server::Role(serve), .. }) => serve(),
        _ => Err(format!("there is no server {name:?}").into()),
    }
}
