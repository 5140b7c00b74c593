//! `/stats`: what the hub has done and holds, in JSON.

use crate::hub::Hub;
use crate::json::json;
use eventsource_core::channel::{Lag, Stats, TopicStats};
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Report<'a> {
    uptime_s: f64,
    epoch: String,
    draining: bool,
    connections: usize,
    max_connections: usize,
    token_required: bool,
    lag: &'a str,
    retain: Retain,
    published: u64,
    delivered: u64,
    lagged: u64,
    dropped: u64,
    subscribed: u64,
    subscribers: usize,
    events_held: u64,
    bytes_held: usize,
    joins: u64,
    joined_bytes: u64,
    ended: BTreeMap<&'static str, u64>,
    topics: Vec<Topic>,
}

#[derive(Serialize)]
struct Retain {
    events: usize,
    bytes: usize,
}

#[derive(Serialize)]
struct Topic {
    name: String,
    published: u64,
    events: u64,
    bytes: usize,
    subscribers: usize,
    behind: usize,
    lag: u64,
}

impl From<TopicStats> for Topic {
    fn from(topic: TopicStats) -> Self {
        let TopicStats { name, published, events, bytes, subscribers, behind, lag, .. } = topic;
        Self { name, published, events, bytes, subscribers, behind, lag }
    }
}

pub(crate) fn respond(hub: &Hub) -> Response<Full<Bytes>> {
    let options = &hub.options;
    let Stats {
        published,
        delivered,
        lagged,
        dropped,
        subscribed,
        subscribers,
        events,
        bytes,
        joins,
        joined_bytes,
        ..
    } = hub.topics.stats();
    let mut topics: Vec<Topic> = hub.topics.topics().into_iter().map(Topic::from).collect();
    topics.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    json(&Report {
        uptime_s: hub.started.elapsed().as_secs_f64(),
        epoch: format!("{:x}", hub.epoch),
        draining: hub.drain.is_begun(),
        connections: hub.seats.taken(),
        max_connections: options.max_connections,
        token_required: options.token.is_some(),
        lag: match options.lag {
            Lag::DropOldest { .. } => "drop",
            Lag::Conflate => "conflate",
            _ => "disconnect",
        },
        retain: Retain { events: options.retain_events, bytes: options.retain_bytes },
        published,
        delivered,
        lagged,
        dropped,
        subscribed,
        subscribers,
        events_held: events,
        bytes_held: bytes,
        joins,
        joined_bytes,
        ended: hub.ended.counts(),
        topics,
    })
}
