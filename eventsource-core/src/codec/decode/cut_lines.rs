//! Lines that are cut between chunks.

use super::block::RawItem;
use super::decoder::{Decoder, Line};
use super::line::{LineKind, is_cut_field, is_line_break, known_field, split_line};
use super::{Chunk, LimitError, Memory};
use crate::codec::retry::RetryDigits;
use crate::codec::scan::find_line_break;

const BOM: &[u8] = "\u{feff}".as_bytes();

impl<M: Memory> Decoder<M> {
    pub(super) fn begin_stream(&mut self, first: u8) {
        if BOM.first() == Some(&first) {
            self.begin_prefix();
        } else {
            self.at_start = false;
        }
    }

    pub(super) fn begin_prefix(&mut self) {
        self.line = Line::Prefix;
        self.prefix.clear();
    }

    /// One more byte of a line whose field isn't known yet, or of what may be a BOM.
    pub(super) fn continue_prefix(&mut self, chunk: &mut Chunk<'_>, next: u8) -> Result<(), LimitError> {
        let ended = is_line_break(next);
        if !ended {
            chunk.advance(1);
            self.prefix.push(next);
        }
        let prefix = self.prefix.clone();
        let prefix = prefix.as_slice();
        if self.at_start {
            // "One leading U+FEFF BYTE ORDER MARK character must be ignored if any are present."
            if prefix == BOM {
                self.at_start = false;
                self.line = Line::Start;
                return Ok(());
            }
            if BOM.starts_with(prefix) && !ended {
                return Ok(());
            }
            self.at_start = false;
        }
        let (kind, start) = match known_field(prefix) {
            Some(known) => known,
            None if ended => split_line(prefix),
            None if is_cut_field(prefix) => return Ok(()),
            None => (LineKind::Unknown, 0),
        };
        self.begin_value(kind, start)?;
        self.extend_value(kind, prefix.get(start..).unwrap_or_default())
    }

    /// A value that isn't whole in its chunk. It began at `start` in its line.
    pub(super) fn begin_value(&mut self, kind: LineKind, start: usize) -> Result<(), LimitError> {
        self.count_ignored(kind);
        self.line = Line::Value(kind);
        self.value_start = start;
        self.value_len = 0;
        match kind {
            LineKind::Event => self.name.clear(),
            LineKind::Id | LineKind::Comment => self.scratch.clear(),
            LineKind::Retry => self.retry = RetryDigits::default(),
            LineKind::Data | LineKind::Unknown => {}
        }
        self.extend_value(kind, &[])
    }

    pub(super) fn continue_value<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        kind: LineKind,
    ) -> Result<Option<RawItem<'i>>, LimitError> {
        let bytes = chunk.remaining();
        let end = find_line_break(bytes);
        let value = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        // Where it's too much, the line goes on as one that's dropped.
        self.extend_value(kind, value)?;
        let Some(end) = end else {
            chunk.advance(bytes.len());
            return Ok(None);
        };
        let line = self.line;
        self.end_line(chunk, end);
        match line {
            Line::Value(kind) => self.end_value(kind),
            Line::Start | Line::Prefix => Ok(None),
        }
    }

    pub(super) fn extend_value(&mut self, kind: LineKind, bytes: &[u8]) -> Result<(), LimitError> {
        let len = self.value_len.saturating_add(bytes.len());
        let event = self.data.as_slice().len().saturating_sub(self.value_len);
        let accepted = self.accepts(kind, self.value_start, len, event);
        if !matches!(accepted, Ok(true)) {
            self.line = Line::Value(LineKind::Unknown);
            return accepted.map(|_| ());
        }
        self.value_len = len;
        match kind {
            LineKind::Data => self.data.extend(bytes),
            LineKind::Event => self.name.extend(bytes),
            LineKind::Id | LineKind::Comment => self.scratch.extend(bytes),
            LineKind::Retry => self.retry = self.retry.followed_by(bytes),
            LineKind::Unknown => {}
        }
        Ok(())
    }

    fn end_value<'i>(&mut self, kind: LineKind) -> Result<Option<RawItem<'i>>, LimitError> {
        match kind {
            LineKind::Data => self.data.extend(b"\n"),
            LineKind::Id if self.scratch.as_slice().contains(&0) => {}
            LineKind::Id => self.keep_scratch_as_id()?,
            LineKind::Retry => return Ok(self.retry.duration().map(RawItem::Retry)),
            LineKind::Comment => return self.kept_comment(),
            LineKind::Event | LineKind::Unknown => {}
        }
        Ok(None)
    }
}
