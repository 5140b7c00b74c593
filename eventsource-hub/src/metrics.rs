//! `/metrics`: the same for Prometheus.

use crate::hub::Hub;
use eventsource_core::channel::{Stats, TopicStats};
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::fmt;

pub(crate) fn respond(hub: &Hub) -> Response<Full<Bytes>> {
    let mut registry = Registry::with_prefix("hub");
    registry.register_collector(Box::new(Snapshot {
        stats: hub.topics.stats(),
        topics: hub.topics.topics(),
        connections: hub.seats.taken(),
        ended: hub.ended.counts(),
    }));
    let mut metrics = String::new();
    // Writing to a string doesn't fail.
    let _ = prometheus_client::encoding::text::encode(&mut metrics, &registry);
    let mut response = Response::new(Full::new(metrics.into()));
    let content_type = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

#[derive(Debug)]
struct Snapshot {
    stats: Stats,
    topics: Vec<TopicStats>,
    connections: usize,
    ended: BTreeMap<&'static str, u64>,
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Stats { published, delivered, lagged, dropped, subscribed, joined_bytes, .. } = self.stats;
        for (name, help, total) in [
            ("events_published", "Events published", published),
            ("events_delivered", "Events handed out, each time counted", delivered),
            ("events_dropped", "Events that slow clients have lost", dropped),
            ("subscriptions", "Subscriptions made", subscribed),
            ("subscriptions_lagged", "How often a client was too slow", lagged),
            ("joined_bytes", "Bytes copied so that many clients could share them", joined_bytes),
        ] {
            let counter = ConstCounter::new(total);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        for (name, help, value) in [
            ("connections", "Event streams open", self.connections as u64),
            ("topics", "Topics there are", self.stats.topics as u64),
            ("events_held", "Events kept", self.stats.events),
            ("bytes_held", "Bytes of encoded events kept", self.stats.bytes as u64),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let help = "Event streams that ended, by reason";
        let mut ended = encoder.encode_descriptor("streams_ended", help, None, MetricType::Counter)?;
        for (reason, count) in &self.ended {
            ConstCounter::new(*count).encode(ended.encode_family(&[("reason", *reason)])?)?;
        }
        let help = "Events published to a topic";
        let mut published =
            encoder.encode_descriptor("topic_events_published", help, None, MetricType::Counter)?;
        for topic in &self.topics {
            let label = [("topic", topic.name.as_str())];
            ConstCounter::new(topic.published).encode(published.encode_family(&label)?)?;
        }
        let help = "Subscribers of a topic";
        let mut subscribers =
            encoder.encode_descriptor("topic_subscribers", help, None, MetricType::Gauge)?;
        for topic in &self.topics {
            let label = [("topic", topic.name.as_str())];
            let count = i64::try_from(topic.subscribers).unwrap_or(i64::MAX);
            ConstGauge::new(count).encode(subscribers.encode_family(&label)?)?;
        }
        Ok(())
    }
}
