//! `GET /events`.

use crate::deadline::Deadline;
use eventsource_core::http::RESPONSE_HEAD;
use eventsource_core::{Channel, EventStream, KeepAlive, LastEventId, StopHandle};
use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

/// A client that takes nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves a stream until the client goes.
pub(crate) fn serve(mut client: TcpStream, last_event_id: LastEventId, news: &Channel) -> Result<()> {
    client.set_write_timeout(Some(PATIENCE))?;
    // Without, a small event could wait for an earlier one's acknowledgement.
    client.set_nodelay(true)?;
    // At once: this is what opens a browser's EventSource.
    client.write_all(RESPONSE_HEAD.as_bytes())?;
    let gone = stop_when_gone(&client)?;
    let alarm = Deadline::default();
    let stream = EventStream::with_timer(news.subscribe(last_event_id), alarm.clone())
        .keep_alive(KeepAlive::new(Duration::from_secs(1)))
        .retry(Duration::from_secs(1))
        .stop_on(&gone);
    let mut frames = alarm.frames(stream);
    let outcome = frames.try_for_each(|frame| client.write_all(frame.as_bytes()));
    // Whoever waits for the client's end has waited enough.
    let _ = client.shutdown(Shutdown::Both);
    outcome
}

/// Stops streams when the client has closed its side. A thread waits for that: the other one sleeps, and might have nothing to
/// write for long.
fn stop_when_gone(client: &TcpStream) -> Result<StopHandle> {
    client.set_read_timeout(None)?;
    let (gone, mut client) = (StopHandle::new(), client.try_clone()?);
    let stop = gone.clone();
    thread::Builder::new().spawn(move || {
        // What it sends is dropped.
        while matches!(client.read(&mut [0; 512]), Ok(1..)) {}
        stop.stop();
    })?;
    Ok(gone)
}
