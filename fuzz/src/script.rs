//! A plain stream, played by hand.

use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use eventsource_core::Frame;
use futures_core::Stream;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// The hand: decides what its [`Player`] has, and sees what became of it.
#[derive(Clone, Debug, Default)]
pub struct Script(Arc<Mutex<Stage>>);

/// The stream.
#[derive(Debug)]
pub struct Player(Script);

/// What a stream may have next.
#[derive(Clone, Debug)]
pub enum Line {
    /// An item.
    Item(Frame),
    /// An item that's an error.
    Error(String),
    /// Nothing more.
    End,
}

#[derive(Debug, Default)]
struct Stage {
    lines: VecDeque<Line>,
    /// The error or the end is among the lines, or was.
    complete: bool,
    waker: Option<Waker>,
    seen: Seen,
}

/// What its reader has done so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How many items it took.
    pub items: usize,
    /// What it took after them.
    pub last: Option<Last>,
    /// Whether it has dropped the stream.
    pub dropped: bool,
}

/// What comes after the items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Last {
    /// An error.
    Error(String),
    /// The end.
    End,
}

impl Script {
    /// A script and its player.
    pub fn new() -> (Self, Player) {
        let script = Self::default();
        (script.clone(), Player(script))
    }

    /// Makes `line` the last one to be had, and says so to whoever waits. Says whether it could be: nothing comes
    /// after an error or the end.
    pub fn add(&self, line: Line) -> bool {
        let mut stage = self.lock();
        if stage.complete {
            return false;
        }
        stage.complete = !matches!(line, Line::Item(_));
        stage.lines.push_back(line);
        let waker = stage.waker.take();
        drop(stage);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// What its reader has done so far.
    pub fn seen(&self) -> Seen {
        self.lock().seen.clone()
    }

    /// Whether a reader that polls gets something, and be it the end.
    pub fn is_ready(&self) -> bool {
        let stage = self.lock();
        !stage.seen.dropped && !stage.lines.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Stream for Player {
    type Item = Result<Frame, String>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut stage = self.0.lock();
        assert!(stage.seen.last.is_none(), "a source was polled after its end");
        match stage.lines.pop_front() {
            None => {
                stage.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Some(Line::Item(frame)) => {
                stage.seen.items += 1;
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Line::Error(error)) => {
                stage.seen.last = Some(Last::Error(error.clone()));
                Poll::Ready(Some(Err(error)))
            }
            Some(Line::End) => {
                stage.seen.last = Some(Last::End);
                Poll::Ready(None)
            }
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let mut stage = self.0.lock();
        stage.seen.dropped = true;
        stage.waker = None;
    }
}
