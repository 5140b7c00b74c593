//! Server-Sent Events on [smol](https://docs.rs/smol): the timer of [`eventsource_core`]'s streams, and reading and writing
//! streams over its connections.
//!
//! ```
//! use core::time::Duration;
//! use eventsource_core::http::RESPONSE_HEAD;
//! use eventsource_core::{Channel, EndReason, KeepAlive, LastEventId};
//! use eventsource_smol::{EventStream, drive, read};
//! use futures_util::StreamExt;
//! use smol::io::AsyncReadExt;
//! use smol::net::{TcpListener, TcpStream};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # smol::block_on(async {
//! let channel = Channel::new();
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//!
//! // A client, which sends a request and reads the head of the response, then events.
//! let client = async {
//!     let mut client = TcpStream::connect(listener.local_addr()?).await?;
//!     let mut head = [0; RESPONSE_HEAD.len()];
//!     client.read_exact(&mut head).await?;
//!     channel.publish("hello")?;
//!     let event = read(client).next().await.unwrap()?;
//!     assert_eq!(&event.data[..], "hello");
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! };
//! // A server of one's own, once it has read the request's head.
//! let server = async {
//!     let (connection, _) = listener.accept().await?;
//!     let stream = EventStream::new(channel.subscribe(LastEventId::None)).keep_alive(KeepAlive::default());
//!     drive(stream, connection).head(RESPONSE_HEAD).write_timeout(Duration::from_secs(30)).await
//! };
//! let (client, end) = futures_util::join!(client, server);
//! assert_eq!(end?, EndReason::Dropped); // the client has gone
//! # client
//! # })
//! # }
//! ```
#![forbid(unsafe_code)]

mod alarm;
mod drive;
mod read;

pub use alarm::Alarm;
pub use drive::{Driver, HalfDriver, drive, drive_half};
pub use read::{ReaderEvents, read, read_with};

/// An [`EventStream`](eventsource_core::EventStream) whose timers are this crate's.
pub type EventStream<S> = eventsource_core::EventStream<S, Alarm>;
