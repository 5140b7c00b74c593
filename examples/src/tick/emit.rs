//! An event into one stream, through its emitter.

use crate::{secret, text};
use eventsource_core::stream::TryEmitError;
use eventsource_core::{Emitter, Event, EventId, EventName, Frame};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many events may wait in a stream whose client is slow.
pub(super) const CAPACITY: usize = 16;

/// How many bytes the data of an event can have.
pub const MAX_DATA: usize = 2 * 1024 * 1024;

/// The emitters of the open streams, by key. Who knows the key may emit.
#[derive(Clone, Debug, Default)]
pub(super) struct Emitters(Arc<Mutex<HashMap<String, Emitter>>>);

impl Emitters {
    pub(super) fn insert(&self, emitter: Emitter) -> String {
        let key = secret();
        self.lock().insert(key.clone(), emitter);
        key
    }

    pub(super) fn remove(&self, key: &str) {
        self.lock().remove(key);
    }

    fn get(&self, key: &str) -> Option<Emitter> {
        self.lock().get(key).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Emitter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn respond(query: &str, data: &[u8], emitters: &Emitters) -> Response<Full<Bytes>> {
    let parameters: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let key = parameters.get("stream").map(String::as_str).unwrap_or_default();
    let Some(emitter) = emitters.get(key) else {
        return text(StatusCode::NOT_FOUND, "no open stream has this key\n");
    };
    let Ok(data) = std::str::from_utf8(data) else {
        return text(StatusCode::BAD_REQUEST, "data has to be UTF-8\n");
    };
    match frame(data, &parameters) {
        Err(error) => text(StatusCode::BAD_REQUEST, format!("{error}\n")),
        // Whoever posts doesn't wait for a client that doesn't read.
        Ok(frame) => match emitter.try_emit(frame) {
            Ok(()) => text(StatusCode::NO_CONTENT, ""),
            Err(error @ TryEmitError::Full(_)) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
            Err(error) => text(StatusCode::GONE, format!("{error}\n")),
        },
    }
}

fn frame(data: &str, parameters: &HashMap<String, String>) -> Result<Frame, Box<dyn Error>> {
    let mut event = Event::new(data);
    if let Some(name) = parameters.get("event") {
        event = event.name(EventName::new(name)?);
    }
    if let Some(id) = parameters.get("id") {
        let id = EventId::new(id)?;
        // A browser would send it back in a request that no server takes.
        if !id.is_resumable() {
            return Err("this id could not be sent back in a header".into());
        }
        event = event.id(id);
    }
    Ok(event.into())
}
