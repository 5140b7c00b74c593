//! What all connections share, and who answers what.

use crate::access::{check_host, check_message, check_publishing, check_reading};
use crate::client::Client;
use crate::ended::Ended;
use crate::options::Options;
use crate::page::page;
use crate::refusal::{Refusal, refusal};
use crate::seats::Seats;
use crate::text::text;
use crate::topic::TopicName;
use crate::{events, metrics, publish, stats};
use eventsource_core::{ChannelOptions, Drain, Topics};
use eventsource_hyper::BoxEventBody;
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, HeaderMap, HeaderValue, ORIGIN};
use hyper::{Method, Request, Response, StatusCode};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) options: Options,
    pub(crate) topics: Topics<TopicName>,
    pub(crate) drain: Drain,
    pub(crate) seats: Seats,
    pub(crate) ended: Ended,
    pub(crate) epoch: u64,
    pub(crate) started: Instant,
    seed: AtomicU64,
}

pub(crate) type Answer = Response<Either<BoxEventBody, Full<Bytes>>>;

impl Hub {
    pub(crate) fn new(options: Options) -> Result<Self, getrandom::Error> {
        let (epoch, seed) = (getrandom::u64()?, getrandom::u64()?);
        let Options { retain_events, retain_bytes, max_topics, keys, retry, .. } = options;
        let (window_events, window_bytes) = (options.window_events(), options.window_bytes());
        let mut channels = ChannelOptions::new()
            .epoch(epoch)
            .retain(retain_events, retain_bytes)
            .live_window(window_events, window_bytes)
            .max_topics(max_topics);
        if let Some(keys) = keys {
            channels = channels.latest_per_key(keys, retain_bytes);
        }
        Ok(Self {
            topics: Topics::with_labels(channels),
            drain: Drain::new(retry..=retry.saturating_mul(4)),
            seats: Seats::new(options.max_connections, options.max_per_client),
            ended: Ended::default(),
            epoch,
            started: Instant::now(),
            seed: AtomicU64::new(seed),
            options,
        })
    }

    /// Another one with each call.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: Client,
    ) -> Result<Answer, Infallible> {
        let origin = request.headers().get(ORIGIN).cloned();
        let answer = match check_message(&request).map(|()| self.options.cors.preflight(&request)) {
            Ok(Some(preflight)) => Ok(preflight.map(|()| Either::Right(Full::default()))),
            Ok(None) => self.route(request, &client).await,
            Err(refusal) => Err(refusal),
        };
        let mut answer = answer.unwrap_or_else(|refusal| (*refusal).map(Either::Right));
        let origin: HeaderMap = origin.into_iter().map(|origin| (ORIGIN, origin)).collect();
        self.options.cors.allow(&origin, answer.headers_mut());
        // Nothing here is for a cache: not who may listen, nor how the hub is, nor that there's no such path.
        answer.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        Ok(answer)
    }

    async fn route(self: &Arc<Self>, request: Request<Incoming>, client: &Client) -> Result<Answer, Refusal> {
        let (head, body) = request.into_parts();
        let options = &self.options;
        // A balancer's check says whatever host it likes, or none in HTTP/1.0, and learns nothing that's private.
        if head.uri.path() != "/health" {
            check_host(&head, options)?;
        }
        let answer = match head.uri.path() {
            "/events" => {
                check_reading(&head, options)?;
                return events::respond(head, body, self, client).map(|answer| answer.map(Either::Left));
            }
            "/publish" if head.method == Method::POST => {
                check_publishing(&head, options)?;
                publish::respond(&head, body, self).await?
            }
            "/publish" => return Err(only("POST")),
            // Whoever asks decides by it where new connections go. OPTIONS is what HAProxy asks with unless it's told otherwise.
            "/health" if matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS) => {
                if self.drain.is_begun() {
                    text(StatusCode::SERVICE_UNAVAILABLE, "draining\n")
                } else {
                    text(StatusCode::OK, "ok\n")
                }
            }
            "/health" => return Err(only("GET, HEAD, OPTIONS")),
            _ if !matches!(head.method, Method::GET | Method::HEAD) => return Err(only("GET, HEAD")),
            "/" => page(include_str!("page.html")),
            "/stats" => check_reading(&head, options).map(|()| stats::respond(self))?,
            "/metrics" => check_reading(&head, options).map(|()| metrics::respond(self))?,
            _ => {
                let there = "there is /, /events, POST /publish, /stats, /metrics and /health";
                return Err(refusal(StatusCode::NOT_FOUND, there));
            }
        };
        Ok(answer.map(Either::Right))
    }
}

fn only(methods: &'static str) -> Refusal {
    let mut refusal = refusal(StatusCode::METHOD_NOT_ALLOWED, format!("allowed here: {methods}"));
    refusal.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    refusal
}
