//! The decoder: the bytes of an event stream as events (§9.2.5, §9.2.6).
//!
//! The encoder read backwards, in the same words and the same order. Where a block lies whole in a chunk and has one line of
//! data, nothing is copied: the event is a view of the chunk. What's cut between chunks, has several lines of data, or a
//! retry or a comment to hand out between its fields, is put together in memory that's used again for the next event.
//!
//! `decoder` has the state and walks from line to line. `whole_lines` and `cut_lines` read the lines, and `dispatch` makes items
//! of blocks: they are methods of the one type, in files of their own.
//!
//! # What must change together
//! - A field or a form of a line stands in the `grammar` that the encoder shares; in `line`, by which both kinds of lines are
//!   read; and twice more for speed: `whole_lines` looks for the common fields first.
//! - What a line does to a block is done in `whole_lines` for a line that lies in its chunk, and in `cut_lines` for one that
//!   doesn't. The vectors run through every cut, so that a difference shows.
//! - A limit is checked by `limits` alone, before anything is kept. What [`Memory`] can hold is a limit too, so that its
//!   `extend` can't fail.
//! - A new piece of state has to be cleared at the end of a block (`dispatch`), on an error (`exceed`) and by
//!   [`reset`](Decoder::reset); the model in `tests/support/decoder` has to know it.

// In the order of dependency, which is the order to read them in: nothing points up.
mod work;
mod utf8;
mod line;
mod limits;
mod item;
mod chunk;
mod memory;
mod block;
mod decoder;
mod dispatch;
mod whole_lines;
mod cut_lines;
#[cfg(feature = "alloc")]
mod events;

pub use chunk::Chunk;
pub use decoder::Decoder;
#[cfg(feature = "alloc")]
pub use events::{Events, EventsError, Items, OwnedEvent, OwnedItem};
pub use item::{DecodedEvent, Item};
pub use limits::{Limit, LimitError, Limits, Overflow};
#[cfg(feature = "alloc")]
pub use memory::Growable;
pub use memory::Memory;
#[cfg(all(fuzzing, feature = "std"))]
pub use work::take_work;
