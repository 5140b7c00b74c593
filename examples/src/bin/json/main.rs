//! JSON of several lines as events, and a client that reads it back as a type.
//!
//! Data can have line breaks, so JSON can be as pretty as one likes: each line goes out as a `data:` line, and the client gets
//! them as they were. (Where nobody looks, [`Frame::json`](eventsource_core::Frame::json) writes it on one line.)

mod client;
mod report;

use eventsource_core::{Channel, Event, KeepAlive, StopHandle, Subscription, event_name};
use eventsource_hyper::{EventBody, respond};
use eventsource_tokio::{Alarm, EventStream};
use examples::{Program, serve, text};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use report::Report;
use std::error::Error;
use std::future::ready;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

const PROGRAM: Program = Program {
    name: "json",
    about: "Serves reports on itself as an event stream, in JSON; or reads them.",
    port: 7803,
};

const INTERVAL: Duration = Duration::from_millis(500);

/// What all connections share.
#[derive(Clone, Default)]
struct Server {
    reports: Channel,
    stop: StopHandle,
}

type Answer = Response<Either<EventBody<Subscription, Alarm>, Full<Bytes>>>;

impl Server {
    fn answer(&self, request: &Request<Incoming>) -> Answer {
        match request.uri().path() {
            "/events" => respond(request, |last_event_id| {
                EventStream::new(self.reports.subscribe(last_event_id))
                    .keep_alive(KeepAlive::default())
                    .stop_on(&self.stop)
            })
            .map(Either::Left),
            "/" => text(StatusCode::OK, "The reports are at /events.\n").map(Either::Right),
            _ => text(StatusCode::NOT_FOUND, "there is / and /events\n").map(Either::Right),
        }
    }

    /// Reports, until that fails.
    async fn report(&self) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        let mut times = interval(INTERVAL);
        times.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            times.tick().await;
            let report = Report::new(start.elapsed(), &self.reports.stats());
            let json = serde_json::to_string_pretty(&report)?;
            self.reports.publish(Event::new(&json).name(event_name!("report")))?;
        }
    }
}

fn main() -> ExitCode {
    PROGRAM.run_or_read(run, client::read)
}

#[tokio::main(flavor = "current_thread")]
async fn run(port: u16) -> Result<(), Box<dyn Error>> {
    let server = Server::default();
    let shared = server.clone();
    tokio::select! {
        ended = serve(port, &server.stop, move |request, _| ready(shared.answer(&request))) => ended,
        failed = server.report() => failed,
    }
}
