//! The date and time, every second.

use eventsource_core::codec::EventIdBuf;
use eventsource_core::{Event, Frame, LastEventId, Timer, event_name};
use futures_util::{Stream, stream};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::future::poll_fn;
use std::time::Duration;

/// So many seconds at most are made up for.
const MISSED: i64 = 60;

/// Every second as an event, whose id is its number since 1970. A client that comes back gets those that it has missed, of the
/// last minute; any other begins now.
pub(super) fn ticks<T: Timer>(timer: T, last_event_id: &LastEventId) -> impl Stream<Item = Frame> + use<T> {
    let seen = last_event_id.as_id().and_then(|id| id.as_str().parse::<i64>().ok());
    let next = seen.map_or_else(|| Timestamp::now().as_second(), |seen| seen.saturating_add(1));
    stream::unfold((Box::pin(timer), next), async |(mut timer, mut next)| {
        loop {
            let now = Timestamp::now();
            // Whatever the client says, and however the clock is set.
            next = next.clamp(now.as_second() - MISSED, now.as_second() + 1);
            if next <= now.as_second() {
                return Some((tick(next), (timer, next + 1)));
            }
            timer.as_mut().reset(to_the_next_second(now));
            poll_fn(|cx| timer.as_mut().poll_expired(cx)).await;
        }
    })
}

fn to_the_next_second(now: Timestamp) -> Duration {
    let gone = Duration::from_nanos(now.subsec_nanosecond().unsigned_abs().into());
    Duration::from_secs(1).saturating_sub(gone)
}

fn tick(second: i64) -> Frame {
    let id = EventIdBuf::from(second.unsigned_abs());
    // A second of the last minute is within the calendar.
    let time = Timestamp::from_second(second).unwrap_or_default().to_zoned(TimeZone::system());
    let time = time.strftime("%A, %-d %B %Y, %H:%M:%S").to_string();
    Event::new(&time).name(event_name!("tick")).id(id.as_id()).into()
}
