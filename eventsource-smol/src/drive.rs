//! Writing streams.

use crate::{Alarm, EventStream};
use eventsource_core::Source;
use eventsource_core::io::WriteOnly;
use futures_io::{AsyncRead, AsyncWrite};

/// The future of [`drive`].
pub type Driver<S, C> = eventsource_core::io::Driver<S, Alarm, C>;

/// The future of [`drive_half`].
pub type HalfDriver<S, W> = eventsource_core::io::Driver<S, Alarm, WriteOnly<W>>;

/// Writes a stream to a connection whose request has been read, until either of them ends. The client's close is noticed at
/// once.
///
/// A client whose network has vanished isn't noticed by a keep-alive alone, for the system takes what's written until its send buffer
/// is full. On Linux, set a `TCP_USER_TIMEOUT` on the connection, as by
/// `socket2::SockRef::from(&connection).set_tcp_user_timeout(Some(limit))`.
///
/// What it does exactly, its errors and its cancel safety are those of [`eventsource_core::io::Driver`].
///
/// ```
/// use eventsource_smol::http::RESPONSE_HEAD;
/// use eventsource_smol::EndReason;
/// use eventsource_smol::{EventStream, drive};
/// use futures_util::{future::join, stream};
/// use smol::io::AsyncReadExt;
/// use smol::net::{TcpListener, TcpStream};
///
/// # fn main() -> std::io::Result<()> {
/// # smol::block_on(async {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let mut client = TcpStream::connect(listener.local_addr()?).await?;
/// let (connection, _) = listener.accept().await?;
///
/// let driver = drive(EventStream::new(stream::iter(["hello"])), connection).head(RESPONSE_HEAD);
/// let reading = async move {
///     let mut response = String::new();
///     client.read_to_string(&mut response).await.map(|_| response)
/// };
/// // It is done once the client has closed the connection, or some seconds after the end.
/// let (reason, response) = join(driver, reading).await;
/// assert!(response?.ends_with("\r\n\r\ndata: hello\n\n"));
/// assert_eq!(reason?, EndReason::SourceEnded);
/// # Ok(())
/// # })
/// # }
/// ```
pub fn drive<S, C>(stream: EventStream<S>, connection: C) -> Driver<S, C>
where
    S: Source,
    C: AsyncRead + AsyncWrite,
{
    Driver::new(stream, connection)
}

/// Writes a stream to the writing half of a connection, a pipe or a file. That the client has closed is noticed when a write
/// fails.
///
/// ```
/// use eventsource_smol::{EventStream, drive_half};
/// use futures_util::stream;
///
/// # fn main() -> std::io::Result<()> {
/// # smol::block_on(async {
/// let mut written = Vec::new();
/// drive_half(EventStream::new(stream::iter(["hello"])), &mut written).await?;
/// assert_eq!(written, b"data: hello\n\n");
/// # Ok(())
/// # })
/// # }
/// ```
pub fn drive_half<S, W>(stream: EventStream<S>, writer: W) -> HalfDriver<S, W>
where
    S: Source,
    W: AsyncWrite,
{
    HalfDriver::new(stream, WriteOnly::new(writer))
}
