//! Names of topics.

use std::sync::Arc;

/// A topic's name, which its events carry along.
pub(crate) type TopicName = Arc<str>;

const MAX_LEN: usize = 128;

/// A name that a log, a terminal and a query can show.
pub(crate) fn check_topic(name: &str) -> Result<(), String> {
    match name.len() {
        0 => Err("a topic has a name".into()),
        1..=MAX_LEN if name.chars().any(char::is_control) => {
            Err("a topic's name has no control characters".into())
        }
        1..=MAX_LEN => Ok(()),
        len => Err(format!("a topic's name has at most {MAX_LEN} bytes, not {len}")),
    }
}
