#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// In the order of dependency, which is the order to read them in: nothing points up.
mod accept;
mod last_event_id;
mod response;

#[doc(no_inline)]
pub use eventsource_core::*;
#[doc(no_inline)]
pub use eventsource_hyper::{
    Aborted, Answer, Answering, BodyChunks, BoxEventBody, Cors, EventBody, EventService, HyperAlarm, Refusal,
    Responder, StallGuard, read, read_with, respond,
};
#[doc(no_inline)]
pub use eventsource_tokio::{Alarm, Compat, Driver, EventSource, EventStream, HalfDriver, drive, drive_half};

pub use accept::{AcceptEventStream, NotAcceptable};
pub use last_event_id::LastEventIdHeader;
pub use response::Sse;
