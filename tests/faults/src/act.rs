//! What a server does with a request.

use crate::seen::Request;
use std::net::SocketAddr;
use std::time::Duration;

/// One thing that a server does. When there's no more to do, it closes its side.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Sends the head of an event stream whose end is that of the connection.
    Open,
    /// Sends bytes: over HTTP/1 anything, over HTTP/2 a part of the body.
    Send(Vec<u8>),
    /// Waits until the client has handed out so many events in all.
    UntilEvents(usize),
    /// Sends this so many times, with a wait before each.
    Every(Duration, usize, &'static [u8]),
    /// Does nothing until the client closes the connection.
    Hold,
    /// Resets the connection, or over HTTP/2 the stream.
    Reset,
    /// Over HTTP/2: has the client send no more requests over this connection.
    GoAway,
    /// Over HTTP/2: gives the connection up.
    Abort,
}

/// A request, as a server looks at it to answer it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// 1 for the first.
    pub(crate) nth: usize,
    pub(crate) request: Request,
    /// The server's own.
    pub(crate) address: SocketAddr,
}

impl Asked {
    /// Returns a URL of this server, by a name that's another one than that in the client's URL.
    pub(crate) fn by_another_name(&self) -> String {
        format!("http://localhost:{}/target", self.address.port())
    }

    /// Returns the URL of another page of this server.
    pub(crate) fn target(&self) -> String {
        format!("http://{}/target", self.address)
    }
}

/// An event stream that goes like this, and ends.
pub(crate) fn stream(events: &str) -> Vec<Act> {
    vec![Act::Open, send(events)]
}

/// An event stream that goes like this, and stays open.
pub(crate) fn stay(events: &str) -> Vec<Act> {
    vec![Act::Open, send(events), Act::Hold]
}

pub(crate) fn send(text: &str) -> Act {
    Act::Send(text.into())
}

/// A response without a body. The fields are whole lines.
pub(crate) fn status(status: &str, fields: &str) -> Vec<Act> {
    let length = if status.starts_with("204") { "" } else { "Content-Length: 0\r\n" };
    vec![send(&format!("HTTP/1.1 {status}\r\n{fields}{length}Connection: close\r\n\r\n"))]
}

/// A response of this type, that would be an event stream otherwise.
pub(crate) fn of_type(field: &str) -> Vec<Act> {
    vec![send(&format!("HTTP/1.1 200 OK\r\n{field}Connection: close\r\n\r\nid: 1\ndata: süß\n\n")), Act::Hold]
}

/// A redirect to there.
pub(crate) fn redirect(code: &str, target: &str) -> Vec<Act> {
    status(code, &format!("Location: {target}\r\n"))
}
