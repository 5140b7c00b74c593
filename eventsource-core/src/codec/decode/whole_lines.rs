//! Lines that lie whole in a chunk.

use super::block::{Block, RawItem, RawText};
use super::chunk::Span;
use super::decoder::{Decoder, Line};
use super::line::{LineKind, after_line_end, known_field, split_line};
use super::{Chunk, LimitError, Memory};
use crate::codec::retry::RetryDigits;
use crate::codec::scan::find_line_break;
use core::iter::once;

impl<M: Memory> Decoder<M> {
    /// As many lines as lie whole in the chunk, are of the common fields, short, and end in LF or CRLF. What's left, if only for
    /// its length, is for [`begin_line`](Self::begin_line), which knows everything, at a few times the cost. Whether
    /// there was one.
    #[inline]
    pub(super) fn common_lines(&mut self, chunk: &mut Chunk<'_>, block: &mut Block) -> bool {
        const SHORT: usize = 1024;
        let bytes = chunk.remaining();
        let first_line = block.data.map_or(0, |data| data.len().wrapping_add(1));
        let mut event = self.data.as_slice().len().wrapping_add(first_line);
        let mut line = bytes;
        while let Some((kind, start)) = known_field(line) {
            let value = line.get(start..).unwrap_or_default();
            let Some(len) = find_line_break(value.get(..SHORT).unwrap_or(value)) else { break };
            let end = start.wrapping_add(len);
            let Some(after) = line.get(end..).and_then(after_line_end) else { break };
            let begin = bytes.len().wrapping_sub(line.len());
            let span = chunk.span(begin.wrapping_add(start), begin.wrapping_add(end));
            if end > self.bounds.always_line {
                break;
            }
            match kind {
                LineKind::Data if event.wrapping_add(len) < self.bounds.always_event => {
                    event = event.wrapping_add(len).wrapping_add(1);
                    if !self.has_data() {
                        let Some(first) = block.data.replace(span) else {
                            line = after;
                            continue;
                        };
                        block.data = None;
                        self.keep_data(chunk, Some(first));
                    }
                    self.extend_data(value.get(..len).unwrap_or_default(), value);
                }
                LineKind::Event => block.name = Some(span),
                // "If the field value does not contain U+0000 NULL."
                LineKind::Id if chunk.text(span).is_some_and(|id| !id.as_bytes().contains(&0)) => {
                    block.id = Some(span);
                }
                _ => break,
            }
            line = after;
        }
        chunk.advance(bytes.len().wrapping_sub(line.len()));
        line.len() < bytes.len()
    }

    /// A line from its first byte on.
    pub(super) fn begin_line<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        block: &mut Block,
    ) -> Result<Option<RawItem<'i>>, LimitError> {
        let line = chunk.remaining();
        if let Some((kind, start)) = known_field(line) {
            if let Some(len) = find_line_break(line.get(start..).unwrap_or_default()) {
                return self.whole_line(chunk, block, kind, start, start.wrapping_add(len));
            }
            self.keep(chunk, core::mem::take(block));
            chunk.advance(line.len());
            self.begin_value(kind, start)?;
            if let Line::Value(kind) = self.line {
                self.extend_value(kind, line.get(start..).unwrap_or_default())?;
            }
        } else if let Some(end) = find_line_break(line) {
            // Rare: a field without a colon, or an unknown one.
            let (kind, start) = split_line(line.get(..end).unwrap_or_default());
            return self.whole_line(chunk, block, kind, start, end);
        } else {
            self.begin_prefix();
        }
        Ok(None)
    }

    /// A line that lies whole in the chunk.
    fn whole_line<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        block: &mut Block,
        kind: LineKind,
        start: usize,
        end: usize,
    ) -> Result<Option<RawItem<'i>>, LimitError> {
        let span = chunk.span(start, end);
        self.count_ignored(kind);
        self.end_line(chunk, end);
        let first_line = block.data.map_or(0, |data| data.len().wrapping_add(1));
        let event = self.data.as_slice().len().wrapping_add(first_line);
        if !self.accepts(kind, start, span.len(), event)? {
            return Ok(None);
        }
        match kind {
            LineKind::Data if block.data.is_none() && !self.has_data() => block.data = Some(span),
            LineKind::Data => {
                self.keep_data(chunk, block.data.take());
                self.keep_data(chunk, Some(span));
            }
            LineKind::Event => block.name = Some(span),
            LineKind::Id => self.whole_id(chunk, block, span)?,
            LineKind::Retry | LineKind::Comment | LineKind::Unknown => {
                return self.whole_item(chunk, kind, span);
            }
        }
        Ok(None)
    }

    fn whole_id(&mut self, chunk: &mut Chunk<'_>, block: &mut Block, id: Span) -> Result<(), LimitError> {
        // "If the field value does not contain U+0000 NULL."
        if chunk.bytes(id).contains(&0) {
            return Ok(());
        }
        if chunk.text(id).is_some() {
            block.id = Some(id);
            return Ok(());
        }
        // The one before still counts if this one is too long.
        if let Some(before) = block.id.take().and_then(|id| chunk.text(id)) {
            self.has_id |= self.id.set_text(once(before));
        }
        self.scratch.clear();
        self.scratch.extend(chunk.bytes(id));
        self.keep_scratch_as_id()
    }

    /// A line that's an item by itself.
    fn whole_item<'i>(
        &mut self,
        chunk: &mut Chunk<'i>,
        kind: LineKind,
        span: Span,
    ) -> Result<Option<RawItem<'i>>, LimitError> {
        let value = chunk.bytes(span);
        match kind {
            LineKind::Retry => Ok(RetryDigits::default().followed_by(value).duration().map(RawItem::Retry)),
            LineKind::Comment => {
                if let Some(text) = chunk.text(span) {
                    return Ok(Some(RawItem::Comment(RawText::OfChunk(text))));
                }
                self.scratch.clear();
                self.scratch.extend(value);
                self.kept_comment()
            }
            _ => Ok(None),
        }
    }
}
