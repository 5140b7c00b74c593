//! `/events`: the date and time, every second, and whatever is emitted into this one stream.

use crate::Server;
use crate::emit::CAPACITY;
use eventsource_core::{Emitter, Event, EventIdBuf, Frame, KeepAlive, event_name};
use eventsource_hyper::{BoxEventBody, EventBody};
use eventsource_tokio::EventStream;
use futures_util::{Stream, stream};
use hyper::{Request, Response};
use jiff::Zoned;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

pub(crate) type Body = BoxEventBody;

pub(crate) fn respond<B>(request: &Request<B>, server: &Server) -> Response<Body> {
    let response = eventsource_hyper::respond(request, |_| {
        let (emitter, emissions) = Emitter::new(CAPACITY);
        let key = server.emitters.insert(emitter);
        let emitters = server.emitters.clone();
        let hello = Frame::from((event_name!("stream"), key.as_str()));
        EventStream::new(stream::iter([hello]))
            .merge(ticks())
            .merge(emissions)
            .retry(Duration::from_secs(1))
            .keep_alive(KeepAlive::default())
            .stop_on(&server.stop)
            .on_end(move |_| emitters.remove(&key))
    });
    response.map(EventBody::into_boxed)
}

fn ticks() -> impl Stream<Item = Frame> {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    stream::unfold(seconds, async |mut seconds| {
        seconds.tick().await;
        Some((tick(&Zoned::now()), seconds))
    })
}

/// One tick; its id is the time in seconds since 1970.
fn tick(now: &Zoned) -> Frame {
    let id = EventIdBuf::from(now.timestamp().as_second().unsigned_abs());
    let time = now.strftime("%A, %-d %B %Y, %H:%M:%S").to_string();
    Event::new(&time).name(event_name!("tick")).id(id.as_id()).into()
}
