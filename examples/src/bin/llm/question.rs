//! What's asked.

use hyper::header::{CONTENT_TYPE, HeaderMap};
use serde::Deserialize;
use std::error::Error;

/// So many words an answer can have.
pub(crate) const MAX_WORDS: usize = 500;

/// A question: a prompt, and how many words the answer is to have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    pub(crate) prompt: String,
    #[serde(default = "default_words")]
    pub(crate) words: usize,
}

fn default_words() -> usize {
    50
}

impl Question {
    /// Of a request's body: JSON, or the prompt as text.
    pub(crate) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, Box<dyn Error>> {
        let mut question = if is_json(headers) {
            serde_json::from_slice(body)?
        } else {
            Self { prompt: std::str::from_utf8(body)?.to_owned(), words: default_words() }
        };
        if question.prompt.trim().is_empty() {
            return Err("there is no prompt".into());
        }
        question.words = question.words.min(MAX_WORDS);
        Ok(question)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}
