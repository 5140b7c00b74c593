//! The answers that can be resumed.

use crate::answer::Answer;
use crate::question::Question;
use eventsource_core::EventId;
use eventsource_core::channel::SequenceId;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many are kept.
const MAX_ANSWERS: usize = 256;

/// So many of one client are kept.
const MAX_OF_CLIENT: usize = 32;

/// So long each is kept.
const TIME_TO_RESUME: Duration = Duration::from_mins(10);

#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<Table>);

/// Why there's no room for another answer: too many broke off, and may be asked for again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NoRoom {
    /// Of this client's.
    OfThisClient,
    /// Of all clients'.
    InAll,
}

/// The oldest first.
#[derive(Debug, Default)]
struct Table(VecDeque<Kept>);

#[derive(Debug)]
struct Kept {
    begun: Instant,
    client: IpAddr,
    epoch: u64,
    answer: Arc<Answer>,
}

impl Answers {
    /// Begins another one of a client's. Whoever knows one of its ids can resume it, so nobody may guess the epoch, which is
    /// a part of these.
    pub(crate) fn begin(
        &self,
        question: Question,
        client: IpAddr,
        epoch: u64,
    ) -> Result<Arc<Answer>, NoRoom> {
        let (begun, answer) = (Instant::now(), Arc::new(Answer::new(question, epoch)));
        self.table(begun).insert(Kept { begun, client, epoch, answer: Arc::clone(&answer) })?;
        Ok(answer)
    }

    /// The answer that has an event with this id, if it's still kept.
    pub(crate) fn find(&self, id: EventId<'_>) -> Option<Arc<Answer>> {
        let epoch = SequenceId::parse(id)?.epoch();
        self.table(Instant::now())
            .0
            .iter()
            .find(|kept| kept.epoch == epoch)
            .map(|kept| Arc::clone(&kept.answer))
    }

    pub(crate) fn len(&self) -> usize {
        self.table(Instant::now()).0.len()
    }

    /// The table as of now.
    fn table(&self, now: Instant) -> MutexGuard<'_, Table> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.expire(now);
        table
    }
}

impl Table {
    /// Where a client has too many, its own oldest has to go that's complete; where there are too many of all clients, that of the
    /// client that has the most. So whoever asks much pushes out nothing that those may come back for who ask little. What broke
    /// off never goes.
    fn insert(&mut self, new: Kept) -> Result<(), NoRoom> {
        let own = self.0.iter().filter(|kept| kept.client == new.client).count();
        if own >= MAX_OF_CLIENT {
            self.forget_complete(new.client).ok_or(NoRoom::OfThisClient)?;
        } else if self.0.len() >= MAX_ANSWERS {
            let mut complete = HashMap::<_, usize>::new();
            for kept in self.0.iter().filter(|kept| kept.answer.is_complete()) {
                *complete.entry(kept.client).or_default() += 1;
            }
            let most = complete.into_iter().max_by_key(|&(_, count)| count);
            let (client, _) = most.filter(|&(_, count)| count > own + 1).ok_or(NoRoom::InAll)?;
            self.forget_complete(client).ok_or(NoRoom::InAll)?;
        }
        self.0.push_back(new);
        Ok(())
    }

    /// Forgets a client's oldest answer that's complete.
    fn forget_complete(&mut self, client: IpAddr) -> Option<Kept> {
        let is_complete = |kept: &Kept| kept.client == client && kept.answer.is_complete();
        let at = self.0.iter().position(is_complete)?;
        self.0.remove(at)
    }

    fn expire(&mut self, now: Instant) {
        while self.0.front().is_some_and(|kept| now.duration_since(kept.begun) >= TIME_TO_RESUME) {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    /// Of no words it's complete from the beginning.
    fn kept(begun: Instant, client: u8, epoch: u64, words: usize) -> Kept {
        let question = Question { prompt: "?".to_owned(), words };
        let client = Ipv4Addr::new(127, 0, 0, client).into();
        Kept { begun, client, epoch, answer: Arc::new(Answer::new(question, epoch)) }
    }

    fn epochs(table: &Table) -> Vec<u64> {
        table.0.iter().map(|kept| kept.epoch).collect()
    }

    #[test]
    fn each_is_forgotten_when_its_time_is_over() {
        let (mut table, start) = (Table::default(), Instant::now());
        table.insert(kept(start, 1, 1, 1)).unwrap();
        table.insert(kept(start + Duration::from_secs(1), 1, 2, 1)).unwrap();
        table.expire(start + TIME_TO_RESUME.saturating_sub(Duration::from_nanos(1)));
        assert_eq!(epochs(&table), [1, 2]);
        table.expire(start + TIME_TO_RESUME);
        assert_eq!(epochs(&table), [2]);
        table.expire(start + TIME_TO_RESUME + Duration::from_secs(1));
        assert!(epochs(&table).is_empty());
    }

    #[test]
    fn a_client_s_own_oldest_that_is_complete_makes_room() {
        let (mut table, now) = (Table::default(), Instant::now());
        for epoch in 0..1000 {
            // Every tenth broke off, until there are so many that one more question is refused.
            let words = usize::from(epoch % 10 == 0);
            table.insert(kept(now, 1, epoch, words)).unwrap_or_else(|no_room| {
                assert!(epoch > 310 && no_room == NoRoom::OfThisClient, "{epoch}");
            });
            assert!(table.0.len() <= MAX_OF_CLIENT);
        }
        assert_eq!(epochs(&table), (0..320).step_by(10).collect::<Vec<_>>());
        table.insert(kept(now, 2, 1000, 1)).unwrap();
    }

    #[test]
    fn who_has_the_most_makes_room_for_others_and_nobody_else_does() {
        let (mut table, now) = (Table::default(), Instant::now());
        // One of client 0; of clients 1 to 7, as many as they may have, and the rest of client 8.
        table.insert(kept(now, 0, 0, 0)).unwrap();
        for epoch in 1..MAX_ANSWERS as u64 {
            let client = u8::try_from(epoch / 32).unwrap() + 1;
            table.insert(kept(now, client, epoch, 0)).unwrap();
        }
        for epoch in 1000..1000 + MAX_ANSWERS as u64 {
            let client = u8::try_from(epoch % 200).unwrap() + 50;
            // Once everyone has about as many, there's room for no more.
            if table.insert(kept(now, client, epoch, 0)) == Err(NoRoom::InAll) {
                break;
            }
            assert_eq!(table.0.len(), MAX_ANSWERS);
            assert!(epochs(&table).contains(&0), "one that asked once loses nothing");
        }
        let of = |client: u8| {
            table.0.iter().filter(|kept| kept.client == Ipv4Addr::new(127, 0, 0, client)).count()
        };
        assert!((1..9).all(|client| of(client) < 12), "{:?}", (1..9).map(of).collect::<Vec<_>>());
    }

    #[test]
    fn what_broke_off_makes_room_for_nobody() {
        let (mut table, now) = (Table::default(), Instant::now());
        for epoch in 0..MAX_ANSWERS as u64 {
            let client = u8::try_from(epoch / 32).unwrap();
            table.insert(kept(now, client, epoch, 1)).unwrap();
        }
        assert_eq!(table.insert(kept(now, 99, 1000, 1)), Err(NoRoom::InAll));
    }
}
