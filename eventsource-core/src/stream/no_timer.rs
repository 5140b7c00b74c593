//! Streams without a timer.

use crate::Timer;

/// Stands where a stream's timer would be, in a stream that has none:
/// [`EventStream::without_timer`](super::EventStream::without_timer).
///
/// It isn't a [`Timer`], so that a stream which can't keep time has no `keep_alive`: to ask for one doesn't compile.
///
/// ```compile_fail
/// use eventsource_core::{EventStream, KeepAlive};
/// use futures_util::stream;
///
/// let quiet = EventStream::without_timer(stream::pending::<&str>());
/// let _ = quiet.keep_alive(KeepAlive::default()); // there's no such method
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NoTimer;

/// A [`Timer`] or [`NoTimer`]: whatever stands in a stream where its timer would be. Sealed.
pub trait OptionalTimer: sealed::OptionalTimer {}

impl<T: Timer> OptionalTimer for T {}
impl OptionalTimer for NoTimer {}

mod sealed {
    use super::NoTimer;
    use crate::Timer;
    use core::pin::Pin;

    #[expect(unnameable_types, reason = "sealed")]
    pub trait OptionalTimer {
        /// The timer, where there is one.
        fn as_timer<'t>(self: Pin<&'t mut Self>) -> Option<Pin<&'t mut (dyn Timer + 't)>>
        where
            Self: 't;
    }

    impl<T: Timer> OptionalTimer for T {
        fn as_timer<'t>(self: Pin<&'t mut Self>) -> Option<Pin<&'t mut (dyn Timer + 't)>>
        where
            Self: 't,
        {
            Some(self)
        }
    }

    impl OptionalTimer for NoTimer {
        fn as_timer<'t>(self: Pin<&'t mut Self>) -> Option<Pin<&'t mut (dyn Timer + 't)>>
        where
            Self: 't,
        {
            None
        }
    }
}
