//! A buffer of a fixed size, and how much of it is used.

/// There's no more room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Full;

/// A caller's buffer, which the encoder fills, or a part of one that a decoder works in.
#[derive(Debug)]
pub struct Fixed<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl<'b> Fixed<'b> {
    pub(crate) fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn size(&self) -> usize {
        self.buffer.len()
    }

    pub(crate) fn written(&self) -> &[u8] {
        debug_assert!(self.len <= self.buffer.len(), "no more is written than there's room");
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// What's used, and what's free.
    pub(crate) fn split(&mut self) -> (&mut [u8], &mut [u8]) {
        debug_assert!(self.len <= self.buffer.len(), "no more is written than there's room");
        self.buffer.split_at_mut_checked(self.len).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn try_extend(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.len.checked_add(bytes.len()).ok_or(Full)?;
        self.buffer.get_mut(self.len..end).ok_or(Full)?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}
