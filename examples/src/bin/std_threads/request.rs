//! The head of a request, as much of it as matters here.

use eventsource_core::LastEventId;
use eventsource_core::http::accepts_event_stream;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result};

/// A head can be so long.
const MAX_HEAD: u64 = 16 * 1024;

/// What a client asks for.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) accepts_events: bool,
    pub(crate) last_event_id: LastEventId,
}

impl Request {
    /// Reads up to the blank line.
    pub(crate) fn read(client: impl Read) -> Result<Self> {
        let mut lines = BufReader::new(client.take(MAX_HEAD)).split(b'\n');
        let mut next = || lines.next().unwrap_or_else(|| Err(Error::from(ErrorKind::UnexpectedEof)));
        let first = next()?;
        let mut words = first.split(|&byte| byte == b' ').map(String::from_utf8_lossy);
        let method = words.next().unwrap_or_default().into_owned();
        let target = words.next().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default().to_owned();

        let (mut accept, mut last_event_id) = (Vec::new(), LastEventId::None);
        loop {
            let line = next()?;
            let line = line.trim_ascii();
            if line.is_empty() {
                let accepts_events = accepts_event_stream(&accept);
                return Ok(Self { method, path, accepts_events, last_event_id });
            }
            let mut parts = line.splitn(2, |&byte| byte == b':');
            let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
            match name.to_ascii_lowercase().as_slice() {
                b"accept" => accept.push(value.to_owned()),
                b"last-event-id" => last_event_id = LastEventId::parse(value.trim_ascii()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_read_and_the_rest_passed_over() {
        let head = "GET /events?a=b HTTP/1.1\r\nHost: x\r\nLast-Event-ID:  é 1 \r\naccept: */*;q=0\r\nnonsense\r\n\r\nbody";
        let request = Request::read(head.as_bytes()).unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/events"));
        assert_eq!(request.last_event_id, LastEventId::parse("é 1".as_bytes()));
        assert!(!request.accepts_events);
        assert!(Request::read(&b"GET / HTTP/1.0\n\n"[..]).unwrap().accepts_events);
    }

    #[test]
    fn a_head_ends_within_bounds() {
        for head in ["", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nhost: x"] {
            assert_eq!(
                Request::read(head.as_bytes()).unwrap_err().kind(),
                ErrorKind::UnexpectedEof,
                "{head:?}"
            );
        }
        assert!(Request::read(std::io::repeat(b'x')).is_err());
        assert!(Request::read(std::io::repeat(b'\n')).unwrap().method.is_empty());
    }
}
