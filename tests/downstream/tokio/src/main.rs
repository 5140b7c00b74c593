use eventsource_tokio::{
    Channel, EventStream, KeepAlive, LastEventId, drive, http::RESPONSE_HEAD, read,
};
use futures_util::StreamExt;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let news = Channel::new();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut client = TcpStream::connect(listener.local_addr()?).await?;

        // The server, once it has read a request: everyone who listens gets what's published.
        let (connection, _) = listener.accept().await?;
        let stream = EventStream::new(news.subscribe(LastEventId::None));
        let stream = stream.keep_alive(KeepAlive::default());
        news.publish("hello,\nworld")?;
        news.close();
        tokio::spawn(drive(stream, connection).head(RESPONSE_HEAD));

        // The client, once it has read the response's head.
        client.read_exact(&mut [0; RESPONSE_HEAD.len()]).await?;
        let event = read(client).next().await.ok_or("no event")??;
        assert_eq!(&event.data[..], "hello,\nworld");
        Ok(())
    })
}
