//! An answer streamed word by word, as language models give theirs: `POST /answer`, with the prompt as text or in JSON.
//!
//! There's no model: what stands for it is `babble`. When the client goes, the work on its answer stops at once. When it comes
//! back, with the id of the last word that it has, it gets the rest: what was said meanwhile from memory, then what's new.
//!
//! A model's words cost money, so who may have them spoken is bounded: pages of other sites
//! [ask nothing](examples::check_local), a client has [so many answers at once](seats), and so many
//! [are kept for it](answers), which no other client's push out.

mod answer;
mod answers;
mod babble;
mod question;
mod seats;
mod stats;

use answer::Answer;
use answers::{Answers, NoRoom};
use eventsource_core::{LastEventId, StopHandle};
use eventsource_hyper::{BoxEventBody, EventBody, Responder};
use eventsource_tokio::Alarm;
use examples::{Program, serve, text, upload};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use question::Question;
use seats::Seats;
use stats::Stats;
use std::error::Error;
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;

const PROGRAM: Program = Program {
    name: "llm",
    about: "Streams answers word by word. They're babble: there's no model.",
    port: 7804,
};

const USAGE: &str = "\
curl -N http://THIS/answer -d 'Why is the sky blue?'
curl -N http://THIS/answer -H 'content-type: application/json' -d '{\"prompt\": \"Why?\", \"words\": 500}'
The rest of one that broke off: curl -N -X POST http://THIS/answer -H 'last-event-id: ID'
What was done for all that: curl http://THIS/stats
";

const MAX_BODY: usize = 8 * 1024;

/// What all connections share.
#[derive(Clone, Default)]
struct Server {
    answers: Arc<Answers>,
    seats: Arc<Seats>,
    stats: Arc<Stats>,
    stop: StopHandle,
}

type Refusal = Box<Response<Full<Bytes>>>;

impl Server {
    async fn respond(
        self,
        request: Request<Incoming>,
        client: IpAddr,
    ) -> Response<Either<BoxEventBody, Full<Bytes>>> {
        let response = match (request.method(), request.uri().path()) {
            (&Method::POST, "/answer") => match self.answer(request, client).await {
                Ok(response) => return response.map(Either::Left),
                Err(refusal) => *refusal,
            },
            (_, "/answer") => {
                let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "POST a prompt\n");
                refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
                refusal
            }
            (&Method::GET, "/stats") => self.stats.respond(&self.answers),
            (&Method::GET, "/") => text(StatusCode::OK, USAGE),
            _ => text(StatusCode::NOT_FOUND, "there is POST /answer, /stats and /\n"),
        };
        response.map(Either::Right)
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        client: IpAddr,
    ) -> Result<Response<BoxEventBody>, Refusal> {
        // The stream has it until it ends, however it ends.
        let seat = self.seats.take(client).ok_or_else(|| {
            refuse_for_now(StatusCode::TOO_MANY_REQUESTS, "you have too many answers at once\n")
        })?;
        let (head, body) = request.into_parts();
        let body = upload(body, MAX_BODY, Alarm::default()).await?;
        let answer = self.find_or_begin(&head.headers, &body, client)?;
        let responder = Responder::new().methods([Method::POST]);
        let response = responder.respond(&Request::from_parts(head, ()), |last_event_id| {
            let stream = answer.stream(last_event_id, Arc::clone(&self.stats)).stop_on(&self.stop);
            stream.on_end(move |_| drop(seat))
        });
        Ok(response.map(EventBody::into_boxed))
    }

    /// The answer that the client has a part of, or else one to what it asks.
    fn find_or_begin(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        client: IpAddr,
    ) -> Result<Arc<Answer>, Refusal> {
        let refuse = |status, why: String| Err(Box::new(text(status, why + "\n")));
        let last_event_id = headers.get("last-event-id").map(|id| LastEventId::parse(id.as_bytes()));
        // No browser comes here by itself, so an error status does no harm.
        match last_event_id.unwrap_or_default() {
            LastEventId::None => {}
            LastEventId::Id(id) => match self.answers.find(id.as_id()) {
                Some(answer) => return Ok(answer),
                None => return refuse(StatusCode::GONE, "there's no such answer any more".into()),
            },
            _ => {
                return refuse(StatusCode::BAD_REQUEST, "no last event ID of mine".into());
            }
        }
        match Question::parse(headers, body) {
            Ok(question) => match getrandom::u64() {
                Ok(epoch) => self.answers.begin(question, client, epoch).map_err(refuse_no_room),
                Err(error) => refuse(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            },
            Err(error) => refuse(StatusCode::BAD_REQUEST, error.to_string()),
        }
    }
}

fn refuse_no_room(no_room: NoRoom) -> Refusal {
    match no_room {
        NoRoom::OfThisClient => refuse_for_now(
            StatusCode::TOO_MANY_REQUESTS,
            "too many of your answers broke off; come back for them, or later\n",
        ),
        NoRoom::InAll => {
            refuse_for_now(StatusCode::SERVICE_UNAVAILABLE, "too many answers are kept; come back later\n")
        }
    }
}

/// Says that it's worth a try later.
fn refuse_for_now(status: StatusCode, why: &'static str) -> Refusal {
    let mut refusal = text(status, why);
    refusal.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("10"));
    Box::new(refusal)
}

fn main() -> ExitCode {
    PROGRAM.run(run)
}

#[tokio::main(flavor = "current_thread")]
async fn run(port: u16) -> Result<(), Box<dyn Error>> {
    let server = Server::default();
    let stop = server.stop.clone();
    serve(port, &stop, move |request, client| server.clone().respond(request, client)).await
}
