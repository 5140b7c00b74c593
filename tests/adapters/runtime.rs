//! What the suite needs of a runtime.

use crate::wire::Wire;
use core::future::Future;
use core::time::Duration;
use eventsource_core::{EndReason, EventStream, Events, Source, Timer};
use futures_util::Stream;
use std::io;

/// How a driver is set up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Setup {
    pub(crate) head: &'static str,
    pub(crate) patience: Duration,
}

pub(crate) trait Runtime {
    type Alarm: Timer + Default;

    /// A while: long where time is simulated, short where it isn't.
    const WHILE: Duration;

    /// Whether time is simulated, so that things happen at their very moments.
    const IS_EXACT: bool;

    fn run<F: Future>(test: F) -> F::Output;

    fn now() -> Duration;

    async fn sleep(duration: Duration);

    fn drive<S: Source>(
        stream: EventStream<S, Self::Alarm>,
        wire: Wire,
        setup: Setup,
    ) -> impl Future<Output = io::Result<EndReason>>;

    fn drive_half<S: Source>(
        stream: EventStream<S, Self::Alarm>,
        wire: Wire,
    ) -> impl Future<Output = io::Result<EndReason>>;

    fn read(wire: Wire) -> Events<impl Stream<Item = io::Result<impl AsRef<[u8]> + Send + 'static>>>;
}

/// Driving and reading as an adapter does it: under the same names, whichever it is.
macro_rules! drive_and_read {
    ($adapter:ident) => {
        fn drive<S: eventsource_core::Source>(
            stream: $adapter::EventStream<S>,
            wire: crate::wire::Wire,
            setup: crate::runtime::Setup,
        ) -> impl Future<Output = std::io::Result<eventsource_core::EndReason>> {
            $adapter::drive(stream, wire).head(setup.head).write_timeout(setup.patience)
        }

        fn drive_half<S: eventsource_core::Source>(
            stream: $adapter::EventStream<S>,
            wire: crate::wire::Wire,
        ) -> impl Future<Output = std::io::Result<eventsource_core::EndReason>> {
            $adapter::drive_half(stream, wire)
        }

        fn read(
            wire: crate::wire::Wire,
        ) -> eventsource_core::Events<
            impl futures_util::Stream<Item = std::io::Result<impl AsRef<[u8]> + Send + 'static>>,
        > {
            $adapter::read(wire)
        }
    };
}

pub(crate) use drive_and_read;

/// The suite on a runtime: a test for each of its functions.
macro_rules! suite {
    ($Runtime:ident: $($test:ident)*) => {
        $(
            #[test]
            fn $test() {
                <$Runtime as crate::runtime::Runtime>::run(crate::suite::$test::<$Runtime>());
            }
        )*
    };
    ($Runtime:ident) => {
        crate::runtime::suite! { $Runtime:
            keep_alives_come_after_so_much_quiet
            a_lifetime_ends_it
            all_that_is_there_goes_out_at_once_and_in_order
            the_head_goes_out_with_the_first_events
            the_head_goes_out_without_waiting_for_events
            a_busy_stream_gives_way
            a_stop_lets_out_what_was_emitted
            the_end_of_the_source_closes_the_connection
            a_failing_source_ends_it_well
            dropped_it_tells_the_hook
            a_client_that_does_not_read_holds_the_sources_back
            writes_may_be_of_one_byte
            a_write_error_is_the_end_and_the_hook_is_told_once
            a_connection_that_takes_nothing_is_an_error
            the_client_s_close_is_noticed_at_once
            a_reset_is_noticed_at_once
            what_the_client_sends_is_dropped
            a_close_after_a_flood_is_noticed
            a_client_that_floods_does_not_stop_the_stream
            the_close_waits_for_what_the_client_still_sends
            the_close_does_not_wait_for_ever
            half_a_connection_is_written_to_until_that_fails
            a_client_that_takes_nothing_is_given_up
            a_client_that_takes_a_little_is_not_given_up
            a_client_that_is_gone_is_not_written_to
            what_the_source_left_behind_is_not_delivered_by_its_end
            nothing_is_taken_while_a_write_waits
            what_is_never_flushed_is_given_up
            polled_again_it_says_the_same
            polled_anew_at_every_await_it_loses_nothing
            dropped_at_every_await_it_resumes_without_loss
            emitting_may_be_dropped_at_every_await
            a_reader_may_be_cut_at_every_byte
            reading_may_be_dropped_at_every_await
            a_read_error_comes_after_the_events
            a_silent_server_is_noticed
            a_reader_tells_a_cut_and_what_is_no_event_stream
            a_client_comes_back_with_the_id_after_a_cut
            a_client_notices_silence
            a_client_notices_that_no_answer_comes
            a_client_polled_anew_at_every_await_loses_nothing
            a_client_dropped_at_every_await_resumes_without_loss
        }
    };
}

pub(crate) use suite;
