//! What happens to one stream.

use arbitrary::{Arbitrary, Result, Unstructured};
use core::time::Duration;

/// A stream and its story.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it's made of.
    pub setup: Setup,
    /// What happens, in order.
    pub operations: Vec<Operation>,
}

/// What a stream is made of.
#[derive(Clone, Debug, Arbitrary)]
pub struct Setup {
    /// The source that it's of.
    pub first: Feed,
    /// What is merged into it, in this order.
    pub merged: [Option<Feed>; 2],
    /// Whether it's merged after all else was set.
    pub merge_last: bool,
    /// When to send a keep-alive, and which.
    pub keep_alive: Option<(Span, KeepAliveFrame)>,
    /// The maximum lifetime.
    pub lifetime: Option<Span>,
    /// The reconnection time.
    pub retry: Option<Span>,
    /// Whether it can be stopped by the first and by the second handle.
    pub stops: [bool; 2],
}

/// A source, by who feeds it.
#[derive(Clone, Copy, Debug)]
pub enum Feed {
    /// A plain stream.
    Script,
    /// An emitter whose queue has this capacity, of a few.
    Emitter(usize),
}

/// The frame of a keep-alive.
#[derive(Clone, Copy, Debug)]
pub enum KeepAliveFrame {
    /// A lone comment.
    Default,
    /// An event.
    Event,
    /// Without bytes: off.
    Empty,
}

/// A duration: mostly of a few nanoseconds, so that moments meet; sometimes for ever.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub Duration);

/// One step. Numbers wrap round at how many there are; what can't be done isn't done.
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    /// A plain stream has items, after some frames without bytes.
    Item {
        /// Which source.
        source: u8,
        /// How many items.
        items: Few,
        /// How many frames without bytes.
        empty: Few,
    },
    /// A plain stream has an error.
    Fail {
        /// Which source.
        source: u8,
    },
    /// A plain stream has an end.
    End {
        /// Which source.
        source: u8,
    },
    /// An emitter emits.
    Emit {
        /// Which source.
        source: u8,
        /// By which of its emitter's clones.
        clone: u8,
        /// A frame without bytes.
        empty: bool,
    },
    /// An emitter is cloned.
    Clone {
        /// Which source.
        source: u8,
        /// Which of its emitter's clones.
        clone: u8,
    },
    /// A clone of an emitter is dropped.
    DropClone {
        /// Which source.
        source: u8,
        /// Which of its emitter's clones.
        clone: u8,
    },
    /// Time goes by.
    Advance(Span),
    /// A handle is used.
    Stop {
        /// Which one.
        handle: bool,
    },
    /// The stream is polled once.
    Poll,
    /// The stream is polled until nothing is ready.
    Drain,
    /// The client goes.
    DropStream,
}

/// Mostly none or one, sometimes more than a stream looks at in one poll.
#[derive(Clone, Copy, Debug)]
pub struct Few(pub u8);

impl Setup {
    /// All the sources, in the order of merging.
    pub fn feeds(&self) -> impl Iterator<Item = Feed> + use<> {
        core::iter::once(self.first).chain(self.merged.into_iter().flatten())
    }
}

// The implementations spend as few bytes as possible, so that a short input is a long story.

impl<'a> Arbitrary<'a> for Scenario {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let setup = u.arbitrary()?;
        let mut operations = Vec::new();
        while !u.is_empty() {
            operations.push(u.arbitrary()?);
        }
        Ok(Self { setup, operations })
    }
}

impl<'a> Arbitrary<'a> for Feed {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        // From one to eight; the other half are scripts.
        let capacity = u.int_in_range(-7_isize..=8)?.try_into().ok().filter(|&capacity: &usize| capacity > 0);
        Ok(capacity.map_or(Self::Script, Self::Emitter))
    }
}

impl<'a> Arbitrary<'a> for KeepAliveFrame {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.choose(&[Self::Default, Self::Default, Self::Event, Self::Empty]).copied()
    }
}

/// What ends a story early is rare.
impl<'a> Arbitrary<'a> for Operation {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let kind = u.arbitrary::<u8>()?;
        Ok(match kind {
            0..=0x3f => Self::Poll,
            0x40..=0x4f => Self::Drain,
            0x50..=0x8f => Self::Emit { source: u.arbitrary()?, clone: kind % 4, empty: kind % 8 == 7 },
            0x90..=0xb7 => {
                Self::Item { source: u.arbitrary()?, items: u.arbitrary()?, empty: u.arbitrary()? }
            }
            0xb8..=0xdf => Self::Advance(u.arbitrary()?),
            0xe0..=0xe7 => Self::Clone { source: u.arbitrary()?, clone: kind % 4 },
            0xe8..=0xef => Self::DropClone { source: u.arbitrary()?, clone: kind % 4 },
            0xf0..=0xf4 => Self::End { source: u.arbitrary()? },
            0xf5..=0xf9 => Self::Fail { source: u.arbitrary()? },
            0xfa..=0xfd => Self::Stop { handle: kind % 2 == 0 },
            0xfe..=0xff => Self::DropStream,
        })
    }
}

impl<'a> Arbitrary<'a> for Span {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(match u.arbitrary::<u8>()? {
            nanos @ 0..=0x7f => Duration::from_nanos((nanos % 16).into()),
            nanos @ 0x80..=0xef => Duration::from_nanos(nanos.into()),
            0xf0..=0xf7 => Duration::from_secs(1),
            0xf8..=0xfb => Duration::from_secs(u64::MAX),
            0xfc..=0xff => Duration::MAX,
        }))
    }
}

impl<'a> Arbitrary<'a> for Few {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(match u.arbitrary::<u8>()? {
            byte @ 0..=0xbf => byte % 2,
            byte @ 0xc0..=0xdf => byte % 8,
            byte @ 0xe0..=0xff => 64 + byte % 32,
        }))
    }
}
