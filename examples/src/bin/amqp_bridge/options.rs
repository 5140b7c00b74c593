//! What the command line says.

use lapin::types::ShortString;
use lapin::uri::{AMQPScheme, AMQPUri};
use lexopt::ValueExt;
use lexopt::prelude::Long;
use std::error::Error;
use std::num::NonZeroU16;

pub(crate) const HELP: &str = "\
The messages of a RabbitMQ queue as an event stream.

  amqp_bridge --queue orders                 start it
  curl -N http://127.0.0.1:7797/events       listen

  --queue NAME     the queue, which has to be there; nobody else may consume it
  --url URL        amqp://USER:PASSWORD@HOST:PORT/VHOST, without TLS; better in the
                   variable AMQP_URL, where others can't read the password
                                            [amqp://guest:guest@localhost:5672/%2f]
  --prefetch N     messages that may be under way, not yet acknowledged       [256]
  --retain EVENTS  the newest, for clients that come back                   [10000]
  --port PORT      on 127.0.0.1, 0 for a free one; else the variable PORT    [7797]
  --help           this text
";

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) broker: AMQPUri,
    pub(crate) queue: ShortString,
    pub(crate) prefetch: NonZeroU16,
    pub(crate) retain: usize,
    pub(crate) port: u16,
}

impl Options {
    /// None where help was asked for.
    pub(crate) fn from_env() -> Result<Option<Self>, Box<dyn Error>> {
        let variable = |name| std::env::var(name).ok();
        Self::parse(lexopt::Parser::from_env(), variable("AMQP_URL"), variable("PORT"))
    }

    fn parse(
        mut arguments: lexopt::Parser,
        mut url: Option<String>,
        mut port: Option<String>,
    ) -> Result<Option<Self>, Box<dyn Error>> {
        let (mut queue, mut prefetch, mut retain) = (None, None, None);
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("url") => url = Some(arguments.value()?.string()?),
                Long("queue") => queue = Some(arguments.value()?.string()?),
                Long("prefetch") => prefetch = Some(arguments.value()?.string()?),
                Long("retain") => retain = Some(arguments.value()?.string()?),
                Long("port") => port = Some(arguments.value()?.string()?),
                Long("help") => return Ok(None),
                _ => return Err(argument.unexpected().into()),
            }
        }
        // The URL itself isn't told: it holds a password.
        let broker: AMQPUri = url
            .as_deref()
            .unwrap_or("amqp://")
            .parse()
            .map_err(|error| format!("the broker's URL: {error}"))?;
        if broker.scheme == AMQPScheme::AMQPS {
            return Err("the broker's URL: TLS isn't built in".into());
        }
        let queue = queue.filter(|queue| !queue.is_empty()).ok_or("--queue is missing; --help says more")?;
        Ok(Some(Self {
            broker,
            queue: ShortString::try_new(queue).map_err(|error| format!("--queue: {error}"))?,
            prefetch: number("--prefetch", prefetch.as_deref().unwrap_or("256"))?,
            retain: number("--retain", retain.as_deref().unwrap_or("10000"))?,
            port: number("the port", port.as_deref().unwrap_or("7797"))?,
        }))
    }
}

fn number<T: std::str::FromStr<Err: std::fmt::Display>>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|error| format!("{name}: {error}: {value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Options>, Box<dyn Error>> {
        Options::parse(lexopt::Parser::from_args(line.split_whitespace()), None, None)
    }

    #[test]
    fn the_queue_alone_is_enough() {
        let options = parse("--queue orders").unwrap().unwrap();
        assert_eq!(options.broker, "amqp://guest:guest@localhost:5672/%2f".parse().unwrap());
        assert_eq!((options.queue.as_str(), options.prefetch.get(), options.port), ("orders", 256, 7797));
        assert!(parse("--help").unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_is_named_and_the_password_is_not() {
        for (line, expected) in [
            ("", "--queue is missing"),
            ("--queue q --prefetch 0", "--prefetch"),
            ("--queue q --prefetch 65536", "--prefetch"),
            ("--queue q --retain -1", "--retain"),
            ("--queue q --port 99999", "the port"),
            ("--queue q --url amqps://u:secret@h", "TLS"),
            ("--queue q --url http://u:secret@h", "scheme"),
            ("--queue q --url secret", "URL"),
            ("--what", "--what"),
        ] {
            let error = parse(line).expect_err(line).to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{line}: {error}");
        }
        assert!(parse(&format!("--queue {}", "q".repeat(256))).unwrap_err().to_string().contains("--queue"));
    }
}
