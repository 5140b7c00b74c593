//! Having a server publish.

use crate::rows::{Numbered, Outcome};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::fmt;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ChildStdin;
use tokio::net::TcpStream;
use tokio::runtime::{self, Runtime};

/// Remembers how many events there were, so that everyone can be waited for.
#[derive(Debug)]
pub(super) struct Trigger {
    numbered: Numbered,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// A byte that says how many.
    Control(ChildStdin),
    Http(Publisher),
}

/// Publishes to a hub over one connection.
struct Publisher {
    runtime: Runtime,
    hub: SendRequest<Full<Bytes>>,
}

impl Trigger {
    /// The standard input of a server in a role of this program.
    pub(super) fn control(control: ChildStdin) -> Self {
        Self { numbered: Numbered::default(), way: Way::Control(control) }
    }

    /// Requests to a hub.
    pub(super) fn http(hub: SocketAddr) -> Outcome<Self> {
        Ok(Self { numbered: Numbered::default(), way: Way::Http(Publisher::connect(hub)?) })
    }

    /// Publishes so many events together. Returns the number of the last.
    pub(super) fn publish(&mut self, events: u8) -> Outcome<u64> {
        let Self { numbered, way } = self;
        let together = numbered.take(events.into());
        match way {
            Way::Control(control) => {
                together.for_each(drop);
                control.write_all(&[events])?;
            }
            Way::Http(publisher) => publisher.publish(together)?,
        }
        Ok(numbered.published())
    }
}

impl Publisher {
    fn connect(hub: SocketAddr) -> Outcome<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let hub = runtime.block_on(async {
            let stream = TcpStream::connect(hub).await?;
            stream.set_nodelay(true)?;
            let (hub, connection) = handshake(TokioIo::new(stream)).await?;
            tokio::spawn(async { drop(connection.await) });
            Outcome::Ok(hub)
        })?;
        Ok(Self { runtime, hub })
    }

    /// Publishes one event, or several as one publication. The answer comes before most of the deliveries.
    fn publish(&mut self, texts: impl Iterator<Item = String>) -> Outcome {
        let messages: Vec<_> = texts.map(|text| json!({ "data": text })).collect();
        let request = Request::post("/publish?topic=bench")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::from(serde_json::to_vec(&messages)?))?;
        self.runtime.block_on(async {
            self.hub.ready().await?;
            let answer = self.hub.send_request(request).await?;
            let status = answer.status();
            let body = answer.into_body().collect().await?.to_bytes();
            if status.is_success() {
                Ok(())
            } else {
                Err(format!("{status}: {}", body.escape_ascii()).into())
            }
        })
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").finish_non_exhaustive()
    }
}
