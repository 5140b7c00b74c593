//! Server-Sent Events in HTTP: [`EventBody`] makes an [`EventStream`](eventsource_core::EventStream) an
//! [`http_body::Body`], so that it drops into hyper 1 (HTTP/1.1 and 2), axum and tower; [`respond`] makes the whole
//! response; [`EventService`] is a ready service.
//!
//! Depends on no runtime: the stream brings its timer along, an adapter's `Alarm`, or a [`HyperAlarm`] on any timer that hyper
//! runs on. With the feature `tower`, [`EventService`] is a service of tower's as well.
//!
//! In axum, it's one line:
//!
//! ```
//! use axum::{Router, extract::Request, response::IntoResponse, routing::get};
//! use eventsource_core::KeepAlive;
//! use eventsource_tokio::EventStream;
//! use futures_util::stream;
//!
//! async fn events(request: Request) -> impl IntoResponse {
//!     let hello = stream::iter(["hello", "world"]);
//!     eventsource_hyper::respond(&request, |_| EventStream::new(hello).keep_alive(KeepAlive::default()))
//! }
//!
//! let app: Router = Router::new().route("/events", get(events));
//! ```
//!
//! # What the response is
//!
//! | request | response |
//! |---|---|
//! | `GET` | 200, `content-type: text/event-stream`, `cache-control: no-store`, `x-accel-buffering: no`, the stream |
//! | `HEAD` | the same without a body; no stream is started |
//! | another method | 405 with `allow` |
//! | `Accept` excludes `text/event-stream` | 406 |
//! | `Last-Event-ID` that can't be one | the stream is told [`LastEventId::Unusable`](eventsource_core::LastEventId); 400 if you say so |
//! | your code [refuses](Refusal) it | 503 with `retry-after`, or 204 |
//!
//! A browser's `EventSource` takes any status but 200 for good: it doesn't come back. So refuse with care.
//!
//! # What hyper does with it
//!
//! The head goes out at once, though the first event is yet to come. When the client closes the connection,
//! the stream is dropped, and its hook is told so. A request in HTTP/1.0 is answered without chunks.
//! `graceful_shutdown` waits for open streams: end them with a [`StopHandle`](eventsource_core::StopHandle), or without a rush
//! with a [`Drain`](eventsource_core::Drain). A client that stops reading is not noticed by hyper itself: about 4 MiB go into
//! the socket's buffers, then the stream isn't polled any more; [`StallGuard`] ends such a connection.
//!
//! Over HTTP/2, a reset drops its stream at once. A stream that isn't read isn't polled any more once its window is full, and the
//! others go on; but enough of them together fill the window of their connection.
#![forbid(unsafe_code)]

mod alarm;
mod answer;
mod body;
mod cors;
mod read;
mod refusal;
mod respond;
mod service;
mod stall;

pub use alarm::HyperAlarm;
pub use answer::Answer;
pub use body::{Aborted, BoxEventBody, EventBody};
pub use cors::Cors;
pub use read::{Chunks, read};
pub use refusal::Refusal;
pub use respond::{Responder, respond};
pub use service::EventService;
pub use stall::StallGuard;
