//! Who answers what, in hyper.

use super::{MAX_DATA, Tick};
use crate::{text, upload};
use eventsource_core::Timer;
use eventsource_hyper::{BoxEventBody, EventBody, respond};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};

/// The body of an answer: a stream or not.
pub type TickBody = Either<BoxEventBody, Full<Bytes>>;

impl Tick {
    /// Answers a request, with the timers of a runtime.
    pub async fn answer<T>(self, request: Request<Incoming>) -> Response<TickBody>
    where
        T: Timer + Default + Send + 'static,
    {
        let answer = match (request.method(), request.uri().path()) {
            (_, "/events") => {
                let answer = respond(&request, |last_event_id| self.stream::<T>(&last_event_id));
                return answer.map(EventBody::into_boxed).map(Either::Left);
            }
            (&Method::GET | &Method::HEAD, "/") => Self::page(),
            (&Method::POST, "/emit") => {
                let (head, body) = request.into_parts();
                match upload(body, MAX_DATA, T::default()).await {
                    Ok(data) => self.emit(head.uri.query().unwrap_or_default(), &data),
                    Err(refusal) => *refusal,
                }
            }
            _ => text(StatusCode::NOT_FOUND, "there is /, /events and POST /emit\n"),
        };
        answer.map(Either::Right)
    }
}
