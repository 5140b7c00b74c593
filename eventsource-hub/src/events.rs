//! `/events`: topics as one event stream.

use crate::client::Client;
use crate::hub::Hub;
use crate::refusal::{Refusal, refusal};
use crate::topic::{TopicName, check_topic};
use eventsource_core::channel::{Resumed, Start};
use eventsource_core::codec::{Chunk, Item, Limits};
use eventsource_core::stream::{End, jitter};
use eventsource_core::{
    Decoder, EndReason, Event, EventName, Frame, KeepAlive, LastEventId, Source, Subscription, event_name,
};
use eventsource_hyper::{BoxEventBody, Responder};
use eventsource_tokio::EventStream;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use serde::Serialize;
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What a client may say in the query.
#[derive(Debug, Default)]
struct Query {
    topics: BTreeSet<String>,
    start: Start,
    /// Events come as JSON that names their topic, all under one name: for pages that can't know the names.
    wrap: bool,
    /// How the last of its parameters is spelled that say the last event ID.
    last_event_id: Option<String>,
}

/// So many topics can come over one connection.
const MAX_TOPICS: usize = 32;

impl Query {
    fn parse(query: &str) -> Result<Self, String> {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, &*value) {
                ("topic", topic) => {
                    check_topic(topic)?;
                    parsed.topics.insert(topic.to_owned());
                }
                ("from", "oldest") => parsed.start = Start::Oldest,
                ("from", "now") => parsed.start = Start::Live,
                ("from", other) => match other.parse() {
                    Ok(count) => parsed.start = Start::Last(count),
                    Err(_) => return Err("from is `oldest`, `now`, or how many of the newest".into()),
                },
                ("wrap", "1") => parsed.wrap = true,
                (name, _) if is_last_event_id(name) => parsed.last_event_id = Some(name.to_owned()),
                // Some clients add what keeps caches away.
                _ => {}
            }
        }
        match parsed.topics.len() {
            0 => Err("which topic? /events?topic=NAME, several times for several topics".into()),
            1..=MAX_TOPICS => Ok(parsed),
            _ => Err(format!("one connection can have {MAX_TOPICS} topics")),
        }
    }
}

/// Polyfills and other hubs say `lastEventId`, `lastEventID`, `Last-Event-ID` or `evs_last_event_id`. To overlook one is to lose
/// events without a sign.
fn is_last_event_id(name: &str) -> bool {
    let letters: String = name.chars().filter(|letter| !matches!(letter, '-' | '_')).collect();
    ["lasteventid", "evslasteventid"].iter().any(|known| letters.eq_ignore_ascii_case(known))
}

pub(crate) fn respond(
    request: Parts,
    body: Incoming,
    hub: &Arc<Hub>,
    client: &Client,
) -> Result<Response<BoxEventBody>, Refusal> {
    let mut query = Query::parse(request.uri.query().unwrap_or_default())
        .map_err(|error| refusal(StatusCode::BAD_REQUEST, error))?;
    let mut responder = Responder::new();
    if let Some(name) = query.last_event_id.take() {
        responder = responder.last_event_id_parameter(name);
    }
    let response = responder.respond(&Request::from_parts(request, ()), |last_event_id| {
        let seat = hub.seats.take(client.address);
        let feed = match &seat {
            Some(_) => subscribe(hub, &query, last_event_id).unwrap_or_else(|why| Feed::bounce(hub, &why)),
            None => Feed::bounce(hub, "there are as many connections as there may be"),
        };
        let hub_of_stream = Arc::clone(hub);
        EventStream::new(feed)
            .retry(hub.options.retry)
            .keep_alive(KeepAlive::new(hub.options.keep_alive))
            .drain_on(&hub.drain)
            .stall_on(&client.stall)
            .on_end(move |end| {
                hub_of_stream.ended.count(end.reason());
                drop(seat);
            })
    });
    Ok(response.map(|events| events.discard(body).into_boxed()))
}

fn subscribe(hub: &Hub, query: &Query, last_event_id: LastEventId) -> Result<Feed, String> {
    let mut subscription = hub
        .topics
        .subscription(&query.topics)
        .resume(last_event_id)
        .start(query.start)
        .lag(hub.options.lag)
        .announce(|resumed| match resumed {
            Resumed::Gap { missed, is_exact } => Some(Resumption::gap(missed, is_exact).into_notice()),
            Resumed::Unknown => Some(Resumption::unknown().into_notice()),
            _ => None,
        })
        .announce_dropped(|dropped| notice(event_name!("hub:dropped"), &Dropped { dropped }));
    if query.wrap {
        subscription = subscription.filter_map(|topic, frame| wrap(topic, &frame));
    }
    subscription.begin().map(Feed::Subscription).map_err(|error| error.to_string())
}

/// Where a stream's events come from.
#[expect(clippy::large_enum_variant, reason = "most connections are wanted")]
enum Feed {
    Subscription(Subscription<TopicName>),
    /// A connection that's not wanted now. An error status would have a browser give up for good, so it's told when to
    /// come back, and why.
    Bounce(Option<Frame>),
}

impl Feed {
    fn bounce(hub: &Hub, why: &str) -> Self {
        let soon = hub.options.retry;
        let retry = Frame::retry(jitter(soon..=soon.saturating_mul(4), hub.seed()));
        Self::Bounce(Some(Frame::from_iter([retry, Frame::comment(why)])))
    }
}

impl Source for Feed {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Frame, End>> {
        match self.get_mut() {
            Self::Subscription(subscription) => Pin::new(subscription).poll_frame(cx),
            Self::Bounce(last_words) => Poll::Ready(last_words.take().ok_or(EndReason::SourceEnded.into())),
        }
    }

    fn close(self: Pin<&mut Self>, reason: EndReason) -> bool {
        match self.get_mut() {
            Self::Subscription(subscription) => Pin::new(subscription).close(reason),
            Self::Bounce(last_words) => last_words.is_some(),
        }
    }
}

/// An event of the hub's own.
fn notice<T: Serialize>(name: EventName<'static>, content: &T) -> Frame {
    // These types are JSON.
    Frame::json(Event::empty().name(name), content).unwrap_or_default()
}

/// How a resumption went that lost something, or may have.
#[derive(Serialize)]
struct Resumption {
    resumed: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<u64>,
    /// It may be fewer.
    #[serde(rename = "atMost", skip_serializing_if = "core::ops::Not::not")]
    at_most: bool,
}

impl Resumption {
    fn gap(missed: u64, is_exact: bool) -> Self {
        Self { resumed: "gap", missed: Some(missed), at_most: !is_exact }
    }

    fn unknown() -> Self {
        Self { resumed: "unknown", missed: None, at_most: false }
    }

    fn into_notice(self) -> Frame {
        notice(event_name!("hub:resumed"), &self)
    }
}

/// How many events this client has lost because it was too slow.
#[derive(Serialize)]
struct Dropped {
    dropped: u64,
}

/// An event together with its topic.
#[derive(Serialize)]
struct Wrapped<'a> {
    topic: &'a str,
    event: &'a str,
    data: &'a str,
}

fn wrap(topic: &TopicName, frame: &Frame) -> Option<Frame> {
    let len = frame.len();
    let mut decoder = Decoder::new().limits(Limits::new().line(len).event(len));
    let mut chunk = Chunk::new(frame.as_bytes());
    while let Ok(Some(item)) = decoder.decode(&mut chunk) {
        if let Item::Event(event) = item {
            let wrapped = Wrapped { topic, event: event.name.as_str(), data: event.data };
            return Frame::json(Event::empty().id(event.last_event_id()), &wrapped).ok();
        }
    }
    None
}
