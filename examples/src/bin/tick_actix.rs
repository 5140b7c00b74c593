//! `tick` in actix-web, which has bodies of its own: what [`eventsource_hyper`] does elsewhere is done by hand here, with what the
//! core knows of HTTP.

use actix_web::http::header::{ACCEPT, HeaderMap, HeaderName};
use actix_web::http::{Method, StatusCode, Version};
use actix_web::web::{self, Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt};
use eventsource_core::LastEventId;
use eventsource_core::http::{RESPONSE_HEADERS, accepts_event_stream};
use eventsource_tokio::Alarm;
use examples::{MAX_CONNECTIONS, MAX_DATA, Program, Tick, announce};
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use std::convert::Infallible;
use std::error::Error;
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use tokio::signal::ctrl_c;

const PROGRAM: Program = Program {
    name: "tick_actix",
    about: "Serves the date and time, every second, as an event stream, in actix-web.",
    port: 7802,
};

async fn events(request: HttpRequest, tick: Data<Tick>) -> HttpResponse {
    if !accepts_event_stream(request.headers().get_all(ACCEPT)) {
        return HttpResponse::NotAcceptable().body("this resource is a text/event-stream\n");
    }
    let mut response = HttpResponse::Ok();
    for header in RESPONSE_HEADERS {
        response.insert_header(header);
    }
    if request.method() == Method::HEAD {
        return response.finish();
    }
    let last_event_id = last_event_id(request.headers());
    let frames = tick.stream::<Alarm>(&last_event_id);
    let mut response = response.streaming(frames.map(|frame| Ok::<_, Infallible>(frame.into_bytes())));
    if request.version() < Version::HTTP_11 {
        // It knows no chunks; there the stream ends with the connection.
        response.head_mut().no_chunking(true);
    }
    response
}

/// What a browser says it has seen last: bytes of UTF-8, whatever the framework makes of headers.
fn last_event_id(headers: &HeaderMap) -> LastEventId {
    let value = headers.get(HeaderName::from_static("last-event-id"));
    value.map_or(LastEventId::None, |value| LastEventId::parse(value.as_bytes()))
}

async fn page() -> HttpResponse {
    convert(Tick::page()).await
}

async fn emit(request: HttpRequest, data: Bytes, tick: Data<Tick>) -> HttpResponse {
    convert(tick.emit(request.query_string(), &data)).await
}

/// The answers that the programs have in common, of an `http` that's newer than actix-web's.
async fn convert(answer: hyper::Response<Full<Bytes>>) -> HttpResponse {
    let (head, body) = answer.into_parts();
    let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or_default();
    let mut response = HttpResponse::build(status);
    for (name, value) in &head.headers {
        response.insert_header((name.as_str(), value.as_bytes()));
    }
    let Ok(body) = body.collect().await;
    response.body(body.to_bytes())
}

fn main() -> ExitCode {
    PROGRAM.run(|port| rt::System::new().block_on(run(port)))
}

async fn run(port: u16) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    announce(listener.local_addr()?);
    let tick = Tick::default();
    let stop = tick.stop().clone();
    let tick = Data::new(tick);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&tick))
            .app_data(PayloadConfig::new(MAX_DATA))
            .route("/", web::get().to(page))
            .service(web::resource("/events").get(events).head(events))
            .route("/emit", web::post().to(emit))
    });
    // Without TCP_NODELAY, a small event could wait for an earlier one's acknowledgement. Longer than a second, a client that
    // doesn't read isn't waited for.
    let server = server
        .workers(1)
        .max_connections(MAX_CONNECTIONS)
        .tcp_nodelay(true)
        .disable_signals()
        .shutdown_timeout(1);
    let server = server.listen(listener)?.run();
    let handle = server.handle();
    rt::spawn(async move {
        let _ = ctrl_c().await;
        // Open streams would keep their connections open for ever.
        stop.stop();
        handle.stop(true).await;
    });
    Ok(server.await?)
}
