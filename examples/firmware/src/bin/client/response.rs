//! How far a response has come.

use eventsource_core::client::Head;
use httparse::{EMPTY_HEADER, Status};

/// The response to the last request.
pub(crate) enum Response {
    /// What comes is still of an earlier connection.
    Unconnected,
    /// Its head, as far as it has come.
    Head {
        bytes: [u8; SIZE],
        len: usize,
    },
    Body,
}

/// A head may have so many bytes.
const SIZE: usize = 512;

/// And so many fields.
const FIELDS: usize = 16;

/// A head that can't be read.
pub(crate) struct BadHead;

impl Response {
    /// Begins with a head.
    pub(crate) fn new() -> Self {
        Self::Head { bytes: [0; SIZE], len: 0 }
    }

    /// Adds a byte. Returns the head once it's whole; what comes after it is the body, or another head after an interim one.
    pub(crate) fn handle_byte(&mut self, byte: u8) -> Result<Option<Head>, BadHead> {
        let Self::Head { bytes, len } = self else { return Ok(None) };
        *bytes.get_mut(*len).ok_or(BadHead)? = byte;
        *len += 1;
        let read = bytes.get(..*len).unwrap_or_default();
        if !read.ends_with(b"\r\n\r\n") {
            return Ok(None);
        }
        let mut fields = [EMPTY_HEADER; FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let Ok(Status::Complete(_)) = response.parse(read) else { return Err(BadHead) };
        let fields = response.headers.iter().map(|field| (field.name, field.value));
        let head = Head::new(response.code.ok_or(BadHead)?, fields);
        *self = if head.is_interim() { Self::new() } else { Self::Body };
        Ok(Some(head))
    }
}
