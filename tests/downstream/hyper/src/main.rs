use eventsource_hyper::{
    Channel, Drain, EventService, EventStream, HyperAlarm, KeepAlive, Refusal,
};
use http::StatusCode;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::time::Duration;
use tokio::{net::TcpListener, signal::ctrl_c};

type Alarm = HyperAlarm<TokioTimer>;

/// Asks whoever knows.
async fn may_listen(token: Option<&[u8]>) -> bool {
    token == Some(b"Bearer of good news")
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let news = Channel::new();
    let drain = Drain::new(Duration::from_secs(1)..=Duration::from_secs(5));
    let (channel, drained) = (news.clone(), drain.clone());
    let service = EventService::new(move |request, last_event_id| {
        let (news, drain) = (channel.clone(), drained.clone());
        async move {
            let token = request.headers.get("authorization").map(|token| token.as_bytes());
            if !may_listen(token).await {
                return Err(Refusal::new(StatusCode::UNAUTHORIZED));
            }
            let events = EventStream::<_, Alarm>::new(news.subscribe(last_event_id));
            Ok(events.keep_alive(KeepAlive::default()).drain_on(&drain))
        }
    });
    news.publish("the server has begun").expect("the channel is open");

    let listener = TcpListener::bind("127.0.0.1:3001").await?;
    let open = GracefulShutdown::new();
    loop {
        let (client, _) = tokio::select! {
            client = listener.accept() => client?,
            _ = ctrl_c() => break,
        };
        let client = TokioIo::new(client);
        let connection = http1::Builder::new().serve_connection(client, service.clone());
        tokio::spawn(open.watch(connection));
    }
    drain.begin(Duration::from_secs(2), Alarm::default()).await;
    open.shutdown().await;
    Ok(())
}
