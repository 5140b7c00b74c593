//! The date and time as an event stream, and a page that shows it and emits into it: what's the same on every runtime and in
//! every framework.

mod answer;
mod emit;
mod ticks;

pub use answer::TickBody;
pub use emit::MAX_DATA;

use crate::page;
use emit::Emitters;
use eventsource_core::{
    Emitter, EventStream, Frame, KeepAlive, LastEventId, Source, StopHandle, Timer, event_name,
};
use futures_util::stream;
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use std::time::Duration;

/// What all connections share. A clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Tick {
    emitters: Emitters,
    stop: StopHandle,
}

impl Tick {
    /// A stream for a client that has seen everything up to `last_event_id`: a key, then the date and time every second, and
    /// whatever is [emitted](Self::emit) into this one stream.
    pub fn stream<T>(&self, last_event_id: &LastEventId) -> EventStream<impl Source + Send + use<T>, T>
    where
        T: Timer + Default + Send + 'static,
    {
        let (emitter, emissions) = Emitter::new(emit::CAPACITY);
        let key = self.emitters.insert(emitter);
        let emitters = self.emitters.clone();
        let hello = Frame::from((event_name!("stream"), key.as_str()));
        EventStream::new(stream::iter([hello]))
            .merge(ticks::ticks(T::default(), last_event_id))
            .merge(emissions)
            .retry(Duration::from_secs(1))
            .keep_alive(KeepAlive::default())
            .stop_on(&self.stop)
            .on_end(move |_| emitters.remove(&key))
    }

    /// The page.
    pub fn page() -> Response<Full<Bytes>> {
        page(include_str!("page.html"))
    }

    /// `POST /emit?stream=KEY&event=NAME&id=ID`: emits `data` into the stream that has this key.
    pub fn emit(&self, query: &str, data: &[u8]) -> Response<Full<Bytes>> {
        emit::respond(query, data, &self.emitters)
    }

    /// What ends all the streams.
    pub fn stop(&self) -> &StopHandle {
        &self.stop
    }
}
