//! What a client sends.

use crate::text;
use eventsource_core::Timer;
use eventsource_core::stream::BoxError;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use hyper::{Response, StatusCode};
use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

/// How long a body may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a request's body, of so many bytes at most.
///
/// # Errors
/// What to answer if it's too long, too slow or breaks off.
pub async fn upload<B, T>(body: B, limit: usize, timer: T) -> Result<Bytes, Box<Response<Full<Bytes>>>>
where
    B: Body<Error: Into<BoxError>>,
    T: Timer,
{
    let body = pin!(Limited::new(body, limit).collect());
    let mut timer = pin!(timer);
    timer.as_mut().reset(PATIENCE);
    let refusal = match select(body, poll_fn(|cx| timer.as_mut().poll_expired(cx))).await {
        Either::Left((Ok(body), _)) => return Ok(body.to_bytes()),
        Either::Left((Err(error), _)) if error.is::<LengthLimitError>() => {
            text(StatusCode::PAYLOAD_TOO_LARGE, format!("it can have {limit} bytes\n"))
        }
        Either::Left((Err(error), _)) => text(StatusCode::BAD_REQUEST, format!("{error}\n")),
        Either::Right(_) => text(StatusCode::REQUEST_TIMEOUT, "it took too long\n"),
    };
    Err(Box::new(refusal))
}
