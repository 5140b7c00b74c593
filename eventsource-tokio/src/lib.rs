//! Server-Sent Events on [tokio]: [`Alarm`], the timer of [`eventsource_core`]'s streams, and [`EventStream`], which
//! has it built in.
//!
//! ```
//! use core::pin::pin;
//! use core::time::Duration;
//! use eventsource_core::{Frame, KeepAlive};
//! use eventsource_tokio::EventStream;
//! use futures_util::{StreamExt, stream};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let quiet = EventStream::new(stream::pending::<&str>()).keep_alive(KeepAlive::default());
//! let start = tokio::time::Instant::now();
//! assert_eq!(pin!(quiet).next().await, Some(Frame::KEEP_ALIVE));
//! assert_eq!(start.elapsed().as_secs(), 60);
//! # }
//! ```
#![forbid(unsafe_code)]

mod alarm;
mod read;

pub use alarm::Alarm;
pub use read::{ReaderEvents, read};

/// An [`EventStream`](eventsource_core::EventStream) whose timers are tokio's.
pub type EventStream<S> = eventsource_core::EventStream<S, Alarm>;
