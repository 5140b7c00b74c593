//! A client of a plain socket.

use crate::server::Server;
use eventsource_core::test_util::{Interpretation, interpret};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpStream};
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;

/// Within this, everything happens that's to happen at once.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Sends a request; `head` is its first line, and may have header fields.
pub(crate) fn request(server: &Server, head: &str, body: &[u8]) -> TcpStream {
    request_from(Ipv4Addr::LOCALHOST.into(), server, &format!("{head}\r\nhost: localhost"), body)
}

/// The same by a client at another address of this machine, and without a `host` but that in `head`.
pub(crate) fn request_from(address: IpAddr, server: &Server, head: &str, body: &[u8]) -> TcpStream {
    let mut client = connect_from(address, server);
    let head = format!("{head}\r\ncontent-length: {}\r\n\r\n", body.len());
    client.write_all(&[head.as_bytes(), body].concat()).unwrap();
    client
}

/// `std` has no way to choose the address.
fn connect_from(address: IpAddr, server: &Server) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let client = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        socket.connect(server.address).await.unwrap().into_std().unwrap()
    });
    client.set_nonblocking(false).unwrap();
    client
}

/// The status of the answer.
pub(crate) fn status(mut client: TcpStream) -> String {
    client.set_read_timeout(Some(SOON)).unwrap();
    let mut answer = [0; 12];
    client.read_exact(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[9..]).into_owned()
}

/// The whole answer, head and body, to a request in HTTP/1.0, whose connection ends with it.
pub(crate) fn answer(mut client: TcpStream) -> String {
    client.set_read_timeout(Some(SOON)).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

/// A stream, asked for in HTTP/1.0 so that it comes as it is.
pub(crate) struct Events {
    client: TcpStream,
    response: Vec<u8>,
}

impl Events {
    pub(crate) fn of(server: &Server) -> Self {
        Self::after(server, "")
    }

    /// The stream of a client that comes back, if `last_event_id` isn't empty.
    pub(crate) fn after(server: &Server, last_event_id: &str) -> Self {
        let header = match last_event_id {
            "" => String::new(),
            id => format!("\r\nlast-event-id: {id}"),
        };
        Self::from(request(server, &format!("GET /events HTTP/1.0{header}"), b""))
    }

    /// Reads until a client has seen enough.
    pub(crate) fn read_until(&mut self, enough: impl Fn(&Interpretation) -> bool) -> Interpretation {
        let deadline = Instant::now() + SOON;
        loop {
            let seen = interpret(self.body());
            if enough(&seen) {
                return seen;
            }
            assert!(self.read(deadline), "the stream ended: {}", self.response.escape_ascii());
        }
    }

    /// Reads to the end.
    pub(crate) fn read_to_end(&mut self) -> Interpretation {
        let deadline = Instant::now() + SOON;
        while self.read(deadline) {}
        interpret(self.body())
    }

    /// The bytes so far, without the head.
    pub(crate) fn body(&self) -> &[u8] {
        let head = self.response.windows(4).position(|end| end == b"\r\n\r\n");
        head.map_or(&[], |head| &self.response[head + 4..])
    }

    /// Says that it has nothing more to say, as a client does that goes; but reads on.
    pub(crate) fn close_half(&self) {
        self.client.shutdown(Shutdown::Write).unwrap();
    }

    /// Reads what comes next; false at the end.
    fn read(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "too late: {}", self.response.escape_ascii());
        self.client.set_read_timeout(Some(left)).unwrap();
        let mut chunk = [0; 4096];
        let read = self.client.read(&mut chunk).unwrap_or_else(|error| {
            panic!("{error}: {}", self.response.escape_ascii());
        });
        self.response.extend_from_slice(&chunk[..read]);
        read > 0
    }
}

impl From<TcpStream> for Events {
    fn from(client: TcpStream) -> Self {
        Self { client, response: Vec::new() }
    }
}
