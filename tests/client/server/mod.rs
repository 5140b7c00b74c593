//! A server over real sockets that answers from a script, and remembers what it was asked and when.

mod reply;
mod http1;
mod http2;

pub(crate) use reply::{End, Framing, Reply};

use rustls::ServerConfig;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    /// Without TLS, by prior knowledge.
    Http2,
}

#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
}

/// A request, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) at: Instant,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// When it came, every other one for its target was over.
    pub(crate) is_alone: bool,
    /// It was answered up to its end, or the client has gone.
    pub(crate) is_over: bool,
}

impl Exchange {
    fn new(method: &str, target: &str, fields: Vec<(String, Vec<u8>)>, body: Vec<u8>) -> Self {
        let (method, target) = (method.to_owned(), target.to_owned());
        Self { at: Instant::now(), method, target, fields, body, is_alone: true, is_over: false }
    }

    /// Returns the values of a header field.
    pub(crate) fn fields(&self, name: &str) -> Vec<&[u8]> {
        let values = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        values.map(|(_, value)| &value[..]).collect()
    }

    /// Returns the one value of a header field, if there is one.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let values = self.fields(name);
        assert!(values.len() <= 1, "{name} came more than once");
        values.first().map(|value| String::from_utf8(value.to_vec()).unwrap())
    }

    pub(crate) fn last_event_id(&self) -> Option<String> {
        self.field("last-event-id")
    }
}

type Script = Box<dyn FnMut(&Exchange) -> Reply + Send>;

struct Shared {
    tls: Option<Arc<ServerConfig>>,
    script: Mutex<Script>,
    exchanges: Mutex<Vec<Exchange>>,
    is_over: AtomicBool,
}

impl Server {
    /// Starts one that answers each request as the script says.
    pub(crate) fn start(protocol: Protocol, script: impl FnMut(&Exchange) -> Reply + Send + 'static) -> Self {
        let serve = match protocol {
            Protocol::Http1 => http1::serve,
            Protocol::Http2 => http2::serve,
        };
        Self::start_with(serve, None, script)
    }

    /// Starts one of HTTP/1.1 over TLS.
    pub(crate) fn start_with_tls(
        tls: ServerConfig,
        script: impl FnMut(&Exchange) -> Reply + Send + 'static,
    ) -> Self {
        Self::start_with(http1::serve, Some(Arc::new(tls)), script)
    }

    fn start_with(
        serve: fn(TcpListener, &Arc<Shared>),
        tls: Option<Arc<ServerConfig>>,
        script: impl FnMut(&Exchange) -> Reply + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let script = Mutex::new(Box::new(script) as Script);
        let (exchanges, is_over) = (Mutex::default(), AtomicBool::new(false));
        let shared = Arc::new(Shared { tls, script, exchanges, is_over });
        let served = Arc::clone(&shared);
        thread::spawn(move || serve(listener, &served));
        Self { address, scheme, shared }
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("{}://{}{target}", self.scheme, self.address)
    }

    /// Returns all requests so far.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.shared.exchanges().clone()
    }

    /// Returns how many requests there were.
    pub(crate) fn count(&self) -> usize {
        self.shared.exchanges().len()
    }

    /// Returns how many are still being answered.
    pub(crate) fn open(&self) -> usize {
        self.shared.exchanges().iter().filter(|exchange| !exchange.is_over).count()
    }

    pub(crate) fn last_event_ids(&self) -> Vec<Option<String>> {
        self.shared.exchanges().iter().map(Exchange::last_event_id).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        // It's looked at once somebody has come. If nobody can, nobody listens.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn exchanges(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.exchanges.lock().unwrap()
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Notes a request, and returns what to answer.
    fn begin(self: &Arc<Self>, mut exchange: Exchange) -> (Reply, InProgress) {
        let reply = (self.script.lock().unwrap())(&exchange);
        let mut exchanges = self.exchanges();
        exchange.is_alone = exchanges.iter().all(|other| other.is_over || other.target != exchange.target);
        let number = exchanges.len();
        exchanges.push(exchange);
        drop(exchanges);
        (reply, InProgress { shared: Arc::clone(self), number })
    }
}

impl core::fmt::Debug for Shared {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Shared").field("exchanges", &self.exchanges).finish_non_exhaustive()
    }
}

/// A request that's being answered, until this is dropped.
struct InProgress {
    shared: Arc<Shared>,
    number: usize,
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.shared.exchanges()[self.number].is_over = true;
    }
}
