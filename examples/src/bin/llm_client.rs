//! Asks the example `llm`, and prints its answer word by word.
//!
//! An answer costs money, so none is asked for twice: a question is put again only where the server has said that it hasn't begun, by the
//! status 429 or 503, and not before its `Retry-After`. What breaks off is an error. (This server would also go on where
//! it broke off; most that have a model behind them can't.)

use eventsource_tokio::client::{Attempt, HttpTransport, Policy, Update};
use eventsource_tokio::{EventSource, event_name};
use examples::{cause, harmless, web, web_url};
use futures_util::{StreamExt, TryFutureExt};
use lexopt::prelude::{Long, Value, ValueExt};
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use std::error::Error;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
Asks the example llm, and prints its answer word by word.

Usage: llm_client [--url URL] [--words N] [--idle-timeout SECONDS] PROMPT

  --url URL               where it answers [http://127.0.0.1:7804/answer]
  --words N               how many words the answer shall have [50]
  --idle-timeout SECONDS  give up after so much silence [60]
  --help                  this text
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("llm_client: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut url = web_url("http://127.0.0.1:7804/answer")?;
    let (mut words, mut prompt) = (50_u64, None);
    let mut idle_timeout = Duration::from_mins(1);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("url") => url = web_url(&arguments.value()?.string()?)?,
            Long("words") => words = arguments.value()?.parse()?,
            Long("idle-timeout") => {
                idle_timeout = Duration::try_from_secs_f64(arguments.value()?.parse()?)?;
            }
            Value(text) if prompt.is_none() => prompt = Some(text.string()?),
            Long("help") => {
                print!("{HELP}");
                return Ok(());
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let prompt = prompt.ok_or("the prompt is missing; --help says more")?;
    let question = json!({ "prompt": prompt, "words": words }).to_string();
    let question = web(None, true)?.post(url).header(CONTENT_TYPE, "application/json").body(question);
    let transport = HttpTransport::new(move |attempt: Attempt| {
        // A body that is a stream is all that can't be cloned.
        let question = question.try_clone().expect("its body is text").headers(attempt.headers());
        question.send().map_err(reqwest::Error::without_url)
    });
    let policy = Policy::answer().idle_timeout(idle_timeout);
    let mut answer = EventSource::new(transport).policy(policy);
    while let Some(update) = answer.next().await {
        match update {
            Update::Event(event) if event.name.as_name() == event_name!("done") => {
                println!();
                return Ok(());
            }
            Update::Event(word) => {
                write!(stdout(), "{}", harmless(&word.data))?;
                stdout().flush()?;
            }
            Update::Lost(lost) => match lost.retry_in {
                Some(delay) => eprintln!("-- {}; asking again in {delay:.1?}", cause(&lost)),
                None => return Err(cause(&lost).into()),
            },
            _ => {}
        }
    }
    Ok(())
}
