//! What a request is answered with.

use crate::Refusal;
use eventsource_core::EventStream;
use eventsource_core::stream::{OptionalTimer, Source};

/// What a request is answered with: an [`EventStream`], or a `Result` of one and of what converts into a [`Refusal`]. Sealed.
pub trait Answer: sealed::Answer {
    /// Where the stream's events come from.
    type Source: Source;
    /// The stream's timer.
    type Timer: OptionalTimer;

    /// Returns the stream.
    ///
    /// # Errors
    /// The refusal, where there's no stream.
    fn into_result(self) -> Result<EventStream<Self::Source, Self::Timer>, Refusal>;
}

impl<S: Source, T: OptionalTimer> Answer for EventStream<S, T> {
    type Source = S;
    type Timer = T;

    fn into_result(self) -> Result<Self, Refusal> {
        Ok(self)
    }
}

impl<S: Source, T: OptionalTimer, E: Into<Refusal>> Answer for Result<EventStream<S, T>, E> {
    type Source = S;
    type Timer = T;

    fn into_result(self) -> Result<EventStream<S, T>, Refusal> {
        self.map_err(Into::into)
    }
}

mod sealed {
    use super::EventStream;

    #[expect(unnameable_types, reason = "sealed")]
    pub trait Answer {}

    impl<S, T> Answer for EventStream<S, T> {}
    impl<S, T, E> Answer for Result<EventStream<S, T>, E> {}
}
