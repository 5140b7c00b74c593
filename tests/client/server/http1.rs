//! HTTP/1.1, byte by byte: what no server should send, too.

use super::reply::{Head, Part};
use super::{End, Exchange, Framing, InProgress, Reply, Shared};
use core::time::Duration;
use rustls::{ServerConnection, StreamOwned};
use socket2::SockRef;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Serves each connection on a thread of its own.
#[expect(clippy::needless_pass_by_value, reason = "it's closed in the end")]
pub(super) fn serve(listener: TcpListener, shared: &Arc<Shared>) {
    for socket in listener.incoming() {
        if shared.is_over() {
            return;
        }
        let (socket, shared) = (socket.unwrap(), Arc::clone(shared));
        thread::spawn(move || Connection::new(socket, &shared).serve(&shared));
    }
}

trait Transport: Read + Write {}
impl<T: Read + Write> Transport for T {}

struct Connection {
    transport: Box<dyn Transport>,
    socket: TcpStream,
    received: Vec<u8>,
}

/// The client has gone, or has to be left.
struct Over;

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl Connection {
    fn new(socket: TcpStream, shared: &Shared) -> Self {
        socket.set_nodelay(true).unwrap();
        let control = socket.try_clone().unwrap();
        let transport: Box<dyn Transport> = match &shared.tls {
            None => Box::new(socket),
            Some(tls) => {
                let tls = ServerConnection::new(Arc::clone(tls)).unwrap();
                Box::new(StreamOwned::new(tls, socket))
            }
        };
        Self { transport, socket: control, received: Vec::new() }
    }

    fn serve(mut self, shared: &Arc<Shared>) {
        while let Ok(exchange) = self.read_request() {
            let (reply, in_progress) = shared.begin(exchange);
            if self.answer(reply, in_progress).is_err() {
                return;
            }
        }
    }

    fn read_request(&mut self) -> Result<Exchange, Over> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; 32];
            let mut request = httparse::Request::new(&mut fields);
            if let httparse::Status::Complete(head) = request.parse(&self.received).unwrap() {
                let fields: Vec<_> = request
                    .headers
                    .iter()
                    .map(|field| (field.name.to_owned(), field.value.to_vec()))
                    .collect();
                let length = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
                let length = length.map_or(0, |(_, len)| str::from_utf8(len).unwrap().parse().unwrap());
                if let Some(body) = self.received.get(head..head + length) {
                    let (method, target) = (request.method.unwrap(), request.path.unwrap());
                    let exchange = Exchange::new(method, target, fields, body.to_vec());
                    self.received.drain(..head + length);
                    return Ok(exchange);
                }
            }
            self.read(None)?;
        }
    }

    /// Reads something, or nothing within the time.
    fn read(&mut self, timeout: Option<Duration>) -> Result<(), Over> {
        self.socket.set_read_timeout(timeout)?;
        let mut buffer = [0; 4096];
        match self.transport.read(&mut buffer) {
            Ok(0) => Err(Over),
            Ok(len) => {
                self.received.extend_from_slice(&buffer[..len]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
            Err(_) => Err(Over),
        }
    }

    fn answer(&mut self, reply: Reply, in_progress: InProgress) -> Result<(), Over> {
        let framing = self.send_head(&reply)?;
        for part in reply.parts {
            match part {
                Part::Pause(pause) => self.read(Some(pause))?,
                Part::Bytes(bytes) if framing == Framing::Chunked => {
                    let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat();
                    self.send(&chunk)?;
                }
                Part::Bytes(bytes) => self.send(&bytes)?,
            }
        }
        // Before the client can know.
        let _in_progress = (reply.end == End::Silence).then_some(in_progress);
        match (reply.end, framing) {
            (End::Whole, Framing::Chunked) => self.send(b"0\r\n\r\n"),
            (End::Whole, Framing::Length(_)) => Ok(()),
            (End::Whole, Framing::UntilClose) | (End::Fin, _) => {
                self.socket.shutdown(Shutdown::Write)?;
                Err(Over)
            }
            (End::Reset, _) => {
                SockRef::from(&self.socket).set_linger(Some(Duration::ZERO))?;
                Err(Over)
            }
            (End::Silence, _) => loop {
                self.read(None)?;
            },
        }
    }

    fn send_head(&mut self, reply: &Reply) -> Result<Framing, Over> {
        let (status, fields, framing) = match &reply.head {
            Head::None => return Ok(Framing::UntilClose),
            Head::Raw(head) => {
                self.send(head.as_bytes())?;
                return Ok(Framing::UntilClose);
            }
            Head::Fields { status, fields, framing } => (status, fields, *framing),
        };
        let mut head = format!("HTTP/1.1 {status} Reason\r\n");
        match framing {
            Framing::Chunked => head.push_str("transfer-encoding: chunked\r\n"),
            Framing::Length(more) => {
                let lengths = reply.parts.iter().map(|part| match part {
                    Part::Bytes(bytes) => bytes.len(),
                    Part::Pause(_) => 0,
                });
                let length = lengths.sum::<usize>() + more;
                // One that has no content says no length (RFC 9110 §8.6).
                if *status != 204 {
                    write!(head, "content-length: {length}\r\n").unwrap();
                }
            }
            Framing::UntilClose => head.push_str("connection: close\r\n"),
        }
        for (name, value) in fields {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head.push_str("\r\n");
        self.send(head.as_bytes())?;
        Ok(framing)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.transport.write_all(bytes)?;
        Ok(self.transport.flush()?)
    }
}
