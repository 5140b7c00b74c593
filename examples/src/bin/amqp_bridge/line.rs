//! The socket to the broker.

use lapin::tcp::AMQPUriTcpExt;
use lapin::uri::AMQPUri;
use lapin::{AsyncTcpStream, Connection, ConnectionProperties};
use std::io::{Error, ErrorKind};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, OnceLock};

/// Hangs up when it's dropped, whatever state the connection is in.
///
/// A connection that's merely dropped waits for the broker's last word, with a thread and a socket; a broker that
/// doesn't answer would cost these with each attempt.
#[derive(Debug, Default)]
pub(crate) struct Line(OnceLock<TcpStream>);

impl Line {
    pub(crate) async fn connect(self: &Arc<Self>, broker: AMQPUri) -> lapin::Result<Connection> {
        let line = Arc::downgrade(self);
        let properties = ConnectionProperties::default().with_connection_name("amqp_bridge".into());
        let runtime = lapin::runtime::default_runtime()?;
        let connect = Connection::connector(
            broker,
            runtime,
            async move |broker, runtime| {
                let stream = broker.connect_async(&runtime).await?;
                // Nobody waits any more.
                let line = line.upgrade().ok_or(Error::from(ErrorKind::TimedOut))?;
                if let AsyncTcpStream::Plain(stream) = &stream {
                    let socket = stream.get_ref().as_fd().try_clone_to_owned()?;
                    line.0.get_or_init(|| socket.into());
                }
                Ok(stream)
            },
            properties,
        );
        connect.await
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(socket) = self.0.get() {
            // It may be gone already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
