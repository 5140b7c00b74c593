//! The answers that can be resumed.

use crate::answer::Answer;
use crate::question::Question;
use eventsource_core::EventId;
use eventsource_core::channel::SequenceId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many are kept; then the oldest has to go.
const MAX_ANSWERS: usize = 256;

/// So long each is kept.
const TIME_TO_RESUME: Duration = Duration::from_mins(10);

#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    answers: HashMap<u64, Arc<Answer>>,
    /// When each began, the oldest first.
    begun: VecDeque<(Instant, u64)>,
}

impl Answers {
    /// Begins another one, which can be resumed by whoever knows one of its ids.
    pub(crate) fn begin(&self, question: Question) -> Result<Arc<Answer>, getrandom::Error> {
        let epoch = getrandom::u64()?;
        let answer = Arc::new(Answer::new(question, epoch));
        self.table(Instant::now()).insert(Instant::now(), epoch, Arc::clone(&answer));
        Ok(answer)
    }

    /// The answer that has an event with this id, if it's still kept.
    pub(crate) fn find(&self, id: EventId<'_>) -> Option<Arc<Answer>> {
        let epoch = SequenceId::parse(id)?.epoch();
        self.table(Instant::now()).answers.get(&epoch).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.table(Instant::now()).answers.len()
    }

    /// The table as of now.
    fn table(&self, now: Instant) -> MutexGuard<'_, Table> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.expire(now);
        table
    }
}

impl Table {
    fn insert(&mut self, now: Instant, epoch: u64, answer: Arc<Answer>) {
        if self.begun.len() >= MAX_ANSWERS {
            self.forget_oldest();
        }
        self.begun.push_back((now, epoch));
        self.answers.insert(epoch, answer);
    }

    fn expire(&mut self, now: Instant) {
        while self.begun.front().is_some_and(|&(begun, _)| now.duration_since(begun) >= TIME_TO_RESUME) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, epoch)) = self.begun.pop_front() {
            self.answers.remove(&epoch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(epoch: u64) -> Arc<Answer> {
        Arc::new(Answer::new(Question { prompt: "?".to_owned(), words: 1 }, epoch))
    }

    #[test]
    fn each_is_forgotten_when_its_time_is_over() {
        let (mut table, start) = (Table::default(), Instant::now());
        table.insert(start, 1, answer(1));
        table.insert(start + Duration::from_secs(1), 2, answer(2));
        table.expire(start + TIME_TO_RESUME.saturating_sub(Duration::from_nanos(1)));
        assert_eq!(table.answers.len(), 2);
        table.expire(start + TIME_TO_RESUME);
        assert!(!table.answers.contains_key(&1) && table.answers.contains_key(&2));
        table.expire(start + TIME_TO_RESUME + Duration::from_secs(1));
        assert!(table.answers.is_empty() && table.begun.is_empty());
    }

    #[test]
    fn the_oldest_makes_room() {
        let (mut table, now) = (Table::default(), Instant::now());
        for epoch in 0..1000 {
            table.insert(now, epoch, answer(epoch));
            assert!(table.answers.len() <= MAX_ANSWERS && table.answers.contains_key(&epoch));
        }
        assert!(table.answers.keys().all(|&epoch| epoch >= 1000 - MAX_ANSWERS as u64));
    }
}
