//! The date and time, every second, as an event stream at `/events`, and a page at `/` that shows it.
//!
//! The page can also emit events of its own into its own stream: each stream begins with an event `stream` that
//! holds a key, and `POST /emit?stream=KEY&event=NAME&id=ID` emits the request's body through that stream's
//! [`Emitter`](eventsource_core::Emitter).

mod emit;
mod ticks;

use emit::Emitters;
use eventsource_core::StopHandle;
use examples::{page, text};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;

const HELP: &str = "\
Serves the date and time, every second, as an event stream.

Usage: tick [--port PORT]

  --port PORT  the port on 127.0.0.1, 0 for a free one; else the variable PORT; else 7798
  --help       this text
";

/// What all connections share.
#[derive(Clone, Default)]
struct Server {
    emitters: Emitters,
    stop: StopHandle,
}

type Answer = Response<Either<ticks::Body, Full<Bytes>>>;

impl Server {
    async fn answer(self, request: Request<Incoming>) -> Result<Answer, std::convert::Infallible> {
        Ok(match (request.method(), request.uri().path()) {
            (_, "/events") => ticks::respond(&request, &self).map(Either::Left),
            (&Method::GET | &Method::HEAD, "/") => page(include_str!("page.html")).map(Either::Right),
            (&Method::POST, "/emit") => emit::respond(request, &self.emitters).await.map(Either::Right),
            _ => text(StatusCode::NOT_FOUND, "there is /, /events and POST /emit\n").map(Either::Right),
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tick: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(port) = port()? else {
        print!("{HELP}");
        return Ok(());
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("Open http://{}/ in a browser; Ctrl-C ends it.", listener.local_addr()?);

    let server = Server::default();
    let open = GracefulShutdown::new();
    let mut ctrl_c = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let client = tokio::select! {
            client = listener.accept() => client,
            _ = &mut ctrl_c => break,
        };
        // Out of file descriptors, say: others may go, so go on.
        let Ok((client, _)) = client else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let server_of_client = server.clone();
        let service = service_fn(move |request| server_of_client.clone().answer(request));
        let connection =
            http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(client), service);
        let connection = open.watch(connection);
        // A connection that breaks is the client's affair.
        tokio::spawn(async move { drop(connection.await) });
    }
    // Open streams would keep the connections open for ever.
    server.stop.stop();
    let _ = tokio::time::timeout(Duration::from_secs(1), open.shutdown()).await;
    Ok(())
}

/// The port to listen on; none where help was asked for.
fn port() -> Result<Option<u16>, Box<dyn Error>> {
    use lexopt::prelude::{Long, ValueExt};
    let mut port = std::env::var("PORT").ok();
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("port") => port = Some(arguments.value()?.string()?),
            Long("help") => return Ok(None),
            _ => return Err(argument.unexpected().into()),
        }
    }
    match port {
        None => Ok(Some(7798)),
        Some(port) => port.parse().map(Some).map_err(|_| format!("not a port: {port:?}").into()),
    }
}
