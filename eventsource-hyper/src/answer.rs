//! What a request is answered with.

use crate::Refusal;
use eventsource_core::{EventStream, Source, Timer};

/// What a request is answered with: an [`EventStream`], or maybe a [`Refusal`].
pub trait Answer {
    /// Where the stream's events come from.
    type Source: Source;
    /// The stream's timer.
    type Timer: Timer;

    /// The stream or the refusal.
    ///
    /// # Errors
    /// The refusal.
    fn into_result(self) -> Result<EventStream<Self::Source, Self::Timer>, Refusal>;
}

impl<S: Source, T: Timer> Answer for EventStream<S, T> {
    type Source = S;
    type Timer = T;

    fn into_result(self) -> Result<Self, Refusal> {
        Ok(self)
    }
}

impl<S: Source, T: Timer> Answer for Result<EventStream<S, T>, Refusal> {
    type Source = S;
    type Timer = T;

    fn into_result(self) -> Self {
        self
    }
}
