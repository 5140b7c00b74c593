//! `POST /emit`: an event into one stream, through its emitter.

use crate::text;
use eventsource_core::{Emitter, Event, EventId, EventName, FieldError, Frame};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many events may wait in a stream whose client is slow.
pub(crate) const CAPACITY: NonZeroUsize = NonZeroUsize::new(16).unwrap();

const MAX_BODY: usize = 4 * 1024 * 1024;

/// The emitters of the open streams, by key. Who knows the key may emit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Emitters(Arc<Mutex<HashMap<String, Emitter>>>);

impl Emitters {
    pub(crate) fn insert(&self, emitter: Emitter) -> String {
        let key = format!("{:032x}", fastrand::u128(..));
        self.lock().insert(key.clone(), emitter);
        key
    }

    pub(crate) fn remove(&self, key: &str) {
        self.lock().remove(key);
    }

    fn get(&self, key: &str) -> Option<Emitter> {
        self.lock().get(key).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Emitter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) async fn respond(request: Request<Incoming>, emitters: &Emitters) -> Response<Full<Bytes>> {
    let parameters: HashMap<_, _> =
        form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
    let key = parameters.get("stream").map(String::as_str).unwrap_or_default();
    let Some(emitter) = emitters.get(key) else {
        return text(StatusCode::NOT_FOUND, "no open stream has this key\n");
    };
    let body = match Limited::new(request.into_body(), MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return text(StatusCode::PAYLOAD_TOO_LARGE, "data can have 4 MiB\n");
        }
        Err(error) => return text(StatusCode::BAD_REQUEST, format!("{error}\n")),
    };
    let Ok(data) = std::str::from_utf8(&body) else {
        return text(StatusCode::BAD_REQUEST, "data has to be UTF-8\n");
    };
    match frame(data, &parameters) {
        Err(error) => text(StatusCode::BAD_REQUEST, format!("{error}\n")),
        Ok(frame) => match emitter.emit(frame).await {
            Ok(()) => text(StatusCode::NO_CONTENT, ""),
            Err(error) => text(StatusCode::GONE, format!("{error}\n")),
        },
    }
}

fn frame(data: &str, parameters: &HashMap<String, String>) -> Result<Frame, FieldError> {
    let mut event = Event::new(data);
    if let Some(name) = parameters.get("event") {
        event = event.name(EventName::new(name)?);
    }
    if let Some(id) = parameters.get("id") {
        event = event.id(EventId::new(id)?);
    }
    Ok(event.into())
}
