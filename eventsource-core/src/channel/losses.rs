//! What a log has lost before it was read.

use super::log::Missed;
use alloc::collections::VecDeque;

/// The numbers of a log's events that never came here, whatever their topics.
pub(crate) struct Losses {
    /// In order.
    spans: VecDeque<Span>,
}

struct Span {
    /// After this number.
    after: u64,
    /// So many of the numbers up to `to`.
    lost: u64,
    to: u64,
    /// The turns that the log has taken with the loss: the first one and the last.
    turns: (u64, u64),
}

/// So many losses are each known by itself. The older ones are known as one, by how many events they were together.
const SPANS: usize = 64;

impl Losses {
    pub(crate) const fn new() -> Self {
        Self { spans: VecDeque::new() }
    }

    /// Notes that everything was lost after a number up to another.
    pub(crate) fn lose(&mut self, after: u64, to: u64, turn: u64) {
        self.spans.push_back(Span { after, lost: to.saturating_sub(after), to, turns: (turn, turn) });
        if self.spans.len() > SPANS {
            let oldest = self.spans.pop_front();
            if let (Some(oldest), Some(next)) = (oldest, self.spans.front_mut()) {
                next.after = oldest.after;
                next.lost = next.lost.saturating_add(oldest.lost);
                next.turns.0 = oldest.turns.0;
            }
        }
    }

    /// Returns how many were lost of those with a greater number, in later turns than `turn`.
    pub(crate) fn after(&self, number: u64, turn: u64) -> Missed {
        let newer = self.spans.iter().rev().take_while(|span| span.turns.1 > turn && span.to > number);
        newer.fold(Missed { events: 0, is_exact: true }, |missed, span| {
            let numbers = span.to.saturating_sub(span.after.max(number));
            // One that's known together is known as a whole.
            let is_whole = span.after >= number && span.turns.0 > turn;
            Missed {
                events: missed.events.saturating_add(span.lost.min(numbers)),
                is_exact: missed.is_exact && (is_whole || span.turns.0 == span.turns.1),
            }
        })
    }

    /// Returns the number of the last one lost.
    pub(crate) fn to(&self) -> u64 {
        self.spans.back().map_or(0, |span| span.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(losses: &Losses, number: u64, turn: u64) -> u64 {
        losses.after(number, turn).events
    }

    #[test]
    fn losses_after_a_number_and_a_turn_are_counted() {
        let mut losses = Losses::new();
        assert_eq!((lost(&losses, 0, 0), losses.to()), (0, 0));
        losses.lose(0, 10, 1);
        losses.lose(20, 25, 2);
        assert_eq!((lost(&losses, 0, 0), losses.to()), (15, 25));
        assert_eq!((lost(&losses, 7, 0), lost(&losses, 10, 0), lost(&losses, 22, 0)), (8, 5, 3));
        assert_eq!((lost(&losses, 25, 0), lost(&losses, 0, 1), lost(&losses, 0, 2)), (0, 5, 0));
    }

    #[test]
    fn of_many_losses_the_oldest_are_known_together() {
        let mut losses = Losses::new();
        for n in 0..1000 {
            losses.lose(n * 10, n * 10 + 3, n + 1);
        }
        assert_eq!((losses.spans.len(), lost(&losses, 0, 0)), (SPANS, 3000));
        assert_eq!(lost(&losses, 9980, 0), 6);
        assert!(
            losses.after(0, 0).is_exact && losses.after(9981, 0).is_exact && losses.after(0, 990).is_exact
        );
        assert!(!losses.after(5000, 0).is_exact && !losses.after(0, 500).is_exact);
        // Never fewer than there were.
        assert!((1500..=3000).contains(&lost(&losses, 5000, 0)));
    }
}
