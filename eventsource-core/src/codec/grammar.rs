//! The fields of an event stream (§9.2.5), as the encoder writes them and the decoder finds them first.

/// A field's name, its colon and the one space that a client takes away.
pub(crate) const COMMENT: &str = NEXT_COMMENT.trim_ascii_start();
pub(crate) const RETRY: &str = "retry: ";
pub(crate) const EVENT: &str = "event: ";
pub(crate) const ID: &str = "id: ";
pub(crate) const DATA: &str = NEXT_DATA.trim_ascii_start();

/// The end of a line and the beginning of the next.
pub(crate) const NEXT_COMMENT: &str = "\n: ";
pub(crate) const NEXT_DATA: &str = "\ndata: ";
