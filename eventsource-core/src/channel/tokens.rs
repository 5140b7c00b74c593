//! The tokens of what was published.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use std::collections::HashMap;

/// The tokens of the newest publications of a log, so that one which is repeated with its token counts once.
///
/// Whoever follows a log notes each token in the order of the log, and passes over what it [has already](Self::note). So every node
/// passes over the same. The numbers of what's passed over stay holes: see [`Follower::skip`](super::Follower::skip).
///
/// ```
/// use eventsource_core::channel::Tokens;
///
/// let mut tokens = Tokens::new(1000);
/// assert_eq!(tokens.note("c0ffee", 7), None);
/// assert_eq!(tokens.note("c0ffee", 8), Some(7), "number 8 repeats number 7");
/// ```
pub struct Tokens {
    limit: usize,
    numbers: HashMap<Arc<str>, u64>,
    order: VecDeque<Arc<str>>,
}

impl Tokens {
    /// Creates a memory of the newest `limit` tokens. Zero counts as one.
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), numbers: HashMap::new(), order: VecDeque::new() }
    }

    /// Returns the number of the publication that has this token, if it's one of the newest.
    pub fn get(&self, token: &str) -> Option<u64> {
        self.numbers.get(token).copied()
    }

    /// Notes the token of the publication with a number. Returns the number of an earlier one that has it; then nothing is noted.
    pub fn note(&mut self, token: impl Into<String>, number: u64) -> Option<u64> {
        let token: Arc<str> = token.into().into();
        if let Some(earlier) = self.get(&token) {
            return Some(earlier);
        }
        self.numbers.insert(Arc::clone(&token), number);
        self.order.push_back(token);
        if self.order.len() > self.limit {
            if let Some(oldest) = self.order.pop_front() {
                self.numbers.remove(&oldest);
            }
        }
        None
    }
}

/// How many there are, never a token.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("len", &self.order.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_newest_tokens_are_known() {
        for limit in [0, 1, 10] {
            let mut tokens = Tokens::new(limit);
            for n in 0..100_u64 {
                assert_eq!(tokens.note(n.to_string(), n), None);
                assert_eq!(tokens.note(n.to_string(), 1000), Some(n));
            }
            let known = (0..100_u64).filter(|n| tokens.get(&n.to_string()).is_some()).count();
            assert_eq!((known, tokens.numbers.len()), (limit.max(1), limit.max(1)));
        }
    }
}
