//! What the suite needs of an HTTP client and its runtime.

use crate::server::Protocol;
use core::fmt::{Debug, Display};
use core::future::Future;
use core::time::Duration;
use eventsource_core::Timer;
use eventsource_core::client::{Attempt, Connect, EventSource};
use http::Request;
use hyper::body::Bytes;

/// A test that takes longer has failed.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) trait Transport {
    type Alarm: Timer + Default + Unpin;

    const PROTOCOL: Protocol;

    /// Runs a test, and fails after [`DEADLINE`].
    fn run(test: impl Future<Output = ()>);

    fn sleep(duration: Duration) -> impl Future<Output = ()>;

    /// How many tasks there are.
    fn tasks() -> usize;

    /// Creates a client that sends what `request` makes for each attempt, follows redirects, and takes a body as it comes.
    fn source<F>(request: F) -> EventSource<impl Connect<Error: Debug + Display>, Self::Alarm>
    where
        F: FnMut(Attempt) -> Request<Bytes> + 'static;

    /// Creates a client that asks for gzip, and decompresses it.
    fn decompressing<F>(request: F) -> EventSource<impl Connect<Error: Debug + Display>, Self::Alarm>
    where
        F: FnMut(Attempt) -> Request<Bytes> + 'static;
}

/// The suite over a transport: a test for each of its functions.
macro_rules! suite {
    ($Transport:ident: $($subject:ident { $($test:ident)* })*) => {
        $(
            mod $subject {
                $(
                    #[test]
                    fn $test() {
                        <super::$Transport as crate::transport::Transport>::run(
                            crate::$subject::$test::<super::$Transport>(),
                        );
                    }
                )*
            }
        )*
    };
    ($Transport:ident) => {
        crate::transport::suite! { $Transport:
            parsing {
                basic_parsing
                large_messages
                a_byte_order_mark
                comments
                line_feeds
                formats_of_web_platform_tests
            }
            requests {
                the_default_method_and_headers
                custom_headers_and_methods
                a_last_event_id_of_an_earlier_life_is_sent
                each_attempt_has_a_request_of_its_own
                the_statistics
                a_log
            }
            redirects {
                redirects_are_followed
                a_redirect_without_a_target_is_final
                a_redirect_to_itself_ends
                another_origin_gets_no_authorization
                the_method_and_the_body_stay_or_go
            }
            reconnection {
                a_204_halts_it
                the_id_of_the_last_event_is_sent
                the_body_is_sent_again
                silence_is_noticed
                comments_are_life
                an_answer_that_does_not_come_is_noticed
                what_was_cut_is_discarded
                a_new_connection_after_every_break
                a_reconnection_time_is_never_undercut
                nobody_listens
                retry_after
                a_compressed_body_that_nobody_asked_for_is_final
                a_compressed_body_that_was_asked_for_is_read
                what_is_no_event_stream_is_final
            }
            browser {
                every_other_status_is_final
                the_reconnection_time_is_kept
                opens_and_closes
                last_event_ids
                types_of_content
                a_request_may_be_cancelled
            }
            cancel {
                dropped_at_every_await_it_closes_and_leaves_nothing
                dropped_at_every_await_it_resumes_without_loss
                nothing_comes_after_a_close
                a_restart_connects_anew
            }
        }
    };
    // With what a body's framing by HTTP/1.1 can say, and what goes wrong there. HTTP/2 frames everything itself: it has no chunks, no
    // end of a body by that of its connection, and neither heads by hand nor heads without end.
    ($Transport:ident over HTTP/1.1) => {
        crate::transport::suite! { $Transport }
        crate::transport::suite! { $Transport:
            framing {
                whole_bodies_and_cut_ones_are_told_apart
                interim_heads_are_waited_out
                a_head_that_never_ends_is_noticed
            }
        }
    };
}

pub(crate) use suite;
