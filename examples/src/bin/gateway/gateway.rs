//! What stands between the server upstream and the browsers.

use eventsource_hyper::Refusal;
use eventsource_tokio::channel::{Ids, PublishError, Start, Subscription};
use eventsource_tokio::client::{Attempt, Connect, HttpTransport, Reason, Step, Update};
use eventsource_tokio::codec::{EventIdBuf, Overflow};
use eventsource_tokio::{
    Channel, ChannelOptions, Decoder, Event, EventSource, EventStream, Frame, KeepAlive, LastEventId,
    OwnedEvent, Publication, StopHandle,
};
use examples::{cause, secret};
use futures_util::{StreamExt, TryFutureExt};
use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use std::error::Error;
use std::mem;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

/// A server upstream that has refused is asked again after this time, if somebody listens.
const PAUSE: Duration = Duration::from_secs(10);

pub(crate) struct Gateway {
    /// Its ids are those of the server upstream. An event that has none that could be one of the channel's has a stand-in there; its
    /// label is what's sent.
    channel: Channel<Option<Frame>>,
    /// What no id of the server upstream begins with.
    secret: String,
    /// Each listener has a receiver.
    listeners: watch::Sender<()>,
    arrived: Notify,
    /// Ends all streams with the program.
    pub(crate) stop: StopHandle,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Ends the streams that there are when the server upstream ends its own for good.
    stop: StopHandle,
    /// It has, for this reason.
    over: Option<Reason>,
    /// What the very first listener has seen.
    first: Option<LastEventId>,
}

impl Gateway {
    pub(crate) fn new() -> Self {
        Self {
            channel: Channel::with_labels(ChannelOptions::new().ids(Ids::Callers)),
            secret: secret(),
            listeners: watch::Sender::new(()),
            arrived: Notify::new(),
            stop: StopHandle::new(),
            state: Mutex::default(),
        }
    }

    /// The stream for a browser.
    pub(crate) fn listen(
        &self,
        last_event_id: LastEventId,
    ) -> Result<EventStream<Subscription<Option<Frame>>>, Refusal> {
        let mut state = self.state();
        match state.over {
            None => {}
            Some(Reason::Status(204)) => return Err(Refusal::no_content()),
            Some(reason) => {
                let refusal = Refusal::new(StatusCode::BAD_GATEWAY).body(format!("upstream: {reason}\n"));
                return Err(refusal.header(RETRY_AFTER, PAUSE.as_secs().into()));
            }
        }
        state.first.get_or_insert_with(|| last_event_id.clone());
        // Who has seen something that isn't known here any more gets all that is.
        let start = if last_event_id == LastEventId::None { Start::Live } else { Start::Oldest };
        let subscription = self.channel.subscription().resume(last_event_id).start(start).positions(false);
        let subscription = subscription.filter_map(|sent, frame| Some(sent.clone().unwrap_or(frame)));
        let subscription = subscription.begin()?;
        let listener = self.listeners.subscribe();
        self.arrived.notify_one();
        Ok(EventStream::new(subscription)
            .keep_alive(KeepAlive::default())
            .stop_on(&self.stop)
            .stop_on(&state.stop)
            .on_end(|_| drop(listener)))
    }

    /// Reads the stream upstream while somebody listens.
    pub(crate) async fn run(
        &self,
        upstream: &reqwest::RequestBuilder,
        grace: Duration,
    ) -> Result<(), Box<dyn Error>> {
        let decoder = || Decoder::new().overflow(Overflow::Skip);
        let mut resumed = decoder();
        self.somebody().await;
        if let Some(LastEventId::Id(id)) = &self.state().first {
            resumed = resumed.resume_after(id.as_id());
        }
        loop {
            self.somebody().await;
            let transport = HttpTransport::new(|attempt: Attempt| {
                // A body that is a stream is all that can't be cloned, and this request has none.
                let request = upstream.try_clone().expect("a request without a body");
                request.headers(attempt.headers()).send().map_err(reqwest::Error::without_url)
            });
            let mut source = EventSource::new(transport).decoder(resumed);
            let reason = self.read(&mut source, grace).await?;
            resumed = decoder().resume_after(source.last_event_id());
            self.end(Some(reason));
            sleep(PAUSE).await;
            self.end(None);
        }
    }

    /// Sends events on until there's no hope for more, and hangs up meanwhile when nobody listens.
    async fn read<C>(&self, source: &mut EventSource<C>, grace: Duration) -> Result<Reason, PublishError>
    where
        C: Connect<Error: Error + 'static>,
    {
        let mut nobody = pin!(self.nobody(grace));
        loop {
            tokio::select! {
                Some(update) = source.next() => match update {
                    Update::Event(event) => self.send_on(&event)?,
                    Update::Skipped(error) => eprintln!("gateway: {error}"),
                    Update::Lost(lost) => {
                        eprintln!("gateway: {}", cause(&lost));
                        if lost.retry_in.is_none() {
                            return Ok(lost.reason);
                        }
                    }
                    _ => {}
                },
                () = &mut nobody => {
                    // It hangs up, and connects once it's polled again. A wait goes on: the server upstream may have asked for it.
                    if !matches!(source.state(), Step::Wait { .. }) {
                        source.restart();
                    }
                    self.somebody().await;
                    nobody.set(self.nobody(grace));
                }
            }
        }
    }

    /// Ends the streams that there are, and says from now on why there are none.
    fn end(&self, over: Option<Reason>) {
        let mut state = self.state();
        state.over = over;
        mem::take(&mut state.stop).stop();
    }

    fn send_on(&self, event: &OwnedEvent) -> Result<(), PublishError> {
        match self.channel.publish(event) {
            Err(PublishError::MissingId | PublishError::UnresumableId | PublishError::DuplicateId) => {
                let stand_in = format!("{}-{}", self.secret, self.channel.stats().published);
                // Hexadecimal digits, a hyphen and a number have nothing that an id can't have.
                let stand_in = EventIdBuf::try_from(stand_in).expect("an id of digits");
                // It has the whole event, too, for the channel doesn't count what a label takes.
                let publication = Publication::<()>::from(Event::from(event).id(stand_in.as_id()));
                self.channel.publish(publication.label(Some(Event::from(event).into())))?;
            }
            published => drop(published?),
        }
        Ok(())
    }

    async fn somebody(&self) {
        while self.listeners.is_closed() {
            self.arrived.notified().await;
        }
    }

    /// Waits until nobody has listened for so long.
    async fn nobody(&self, grace: Duration) {
        loop {
            self.listeners.closed().await;
            tokio::select! {
                () = self.arrived.notified() => {}
                () = sleep(grace) => return,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
