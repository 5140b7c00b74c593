//! Our own client: over reqwest, and over hyper where it's to speak HTTP/2. For the proof that the gate notices a fault, it can be
//! told to do one thing wrong.

use bytes::Bytes;
use eventsource_tokio::client::{
    Attempt, Connect, ConnectionError, Decision, Head, HttpTransport, Policy, Response, Update,
};
use eventsource_tokio::codec::{Limits, Overflow};
use eventsource_tokio::{Decoder, EventSource};
use faults::{Line, Settings};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use reqwest::header::{self, HeaderValue};
use reqwest::redirect;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let settings = Settings::from_args();
    if settings.http2 {
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Empty<Bytes>>();
        let (url, authorization) = (settings.url.clone(), settings.authorization.clone());
        let transport = HttpTransport::new(move |attempt: Attempt| {
            let mut request = http::Request::get(&url).header("authorization", &authorization);
            request.headers_mut().expect("the URL is one").extend(attempt.headers());
            client.request(request.body(Empty::new()).expect("the fields are right"))
        });
        run(transport, settings).await;
    } else {
        // So that one redirect too many is a redirect and no failure of the transport.
        let redirects = redirect::Policy::custom(|attempt| {
            if attempt.previous().len() > 10 { attempt.stop() } else { attempt.follow() }
        });
        let client = reqwest::Client::builder().redirect(redirects).build().expect("the settings are right");
        let (url, authorization) = (settings.url.clone(), settings.authorization.clone());
        let transport = HttpTransport::new(move |attempt: Attempt| {
            client.get(&url).header("authorization", &authorization).headers(attempt.headers()).send()
        });
        match settings.wrong.clone() {
            None => run(transport, settings).await,
            Some(wrong) => run(Wrong::new(wrong, &settings), settings).await,
        }
    }
}

/// As the README has it, unless something is to go wrong.
async fn run<C>(transport: C, mut settings: Settings)
where
    C: Connect<Error: Error + 'static>,
{
    let wrong = settings.wrong.as_deref().unwrap_or_default();
    let overflow = if settings.skips && wrong != "never gives up" { Overflow::Skip } else { Overflow::Stop };
    let mut decoder = Decoder::new().overflow(overflow);
    if settings.max_event > 0 {
        decoder = decoder.limits(Limits::new().event(settings.max_event));
    }
    let policy = Policy::default().base_delay(settings.base_delay()).answer_timeout(settings.timeout());
    let policy = match wrong {
        "never gives up" => policy.decide(|_| Decision::Retry),
        "gives up at once" => policy.decide(|_| Decision::Stop),
        "waits for an answer for ever" => policy.answer_timeout(Duration::ZERO),
        _ => policy,
    };
    let idle_timeout = if wrong == "bears silence for ever" { Duration::ZERO } else { settings.timeout() };
    let events = EventSource::new(transport).policy(policy).decoder(decoder).idle_timeout(idle_timeout);
    if settings.wrong.is_some() {
        return run_wrong(events, settings).await;
    }

    let mut events = events.events();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                Line::event(event.last_event_id.as_str(), &event.data).print();
                settings.take_time().await;
            }
            Err(error) => return Line::Closed(error.to_string()).print(),
        }
    }
    Line::Closed(String::new()).print();
}

/// Waits in its own wrong way.
async fn run_wrong<C>(mut events: EventSource<C>, mut settings: Settings)
where
    C: Connect<Error: Error + 'static>,
{
    let wrong = settings.wrong.clone().unwrap_or_default();
    let mut heard = Instant::now();
    let mut losses = 0;
    loop {
        let next = events.next();
        let update = if wrong == "takes events alone for life" {
            let left = settings.timeout().saturating_sub(heard.elapsed());
            heard = Instant::now();
            let Ok(update) = tokio::time::timeout(left, next).await else {
                events.restart();
                continue;
            };
            update
        } else {
            next.await
        };
        match update {
            Some(Update::Event(event)) => {
                heard = Instant::now();
                Line::event(event.last_event_id.as_str(), &event.data).print();
                settings.take_time().await;
            }
            Some(Update::Lost(ConnectionError { retry_in: Some(delay), .. })) => {
                losses += 1;
                let delay = match wrong.as_str() {
                    "waits for half of the time" => delay / 2,
                    "does not wait" => Duration::from_millis(1),
                    "waits no longer after failures" => settings.base_delay(),
                    "waits longer each time" => delay * 2_u32.pow(losses),
                    _ => continue,
                };
                tokio::time::sleep(delay).await;
                events.restart();
            }
            Some(Update::Lost(error)) => return Line::Closed(error.to_string()).print(),
            Some(_) => {}
            None => return Line::Closed(String::new()).print(),
        }
    }
}

/// A transport that does one thing wrong.
struct Wrong {
    /// The one thing.
    what: String,
    client: reqwest::Client,
    url: String,
    authorization: String,
    /// What the last connection has brought.
    received: Arc<Mutex<Vec<u8>>>,
    last_event_id: String,
}

impl Wrong {
    fn new(wrong: String, settings: &Settings) -> Self {
        let client = reqwest::Client::builder().redirect(match wrong.as_str() {
            "follows no redirect" | "takes its token along" => redirect::Policy::none(),
            _ => redirect::Policy::limited(10),
        });
        Self {
            what: wrong,
            client: client.build().expect("the settings are right"),
            url: settings.url.clone(),
            authorization: settings.authorization.clone(),
            received: Arc::default(),
            last_event_id: String::new(),
        }
    }

    /// Returns the last event ID to send, if any.
    fn header(&mut self, attempt: &Attempt) -> Option<String> {
        let received = std::mem::take(&mut *self.received.lock().expect("nobody panics"));
        let received = String::from_utf8_lossy(&received);
        let id = attempt.last_event_id().as_str().to_owned();
        match self.what.as_str() {
            "sends no id" => None,
            "sends the empty id" => Some(id),
            "sends the ids of events alone" => {
                let blocks = received.split_terminator("\n\n").filter(|block| block.contains("data:"));
                let lines = blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("id: "));
                self.last_event_id = lines.last().unwrap_or(&self.last_event_id).to_owned();
                Some(self.last_event_id.clone()).filter(|id| !id.is_empty())
            }
            "forgets the id after a connection without one" if !received.contains("id:") => None,
            "sends ids of ASCII alone" if !id.is_ascii() => None,
            "sends short ids alone" if id.len() > 256 => None,
            _ => Some(id).filter(|id| !id.is_empty()),
        }
    }
}

impl Connect for Wrong {
    type Chunk = Bytes;
    type Error = io::Error;
    type Body = BoxStream<'static, io::Result<Bytes>>;
    type Connecting = BoxFuture<'static, io::Result<Response<Self::Body>>>;

    fn connect(&mut self, attempt: Attempt) -> Self::Connecting {
        if self.what == "takes the first head for the answer" {
            return Box::pin(first_head(self.url.clone()));
        }
        let mut headers = attempt.headers();
        headers.remove("last-event-id");
        if let Some(id) = self.header(&attempt) {
            headers.insert("last-event-id", HeaderValue::from_bytes(id.as_bytes()).expect("it's text"));
        }
        headers.insert("authorization", self.authorization.parse().expect("it's text"));
        let (client, wrong, received) = (self.client.clone(), self.what.clone(), self.received.clone());
        let request = client.get(&self.url).headers(headers.clone());
        Box::pin(async move {
            let mut response = request.send().await.map_err(io::Error::other)?;
            while wrong == "takes its token along"
                && response.status().is_redirection()
                && let Some(location) = response.headers().get(header::LOCATION)
            {
                let location = location.to_str().expect("it's a URL");
                let request = client.get(location).headers(headers.clone());
                response = request.send().await.map_err(io::Error::other)?;
            }
            let fields = response.headers_mut();
            match wrong.as_str() {
                "takes any type" => {
                    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
                    fields.remove(header::CONTENT_ENCODING);
                }
                "takes one spelling of the type"
                    if fields.get(header::CONTENT_TYPE).is_none_or(|value| value != "text/event-stream") =>
                {
                    fields.remove(header::CONTENT_TYPE);
                }
                "does not read Retry-After" => {
                    fields.remove(header::RETRY_AFTER);
                }
                _ => {}
            }
            let head = Head::new(response.status().as_u16(), response.headers());
            let body = response.bytes_stream().map_err(io::Error::other).inspect(move |chunk| {
                if let Ok(chunk) = chunk {
                    received.lock().expect("nobody panics").extend_from_slice(chunk);
                }
            });
            if wrong == "hands out what was cut off" {
                let end = stream::iter([Ok(Bytes::from_static(b"\n\n"))]);
                let body = body.take_while(|chunk| std::future::ready(chunk.is_ok()));
                return Ok(Response { head, body: body.chain(end).boxed() });
            }
            Ok(Response { head, body: body.boxed() })
        })
    }
}

/// Reads no further than the first status.
async fn first_head(url: String) -> io::Result<Response<BoxStream<'static, io::Result<Bytes>>>> {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut line = *b"HTTP/1.1 200";
    connection.read_exact(&mut line).await?;
    let status = String::from_utf8_lossy(&line[9..]).parse().map_err(io::Error::other)?;
    let head = Head::new(status, [("content-type", "text/event-stream")]);
    Ok(Response { head, body: stream::empty().boxed() })
}
