//! `POST /publish`.

use crate::hub::Hub;
use crate::json::{is_json, json};
use crate::refusal::{Refusal, refusal};
use crate::topic::{TopicName, check_topic};
use eventsource_core::channel::{PublishError, SequenceId};
use eventsource_core::{Event, EventName, Publication};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::timeout;

/// How long a body may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A body that's too long is read on for so many times what it may have, so that its sender gets to read why it was
/// refused; beyond that, it's cut off.
const COURTESY: usize = 64;

/// What's to be published, as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    #[serde(default)]
    topic: Option<String>,
    #[serde(default)]
    event: Option<String>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    data: serde_json::Value,
}

/// What was published.
#[derive(Serialize)]
struct Published {
    /// Of the last event.
    id: String,
    events: usize,
}

pub(crate) async fn respond(
    head: &Parts,
    body: Incoming,
    hub: &Hub,
) -> Result<Response<Full<Bytes>>, Refusal> {
    let in_query = query(head.uri.query().unwrap_or_default()).map_err(bad_request)?;
    let body = timeout(PATIENCE, read(body, hub.options.max_body))
        .await
        .map_err(|_| refusal(StatusCode::REQUEST_TIMEOUT, "the body took too long"))??;
    let body =
        std::str::from_utf8(&body).map_err(|error| bad_request(format!("the body isn't UTF-8: {error}")))?;
    let mut messages =
        if is_json(&head.headers) { parse(body).map_err(bad_request)? } else { vec![Message::default()] };
    if !is_json(&head.headers) {
        messages[0].data = body.into();
    }
    for message in &mut messages {
        let Message { topic, event, key, .. } = message;
        for (own, of_query) in [(topic, &in_query.topic), (event, &in_query.event), (key, &in_query.key)] {
            *own = own.take().or_else(|| of_query.clone());
        }
    }
    let id = publish(&messages, hub)?;
    let published = Published { id: id.to_string(), events: messages.len() };
    Ok(json(&published))
}

fn bad_request(why: impl std::fmt::Display) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, why)
}

fn query(query: &str) -> Result<Message, String> {
    let mut message = Message::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let field = match &*name {
            "topic" => &mut message.topic,
            "event" => &mut message.event,
            "key" => &mut message.key,
            _ => return Err(format!("there is topic, event and key, but no {name:?}")),
        };
        if field.replace(value.into_owned()).is_some() {
            return Err(format!("{name} is there twice"));
        }
    }
    Ok(message)
}

/// One message, or several.
fn parse(body: &str) -> Result<Vec<Message>, serde_json::Error> {
    if body.trim_start().starts_with('[') {
        serde_json::from_str(body)
    } else {
        Ok(vec![serde_json::from_str(body)?])
    }
}

async fn read(mut body: Incoming, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut content = Vec::new();
    let mut len = 0_usize;
    let announced = body.size_hint().lower();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(bad_request)?.into_data() else { continue };
        len = len.saturating_add(data.len());
        if len <= limit && announced <= limit as u64 {
            content.extend_from_slice(&data);
        } else {
            content = Vec::new();
            if len > limit.saturating_mul(COURTESY) {
                break;
            }
        }
    }
    if len > limit {
        return Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, format!("a publication can have {limit} bytes")));
    }
    Ok(content)
}

fn publish(messages: &[Message], hub: &Hub) -> Result<SequenceId, Refusal> {
    let Some(topic) = messages.first().map(|message| &message.topic) else {
        return Err(bad_request("there is nothing to publish"));
    };
    let (most, most_bytes) = (hub.options.window_events(), hub.options.window_bytes());
    if messages.len() > most {
        return Err(refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a publication can have {most} events, not {}", messages.len()),
        ));
    }
    if messages.iter().any(|message| message.topic != *topic) {
        return Err(bad_request("what's published together has the same topic"));
    }
    let topic = topic.as_deref().ok_or_else(|| bad_request("which topic? /publish?topic=NAME"))?;
    check_topic(topic).map_err(bad_request)?;
    let label: TopicName = topic.into();
    // A text is itself, anything else its JSON.
    let data: Vec<_> = messages
        .iter()
        .map(|message| match &message.data {
            serde_json::Value::String(text) => text.clone(),
            value => value.to_string(),
        })
        .collect();
    let mut publications = Vec::with_capacity(messages.len());
    for (message, data) in messages.iter().zip(&data) {
        let mut event = Event::new(data);
        if let Some(name) = message.event.as_deref().filter(|name| !name.is_empty()) {
            if name.starts_with("hub:") {
                return Err(bad_request("names that begin with hub: are the hub's own"));
            }
            event = event.name(EventName::new(name).map_err(bad_request)?);
        }
        // Of many short lines, it's several times what was sent, and would push everything else out.
        if event.encoded_len() > most_bytes {
            return Err(refusal(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("an event can have {most_bytes} bytes as it's sent, not {}", event.encoded_len()),
            ));
        }
        let publication = Publication::new(event).label(TopicName::clone(&label));
        publications.push(match &message.key {
            Some(key) => publication.key(key.as_str()),
            None => publication,
        });
    }
    match hub.topics.publish_all(topic, publications) {
        Ok(Some(id)) => Ok(id),
        Ok(None) => Err(bad_request("there is nothing to publish")),
        Err(error @ PublishError::Closed) => Err(refusal(StatusCode::GONE, error)),
        Err(error @ PublishError::TooManyTopics { .. }) => Err(refusal(StatusCode::CONFLICT, error)),
        Err(error) => Err(bad_request(error)),
    }
}
