//! How a program is called, and what it says to whom called it.

use lexopt::prelude::{Long, ValueExt};
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use url::Url;

type Outcome = Result<(), Box<dyn Error>>;

/// A server to be started from the command line.
#[derive(Debug)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// The port that it listens on if nobody asks for another.
    pub port: u16,
}

enum Call {
    Help,
    Serve(u16),
    Read(Url),
}

impl Program {
    /// Serves on the port that was asked for. What fails is told.
    pub fn run(&self, serve: impl FnOnce(u16) -> Outcome) -> ExitCode {
        self.call(false, serve, |_| Ok(()))
    }

    /// The same; but with `--url`, it's a client of such a server.
    pub fn run_or_read(
        &self,
        serve: impl FnOnce(u16) -> Outcome,
        read: impl FnOnce(&Url) -> Outcome,
    ) -> ExitCode {
        self.call(true, serve, read)
    }

    fn call(
        &self,
        reads: bool,
        serve: impl FnOnce(u16) -> Outcome,
        read: impl FnOnce(&Url) -> Outcome,
    ) -> ExitCode {
        let outcome = self.parse(reads).and_then(|call| match call {
            Call::Help => {
                print!("{}", self.help(reads));
                Ok(())
            }
            Call::Serve(port) => serve(port),
            Call::Read(url) => read(&url),
        });
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", self.name);
                ExitCode::FAILURE
            }
        }
    }

    fn parse(&self, reads: bool) -> Result<Call, Box<dyn Error>> {
        let (mut port, mut url) = (std::env::var("PORT").ok(), None);
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("port") => port = Some(arguments.value()?.string()?),
                // What's wrong with it is told without it, for it may hold a password.
                Long("url") if reads => url = Some(Url::parse(&arguments.value()?.string()?)?),
                Long("help") => return Ok(Call::Help),
                _ => return Err(argument.unexpected().into()),
            }
        }
        match (url, port) {
            (Some(url), _) if url.scheme() != "http" => {
                Err(format!("--url: not an http:// address but one of the scheme {}", url.scheme()).into())
            }
            (Some(url), _) => Ok(Call::Read(url)),
            (None, None) => Ok(Call::Serve(self.port)),
            (None, Some(port)) => {
                port.parse().map(Call::Serve).map_err(|_| format!("not a port: {port:?}").into())
            }
        }
    }

    fn help(&self, reads: bool) -> String {
        let Self { name, about, port } = self;
        let (usage, url) = if reads {
            ("[--port PORT | --url URL]", "  --url URL    don't serve, but read the stream at this address\n")
        } else {
            ("[--port PORT]", "")
        };
        format!(
            "{about}\n\nUsage: {name} {usage}\n\n  \
             --port PORT  the port on 127.0.0.1, 0 for a free one; else the variable PORT; else {port}\n\
             {url}  --help       this text\n"
        )
    }
}

/// Says where a server listens.
pub fn announce(address: SocketAddr) {
    println!("Open http://{address}/ in a browser; Ctrl-C ends it.");
}
