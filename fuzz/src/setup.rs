//! How a decoder is set up.

use crate::model::Model;
use arbitrary::Arbitrary;
use eventsource_core::Decoder;
use eventsource_core::codec::{Limits, Memory, Overflow};

/// Limits of any size, and what to do beyond them.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub struct Setup {
    limits: Option<[Size; 4]>,
    skip: bool,
    comments: bool,
}

/// From nothing to 8 MiB: a byte, and how often it's doubled.
#[derive(Clone, Copy, Debug, Arbitrary)]
struct Size(u8, u8);

impl Size {
    fn bytes(self) -> usize {
        usize::from(self.0) << (self.1 % 16)
    }
}

impl Setup {
    /// What the naive decoder is told.
    pub fn model(self) -> Model {
        let limits = self.limits.map_or_else(Limits::default, |limits| {
            let [line, event, name, id] = limits.map(Size::bytes);
            Limits::new().line(line).event(event).name(name).id(id)
        });
        let overflow = if self.skip { Overflow::Skip } else { Overflow::Stop };
        Model { limits, overflow, comments: self.comments, buffer: None }
    }

    /// Whether the decoder goes on after an error.
    pub fn skips(self) -> bool {
        self.skip
    }

    /// The decoder with these settings.
    pub fn apply<M: Memory>(self, decoder: Decoder<M>) -> Decoder<M> {
        let Model { limits, overflow, comments, .. } = self.model();
        decoder.limits(limits).overflow(overflow).comments(comments)
    }
}
