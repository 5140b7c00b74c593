//! Clients over hyper and loopback sockets.

use crate::memory::{Before, Each};
use crate::{CROWD, Outcome, SERVE};
use bytes::Bytes;
use eventsource_tokio::EventSource;
use eventsource_tokio::client::{Attempt, HttpTransport};
use futures_util::StreamExt;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::time::timeout;

const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// A first event, to tell that it's open.
const EVENT: &[u8] = b"e\r\ndata: hello\n\n\n\r\n";

fn runtime() -> Outcome<Runtime> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Answers each client with an event, and then with nothing more.
pub(crate) fn serve() -> Outcome<()> {
    runtime()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (mut client, _) = listener.accept().await?;
            tokio::spawn(async move {
                let (from, mut to) = client.split();
                let mut lines = tokio::io::BufReader::with_capacity(512, from).lines();
                while lines.next_line().await?.is_some_and(|line| !line.is_empty()) {}
                to.write_all(HEAD).await?;
                to.write_all(EVENT).await?;
                while lines.next_line().await?.is_some() {}
                std::io::Result::Ok(())
            });
        }
    })
}

/// The server; killed when it's dropped.
struct Server(Child);

impl Server {
    fn start() -> Outcome<(Self, SocketAddr)> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg(SERVE).stdout(Stdio::piped()).spawn().map(Self)?;
        let mut address = String::new();
        BufReader::new(child.0.stdout.take().ok_or("its output is missing")?).read_line(&mut address)?;
        Ok((child, address.trim().parse()?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn ask(
    address: SocketAddr,
    attempt: Attempt,
) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(TcpStream::connect(address).await?)).await?;
    tokio::spawn(connection);
    let mut request = Request::get("/events").header("host", "localhost").body(Empty::<Bytes>::new())?;
    request.headers_mut().extend(attempt.headers());
    Ok(sender.send_request(request).await?)
}

pub(crate) fn over_sockets() -> Outcome<Each> {
    let (_server, address) = Server::start()?;
    runtime()?.block_on(async {
        let open = Arc::new(Semaphore::new(0));
        let before = Before::now()?;
        for count in 1..=CROWD {
            let opened = Arc::clone(&open);
            tokio::spawn(async move {
                let transport = HttpTransport::new(move |attempt: Attempt| ask(address, attempt));
                let mut client = EventSource::new(transport).events();
                let first = client.next().await;
                assert!(first.is_some_and(|event| event.is_ok_and(|event| event.data == "hello")));
                opened.add_permits(1);
                let event = client.next().await;
                panic!("there's no event, no loss and no end: {event:?}");
            });
            // As many at once as a listener lets wait.
            if count % 500 == 0 {
                timeout(Duration::from_mins(1), open.acquire_many(500)).await??.forget();
            }
        }
        before.each_of(CROWD)
    })
}
