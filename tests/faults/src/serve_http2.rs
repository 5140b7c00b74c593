//! A server over HTTP/2, with prior knowledge.

use crate::act::Act;
use crate::seen::{Record, Request};
use crate::serve::{Answer, note, over, wait};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::Response;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// What's about the whole connection.
enum Command {
    GoAway,
    Abort,
}

/// Serves for ever.
pub(crate) async fn serve(listener: TcpListener, record: &Record, answer: Answer) -> std::io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (connection, _) = listener.accept().await?;
        connections.spawn(serve_connection(connection, record.clone(), answer));
    }
}

async fn serve_connection(connection: TcpStream, record: Record, answer: Answer) -> Result<(), h2::Error> {
    let address = connection.local_addr().map_err(|_| Reason::INTERNAL_ERROR)?;
    let mut connection = h2::server::handshake(connection).await?;
    let (commands, mut commanded) = mpsc::unbounded_channel();
    let mut streams = JoinSet::new();
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(accepted) = accepted else { return Ok(()) };
                let (request, respond) = accepted?;
                let fields = request.headers().iter();
                let fields = fields.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
                let request = Request::new(request.uri().path(), fields);
                streams.spawn(serve_one(request, address, respond, commands.clone(), record.clone(), answer));
            }
            Some(command) = commanded.recv() => match command {
                Command::GoAway => connection.graceful_shutdown(),
                Command::Abort => connection.abrupt_shutdown(Reason::INTERNAL_ERROR),
            },
        }
    }
}

async fn serve_one(
    request: Request,
    address: SocketAddr,
    mut respond: SendResponse<Bytes>,
    commands: mpsc::UnboundedSender<Command>,
    record: Record,
    answer: Answer,
) -> Result<(), h2::Error> {
    let asked = note(&record, request, address);
    let mut body: Option<SendStream<Bytes>> = None;
    for act in answer(&asked) {
        match (act, &mut body) {
            (Act::Open, _) => {
                let head = Response::builder().header("content-type", "text/event-stream");
                body = Some(respond.send_response(head.body(()).expect("the fields are right"), false)?);
            }
            (Act::Send(bytes), Some(body)) => body.send_data(bytes.into(), false)?,
            (Act::UntilEvents(events), _) => wait(&record, |seen| seen.events().count() >= events).await,
            (Act::Reset, Some(body)) => body.send_reset(Reason::INTERNAL_ERROR),
            (Act::Reset, None) => respond.send_reset(Reason::REFUSED_STREAM),
            (Act::GoAway, _) => drop(commands.send(Command::GoAway)),
            (Act::Abort, _) => drop(commands.send(Command::Abort)),
            (Act::Hold, _) => std::future::pending().await,
            (Act::Send(_) | Act::Every(..), _) => unreachable!("that's for HTTP/1"),
        }
    }
    if let Some(mut body) = body {
        // Nothing more can be sent where it was reset.
        let _ = body.send_data(Bytes::new(), true);
    }
    over(&record, asked.nth);
    Ok(())
}
