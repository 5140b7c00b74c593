//! One line, or its beginning: which field it is and where its value begins.

use crate::codec::grammar::{COMMENT, DATA, EVENT, ID, RETRY};

/// A field, or what else a line can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    Comment,
    Retry,
    Event,
    Id,
    Data,
    Unknown,
}

impl LineKind {
    /// Whether such a line is a part of an event, which counts only if the event's end comes.
    pub(super) const fn is_of_event(self) -> bool {
        matches!(self, Self::Event | Self::Id | Self::Data)
    }
}

/// Each with its name and colon.
const FIELDS: [(LineKind, &[u8]); 5] = [
    (LineKind::Data, DATA.trim_ascii_end().as_bytes()),
    (LineKind::Event, EVENT.trim_ascii_end().as_bytes()),
    (LineKind::Id, ID.trim_ascii_end().as_bytes()),
    (LineKind::Comment, COMMENT.trim_ascii_end().as_bytes()),
    (LineKind::Retry, RETRY.trim_ascii_end().as_bytes()),
];

/// The beginning of a line whose field isn't known yet, or of a BOM.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefix {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Prefix {
    /// A known field with its colon and the byte after that.
    const CAPACITY: usize = RETRY.len();

    pub(super) fn as_slice(&self) -> &[u8] {
        debug_assert!(self.len <= self.bytes.len(), "a prefix is no longer than its room");
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn push(&mut self, byte: u8) {
        if let Some(free) = self.bytes.get_mut(self.len) {
            *free = byte;
            self.len = self.len.saturating_add(1);
        }
    }
}

#[inline]
pub(super) const fn is_line_break(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// The field of a line, or of the beginning of one, and where its value begins, if that can be told: there's a known field,
/// its colon, and the byte after that, which may be the one space that isn't part of the value.
#[expect(clippy::inline_always, reason = "a tenth of the decoder's time per line was the call")]
#[inline(always)]
pub(super) fn known_field(line: &[u8]) -> Option<(LineKind, usize)> {
    // The usual forms first: each is a comparison or two.
    if line.starts_with(DATA.as_bytes()) {
        return Some((LineKind::Data, DATA.len()));
    }
    if line.starts_with(EVENT.as_bytes()) {
        return Some((LineKind::Event, EVENT.len()));
    }
    if line.starts_with(ID.as_bytes()) {
        return Some((LineKind::Id, ID.len()));
    }
    FIELDS.into_iter().find_map(|(field, name)| {
        let next = line.strip_prefix(name)?.first()?;
        Some((field, name.len().wrapping_add(usize::from(*next == b' '))))
    })
}

/// What follows a line end that's surely whole.
#[inline]
pub(super) fn after_line_end(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [b'\n', after @ ..] | [b'\r', b'\n', after @ ..] => Some(after),
        _ => None,
    }
}

/// Whether this may become a known field.
pub(super) fn is_cut_field(line: &[u8]) -> bool {
    FIELDS.iter().any(|(_, name)| name.starts_with(line))
}

/// Whether this may become a field that is a part of an event.
pub(super) fn is_cut_event_field(line: &[u8]) -> bool {
    FIELDS.iter().any(|(kind, name)| kind.is_of_event() && name.starts_with(line))
}

/// The field of a whole line of which [`known_field`] knows nothing, and where its value begins: at its end.
pub(super) fn split_line(line: &[u8]) -> (LineKind, usize) {
    // "Process the field using the whole line as the field name, and the empty string as the field value"; and the
    // same with its colon for the last byte.
    let line_name = line.strip_suffix(b":").unwrap_or(line);
    let known = FIELDS.iter().find(|(_, name)| name.strip_suffix(b":") == Some(line_name));
    (known.map_or(LineKind::Unknown, |(field, _)| *field), line.len())
}
