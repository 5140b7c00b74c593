//! Each rule, and each fault that a client meets.

use crate::server::{Client, EVENT_STREAM, Serve, assert_fill, millis, seconds, waits};
use eventsource_core::EventId;
use eventsource_core::client::{
    Decision, Head, MAX_REDIRECTS, MIN_DELAY, Policy, Reason, Reconnection, Step,
};
use std::time::Duration;

fn status(status: u16) -> Head {
    Head::new(status, EVENT_STREAM)
}

/// A policy whose waits are the longest of their windows.
fn without_jitter() -> Policy {
    Policy::default().jitter(false)
}

const TEMPORARY: [u16; 7] = [408, 425, 429, 500, 502, 503, 504];

#[test]
fn only_some_statuses_are_tried_again() {
    for code in (101..=101).chain(200..=1000).chain([0, u16::MAX]) {
        for was_open in [false, true] {
            let mut client = Client::new(Policy::default());
            if was_open {
                client.serve(Serve::Open(1));
                client.end();
                client.wait_to_connect();
            }
            client.head(status(code));
            match code {
                200 => assert_eq!(client.machine.step(), Step::Read),
                301 | 302 | 303 | 307 | 308 => client.assert_closed(Reason::Redirect),
                _ if TEMPORARY.contains(&code) => {
                    assert!(client.wait_to_connect() >= seconds(3), "{code}");
                }
                _ => client.assert_closed(Reason::Status(code)),
            }
        }
    }
}

#[test]
fn a_failing_transport_is_tried_again_from_the_first_attempt_on() {
    let mut client = Client::new(Policy::default());
    for _ in 0..100 {
        client.serve(Serve::Refuse);
        assert!(matches!(client.machine.step(), Step::Wait { reason: Reason::Transport, .. }));
        client.wait_to_connect();
    }
    client.serve(Serve::Open(0));
}

#[test]
fn a_body_that_ends_before_the_head_has_come_is_a_failure_of_the_transport() {
    let mut client = Client::new(Policy::default());
    client.end();
    assert!(matches!(client.machine.step(), Step::Wait { reason: Reason::Transport, .. }));
}

#[test]
fn another_content_type_is_final() {
    for fields in [&[("content-type", "text/html")][..], &[("content-type", "x bogus")], &[]] {
        let mut client = Client::new(Policy::default());
        client.head(Head::new(200, fields.iter().copied()));
        client.assert_closed(Reason::ContentType);
    }
    for content_type in ["text/event-stream;charset=windows-1252", "text/event-stream;", "Text/Event-Stream"]
    {
        let mut client = Client::new(Policy::default());
        client.head(Head::new(200, [("Content-TYPE", content_type)]));
        assert_eq!(client.machine.step(), Step::Read, "{content_type}");
    }
}

#[test]
fn an_encoding_that_nobody_asked_for_is_final() {
    for (encoding, is_open) in [("gzip", false), ("br, gzip", false), ("identity", true), (" ", true)] {
        let mut client = Client::new(Policy::default());
        client.head(Head::new(200, EVENT_STREAM.into_iter().chain([("Content-Encoding", encoding)])));
        if is_open {
            assert_eq!(client.machine.step(), Step::Read, "{encoding}");
        } else {
            client.assert_closed(Reason::ContentEncoding);
        }
    }
}

#[test]
fn interim_heads_are_waited_out_and_stop_no_answer_timeout() {
    let mut client = Client::new(Policy::default().answer_timeout(seconds(10)));
    for code in [100, 102, 103, 199] {
        client.head(status(code));
        assert_eq!(client.wait(seconds(2)), Step::Connect);
    }
    assert_eq!(client.arms, 1);
    assert!(matches!(client.wait(seconds(2)), Step::Wait { reason: Reason::NoAnswer, .. }));
    assert_eq!(client.now, seconds(10));
}

#[test]
fn redirects_are_followed_and_final_after_a_bound() {
    let mut client = Client::new(Policy::default());
    for _ in 0..3 {
        for _ in 0..MAX_REDIRECTS {
            client.report(Reconnection::handle_redirect);
            assert_eq!(client.machine.step(), Step::Connect);
        }
        client.open();
        client.end();
        client.wait_to_connect();
    }
    assert_eq!(client.requests.len(), 4, "a redirect is no attempt");
    for _ in 0..=MAX_REDIRECTS {
        client.report(Reconnection::handle_redirect);
    }
    client.assert_closed(Reason::Redirect);

    let mut client = Client::new(Policy::default().answer_timeout(seconds(10)));
    for _ in 0..4 {
        client.report(Reconnection::handle_redirect);
        client.wait(seconds(2));
    }
    assert!(matches!(client.wait(seconds(2)), Step::Wait { reason: Reason::NoAnswer, .. }), "in all");
}

#[test]
fn retry_after_is_a_minimum_in_both_forms() {
    let now = ("Date", "Fri, 31 Dec 1999 23:59:00 GMT");
    for (value, least) in [("20", 20), ("Fri, 31 Dec 1999 23:59:30 GMT", 30), ("0", 3), ("soon", 3)] {
        let head = Head::new(503, [("RETRY-AFTER", value), now]);
        let waits = waits(Policy::default(), |client| client.head(head));
        assert_fill(waits, seconds(least), seconds(least) * 5 / 4);
    }
    let without_date = Head::new(503, [("retry-after", "Fri, 31 Dec 1999 23:59:30 GMT")]);
    assert_eq!(without_date.retry_after(), None);

    // It doesn't shorten what else there is to wait.
    let head = Head::new(429, [("retry-after", "2")]);
    let waits = waits(Policy::default(), |client| {
        client.cut();
        client.wait_to_connect();
        client.cut();
        client.wait_to_connect();
        client.head(head);
    });
    assert_fill(waits, seconds(6), seconds(12));
}

#[test]
fn a_server_can_not_ask_for_more_than_the_policy_allows() {
    let policy = without_jitter();
    let mut client = Client::new(policy);
    client.head(Head::new(503, [("retry-after", "99999999999999999999999")]));
    assert_eq!(client.wait_to_connect(), seconds(3600));
    client.open();
    client.report(|machine| machine.handle_retry(Duration::MAX));
    client.end();
    assert_eq!(client.wait_to_connect(), seconds(3600));

    let mut client = Client::new(policy.max_server_delay(Duration::MAX));
    client.open();
    client.report(|machine| machine.handle_retry(Duration::MAX));
    client.end();
    assert_eq!(client.wait(Duration::MAX - client.now - millis(1)), client.machine.step());
    assert_eq!(client.requests.len(), 1);
}

#[test]
fn the_reconnection_time_is_never_undercut() {
    for retry in [1500, 2000, 90_000] {
        for failures in 0..8 {
            let (least, _) = waits(Policy::default(), |client| {
                client.open();
                client.report(|machine| machine.handle_retry(millis(retry)));
                for _ in 0..failures {
                    client.cut();
                    client.wait_to_connect();
                }
                client.cut();
            });
            assert!(least >= millis(retry), "{retry} ms, {failures} failures: {least:?}");
        }
    }
}

#[test]
fn the_wait_after_a_good_connection_is_the_reconnection_time_up_to_a_quarter_more() {
    let after = |retry: Option<Duration>| {
        waits(Policy::default(), |client| {
            client.serve(Serve::Open(1));
            if let Some(retry) = retry {
                client.report(|machine| machine.handle_retry(retry));
            }
            client.end();
        })
    };
    assert_fill(after(None), seconds(3), millis(3750));
    assert_fill(after(Some(millis(1500))), millis(1500), millis(1875));
    assert_fill(after(Some(seconds(100))), seconds(100), seconds(125));
    assert_fill(after(Some(Duration::ZERO)), MIN_DELAY, millis(125));
}

#[test]
fn an_immediate_reconnection_is_at_most_ten_a_second_and_backs_off_when_nothing_comes() {
    let mut client = Client::new(Policy::default());
    client.serve(Serve::Open(1));
    client.report(|machine| machine.handle_retry(Duration::ZERO));
    client.end();
    for _ in 0..100 {
        client.wait_to_connect();
        client.serve(Serve::Open(1));
        client.end();
    }
    client.wait_to_connect();
    for ten in client.requests.windows(11) {
        assert!(ten[10] - ten[0] >= seconds(1), "{ten:?}");
    }
    assert!(client.now < seconds(13), "a server that ends each connection on purpose isn't punished");

    let before = client.requests.len();
    let until = client.now + seconds(3600);
    while client.now < until {
        client.serve(Serve::Open(0));
        client.end();
        client.wait_to_connect();
    }
    assert!(client.requests.len() - before < 150, "{}", client.requests.len() - before);
}

#[test]
fn an_empty_body_is_no_success() {
    let mut client = Client::new(without_jitter());
    let mut waits = Vec::new();
    for _ in 0..7 {
        client.serve(Serve::Open(0));
        client.machine.handle_chunk(33); // comments are no success either
        client.end();
        waits.push(client.wait_to_connect().as_secs());
    }
    assert_eq!(waits, [3, 6, 12, 24, 48, 60, 60]);
}

#[test]
fn a_server_that_says_hello_and_crashes_is_left_alone_more_and_more() {
    let mut client = Client::new(without_jitter());
    let mut waits = Vec::new();
    for _ in 0..6 {
        client.serve(Serve::Open(1));
        client.wait(millis(4999));
        client.cut();
        waits.push(client.wait_to_connect().as_secs());
    }
    assert_eq!(waits, [3, 6, 12, 24, 48, 60]);

    // The first that lasts, or ends well, is worth it.
    client.serve(Serve::Open(0));
    client.wait(seconds(5));
    client.cut();
    assert_eq!(client.wait_to_connect(), seconds(3));
    client.serve(Serve::Refuse);
    client.wait_to_connect();
    client.serve(Serve::Refuse);
    assert_eq!(client.wait_to_connect(), seconds(6));
    client.serve(Serve::Open(1));
    client.end();
    assert_eq!(client.wait_to_connect(), seconds(3));
}

#[test]
fn a_connection_has_lasted_after_five_seconds_whatever_the_idle_timeout() {
    for idle in [0, 1, 7000, 8000, 19_999, 20_000, 20_001, 45_000, 3_600_000] {
        for (open_for, worth_it) in [(4999, false), (7000, true)] {
            let mut client = Client::new(without_jitter().idle_timeout(millis(idle)));
            client.serve(Serve::Refuse);
            client.wait_to_connect();
            client.open();
            for _ in 0..open_for {
                client.machine.handle_chunk(1);
                assert_eq!(client.wait(millis(1)), Step::Read);
            }
            client.cut();
            assert_eq!(client.wait_to_connect(), seconds(if worth_it { 3 } else { 6 }), "{idle} ms");
        }
    }
}

#[test]
fn silence_is_noticed_within_one_and_one_and_a_quarter_of_the_idle_timeout() {
    // At one moment, and at many that are this far from one another; in an idle timeout that's short and one that's long.
    for idle in [millis(500), seconds(18), seconds(45)] {
        for (first, step, count) in (0..60).map(|n| (n, 0, 1)).chain((1..60).map(|step| (7, step, 40))) {
            let mut client = Client::new(Policy::default().idle_timeout(idle));
            client.open();
            assert_eq!(client.wait(idle * first / 60), Step::Read);
            for n in 0..count {
                client.machine.handle_chunk(1);
                if n + 1 < count {
                    assert_eq!(client.wait(idle * step / 60), Step::Read, "a byte is life");
                }
            }
            let last = client.now;
            assert!(matches!(client.wait(idle * 2), Step::Wait { reason: Reason::Idle, .. }));
            let silence = client.now - last;
            assert!(silence >= idle && silence <= idle * 5 / 4 + millis(1), "{silence:?} of {idle:?}");
        }
    }
}

#[test]
fn silence_from_the_beginning_is_noticed_and_empty_chunks_are_silence() {
    let mut client = Client::new(Policy::default().idle_timeout(seconds(40)));
    client.open();
    for _ in 0..40 {
        client.machine.handle_chunk(0);
        client.wait(seconds(1));
    }
    assert_eq!(client.now, seconds(40));
    assert!(matches!(client.machine.step(), Step::Wait { reason: Reason::Idle, .. }));
}

#[test]
fn an_answer_that_does_not_come_is_noticed_in_time() {
    let mut client = Client::new(Policy::default().answer_timeout(seconds(10)));
    assert_eq!(client.wait(millis(9999)), Step::Connect);
    assert!(matches!(client.wait(millis(1)), Step::Wait { reason: Reason::NoAnswer, .. }));
    client.wait_to_connect();
    assert!(matches!(client.wait(seconds(10)), Step::Wait { reason: Reason::NoAnswer, .. }), "each time");
}

#[test]
fn a_timeout_of_zero_is_off() {
    let policy = Policy::default().answer_timeout(Duration::ZERO).idle_timeout(Duration::ZERO);
    let mut client = Client::new(policy);
    assert_eq!(client.wait(seconds(1_000_000_000)), Step::Connect);
    client.open();
    assert_eq!(client.wait(seconds(1_000_000_000)), Step::Read);
    assert_eq!(client.arms, 3, "for the attempt, until it has lasted, and never");
}

#[test]
fn the_smallest_and_the_largest_settings_have_an_answer() {
    for time in [Duration::from_nanos(1), Duration::from_nanos(5), Duration::MAX] {
        let policy = Policy::default()
            .answer_timeout(time)
            .idle_timeout(time)
            .base_delay(time)
            .max_delay(time)
            .max_server_delay(time)
            .max_failures(0);
        let mut client = Client::new(policy);
        client.open();
        client.wait(seconds(1));
        let is_idle = client.machine.step() == Step::Closed(Reason::Idle);
        assert_eq!(is_idle, time < seconds(1));
        client.end();
        assert!(matches!(client.machine.step(), Step::Closed(_)));
    }
}

#[test]
fn the_alarm_is_set_four_times_in_an_idle_timeout_and_never_for_a_chunk() {
    let mut client = Client::new(Policy::default().idle_timeout(seconds(60)));
    client.open();
    let before = client.arms;
    let (idle_timeouts, chunks) = (10, 1000);
    for _ in 0..idle_timeouts * chunks {
        client.event();
        assert_eq!(client.wait(seconds(60) / chunks), Step::Read);
    }
    assert!(client.arms - before <= idle_timeouts * 4 + 1, "{}", client.arms - before);
}

#[test]
fn a_caller_who_was_busy_for_long_is_not_taken_for_silence() {
    let mut client = Client::new(Policy::default().idle_timeout(seconds(40)));
    client.open();
    for _ in 0..100 {
        // An expiry is reported late, and once; bytes that lay there come first.
        client.now += seconds(1000);
        client.event();
        client.report(Reconnection::handle_alarm);
        assert_eq!(client.machine.step(), Step::Read);
        // Also where none lay there: what's due is looked at again, a quarter at a time.
        client.now += seconds(1000);
        client.report(Reconnection::handle_alarm);
        assert_eq!(client.machine.step(), Step::Read);
    }
}

#[test]
fn an_expiry_that_comes_after_a_restart_is_the_old_one_s() {
    let mut client = Client::new(Policy::default());
    client.machine.restart();
    client.machine.handle_alarm();
    assert_eq!((client.machine.step(), client.machine.attempts()), (Step::Connect, 2));
    client.settle();

    client.open();
    client.cut();
    client.machine.restart();
    client.machine.handle_alarm();
    assert_eq!((client.machine.step(), client.machine.attempts()), (Step::Connect, 3));
    client.settle();
    assert!(
        matches!(client.wait(seconds(60)), Step::Wait { reason: Reason::NoAnswer, .. }),
        "the new one counts"
    );
}

#[test]
fn a_restart_connects_at_once_from_any_step() {
    let mut client = Client::new(without_jitter());
    client.report(Reconnection::restart);
    assert_eq!(client.requests, [Duration::ZERO; 2]);
    client.open();
    client.report(Reconnection::restart);
    assert_eq!(client.requests.len(), 3);
    client.cut();
    client.report(Reconnection::restart);
    assert_eq!((client.requests.len(), client.now), (4, Duration::ZERO));

    // It's no success, and no failure.
    client.cut();
    assert_eq!(client.wait_to_connect(), seconds(6));
    client.serve(Serve::Open(1));
    client.report(Reconnection::restart);
    client.cut();
    assert_eq!(client.wait_to_connect(), seconds(3));

    client.report(Reconnection::close);
    client.report(Reconnection::restart);
    client.assert_closed(Reason::Closed);
}

#[test]
fn nothing_comes_after_a_close_from_any_step() {
    let steps: [fn(&mut Client); 4] =
        [|_| {}, Client::open, Client::cut, |client| client.head(Head::new(204, EVENT_STREAM))];
    for (n, prepare) in steps.into_iter().enumerate() {
        let mut client = Client::new(Policy::default());
        prepare(&mut client);
        client.report(Reconnection::close);
        let reason = if n == 3 { Reason::Status(204) } else { Reason::Closed };
        for _ in 0..2 {
            client.assert_closed(reason);
            client.head(status(200));
            client.event();
            client.cut();
            client.end();
            client.report(Reconnection::handle_limit_error);
            client.report(Reconnection::handle_redirect);
            client.report(Reconnection::handle_alarm);
            client.report(Reconnection::restart);
        }
        assert_eq!(client.requests.len(), 1);
    }
}

#[test]
fn an_event_over_the_limit_is_met_once() {
    let mut client = Client::new(Policy::default());
    client.open();
    client.report(Reconnection::handle_limit_error);
    client.assert_closed(Reason::Limit);
}

#[test]
fn what_does_not_belong_to_a_step_is_ignored() {
    let mut client = Client::new(Policy::default());
    client.report(Reconnection::handle_limit_error);
    client.report(|machine| machine.handle_chunk(1));
    assert_eq!(client.machine.step(), Step::Connect);
    client.open();
    client.head(status(404));
    client.report(Reconnection::handle_redirect);
    assert_eq!(client.machine.step(), Step::Read);
    client.cut();
    let wait = client.machine.step();
    client.cut();
    client.end();
    client.head(status(404));
    client.event();
    client.report(Reconnection::handle_limit_error);
    client.report(Reconnection::handle_redirect);
    assert_eq!(client.machine.step(), wait);
}

#[test]
fn it_gives_up_after_so_many_failures_in_a_row() {
    let mut client = Client::new(Policy::default().max_failures(3));
    for _ in 0..10 {
        client.serve(Serve::Refuse);
        client.wait_to_connect();
        client.serve(Serve::Open(0));
        client.end();
        client.wait_to_connect();
        client.serve(Serve::Open(1));
        client.end();
        client.wait_to_connect();
    }
    client.serve(Serve::Refuse);
    client.wait_to_connect();
    client.serve(Serve::Refuse);
    client.wait_to_connect();
    client.serve(Serve::Answer(status(503)));
    client.assert_closed(Reason::Status(503));
}

#[test]
fn a_body_that_is_there_already_is_read_before_the_first_attempt() {
    let mut client = Client::with_machine(Reconnection::open(Policy::default(), 7));
    assert_eq!((client.machine.step(), client.machine.attempts()), (Step::Read, 0));
    client.event();
    client.end();
    client.wait_to_connect();
    assert_eq!(client.requests.len(), 1);

    let mut client = Client::with_machine(Reconnection::open(Policy::default().idle_timeout(seconds(40)), 7));
    assert!(matches!(client.wait(seconds(40)), Step::Wait { reason: Reason::Idle, .. }));
}

#[test]
fn a_browser_s_waits_are_exact_and_any_status_is_final() {
    for code in [204, 205, 210, 299, 404, 410, 429, 500, 503] {
        let mut client = Client::new(Policy::browser());
        client.head(status(code));
        client.assert_closed(Reason::Status(code));
    }
    for retry in [millis(2000), millis(3000), seconds(7200)] {
        let exact = waits(Policy::browser(), |client| {
            client.serve(Serve::Open(1));
            client.report(|machine| machine.handle_retry(retry));
            client.end();
        });
        assert_eq!(exact, (retry, retry));
    }
    let mut client = Client::new(Policy::browser());
    assert_eq!(client.wait(seconds(1_000_000)), Step::Connect, "a browser waits for an answer");
    client.serve(Serve::Open(0));
    assert_eq!(client.wait(seconds(1_000_000)), Step::Read, "and bears silence");
    client.report(|machine| machine.handle_retry(millis(2)));
    client.cut();
    assert_eq!(client.wait_to_connect(), MIN_DELAY);
}

#[test]
fn an_answer_is_not_asked_for_twice() {
    let again = [408, 425, 429, 503];
    for code in TEMPORARY {
        let mut client = Client::new(Policy::answer());
        client.head(status(code));
        let is_again = matches!(client.machine.step(), Step::Wait { .. });
        assert_eq!(is_again, again.contains(&code), "{code}");
    }
    for (lose, reason) in [
        (Client::end as fn(&mut Client), Reason::Ended),
        (Client::cut, Reason::Transport),
        (|client| assert!(matches!(client.wait(seconds(375)), Step::Closed(_))), Reason::Idle),
    ] {
        for events in [0, 3] {
            let mut client = Client::new(Policy::answer());
            client.serve(Serve::Open(events));
            lose(&mut client);
            client.assert_closed(reason);
        }
    }
    let mut client = Client::new(Policy::answer());
    client.serve(Serve::Refuse);
    client.assert_closed(Reason::Transport);

    let mut client = Client::new(Policy::answer());
    for _ in 0..3 {
        client.head(Head::new(429, [("retry-after", "7")]));
        assert!(client.wait_to_connect() >= seconds(7));
    }
    client.head(status(429));
    client.assert_closed(Reason::Status(429));
}

#[test]
fn a_policy_is_asked_with_what_it_needs_to_decide() {
    let with_an_id = Policy::default()
        .decide(|lost| Decision::retry_if(lost.reason.is_temporary() && lost.has_last_event_id));
    let id = |id| EventId::new(id).unwrap();
    let mut client = Client::new(with_an_id);
    client.machine.handle_last_event_id(id("1"));
    client.serve(Serve::Refuse);
    client.wait_to_connect();
    client.serve(Serve::Open(1));
    client.machine.handle_last_event_id(id(""));
    client.cut();
    client.assert_closed(Reason::Transport);

    let before_the_first_event =
        Policy::default().decide(|lost| Decision::retry_if(lost.reason.is_temporary() && !lost.has_event));
    let mut client = Client::new(before_the_first_event);
    client.serve(Serve::Open(0));
    client.end();
    client.wait_to_connect();
    client.serve(Serve::Open(1));
    client.end();
    client.assert_closed(Reason::Ended);

    let once_more = Policy::default().decide(|lost| {
        assert_eq!(lost.retry_after, Some(seconds(9)));
        Decision::retry_if(lost.reason == Reason::Status(401) && lost.failures == 1)
    });
    let mut client = Client::new(once_more);
    client.head(Head::new(401, [("retry-after", "9")]));
    assert!(client.wait_to_connect() >= seconds(9));
    client.head(Head::new(401, [("retry-after", "9")]));
    client.assert_closed(Reason::Status(401));
}

#[test]
fn a_reason_is_told_in_words() {
    for (reason, text) in [
        (Reason::Status(401), "the server answered with status 401"),
        (Reason::ContentType, "the response is not of the type text/event-stream"),
        (Reason::Idle, "the event stream was idle for too long"),
    ] {
        let error: &dyn std::error::Error = &reason;
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_machine_is_small() {
    assert!(size_of::<Reconnection>() <= 256, "{}", size_of::<Reconnection>());
}
