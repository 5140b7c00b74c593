//! One answer.

use crate::babble::next_word;
use crate::question::{MAX_WORDS, Question};
use crate::stats::Stats;
use eventsource_core::{
    Channel, ChannelOptions, EventStream, Frame, KeepAlive, LastEventId, Source, event_name,
};
use eventsource_tokio::Alarm;
use futures_util::stream;
use std::sync::Arc;
use tokio::sync::Mutex;

/// As much of an answer as there is, and what the rest is made of.
#[derive(Debug)]
pub(crate) struct Answer {
    question: Question,
    /// All of its words so far, for clients that come back. The epoch in their ids is its own, and by that it's found again.
    said: Channel,
    /// How many words that is. Whoever has the lock says the next ones.
    turn: Mutex<usize>,
}

impl Answer {
    pub(crate) fn new(question: Question, epoch: u64) -> Self {
        let (events, bytes) = (MAX_WORDS + 1, 64 << 10);
        let options = ChannelOptions::new().epoch(epoch).retain(events, bytes).live_window(events, bytes);
        Self { question, said: Channel::with_options(options), turn: Mutex::default() }
    }

    /// Whether all has been said, and nobody is at it.
    pub(crate) fn is_complete(&self) -> bool {
        self.turn.try_lock().is_ok_and(|said| *said >= self.question.words)
    }

    /// The words after `last_event_id`, then `done`. The work on the answer is a part of the stream, and is dropped with it: nobody
    /// works for a client that has gone.
    pub(crate) fn stream(
        self: Arc<Self>,
        last_event_id: LastEventId,
        stats: Arc<Stats>,
    ) -> EventStream<impl Source + Send + 'static, Alarm> {
        let said = self.said.subscribe(last_event_id);
        let work = stream::once(async move {
            self.work(&stats).await;
            // All has been said through the channel.
            Frame::default()
        });
        EventStream::new(said).merge(work).keep_alive(KeepAlive::default())
    }

    /// Says what's still to be said. If another client's stream is at it, it waits until that has gone. One that doesn't read
    /// can't keep it waiting: a whole answer goes into a connection's buffers.
    async fn work(&self, stats: &Stats) {
        let mut turn = self.turn.lock().await;
        let _working = stats.working();
        while *turn < self.question.words {
            let word = next_word(&self.question.prompt, *turn).await;
            if self.said.publish(word.as_str()).is_err() {
                return;
            }
            *turn += 1;
            stats.count_word();
        }
        // Of an answer that's complete already, it's an error, and harmless.
        let _ = self.said.publish((event_name!("done"), ""));
        self.said.close();
    }
}
