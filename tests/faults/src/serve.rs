//! A server over HTTP/1, without a library that would hinder it from doing wrong.

use crate::act::{Act, Asked};
use crate::seen::{Record, Request, Seen};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What it does with each request.
pub(crate) type Answer = fn(&Asked) -> Vec<Act>;

/// Longer than anything takes here.
const LONG: Duration = Duration::from_mins(1);

const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

/// Serves for ever, one request to a connection.
pub(crate) async fn serve(listener: TcpListener, record: &Record, answer: Answer) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (connection, _) = listener.accept().await?;
        connections.spawn(serve_one(connection, record.clone(), answer));
    }
}

/// That the client doesn't wait to be served is no failure.
async fn serve_one(mut connection: TcpStream, record: Record, answer: Answer) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let address = connection.local_addr()?;
    let Some(request) = read_request(&mut connection).await? else { return Ok(()) };
    let asked = note(&record, request, address);
    for act in answer(&asked) {
        if perform(act, &mut connection, &record).await.is_err() {
            break;
        }
    }
    drop(connection);
    over(&record, asked.nth);
    Ok(())
}

/// Notes a request.
pub(crate) fn note(record: &Record, request: Request, address: SocketAddr) -> Asked {
    let mut nth = 0;
    record.send_modify(|seen| {
        seen.requests.push(request.clone());
        nth = seen.requests.len();
    });
    Asked { nth, request, address }
}

/// Notes that the connection of a request is over.
pub(crate) fn over(record: &Record, nth: usize) {
    record.send_modify(|seen| seen.requests[nth - 1].over_at = Some(Instant::now()));
}

/// Waits until something is seen; for a long time, after which it's judged as it is.
pub(crate) async fn wait(record: &Record, condition: impl FnMut(&Seen) -> bool) {
    let _ = tokio::time::timeout(LONG, record.subscribe().wait_for(condition)).await;
}

/// Reads a head. A client that opens a connection in advance sends none.
async fn read_request(connection: &mut TcpStream) -> io::Result<Option<Request>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if connection.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    let mut lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let fields = lines.filter_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
        Some((name, line[colon + 1..].trim_ascii().to_vec()))
    });
    let path = first.split(' ').nth(1).unwrap_or_default();
    Ok(Some(Request::new(path, fields.collect())))
}

async fn perform(act: Act, connection: &mut TcpStream, record: &Record) -> io::Result<()> {
    match act {
        Act::Open => connection.write_all(OPEN).await,
        Act::Send(bytes) => connection.write_all(&bytes).await,
        Act::UntilEvents(events) => {
            wait(record, |seen| seen.events().count() >= events).await;
            Ok(())
        }
        Act::Every(pause, times, bytes) => {
            for _ in 0..times {
                tokio::time::sleep(pause).await;
                connection.write_all(bytes).await?;
            }
            Ok(())
        }
        Act::Hold => {
            while connection.read(&mut [0; 64]).await? > 0 {}
            Err(io::ErrorKind::ConnectionAborted.into())
        }
        Act::Reset => connection.set_zero_linger(),
        Act::GoAway | Act::Abort => unreachable!("that's for HTTP/2"),
    }
}
