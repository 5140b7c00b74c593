//! Streams with this runtime's timer.

use crate::Alarm;

/// An [`EventStream`](eventsource_core::EventStream) whose timers are this crate's.
pub type EventStream<S> = eventsource_core::EventStream<S, Alarm>;
