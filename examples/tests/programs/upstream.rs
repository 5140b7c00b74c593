//! A server whose every connection is in the test's hands.

use crate::http::SOON;
use crate::scripted::request;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(crate) struct Upstream {
    listener: TcpListener,
    pub(crate) url: String,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        Self { listener, url }
    }

    /// The next connection, and what it asks.
    pub(crate) fn accept(&self) -> (Connection, String) {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(mut client) = self.accept_now() {
                let request = request(&mut client);
                return (Connection(client), request);
            }
            assert!(Instant::now() < deadline, "nobody comes");
            sleep(Duration::from_millis(5));
        }
    }

    /// Whether nobody has come, beside those that were accepted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.accept_now().is_none()
    }

    fn accept_now(&self) -> Option<TcpStream> {
        match self.listener.accept() {
            Ok((client, _)) => {
                client.set_nonblocking(false).unwrap();
                client.set_read_timeout(Some(SOON)).unwrap();
                Some(client)
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                None
            }
        }
    }
}

pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// Whether the client stays for so long.
    pub(crate) fn stays(&mut self, time: Duration) -> bool {
        self.0.set_read_timeout(Some(time)).unwrap();
        let stays = matches!(self.0.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
        self.0.set_read_timeout(Some(SOON)).unwrap();
        stays
    }

    /// Waits until the client has hung up.
    pub(crate) fn wait_for_end(mut self) {
        assert_eq!(self.0.read(&mut [0]).unwrap(), 0);
    }
}
