//! For tests, yours and ours: time that is moved by hand, a probe for endless streams, and a slow reference
//! interpreter.
//!
//! ```
//! use core::time::Duration;
//! use eventsource_core::test_util::{ManualClock, Probe, interpret};
//! use eventsource_core::{EventStream, KeepAlive};
//! use futures_util::stream;
//!
//! // What does this stream say in a day?
//! let clock = ManualClock::new();
//! let quiet = EventStream::with_timer(stream::pending::<&str>(), clock.timer())
//!     .keep_alive(KeepAlive::new(Duration::from_secs(3600)));
//! let day = Probe::new(quiet).run_for(&clock, Duration::from_secs(86_400));
//! assert_eq!(day.len(), 24);
//!
//! // And what does a client make of it?
//! let bytes: Vec<u8> = day.iter().flat_map(|(_, frame)| frame.as_bytes()).copied().collect();
//! assert_eq!(interpret(&bytes).events, []);
//! ```
//!
//! A client in simulated time: see `EventSource` of the module [`client`](crate::client).

mod clock;
mod interpreter;
mod probe;

pub use clock::{ManualClock, ManualTimer};
pub use interpreter::{Dispatched, Interpretation, interpret};
pub use probe::Probe;
