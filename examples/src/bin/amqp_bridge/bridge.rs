//! From the queue to the channel.

use crate::intake::Intake;
use crate::options::Options;
use crate::progress::Progress;
use crate::session::Session;
use eventsource_core::Channel;
use eventsource_core::stream::jitter;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

/// How long it waits before it connects anew: up to twice as long each time.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// So many ids are remembered: a multiple of what can be unacknowledged.
const IDS_PER_PREFETCH: usize = 16;
const IDS_AT_LEAST: usize = 16_384;

/// Publishes what it consumes.
///
/// A connection that has broken isn't mended but replaced: what was delivered on it can't be acknowledged any more, and is
/// delivered again on the next.
pub(crate) struct Bridge {
    options: Options,
    intake: Intake,
    progress: Arc<Progress>,
    session: Option<Session>,
    seed: u64,
}

impl Bridge {
    /// Connects. What fails now is for a person to mend, so it's not tried again.
    pub(crate) async fn start(
        options: Options,
        channel: Channel,
        progress: Arc<Progress>,
    ) -> Result<Self, Box<dyn Error>> {
        let session = Some(Session::open(&options).await?);
        let ids = (usize::from(options.prefetch.get()) * IDS_PER_PREFETCH).max(IDS_AT_LEAST);
        let intake = Intake::new(channel, Arc::clone(&progress), ids);
        Ok(Self { options, intake, progress, session, seed: getrandom::u64()? })
    }

    /// Goes on until it's stopped, whatever becomes of the broker.
    ///
    /// # Cancel safety
    /// To be dropped is to be killed: a message may have been published and not be acknowledged.
    pub(crate) async fn run(&mut self, mut stopped: oneshot::Receiver<()>) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let began = Instant::now();
            if let Some(session) = &mut self.session {
                self.progress.connected.store(true, Relaxed);
                let consumed = session.consume(&mut self.intake, &mut stopped).await;
                self.progress.connected.store(false, Relaxed);
                match consumed {
                    Ok(()) => return,
                    Err(error) => eprintln!("amqp_bridge: {error}"),
                }
            }
            if began.elapsed() > LONGEST_PAUSE {
                pause = SHORTEST_PAUSE;
            }
            self.session = None;
            self.seed = self.seed.wrapping_add(1);
            let reopen = async {
                sleep(jitter(pause / 2..=pause, self.seed)).await;
                Session::open(&self.options).await
            };
            let reopened = tokio::select! {
                _ = &mut stopped => return,
                reopened = reopen => reopened,
            };
            pause = (pause * 2).min(LONGEST_PAUSE);
            match reopened {
                Ok(session) => self.session = Some(session),
                Err(error) => eprintln!("amqp_bridge: {error}"),
            }
        }
    }

    /// Gives the broker back what wasn't published, and returns when it has read that the rest was.
    pub(crate) async fn stop(self) {
        if let Some(session) = self.session {
            session.close().await;
        }
    }
}
