#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// In the order of dependency, which is the order to read them in: nothing points up.
mod alarm;
mod body;
mod refusal;
mod answer;
mod cors;
mod respond;
mod service;
mod stall;
mod read;

#[doc(no_inline)]
pub use eventsource_core::*;

pub use alarm::HyperAlarm;
pub use answer::Answer;
pub use body::{Aborted, BoxEventBody, EventBody};
pub use cors::Cors;
#[doc(no_inline)]
pub use eventsource_core::io::BodyChunks;
pub use read::{read, read_with};
pub use refusal::Refusal;
pub use respond::{Responder, respond};
pub use service::{Answering, EventService};
pub use stall::StallGuard;
