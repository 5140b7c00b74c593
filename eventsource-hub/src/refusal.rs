//! What a request is answered that isn't granted.

use crate::text::text;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};

pub(crate) type Refusal = Box<Response<Full<Bytes>>>;

/// With the reason, for a person to read.
pub(crate) fn refusal(status: StatusCode, why: impl std::fmt::Display) -> Refusal {
    Box::new(text(status, format!("{why}\n")))
}
