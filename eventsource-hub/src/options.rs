//! What the command line says.

use eventsource_core::channel::Lag;
use eventsource_hyper::Cors;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use lexopt::ValueExt;
use lexopt::prelude::Long;
use std::error::Error;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

pub(crate) const HELP: &str = "\
A hub: what is published to a topic goes to everyone who listens to it.

  hub                                                       start it
  curl -N 'http://127.0.0.1:7799/events?topic=news'         listen
  curl -d hello 'http://127.0.0.1:7799/publish?topic=news'  publish

and open http://127.0.0.1:7799/ in a browser.

Where it listens
  --bind ADDRESS         an IP address of this machine              [127.0.0.1]
  --port PORT            0 for a free one; else the variable PORT        [7799]

What it keeps, of each topic, for those who come back
  --retain EVENTS        the newest, so many                             [1024]
  --retain-bytes BYTES   no more than this of them                    [1048576]
  --max-topics N         topics at once; unused, empty ones go            [256]
  --max-body BYTES       of a publication                              [262144]

How it treats its clients
  --lag POLICY           a client that is so many events behind    [disconnect]
                           disconnect[:N]  is cut off, and can resume
                           drop[:N]        loses the oldest, and is told
                           conflate[:KEYS] gets the newest of each key, within
                                           --retain-bytes
  --keep-alive-ms MS     a sign of life where it is quiet, 0 for none   [15000]
  --retry-ms MS          when a client comes back that was cut off       [2000]
  --stall-ms MS          a client that takes nothing for so long goes, 0 for
                         never                                          [30000]
  --idle-ms MS           a connection without a request for so long is closed, 0
                         for never; longer than a proxy in front keeps one
                                                                       [130000]
  --drain-ms MS          how long its end takes, after SIGTERM or Ctrl-C [5000]
  --max-connections N    event streams at once                          [10000]
  --max-per-client N     of one IP address                 [half of the former]

Who may do what
  --token TOKEN          publishing needs `Authorization: Bearer TOKEN`; or set
                         HUB_TOKEN. Off loopback nobody can publish without one
  --private              listening needs it too, as a header or as ?token=TOKEN
  --cors ORIGIN...       pages of these origins may listen and publish, such as
                         https://app.example, capacitor://localhost or null
  --cors-headers NAME... they may send these header fields, too
  --cors-expose NAME...  they may read these header fields of an answer
  --cors-credentials     they may send cookies, for a proxy in front
  --host NAME...         names of proxies: a hub on loopback that is not private
                         answers only under these, localhost and 127.0.0.1

  --help                 this text
";

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) address: SocketAddr,
    pub(crate) retain_events: usize,
    pub(crate) retain_bytes: usize,
    pub(crate) lag: Lag,
    /// The newest of so many keys is kept.
    pub(crate) keys: Option<usize>,
    pub(crate) keep_alive: Duration,
    pub(crate) retry: Duration,
    pub(crate) stall: Duration,
    pub(crate) idle: Duration,
    pub(crate) drain: Duration,
    pub(crate) max_connections: usize,
    pub(crate) max_per_client: usize,
    pub(crate) max_topics: usize,
    pub(crate) max_body: usize,
    pub(crate) token: Option<String>,
    pub(crate) is_private: bool,
    pub(crate) cors: Cors,
    pub(crate) hosts: Vec<String>,
}

impl Options {
    /// How much is kept of a topic for listeners who are a little behind; no publication can be larger.
    pub(crate) fn window_events(&self) -> usize {
        self.retain_events.max(64)
    }

    /// The same in bytes.
    pub(crate) fn window_bytes(&self) -> usize {
        self.retain_bytes.max(self.max_body)
    }

    /// None where help was asked for.
    pub(crate) fn from_env() -> Result<Option<Self>, Box<dyn Error>> {
        let port = match std::env::var("PORT") {
            Ok(port) => port.parse().map_err(|_| format!("PORT is not a port: {port:?}"))?,
            Err(_) => 7799,
        };
        Self::parse(lexopt::Parser::from_env(), port, std::env::var("HUB_TOKEN").ok())
    }

    fn parse(
        mut arguments: lexopt::Parser,
        mut port: u16,
        mut token: Option<String>,
    ) -> Result<Option<Self>, Box<dyn Error>> {
        let (mut bind, mut lag, mut max_per_client) = (IpAddr::from(Ipv4Addr::LOCALHOST), None, None);
        let mut cors = CorsOptions::default();
        let mut options = Self {
            address: SocketAddr::new(bind, port),
            retain_events: 1024,
            retain_bytes: 1 << 20,
            lag: Lag::Disconnect { limit: None },
            keys: None,
            keep_alive: Duration::from_secs(15),
            retry: Duration::from_secs(2),
            stall: Duration::from_secs(30),
            idle: Duration::from_secs(130),
            drain: Duration::from_secs(5),
            max_connections: 10_000,
            max_per_client: 0,
            max_topics: 256,
            max_body: 256 << 10,
            token: None,
            is_private: false,
            cors: Cors::origins([]),
            hosts: Vec::new(),
        };
        while let Some(argument) = arguments.next()? {
            let Long(name) = argument else { return Err(argument.unexpected().into()) };
            let name = name.to_owned();
            let number = |value: OsString| named(&name, value.parse::<usize>());
            let time = |value: OsString| named(&name, value.parse::<u64>()).map(Duration::from_millis);
            match name.as_str() {
                "bind" => bind = named(&name, arguments.value()?.parse())?,
                "port" => port = named(&name, arguments.value()?.parse())?,
                "retain" => options.retain_events = number(arguments.value()?)?,
                "retain-bytes" => options.retain_bytes = number(arguments.value()?)?,
                "max-topics" => options.max_topics = number(arguments.value()?)?,
                "max-body" => options.max_body = number(arguments.value()?)?,
                "lag" => lag = Some(arguments.value()?.string()?),
                "keep-alive-ms" => options.keep_alive = time(arguments.value()?)?,
                "retry-ms" => options.retry = time(arguments.value()?)?,
                "stall-ms" => options.stall = time(arguments.value()?)?,
                "idle-ms" => options.idle = time(arguments.value()?)?,
                "drain-ms" => options.drain = time(arguments.value()?)?,
                "max-connections" => options.max_connections = number(arguments.value()?)?,
                "max-per-client" => max_per_client = Some(number(arguments.value()?)?),
                "token" => token = Some(arguments.value()?.string()?),
                "private" => options.is_private = true,
                "cors" => {
                    for origin in arguments.values()? {
                        cors.origins.push(named(&name, parse_origin(&origin.string()?))?);
                    }
                }
                "cors-headers" => {
                    for header in arguments.values()? {
                        cors.headers.push(named(&name, header.parse())?);
                    }
                }
                "cors-expose" => {
                    for header in arguments.values()? {
                        cors.exposed.push(named(&name, header.parse())?);
                    }
                }
                "cors-credentials" => cors.credentials = true,
                "host" => {
                    for host in arguments.values()? {
                        options.hosts.push(host.string()?);
                    }
                }
                "help" => return Ok(None),
                _ => return Err(Long(&name).unexpected().into()),
            }
        }
        options.address = SocketAddr::new(bind, port);
        options.max_per_client = max_per_client.unwrap_or(options.max_connections.div_ceil(2));
        (options.lag, options.keys) = parse_lag(lag.as_deref(), options.retain_events)?;
        options.cors = cors.build(token.is_some())?;
        if token
            .as_deref()
            .is_some_and(|token| token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err("a token has printable ASCII characters, at least one".into());
        }
        if options.is_private && token.is_none() {
            return Err("--private needs a --token".into());
        }
        options.token = token;
        Ok(Some(options))
    }
}

fn named<T, E: std::fmt::Display>(name: &str, value: Result<T, E>) -> Result<T, Box<dyn Error>> {
    value.map_err(|error| format!("--{name}: {error}").into())
}

/// What's said of pages of other origins.
#[derive(Debug, Default)]
struct CorsOptions {
    origins: Vec<HeaderValue>,
    headers: Vec<HeaderName>,
    exposed: Vec<HeaderName>,
    credentials: bool,
}

/// What pages may send anyway: what listening and publishing need.
const REQUEST_HEADERS: [HeaderName; 4] =
    [HeaderName::from_static("last-event-id"), AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE];

impl CorsOptions {
    fn build(self, has_token: bool) -> Result<Cors, String> {
        let is_more = self.credentials || !(self.headers.is_empty() && self.exposed.is_empty());
        if is_more && self.origins.is_empty() {
            return Err("what pages of other origins may is for those that --cors names".into());
        }
        // Every page has itself taken for null, if it likes.
        if self.origins.iter().any(|origin| origin == "null") {
            if self.credentials {
                return Err("--cors null is every page, so it can't go with --cors-credentials".into());
            }
            if !has_token {
                return Err("--cors null is every page, so it needs --token".into());
            }
        }
        let mut cors = Cors::origins(self.origins).credentials(self.credentials);
        if !self.headers.is_empty() {
            cors = cors.request_headers(REQUEST_HEADERS.into_iter().chain(self.headers));
        }
        if !self.exposed.is_empty() {
            cors = cors.expose_headers(self.exposed);
        }
        Ok(cors)
    }
}

/// `https://app.example`, as a browser sends it; of an app's own scheme, `capacitor://localhost`; or `null`.
fn parse_origin(origin: &str) -> Result<HeaderValue, String> {
    if origin == "*" {
        return Err("each origin is named, for its pages may publish, too".into());
    }
    if origin != "null" {
        let parsed = url::Url::parse(origin).map_err(|error| format!("{origin:?}: {error}"))?;
        let expected = match parsed.origin() {
            // What the standard calls opaque, browsers send all the same where it has a host.
            url::Origin::Opaque(_) => {
                let host = parsed.host_str().filter(|host| !host.is_empty());
                let host = host.ok_or_else(|| format!("{origin:?} is no origin: it has no host"))?;
                let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
                format!("{}://{host}{port}", parsed.scheme())
            }
            tuple @ url::Origin::Tuple(..) => tuple.ascii_serialization(),
        };
        if expected != origin {
            return Err(format!("{origin:?} is no origin, such as {expected:?}"));
        }
    }
    HeaderValue::from_str(origin).map_err(|error| error.to_string())
}

fn parse_lag(policy: Option<&str>, retained: usize) -> Result<(Lag, Option<usize>), Box<dyn Error>> {
    let (policy, limit) = match policy.unwrap_or("disconnect").split_once(':') {
        Some((policy, limit)) => (policy, Some(named("lag", limit.parse::<NonZeroUsize>())?.get())),
        None => (policy.unwrap_or("disconnect"), None),
    };
    match (policy, limit) {
        ("disconnect", None) => Ok((Lag::Disconnect { limit: (retained > 0).then_some(retained) }, None)),
        ("disconnect", Some(limit)) if limit > retained => Err(format!(
            "--lag: who is {limit} events behind would come back and lose some: --retain is {retained}"
        )
        .into()),
        ("disconnect", limit) => Ok((Lag::Disconnect { limit }, None)),
        ("drop", limit) => Ok((Lag::DropOldest { limit: limit.unwrap_or(retained) }, None)),
        ("conflate", keys) => Ok((Lag::Conflate, Some(keys.unwrap_or(retained)))),
        _ => Err(format!("--lag: not a policy: {policy:?}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Options>, Box<dyn Error>> {
        Options::parse(lexopt::Parser::from_args(line.split_whitespace()), 7799, None)
    }

    #[test]
    fn everything_has_a_default() {
        let options = parse("").unwrap().unwrap();
        assert_eq!(options.address, "127.0.0.1:7799".parse().unwrap());
        assert_eq!(options.lag, Lag::Disconnect { limit: Some(1024) });
        assert_eq!((options.max_connections, options.max_per_client), (10_000, 5_000));
    }

    #[test]
    fn policies() {
        for (line, lag, keys) in [
            ("--lag disconnect:5", Lag::Disconnect { limit: Some(5) }, None),
            ("--lag disconnect --retain 5", Lag::Disconnect { limit: Some(5) }, None),
            ("--retain 0", Lag::Disconnect { limit: None }, None),
            ("--lag drop:5 --retain 0", Lag::DropOldest { limit: 5 }, None),
            ("--lag conflate:5", Lag::Conflate, Some(5)),
        ] {
            let options = parse(line).unwrap().unwrap();
            assert_eq!((options.lag, options.keys), (lag, keys), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, expected) in [
            ("--lag disconnect:6 --retain 5", "--lag"),
            ("--lag sometimes", "sometimes"),
            ("--lag drop:0", "--lag"),
            ("--retain many", "--retain"),
            ("--port 99999", "--port"),
            ("--bind localhost", "--bind"),
            ("--cors example.com", "--cors"),
            ("--cors https://example.com/page", "--cors"),
            ("--cors", "cors"),
            ("--cors *", "named"),
            ("--cors capacitor:localhost", "host"),
            ("--cors file:///index.html", "host"),
            ("--cors tauri://localhost/", "--cors"),
            ("--cors tauri://user@localhost", "--cors"),
            ("--cors Tauri://localhost", "--cors"),
            ("--cors https://a.example --cors-headers x,y", "--cors-headers"),
            ("--cors https://a.example --cors-expose", "cors-expose"),
            ("--cors-headers x-session", "--cors"),
            ("--cors-expose x-session", "--cors"),
            ("--cors-credentials", "--cors"),
            ("--cors null --cors-credentials --token x", "--cors-credentials"),
            ("--cors null", "--token"),
            ("--idle-ms soon", "--idle-ms"),
            ("--private", "--token"),
            ("--token ü", "token"),
            ("--nonsense", "--nonsense"),
            ("nonsense", "nonsense"),
        ] {
            let error = parse(line).expect_err(line).to_string();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn several_origins() {
        let line = "--cors https://a.example http://b.example:8080 capacitor://localhost tauri://localhost \
                    chrome-extension://abcdefghijklmnop app://host:81 null --token x --port 1";
        assert!(parse(line).unwrap().is_some());
    }
}
