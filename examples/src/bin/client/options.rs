//! What the command line says.

use eventsource_tokio::Decoder;
use eventsource_tokio::client::Policy;
use eventsource_tokio::codec::{EventIdBuf, Overflow};
use examples::web_url;
use lexopt::prelude::{Long, Value, ValueExt};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::error::Error;
use std::fs;
use std::io::{Read, stdin};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

pub(crate) const HELP: &str = "\
Prints an event stream, and comes back where it left off when the connection breaks.

Usage: client [OPTIONS] URL

  --url URL                http:// or https://; a login in it is sent as Basic authorization
  --cacert FILE            trust these certificates (PEM) instead of the system's
  --header 'NAME: VALUE'   send this field, too; may be repeated. Redirects to other servers
                           aren't followed then
  --data TEXT|@FILE|-      POST this, a file or the standard input; as JSON unless a header
                           says otherwise
  --policy default|browser|answer
                           when to come back: as long as there's hope; as a browser does;
                           only if the server hasn't begun, for its end is the end
  --idle-timeout SECONDS   how much silence is a lost connection, 0 for any
  --last-event-id ID       begin after this event
  --count N                stop after N events
  --json                   print each event as a line of JSON
  --help                   this text

Events go to the standard output, what happens to the connection to the standard error.
The exit code is 0 after the end of an answer, status 204 or N events.
";

pub(crate) struct Options {
    pub(crate) url: Url,
    pub(crate) cacert: Option<PathBuf>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) policy: Policy,
    pub(crate) count: u64,
    pub(crate) decoder: Decoder,
    pub(crate) json: bool,
}

impl Options {
    /// None where help was asked for.
    pub(crate) fn from_env() -> Result<Option<Self>, Box<dyn Error>> {
        let (mut url, mut cacert, mut headers, mut body) = (None, None, HeaderMap::new(), None);
        let (mut policy, mut idle_timeout) = (named_policy("default")?, None);
        let (mut count, mut json) = (u64::MAX, false);
        let mut decoder = Decoder::new().overflow(Overflow::Skip);
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Value(value) if url.is_none() => url = Some(web_url(&value.string()?)?),
                Long("url") => url = Some(web_url(&arguments.value()?.string()?)?),
                Long("cacert") => cacert = Some(arguments.value()?.into()),
                Long("header") => {
                    let (name, value) = header(&arguments.value()?.string()?)?;
                    headers.append(name, value);
                }
                Long("data") => body = Some(data(&arguments.value()?.string()?)?),
                Long("policy") => policy = named_policy(&arguments.value()?.string()?)?,
                Long("idle-timeout") => {
                    idle_timeout = Some(Duration::try_from_secs_f64(arguments.value()?.parse()?)?);
                }
                Long("count") => count = arguments.value()?.parse()?,
                Long("last-event-id") => {
                    let id = EventIdBuf::try_from(arguments.value()?.string()?)?;
                    decoder = decoder.resume_after(id.as_id());
                }
                Long("json") => json = true,
                Long("help") => return Ok(None),
                _ => return Err(argument.unexpected().into()),
            }
        }
        let url = url.ok_or("the URL is missing; --help says more")?;
        if let Some(timeout) = idle_timeout {
            policy = policy.idle_timeout(timeout);
        }
        Ok(Some(Self { url, cacert, headers, body, policy, count, decoder, json }))
    }
}

/// Neither a value nor what's no field at all is told, for either may be a token.
fn header(line: &str) -> Result<(HeaderName, HeaderValue), Box<dyn Error>> {
    let (name, value) = line.split_once(':').ok_or("--header: there's no colon")?;
    let name = name.trim().parse().map_err(|error| format!("--header: {error}"))?;
    let mut value =
        HeaderValue::from_str(value.trim()).map_err(|_| format!("--header: not a value of {name}"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn data(source: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    match source.strip_prefix('@') {
        Some(file) => fs::read(file).map_err(|error| format!("--data: {file}: {error}").into()),
        None if source == "-" => {
            let mut body = Vec::new();
            stdin().read_to_end(&mut body)?;
            Ok(body)
        }
        None => Ok(source.into()),
    }
}

fn named_policy(name: &str) -> Result<Policy, Box<dyn Error>> {
    match name {
        // Somebody waits.
        "default" => Ok(Policy::default().answer_timeout(Duration::from_secs(20))),
        "browser" => Ok(Policy::browser()),
        "answer" => Ok(Policy::answer()),
        _ => Err(format!("--policy: {name:?} is none").into()),
    }
}
