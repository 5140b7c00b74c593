//! Clients with this runtime's timer.

use crate::Alarm;

/// An [`EventSource`](eventsource_core::client::EventSource) whose timer is this crate's: a client that stays connected.
pub type EventSource<C> = eventsource_core::client::EventSource<C, Alarm>;
