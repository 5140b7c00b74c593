//! A server on the core and `std` alone: no async runtime, no HTTP library. A connection has a thread that writes, and one that
//! waits for the client's end.

mod deadline;
mod events;
mod request;

use eventsource_core::Channel;
use examples::{Program, announce};
use request::Request;
use std::error::Error;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const PROGRAM: Program = Program {
    name: "std_threads",
    about: "Serves an event stream from threads: its uptime, every three seconds.",
    port: 7805,
};

/// How often there's news. In between, each second that's quiet has a keep-alive.
const INTERVAL: Duration = Duration::from_secs(3);

/// So many connections there can be; one more is closed at once.
const MAX_CLIENTS: usize = 1000;

/// So long a request's head may take: in all, for a byte now and then would keep a thread for hours.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    PROGRAM.run(run)
}

fn run(port: u16) -> std::result::Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    announce(listener.local_addr()?);
    let news = Channel::new();
    let to_publish = news.clone();
    thread::Builder::new().spawn(move || publish(&to_publish))?;
    let clients = Arc::new(());
    for client in listener.incoming() {
        // Out of file descriptors, say: others may go, so go on.
        let Ok(client) = client else {
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        let (news, one) = (news.clone(), Arc::clone(&clients));
        if Arc::strong_count(&clients) <= MAX_CLIENTS + 1 {
            // Where there's no thread, the connection is closed. One that breaks is the client's affair.
            let _ = thread::Builder::new().spawn(move || {
                let _ = answer(client, &news);
                drop(one);
            });
        }
    }
    Ok(())
}

/// What a client sends until then.
struct Until<'a> {
    client: &'a TcpStream,
    end: Instant,
}

impl Read for Until<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.client.set_read_timeout(Some(left))?;
        self.client.read(bytes)
    }
}

/// Tells everybody how long it has been running.
fn publish(news: &Channel) {
    let start = Instant::now();
    while news.publish(format!("{} seconds", start.elapsed().as_secs()).as_str()).is_ok() {
        thread::sleep(INTERVAL);
    }
}

fn answer(mut client: TcpStream, news: &Channel) -> Result<()> {
    let request = Request::read(Until { client: &client, end: Instant::now() + PATIENCE })?;
    let (status, text) = match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/events") if request.accepts_events => {
            return events::serve(client, request.last_event_id, news);
        }
        ("GET", "/events") => ("406 Not Acceptable", "this resource is a text/event-stream\n".to_owned()),
        ("GET", "/") => {
            ("200 OK", format!("The events are at /events; {} clients listen.\n", news.stats().subscribers))
        }
        _ => ("404 Not Found", "there is GET / and GET /events\n".to_owned()),
    };
    let len = text.len();
    write!(
        client,
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {len}\r\n\
         connection: close\r\n\r\n{text}"
    )
}
