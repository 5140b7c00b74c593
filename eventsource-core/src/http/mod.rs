//! What surrounds an event stream in HTTP.

mod response;
#[cfg(feature = "alloc")]
mod last_event_id;

#[cfg(feature = "alloc")]
pub use last_event_id::LastEventId;
pub use response::{CONTENT_TYPE, RESPONSE_HEAD, RESPONSE_HEADERS, accepts_event_stream, is_event_stream};
