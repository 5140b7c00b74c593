//! The fields of an event stream (§9.2.5), as the encoder writes them and the decoder finds them first.

/// A field's name, its colon and the one space that a client takes away.
pub(crate) const COMMENT: &str = ": ";
pub(crate) const RETRY: &str = "retry: ";
pub(crate) const EVENT: &str = "event: ";
pub(crate) const ID: &str = "id: ";
pub(crate) const DATA: &str = "data: ";
