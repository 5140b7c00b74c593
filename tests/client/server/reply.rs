//! What the server is to answer.

use core::time::Duration;
use hyper::body::Bytes;

/// An answer: a head, then bytes and pauses, then an end.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(super) head: Head,
    pub(super) parts: Vec<Part>,
    pub(super) end: End,
}

#[derive(Clone, Debug)]
pub(super) enum Head {
    /// There's none: the request is never answered.
    None,
    Fields {
        status: u16,
        fields: Vec<(&'static str, String)>,
        framing: Framing,
    },
    /// As it stands, over HTTP/1.1 alone. The parts follow as they are.
    Raw(&'static str),
}

#[derive(Clone, Debug)]
pub(super) enum Part {
    /// As a chunk of its own, in a write of its own.
    Bytes(Bytes),
    Pause(Duration),
}

/// How HTTP/1.1 tells where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Chunked,
    /// The length of the parts and so many bytes more, which never come.
    Length(usize),
    UntilClose,
}

/// What comes after the last part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The body is whole.
    Whole,
    /// The connection is closed in good order, whatever its framing says of the body.
    Fin,
    /// The connection is reset; over HTTP/2 the stream is.
    Reset,
    /// Nothing, until the client goes.
    Silence,
}

impl Reply {
    /// Answers with an event stream.
    pub(crate) fn stream() -> Self {
        Self::status(200).framing(Framing::Chunked).header("content-type", "text/event-stream")
    }

    /// Answers with an event stream that is this text, and ends.
    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        Self::stream().bytes(text)
    }

    pub(crate) fn status(status: u16) -> Self {
        let head = Head::Fields { status, fields: Vec::new(), framing: Framing::Length(0) };
        Self { head, parts: Vec::new(), end: End::Whole }
    }

    pub(crate) fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::status(status).header("location", location)
    }

    /// Never answers.
    pub(crate) fn never() -> Self {
        Self { head: Head::None, parts: Vec::new(), end: End::Silence }
    }

    pub(crate) fn raw(head: &'static str) -> Self {
        Self { head: Head::Raw(head), parts: Vec::new(), end: End::Fin }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Head::Fields { fields, .. } = &mut self.head {
            fields.retain(|(other, _)| *other != name);
            fields.push((name, value.into()));
        }
        self
    }

    pub(crate) fn framing(mut self, new: Framing) -> Self {
        if let Head::Fields { framing, .. } = &mut self.head {
            *framing = new;
        }
        self
    }

    pub(crate) fn bytes(mut self, bytes: impl Into<Bytes>) -> Self {
        self.parts.push(Part::Bytes(bytes.into()));
        self
    }

    pub(crate) fn pause(mut self, pause: Duration) -> Self {
        self.parts.push(Part::Pause(pause));
        self
    }

    /// Sends these one after the other, with a pause after each.
    pub(crate) fn chunks(self, chunks: impl IntoIterator<Item = Bytes>, pause: Duration) -> Self {
        chunks.into_iter().fold(self, |reply, chunk| reply.bytes(chunk).pause(pause))
    }

    pub(crate) fn end(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    pub(crate) fn silent(self) -> Self {
        self.end(End::Silence)
    }
}
